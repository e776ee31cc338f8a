//! Values that the roots share.

use crate::assets::{Channel, User};
use crate::expression::{Members, Object, Size, Value};
use crate::reference::FlowRef;
use crate::stamp::Stamp;
use serde_json::value::RawValue;
use std::sync::Arc;

/// An object some of whose members are deprecated.
struct Deprecated {
    object: Object,
    warnings: &'static [(&'static str, &'static str)],
}

impl Members for Deprecated {
    fn get(&self, name: &str) -> Option<Value> {
        self.object.get(name)
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.object.names()
    }
    fn count(&self) -> usize {
        self.object.count()
    }
    fn default_value(&self) -> Option<Value> {
        self.object.default_value()
    }
    fn size(&self) -> Size {
        self.object.size()
    }
    fn warning(&self, name: &str) -> Option<String> {
        self.warnings.iter().find(|(n, _)| name.eq_ignore_ascii_case(n)).map(|(_, text)| (*text).to_owned())
    }
}

pub(super) fn deprecated(object: Object, warnings: &'static [(&'static str, &'static str)]) -> Value {
    Value::Object(Object::lazy(Deprecated { object, warnings }))
}

pub(super) fn optional(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::text(text) }
}

pub(super) fn stamp(at: Stamp) -> Value {
    Value::datetime(at.zoned())
}

pub(super) fn uuid(uuid: uuid::Uuid) -> Value {
    Value::from(uuid.to_string())
}

pub(super) fn json(raw: Option<&RawValue>) -> Value {
    raw.and_then(|r| Value::parse_json(r.get())).unwrap_or_default()
}

/// A reference, such as one of the hundreds of groups that a contact may be in: one allocation more than its name.
struct Named {
    uuid: uuid::Uuid,
    name: Arc<str>,
}

impl Members for Named {
    fn get(&self, name: &str) -> Option<Value> {
        match name {
            _ if name.eq_ignore_ascii_case("uuid") => Some(uuid(self.uuid)),
            _ if name.eq_ignore_ascii_case("name") => Some(Value::Text(Arc::clone(&self.name))),
            _ => None,
        }
    }
    fn names(&self) -> Vec<Arc<str>> {
        vec!["uuid".into(), "name".into()]
    }
    fn count(&self) -> usize {
        2
    }
    fn size(&self) -> Size {
        Size { depth: 1, weight: 37 + self.name.len() as u64 }
    }
}

pub(super) fn named(uuid: uuid::Uuid, name: &str) -> Value {
    Value::Object(Object::lazy(Named { uuid, name: name.into() }))
}

/// `Name: value` lines, sorted.
pub(super) fn lines(mut lines: Vec<String>) -> String {
    lines.sort();
    lines.join("\n")
}

pub(super) fn channel_value(channel: &Channel) -> Value {
    Value::from(Object::with_default(
        Value::text(channel.name.as_str()),
        [
            ("uuid", uuid(channel.uuid)),
            ("name", Value::text(channel.name.as_str())),
            ("address", Value::text(channel.address.as_str())),
        ],
    ))
}

pub(super) fn flow_value(flow: &FlowRef) -> Value {
    Value::from(Object::with_default(
        Value::text(flow.name.as_str()),
        [
            ("uuid", uuid(flow.uuid)),
            ("name", Value::text(flow.name.as_str())),
            ("revision", Value::from(i64::try_from(flow.revision).unwrap_or(i64::MAX))),
        ],
    ))
}

pub(super) fn user_value(user: &User) -> Value {
    let shown = if user.name.is_empty() { &user.email } else { &user.name };
    Value::from(Object::with_default(
        Value::text(shown.as_str()),
        [
            ("email", Value::text(user.email.as_str())),
            ("name", Value::text(user.name.as_str())),
            ("first_name", Value::text(user.name.split_whitespace().next().unwrap_or(""))),
        ],
    ))
}
