//! Router test `has_date`.

use super::dates::find;
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new(
    "has_date",
    "text",
    (1, 1),
    test,
    "Whether there is a date in the text; without a time it has the current one.",
    &[("@(has_date(\"the date is 15/01/2017\"))", "true"), ("@(has_date(\"the year 2017\"))", "false")],
);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    find(scope, &args[0], |_| true)
}
