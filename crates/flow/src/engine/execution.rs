//! One sprint under way: what its actions and routers read, evaluate, change and tell of.

use super::context::{State, View};
use super::destination::Regions;
use super::service::{Answer, Asker, Request};
use super::sprint::{Segment, Sprint};
use super::surroundings::session_environment;
use super::{Engine, Sources};
use crate::assets::Assets;
use crate::contact::{Contact, ContactStatus};
use crate::definition::{Definition, FlowType};
use crate::environment::Environment;
use crate::event::{Call, Event, EventKind, Place, PreviousResult};
use crate::expression::{Scope, Template, Value};
use crate::message::cut;
use crate::modifier::{Modifier, Target};
use crate::pairs::Pairs;
use crate::reference::Reference;
use crate::router::test::Test;
use crate::session::{Run, RunResult, RunStatus, Session, result_key};
use crate::stamp::Stamp;
use serde_json::value::RawValue;
use std::sync::Arc;
use uuid::Uuid;

/// Longest value of a result, in characters.
const MAX_RESULT: usize = 640;

/// Why a sprint stops before its end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// An answer is needed.
    Need(Request),
    /// An answer doesn't fit its request.
    Service(String),
}

impl Halt {
    pub(crate) fn mismatch(what: &str) -> Self {
        Self::Service(format!("the answers given don't fit the requests: {what} got another kind of answer"))
    }
}

/// A flow to enter when the actions of the node are done.
pub(crate) struct Pushed {
    pub(crate) flow: Arc<Definition>,
    pub(crate) terminal: bool,
}

/// A result to record.
pub(crate) struct NewResult<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: String,
    pub(crate) category: &'a str,
    pub(crate) category_localized: &'a str,
    pub(crate) input: String,
    pub(crate) extra: Option<Box<RawValue>>,
}

/// One sprint under way.
pub(crate) struct Execution<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) state: State<'a>,
    /// The environment as given.
    base: &'a Environment,
    /// The environment with the contact's time zone, language and country.
    pub(crate) env: Environment,
    languages: Arc<[Box<str>]>,
    pub(super) sources: Sources,
    asker: Asker<'a>,
    events: Vec<Event>,
    pub(super) segments: Vec<Segment>,
    /// The node visited last, in whichever run: what segments start from.
    pub(super) last_node: Uuid,
    pub(crate) pushed: Option<Pushed>,
}

impl<'a> Execution<'a> {
    #[expect(clippy::too_many_arguments, reason = "they are those of the engine's own calls")]
    pub(crate) fn new(
        engine: &'a Engine,
        assets: &'a Assets,
        env: &'a Environment,
        contact: Contact,
        call: Option<Call>,
        session: Session,
        sources: Sources,
        answers: &'a [Answer],
    ) -> Self {
        let flows = vec![None; session.runs.len()];
        let regions = Regions::default();
        let (own, languages) = session_environment(assets, env, &contact, &regions);
        Self {
            engine,
            state: State { assets, contact, call, session, flows, run: 0, resume: None, regions },
            base: env,
            env: own,
            languages,
            sources,
            asker: Asker::new(answers),
            events: Vec::with_capacity(8),
            segments: Vec::new(),
            last_node: Uuid::nil(),
            pushed: None,
        }
    }

    /// Brings the environment in line with the contact: after its time zone, language or addresses changed.
    fn refresh_environment(&mut self) {
        (self.env, self.languages) =
            session_environment(self.state.assets, self.base, &self.state.contact, &self.state.regions);
    }

    pub(crate) fn finish(mut self) -> Sprint {
        self.state.session.sprints += 1;
        Sprint {
            session: self.state.session,
            contact: self.state.contact,
            events: self.events,
            segments: self.segments,
            run: self.state.run,
            sources: self.sources,
        }
    }

    // What actions and routers use

    pub(crate) fn now(&self) -> Stamp {
        Stamp::utc(self.sources.now)
    }

    pub(crate) fn uuid(&mut self) -> Uuid {
        self.sources.uuid()
    }

    pub(crate) fn random(&mut self) -> f64 {
        self.sources.ids.unit()
    }

    pub(crate) fn ask(&mut self, request: Request) -> Result<&'a Answer, Halt> {
        self.asker.ask(request)
    }

    /// Languages that translations are looked for in, before the flow's own.
    pub(crate) fn languages(&self) -> Arc<[Box<str>]> {
        self.languages.clone()
    }

    /// The language of the session: of the contact if it is allowed, else the first allowed.
    pub(crate) fn session_language(&self) -> &str {
        self.languages.first().map_or("", |l| l)
    }

    /// The first language allowed in the environment as given.
    pub(crate) fn workspace_language(&self) -> &str {
        self.base.default_language().unwrap_or("")
    }

    /// The country of the environment as given.
    pub(crate) fn workspace_country(&self) -> Option<&str> {
        self.base.default_country.as_deref()
    }

    pub(crate) fn run(&self) -> &Run {
        &self.state.session.runs[self.state.run]
    }

    pub(crate) fn run_mut(&mut self) -> &mut Run {
        let now = Stamp::utc(self.sources.now);
        let run = &mut self.state.session.runs[self.state.run];
        run.modified_on = now;
        run
    }

    /// The flow of the current run. A run is only executed with its flow.
    pub(crate) fn flow(&self) -> Arc<Definition> {
        self.state.flow_of(self.state.run).unwrap_or_else(crate::definition::empty)
    }

    pub(crate) fn event(&mut self, kind: EventKind) -> Uuid {
        let place = self
            .state
            .session
            .runs
            .get(self.state.run)
            .and_then(|run| Some(Place { run_uuid: run.uuid, node_uuid: run.path.last()?.node_uuid }));
        let uuid = self.uuid();
        self.events.push(Event { uuid, created_on: self.now(), place, kind });
        uuid
    }

    pub(crate) fn error(&mut self, text: impl Into<String>) {
        self.event(EventKind::Error { text: text.into(), code: None, extra: Pairs::default() });
    }

    pub(crate) fn error_with(&mut self, text: impl Into<String>, code: &str, extra: &[(&str, &str)]) {
        let extra = extra.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.event(EventKind::Error { text: text.into(), code: Some(code.to_owned()), extra });
    }

    pub(crate) fn warning(&mut self, text: impl Into<String>, code: Option<&str>, extra: &[(&str, &str)]) {
        let extra = extra.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.event(EventKind::Warning { text: text.into(), code: code.map(str::to_owned), extra });
    }

    /// Says that something referred to isn't there.
    pub(crate) fn missing(&mut self, reference: &Reference) {
        let identity = reference.identity.to_string();
        let extra = [("type", reference.kind), ("identity", identity.as_str())];
        self.error_with(format!("Missing dependency: {reference}"), "dependency:missing", &extra);
    }

    /// Fails the current run.
    pub(crate) fn fail(&mut self, text: impl Into<String>) {
        self.event(EventKind::Failure { text: text.into() });
        self.exit_run(self.state.run, RunStatus::Failed);
    }

    fn scoped<T>(&mut self, work: impl FnOnce(&mut Scope<'_>) -> T) -> (T, bool) {
        let Self { engine, state, env, sources, .. } = self;
        let ids = &mut sources.ids;
        let mut random = || ids.unit();
        let view = View { state, env };
        let mut scope = Scope::new(env, &view, sources.now, &mut random);
        scope.locations = state.assets.locations();
        scope.prompts = &engine.options.prompts;
        let result = work(&mut scope);
        let (errors, warnings) = (std::mem::take(&mut scope.errors), std::mem::take(&mut scope.warnings));
        let fine = errors.is_empty();
        for text in warnings {
            self.warning(text, Some("context:deprecated"), &[]);
        }
        for problem in errors {
            self.error_with(problem.text, problem.code, &[("expression", &problem.expression)]);
        }
        (result, fine)
    }

    /// What a template gives as text, cut to 10,000 characters; false when a part of it had an error.
    pub(crate) fn text(&mut self, template: &Template) -> (String, bool) {
        self.scoped(|scope| template.text(scope))
    }

    /// What a template gives as text, however long.
    pub(crate) fn uncut(&mut self, template: &Template) -> (String, bool) {
        self.scoped(|scope| template.text_uncut(scope))
    }

    /// What a template gives as text, with each value put in changed by `escape`.
    pub(crate) fn escaped(&mut self, template: &Template, escape: &dyn Fn(&str) -> String) -> (String, bool) {
        self.scoped(|scope| template.text_escaped(scope, escape))
    }

    /// What a template gives as a value.
    pub(crate) fn value(&mut self, template: &Template) -> Value {
        self.scoped(|scope| template.value(scope)).0
    }

    /// Calls a router test.
    pub(crate) fn test(&mut self, test: Test, arguments: &[Value]) -> Value {
        self.scoped(|scope| test.call(scope, arguments)).0
    }

    /// Changes the contact; true when something changed.
    pub(crate) fn modify(&mut self, modifier: &Modifier) -> Result<bool, Halt> {
        let run = self.state.session.runs.get(self.state.run);
        let place = run.and_then(|r| Some(Place { run_uuid: r.uuid, node_uuid: r.path.last()?.node_uuid }));
        let mut target = Target {
            engine: self.engine,
            assets: self.state.assets,
            env: &self.env,
            contact: &mut self.state.contact,
            sources: &mut self.sources,
            asker: &mut self.asker,
            events: &mut self.events,
            place,
        };
        let changed = target.apply(modifier)?;
        if changed && modifier.moves_environment() {
            self.refresh_environment();
        }
        Ok(changed)
    }

    pub(super) fn reevaluate_groups(&mut self) {
        let mut target = Target {
            engine: self.engine,
            assets: self.state.assets,
            env: &self.env,
            contact: &mut self.state.contact,
            sources: &mut self.sources,
            asker: &mut self.asker,
            events: &mut self.events,
            place: None,
        };
        target.reevaluate_groups(false);
    }

    /// Records a result; an event tells of it when it differs from the one before.
    pub(crate) fn save_result(&mut self, new: NewResult<'_>) {
        let value = cut(&new.value, MAX_RESULT).to_owned();
        let localized = if new.category_localized == new.category { "" } else { new.category_localized };
        let now = self.now();
        let run = self.run_mut();
        let node_uuid = run.path.last().map_or(Uuid::nil(), |s| s.node_uuid);
        let result = RunResult {
            name: new.name.to_owned(),
            value: value.clone(),
            category: new.category.to_owned(),
            category_localized: localized.to_owned(),
            node_uuid,
            input: new.input,
            extra: new.extra.clone(),
            created_on: now,
        };
        let old = run.results.replace(&result_key(new.name), result);
        if old.as_ref().is_some_and(|o| o.value == value && o.category == new.category) {
            return;
        }
        let previous = old.map(|o| PreviousResult { value: o.value, category: o.category });
        let (name, category) = (new.name.to_owned(), new.category.to_owned());
        self.event(EventKind::RunResultChanged { name, value, category, extra: new.extra, previous });
    }

    pub(crate) fn set_local(&mut self, name: &str, value: impl Into<String>) {
        self.run_mut().locals.set(name, value.into());
    }

    /// Whether many sessions are started together.
    pub(crate) fn in_batch(&self) -> bool {
        self.state.session.trigger.batch
    }

    /// The type of the session's flow.
    pub(crate) fn session_type(&self) -> FlowType {
        self.state.session.kind
    }

    /// Whether the contact may be written to.
    pub(crate) fn contact_status(&self) -> ContactStatus {
        self.state.contact.status
    }
}
