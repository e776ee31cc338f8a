//! Conversions between types. Those that depend on formats take the environment.

use std::sync::Arc;

use jiff::Zoned;
use jiff::civil::{Date, Time};

use super::decimal::Decimal;
use super::error::{Error, Result, fail};
use super::eval::{Callable, Scope};
use super::value::{Array, Object, Value};

fn refuse<T>(value: &Value, kind: &str) -> Result<T> {
    match value {
        Value::Error(error) => Err(error.clone()),
        _ => fail!("unable to convert {} to {kind}", value.describe()),
    }
}

/// The value as a number.
pub(crate) fn to_number(value: &Value) -> Result<Decimal> {
    match value {
        Value::Number(number) => Ok(*number),
        Value::Text(text) => match text.trim().parse::<Decimal>() {
            Err(error) if error.reason().ends_with("not a number") => refuse(value, "a number"),
            parsed => parsed,
        },
        Value::Object(object) => match object.default_value() {
            Some(default) => to_number(&default),
            None => refuse(value, "a number"),
        },
        _ => refuse(value, "a number"),
    }
}

/// The value as a number without its decimals, within 32 bits.
pub(crate) fn to_integer(value: &Value) -> Result<i32> {
    let number = to_number(value)?;
    match number.to_i64().and_then(|n| i32::try_from(n).ok()) {
        Some(integer) => Ok(integer),
        None => fail!("number value {number} is out of range for an integer"),
    }
}

/// The value as a date: that of a datetime in its own zone, or one found in text.
pub(crate) fn to_date(scope: &Scope, value: &Value) -> Result<Date> {
    let simple = value.simple();
    let found = match &*simple {
        Value::Date(date) => Some(*date),
        Value::DateTime(at) => Some(at.date()),
        Value::Text(text) => scope.env.parse_date(text, scope.now),
        _ => None,
    };
    found.map_or_else(|| refuse(&simple, "a date"), Ok)
}

/// The value as a datetime: midnight of a date in the environment's timezone, or one found in text.
pub(crate) fn to_datetime(scope: &Scope, value: &Value) -> Result<Zoned> {
    let simple = value.simple();
    let found = match &*simple {
        Value::DateTime(at) => Some((**at).clone()),
        Value::Date(date) => date.at(0, 0, 0, 0).to_zoned(scope.env.timezone.clone()).ok(),
        Value::Text(text) => scope.env.parse_datetime(text, scope.now, false),
        _ => None,
    };
    found.map_or_else(|| refuse(&simple, "a datetime"), Ok)
}

/// The value as a time of day; numbers are hours.
pub(crate) fn to_time(value: &Value) -> Result<Time> {
    let simple = value.simple();
    let found = match &*simple {
        Value::Time(time) => Some(*time),
        Value::DateTime(at) => Some(at.time()),
        Value::Number(number) => match number.to_i64() {
            Some(24) => Some(Time::midnight()),
            Some(hour) => i8::try_from(hour).ok().and_then(|hour| Time::new(hour, 0, 0, 0).ok()),
            None => None,
        },
        Value::Text(text) => super::datetime::find_time(text),
        _ => None,
    };
    found.map_or_else(|| refuse(&simple, "a time"), Ok)
}

/// The value as an array; null is an empty one.
pub(crate) fn to_array(value: &Value) -> Result<Arc<Array>> {
    match value {
        Value::Array(array) => Ok(Arc::clone(array)),
        Value::Null => Ok(Arc::default()),
        _ => match &*value.simple() {
            Value::Array(array) => Ok(Arc::clone(array)),
            _ => refuse(value, "an array"),
        },
    }
}

/// The value as an object; null is an empty one.
pub(crate) fn to_object(value: &Value) -> Result<Object> {
    match value {
        Value::Object(object) => Ok(object.clone()),
        Value::Null => Ok(Object::new(std::iter::empty::<(Arc<str>, Value)>())),
        _ => refuse(value, "an object"),
    }
}

/// The value as something that can be called.
pub(crate) fn to_function(value: &Value) -> Result<Callable> {
    match value {
        Value::Function(function) => Ok(function.clone()),
        Value::Error(error) => Err(error.clone()),
        _ => Err(Error::new(format!("unable to convert {} to a function", value.describe()))),
    }
}
