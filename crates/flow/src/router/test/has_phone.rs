//! Router test `has_phone`.

use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};
use base::phone;
use regex::Regex;
use std::sync::LazyLock;

pub(super) static TEST: Native = Native::new("has_phone", "text [, country]", (1, 2), test);

/// What may be a number: enough digits, with the signs that people put between them.
static CANDIDATE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\+?[0-9 .()\-]{5,}").ok());

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let country = args.get(1).map(Value::to_text).transpose()?;
    let country = country.as_deref().filter(|c| !c.is_empty()).or(scope.env.default_country.as_deref());
    let mut candidates = CANDIDATE.iter().flat_map(|candidate| candidate.find_iter(&text));
    let found = candidates.find_map(|found| phone::e164(found.as_str().trim(), country));
    Ok(found.map_or_else(unmatched, matched))
}
