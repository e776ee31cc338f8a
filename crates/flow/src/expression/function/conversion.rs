//! Conversions to each type.

use super::Native;
use crate::expression::convert::{to_date, to_datetime, to_number, to_time};
use crate::expression::error::Result;
use crate::expression::{Scope, Value};

pub(super) static FUNCTIONS: &[Native] = &[
    Native::new("text", "value", (1, 1), text, "The value as text.", &[("@(text(3 = 3))", "true")]),
    Native::new(
        "boolean",
        "value",
        (1, 1),
        boolean,
        "Whether the value counts as true.",
        &[("@(boolean(\"FALSE\"))", "false"), ("@(boolean(array(1)))", "true")],
    ),
    Native::new(
        "number",
        "value",
        (1, 1),
        number,
        "The value as a number; an error if it is none.",
        &[("@(number(\"123.450\"))", "123.45"), ("@(number(\"many\"))", "error")],
    ),
    Native::new(
        "date",
        "value",
        (1, 1),
        date,
        "The value as a date; text is searched for one in the order of the date format.",
        &[("@(date(\"10/05/2010\"))", "2010-05-10")],
    ),
    Native::new(
        "datetime",
        "value",
        (1, 1),
        datetime,
        "The value as a datetime; text is searched for a date and a time.",
        &[("@(datetime(\"1979-07-18T10:30:45.123456Z\"))", "1979-07-18T10:30:45.123456Z")],
    ),
    Native::new(
        "time",
        "value",
        (1, 1),
        time,
        "The value as a time of day; a number is an hour.",
        &[("@(time(\"half past, 10:30\"))", "10:30:00.000000"), ("@(time(7))", "07:00:00.000000")],
    ),
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
