//! What a query is read in: formats, the clock, and the definitions it can name.

use base::place::Span;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::property::{FieldType, WorkerAttribute};
use crate::query::Reference;

/// The order in which people write day, month and year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// How texts are read, and when.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The order of dates.
    pub date_format: DateFormat,
    /// Where days begin and end.
    pub timezone: TimeZone,
    /// The country of phone numbers without a country code, ISO 3166-1 alpha-2.
    pub default_country: Option<String>,
    /// Whether URNs are hidden; queries on their values are then refused.
    pub redact_urns: bool,
    /// The reading of the clock: two-digit years and values such as `"7 days ago"` depend on it.
    pub now: Timestamp,
}

impl Environment {
    /// The defaults of the flow specification: `YYYY-MM-DD`, UTC, no country, nothing hidden.
    pub fn new(now: Timestamp) -> Self {
        Self {
            date_format: DateFormat::default(),
            timezone: TimeZone::UTC,
            default_country: None,
            redact_urns: false,
            now,
        }
    }
}

/// The answer to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// There are no definitions to look in: the name is accepted as it is, and the query cannot be evaluated.
    Unchecked,
    /// There is nothing of this name.
    Unknown,
    /// What the name means.
    Known(T),
}

/// A place that `within` can mean.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlaceMatch {
    /// The names from the top of the tree to the place, joined by ` > `.
    pub path: String,
    /// The numbers of the place and of all that lies in it.
    pub span: Span,
}

/// The definitions that a query can name.
///
/// Keys are in lower case; group and flow names and places are as typed and are found without regard to case.
/// Without field definitions ([`Lookup::Unchecked`]) every bare name that is no attribute or scheme is a field,
/// as in RapidPro; worker attributes then need their prefix.
pub trait Resolver {
    /// The type of the field with this key.
    fn field(&self, key: &str) -> Lookup<FieldType>;
    /// The group of this name.
    fn group(&self, name: &str) -> Lookup<Reference>;
    /// The flow of this name.
    fn flow(&self, name: &str) -> Lookup<Reference>;
    /// The places of this name, path (`Region > District`) or id.
    fn places(&self, text: &str) -> Lookup<Vec<PlaceMatch>>;
}

/// Knows nothing and accepts everything: for normalising a query without its project.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unchecked;

impl Resolver for Unchecked {
    fn field(&self, _: &str) -> Lookup<FieldType> {
        Lookup::Unchecked
    }

    fn group(&self, _: &str) -> Lookup<Reference> {
        Lookup::Unchecked
    }

    fn flow(&self, _: &str) -> Lookup<Reference> {
        Lookup::Unchecked
    }

    fn places(&self, _: &str) -> Lookup<Vec<PlaceMatch>> {
        Lookup::Unchecked
    }
}

/// Knows no project, but that there are workers: their attributes go by their bare names, and everything else is
/// accepted. For normalising a query as people type it where no project is at hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProject;

impl Resolver for NoProject {
    fn field(&self, key: &str) -> Lookup<FieldType> {
        if WorkerAttribute::from_name(key).is_some() { Lookup::Unknown } else { Lookup::Unchecked }
    }

    fn group(&self, _: &str) -> Lookup<Reference> {
        Lookup::Unchecked
    }

    fn flow(&self, _: &str) -> Lookup<Reference> {
        Lookup::Unchecked
    }

    fn places(&self, _: &str) -> Lookup<Vec<PlaceMatch>> {
        Lookup::Unchecked
    }
}
