//! Router test `has_group`.

use super::outcome::{matched, unmatched};
use crate::expression::convert::{to_array, to_object};
use crate::expression::function::Native;
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_group", "groups, uuid [, name]", (2, 3), test);

fn test(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (groups, uuid) = (to_array(&args[0])?, args[1].to_text()?);
    for group in groups.iter() {
        let found = to_object(group)?.get("uuid").unwrap_or_default().to_text()?;
        if found == uuid {
            return Ok(matched(group.clone()));
        }
    }
    Ok(unmatched())
}
