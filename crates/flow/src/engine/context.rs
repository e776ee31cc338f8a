//! The roots that expressions see: `@contact`, `@results`, `@input` and the rest.

mod contact;
mod run;
mod session;
mod value;

use super::destination::{self, Regions};
use crate::assets::Assets;
use crate::contact::Contact;
use crate::definition::Definition;
use crate::environment::Environment;
use crate::event::Call;
use crate::expression::{Context, Value};
use crate::resume::Resume;
use crate::session::{Run, Session};
use crate::trigger::RunSummary;
use base::Urn;
use run::{locals_value, result_member, result_value, results_text, results_value};
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
    pub(crate) regions: Regions,
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

    /// The first address of a contact that can be sent to.
    pub(crate) fn first_urn<'c>(&'c self, contact: &'c Contact) -> Option<&'c Urn> {
        destination::resolve(self.assets, contact, &self.regions).map(|(urn, _)| urn)
    }

    /// The run that started this session, if another session did.
    pub(crate) fn parent_summary(&self) -> Option<RunSummary> {
        let raw = self.session.trigger.run_summary.as_ref()?;
        serde_json::from_str(raw.get()).ok()
    }
}

/// The roots of one evaluation.
pub(crate) struct View<'v, 'a> {
    pub(crate) state: &'v State<'a>,
    pub(crate) env: &'v Environment,
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
            "contact" => self.state.contact_member(contact, self.env, property),
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

    fn deep_path(&self, root: &str, property: &str, inner: &str) -> Option<Value> {
        match (root, property) {
            ("results", key) => result_member(self.state.current()?.results.get(key)?, inner),
            ("contact", "fields") => self.path("fields", inner),
            _ => None,
        }
    }

    fn text(&self, root: &str, property: Option<&str>) -> Option<String> {
        let state = self.state;
        match (root, property) {
            ("contact", None) => Some(State::own_display(&state.contact, self.env)),
            ("results", None) => Some(results_text(&state.current()?.results)),
            ("results", Some(key)) => Some(state.current()?.results.get(key)?.value.clone()),
            _ => None,
        }
    }

    fn warning(&self, name: &str) -> Option<String> {
        (name == "legacy_extra").then(|| "@legacy_extra is deprecated".to_owned())
    }
}
