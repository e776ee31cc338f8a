//! Router test `has_date_eq`.

use super::dates::{find, local_day};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new(
    "has_date_eq",
    "text, date",
    (2, 2),
    test,
    "Whether there is a date on a given day in the text; days are compared.",
    &[
        ("@(has_date_eq(\"the date is 15/01/2017\", \"2017-01-15\"))", "true"),
        ("@(has_date_eq(\"the date is 15/01/2017\", \"2017-01-16\"))", "false"),
    ],
);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let day = local_day(scope, &args[1])?;
    find(scope, &args[0], |date| date == day)
}
