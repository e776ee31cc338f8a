//! Router test `has_email`.

use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};
use regex::Regex;
use std::sync::LazyLock;

pub(super) static TEST: Native = Native::new("has_email", "text", (1, 1), test);

static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[\p{L}\p{N}_][-+_.\p{L}\p{N}]*@[\p{L}\p{N}][-_\p{L}\p{N}]*(\.[-_\p{L}\p{N}]+)+").ok()
});

fn test(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let found = ADDRESS.as_ref().and_then(|address| address.find(&text));
    Ok(found.map_or_else(unmatched, |found| matched(found.as_str())))
}
