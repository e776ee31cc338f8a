//! Conversions to each type.

use super::Native;
use crate::expression::convert::{to_date, to_datetime, to_number, to_time};
use crate::expression::error::Result;
use crate::expression::{Scope, Value};

pub(super) static FUNCTIONS: &[Native] = &[
    Native::new("text", "value", (1, 1), text),
    Native::new("boolean", "value", (1, 1), boolean),
    Native::new("number", "value", (1, 1), number),
    Native::new("date", "value", (1, 1), date),
    Native::new("datetime", "value", (1, 1), datetime),
    Native::new("time", "value", (1, 1), time),
];

fn text(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(Value::Text(args[0].to_text()?))
}

fn boolean(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(Value::Bool(args[0].to_bool()?))
}

fn number(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(to_number(&args[0])?.into())
}

fn date(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(to_date(scope, &args[0])?.into())
}

fn datetime(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(to_datetime(scope, &args[0])?.into())
}

fn time(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(to_time(&args[0])?.into())
}
