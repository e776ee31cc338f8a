//! Router test `has_date_lt`.

use super::dates::{find, local_day};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new(
    "has_date_lt",
    "text, date",
    (2, 2),
    test,
    "Whether there is a date before another in the text; days are compared.",
    &[
        ("@(has_date_lt(\"the date is 15/01/2017\", \"2017-06-01\"))", "true"),
        ("@(has_date_lt(\"the date is 15/01/2017\", \"2017-01-15\"))", "false"),
    ],
);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let day = local_day(scope, &args[1])?;
    find(scope, &args[0], |date| date < day)
}
