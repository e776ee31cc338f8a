//! Router test `has_value`.

use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_value", "text", (1, 1), test);

fn test(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    super::has_text::test(scope, args)
}
