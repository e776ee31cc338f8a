//! Locations in text, as `has_state`, `has_district` and `has_ward` find them.

use super::outcome::{matched, unmatched};
use crate::environment::{Location, Locations};
use crate::expression::error::fail;
use crate::expression::{Result, Scope, Value};

/// The locations to search.
pub(super) fn enabled<'a>(scope: &Scope<'a>) -> Result<&'a Locations> {
    match scope.locations {
        Some(locations) => Ok(locations),
        None => fail!("can't find locations in environment which is not location enabled"),
    }
}

/// The first location found.
pub(super) fn first(found: &[&Location]) -> Value {
    found.first().map_or_else(unmatched, |location| matched(location.path.as_str()))
}

/// The location found, if it is the only one.
pub(super) fn only(found: &[&Location]) -> Value {
    match found {
        [location] => matched(location.path.as_str()),
        _ => unmatched(),
    }
}
