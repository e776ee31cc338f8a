//! Router test `has_time`.

use super::outcome::{matched, unmatched};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_time", "text", (1, 1), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    Ok(scope.env.parse_time(&text).map_or_else(unmatched, matched))
}
