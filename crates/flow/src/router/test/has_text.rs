//! Router test `has_text`.

use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_text", "text", (1, 1), test);

pub(super) fn test(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let trimmed = text.trim();
    Ok(if trimmed.is_empty() { unmatched() } else { matched(trimmed) })
}
