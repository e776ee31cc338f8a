//! One sprint: the loop over nodes, from a start or a resume to a wait or the end.

use super::context::{State, View};
use super::destination;
use super::service::{Answer, Asker, Request};
use super::sprint::{Segment, Sprint};
use super::{Engine, ResumeError, Sources};
use crate::assets::{Assets, Channel};
use crate::contact::{Contact, ContactStatus};
use crate::definition::{Definition, FlowType};
use crate::environment::{Environment, timezone};
use crate::event::{Call, Event, EventKind, Place, PreviousResult};
use crate::expression::{Scope, Template, Value};
use crate::message::cut;
use crate::modifier::{Modifier, Target};
use crate::pairs::Pairs;
use crate::reference::Reference;
use crate::resume::{Resume, ResumeType};
use crate::router::test::Test;
use crate::router::wait::Wait;
use crate::session::{Input, Run, RunResult, RunStatus, Session, SessionStatus, Step};
use crate::stamp::Stamp;
use crate::trigger::TriggerType;
use base::phone;
use jiff::SignedDuration;
use serde_json::value::RawValue;
use std::sync::Arc;
use uuid::Uuid;

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

/// The way out of a node that was chosen.
struct Chosen {
    exit: usize,
    operand: String,
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
    sources: Sources,
    asker: Asker<'a>,
    events: Vec<Event>,
    segments: Vec<Segment>,
    /// The node visited last, in whichever run: what segments start from.
    last_node: Uuid,
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
        let (own, languages) = session_environment(assets, env, &contact);
        Self {
            engine,
            state: State { assets, contact, call, session, flows, run: 0, resume: None },
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
        (self.env, self.languages) = session_environment(self.state.assets, self.base, &self.state.contact);
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
        if changed {
            self.refresh_environment();
        }
        Ok(changed)
    }

    fn reevaluate_groups(&mut self) {
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
        let value = cut(&new.value, self.engine.options.max_field_chars).to_owned();
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

    // The loop

    fn take_input(&mut self, event: Option<&crate::event::HostEvent>) -> bool {
        let Some((event, msg)) = event.and_then(|e| Some((e, e.msg.as_ref()?))) else { return false };
        let now = self.now();
        let created_on = event.created_on.unwrap_or(now);
        let channel = msg.channel.as_ref().and_then(|c| self.state.assets.channel(&c.uuid)).map(Channel::reference);
        let uuid = event.uuid.unwrap_or_default();
        self.state.session.input = Some(Input::of(uuid, created_on, msg, channel));
        self.state.contact.last_seen_on = Some(created_on);
        true
    }

    pub(crate) fn start(&mut self, flow: Arc<Definition>) -> Result<(), Halt> {
        let event = self.state.session.trigger.event.take();
        let has_input = self.take_input(event.as_ref());
        self.state.session.trigger.event = event;
        self.reevaluate_groups();
        self.pushed = Some(Pushed { flow, terminal: false });
        self.go_on(None, has_input)
    }

    /// Whether the wait takes the resume. What would fail the session is left to [`Execution::resume`].
    pub(crate) fn check_resume(&mut self, resume: &Resume) -> Result<(), ResumeError> {
        let Some(run) = self.state.session.waiting_run() else { return Err(ResumeError::NotWaiting) };
        self.state.run = run;
        let Some(flow) = self.state.load_flow(run) else { return Ok(()) };
        let node = self.run().path.last().and_then(|s| flow.place_of(&s.node_uuid));
        let wait = node.and_then(|n| flow.nodes[n].router.as_ref()).and_then(|r| r.wait.as_ref());
        match wait {
            Some(wait)
                if self.state.session.sprints < self.engine.options.max_sprints && !wait.accepts(resume.kind) =>
            {
                Err(ResumeError::NotAccepted { resume: resume.kind.as_str(), wait: wait.type_name() })
            }
            _ => Ok(()),
        }
    }

    fn fail_session(&mut self, text: impl Into<String>) {
        self.event(EventKind::Failure { text: text.into() });
        self.end_run(self.state.run, RunStatus::Failed);
        for run in 0..self.state.session.runs.len() {
            if matches!(self.state.session.runs[run].status, RunStatus::Active | RunStatus::Waiting) {
                self.end_run(run, RunStatus::Failed);
            }
        }
        self.state.session.status = SessionStatus::Failed;
    }

    pub(crate) fn resume(&mut self, resume: Resume) -> Result<(), Halt> {
        let Some(flow) = self.state.load_flow(self.state.run) else {
            self.fail_session("Can't resume run with missing flow asset");
            return Ok(());
        };
        let max = self.engine.options.max_sprints;
        if self.state.session.sprints >= max {
            self.fail_session(format!("Reached maximum number of sprints per session ({max})"));
            return Ok(());
        }
        let Some(step) = self.run().path.last() else {
            self.fail_session("Unable to find resume location: run has no location as path is empty");
            return Ok(());
        };
        let node_uuid = step.node_uuid;
        let Some(node) = flow.place_of(&node_uuid) else {
            self.fail_session(format!("Unable to find resume location: unable to find node with UUID {node_uuid}"));
            return Ok(());
        };
        if flow.nodes[node].router.as_ref().is_none_or(|r| r.wait.is_none()) {
            self.fail_session("Can't resume from node without a router or wait");
            return Ok(());
        }
        self.last_node = node_uuid;
        self.state.session.status = SessionStatus::Active;
        self.state.session.input = None;
        let kind = resume.kind;
        if self.take_input(resume.event.as_ref()) {
            self.run_mut().had_input = true;
        }
        self.state.resume = Some(resume);
        if kind == ResumeType::WaitExpiration {
            self.end_run(self.state.run, RunStatus::Expired);
        } else {
            self.run_mut().status = RunStatus::Active;
        }
        // Groups come after routing in the order of events, as the router's result may come first.
        let chosen = if self.run().status == RunStatus::Active {
            self.route_from(node, kind == ResumeType::WaitTimeout)
        } else {
            None
        };
        self.reevaluate_groups();
        self.go_on(chosen, false)
    }

    /// Evaluates the router of a node of the current run, or takes its only way.
    fn route_from(&mut self, node: usize, timed_out: bool) -> Option<Chosen> {
        let flow = self.flow();
        let node = flow.nodes.get(node)?;
        let Some(router) = &node.router else {
            return Some(Chosen { exit: 0, operand: String::new() });
        };
        let (exit, operand) = if timed_out { router.route_timeout(self) } else { router.route(self) };
        let Some(exit) = exit else {
            self.fail("Router failed to pick a category");
            return None;
        };
        Some(Chosen { exit, operand })
    }

    fn current_node(&self) -> Option<usize> {
        self.flow().place_of(&self.run().path.last()?.node_uuid)
    }

    fn go_on(&mut self, chosen: Option<Chosen>, has_input: bool) -> Result<(), Halt> {
        let mut chosen = chosen;
        let mut has_input = has_input;
        let mut steps = 0;
        loop {
            let mut destination = None;
            if let Some(pushed) = self.pushed.take() {
                if !self.push_run(pushed) {
                    return Ok(());
                }
                if std::mem::take(&mut has_input) {
                    self.run_mut().had_input = true;
                }
                destination = if self.flow().nodes.is_empty() { None } else { Some(0) };
            } else if let Some(chosen) = chosen.take() {
                destination = self.leave(chosen);
            }
            let Some(node) = destination else {
                let status = self.run().status;
                if matches!(status, RunStatus::Active | RunStatus::Waiting) {
                    self.end_run(self.state.run, RunStatus::Completed);
                } else if status == RunStatus::Failed {
                    self.announce_end(self.state.run);
                }
                let failed = self.run().status == RunStatus::Failed;
                let parent = self.run().parent_uuid;
                let parent = parent.and_then(|uuid| self.state.session.runs.iter().position(|r| r.uuid == uuid));
                match parent.filter(|p| self.state.session.runs[*p].status == RunStatus::Active) {
                    None => {
                        self.state.session.status =
                            if failed { SessionStatus::Failed } else { SessionStatus::Completed };
                        return Ok(());
                    }
                    Some(parent) => {
                        self.state.run = parent;
                        if self.state.load_flow(parent).is_none() {
                            self.fail("Can't resume run with missing flow asset");
                        } else if failed {
                            self.exit_run(parent, RunStatus::Failed);
                        } else if let Some(node) = self.current_node() {
                            chosen = self.route_from(node, false);
                        } else {
                            self.fail("Unable to find resume location: run has no location in its flow");
                        }
                    }
                }
                continue;
            };
            steps += 1;
            let max = self.engine.options.max_steps;
            if steps > max {
                self.fail(format!("Reached maximum number of steps per sprint ({max})"));
                continue;
            }
            chosen = self.visit(node)?;
            if self.state.session.status == SessionStatus::Waiting {
                return Ok(());
            }
        }
    }

    /// Starts a run of a flow; false when there are too many already.
    fn push_run(&mut self, pushed: Pushed) -> bool {
        let max = self.engine.options.max_runs;
        let count = self.state.session.runs.len();
        if count >= max {
            self.fail_session(format!("Reached maximum number of runs per session ({max})"));
            return false;
        }
        if pushed.terminal {
            for run in 0..count {
                if matches!(self.state.session.runs[run].status, RunStatus::Active | RunStatus::Waiting) {
                    self.end_run(run, RunStatus::Completed);
                }
            }
        }
        let parent_uuid = self.state.session.runs.get(self.state.run).map(|r| r.uuid);
        let (uuid, now) = (self.uuid(), self.now());
        let flow = pushed.flow.reference();
        self.state.session.runs.push(Run {
            uuid,
            flow: flow.clone(),
            path: Vec::new(),
            locals: Pairs::default(),
            results: Pairs::default(),
            status: RunStatus::Active,
            had_input: false,
            parent_uuid,
            webhook: None,
            created_on: now,
            modified_on: now,
            exited_on: None,
        });
        self.state.flows.push(Some(pushed.flow));
        self.state.run = count;
        let parent_uuid = parent_uuid.or_else(|| self.state.parent_summary().map(|s| s.uuid));
        self.event(EventKind::RunStarted { flow, run_uuid: uuid, parent_uuid, terminal: pushed.terminal });
        true
    }

    /// Takes an exit of the current node; gives the place of the next one.
    fn leave(&mut self, chosen: Chosen) -> Option<usize> {
        let flow = self.flow();
        let node = flow.nodes.get(self.current_node()?)?;
        let exit = node.exits.get(chosen.exit)?;
        let destination = exit.destination?;
        self.segments.push(Segment {
            flow_uuid: flow.uuid(),
            node_uuid: self.last_node,
            exit_uuid: exit.uuid,
            operand: chosen.operand,
            destination_uuid: flow.nodes[destination].uuid,
            time: self.now(),
        });
        Some(destination)
    }

    fn visit(&mut self, place: usize) -> Result<Option<Chosen>, Halt> {
        let flow = self.flow();
        let node = &flow.nodes[place];
        let step = Step { arrived_on: self.now(), node_uuid: node.uuid };
        self.run_mut().path.push(step);
        self.last_node = node.uuid;
        for action in &node.actions {
            action.execute(self)?;
            if self.run().status == RunStatus::Failed {
                return Ok(None);
            }
        }
        if self.pushed.is_some() {
            return Ok(None);
        }
        if let Some(wait) = node.router.as_ref().and_then(|r| r.wait.as_ref())
            && self.begin(wait, &flow)
        {
            self.run_mut().status = RunStatus::Waiting;
            self.state.session.status = SessionStatus::Waiting;
            return Ok(None);
        }
        Ok(self.route_from(place, false))
    }

    /// Begins a wait; false when it is skipped.
    fn begin(&mut self, wait: &Wait, flow: &Definition) -> bool {
        let now = self.sources.now;
        let after = |seconds: u64| {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX / 2);
            Stamp::utc(now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now))
        };
        match wait {
            Wait::Msg { timeout, hint } => {
                let session = &self.state.session;
                let first = session.runs.len() == 1 && session.runs[0].path.len() == 1;
                if session.trigger.kind == TriggerType::Msg && first {
                    return false;
                }
                let expires_on = after(flow.expire_after_minutes().saturating_mul(60));
                let timeout_seconds = timeout.as_ref().map(|t| t.seconds);
                self.event(EventKind::MsgWait { timeout_seconds, expires_on, hint: hint.clone() });
                true
            }
            Wait::Dial { phone: template, dial_limit_seconds, call_limit_seconds } => {
                let (text, _) = self.text(template);
                match phone::e164(text.trim(), self.env.default_country.as_deref()) {
                    None => {
                        self.error("not a possible number");
                        false
                    }
                    Some(number) => {
                        let (dial, call) = (*dial_limit_seconds, *call_limit_seconds);
                        let expires_on = after(u64::from(dial) + u64::from(call) + 30);
                        self.event(EventKind::DialWait {
                            urn: format!("tel:{number}"),
                            dial_limit_seconds: dial,
                            call_limit_seconds: call,
                            expires_on,
                        });
                        true
                    }
                }
            }
        }
    }

    /// Ends a run without telling of it yet.
    fn exit_run(&mut self, run: usize, status: RunStatus) {
        let now = self.now();
        let run = &mut self.state.session.runs[run];
        run.status = status;
        run.exited_on = Some(now);
        run.modified_on = now;
    }

    fn announce_end(&mut self, run: usize) {
        let run = &self.state.session.runs[run];
        let (run_uuid, flow, status) = (run.uuid, run.flow.clone(), run.status);
        self.event(EventKind::RunEnded { run_uuid, flow, status });
    }

    fn end_run(&mut self, run: usize, status: RunStatus) {
        self.exit_run(run, status);
        self.announce_end(run);
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

/// The environment with a contact's time zone, language and country, and the languages that translations are looked for
/// in before a flow's own.
pub(crate) fn session_environment(
    assets: &Assets,
    base: &Environment,
    contact: &Contact,
) -> (Environment, Arc<[Box<str>]>) {
    let mut env = base.clone();
    if !contact.timezone.is_empty()
        && let Some(zone) = timezone(&contact.timezone)
    {
        env.timezone = zone;
    }
    if let Some(country) = destination::country(assets, contact) {
        env.default_country = Some(country);
    }
    let own = base.allowed_languages.iter().position(|l| *l == contact.language);
    if let Some(own) = own {
        env.allowed_languages[..=own].rotate_right(1);
    }
    let mut languages: Vec<Box<str>> = Vec::with_capacity(2);
    for language in [env.allowed_languages.first(), base.allowed_languages.first()].into_iter().flatten() {
        if languages.iter().all(|l| **l != **language) {
            languages.push(language.as_str().into());
        }
    }
    (env, languages.into())
}

/// The key of a result: its name with every run of other characters than letters, digits and `_` as one `_`, in lower
/// case.
pub fn result_key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.trim().chars() {
        if c.is_alphanumeric() || c == '_' {
            if std::mem::take(&mut gap) {
                key.push('_');
            }
            key.extend(c.to_lowercase());
        } else {
            gap = true;
        }
    }
    if gap {
        key.push('_');
    }
    key
}

#[cfg(test)]
mod tests {
    use super::result_key;

    #[test]
    fn keys_of_results_are_snakes() {
        for (name, key) in
            [("2Factor", "2factor"), ("Favorite Color", "favorite_color"), (" A - b? ", "a_b_"), ("x_y", "x_y")]
        {
            assert_eq!(result_key(name), key);
        }
    }
}
