//! Router test `has_number`.

use super::numbers::find;
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_number", "text", (1, 1), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    find(scope, &args[0], |_| true)
}
