//! Router test `has_time`.

use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new(
    "has_time",
    "text",
    (1, 1),
    test,
    "Whether there is a time of day in the text.",
    &[
        ("@(has_time(\"the time is 10 PM\").match)", "22:00:00.000000"),
        ("@(has_time(\"just the number 25\"))", "false"),
    ],
);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    Ok(scope.env.parse_time(&text).map_or_else(unmatched, matched))
}
