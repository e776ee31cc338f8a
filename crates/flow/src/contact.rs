//! Contacts as sessions see them.

use crate::assets::Assets;
use crate::expression::Decimal;
use crate::pairs::Pairs;
use crate::reference::{FieldRef, GroupRef, Reference, TopicRef, UserRef};
use crate::stamp::Stamp;
use base::Urn;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::sync::Arc;
use uuid::Uuid;

/// Whether a contact may be written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContactStatus {
    /// Takes part.
    #[default]
    Active,
    /// Blocked by somebody here.
    Blocked,
    /// Asked to be left alone.
    Stopped,
    /// Put away.
    Archived,
}

impl ContactStatus {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Stopped => "stopped",
            Self::Archived => "archived",
        }
    }

    /// From the word in JSON.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Blocked, Self::Stopped, Self::Archived].into_iter().find(|s| s.as_str() == text)
    }
}

/// A field's value, in each type it can be read as.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FieldValue {
    /// As it was given.
    pub text: String,
    /// As a point in time.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "micros")]
    pub datetime: Option<Stamp>,
    /// As a number.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub number: Option<Decimal>,
    /// Path of a first-level place.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub state: String,
    /// Path of a second-level place.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub district: String,
    /// Path of a third-level place.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub ward: String,
}

/// With microseconds, as expressions write datetimes.
#[expect(clippy::ref_option, reason = "serde passes a reference")]
fn micros<S: Serializer>(at: &Option<Stamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.serialize_str(&at.micros()),
        None => serializer.serialize_none(),
    }
}

/// Decimal numbers as JSON numbers, digit by digit.
pub(crate) mod number {
    use super::{Decimal, Deserialize, Deserializer, RawValue, Serialize, Serializer};
    use serde::{de, ser};

    #[expect(clippy::ref_option, reason = "serde passes a reference")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
        let text = value.map_or_else(|| "null".to_owned(), |n| n.to_string());
        RawValue::from_string(text).map_err(ser::Error::custom)?.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get().trim_matches('"');
        if text == "null" {
            return Ok(None);
        }
        let exponent = || text.parse::<f64>().ok().and_then(|n| n.to_string().parse().ok());
        text.parse()
            .ok()
            .or_else(exponent)
            .map(Some)
            .ok_or_else(|| de::Error::custom(format!("'{text}' is not a number")))
    }
}

/// A ticket: a question handed to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// What identifies it.
    pub uuid: Uuid,
    /// `open` or `closed`.
    #[serde(default, deserialize_with = "or_default")]
    pub status: TicketStatus,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<TopicRef>,
    /// Who deals with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<UserRef>,
}

/// Whether a ticket awaits somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TicketStatus {
    /// Awaits an answer.
    #[default]
    Open,
    /// Dealt with.
    Closed,
}

/// The messaging side of a person.
#[derive(Clone, Serialize, Deserialize)]
pub struct Contact {
    /// What identifies it.
    pub uuid: Uuid,
    /// RapidPro's number; 0 when there is none.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub id: i64,
    /// Name; empty when unknown.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub name: String,
    /// ISO 639-3 code; empty when unknown.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub language: String,
    /// Whether it may be written to.
    #[serde(default, deserialize_with = "or_default")]
    pub status: ContactStatus,
    /// IANA time zone; empty when unknown.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub timezone: String,
    /// When it came to be.
    pub created_on: Stamp,
    /// When it last wrote or called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_on: Option<Stamp>,
    /// Addresses, preferred first.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "urns")]
    pub urns: Vec<Urn>,
    /// Groups it belongs to, manual and smart.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub groups: Vec<GroupRef>,
    /// Values by field key.
    #[serde(default, skip_serializing_if = "Pairs::is_empty", deserialize_with = "fields")]
    pub fields: Pairs<FieldValue>,
    /// Tickets, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub tickets: Vec<Ticket>,
    /// The worker behind it, who answers the `worker.*` properties of audience queries; not part of the JSON.
    #[serde(skip)]
    pub worker: Option<Arc<dyn audience::Subject + Send + Sync>>,
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact").field("uuid", &self.uuid).finish_non_exhaustive()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &i64) -> bool {
    *n == 0
}

/// Null counts as absent.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

fn fields<'de, D: Deserializer<'de>>(d: D) -> Result<Pairs<FieldValue>, D::Error> {
    let all = Option::<Pairs<Option<FieldValue>>>::deserialize(d)?.unwrap_or_default();
    Ok(all.iter().filter_map(|(k, v)| v.clone().map(|v| (k.to_owned(), v))).collect())
}

mod urns {
    use super::{Deserialize, Deserializer, Serializer, Urn};
    use serde::de::Error;

    pub(super) fn serialize<S: Serializer>(urns: &[Urn], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(urns.iter().map(Urn::as_str))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Urn>, D::Error> {
        let texts = Option::<Vec<std::borrow::Cow<'de, str>>>::deserialize(deserializer)?.unwrap_or_default();
        texts.iter().map(|t| Urn::parse(t).map_err(|e| D::Error::custom(format!("urn '{t}': {e}")))).collect()
    }
}

impl Contact {
    /// A contact that only has an id.
    pub fn new(uuid: Uuid, created_on: Stamp) -> Self {
        Self {
            uuid,
            id: 0,
            name: String::new(),
            language: String::new(),
            status: ContactStatus::Active,
            timezone: String::new(),
            created_on,
            last_seen_on: None,
            urns: Vec::new(),
            groups: Vec::new(),
            fields: Pairs::default(),
            tickets: Vec::new(),
            worker: None,
        }
    }

    /// Takes away what refers to assets that don't exist (groups, fields, channels, topics, users) and gives the
    /// references that were taken away.
    pub fn drop_missing(&mut self, assets: &Assets) -> Vec<Reference> {
        let mut missing = Vec::new();
        self.groups.retain(|group| {
            let known = assets.group(&group.uuid).is_some();
            if !known {
                missing.push(group.reference());
            }
            known
        });
        self.fields.retain(|key, _| {
            let known = assets.field(key).is_some();
            if !known {
                missing.push(FieldRef { key: key.to_owned(), name: String::new() }.reference());
            }
            known
        });
        for urn in &mut self.urns {
            let Some(channel) = urn.query_value("channel") else { continue };
            let known = Uuid::parse_str(channel).ok().is_some_and(|uuid| assets.channel(&uuid).is_some());
            if !known {
                if let Ok(uuid) = Uuid::parse_str(channel) {
                    missing.push(crate::reference::ChannelRef::new(uuid, "").reference());
                }
                *urn = urn.with_query("channel", None);
            }
        }
        for ticket in &mut self.tickets {
            if let Some(topic) = ticket.topic.take_if(|t| assets.topic(&t.uuid).is_none()) {
                missing.push(topic.reference());
            }
            if let Some(user) = ticket.assignee.take_if(|u| assets.user(&u.uuid).is_none()) {
                missing.push(user.reference());
            }
        }
        missing
    }

    /// The channel that the first address with one prefers.
    pub fn preferred_channel(&self) -> Option<Uuid> {
        self.urns.iter().find_map(channel_of)
    }

    /// The open ticket, if there is one.
    pub fn open_ticket(&self) -> Option<&Ticket> {
        self.tickets.iter().rev().find(|t| t.status == TicketStatus::Open)
    }

    /// Whether it belongs to a group.
    pub fn in_group(&self, uuid: &Uuid) -> bool {
        self.groups.iter().any(|g| g.uuid == *uuid)
    }

    /// How it is referred to.
    pub fn reference(&self) -> crate::reference::ContactRef {
        crate::reference::ContactRef::new(self.uuid, self.name.clone())
    }
}

/// The channel an address prefers.
pub fn channel_of(urn: &Urn) -> Option<Uuid> {
    urn.query_value("channel").and_then(|text| Uuid::parse_str(text).ok())
}
