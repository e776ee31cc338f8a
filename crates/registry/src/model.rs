//! What an import is about: workers with their posts, and places.

use base::phone::PhoneNumber;
use base::{Lang, Urn};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// SHA-256 of a record's content: equal hashes, nothing to store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Of the bytes that a record serialises to.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of what the value serialises to, which must not contain maps with a random order.
    pub(crate) fn of_value(value: &impl Serialize) -> Self {
        // The types cannot fail; a failure would only make the record look changed.
        Self::of(&serde_json::to_vec(value).unwrap_or_default())
    }
}

/// A code with the words for it (FHIR Coding or CodeableConcept).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Coded {
    /// The code system's URI; none for words that a table holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The code; folded words where the source has no code.
    pub code: String,
    /// What people read.
    pub label: String,
}

/// FHIR's administrative gender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Gender {
    Male,
    Female,
    Other,
    Unknown,
}

/// A date of which only the year, or the year and the month, may be known: `1979`, `1979-03`, `1979-03-31`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartialDate(String);

impl PartialDate {
    /// From a FHIR `date` or `dateTime`, whose time of day is left out.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let date = text.split_once('T').map_or(text, |(date, _)| date);
        let parsed = Self(date.to_owned());
        parsed.last_day().map(|_| parsed)
    }

    /// The first day that it can mean.
    pub fn first_day(&self) -> Option<Date> {
        let mut parts = self.parts()?;
        parts.1 = parts.1.or(Some(1));
        Date::new(parts.0, parts.1?, parts.2.unwrap_or(1)).ok()
    }

    /// The last day that it can mean: a post that ended in `2020` has ended on the first day of 2021.
    pub fn last_day(&self) -> Option<Date> {
        let (year, month, day) = self.parts()?;
        let month = month.unwrap_or(12);
        match day {
            Some(day) => Date::new(year, month, day).ok(),
            None => Date::new(year, month, 1).ok().map(Date::last_of_month),
        }
    }

    /// As it was given, without a time of day.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> Option<(i16, Option<i8>, Option<i8>)> {
        let mut parts = self.0.split('-');
        let number = |text: &str, length: usize| {
            (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| text.parse::<i16>().ok())
                .flatten()
        };
        let year = number(parts.next()?, 4)?;
        let mut two = || match parts.next() {
            None => Some(None),
            Some(text) => number(text, 2).map(|value| Some(value as i8)),
        };
        let (month, day) = (two()?, two()?);
        parts.next().is_none().then_some((year, month, day))
    }
}

impl From<Date> for PartialDate {
    fn from(date: Date) -> Self {
        Self(date.to_string())
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a phone is one to write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PhoneState {
    /// In use, as far as the source knows.
    Active,
    /// The source says that it is no longer used.
    Old,
}

/// A phone of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Phone {
    /// The number, repaired.
    #[serde(flatten)]
    pub number: PhoneNumber,
    /// The place in the order of preference, from 1.
    pub rank: u16,
    /// Whether it is in use.
    pub state: PhoneState,
    /// What was typed, the whole field.
    pub raw: String,
}

impl Phone {
    /// The URN `tel:...`.
    pub fn urn(&self) -> Urn {
        self.number.to_urn()
    }
}

/// What a worker does where (FHIR PractitionerRole).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// The id in the source.
    pub source_id: String,
    /// The cadre or job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cadre: Option<Coded>,
    /// All codes of the role, the cadre among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<Coded>,
    /// [`Place::source_id`] of the facility, also where that place is not part of the import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_ref: Option<String>,
    /// [`Place::source_id`] of the jurisdiction, for a post that belongs to none of its facilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place_ref: Option<String>,
    /// The first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_start: Option<PartialDate>,
    /// The last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_end: Option<PartialDate>,
    /// Whether the worker holds it on the day of the import.
    pub active: bool,
    /// The employment status, where iHRIS has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employment: Option<Coded>,
    /// Why the worker left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departure: Option<Coded>,
    /// The source's record as compact JSON; empty for a row of a table, which [`Worker::raw`] has.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub raw: String,
}

/// Whether a worker is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Holds a post, or the source knows no post and does not call the worker inactive.
    Active,
    /// All posts have ended, or the source calls the worker inactive.
    Left,
}

/// When and why a worker left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Left {
    /// The last day of the last post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<PartialDate>,
    /// The source's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Where a worker lives, as far as sources say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// [`Place::source_id`] of the residence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residence_ref: Option<String>,
    /// The nationality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nationality: Option<Coded>,
}

/// A person in the registry, as one source knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// The name of the source.
    pub source: String,
    /// The id in the source; for a table without ids the folded name and the first phone.
    pub source_id: String,
    /// The whole name.
    pub name: String,
    /// Given names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    /// The family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The gender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// The language to write in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Lang>,
    /// The date of birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<PartialDate>,
    /// Phones, the preferred one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<Phone>,
    /// E-mail addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// Posts, the active ones first, then the latest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posts: Vec<Post>,
    /// Qualifications and specialities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<Coded>,
    /// Residence and nationality.
    pub address: Address,
    /// Other identifiers (system, value), such as a licence number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<(String, String)>,
    /// Whether the worker is at work.
    pub status: Status,
    /// Set where the status is [`Status::Left`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
    /// The source's record as compact JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub raw: String,
    /// Of everything above, posts and their raw records included.
    #[serde(skip)]
    pub hash: Hash,
}

/// A facility or a jurisdiction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceKind {
    /// A country, region, district...
    Jurisdiction,
    /// A hospital, clinic, office...
    Facility,
}

/// WGS 84.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// A place, as one source knows it (FHIR Location, with the Organization that runs it).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The name of the source.
    pub source: String,
    /// The id of the Location; `Organization/` and its id for one that has no Location; a folded path for a table.
    pub source_id: String,
    /// The name.
    pub name: String,
    /// Jurisdiction or facility.
    pub kind: PlaceKind,
    /// The level (country, district...) or the type of facility.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Coded>,
    /// [`Place::source_id`] of the place that it lies within, also where that is not part of the import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// False where the source calls it inactive.
    pub active: bool,
    /// Other identifiers (system, value).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<(String, String)>,
    /// The source's record of the Location as compact JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub raw: String,
    /// The source's record of the Organization as compact JSON, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_organization: Option<String>,
    /// Of everything above.
    #[serde(skip)]
    pub hash: Hash,
}
