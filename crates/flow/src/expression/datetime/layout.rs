//! Layouts: texts such as `DD-MM-YYYY tt:mm` that say how a date or time is written.

use std::fmt::Write;

use jiff::Zoned;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::names;
use crate::expression::error::{Result, fail};

/// What a layout is for, which decides what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Days.
    Date,
    /// Times of day.
    Time,
    /// Both, and the zone.
    DateTime,
}

const DATE: [&str; 10] = ["YY", "YYYY", "M", "MM", "MMM", "MMMM", "D", "DD", "EEE", "EEEE"];
const TIME: [&str; 13] = ["h", "hh", "t", "tt", "m", "mm", "s", "ss", "fff", "ffffff", "fffffffff", "aa", "AA"];
const ZONE: [&str; 2] = ["Z", "ZZZ"];
/// Sequences that can be written but not read.
const UNREADABLE: [&str; 4] = ["MMM", "MMMM", "EEE", "EEEE"];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Time => "time",
            Self::DateTime => "datetime",
        }
    }

    fn knows(self, sequence: &str) -> bool {
        let date = self != Self::Time && DATE.contains(&sequence);
        let time = self != Self::Date && TIME.contains(&sequence);
        date || time || (self == Self::DateTime && ZONE.contains(&sequence))
    }
}

/// The runs of one character that a layout is made of. Signs and the letter T stand for themselves, one by one.
fn sequences(layout: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = layout;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let plain = " :/.,T-_".contains(first);
        let length = if plain { first.len_utf8() } else { rest.find(|c| c != first).unwrap_or(rest.len()) };
        let (sequence, tail) = rest.split_at(length);
        rest = tail;
        Some((sequence, plain))
    })
}

/// Writes a datetime as a layout says. For a date or time alone the other half is ignored.
pub(crate) fn format(at: &Zoned, layout: &str, kind: Kind, language: Option<&str>) -> Result<String> {
    let mut out = String::with_capacity(layout.len() + 8);
    let names = names::of(language);
    for (sequence, plain) in sequences(layout) {
        if plain {
            out.push_str(sequence);
            continue;
        }
        if !kind.knows(sequence) {
            fail!("'{sequence}' is not valid in a {} formatting layout", kind.name());
        }
        let hour = at.hour();
        let twelve = match hour % 12 {
            0 => 12,
            hour => hour,
        };
        let nanos = at.subsec_nanosecond();
        let half = names.halves[usize::from(hour >= 12)];
        let month = at.month().unsigned_abs() as usize - 1;
        let day = at.weekday().to_sunday_zero_offset().unsigned_abs() as usize;
        _ = match sequence {
            "YY" => write!(out, "{:02}", at.year().rem_euclid(100)),
            "YYYY" => write!(out, "{:04}", at.year()),
            "M" => write!(out, "{}", at.month()),
            "MM" => write!(out, "{:02}", at.month()),
            "MMM" => write!(out, "{}", names.short_months[month]),
            "MMMM" => write!(out, "{}", names.months[month]),
            "D" => write!(out, "{}", at.day()),
            "DD" => write!(out, "{:02}", at.day()),
            "EEE" => write!(out, "{}", names.short_days[day]),
            "EEEE" => write!(out, "{}", names.days[day]),
            "h" => write!(out, "{twelve}"),
            "hh" => write!(out, "{twelve:02}"),
            // Without leading zeros, of which midnight has nothing else.
            "t" if hour == 0 => Ok(()),
            "t" => write!(out, "{hour}"),
            "tt" => write!(out, "{hour:02}"),
            "m" => write!(out, "{}", at.minute()),
            "mm" => write!(out, "{:02}", at.minute()),
            "s" => write!(out, "{}", at.second()),
            "ss" => write!(out, "{:02}", at.second()),
            "fff" => write!(out, "{:03}", nanos / 1_000_000),
            "ffffff" => write!(out, "{:06}", nanos / 1000),
            "fffffffff" => write!(out, "{nanos:09}"),
            "aa" => write!(out, "{}", half.to_lowercase()),
            "AA" => write!(out, "{}", half.to_uppercase()),
            "Z" => {
                super::write_offset(&mut out, at, "Z", ":");
                Ok(())
            }
            _ => {
                super::write_offset(&mut out, at, "", ":");
                Ok(())
            }
        };
    }
    Ok(out)
}

/// What parsing has read so far.
struct Read<'t> {
    rest: &'t str,
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
    afternoon: Option<bool>,
    zone: Option<&'t str>,
}

impl<'t> Read<'t> {
    /// Takes `min` to `max` digits.
    fn digits(&mut self, min: usize, max: usize) -> Option<&'t str> {
        let length = self.rest.bytes().take(max).take_while(u8::is_ascii_digit).count();
        if length < min {
            return None;
        }
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(digits)
    }

    fn number<T: std::str::FromStr>(&mut self, min: usize, max: usize) -> Option<T> {
        self.digits(min, max)?.parse().ok()
    }

    fn take(&mut self, length: usize) -> Option<&'t str> {
        let taken = self.rest.get(..length)?;
        self.rest = &self.rest[length..];
        Some(taken)
    }

    /// Takes what one sequence of a layout stands for; `None` when the text has something else.
    fn sequence(&mut self, sequence: &str) -> Option<()> {
        match sequence {
            "YY" => {
                let year: i16 = self.number(2, 2)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
            }
            "YYYY" => self.year = self.number(4, 4)?,
            "M" => self.month = self.number(1, 2)?,
            "MM" => self.month = self.number(2, 2)?,
            "D" => self.day = self.number(1, 2)?,
            "DD" => self.day = self.number(2, 2)?,
            "h" | "hh" => {
                self.hour = self.number(sequence.len(), 2)?;
                if self.hour > 12 {
                    return None;
                }
            }
            "t" | "tt" => self.hour = self.number(1, 2)?,
            "m" | "mm" => self.minute = self.number(sequence.len(), 2)?,
            "s" | "ss" => self.second = self.number(sequence.len(), 2)?,
            "fff" | "ffffff" | "fffffffff" => {
                self.nanos = super::nanos(self.digits(sequence.len(), sequence.len())?);
            }
            "aa" | "AA" => {
                self.afternoon = Some(match self.take(2)?.to_ascii_lowercase().as_str() {
                    "am" => false,
                    "pm" => true,
                    _ => return None,
                });
            }
            _ => {
                let utc = sequence == "Z" && self.rest.starts_with('Z');
                let zone = self.take(if utc { 1 } else { 6 })?;
                let b = zone.as_bytes();
                let digit = |i: usize| b[i].is_ascii_digit();
                let offset =
                    || (b[0] == b'+' || b[0] == b'-') && b[3] == b':' && digit(1) && digit(2) && digit(4) && digit(5);
                if !utc && !offset() {
                    return None;
                }
                self.zone = Some(zone);
            }
        }
        let in_range =
            (1..=12).contains(&self.month) && (1..=31).contains(&self.day) && self.hour < 24 && self.minute < 60;
        (in_range && self.second < 60).then_some(())
    }

    /// Takes a fraction of a second that the layout doesn't ask for.
    fn fraction(&mut self) {
        let rest = self.rest;
        if rest.starts_with(['.', ',']) && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) {
            self.rest = &rest[1..];
            if let Some(digits) = self.digits(1, usize::MAX) {
                self.nanos = super::nanos(digits);
            }
        }
    }
}

/// Reads a text that is written as a layout says. Without a zone in it, it is in the timezone `local`.
pub(crate) fn parse(text: &str, layout: &str, kind: Kind, local: &TimeZone) -> Result<Zoned> {
    let mut read = Read {
        rest: text,
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
        afternoon: None,
        zone: None,
    };
    for (sequence, plain) in sequences(layout) {
        if !plain && (!kind.knows(sequence) || UNREADABLE.contains(&sequence)) {
            fail!("'{sequence}' is not valid in a {} parsing layout", kind.name());
        }
    }
    let mut seen = 0;
    for (sequence, plain) in sequences(layout) {
        let before = read.rest;
        let matched =
            if plain { read.rest.strip_prefix(sequence).map(|rest| read.rest = rest) } else { read.sequence(sequence) };
        if matched.is_none() {
            fail!("cannot parse '{before}' as '{sequence}'");
        }
        seen += sequence.len();
        if matches!(sequence, "s" | "ss") {
            let mut next = sequences(&layout[seen..]);
            let asked =
                matches!((next.next(), next.next()), (Some(("." | ",", _)), Some((f, _))) if f.starts_with('f'));
            if !asked {
                read.fraction();
            }
        }
    }
    if !read.rest.is_empty() {
        fail!("cannot parse '{}' as ''", read.rest);
    }
    match read.afternoon {
        Some(true) if read.hour < 12 => read.hour += 12,
        Some(false) if read.hour == 12 => read.hour = 0,
        _ => {}
    }
    let at = Date::new(read.year, read.month, read.day).and_then(|date| {
        Time::new(read.hour, read.minute, read.second, read.nanos).map(|time| DateTime::from_parts(date, time))
    });
    let zoned = at.ok().and_then(|at| match read.zone {
        Some(zone) => super::at_offset(at, zone, local),
        None => at.to_zoned(local.clone()).ok(),
    });
    match zoned {
        Some(zoned) => Ok(zoned),
        None => fail!("cannot parse '{text}' as '{layout}'"),
    }
}
