//! Router test `has_only_text`.

use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_only_text", "text, other", (2, 2), test);

fn test(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, other) = (args[0].to_text()?, args[1].to_text()?);
    Ok(if text == other { matched(text) } else { unmatched() })
}
