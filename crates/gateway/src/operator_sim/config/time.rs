//! Times as the configuration writes them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time, in TOML `"250ms"`, `"3s"`, `"2m"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd)]
pub struct Span(pub Duration);

impl Span {
    /// No time.
    pub const NONE: Self = Self(Duration::ZERO);

    /// So many milliseconds.
    pub const fn millis(count: u64) -> Self {
        Self(Duration::from_millis(count))
    }

    /// So many seconds.
    pub const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("\"{text}\" is not a time such as \"250ms\", \"3s\" or \"2m\"");
        let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(bad)?;
        let count: f64 = text[..split].trim().parse().map_err(|_| bad())?;
        let unit = match &text[split..] {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(bad()),
        };
        if !(0.0..=1e6).contains(&(count * unit)) {
            return Err(bad());
        }
        Ok(Self(Duration::from_nanos((count * unit * 1e9).round() as u64)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            f.write_str("0s")
        } else if nanos.is_multiple_of(1_000_000_000) {
            write!(f, "{}s", nanos / 1_000_000_000)
        } else if nanos.is_multiple_of(1_000_000) {
            write!(f, "{}ms", nanos / 1_000_000)
        } else {
            write!(f, "{}us", nanos / 1_000)
        }
    }
}

/// A length of time that may vary, in TOML `"2s"`, `"1s..5s"` (evenly) or `"~2s"` (exponential with that mean).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// Evenly between the two.
    Even(Span, Span),
    /// Exponential with this mean, cut at ten times the mean.
    Exponential(Span),
}

impl Delay {
    /// No delay.
    pub const NONE: Self = Self::Even(Span::NONE, Span::NONE);

    /// The delay for a draw in `0..1`.
    pub fn at(&self, unit: f64) -> Duration {
        match self {
            Self::Even(from, to) if from == to => from.0,
            Self::Even(from, to) => from.0 + to.0.saturating_sub(from.0).mul_f64(unit),
            Self::Exponential(mean) => mean.0.mul_f64((-(1.0 - unit).ln()).clamp(0.0, 10.0)),
        }
    }
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(mean) = text.strip_prefix('~') {
            return mean.parse().map(Self::Exponential);
        }
        let (from, to) = match text.split_once("..") {
            Some((from, to)) => (from.parse()?, to.parse()?),
            None => (text.parse()?, text.parse()?),
        };
        if from > to {
            return Err(format!("\"{text}\" runs from the longer to the shorter time"));
        }
        Ok(Self::Even(from, to))
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Even(from, to) if from == to => from.fmt(f),
            Self::Even(from, to) => write!(f, "{from}..{to}"),
            Self::Exponential(mean) => write!(f, "~{mean}"),
        }
    }
}

macro_rules! serde_as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )*};
}
serde_as_text!(Span, Delay);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_delays_are_read_and_written() {
        fn check(text: &str, low: u64, high: u64) {
            let delay: Delay = text.parse().unwrap();
            assert_eq!(delay.to_string(), text);
            assert_eq!(delay.at(0.0), Duration::from_millis(low), "{text}");
            assert!(delay.at(0.999_999) <= Duration::from_millis(high), "{text}");
        }
        check("250ms", 250, 250);
        check("1s..5s", 1_000, 5_000);
        check("~2s", 0, 20_000);
        check("0s", 0, 0);
    }
}
