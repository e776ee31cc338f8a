//! Router test `has_date`.

use super::dates::find;
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_date", "text", (1, 1), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    find(scope, &args[0], |_| true)
}
