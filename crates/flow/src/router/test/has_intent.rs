//! Router test `has_intent`.

use super::outcome::unmatched;
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_intent", "result, name, confidence", (3, 3), test);

#[expect(clippy::unnecessary_wraps, reason = "all functions have one signature")]
fn test(_: &mut Scope, _: &[Value]) -> Result<Value> {
    Ok(unmatched())
}
