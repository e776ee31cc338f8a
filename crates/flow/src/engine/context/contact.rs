//! `@contact`, `@fields`, `@urns` and `@ticket`.

use super::State;
use super::value::{channel_value, deprecated, lines, named, optional, stamp, user_value, uuid};
use crate::assets::FieldType;
use crate::contact::{Contact, FieldValue, Ticket};
use crate::engine::obfuscate;
use crate::environment::{Environment, RedactionPolicy};
use crate::expression::{Object, Value};
use base::{Scheme, Urn};

/// Members of `@contact` that aren't deprecated.
const CONTACT_MEMBERS: &[&str] = &[
    "uuid",
    "ref",
    "name",
    "first_name",
    "language",
    "status",
    "timezone",
    "created_on",
    "last_seen_on",
    "urns",
    "urn",
    "groups",
    "fields",
    "channel",
];
const CONTACT_WARNINGS: &[(&str, &str)] = &[
    ("id", "@contact.id is deprecated, use @contact.ref instead"),
    ("tickets", "@contact.tickets is deprecated, use @ticket instead"),
];

impl State<'_> {
    pub(super) fn redacted(env: &Environment) -> bool {
        env.redaction_policy == RedactionPolicy::Urns
    }

    pub(super) fn urn_value(urn: &Urn, redacted: bool) -> Value {
        if redacted {
            return Value::from(format!("{}:********", urn.scheme()));
        }
        let display = urn.as_str().find('#').map_or("", |i| &urn.as_str()[i..]);
        Value::from(format!("{}{display}", urn.identity()))
    }

    pub(super) fn urns_value(urns: &[Urn], redacted: bool) -> Value {
        Value::object(Scheme::NAMES.iter().map(|scheme| {
            let first = urns.iter().find(|u| u.scheme() == *scheme);
            (*scheme, first.map_or(Value::Null, |u| Self::urn_value(u, redacted)))
        }))
    }

    pub(super) fn field_value(value: Option<&FieldValue>, kind: FieldType) -> Value {
        let Some(value) = value else { return Value::Null };
        match kind {
            FieldType::Text => Value::text(value.text.as_str()),
            FieldType::Number => value.number.map_or(Value::Null, Value::from),
            FieldType::Datetime => value.datetime.map_or(Value::Null, stamp),
            FieldType::State if !value.state.is_empty() => Value::text(value.state.as_str()),
            FieldType::District if !value.district.is_empty() => Value::text(value.district.as_str()),
            FieldType::Ward if !value.ward.is_empty() => Value::text(value.ward.as_str()),
            _ => Value::Null,
        }
    }

    pub(super) fn fields_value(&self, contact: &Contact) -> Value {
        let mut set = Vec::new();
        let mut members = Vec::with_capacity(self.assets.fields().len());
        for field in self.assets.fields() {
            let value = Self::field_value(contact.fields.get(&field.key), field.kind);
            if !value.is_null() {
                let text = value.to_text().unwrap_or_default();
                set.push(format!("{}: {text}", field.name));
            }
            members.push((field.key.as_str(), value));
        }
        Value::from(Object::with_default(Value::from(lines(set)), members))
    }

    /// What stands for a contact where a text is wanted.
    pub(crate) fn contact_display(contact: &Contact, reference: &str, redacted: bool) -> String {
        if !contact.name.is_empty() {
            return contact.name.clone();
        }
        if redacted {
            return reference.to_owned();
        }
        contact.urns.first().map_or_else(String::new, Urn::friendly)
    }

    pub(super) fn ticket_value(&self, ticket: &Ticket) -> Value {
        let topic = ticket.topic.as_ref().and_then(|t| self.assets.topic(&t.uuid)).map_or(Value::Null, |topic| {
            Value::from(Object::with_default(
                Value::text(topic.name.as_str()),
                [("uuid", uuid(topic.uuid)), ("name", Value::text(topic.name.as_str()))],
            ))
        });
        let assignee = ticket.assignee.as_ref().and_then(|u| self.assets.user(&u.uuid));
        let members =
            [("uuid", uuid(ticket.uuid)), ("topic", topic), ("assignee", assignee.map_or(Value::Null, user_value))];
        Value::object(members)
    }

    /// One of the members of [`CONTACT_MEMBERS`].
    pub(super) fn contact_member(&self, contact: &Contact, env: &Environment, name: &str) -> Option<Value> {
        let redacted = Self::redacted(env);
        Some(match name {
            "uuid" => uuid(contact.uuid),
            "ref" => reference(contact, env),
            "name" => optional(&contact.name),
            "first_name" => contact.name.split_whitespace().next().map_or(Value::Null, Value::text),
            "language" => optional(&contact.language),
            "status" => Value::text(contact.status.as_str()),
            "timezone" => optional(&contact.timezone),
            "created_on" => stamp(contact.created_on),
            "last_seen_on" => contact.last_seen_on.map_or(Value::Null, stamp),
            "urns" => Value::array(contact.urns.iter().map(|u| Self::urn_value(u, redacted)).collect()),
            "urn" => self.first_urn(contact).map_or(Value::Null, |u| Self::urn_value(u, redacted)),
            "groups" => Value::array(contact.groups.iter().map(|g| named(g.uuid, &g.name)).collect()),
            "fields" => self.fields_value(contact),
            "channel" => {
                contact.preferred_channel().and_then(|c| self.assets.channel(&c)).map_or(Value::Null, channel_value)
            }
            _ => return None,
        })
    }

    /// What stands for a contact, with its number where its addresses are hidden.
    pub(super) fn own_display(contact: &Contact, env: &Environment) -> String {
        Self::contact_display(contact, &contact.id.to_string(), Self::redacted(env))
    }

    pub(super) fn contact_value(&self, contact: &Contact, env: &Environment) -> Value {
        let default = Value::from(Self::own_display(contact, env));
        let tickets = contact.open_ticket().map(|t| self.ticket_value(t)).into_iter().collect();
        let members = CONTACT_MEMBERS.iter().filter_map(|n| Some((*n, self.contact_member(contact, env, n)?)));
        let members = members.chain([("id", Value::from(contact.id.to_string())), ("tickets", Value::array(tickets))]);
        deprecated(Object::with_default(default, members), CONTACT_WARNINGS)
    }

    /// An address of the contact, with its display when the contact has it.
    pub(super) fn own_urn(&self, urn: &Urn, redacted: bool) -> Value {
        let own = self.contact.urns.iter().find(|u| u.identity() == urn.identity());
        Self::urn_value(own.unwrap_or(urn), redacted)
    }
}

/// The contact's number in a form that doesn't tell it.
fn reference(contact: &Contact, env: &Environment) -> Value {
    Value::from(obfuscate::encode(contact.id, env.obfuscation_key))
}
