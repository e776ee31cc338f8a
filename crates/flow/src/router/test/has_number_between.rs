//! Router test `has_number_between`.

use super::numbers::find;
use crate::expression::convert::to_number;
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_number_between", "text, min, max", (3, 3), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (min, max) = (to_number(&args[1])?, to_number(&args[2])?);
    find(scope, &args[0], |number| number >= min && number <= max)
}
