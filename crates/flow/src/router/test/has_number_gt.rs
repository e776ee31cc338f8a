//! Router test `has_number_gt`.

use super::numbers::find;
use crate::expression::convert::to_number;
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_number_gt", "text, number", (2, 2), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let bound = to_number(&args[1])?;
    find(scope, &args[0], |number| number > bound)
}
