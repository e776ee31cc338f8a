//! Router test `has_only_phrase`.

use super::outcome::{matched, unmatched};
use super::{joined, words};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_only_phrase", "text, phrase", (2, 2), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, phrase) = (args[0].to_text()?, args[1].to_text()?);
    let (words, wanted) = (words(scope.env, &text), words(scope.env, &phrase));
    let same = words.len() == wanted.len() && words.iter().zip(&wanted).all(|(word, wanted)| word.same(wanted));
    Ok(if same { matched(joined(&words)) } else { unmatched() })
}
