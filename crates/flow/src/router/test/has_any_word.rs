//! Router test `has_any_word`.

use super::outcome::{matched, unmatched};
use super::{joined, words};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_any_word", "text, words", (2, 2), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, wanted) = (args[0].to_text()?, args[1].to_text()?);
    let (words, wanted) = (words(scope.env, &text), words(scope.env, &wanted));
    let mut found = words.iter().filter(|word| word.is_in(&wanted)).peekable();
    Ok(if found.peek().is_some() { matched(joined(found)) } else { unmatched() })
}
