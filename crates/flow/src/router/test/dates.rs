//! Dates in text, as the `has_date` tests find them.

use jiff::civil::Date;

use super::outcome::{matched, unmatched};
use crate::expression::convert::to_datetime;
use crate::expression::{Result, Scope, Value};

/// The date of a text, if its day in the environment's timezone passes.
pub(super) fn find(scope: &Scope, value: &Value, passes: impl Fn(Date) -> bool) -> Result<Value> {
    let text = value.to_text()?;
    let found = scope.env.parse_datetime(&text, scope.now, true);
    let found = found.filter(|at| passes(at.with_time_zone(scope.env.timezone.clone()).date()));
    Ok(found.map_or_else(unmatched, matched))
}

/// The day of a date or datetime in the environment's timezone.
pub(super) fn local_day(scope: &Scope, value: &Value) -> Result<Date> {
    Ok(to_datetime(scope, value)?.with_time_zone(scope.env.timezone.clone()).date())
}
