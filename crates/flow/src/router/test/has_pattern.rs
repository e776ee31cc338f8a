//! Router test `has_pattern`.

use super::outcome::{matched_with, unmatched};
use crate::expression::error::fail;
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value, regex};

pub(super) static TEST: Native = Native::new("has_pattern", "text, pattern", (2, 2), test);

fn test(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, pattern) = (args[0].to_text()?, args[1].to_text()?);
    let Some(regex) = regex::compile(&pattern) else { fail!("must be called with a valid regular expression") };
    let Some(groups) = regex.captures(&text) else { return Ok(unmatched()) };
    let extra =
        groups.iter().enumerate().map(|(i, group)| (i.to_string(), Value::from(group.map_or("", |g| g.as_str()))));
    Ok(matched_with(&groups[0], Value::object(extra)))
}
