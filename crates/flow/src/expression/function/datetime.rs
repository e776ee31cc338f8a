//! Dates and times.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

use super::Native;
use crate::environment::timezone;
use crate::expression::convert::{to_date, to_datetime, to_integer, to_number, to_time};
use crate::expression::datetime::{Kind, parse, write_offset};
use crate::expression::decimal::Decimal;
use crate::expression::error::{Error, Result, fail};
use crate::expression::{Scope, Value};

pub(super) static FUNCTIONS: &[Native] = &[
    Native::new("parse_datetime", "text, layout [, timezone]", (2, 3), parse_datetime),
    Native::new("datetime_from_epoch", "seconds", (1, 1), datetime_from_epoch),
    Native::new("datetime_diff", "from, to, unit", (3, 3), datetime_diff),
    Native::new("datetime_add", "datetime, number, unit", (3, 3), datetime_add),
    Native::new("replace_time", "datetime, time", (2, 2), replace_time),
    Native::new("tz", "datetime", (1, 1), tz),
    Native::new("tz_offset", "datetime", (1, 1), tz_offset),
    Native::new("now", "", (0, 0), now),
    Native::new("epoch", "datetime", (1, 1), epoch),
    Native::new("date_from_parts", "year, month, day", (3, 3), date_from_parts),
    Native::new("weekday", "date", (1, 1), weekday),
    Native::new("week_number", "date", (1, 1), week_number),
    Native::new("today", "", (0, 0), today),
    Native::new("parse_time", "text, layout", (2, 2), parse_time),
    Native::new("time_from_parts", "hour, minute, second", (3, 3), time_from_parts),
    Native::new("legacy_add", "a, b", (2, 2), legacy_add),
];

/// The timezone an argument names, else the environment's.
pub(super) fn zone(scope: &Scope, argument: Option<&Value>) -> Result<TimeZone> {
    let Some(argument) = argument else { return Ok(scope.env.timezone.clone()) };
    let name = argument.to_text()?;
    match timezone(&name) {
        Some(zone) => Ok(zone),
        None => fail!("unknown time zone {name}"),
    }
}

fn out_of_range<E>(_: E) -> Error {
    Error::new("datetime value out of range")
}

fn parse_datetime(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, layout, zone) = (args[0].to_text()?, args[1].to_text()?, zone(scope, args.get(2))?);
    Ok(parse(&text, &layout, Kind::DateTime, &zone)?.into())
}

fn datetime_from_epoch(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let nanos = to_number(&args[0])?.to_nanos().ok_or_else(|| out_of_range(()))?;
    let at = Timestamp::from_nanosecond(nanos).map_err(out_of_range)?;
    Ok(at.to_zoned(scope.env.timezone.clone()).into())
}

fn days_between(a: &Zoned, b: &Zoned) -> i64 {
    let from = a.date().duration_until(b.date());
    from.as_hours() / 24
}

fn datetime_diff(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (a, b) = (to_datetime(scope, &args[0])?, to_datetime(scope, &args[1])?);
    let seconds = || a.duration_until(&b).as_secs();
    let years = i64::from(b.year()) - i64::from(a.year());
    Ok(Value::from(match &*args[2].to_text()? {
        "s" => seconds(),
        "m" => seconds() / 60,
        "h" => seconds() / 3600,
        "D" => days_between(&a, &b),
        "W" => days_between(&a, &b) / 7,
        "M" => years * 12 + i64::from(b.month()) - i64::from(a.month()),
        "Y" => years,
        unit => fail!("unknown unit: {unit}, must be one of s, m, h, D, W, M, Y"),
    }))
}

/// The datetime with whole months added; a day that its month doesn't have goes on in the next.
fn add_months(at: &Zoned, months: i64) -> Result<Zoned> {
    let month = i64::from(at.year()) * 12 + i64::from(at.month()) - 1 + months;
    let date = overflowing(month.div_euclid(12), month.rem_euclid(12) + 1, i64::from(at.day()))?;
    date.to_datetime(at.time()).to_zoned(at.time_zone().clone()).map_err(out_of_range)
}

/// The date with a day that may lie in a later or earlier month.
fn overflowing(year: i64, month: i64, day: i64) -> Result<Date> {
    let year = i16::try_from(year).map_err(out_of_range)?;
    let first = Date::new(year, month as i8, 1).map_err(out_of_range)?;
    let days = 1.days().try_days(day - 1).map_err(out_of_range)?;
    first.checked_add(days).map_err(out_of_range)
}

fn add_days(at: &Zoned, days: i64) -> Result<Zoned> {
    let span = 1.days().try_days(days).map_err(out_of_range)?;
    let date = at.date().checked_add(span).map_err(out_of_range)?;
    date.to_datetime(at.time()).to_zoned(at.time_zone().clone()).map_err(out_of_range)
}

fn datetime_add(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let at = to_datetime(scope, &args[0])?;
    let number = i64::from(to_integer(&args[1])?);
    let later = |seconds: i64| at.checked_add(SignedDuration::from_secs(seconds)).map_err(out_of_range);
    Ok(Value::from(match &*args[2].to_text()? {
        "s" => later(number)?,
        "m" => later(number * 60)?,
        "h" => later(number * 3600)?,
        "D" => add_days(&at, number)?,
        "W" => add_days(&at, number * 7)?,
        "M" => add_months(&at, number)?,
        "Y" => add_months(&at, number * 12)?,
        unit => fail!("unknown unit: {unit}, must be one of s, m, h, D, W, M, Y"),
    }))
}

fn replace_time(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let (at, time) = (to_datetime(scope, &args[0])?, to_time(&args[1])?);
    Ok(at.date().to_datetime(time).to_zoned(at.time_zone().clone()).map_err(out_of_range)?.into())
}

fn tz(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(to_datetime(scope, &args[0])?.time_zone().iana_name().unwrap_or_default().into())
}

fn tz_offset(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let mut out = String::new();
    write_offset(&mut out, &to_datetime(scope, &args[0])?, "", "");
    Ok(out.into())
}

#[expect(clippy::unnecessary_wraps, reason = "all functions have one signature")]
fn now(scope: &mut Scope, _: &[Value]) -> Result<Value> {
    Ok(scope.local_now().into())
}

fn epoch(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    Ok(Decimal::from_nanos(to_datetime(scope, &args[0])?.timestamp().as_nanosecond()).into())
}

fn date_from_parts(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (year, month, day) = (to_integer(&args[0])?, to_integer(&args[1])?, to_integer(&args[2])?);
    if !(1..=12).contains(&month) {
        fail!("invalid value for month, must be 1-12");
    }
    Ok(overflowing(year.into(), month.into(), day.into())?.into())
}

fn weekday(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let date = to_date(scope, &args[0])?;
    Ok(i64::from(date.weekday().to_sunday_zero_offset()).into())
}

fn week_number(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    let date = to_date(scope, &args[0])?;
    let first = date.first_of_year().weekday().to_sunday_zero_offset();
    Ok(((i64::from(date.day_of_year()) - 1 + i64::from(first)) / 7 + 1).into())
}

#[expect(clippy::unnecessary_wraps, reason = "all functions have one signature")]
fn today(scope: &mut Scope, _: &[Value]) -> Result<Value> {
    Ok(scope.local_now().date().into())
}

fn parse_time(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let (text, layout) = (args[0].to_text()?, args[1].to_text()?);
    Ok(parse(&text, &layout, Kind::Time, &TimeZone::UTC)?.time().into())
}

fn time_from_parts(_: &mut Scope, args: &[Value]) -> Result<Value> {
    let part = |place: usize, name: &str, limit: i8| -> Result<i8> {
        let number = to_integer(&args[place])?;
        match i8::try_from(number) {
            Ok(part) if (0..limit).contains(&part) => Ok(part),
            _ => fail!("invalid value for {name}, must be 0-{}", limit - 1),
        }
    };
    let (hour, minute, second) = (part(0, "hour", 24)?, part(1, "minute", 60)?, part(2, "second", 60)?);
    Ok(Time::new(hour, minute, second, 0).map_err(out_of_range)?.into())
}

fn legacy_add(scope: &mut Scope, args: &[Value]) -> Result<Value> {
    // Text that is both a number and a date, which no format makes likely, counts as a number.
    let date = |scope: &Scope, value: &Value| match to_number(value) {
        Ok(_) => None,
        Err(_) => to_datetime(scope, value).ok(),
    };
    match (date(scope, &args[0]), date(scope, &args[1])) {
        (Some(_), Some(_)) => fail!("cannot operate on two dates"),
        (Some(at), None) => Ok(add_days(&at, to_integer(&args[1])?.into())?.into()),
        (None, Some(at)) => Ok(add_days(&at, to_integer(&args[0])?.into())?.into()),
        (None, None) => Ok(to_number(&args[0])?.try_add(to_number(&args[1])?)?.into()),
    }
}
