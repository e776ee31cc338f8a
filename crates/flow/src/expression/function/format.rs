//! Values as text for people, and as JSON.

use super::{MANY, Native};
use crate::expression::convert::{to_date, to_datetime, to_integer, to_number, to_time};
use crate::expression::datetime::{Kind, ZERO, civil, format as layout};
use crate::expression::error::{Result, fail};
use crate::expression::{Scope, Value, format as formatted};
use base::Urn;

/// Most decimal places of a formatted number.
const MAX_PLACES: usize = 9;

pub(super) static FUNCTIONS: &[Native] = &[
    Native::new("json", "value", (1, 1), json),
    Native::new("parse_json", "text", (1, 1), parse_json),
    Native::new("format", "value", (1, 1), format),
    Native::new("format_date", "date [, layout]", (1, 2), format_date),
    Native::new("format_datetime", "datetime [, layout [, timezone]]", (1, 3), format_datetime),
    Native::new("format_time", "time [, layout]", (1, 2), format_time),
    Native::new("format_location", "path", (1, 1), format_location),
    Native::new("format_number", "number [, places [, group]]", (1, 3), format_number),
    Native::new("format_urn", "urn", (1, 1), format_urn),
    Native::new("prompt", "name, arguments...", (1, MANY), prompt),
];

#[expect(clippy::unnecessary_wraps, reason = "all functions have one signature")]
fn json(_: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(args[0].to_json_text().into())
}

fn parse_json(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    if text.is_empty() {
        return Ok(Value::Null);
    }
    match Value::parse_json(&text) {
        Some(value) => Ok(value),
        None => fail!("invalid JSON"),
    }
}

fn format(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(formatted::value(scope.env, &args[0])?.into())
}

fn format_date(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let date = to_date(scope, &args[0])?;
    let wanted = args.get(1).map(Value::to_text).transpose()?;
    let wanted = wanted.as_deref().unwrap_or(scope.env.date_format.layout());
    let at = civil(date.at(0, 0, 0, 0));
    Ok(layout(&at, wanted, Kind::Date, scope.env.default_language())?.into())
}

fn format_datetime(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let at = to_datetime(scope, &args[0])?;
    let wanted = match args.get(1) {
        Some(layout) => layout.to_text()?.as_ref().to_owned(),
        None => format!("{} {}", scope.env.date_format.layout(), scope.env.time_format.layout()),
    };
    let zone = super::datetime::zone(scope, args.get(2))?;
    Ok(layout(&at.with_time_zone(zone), &wanted, Kind::DateTime, scope.env.default_language())?.into())
}

fn format_time(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let time = to_time(&args[0])?;
    let wanted = args.get(1).map(Value::to_text).transpose()?;
    let wanted = wanted.as_deref().unwrap_or(scope.env.time_format.layout());
    let at = civil(ZERO.to_datetime(time));
    Ok(layout(&at, wanted, Kind::Time, scope.env.default_language())?.into())
}

fn format_location(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let path = args[0].to_text()?;
    Ok(path.rsplit('>').next().unwrap_or_default().trim().into())
}

fn format_number(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let number = to_number(&args[0])?;
    let places = match args.get(1).filter(|arg| !arg.is_null()) {
        Some(places) => {
            let places = to_integer(places)?;
            match usize::try_from(places) {
                Ok(places) if places <= MAX_PLACES => Some(places),
                _ => fail!("must take 0-{MAX_PLACES} number of places, got {places}"),
            }
        }
        None => None,
    };
    let group = args.get(2).map_or(Ok(true), Value::to_bool)?;
    Ok(formatted::number(number, &scope.env.number_format, places, group).into())
}

fn format_urn(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let text = args[0].to_text()?;
    match Urn::parse(&text) {
        Ok(urn) => Ok(urn.friendly().into()),
        Err(error) => fail!("{text} is not a valid URN: {error}"),
    }
}

/// Puts arguments in the places `{{ .arg1 }}`, `{{ .arg2 }}` and so on.
fn prompt(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let name = args[0].to_text()?;
    let Some(text) = scope.prompts.get(&*name) else { fail!("unknown LLM prompt {name}") };
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((place, tail)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        let argument = place.trim().strip_prefix(".arg").and_then(|n| n.parse::<usize>().ok());
        match argument.filter(|n| *n > 0).and_then(|n| args.get(n)) {
            Some(value) => value.write_text(&mut out)?,
            None => out.push_str("<no value>"),
        }
        rest = tail;
    }
    out.push_str(rest);
    Ok(out.into())
}
