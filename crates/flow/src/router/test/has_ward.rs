//! Router test `has_ward`.

use super::outcome::unmatched;
use super::places::{enabled, first, only};
use crate::environment::Level;
use crate::expression::error::fail;
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_ward", "text [, state, district]", (1, 3), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    let locations = enabled(scope)?;
    let (state, district) = match args {
        [_] => return Ok(only(&locations.find(scope.env, Level::Ward, &text, None))),
        [_, state, district] => (state.to_text()?, district.to_text()?),
        _ => fail!("need 1 or 3 argument(s), got {}", args.len()),
    };
    let states = locations.find(scope.env, Level::State, &state, None);
    let districts = states.first().map(|state| locations.find(scope.env, Level::District, &district, Some(state)));
    let district = districts.and_then(|districts| districts.first().copied());
    let found = district.map(|district| locations.find(scope.env, Level::Ward, &text, Some(district)));
    Ok(found.map_or_else(unmatched, |found| first(&found)))
}
