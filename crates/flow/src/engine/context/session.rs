//! `@input`, `@trigger`, `@resume`, `@globals` and `@legacy_extra`.

use super::State;
use super::value::{channel_value, json, lines, stamp, user_value, uuid};
use crate::environment::Environment;
use crate::expression::{Members, Object, Size, Value};
use crate::session::Input;
use base::Urn;
use std::sync::Arc;

/// `@input`: the operand of most routers, which mostly ask for no more than its text.
struct InputMembers {
    input: Arc<Input>,
    channel: Value,
    urn: Value,
    payload: Value,
}

impl InputMembers {
    const NAMES: [&str; 9] =
        ["type", "uuid", "created_on", "channel", "urn", "text", "attachments", "external_id", "payload"];
}

impl Members for InputMembers {
    fn get(&self, name: &str) -> Option<Value> {
        let name = Self::NAMES.into_iter().find(|known| name.eq_ignore_ascii_case(known))?;
        let input = &self.input;
        Some(match name {
            "type" => Value::text(input.kind.as_str()),
            "uuid" => uuid(input.uuid),
            "created_on" => stamp(input.created_on),
            "channel" => self.channel.clone(),
            "urn" => self.urn.clone(),
            "text" => Value::text(input.text.as_str()),
            "attachments" => Value::array(input.attachments.iter().map(|a| Value::text(a.as_str())).collect()),
            "external_id" => Value::text(input.external_id.as_str()),
            _ if self.payload.is_null() => Value::object::<&str>([]),
            _ => self.payload.clone(),
        })
    }

    fn names(&self) -> Vec<Arc<str>> {
        Self::NAMES.into_iter().map(Arc::from).collect()
    }

    fn count(&self) -> usize {
        Self::NAMES.len()
    }

    fn size(&self) -> Size {
        let mut size = Size::of([&self.channel, &self.urn, &self.payload].into_iter());
        let bytes: usize = self.input.attachments.iter().map(String::len).sum();
        // The text and the attachments are in the default too.
        size.weight = size.weight.saturating_add(2 * (self.input.text.len() + bytes) as u64);
        size
    }

    /// The text and the URLs of the attachments, a line each.
    fn default_value(&self) -> Option<Value> {
        let input = &self.input;
        if input.attachments.is_empty() {
            return Some(Value::text(input.text.as_str()));
        }
        let urls = input.attachments.iter().map(|a| a.split_once(':').map_or(a.as_str(), |(_, url)| url));
        let parts: Vec<&str> = Some(input.text.as_str()).filter(|t| !t.is_empty()).into_iter().chain(urls).collect();
        Some(Value::from(parts.join("\n")))
    }
}

impl State<'_> {
    pub(super) fn input_value(&self, env: &Environment) -> Value {
        let Some(input) = &self.session.input else { return Value::Null };
        let urn = input.urn.as_ref().and_then(|u| Urn::parse(u).ok());
        Value::Object(Object::lazy(InputMembers {
            input: Arc::clone(input),
            channel: input
                .channel
                .as_ref()
                .and_then(|c| self.assets.channel(&c.uuid))
                .map_or(Value::Null, channel_value),
            payload: json(input.payload.as_deref()),
            urn: urn.map_or(Value::Null, |u| self.own_urn(&u, Self::redacted(env))),
        }))
    }

    pub(super) fn trigger_value(&self) -> Value {
        let trigger = &self.session.trigger;
        let event = trigger.event.as_ref();
        let empty = || Value::object::<&str>([]);
        let params = match event.filter(|e| e.kind == "chat_started").and_then(|e| e.params.as_deref()) {
            Some(params) => json(Some(params)),
            None => json(trigger.params.as_deref()),
        };
        let campaign = event.and_then(|e| e.campaign.as_ref()).map_or(Value::Null, |c| {
            let name = self.assets.campaign(&c.uuid).map_or(c.name.as_str(), |c| c.name.as_str());
            Value::from(Object::with_default(Value::text(name), [("uuid", uuid(c.uuid)), ("name", Value::text(name))]))
        });
        let user = trigger.user.as_ref().and_then(|u| self.assets.user(&u.uuid)).map_or(Value::Null, user_value);
        Value::object([
            ("type", Value::text(trigger.kind.as_str())),
            ("params", if params.is_null() { empty() } else { params }),
            ("keyword", Value::text(trigger.keyword_match.as_ref().map_or("", |k| k.keyword.as_str()))),
            ("user", user),
            ("origin", Value::text(trigger.origin.as_deref().unwrap_or(""))),
            ("campaign", campaign),
            ("ticket", trigger.ticket.as_ref().map_or(Value::Null, |t| self.ticket_value(t))),
        ])
    }

    pub(super) fn resume_value(&self) -> Option<Value> {
        let resume = self.resume.as_ref()?;
        let dial = resume.event.as_ref().and_then(|e| e.dial.as_ref()).map_or(Value::Null, |dial| {
            Value::object([
                ("status", Value::text(dial.status.as_str())),
                ("duration", Value::from(i64::from(dial.duration))),
            ])
        });
        Some(Value::object([("type", Value::text(resume.kind.as_str())), ("dial", dial)]))
    }

    pub(super) fn globals_value(&self) -> Value {
        let globals = self.assets.globals();
        let text = Value::from(lines(globals.iter().map(|g| format!("{}: {}", g.name, g.value)).collect()));
        Value::from(Object::with_default(text, globals.iter().map(|g| (g.key.as_str(), Value::text(g.value.as_str())))))
    }

    pub(super) fn legacy_extra_value(&self) -> Value {
        let mut members: Vec<(String, Value)> = Vec::new();
        let merge = |value: &Value, members: &mut Vec<(String, Value)>| match value {
            Value::Object(object) => {
                members.extend(object.members().into_iter().map(|(k, v)| (legacy_key(&k), v)));
            }
            Value::Array(items) => {
                members.extend(items.iter().enumerate().map(|(i, v)| (i.to_string(), v.clone())));
            }
            _ => {}
        };
        merge(&json(self.session.trigger.params.as_deref()), &mut members);
        for (key, result) in self.current().into_iter().flat_map(|run| run.results.iter()) {
            if let Some(extra) = &result.extra {
                members.push((key.to_owned(), Value::text(extra.get())));
                merge(&json(Some(extra)), &mut members);
            }
        }
        Value::object(members)
    }
}

fn legacy_key(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || c == '_' { c } else { '_' };
    name.to_lowercase().chars().map(kept).collect()
}
