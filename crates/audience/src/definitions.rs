//! Definitions as plain data: a [`Resolver`] for the command line, for tests, and wherever all definitions are at
//! hand.

use std::collections::HashMap;

use base::place::Span;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize};

use crate::environment::{DateFormat, Environment, Lookup, PlaceMatch, Resolver};
use crate::property::FieldType;
use crate::query::Reference;
use crate::text;

/// A field of contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDefinition {
    /// Its key, in lower case.
    pub key: String,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
}

/// The members of an environment (flow specification, section 9) that queries depend on; the others are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EnvironmentDefinition {
    /// The order of dates.
    pub date_format: DateFormat,
    /// IANA name of the time zone; UTC when absent.
    pub timezone: Option<String>,
    /// ISO 3166-1 alpha-2 code.
    pub default_country: Option<String>,
    /// `urns` hides URNs; anything else does not.
    pub redaction_policy: Option<String>,
}

impl EnvironmentDefinition {
    /// The environment at `now`. The time zone is the caller's to look up by its name: the time zone database is
    /// outside this crate.
    pub fn environment(&self, now: Timestamp, timezone: TimeZone) -> Environment {
        Environment {
            date_format: self.date_format,
            timezone,
            default_country: self.default_country.clone(),
            redact_urns: self.redaction_policy.as_deref() == Some("urns"),
            now,
        }
    }
}

fn or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EnvironmentDefinition, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A file of definitions. Without `fields`, nothing is looked up: neither fields nor groups nor flows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Definitions {
    /// Formats, time zone, country, redaction; the defaults when absent or null.
    #[serde(deserialize_with = "or_default")]
    pub environment: EnvironmentDefinition,
    /// All fields, or `None` for no definitions at all.
    pub fields: Option<Vec<FieldDefinition>>,
    /// Names of all groups.
    pub groups: Vec<String>,
    /// Names of all flows.
    pub flows: Vec<String>,
}

/// Definitions made ready for look-ups.
#[derive(Clone, Debug, Default)]
pub struct Names {
    unchecked: bool,
    fields: HashMap<String, FieldType>,
    groups: HashMap<String, Reference>,
    flows: HashMap<String, Reference>,
    places: HashMap<String, Vec<PlaceMatch>>,
    any_place: bool,
}

impl Definitions {
    /// Made ready for look-ups. Groups and flows have their names for UUIDs, and places are not checked.
    pub fn names(&self) -> Names {
        let reference = |name: &String| Reference { uuid: name.clone(), name: name.clone() };
        let mut names = Names::default()
            .with_fields(self.fields.iter().flatten().map(|field| (field.key.clone(), field.kind)))
            .with_groups(self.groups.iter().map(reference))
            .with_flows(self.flows.iter().map(reference));
        names.unchecked = self.fields.is_none();
        names.accept_any_place()
    }
}

impl Names {
    /// Adds fields by key.
    pub fn with_fields(mut self, fields: impl IntoIterator<Item = (String, FieldType)>) -> Self {
        self.fields.extend(fields.into_iter().map(|(key, kind)| (key.to_lowercase(), kind)));
        self
    }

    /// Adds groups.
    pub fn with_groups(mut self, groups: impl IntoIterator<Item = Reference>) -> Self {
        self.groups.extend(groups.into_iter().map(|group| (text::normal(&group.name).into_owned(), group)));
        self
    }

    /// Adds flows.
    pub fn with_flows(mut self, flows: impl IntoIterator<Item = Reference>) -> Self {
        self.flows.extend(flows.into_iter().map(|flow| (text::normal(&flow.name).into_owned(), flow)));
        self
    }

    /// Adds places: id, path (see [`base::place::join_path`]) and numbers. A place is found by its id, by its name,
    /// and by its path or the end of its path (`Bong > Suakoko` for `Liberia > Bong > Suakoko`).
    pub fn with_places<'a>(mut self, places: impl IntoIterator<Item = (&'a str, &'a str, Span)>) -> Self {
        for (id, path, span) in places {
            let found = PlaceMatch { path: path.to_owned(), span };
            let names: Vec<&str> = base::place::split_path(path).collect();
            for from in 0..names.len() {
                let tail = text::fold(&base::place::join_path(&names[from..])).into_owned();
                self.places.entry(tail).or_default().push(found.clone());
            }
            let by_id = self.places.entry(text::fold(id).into_owned()).or_default();
            if !by_id.contains(&found) {
                by_id.push(found);
            }
        }
        self
    }

    /// Accepts any text as a place, for normalising queries where the places are not at hand. Such a query cannot
    /// be evaluated.
    pub fn accept_any_place(mut self) -> Self {
        self.any_place = true;
        self
    }
}

fn lookup<T: Clone>(unchecked: bool, names: &HashMap<String, T>, name: &str) -> Lookup<T> {
    match names.get(name) {
        _ if unchecked => Lookup::Unchecked,
        Some(found) => Lookup::Known(found.clone()),
        None => Lookup::Unknown,
    }
}

impl Resolver for Names {
    fn field(&self, key: &str) -> Lookup<FieldType> {
        lookup(self.unchecked, &self.fields, key)
    }

    fn group(&self, name: &str) -> Lookup<Reference> {
        lookup(self.unchecked, &self.groups, &text::normal(name))
    }

    fn flow(&self, name: &str) -> Lookup<Reference> {
        lookup(self.unchecked, &self.flows, &text::normal(name))
    }

    fn places(&self, name: &str) -> Lookup<Vec<PlaceMatch>> {
        let path = base::place::join_path(base::place::split_path(name));
        lookup(self.unchecked || self.any_place, &self.places, &text::fold(&path))
    }
}
