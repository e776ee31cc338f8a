//! Smart groups: audience queries over contacts.

use crate::assets::{Field, FieldType, Group};
use crate::contact::Contact;
use crate::environment::{DateFormat, Environment, RedactionPolicy};
use audience::{Attribute, Compiled, Lookup, PlaceMatch, Property, Resolver, Subject, Value, WorkerAttribute};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Gives the places of a name, path or id: what `within` can mean.
pub type Places = Arc<dyn Fn(&str) -> Vec<PlaceMatch> + Send + Sync>;

/// What a compiled query depends on besides its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    date_format: &'static str,
    timezone: String,
    country: Option<String>,
    redacted: bool,
    today: Date,
}

/// Compiled queries of the smart groups, by what they depend on: parsed once per time zone and day.
#[derive(Default)]
pub(crate) struct Queries {
    compiled: Mutex<HashMap<Key, Arc<Vec<Option<Compiled>>>>>,
    pub(crate) places: Option<Places>,
}

/// Time zones and days that compiled queries are kept for; when there are more, all are dropped.
const MAX_KEPT: usize = 64;

/// The project's fields and places, for queries of groups; other groups and flows can't be named in them.
struct Names<'a> {
    fields: &'a dyn Fn(&str) -> Option<FieldType>,
    places: Option<&'a Places>,
}

impl Resolver for Names<'_> {
    fn field(&self, key: &str) -> Lookup<audience::FieldType> {
        match (self.fields)(key) {
            None => Lookup::Unknown,
            Some(kind) => Lookup::Known(match kind {
                FieldType::Text => audience::FieldType::Text,
                FieldType::Number => audience::FieldType::Number,
                FieldType::Datetime => audience::FieldType::Datetime,
                FieldType::State => audience::FieldType::State,
                FieldType::District => audience::FieldType::District,
                FieldType::Ward => audience::FieldType::Ward,
            }),
        }
    }

    fn group(&self, _: &str) -> Lookup<audience::Reference> {
        Lookup::Unknown
    }

    fn flow(&self, _: &str) -> Lookup<audience::Reference> {
        Lookup::Unknown
    }

    fn places(&self, text: &str) -> Lookup<Vec<PlaceMatch>> {
        match self.places {
            None => Lookup::Unknown,
            Some(places) => match places(text) {
                found if found.is_empty() => Lookup::Unknown,
                found => Lookup::Known(found),
            },
        }
    }
}

fn audience_environment(env: &Environment, now: Timestamp) -> audience::Environment {
    audience::Environment {
        date_format: match env.date_format {
            DateFormat::YearMonthDay => audience::DateFormat::YearMonthDay,
            DateFormat::MonthDayYear => audience::DateFormat::MonthDayYear,
            DateFormat::DayMonthYear => audience::DateFormat::DayMonthYear,
        },
        timezone: env.timezone.clone(),
        default_country: env.default_country.clone(),
        redact_urns: env.redaction_policy == RedactionPolicy::Urns,
        now,
    }
}

/// Attributes that a group's query can't ask about.
fn allowed(property: &Property) -> bool {
    use Attribute::{Flow, Group, History, Id, Ref, Status};
    !matches!(property, Property::Attribute(Id | Ref | Group | Flow | History | Status))
}

fn compile(query: &str, env: &audience::Environment, names: &Names<'_>) -> Option<Compiled> {
    let query = audience::parse(query, env, names).ok()?;
    let mut fine = true;
    query.root().each_condition(&mut |condition| fine &= allowed(condition.property()));
    if fine { query.compile(env).ok() } else { None }
}

impl Queries {
    /// Whether a group's query can be used.
    pub(crate) fn usable(query: &str, fields: &dyn Fn(&str) -> Option<FieldType>, places: Option<&Places>) -> bool {
        compile(query, &audience::Environment::new(Timestamp::UNIX_EPOCH), &Names { fields, places }).is_some()
    }

    /// The compiled queries of `groups`, in their order; none for manual ones.
    pub(crate) fn compiled(
        &self,
        groups: &[Group],
        fields: &dyn Fn(&str) -> Option<FieldType>,
        env: &Environment,
        now: Timestamp,
    ) -> Arc<Vec<Option<Compiled>>> {
        let key = Key {
            date_format: env.date_format.layout(),
            timezone: env.timezone.iana_name().unwrap_or_default().to_owned(),
            country: env.default_country.clone(),
            redacted: env.redaction_policy == RedactionPolicy::Urns,
            today: now.to_zoned(env.timezone.clone()).date(),
        };
        let mut kept = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.get(&key) {
            return found.clone();
        }
        let names = Names { fields, places: self.places.as_ref() };
        let env = audience_environment(env, now);
        let one = |group: &Group| (!group.query.is_empty()).then(|| compile(&group.query, &env, &names)).flatten();
        let compiled = Arc::new(groups.iter().map(one).collect::<Vec<_>>());
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(key, compiled.clone());
        compiled
    }
}

/// A contact as audience queries see it.
pub struct ContactSubject<'a> {
    /// The contact.
    pub contact: &'a Contact,
    /// Types of the fields.
    pub field: &'a dyn Fn(&str) -> Option<&'a Field>,
}

/// The last name of a place's path.
fn place_name(path: &str) -> &str {
    path.rsplit('>').next().unwrap_or(path).trim()
}

impl Subject for ContactSubject<'_> {
    fn each(&self, property: &Property, visit: &mut dyn FnMut(Value<'_>)) {
        let contact = self.contact;
        let mut text = |text: &str| {
            if !text.is_empty() {
                visit(Value::Text(text));
            }
        };
        match property {
            Property::Attribute(attribute) => match attribute {
                Attribute::Uuid => text(&contact.uuid.to_string()),
                Attribute::Id if contact.id != 0 => text(&contact.id.to_string()),
                Attribute::Name => text(&contact.name),
                Attribute::Status => text(contact.status.as_str()),
                Attribute::Language => text(&contact.language),
                Attribute::Urn => contact.urns.iter().for_each(|urn| text(&urn.path())),
                Attribute::Group => contact.groups.iter().for_each(|group| text(&group.uuid.to_string())),
                Attribute::Tickets => {
                    let open =
                        contact.tickets.iter().filter(|t| t.status == crate::contact::TicketStatus::Open).count();
                    visit(Value::Number(open.into()));
                }
                Attribute::CreatedOn => visit(Value::Time(contact.created_on.at)),
                Attribute::LastSeenOn => {
                    if let Some(seen) = contact.last_seen_on {
                        visit(Value::Time(seen.at));
                    }
                }
                Attribute::Id | Attribute::Ref | Attribute::Flow | Attribute::History => {}
            },
            Property::Urn(scheme) => {
                contact.urns.iter().filter(|urn| urn.scheme() == scheme).for_each(|urn| text(&urn.path()));
            }
            Property::Field(key) => {
                let (Some(field), Some(value)) = ((self.field)(key), contact.fields.get(key)) else { return };
                match field.kind {
                    FieldType::Text => text(&value.text),
                    FieldType::Number => {
                        if let Some(number) = value.number.and_then(|n| n.to_string().parse().ok()) {
                            visit(Value::Number(number));
                        }
                    }
                    FieldType::Datetime => {
                        if let Some(at) = value.datetime {
                            visit(Value::Time(at.at));
                        }
                    }
                    FieldType::State => text(place_name(&value.state)),
                    FieldType::District => text(place_name(&value.district)),
                    FieldType::Ward => text(place_name(&value.ward)),
                }
            }
            Property::Worker(_) => {
                if let Some(worker) = &contact.worker {
                    worker.each(property, visit);
                }
            }
        }
    }
}

/// The worker attributes that a contact's worker may be asked for, for hosts that implement
/// [`audience::Subject`] for it.
pub const WORKER_ATTRIBUTES: &[WorkerAttribute] = WorkerAttribute::ALL;
