//! Router test `has_district`.

use super::outcome::unmatched;
use super::places::{enabled, first, only};
use crate::environment::Level;
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_district", "text [, state]", (1, 2), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let locations = enabled(scope)?;
    let Some(state) = args.get(1).map(Value::to_text).transpose()? else {
        return Ok(only(&locations.find(scope.env, Level::District, &text, None)));
    };
    let states = locations.find(scope.env, Level::State, &state, None);
    let found = states.first().map(|state| locations.find(scope.env, Level::District, &text, Some(state)));
    Ok(found.map_or_else(unmatched, |found| first(&found)))
}
