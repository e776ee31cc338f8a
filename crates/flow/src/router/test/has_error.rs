//! Router test `has_error`.

use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_error", "value", (1, 1), test).taking_errors();

#[expect(clippy::unnecessary_wraps, reason = "all functions have one signature")]
fn test(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(match &args[0] {
        Value::Error(error) => matched(error.reason()),
        _ => unmatched(),
    })
}
