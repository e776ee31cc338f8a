//! Router test `has_phrase`.

use super::collated;
use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::words::words;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new(
    "has_phrase",
    "text, phrase",
    (2, 2),
    test,
    "Whether the words of a phrase stand in the text, in order and side by side.",
    &[
        ("@(has_phrase(\"the Quick Brown fox\", \"quick brown\").match)", "Quick Brown"),
        ("@(has_phrase(\"the quick fox\", \"the fox\"))", "false"),
    ],
);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, phrase) = (args[0].to_text()?, args[1].to_text()?);
    let wanted = collated(scope.env, &phrase);
    if wanted.is_empty() {
        return Ok(matched(""));
    }
    let mut found = Vec::with_capacity(wanted.len());
    for word in words(&text) {
        if scope.env.collate(word) != wanted[found.len()] {
            found.clear();
            continue;
        }
        found.push(word);
        if found.len() == wanted.len() {
            return Ok(matched(found.join(" ")));
        }
    }
    Ok(unmatched())
}
