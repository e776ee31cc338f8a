//! The roots that expressions see: `@contact`, `@results`, `@input` and the rest.

use super::destination;
use crate::assets::{Assets, Channel, FieldType};
use crate::contact::{Contact, FieldValue, Ticket};
use crate::definition::Definition;
use crate::event::Call;
use crate::expression::{Context, Members, Object, Value};
use crate::pairs::Pairs;
use crate::reference::FlowRef;
use crate::resume::Resume;
use crate::session::{Run, RunResult, Session};
use crate::stamp::Stamp;
use crate::trigger::RunSummary;
use base::{Scheme, Urn};
use serde_json::value::RawValue;
use std::sync::Arc;

/// What a sprint works on.
pub(crate) struct State<'a> {
    pub(crate) assets: &'a Assets,
    pub(crate) contact: Contact,
    pub(crate) call: Option<Call>,
    pub(crate) session: Session,
    /// Flows of the session's runs, as far as they have been needed.
    pub(crate) flows: Vec<Option<Arc<Definition>>>,
    /// Place of the current run.
    pub(crate) run: usize,
    pub(crate) resume: Option<Resume>,
}

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
    fn warning(&self, name: &str) -> Option<String> {
        self.warnings.iter().find(|(n, _)| name.eq_ignore_ascii_case(n)).map(|(_, text)| (*text).to_owned())
    }
}

fn deprecated(object: Object, warnings: &'static [(&'static str, &'static str)]) -> Value {
    Value::Object(Object::lazy(Deprecated { object, warnings }))
}

const CONTACT_WARNINGS: &[(&str, &str)] = &[
    ("id", "@contact.id is deprecated, use @contact.ref instead"),
    ("tickets", "@contact.tickets is deprecated, use @ticket instead"),
];
const CHILD_WARNINGS: &[(&str, &str)] = &[("run", "@child.run.status is deprecated, use @child.status instead")];
const PARENT_WARNINGS: &[(&str, &str)] = &[("run", "@parent.run.status is deprecated, use @parent.status instead")];

fn optional(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::text(text) }
}

fn stamp(at: Stamp) -> Value {
    Value::datetime(at.zoned())
}

fn uuid(uuid: uuid::Uuid) -> Value {
    Value::from(uuid.to_string())
}

fn json(raw: Option<&RawValue>) -> Value {
    raw.and_then(|r| Value::parse_json(r.get())).unwrap_or_default()
}

fn named(uuid_: uuid::Uuid, name: &str) -> Value {
    Value::object([("uuid", uuid(uuid_)), ("name", Value::text(name))])
}

/// `Name: value` lines, sorted.
fn lines(mut lines: Vec<String>) -> Value {
    lines.sort();
    Value::from(lines.join("\n"))
}

fn channel_value(channel: &Channel) -> Value {
    Value::from(Object::with_default(
        Value::text(channel.name.as_str()),
        [
            ("uuid", uuid(channel.uuid)),
            ("name", Value::text(channel.name.as_str())),
            ("address", Value::text(channel.address.as_str())),
        ],
    ))
}

fn flow_value(flow: &FlowRef) -> Value {
    Value::from(Object::with_default(
        Value::text(flow.name.as_str()),
        [
            ("uuid", uuid(flow.uuid)),
            ("name", Value::text(flow.name.as_str())),
            ("revision", Value::from(i64::try_from(flow.revision).unwrap_or(i64::MAX))),
        ],
    ))
}

fn result_value(result: &RunResult) -> Value {
    let localized = if result.category_localized.is_empty() { &result.category } else { &result.category_localized };
    Value::from(Object::with_default(
        Value::text(result.value.as_str()),
        [
            ("name", Value::text(result.name.as_str())),
            ("value", Value::text(result.value.as_str())),
            ("category", Value::text(result.category.as_str())),
            ("category_localized", Value::text(localized.as_str())),
            ("input", Value::text(result.input.as_str())),
            ("extra", json(result.extra.as_deref())),
            ("node_uuid", uuid(result.node_uuid)),
            ("created_on", stamp(result.created_on)),
        ],
    ))
}

fn results_value(results: &Pairs<RunResult>) -> Value {
    let text = lines(results.iter().map(|(_, r)| format!("{}: {}", r.name, r.value)).collect());
    Value::from(Object::with_default(text, results.iter().map(|(key, r)| (key, result_value(r)))))
}

fn locals_value(locals: &Pairs<String>) -> Value {
    Value::object(locals.iter().map(|(key, text)| (key, Value::text(text.as_str()))))
}

fn place_name(path: &str) -> Value {
    Value::text(path)
}

impl State<'_> {
    /// The flow of a run, if it has been needed.
    pub(crate) fn flow_of(&self, run: usize) -> Option<Arc<Definition>> {
        self.flows.get(run).cloned().flatten()
    }

    /// The flow of a run, looked up if this is its first use.
    pub(crate) fn load_flow(&mut self, run: usize) -> Option<Arc<Definition>> {
        if self.flows[run].is_none() {
            self.flows[run] = self.assets.usable_flow(&self.session.runs[run].flow.uuid);
        }
        self.flow_of(run)
    }

    fn current(&self) -> Option<&Run> {
        self.session.runs.get(self.run)
    }

    /// The run that started this session, if another session did.
    pub(crate) fn parent_summary(&self) -> Option<RunSummary> {
        let raw = self.session.trigger.run_summary.as_ref()?;
        serde_json::from_str(raw.get()).ok()
    }

    fn redacted(env: &crate::environment::Environment) -> bool {
        env.redaction_policy == crate::environment::RedactionPolicy::Urns
    }

    fn urn_value(urn: &Urn, redacted: bool) -> Value {
        if redacted {
            return Value::from(format!("{}:********", urn.scheme()));
        }
        let display = urn.as_str().find('#').map_or("", |i| &urn.as_str()[i..]);
        Value::from(format!("{}{display}", urn.identity()))
    }

    fn urns_value(urns: &[Urn], redacted: bool) -> Value {
        Value::object(Scheme::NAMES.iter().map(|scheme| {
            let first = urns.iter().find(|u| u.scheme() == *scheme);
            (*scheme, first.map_or(Value::Null, |u| Self::urn_value(u, redacted)))
        }))
    }

    fn field_value(value: Option<&FieldValue>, kind: FieldType) -> Value {
        let Some(value) = value else { return Value::Null };
        match kind {
            FieldType::Text => Value::text(value.text.as_str()),
            FieldType::Number => value.number.map_or(Value::Null, Value::from),
            FieldType::Datetime => value.datetime.map_or(Value::Null, stamp),
            FieldType::State if !value.state.is_empty() => place_name(&value.state),
            FieldType::District if !value.district.is_empty() => place_name(&value.district),
            FieldType::Ward if !value.ward.is_empty() => place_name(&value.ward),
            _ => Value::Null,
        }
    }

    fn fields_value(&self, contact: &Contact) -> Value {
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
        Value::from(Object::with_default(lines(set), members))
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

    fn ticket_value(&self, ticket: &Ticket) -> Value {
        let topic = ticket.topic.as_ref().and_then(|t| self.assets.topic(&t.uuid)).map_or(Value::Null, |topic| {
            Value::from(Object::with_default(
                Value::text(topic.name.as_str()),
                [("uuid", uuid(topic.uuid)), ("name", Value::text(topic.name.as_str()))],
            ))
        });
        let assignee = ticket.assignee.as_ref().and_then(|u| self.assets.user(&u.uuid));
        let members = [
            ("uuid", uuid(ticket.uuid)),
            ("topic", topic),
            ("assignee", assignee.map_or(Value::Null, Self::user_value)),
        ];
        Value::object(members)
    }

    fn user_value(user: &crate::assets::User) -> Value {
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

    fn contact_value(&self, contact: &Contact, env: &crate::environment::Environment) -> Value {
        let redacted = Self::redacted(env);
        let id = contact.id.to_string();
        let urn = first_urn(self.assets, contact);
        let default = match Self::contact_display(contact, &id, redacted) {
            text if text.is_empty() => Value::text(""),
            text => Value::from(text),
        };
        let object = Object::with_default(
            default,
            [
                ("uuid", uuid(contact.uuid)),
                ("ref", reference(contact, env)),
                ("id", Value::from(id)),
                ("name", optional(&contact.name)),
                ("first_name", contact.name.split_whitespace().next().map_or(Value::Null, Value::text)),
                ("language", optional(&contact.language)),
                ("status", Value::text(contact.status.as_str())),
                ("timezone", optional(&contact.timezone)),
                ("created_on", stamp(contact.created_on)),
                ("last_seen_on", contact.last_seen_on.map_or(Value::Null, stamp)),
                ("urns", Value::array(contact.urns.iter().map(|u| Self::urn_value(u, redacted)).collect())),
                ("urn", urn.map_or(Value::Null, |u| Self::urn_value(u, redacted))),
                ("groups", Value::array(contact.groups.iter().map(|g| named(g.uuid, &g.name)).collect())),
                ("fields", self.fields_value(contact)),
                (
                    "channel",
                    contact
                        .preferred_channel()
                        .and_then(|c| self.assets.channel(&c))
                        .map_or(Value::Null, channel_value),
                ),
                ("tickets", Value::array(contact.open_ticket().map(|t| self.ticket_value(t)).into_iter().collect())),
            ],
        );
        deprecated(object, CONTACT_WARNINGS)
    }

    fn input_value(&self, env: &crate::environment::Environment) -> Value {
        let Some(input) = &self.session.input else { return Value::Null };
        let channel = input.channel.as_ref().and_then(|c| self.assets.channel(&c.uuid));
        let urn = input.urn.as_ref().and_then(|u| Urn::parse(u).ok());
        let urls = input.attachments.iter().map(|a| a.split_once(':').map_or(a.as_str(), |(_, url)| url));
        let mut parts: Vec<&str> = Vec::new();
        if !input.text.is_empty() {
            parts.push(&input.text);
        }
        parts.extend(urls);
        let attachments = input.attachments.iter().map(|a| Value::text(a.as_str())).collect();
        Value::from(Object::with_default(
            Value::from(parts.join("\n")),
            [
                ("type", Value::text(input.kind.as_str())),
                ("uuid", uuid(input.uuid)),
                ("created_on", stamp(input.created_on)),
                ("channel", channel.map_or(Value::Null, channel_value)),
                ("urn", urn.map_or(Value::Null, |u| self.own_urn(&u, Self::redacted(env)))),
                ("text", Value::text(input.text.as_str())),
                ("attachments", Value::array(attachments)),
                ("external_id", Value::text(input.external_id.as_str())),
                (
                    "payload",
                    match json(input.payload.as_deref()) {
                        Value::Null => Value::object::<&str>([]),
                        payload => payload,
                    },
                ),
            ],
        ))
    }

    /// An address of the contact, with its display when the contact has it.
    fn own_urn(&self, urn: &Urn, redacted: bool) -> Value {
        let own = self.contact.urns.iter().find(|u| u.identity() == urn.identity());
        Self::urn_value(own.unwrap_or(urn), redacted)
    }

    fn path_value(run: &Run) -> Value {
        let step = |s: &crate::session::Step| {
            Value::object([("node_uuid", uuid(s.node_uuid)), ("arrived_on", stamp(s.arrived_on))])
        };
        Value::array(run.path.iter().map(step).collect())
    }

    fn run_display(contact: &str, flow: &str) -> Value {
        Value::from(format!("{contact}@{flow}"))
    }

    fn run_flow_ref(&self, run: &Run) -> FlowRef {
        match self.assets.usable_flow(&run.flow.uuid) {
            Some(flow) => flow.reference(),
            None => FlowRef { name: "<missing>".to_owned(), ..run.flow.clone() },
        }
    }

    fn run_value(&self, run: &Run, env: &crate::environment::Environment) -> Value {
        let contact = Self::contact_display(&self.contact, &self.contact.id.to_string(), Self::redacted(env));
        let flow = self.run_flow_ref(run);
        Value::from(Object::with_default(
            Self::run_display(&contact, &flow.name),
            [
                ("uuid", uuid(run.uuid)),
                ("contact", self.contact_value(&self.contact, env)),
                ("flow", flow_value(&flow)),
                ("status", Value::text(run.status.as_str())),
                ("locals", locals_value(&run.locals)),
                ("results", results_value(&run.results)),
                ("path", Self::path_value(run)),
                ("created_on", stamp(run.created_on)),
                ("exited_on", run.exited_on.map_or(Value::Null, stamp)),
            ],
        ))
    }

    fn related_value(
        &self,
        related: &Related<'_>,
        env: &crate::environment::Environment,
        warnings: &'static [(&'static str, &'static str)],
    ) -> Value {
        let redacted = Self::redacted(env);
        let display = related
            .contact
            .map_or_else(|| "<nocontact>".to_owned(), |c| Self::contact_display(c, &c.id.to_string(), redacted));
        let contact = related.contact.map_or(Value::Null, |c| self.contact_value(c, env));
        let urns = related.contact.map_or(Value::Null, |c| Self::urns_value(&c.urns, redacted));
        let fields = related.contact.map_or(Value::Null, |c| self.fields_value(c));
        let status = Value::text(related.status);
        let object = Object::with_default(
            Self::run_display(&display, &related.flow.name),
            [
                ("uuid", uuid(related.uuid)),
                ("contact", contact),
                ("flow", flow_value(&related.flow)),
                ("fields", fields),
                ("urns", urns),
                ("results", results_value(related.results)),
                ("status", status.clone()),
                ("run", Value::object([("status", status)])),
            ],
        );
        deprecated(object, warnings)
    }

    fn child_value(&self, env: &crate::environment::Environment) -> Option<Value> {
        let run = self.current()?;
        let child = self.session.runs.iter().rev().find(|r| r.parent_uuid == Some(run.uuid))?;
        Some(self.run_related(child, env, CHILD_WARNINGS))
    }

    fn run_related(
        &self,
        run: &Run,
        env: &crate::environment::Environment,
        warnings: &'static [(&'static str, &'static str)],
    ) -> Value {
        let related = Related {
            uuid: run.uuid,
            contact: Some(&self.contact),
            flow: self.run_flow_ref(run),
            results: &run.results,
            status: run.status.as_str(),
        };
        self.related_value(&related, env, warnings)
    }

    fn parent_value(&self, env: &crate::environment::Environment) -> Option<Value> {
        let run = self.current()?;
        if let Some(parent) = run.parent_uuid {
            let parent = self.session.runs.iter().find(|r| r.uuid == parent)?;
            return Some(self.run_related(parent, env, PARENT_WARNINGS));
        }
        let summary = self.parent_summary()?;
        let results = summary.results.unwrap_or_default();
        let related = Related {
            uuid: summary.uuid,
            contact: summary.contact.as_ref(),
            flow: summary.flow,
            results: &results,
            status: summary.status.as_str(),
        };
        Some(self.related_value(&related, env, PARENT_WARNINGS))
    }

    fn node_value(&self) -> Option<Value> {
        let run = self.current()?;
        let node_uuid = run.path.last()?.node_uuid;
        let flow = self.flow_of(self.run)?;
        let node = &flow.nodes[flow.place_of(&node_uuid)?];
        let categories = node.router.iter().flat_map(|r| &r.categories).map(|c| Value::text(c.name.base.as_str()));
        let visits = run.path.iter().filter(|s| s.node_uuid == node_uuid).count();
        Some(Value::object([
            ("uuid", uuid(node_uuid)),
            ("categories", Value::array(categories.collect())),
            ("visit_count", Value::from(visits)),
        ]))
    }

    fn trigger_value(&self) -> Value {
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
        let user = trigger.user.as_ref().and_then(|u| self.assets.user(&u.uuid)).map_or(Value::Null, Self::user_value);
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

    fn resume_value(&self) -> Option<Value> {
        let resume = self.resume.as_ref()?;
        let dial = resume.event.as_ref().and_then(|e| e.dial.as_ref()).map_or(Value::Null, |dial| {
            Value::object([
                ("status", Value::text(dial.status.as_str())),
                ("duration", Value::from(i64::from(dial.duration))),
            ])
        });
        Some(Value::object([("type", Value::text(resume.kind.as_str())), ("dial", dial)]))
    }

    fn webhook_value(&self) -> Option<Value> {
        let webhook = self.current()?.webhook.as_ref()?;
        let headers = webhook.headers.iter().map(|(name, text)| (name, Value::text(text.as_str())));
        Some(Value::from(Object::with_default(
            Value::from(format!("{} {}", webhook.method, webhook.url)),
            [
                ("status", Value::from(i64::from(webhook.status))),
                ("headers", Value::object(headers)),
                ("json", json(webhook.json.as_deref())),
            ],
        )))
    }

    fn globals_value(&self) -> Value {
        let globals = self.assets.globals();
        let text = lines(globals.iter().map(|g| format!("{}: {}", g.name, g.value)).collect());
        Value::from(Object::with_default(text, globals.iter().map(|g| (g.key.as_str(), Value::text(g.value.as_str())))))
    }

    fn legacy_extra_value(&self) -> Value {
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

/// The first address of a contact that can be sent to.
pub(crate) fn first_urn<'c>(assets: &'c Assets, contact: &'c Contact) -> Option<&'c Urn> {
    destination::resolve(assets, contact).map(|(urn, _)| urn)
}

/// A run related to the current one, of this session or another.
struct Related<'a> {
    uuid: uuid::Uuid,
    contact: Option<&'a Contact>,
    flow: FlowRef,
    results: &'a Pairs<RunResult>,
    status: &'static str,
}

/// The contact's number in a form that doesn't tell it.
fn reference(contact: &Contact, env: &crate::environment::Environment) -> Value {
    Value::from(super::obfuscate::encode(contact.id, env.obfuscation_key))
}

/// The roots of one evaluation.
pub(crate) struct View<'v, 'a> {
    pub(crate) state: &'v State<'a>,
    pub(crate) env: &'v crate::environment::Environment,
}

impl Context for View<'_, '_> {
    fn root(&self, name: &str) -> Option<Value> {
        let (state, env) = (self.state, self.env);
        let run = state.current();
        let or_null = |value: Option<Value>| Some(value.unwrap_or_default());
        match name {
            "contact" => Some(state.contact_value(&state.contact, env)),
            "fields" => Some(state.fields_value(&state.contact)),
            "urns" => Some(State::urns_value(&state.contact.urns, State::redacted(env))),
            "results" => or_null(run.map(|r| results_value(&r.results))),
            "locals" => or_null(run.map(|r| locals_value(&r.locals))),
            "input" => Some(state.input_value(env)),
            "run" => or_null(run.map(|r| state.run_value(r, env))),
            "child" => or_null(state.child_value(env)),
            "parent" => or_null(state.parent_value(env)),
            "node" => or_null(state.node_value()),
            "trigger" => Some(state.trigger_value()),
            "resume" => or_null(state.resume_value()),
            "ticket" => or_null(state.contact.open_ticket().map(|t| state.ticket_value(t))),
            "webhook" => or_null(state.webhook_value()),
            "globals" => Some(state.globals_value()),
            "legacy_extra" => Some(state.legacy_extra_value()),
            _ => None,
        }
    }

    fn path(&self, root: &str, property: &str) -> Option<Value> {
        let contact = &self.state.contact;
        match root {
            "contact" => match property {
                "uuid" => Some(uuid(contact.uuid)),
                "name" => Some(optional(&contact.name)),
                "first_name" => Some(contact.name.split_whitespace().next().map_or(Value::Null, Value::text)),
                "language" => Some(optional(&contact.language)),
                "groups" => Some(Value::array(contact.groups.iter().map(|g| named(g.uuid, &g.name)).collect())),
                _ => None,
            },
            "input" if property == "text" => Some(Value::text(self.state.session.input.as_ref()?.text.as_str())),
            "results" => self.state.current()?.results.get(property).map(result_value),
            "locals" => self.state.current()?.locals.get(property).map(|text| Value::text(text.as_str())),
            "fields" => {
                let field = self.state.assets.field(property)?;
                Some(State::field_value(contact.fields.get(property), field.kind))
            }
            "globals" => self.state.assets.global(property).map(|g| Value::text(g.value.as_str())),
            _ => None,
        }
    }

    fn warning(&self, name: &str) -> Option<String> {
        (name == "legacy_extra").then(|| "@legacy_extra is deprecated".to_owned())
    }
}
