//! Choosing between values, and errors.

use super::{MANY, Native};
use crate::expression::error::Result;
use crate::expression::{Scope, Value};

pub(super) static FUNCTIONS: &[Native] = &[
    Native::new("and", "values...", (1, MANY), and).taking_errors(),
    Native::new("or", "values...", (1, MANY), or).taking_errors(),
    Native::new("if", "test, value, otherwise", (3, 3), choose).taking_errors(),
    Native::new("default", "value, alternative", (2, 2), default).taking_errors(),
    Native::new("is_error", "value", (1, 1), is_error).taking_errors(),
];

fn and(_: &mut Scope, args: &[Value]) -> Result<Value> {
    for arg in args {
        if !arg.to_bool()? {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

fn or(_: &mut Scope, args: &[Value]) -> Result<Value> {
    for arg in args {
        if arg.to_bool()? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn choose(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(if args[0].to_bool()? { args[1].clone() } else { args[2].clone() })
}

#[expect(clippy::unnecessary_wraps, reason = "all functions have one signature")]
fn default(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let empty = match &args[0] {
        Value::Null | Value::Error(_) => true,
        Value::Text(text) => text.is_empty(),
        Value::Object(object) => match object.default_value() {
            Some(default) => default.to_text().is_ok_and(|text| text.is_empty()),
            None => false,
        },
        _ => false,
    };
    Ok(if empty { args[1].clone() } else { args[0].clone() })
}

#[expect(clippy::unnecessary_wraps, reason = "all functions have one signature")]
fn is_error(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(Value::Bool(args[0].is_error()))
}
