//! Router test `has_number`.

use super::numbers::find;
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new(
    "has_number",
    "text",
    (1, 1),
    test,
    "Whether there is a number in the text.",
    &[("@(has_number(\"the number is 42\").match)", "42"), ("@(has_number(\"the number is forty two\"))", "false")],
);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    find(scope, &args[0], |_| true)
}
