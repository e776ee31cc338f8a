//! What the tests ask about: definitions, and contacts as plain data.

use std::collections::BTreeMap;

use audience::{Environment, FieldType, Names, Property, Reference, Subject, Value};
use base::place::Span;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

/// Country, two counties with a town each; one town has its county's name, and one name is in both counties.
pub(crate) const PLACES: [(&str, &str, Span); 7] = [
    ("LR", "Liberia", Span { left: 0, right: 6, depth: 0 }),
    ("BG", "Liberia > Bong", Span { left: 1, right: 3, depth: 1 }),
    ("BG-1", "Liberia > Bong > Bong", Span { left: 2, right: 2, depth: 2 }),
    ("BG-2", "Liberia > Bong > Old Town", Span { left: 3, right: 3, depth: 2 }),
    ("NI", "Liberia > Nimbâ", Span { left: 4, right: 6, depth: 1 }),
    ("NI-1", "Liberia > Nimbâ > Old Town", Span { left: 5, right: 5, depth: 2 }),
    ("NI-2", "Liberia > Nimbâ > Ganta", Span { left: 6, right: 6, depth: 2 }),
];

/// 9 in the morning in UTC, 4 in the morning in the zone, which has daylight saving time.
pub(crate) fn environment() -> Environment {
    Environment {
        timezone: TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap(),
        default_country: Some("LR".to_owned()),
        ..Environment::new("2026-11-23T09:00:00Z".parse().unwrap())
    }
}

pub(crate) fn reference(uuid: &str, name: &str) -> Reference {
    Reference { uuid: uuid.to_owned(), name: name.to_owned() }
}

pub(crate) fn names() -> Names {
    Names::default()
        .with_fields([
            ("age".to_owned(), FieldType::Number),
            ("joined".to_owned(), FieldType::Datetime),
            ("nickname".to_owned(), FieldType::Text),
            ("home".to_owned(), FieldType::District),
        ])
        .with_groups([reference("9a1c", "Testers"), reference("9a1d", "Night Shift")])
        .with_flows([reference("f10a", "Registration")])
        .with_places(PLACES)
}

/// One value of a contact.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum {
    Text(String),
    Number(Decimal),
    Time(Timestamp),
    Place(u32),
}

impl From<&str> for Datum {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A contact: property by its name in the normal form, and its values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contact(pub(crate) BTreeMap<String, Vec<Datum>>);

impl Contact {
    pub(crate) fn with(mut self, property: &str, value: impl Into<Datum>) -> Self {
        self.0.entry(property.to_owned()).or_default().push(value.into());
        self
    }

    pub(crate) fn number(self, property: &str, value: &str) -> Self {
        self.with(property, Datum::Number(value.parse().unwrap()))
    }

    pub(crate) fn time(self, property: &str, value: &str) -> Self {
        self.with(property, Datum::Time(value.parse().unwrap()))
    }

    pub(crate) fn values(&self, property: &Property) -> &[Datum] {
        self.0.get(&property.to_string()).map_or(&[], Vec::as_slice)
    }
}

impl Subject for Contact {
    fn each(&self, property: &Property, visit: &mut dyn FnMut(Value<'_>)) {
        for datum in self.values(property) {
            visit(match datum {
                Datum::Text(text) => Value::Text(text),
                Datum::Number(number) => Value::Number(*number),
                Datum::Time(time) => Value::Time(*time),
                Datum::Place(place) => Value::Place(*place),
            });
        }
    }
}

/// A nurse in a town of Bong.
pub(crate) fn ama() -> Contact {
    Contact::default()
        .with("uuid", "0190A000-0000-7000-8000-00000000000A")
        .with("id", "1234")
        .with("ref", "K7YQRZ")
        .with("name", "Ama Serwaa Kollie-Mensah")
        .with("status", "active")
        .with("language", "eng")
        .with("urn", "+231990000001")
        .with("urn", "ama@example.org")
        .with("urns.tel", "+231990000001")
        .with("urns.mailto", "ama@example.org")
        .with("group", "9A1C")
        .number("tickets", "0")
        .time("created_on", "2026-03-08T04:59:59Z")
        .time("last_seen_on", "2026-11-16T12:00:00Z")
        .number("fields.age", "36.0")
        .with("fields.nickname", "Zoé")
        .with("fields.home", "Old Town")
        .with("worker.cadre", "Registered Nurse")
        .with("worker.cadre", "RN-2")
        .with("worker.facility", "Hôpital de  Bong")
        .with("worker.place", "Old Town")
        .with("worker.within", Datum::Place(3))
        .with("worker.skill", "Obstetric care")
        .with("worker.skill", "Vaccination")
        .with("worker.gender", "female")
        .with("worker.status", "active")
}
