//! Timestamps as flow JSON has them: RFC 3339 with nanoseconds and the offset they were written with.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// An instant and the offset from UTC it was written with, which texts made from it keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The instant.
    pub at: Timestamp,
    /// Offset from UTC that it is written with.
    pub offset: Offset,
}

impl Stamp {
    /// The instant, written in UTC.
    pub fn utc(at: Timestamp) -> Self {
        Self { at, offset: Offset::UTC }
    }

    /// With exactly six decimals, as expressions write datetimes.
    pub fn micros(self) -> String {
        let value = crate::expression::Value::datetime(self.zoned());
        value.to_text().map_or_else(|_| String::new(), |text| text.to_string())
    }

    /// With a time zone: the named `zone` when this is UTC or has that zone's offset, else the fixed offset.
    pub fn zoned(self) -> jiff::Zoned {
        let zone = if self.offset == Offset::UTC { jiff::tz::TimeZone::UTC } else { self.offset.to_time_zone() };
        self.at.to_zoned(zone)
    }
}

impl From<Timestamp> for Stamp {
    fn from(at: Timestamp) -> Self {
        Self::utc(at)
    }
}

/// A text that isn't an RFC 3339 timestamp.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is not an RFC 3339 timestamp such as 2025-01-31T08:00:00Z")]
pub struct StampError(String);

fn digits(bytes: &[u8]) -> Option<i64> {
    let mut value = 0;
    for byte in bytes {
        value = value * 10 + i64::from(byte.checked_sub(b'0').filter(|d| *d < 10)?);
    }
    Some(value)
}

fn parse(text: &str) -> Option<Stamp> {
    let b = text.as_bytes();
    let seps = |at: &[(usize, &[u8])]| at.iter().all(|(i, any)| b.get(*i).is_some_and(|c| any.contains(c)));
    if !seps(&[(4, b"-"), (7, b"-"), (10, b"Tt "), (13, b":"), (16, b":")]) {
        return None;
    }
    let number = |from: usize, to: usize| digits(b.get(from..to)?);
    let mut rest = b.get(19..)?;
    let mut nanos = 0;
    if rest.first() == Some(&b'.') {
        let len = rest[1..].iter().take_while(|c| c.is_ascii_digit()).count();
        let kept = len.min(9);
        nanos = digits(&rest[1..=kept])?;
        for _ in kept..9 {
            nanos *= 10;
        }
        if len == 0 {
            return None;
        }
        rest = &rest[1 + len..];
    }
    let offset = match rest {
        [b'Z' | b'z'] => Offset::UTC,
        [sign @ (b'+' | b'-'), h1, h2, tail @ ..] => {
            let minutes = match tail {
                [] => 0,
                [b':', m1, m2] | [m1, m2] => digits(&[*m1, *m2])?,
                _ => return None,
            };
            let seconds = i32::try_from(digits(&[*h1, *h2])? * 3600 + minutes * 60).ok()?;
            Offset::from_seconds(if *sign == b'-' { -seconds } else { seconds }).ok()?
        }
        _ => return None,
    };
    let small = |v: i64| i8::try_from(v).ok();
    let civil = DateTime::new(
        i16::try_from(number(0, 4)?).ok()?,
        small(number(5, 7)?)?,
        small(number(8, 10)?)?,
        small(number(11, 13)?)?,
        small(number(14, 16)?)?,
        small(number(17, 19)?)?.min(59),
        i32::try_from(nanos).ok()?,
    )
    .ok()?;
    Some(Stamp { at: offset.to_timestamp(civil).ok()?, offset })
}

impl FromStr for Stamp {
    type Err = StampError;
    fn from_str(text: &str) -> Result<Self, StampError> {
        parse(text).ok_or_else(|| StampError(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Stamp {
    /// RFC 3339; the fraction has no trailing zeros and is left out when it is zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0_u8; 40];
        let text = self.write(&mut buffer);
        f.write_str(text)
    }
}

impl Stamp {
    fn write<'a>(&self, buffer: &'a mut [u8; 40]) -> &'a str {
        fn put(buffer: &mut [u8; 40], at: &mut usize, mut value: u32, width: usize) {
            for i in (0..width).rev() {
                buffer[*at + i] = b'0' + (value % 10) as u8;
                value /= 10;
            }
            *at += width;
        }
        let civil = self.offset.to_datetime(self.at);
        let mut at = 0;
        let parts: [(u32, usize, u8); 6] = [
            (u32::from(civil.year().unsigned_abs()), 4, b'-'),
            (u32::from(civil.month().unsigned_abs()), 2, b'-'),
            (u32::from(civil.day().unsigned_abs()), 2, b'T'),
            (u32::from(civil.hour().unsigned_abs()), 2, b':'),
            (u32::from(civil.minute().unsigned_abs()), 2, b':'),
            (u32::from(civil.second().unsigned_abs()), 2, b'.'),
        ];
        for (value, width, separator) in parts {
            put(buffer, &mut at, value, width);
            buffer[at] = separator;
            at += 1;
        }
        let nanos = civil.subsec_nanosecond().unsigned_abs();
        if nanos == 0 {
            at -= 1;
        } else {
            put(buffer, &mut at, nanos, 9);
            while buffer[at - 1] == b'0' {
                at -= 1;
            }
        }
        let seconds = self.offset.seconds();
        if seconds == 0 {
            buffer[at] = b'Z';
            at += 1;
        } else {
            buffer[at] = if seconds < 0 { b'-' } else { b'+' };
            at += 1;
            put(buffer, &mut at, seconds.unsigned_abs() / 3600, 2);
            buffer[at] = b':';
            at += 1;
            put(buffer, &mut at, seconds.unsigned_abs() % 3600 / 60, 2);
        }
        std::str::from_utf8(&buffer[..at]).unwrap_or_default()
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = [0_u8; 40];
        serializer.serialize_str(self.write(&mut buffer))
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Stamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 timestamp")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Stamp, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_written_as_they_were_read() {
        for text in ["2025-05-04T12:30:45.123456789Z", "2000-01-01T00:00:00Z", "2020-10-12T15:38:17.508225-05:00"] {
            assert_eq!(text.parse::<Stamp>().unwrap().to_string(), text);
        }
        assert_eq!("2000-01-01T00:00:00.000000000-00:00".parse::<Stamp>().unwrap().to_string(), "2000-01-01T00:00:00Z");
        for bad in [
            "",
            "2025-05-04",
            "2025-05-04T12:30:45",
            "2025-13-04T12:30:45Z",
            "2025-05-04T12:30:45.Z",
            "é025-05-04T12:30:45Z",
        ] {
            assert!(bad.parse::<Stamp>().is_err(), "{bad}");
        }
    }
}
