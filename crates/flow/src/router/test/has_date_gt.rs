//! Router test `has_date_gt`.

use super::dates::{find, local_day};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new(
    "has_date_gt",
    "text, date",
    (2, 2),
    test,
    "Whether there is a date after another in the text; days are compared.",
    &[
        ("@(has_date_gt(\"the date is 15/01/2017\", \"2017-01-01\"))", "true"),
        ("@(has_date_gt(\"the date is 15/01/2017\", \"2017-01-15\"))", "false"),
    ],
);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let day = local_day(scope, &args[1])?;
    find(scope, &args[0], |date| date > day)
}
