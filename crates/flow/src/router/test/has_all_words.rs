//! Router test `has_all_words`.

use super::collated;
use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::words::words;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new(
    "has_all_words",
    "text, words",
    (2, 2),
    test,
    "Whether the text has all of the words, in any order.",
    &[
        ("@(has_all_words(\"the quick brown FOX\", \"fox the\").match)", "the FOX"),
        ("@(has_all_words(\"the quick fox\", \"fox dog\"))", "false"),
    ],
);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, wanted) = (args[0].to_text()?, args[1].to_text()?);
    let wanted = collated(scope.env, &wanted);
    let present = collated(scope.env, &text);
    if !wanted.iter().all(|word| present.contains(word)) {
        return Ok(unmatched());
    }
    let found: Vec<&str> =
        words(&text).zip(&present).filter(|(_, word)| wanted.contains(word)).map(|(word, _)| word).collect();
    Ok(matched(found.join(" ")))
}
