//! Router test `has_phrase`.

use super::outcome::{matched, unmatched};
use super::{joined, words};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_phrase", "text, phrase", (2, 2), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, phrase) = (args[0].to_text()?, args[1].to_text()?);
    let (words, wanted) = (words(scope.env, &text), words(scope.env, &phrase));
    if wanted.is_empty() {
        return Ok(matched(""));
    }
    let mut found = 0;
    for (place, word) in words.iter().enumerate() {
        found = if word.same(&wanted[found]) { found + 1 } else { 0 };
        if found == wanted.len() {
            return Ok(matched(joined(&words[place + 1 - found..=place])));
        }
    }
    Ok(unmatched())
}
