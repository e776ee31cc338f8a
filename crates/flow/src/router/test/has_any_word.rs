//! Router test `has_any_word`.

use super::collated;
use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::words::words;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new(
    "has_any_word",
    "text, words",
    (2, 2),
    test,
    "Whether the text has any of the words; the match is those it has.",
    &[
        ("@(has_any_word(\"The Quick Brown Fox\", \"fox quick\").match)", "Quick Fox"),
        ("@(has_any_word(\"The Quick Brown Fox\", \"dog\"))", "false"),
    ],
);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, wanted) = (args[0].to_text()?, args[1].to_text()?);
    let wanted = collated(scope.env, &wanted);
    let found: Vec<&str> = words(&text).filter(|word| wanted.contains(&scope.env.collate(word))).collect();
    Ok(if found.is_empty() { unmatched() } else { matched(found.join(" ")) })
}
