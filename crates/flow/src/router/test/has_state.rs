//! Router test `has_state`.

use super::outcome::{matched, unmatched};
use super::places::enabled;
use crate::environment::Level;
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_state", "text", (1, 1), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let found = enabled(scope)?.find(scope.env, Level::State, &text, None);
    Ok(found.first().map_or_else(unmatched, |state| matched(state.path.as_str())))
}
