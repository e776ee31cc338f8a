//! Router test `has_intent`.

use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};
use super::outcome::unmatched;

pub(super) static TEST: Native = Native::new(
    "has_intent",
    "result, name, confidence",
    (3, 3),
    test,
    "No longer supported: always false.",
    &[("@(has_intent(object(), \"book\", 0.5))", "false")],
);

fn test(_: &mut Scope, _: &[Value]) -> Result<Value> {
    Ok(unmatched())
}
