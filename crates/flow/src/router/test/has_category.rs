//! Router test `has_category`.

use super::outcome::{matched, unmatched};
use crate::expression::error::fail;
use crate::expression::function::{MANY, Native};
use crate::expression::{Result, Scope, Value};

pub(super) static TEST: Native = Native::new("has_category", "result, categories...", (2, MANY), test);

fn test(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let category = match &args[0] {
        Value::Object(result) => result.get("category"),
        _ => None,
    };
    let Some(category) = category else { fail!("first argument must be a result") };
    let category = category.to_text()?;
    for wanted in &args[1..] {
        if wanted.to_text()? == category {
            return Ok(matched(category));
        }
    }
    Ok(unmatched())
}
