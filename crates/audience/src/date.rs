//! Days in queries.
//!
//! A text is read as the flow specification says (section 10.7), but only the day counts: dates are compared by
//! whole days of the environment's time zone (section 14.6). Beyond RapidPro, a day can be relative to the clock: `today`, `yesterday`, `tomorrow`,
//! `7 days ago`, `in 2 weeks` (days, weeks, months, years).

use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use jiff::{Span, Timestamp};

use crate::environment::{DateFormat, Environment};

/// A day that a query names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    /// A date in the environment's time zone.
    Civil(Date),
    /// The day in which an instant lies, from a text with a time and an offset from UTC.
    Of(Timestamp),
    /// So far from the day of the clock's reading.
    Relative(Step),
}

/// A distance in the calendar; negative is past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Days(i32),
    Months(i32),
}

impl Day {
    /// Reads a day; `None` where the text is none.
    pub(crate) fn parse(text: &str, env: &Environment) -> Option<Self> {
        let text = text.trim_matches([' ', '\n', '\r', '\t']);
        if let Some(at) = instant(text) {
            return Some(Self::Of(at));
        }
        if let Some(date) = text.get(..10).and_then(iso_date) {
            return Some(Self::Civil(date));
        }
        let year = env.now.to_zoned(env.timezone.clone()).year();
        find_date(text, env.date_format, year).map(Self::Civil).or_else(|| relative(text).map(Self::Relative))
    }

    /// The first instant of the day and of the day after it. Dates at the very ends of the calendar are cut to it.
    pub(crate) fn bounds(self, env: &Environment) -> (Timestamp, Timestamp) {
        let date_of = |at: Timestamp| at.to_zoned(env.timezone.clone()).date();
        let date = match self {
            Self::Civil(date) => date,
            Self::Of(at) => date_of(at),
            Self::Relative(step) => date_of(env.now).saturating_add(match step {
                Step::Days(days) => Span::new().days(days),
                Step::Months(months) => Span::new().months(months),
            }),
        };
        let start = |date: Date| date.to_zoned(env.timezone.clone()).map(|start| start.timestamp());
        // The last whole second there is.
        let end = Timestamp::from_second(Timestamp::MAX.as_second()).unwrap_or(Timestamp::MAX);
        (
            start(date).unwrap_or(if date.year() < 0 { Timestamp::MIN } else { end }),
            date.tomorrow().and_then(start).unwrap_or(end),
        )
    }
}

fn digits(text: &str, range: std::ops::Range<usize>) -> Option<i16> {
    let text = text.get(range)?;
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `YYYY-MM-DD`, exactly.
fn iso_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    date(digits(text, 0..4)?, digits(text, 5..7)?, digits(text, 8..10)?)
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// `YYYY-MM-DDTHH:MM[:SS[.f]]` with `Z` or an offset `+hh:mm`.
fn instant(text: &str) -> Option<Timestamp> {
    let date = iso_date(text.get(..10)?)?;
    let rest = text[10..].strip_prefix('T')?;
    let clock = |from: usize| -> Option<(i8, i8)> {
        let two = |range| digits(rest, range).and_then(|number| i8::try_from(number).ok());
        (rest.as_bytes().get(from + 2) == Some(&b':'))
            .then(|| Some((two(from..from + 2)?, two(from + 3..from + 5)?)))?
    };
    let (hour, minute) = clock(0)?;
    let mut at = 5;
    let mut second = 0;
    if rest[at..].starts_with(':') {
        second = i8::try_from(digits(rest, 6..8)?).ok()?;
        at = 8;
        if rest[at..].starts_with('.') {
            let len = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
            if len == 0 {
                return None;
            }
            at += 1 + len;
        }
    }
    let offset = match rest[at..].chars().next()? {
        'Z' if rest.len() == at + 1 => Offset::UTC,
        sign @ ('+' | '-') if rest.len() == at + 6 => {
            let (hours, minutes) = clock(at + 1).filter(|(hours, minutes)| *hours < 24 && *minutes < 60)?;
            let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
            Offset::from_seconds(if sign == '-' { -seconds } else { seconds }).ok()?
        }
        _ => return None,
    };
    let time = Time::new(hour, minute, second, 0).ok()?;
    offset.to_timestamp(date.to_datetime(time)).ok()
}

/// The first group of three numbers that is a date in the given order.
fn find_date(text: &str, format: DateFormat, current_year: i16) -> Option<Date> {
    let bytes = text.as_bytes();
    let in_word = |at: usize| bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() || at > 0 && in_word(at - 1) {
            at += 1;
            continue;
        }
        let Some((groups, end)) = groups(bytes, at, format).filter(|(_, end)| !in_word(*end)) else {
            at += 1;
            continue;
        };
        let [first, second, third] = groups.map(|(from, to)| digits(text, from..to).unwrap_or(0));
        let (year, month, day, year_group) = match format {
            DateFormat::YearMonthDay => (first, second, third, groups[0]),
            DateFormat::MonthDayYear => (third, first, second, groups[2]),
            DateFormat::DayMonthYear => (third, second, first, groups[2]),
        };
        let year = match year_group.1 - year_group.0 {
            2 if year > current_year % 1000 => year + 1900,
            2 => year + 2000,
            _ => year,
        };
        if let Some(date) = date(year, month, day) {
            return Some(date);
        }
        at = end;
    }
    None
}

/// Three runs of digits from `at` on, joined by single separators: where each begins and ends, and where all end.
fn groups(bytes: &[u8], at: usize, format: DateFormat) -> Option<([(usize, usize); 3], usize)> {
    let year_at = if format == DateFormat::YearMonthDay { 0 } else { 2 };
    let mut groups = [(0, 0); 3];
    let mut at = at;
    for (index, group) in groups.iter_mut().enumerate() {
        if index > 0 {
            if !matches!(bytes.get(at), Some(b'-' | b'.' | b'\\' | b'/' | b'_' | b' ')) {
                return None;
            }
            at += 1;
        }
        let len = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let fits = if index == year_at { len == 2 || len == 4 } else { len == 1 || len == 2 };
        if !fits {
            return None;
        }
        *group = (at, at + len);
        at += len;
    }
    Some((groups, at))
}

/// `today`, `yesterday`, `tomorrow`, `N days ago`, `in N weeks`.
fn relative(text: &str) -> Option<Step> {
    let text = text.to_ascii_lowercase();
    let mut words = text.split_ascii_whitespace();
    let words = [words.next(), words.next(), words.next(), words.next()];
    let (count, unit, sign) = match words {
        [Some("today"), None, ..] => return Some(Step::Days(0)),
        [Some("yesterday"), None, ..] => return Some(Step::Days(-1)),
        [Some("tomorrow"), None, ..] => return Some(Step::Days(1)),
        [Some(count), Some(unit), Some("ago"), None] => (count, unit, -1),
        [Some("in"), Some(count), Some(unit), None] => (count, unit, 1),
        _ => return None,
    };
    if count.len() > 5 || !count.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count = sign * count.parse::<i32>().ok()?;
    match unit {
        "day" | "days" => Some(Step::Days(count)),
        "week" | "weeks" => Some(Step::Days(count * 7)),
        "month" | "months" => Some(Step::Months(count)),
        "year" | "years" => Some(Step::Months(count * 12)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn env(format: DateFormat) -> Environment {
        let mut env = Environment::new("2026-05-04T12:30:45Z".parse().unwrap());
        env.date_format = format;
        env
    }

    #[test]
    fn days_from_text() {
        use DateFormat::{DayMonthYear as D, MonthDayYear as M, YearMonthDay as Y};
        for (text, format, want) in [
            ("2020-02-29", D, Some("2020-02-29")),
            (" 2020-02-29 and more", D, Some("2020-02-29")),
            ("2020-02-29x", D, Some("2020-02-29")),
            ("2021-02-29", D, None),
            ("27-01-2020", D, Some("2020-01-27")),
            ("27/01.20", D, Some("2020-01-27")),
            ("1 2 26", D, Some("2026-02-01")),
            ("1 2 27", D, Some("1927-02-01")),
            ("on 31-02-2020 or 1-2-2021", D, Some("2021-02-01")),
            ("1-13-2020 2-3-2020", D, Some("2020-03-02")),
            ("27-01-2020", M, None),
            ("01\\27\\2020", M, Some("2020-01-27")),
            ("20 1 27", Y, Some("2020-01-27")),
            ("2020/1/2", Y, Some("2020-01-02")),
            ("202/1/2", Y, None),
            ("27-01-2020x", D, None),
            ("x27-01-2020", D, None),
            ("27-01-20201", D, None),
            ("é 27-01-2020 é", D, Some("2020-01-27")),
            ("", D, None),
            ("AB", D, None),
            ("2020-01-0é", D, None),
        ] {
            let have = Day::parse(text, &env(format));
            let want = want.map(|want| Day::Civil(want.parse().unwrap()));
            assert_eq!(have, want, "{text:?} {format:?}");
        }
    }

    #[test]
    fn an_instant_is_a_day_of_the_zone() {
        let mut env = env(DateFormat::DayMonthYear);
        env.timezone = TimeZone::fixed(Offset::constant(2));
        for (text, day) in [
            ("2020-01-27T21:59Z", "2020-01-27"),
            ("2020-01-27T22:00Z", "2020-01-28"),
            ("2020-01-27T23:30:12.5+02:00", "2020-01-27"),
            ("2020-01-27T01:00-05:30", "2020-01-27"),
            ("2020-01-27T23:00-05:30", "2020-01-28"),
            // No whole instant: a date as it stands.
            ("2020-01-27T25:00+05:00", "2020-01-27"),
            ("2020-01-27T23:30", "2020-01-27"),
            ("2020-01-27T23:30Zulu", "2020-01-27"),
            ("2020-01-27T23:30+2:00", "2020-01-27"),
            ("2020-01-27T23:30:é", "2020-01-27"),
        ] {
            let (from, until) = Day::parse(text, &env).unwrap().bounds(&env);
            assert_eq!(from.to_zoned(env.timezone.clone()).date(), day.parse().unwrap(), "{text:?}");
            assert_eq!(until.as_second() - from.as_second(), 86_400);
        }
    }

    #[test]
    fn days_follow_the_clock_and_the_zone() {
        let mut env = env(DateFormat::YearMonthDay);
        env.timezone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        for (text, from, until) in [
            ("today", "2026-05-04T04:00:00Z", "2026-05-05T04:00:00Z"),
            ("Tomorrow", "2026-05-05T04:00:00Z", "2026-05-06T04:00:00Z"),
            ("2 weeks ago", "2026-04-20T04:00:00Z", "2026-04-21T04:00:00Z"),
            ("in 1 month", "2026-06-04T04:00:00Z", "2026-06-05T04:00:00Z"),
            // The clocks go forward, then back.
            ("2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
            ("2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        ] {
            let bounds = Day::parse(text, &env).unwrap().bounds(&env);
            assert_eq!(bounds, (from.parse().unwrap(), until.parse().unwrap()), "{text:?}");
        }
        for text in ["7 days", "ago", "in days", "-1 days ago", "999999 days ago", "today now", "9999-12-31 x y"] {
            let day = Day::parse(text, &env);
            assert!(day.is_none() || text.starts_with('9'), "{text:?}");
        }
        let last = Day::parse("9999-12-31", &env).unwrap().bounds(&env);
        assert!(last.0 <= last.1 && last.1.subsec_nanosecond() == 0);
    }
}
