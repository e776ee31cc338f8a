//! Router test `has_date_eq`.

use super::dates::{find, local_day};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_date_eq", "text, date", (2, 2), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let day = local_day(scope, &args[1])?;
    find(scope, &args[0], |date| date == day)
}
