//! Router test `has_beginning`.

use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_beginning", "text, start", (2, 2), test);

fn test(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, start) = (args[0].to_text()?, args[1].to_text()?);
    let (text, start) = (text.trim(), start.trim());
    let length = start.chars().count();
    let end = text.char_indices().nth(length).map_or(text.len(), |(at, _)| at);
    let found = &text[..end];
    Ok(if !start.is_empty() && found.to_lowercase() == start.to_lowercase() { matched(found) } else { unmatched() })
}
