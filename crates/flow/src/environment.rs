//! The environment of a workspace or session: formats, timezone, languages, country, and how texts are compared.

mod locations;

pub use locations::{Level, Location, Locations};

use jiff::civil::{Date, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::LazyLock;

use crate::expression::{Decimal, collate, datetime};

/// Formats, timezone, languages and country that expressions, messages and queries depend on.
///
/// As JSON: `{"date_format": "DD-MM-YYYY", "time_format": "tt:mm", "timezone": "Africa/Monrovia", ...}`; members that
/// are absent or null have their defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// Order of day, month and year.
    #[serde(deserialize_with = "or_default")]
    pub date_format: DateFormat,
    /// Twelve or twenty-four hours, with or without seconds.
    #[serde(deserialize_with = "or_default")]
    pub time_format: TimeFormat,
    /// The timezone, an IANA name in JSON.
    #[serde(serialize_with = "write_zone", deserialize_with = "read_zone")]
    pub timezone: TimeZone,
    /// Languages that messages may be in (ISO 639-3); the first is the default.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub allowed_languages: Vec<String>,
    /// The country that national phone numbers are read in (ISO 3166-1 alpha-2).
    #[serde(deserialize_with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub default_country: Option<String>,
    /// How numbers are written.
    #[serde(deserialize_with = "or_default")]
    pub number_format: NumberFormat,
    /// How words and location names are compared.
    #[serde(deserialize_with = "or_default")]
    pub input_collation: Collation,
    /// What of a contact is hidden.
    #[serde(deserialize_with = "or_default")]
    pub redaction_policy: RedactionPolicy,
    /// Key that contact ids are obfuscated with.
    #[serde(deserialize_with = "key_or_default")]
    pub obfuscation_key: [u32; 4],
}

/// The order in which dates are written, and ambiguous ones are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DateFormat {
    /// Year, month, day.
    #[default]
    #[serde(rename = "YYYY-MM-DD")]
    YearMonthDay,
    /// Month, day, year.
    #[serde(rename = "MM-DD-YYYY")]
    MonthDayYear,
    /// Day, month, year.
    #[serde(rename = "DD-MM-YYYY")]
    DayMonthYear,
}

impl DateFormat {
    /// The formatting layout.
    pub fn layout(self) -> &'static str {
        match self {
            Self::YearMonthDay => "YYYY-MM-DD",
            Self::MonthDayYear => "MM-DD-YYYY",
            Self::DayMonthYear => "DD-MM-YYYY",
        }
    }
}

/// How times of day are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeFormat {
    /// 14:30
    #[default]
    #[serde(rename = "tt:mm")]
    HourMinute,
    /// 2:30 pm
    #[serde(rename = "h:mm aa")]
    HourMinuteAmPm,
    /// 14:30:15
    #[serde(rename = "tt:mm:ss")]
    HourMinuteSecond,
    /// 2:30:15 pm
    #[serde(rename = "h:mm:ss aa")]
    HourMinuteSecondAmPm,
}

impl TimeFormat {
    /// The formatting layout.
    pub fn layout(self) -> &'static str {
        match self {
            Self::HourMinute => "tt:mm",
            Self::HourMinuteAmPm => "h:mm aa",
            Self::HourMinuteSecond => "tt:mm:ss",
            Self::HourMinuteSecondAmPm => "h:mm:ss aa",
        }
    }
}

/// The symbols that numbers are written with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NumberFormat {
    /// Between whole number and decimals.
    pub decimal_symbol: String,
    /// Between groups of three digits.
    pub digit_grouping_symbol: String,
}

impl Default for NumberFormat {
    fn default() -> Self {
        Self { decimal_symbol: ".".to_owned(), digit_grouping_symbol: ",".to_owned() }
    }
}

/// How words and location names are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collation {
    /// Without case.
    #[default]
    Default,
    /// Without case, characters that look alike being the same (UTS 39).
    Confusables,
    /// Without case, variants of Arabic letters and digits being the same.
    ArabicVariants,
}

/// What of a contact is hidden from messages and screens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedactionPolicy {
    /// Nothing.
    #[default]
    None,
    /// Paths of URNs.
    Urns,
}

/// Stands in for a key where none is configured; not a secret.
const DEFAULT_KEY: [u32; 4] = [0x000A_3B1C, 0x000D_2E3F, 0x0001_A2B3, 0x00C0_FFEE];

impl Default for Environment {
    fn default() -> Self {
        Self {
            date_format: DateFormat::default(),
            time_format: TimeFormat::default(),
            timezone: TimeZone::UTC,
            allowed_languages: Vec::new(),
            default_country: None,
            number_format: NumberFormat::default(),
            input_collation: Collation::default(),
            redaction_policy: RedactionPolicy::default(),
            obfuscation_key: DEFAULT_KEY,
        }
    }
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn key_or_default<'de, D: Deserializer<'de>>(from: D) -> Result<[u32; 4], D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(DEFAULT_KEY))
}

fn empty_as_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.filter(|country| !country.is_empty()))
}

fn read_zone<'de, D: Deserializer<'de>>(from: D) -> Result<TimeZone, D::Error> {
    match Option::<String>::deserialize(from)? {
        None => Ok(TimeZone::UTC),
        Some(name) => timezone(&name).ok_or_else(|| {
            serde::de::Error::custom(format!("'{name}' is no timezone: use a name such as Africa/Monrovia"))
        }),
    }
}

fn write_zone<S: Serializer>(zone: &TimeZone, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(zone.iana_name().unwrap_or("UTC"))
}

/// The timezone with an IANA name, from the table built into the program.
pub fn timezone(name: &str) -> Option<TimeZone> {
    static TABLE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    TABLE.get(name).ok()
}

impl Environment {
    /// The language that names of months and days are written in.
    pub fn default_language(&self) -> Option<&str> {
        self.allowed_languages.first().map(String::as_str)
    }

    /// A text as words and location names are compared.
    pub fn collate(&self, text: &str) -> String {
        collate::transform(self.input_collation, text)
    }

    /// The date that a text begins with or holds.
    pub fn parse_date(&self, text: &str, now: Timestamp) -> Option<Date> {
        datetime::find_date(self, text.trim(), now).map(|(date, _)| date)
    }

    /// The datetime that a text is (ISO 8601 with a zone) or holds. Without a time in the text it is midnight, or with
    /// `fill_time` the time of day at `now`.
    pub fn parse_datetime(&self, text: &str, now: Timestamp, fill_time: bool) -> Option<Zoned> {
        datetime::find_datetime(self, text, now, fill_time)
    }

    /// The time of day that a text holds.
    pub fn parse_time(&self, text: &str) -> Option<Time> {
        datetime::find_time(text)
    }

    /// The number that a text is, apart from space around it.
    pub fn parse_number(&self, text: &str) -> Option<Decimal> {
        text.trim().parse().ok()
    }
}
