//! `@results`, `@locals`, `@run`, `@child`, `@parent`, `@node` and `@webhook`.

use super::State;
use super::value::{deprecated, flow_value, json, lines, stamp, uuid};
use crate::contact::Contact;
use crate::environment::Environment;
use crate::expression::{Object, Value};
use crate::pairs::Pairs;
use crate::reference::FlowRef;
use crate::session::{Run, RunResult};

const CHILD_WARNINGS: &[(&str, &str)] = &[("run", "@child.run.status is deprecated, use @child.status instead")];
const PARENT_WARNINGS: &[(&str, &str)] = &[("run", "@parent.run.status is deprecated, use @parent.status instead")];

/// A run related to the current one, of this session or another.
struct Related<'a> {
    uuid: uuid::Uuid,
    contact: Option<&'a Contact>,
    flow: FlowRef,
    results: &'a Pairs<RunResult>,
    status: &'static str,
}

pub(super) fn result_value(result: &RunResult) -> Value {
    let members = RESULT_MEMBERS.iter().filter_map(|name| Some((*name, result_member(result, name)?)));
    Value::from(Object::with_default(Value::text(result.value.as_str()), members))
}

/// The members of a result.
const RESULT_MEMBERS: &[&str] =
    &["name", "value", "category", "category_localized", "input", "extra", "node_uuid", "created_on"];

/// One of the members of [`RESULT_MEMBERS`].
pub(super) fn result_member(result: &RunResult, name: &str) -> Option<Value> {
    Some(match name {
        "name" => Value::text(result.name.as_str()),
        "value" => Value::text(result.value.as_str()),
        "category" => Value::text(result.category.as_str()),
        "category_localized" if result.category_localized.is_empty() => Value::text(result.category.as_str()),
        "category_localized" => Value::text(result.category_localized.as_str()),
        "input" => Value::text(result.input.as_str()),
        "extra" => json(result.extra.as_deref()),
        "node_uuid" => uuid(result.node_uuid),
        "created_on" => stamp(result.created_on),
        _ => return None,
    })
}

/// What stands for all results where a text is wanted.
pub(super) fn results_text(results: &Pairs<RunResult>) -> String {
    lines(results.iter().map(|(_, r)| format!("{}: {}", r.name, r.value)).collect())
}

pub(super) fn results_value(results: &Pairs<RunResult>) -> Value {
    let text = Value::from(results_text(results));
    Value::from(Object::with_default(text, results.iter().map(|(key, r)| (key, result_value(r)))))
}

pub(super) fn locals_value(locals: &Pairs<String>) -> Value {
    Value::object(locals.iter().map(|(key, text)| (key, Value::text(text.as_str()))))
}

impl State<'_> {
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

    pub(super) fn run_value(&self, run: &Run, env: &Environment) -> Value {
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
        env: &Environment,
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

    pub(super) fn child_value(&self, env: &Environment) -> Option<Value> {
        let run = self.current()?;
        let child = self.session.runs.iter().rev().find(|r| r.parent_uuid == Some(run.uuid))?;
        Some(self.run_related(child, env, CHILD_WARNINGS))
    }

    fn run_related(&self, run: &Run, env: &Environment, warnings: &'static [(&'static str, &'static str)]) -> Value {
        let related = Related {
            uuid: run.uuid,
            contact: Some(&self.contact),
            flow: self.run_flow_ref(run),
            results: &run.results,
            status: run.status.as_str(),
        };
        self.related_value(&related, env, warnings)
    }

    pub(super) fn parent_value(&self, env: &Environment) -> Option<Value> {
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

    pub(super) fn node_value(&self) -> Option<Value> {
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

    pub(super) fn webhook_value(&self) -> Option<Value> {
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
}
