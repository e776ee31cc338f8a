//! Dates and times: found in text, written as text, formatted and parsed by layouts.

mod layout;
mod names;

pub(crate) use layout::{Kind, format, parse};

use std::fmt::Write;
use std::sync::LazyLock;

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use regex::{Captures, Regex};

use crate::environment::{DateFormat, Environment};

/// The date that counts as no date.
pub(crate) const ZERO: Date = jiff::civil::date(1, 1, 1);

/// A group of day, month and year with one kind of separator each; the year comes first or last.
static YEAR_LAST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u:\b)([0-9]{1,2})[-.\\/_ ]([0-9]{1,2})[-.\\/_ ]([0-9]{4}|[0-9]{2})(?-u:\b)").ok());
static YEAR_FIRST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u:\b)([0-9]{4}|[0-9]{2})[-.\\/_ ]([0-9]{1,2})[-.\\/_ ]([0-9]{1,2})(?-u:\b)").ok());
static TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern =
        r"(?-u:\b)([0-9]{1,2})(?::?([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?)?[^0-9A-Za-z_]*([aApP][mM])?(?-u:\b)";
    Regex::new(pattern).ok()
});
static ISO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?(Z|[+-][0-9]{2}:[0-9]{2})$";
    Regex::new(pattern).ok()
});

fn number<T: std::str::FromStr>(groups: &Captures, group: usize) -> Option<T> {
    groups.get(group)?.as_str().parse().ok()
}

/// Nanoseconds from the digits after the point; further digits are dropped.
pub(super) fn nanos(digits: &str) -> i32 {
    let mut nanos = 0;
    for i in 0..9 {
        nanos = nanos * 10 + digits.as_bytes().get(i).map_or(0, |b| i32::from(b - b'0'));
    }
    nanos
}

/// The first date of a text and what follows it.
pub(crate) fn find_date<'t>(env: &Environment, text: &'t str, now: Timestamp) -> Option<(Date, &'t str)> {
    if let Some(start) = text.get(..10)
        && let Some(date) = iso_date(start)
    {
        return Some((date, &text[10..]));
    }
    let (pattern, day, month, year) = match env.date_format {
        DateFormat::YearMonthDay => (&YEAR_FIRST, 3, 2, 1),
        DateFormat::DayMonthYear => (&YEAR_LAST, 1, 2, 3),
        DateFormat::MonthDayYear => (&YEAR_LAST, 2, 1, 3),
    };
    let this_year = now.to_zoned(env.timezone.clone()).year();
    pattern.as_ref()?.captures_iter(text).find_map(|groups| {
        let mut full: i16 = number(&groups, year)?;
        if groups.get(year)?.len() == 2 {
            full += if full > this_year % 1000 { 1900 } else { 2000 };
        }
        let date = Date::new(full, number(&groups, month)?, number(&groups, day)?).ok()?;
        Some((date, &text[groups.get(0)?.end()..]))
    })
}

fn iso_date(text: &str) -> Option<Date> {
    let b = text.as_bytes();
    let digits = |from: usize, to: usize| b[from..to].iter().all(u8::is_ascii_digit);
    if b[4] != b'-' || b[7] != b'-' || !digits(0, 4) || !digits(5, 7) || !digits(8, 10) {
        return None;
    }
    Date::new(text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?).ok()
}

/// The first time of day of a text.
pub(crate) fn find_time(text: &str) -> Option<Time> {
    TIME.as_ref()?.captures_iter(text).find_map(|groups| {
        let mut hour: i8 = number(&groups, 1)?;
        let minute: i8 = groups.get(2).map_or(Some(0), |g| g.as_str().parse().ok())?;
        let second: i8 = groups.get(3).map_or(Some(0), |g| g.as_str().parse().ok())?;
        let fraction = groups.get(4).map_or(0, |g| nanos(g.as_str()));
        match groups.get(5).map(|g| g.as_str().as_bytes()[0].to_ascii_lowercase()) {
            Some(b'p') if hour < 12 => hour += 12,
            Some(b'a') if hour == 12 => hour = 0,
            _ => {}
        }
        if hour == 24 && minute == 0 && second == 0 && fraction == 0 {
            hour = 0;
        }
        Time::new(hour, minute, second, fraction).ok()
    })
}

/// The datetime that a text is, or holds.
pub(crate) fn find_datetime(env: &Environment, text: &str, now: Timestamp, fill_time: bool) -> Option<Zoned> {
    let text = text.trim();
    if let Some(at) = iso_datetime(env, text) {
        return Some(at);
    }
    let (date, rest) = find_date(env, text, now)?;
    // ISO 8601 without a zone: the letter before the time isn't part of a word.
    let rest = rest.strip_prefix('T').unwrap_or(rest);
    let time = find_time(rest)
        .unwrap_or_else(|| if fill_time { now.to_zoned(env.timezone.clone()).time() } else { Time::midnight() });
    date.to_datetime(time).to_zoned(env.timezone.clone()).ok()
}

fn iso_datetime(env: &Environment, text: &str) -> Option<Zoned> {
    // Most texts are no timestamps: a look at one byte is quicker than a pattern.
    if text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let groups = ISO.as_ref()?.captures(text)?;
    let date = Date::new(number(&groups, 1)?, number(&groups, 2)?, number(&groups, 3)?).ok()?;
    let second = groups.get(6).map_or(Some(0), |g| g.as_str().parse().ok())?;
    let fraction = groups.get(7).map_or(0, |g| nanos(g.as_str()));
    let time = Time::new(number(&groups, 4)?, number(&groups, 5)?, second, fraction).ok()?;
    at_offset(date.to_datetime(time), groups.get(8)?.as_str(), &env.timezone)
}

/// A civil datetime with a zone, `Z` or `+hh:mm`. The local timezone is kept when it has that offset then.
pub(super) fn at_offset(at: jiff::civil::DateTime, zone: &str, local: &TimeZone) -> Option<Zoned> {
    if zone == "Z" {
        return at.to_zoned(TimeZone::UTC).ok();
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let hours: i32 = zone.get(1..3)?.parse().ok()?;
    let minutes: i32 = zone.get(4..6)?.parse().ok()?;
    if minutes > 59 {
        return None;
    }
    let offset = Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?;
    let instant = offset.to_timestamp(at).ok()?;
    if local.to_offset(instant) == offset {
        return Some(instant.to_zoned(local.clone()));
    }
    Some(instant.to_zoned(TimeZone::fixed(offset)))
}

/// A civil datetime as one in UTC, for formatting what has no zone.
pub(crate) fn civil(at: jiff::civil::DateTime) -> Zoned {
    at.to_zoned(TimeZone::UTC).unwrap_or_else(|_| Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC))
}

/// `YYYY-MM-DD`
pub(crate) fn write_date(out: &mut String, date: Date) {
    _ = write!(out, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
}

/// `HH:MM:SS.ffffff`
pub(crate) fn write_time(out: &mut String, time: Time) {
    let micros = time.subsec_nanosecond() / 1000;
    _ = write!(out, "{:02}:{:02}:{:02}.{micros:06}", time.hour(), time.minute(), time.second());
}

/// `YYYY-MM-DDTHH:MM:SS.ffffff` and `Z` or `+hh:mm`
pub(crate) fn write_datetime(out: &mut String, at: &Zoned) {
    write_date(out, at.date());
    out.push('T');
    write_time(out, at.time());
    write_offset(out, at, "Z", ":");
}

/// The offset from UTC: `+hh` `separator` `mm`, or `zero` (unless that is empty) when there is none.
pub(crate) fn write_offset(out: &mut String, at: &Zoned, zero: &str, separator: &str) {
    let minutes = at.offset().seconds() / 60;
    if minutes == 0 && !zero.is_empty() {
        out.push_str(zero);
        return;
    }
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.abs();
    _ = write!(out, "{sign}{:02}{separator}{:02}", minutes / 60, minutes % 60);
}
