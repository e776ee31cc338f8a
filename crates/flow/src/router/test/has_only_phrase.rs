//! Router test `has_only_phrase`.

use super::collated;
use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::words::words;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new(
    "has_only_phrase",
    "text, phrase",
    (2, 2),
    test,
    "Whether the text has the words of a phrase and no others.",
    &[
        ("@(has_only_phrase(\"Quick Brown!\", \"quick brown\").match)", "Quick Brown"),
        ("@(has_only_phrase(\"a quick fox\", \"quick fox\"))", "false"),
    ],
);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, phrase) = (args[0].to_text()?, args[1].to_text()?);
    if collated(scope.env, &text) != collated(scope.env, &phrase) {
        return Ok(unmatched());
    }
    Ok(matched(words(&text).collect::<Vec<_>>().join(" ")))
}
