//! One mailbox, handled: the engine's sprints become rows to write. Pure but for what it is given.

use super::contact;
use crate::assets::Loaded;
use crate::gate::{self, Recipient, Refusal, admit};
use crate::outbox::unknown_policy;
use crate::settings::Settings;
use base::{ChannelId, FlowId, GroupId, IdMaker, MessageId, Millis, RunId, SessionId, StartId};
use flow::contact::Contact;
use flow::engine::{Engine, Outcome, Sources, Sprint};
use flow::event::{Event, EventKind, HostEvent};
use flow::message::{MsgIn, MsgOut};
use flow::resume::{Resume, ResumeType};
use flow::session::{RunStatus, Session, SessionStatus};
use flow::trigger::{KeywordMatch, Trigger, TriggerType};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::ops::{
    Class, Consent, ContactPatch, Count, DedupeKey, Mailbox, NewProblem, Outgoing, Priority, Progress, RunRow, Step,
    Task,
};

/// What steps need beside the mailbox.
#[derive(Clone)]
pub struct Context {
    /// Flows and what they refer to.
    pub loaded: Arc<Loaded>,
    /// What the ministry decides.
    pub settings: Arc<Settings>,
    /// The engine.
    pub engine: Arc<Engine>,
    /// The time.
    pub now: Millis,
}

/// Why a mailbox cannot be handled. It surfaces as a problem of kind `step_failed`.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The contact's row holds what is no JSON of its kind.
    #[error("the contact's {what} cannot be read: {reason}")]
    Contact {
        /// Which part.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// The stored session cannot be read.
    #[error("the session cannot be read: {0}")]
    Session(#[from] serde_json::Error),
    /// The engine could not go on.
    #[error("the flow cannot go on: {0}")]
    Engine(String),
}

/// Handles what waits for one contact, in order.
///
/// # Errors
/// [`StepError`]: nothing of the mailbox is handled then.
pub fn step(context: &Context, mailbox: &Mailbox, ids: &mut IdMaker) -> Result<Step, StepError> {
    #[cfg(test)]
    super::tests::panic_for_one(mailbox);
    let mut work = Work::new(context, mailbox, ids)?;
    for row in &mailbox.tasks {
        match &row.task {
            Task::Message { .. } => work.message(row.id, &row.task)?,
            Task::Start { start, flow } => work.start(*start, *flow)?,
            Task::Timeout { rev } => work.wake(*rev, ResumeType::WaitTimeout)?,
            Task::Expiration { rev } => work.wake(*rev, ResumeType::WaitExpiration)?,
        }
        work.step.done.push((row.task.priority(), row.id));
    }
    work.finish()
}

/// What caused a sprint.
struct Cause {
    priority: Priority,
    answers: Option<DedupeKey>,
    /// The next message is the first of this start.
    opening: Option<StartId>,
}

struct Work<'a> {
    context: &'a Context,
    ids: &'a mut IdMaker,
    mailbox: &'a Mailbox,
    /// Taken while a sprint runs.
    contact: Option<Contact>,
    session: Option<Session>,
    recipient: Recipient,
    patch: ContactPatch,
    patched: bool,
    runs: BTreeMap<RunId, RunRow>,
    step: Step,
    stepped: bool,
}

impl<'a> Work<'a> {
    fn new(context: &'a Context, mailbox: &'a Mailbox, ids: &'a mut IdMaker) -> Result<Self, StepError> {
        let session = mailbox.session.state.as_deref().map(Session::read).transpose()?;
        let unsolicited = serde_json::from_str(&mailbox.session.unsolicited).unwrap_or_default();
        Ok(Self {
            contact: Some(contact::read(mailbox, &context.loaded)?),
            session,
            recipient: Recipient { suppressed: mailbox.suppressed, status: mailbox.row.status.clone(), unsolicited },
            patch: ContactPatch::default(),
            patched: false,
            runs: BTreeMap::new(),
            step: Step {
                part: mailbox.part,
                contact: mailbox.contact,
                done: Vec::with_capacity(mailbox.tasks.len()),
                rev: mailbox.session.rev,
                session: mailbox.session.clone(),
                contact_patch: None,
                runs: Vec::new(),
                messages: Vec::new(),
                counts: Vec::new(),
                progress: Vec::new(),
                left_out: Vec::new(),
                problems: Vec::new(),
                at: context.now,
            },
            stepped: false,
            context,
            ids,
            mailbox,
        })
    }

    /// A message from the contact: a word of consent, a keyword, an answer, or neither.
    fn message(&mut self, id: MessageId, task: &Task) -> Result<(), StepError> {
        let Task::Message { channel, address, to, text, received_on, dedupe, consent, .. } = task else {
            return Ok(());
        };
        self.step.session.reply_channel = Some(*channel);
        self.step.session.reply_from = (!to.is_empty()).then(|| to.clone());
        self.seen(*received_on);
        self.prefer(address);
        if let Some(consent) = consent {
            self.consent(*consent, address, *dedupe);
            return Ok(());
        }
        if self.recipient.suppressed || self.recipient.status != "active" {
            // It is kept with the conversation; nobody who opted out or is blocked gets an answer.
            return Ok(());
        }
        let cause = Cause { priority: Priority::Reply, answers: *dedupe, opening: None };
        let event = HostEvent::msg_received(
            id.0,
            received_on.timestamp().into(),
            MsgIn {
                urn: Some(address.clone()),
                channel: self.context.loaded.channel_ref(*channel),
                text: text.clone(),
                attachments: Vec::new(),
                external_id: String::new(),
                payload: None,
            },
        );
        let groups = self.contact.as_ref().map_or(&[][..], |contact| &contact.groups);
        if let Some(keyword) = self.context.loaded.keyword(text, groups) {
            let mut trigger = Trigger::new(TriggerType::Msg, keyword.flow.clone(), self.now().into());
            trigger.event = Some(event);
            trigger.keyword_match = Some(KeywordMatch { kind: keyword.kind, keyword: keyword.word.clone() });
            self.interrupt();
            self.step.session.start = None;
            return self.begin(trigger, &cause);
        }
        if self.session.is_none() {
            return Ok(());
        }
        if let Some(start) = self.step.session.start {
            self.step.progress.push((start, Progress::Responded, *received_on));
        }
        self.go_on(Resume { kind: ResumeType::Msg, resumed_on: self.now().into(), event: Some(event) }, &cause)
    }

    /// Answers go to the number that wrote last: it becomes the first of the contact's.
    fn prefer(&mut self, address: &str) {
        let Some(contact) = &mut self.contact else { return };
        let Some(at) = contact.urns.iter().position(|urn| urn.identity() == address).filter(|at| *at > 0) else {
            return;
        };
        contact.urns[..=at].rotate_right(1);
        let urns: Vec<&str> = contact.urns.iter().map(base::Urn::as_str).collect();
        self.patch.urns = serde_json::to_string(&urns).ok();
        self.patched = true;
    }

    /// Notes when the contact was last heard of; the contact's row only when the day changes.
    fn seen(&mut self, at: Millis) {
        let settings = &self.context.settings;
        if self.step.session.last_seen_on.is_some_and(|last| last >= at) {
            return;
        }
        let day = settings.day(at);
        if self.mailbox.row.last_seen_on.is_none_or(|last| settings.day(last) != day) {
            self.patch.seen = Some((at, day));
            self.patched = true;
        }
        self.step.session.last_seen_on = Some(at);
        if let Some(contact) = &mut self.contact {
            contact.last_seen_on = Some(at.timestamp().into());
        }
    }

    /// Opt-out and opt-in: the suppression list was written with the message; here the conversation ends and the one
    /// confirmation is made.
    fn consent(&mut self, consent: Consent, address: &str, answers: Option<DedupeKey>) {
        let settings = Arc::clone(&self.context.settings);
        let (status, texts) = match consent {
            Consent::OptOut => ("stopped", &settings.opted_out),
            Consent::OptIn => ("active", &settings.opted_in),
        };
        if consent == Consent::OptOut {
            self.interrupt();
        }
        let changed = self.recipient.status != status;
        if self.recipient.status == "active" || self.recipient.status == "stopped" {
            self.set_status(status);
        }
        self.recipient.suppressed = consent == Consent::OptOut;
        if !changed {
            return;
        }
        let text = settings.text(texts, self.mailbox.row.language.as_deref()).to_owned();
        self.send(Draft {
            address: Some(address.to_owned()),
            channel: self.step.session.reply_channel,
            text,
            priority: Priority::Reply,
            class: Class::Confirmation,
            answers,
            start: None,
            opening: false,
            run: None,
            refused: None,
        });
    }

    fn set_status(&mut self, status: &str) {
        status.clone_into(&mut self.recipient.status);
        self.patch.status = Some(status.to_owned());
        self.patched = true;
        if let (Some(contact), Some(status)) = (&mut self.contact, flow::contact::ContactStatus::parse(status)) {
            contact.status = status;
        }
    }

    /// A campaign starts a flow.
    fn start(&mut self, start: StartId, flow: FlowId) -> Result<(), StepError> {
        let (settings, now) = (&self.context.settings, self.context.now);
        let address = self.mailbox.row.urns.split('"').nth(1).map(str::to_owned);
        let refusal = admit(settings, &self.recipient, address.as_deref(), "-", Priority::Bulk, Class::Normal, now);
        if let Err(refusal) = refusal {
            self.step.left_out.push((start, refusal.as_str().to_owned()));
            return Ok(());
        }
        let Some(reference) = self.context.loaded.flow_ref(flow) else {
            self.step.left_out.push((start, "flow_missing".into()));
            return Ok(());
        };
        self.interrupt();
        self.step.session.start = Some(start);
        let before = self.step.messages.len();
        let trigger = Trigger::new(TriggerType::Manual, reference, self.now().into());
        self.begin(trigger, &Cause { priority: Priority::Bulk, answers: None, opening: Some(start) })?;
        if self.step.messages.len() == before {
            self.step.left_out.push((start, Refusal::Empty.as_str().to_owned()));
        }
        Ok(())
    }

    /// The wait's time is over. A timer of an earlier revision says nothing any more.
    fn wake(&mut self, rev: i64, kind: ResumeType) -> Result<(), StepError> {
        if self.stepped || rev != self.mailbox.session.rev || self.session.is_none() {
            return Ok(());
        }
        let cause = Cause { priority: Priority::Bulk, answers: None, opening: None };
        self.go_on(Resume { kind, resumed_on: self.now().into(), event: None }, &cause)
    }

    fn now(&self) -> jiff::Timestamp {
        self.context.now.timestamp()
    }

    /// Ends a session that waits, because another begins or the contact opted out.
    fn interrupt(&mut self) {
        let Some(session) = self.session.take() else { return };
        self.note_runs(&session, Some("interrupted"));
        self.clear_session();
    }

    fn clear_session(&mut self) {
        let row = &mut self.step.session;
        row.state = None;
        row.flow = None;
        row.start = None;
        row.timeout_on = None;
        row.expires_on = None;
    }

    fn begin(&mut self, trigger: Trigger, cause: &Cause) -> Result<(), StepError> {
        let context = self.context;
        let Some(contact) = self.contact.take() else { return Err(gone()) };
        let sources = Sources::new(self.now(), self.ids.fork());
        let outcome = context
            .engine
            .start(&context.loaded.engine, &context.loaded.environment, contact, None, trigger, sources, &[])
            .map_err(|error| StepError::Engine(error.to_string()))?;
        self.take_in(outcome, cause)
    }

    fn go_on(&mut self, resume: Resume, cause: &Cause) -> Result<(), StepError> {
        let context = self.context;
        let (Some(contact), Some(session)) = (self.contact.take(), self.session.take()) else { return Err(gone()) };
        let sources = Sources::new(self.now(), self.ids.fork());
        let outcome = context
            .engine
            .resume(&context.loaded.engine, &context.loaded.environment, session, contact, None, resume, sources, &[])
            .map_err(|error| StepError::Engine(error.to_string()))?;
        self.take_in(outcome, cause)
    }

    /// Turns a sprint into rows.
    fn take_in(&mut self, outcome: Outcome, cause: &Cause) -> Result<(), StepError> {
        let sprint = match outcome {
            Outcome::Done(sprint) => *sprint,
            Outcome::Need(request) => {
                return Err(StepError::Engine(format!("it needs a service that is not set up: {request:?}")));
            }
        };
        self.stepped = true;
        let Sprint { session, contact, events, .. } = sprint;
        self.contact = Some(contact);
        let start = self.step.session.start;
        let flow = session.runs.first().map(|run| FlowId(run.flow.uuid));
        let mut opening = cause.opening;
        let (mut timeout_on, mut expires_on) = (None, None);
        for event in events {
            match event.kind {
                EventKind::MsgCreated { ref msg } => {
                    let opened = opening.take();
                    self.send_msg(msg, &event, cause, start, opened.is_some());
                }
                EventKind::MsgWait { timeout_seconds, expires_on: expires, .. } => {
                    let now = self.context.now;
                    timeout_on = timeout_seconds.map(|seconds| Millis(now.0 + i64::from(seconds) * 1_000));
                    expires_on = Some(Millis::from(expires.at));
                }
                kind => self.effect(kind, start, flow),
            }
        }
        self.note_runs(&session, None);
        if session.status == SessionStatus::Waiting {
            let row = &mut self.step.session;
            row.flow = flow;
            row.timeout_on = timeout_on;
            row.expires_on = expires_on;
            self.session = Some(session);
        } else {
            if let (SessionStatus::Completed, Some(start)) = (session.status, start) {
                self.step.progress.push((start, Progress::Completed, self.context.now));
            }
            self.clear_session();
        }
        Ok(())
    }

    /// What an event that is neither message nor wait changes.
    fn effect(&mut self, kind: EventKind, start: Option<StartId>, flow: Option<FlowId>) {
        match kind {
            EventKind::ContactNameChanged { name } => self.patch.name = Some(some(name)),
            EventKind::ContactLanguageChanged { language } => self.patch.language = Some(some(language)),
            EventKind::ContactTimezoneChanged { timezone } => self.patch.timezone = Some(some(timezone)),
            EventKind::ContactStatusChanged { status } => {
                status.as_str().clone_into(&mut self.recipient.status);
                self.patch.status = Some(status.as_str().to_owned());
            }
            EventKind::ContactFieldChanged { .. } => {
                let fields = self.contact.as_ref().map(|contact| &contact.fields);
                self.patch.fields = fields.and_then(|fields| serde_json::to_string(fields).ok());
            }
            EventKind::ContactGroupsChanged { groups_added, groups_removed } => {
                self.patch.groups_added.extend(groups_added.iter().map(|group| GroupId(group.uuid)));
                self.patch.groups_removed.extend(groups_removed.iter().map(|group| GroupId(group.uuid)));
                let groups = self.contact.iter().flat_map(|contact| &contact.groups).map(|group| group.uuid);
                self.patch.groups = serde_json::to_string(&groups.collect::<Vec<_>>()).ok();
            }
            EventKind::ContactUrnsChanged { urns } => {
                let known = &self.mailbox.row.urns;
                let fresh = urns.iter().map(|urn| urn.split(['?', '#']).next().unwrap_or(urn));
                let fresh = fresh.filter(|urn| !known.contains(&format!("\"{urn}")));
                self.patch.urns_added.extend(fresh.map(str::to_owned));
                self.patch.urns = serde_json::to_string(&urns).ok();
            }
            EventKind::RunResultChanged { name, value, category, previous, .. } => {
                self.count(start, flow, &name, &value, &category, 1);
                if let Some(previous) = previous {
                    self.count(start, flow, &name, &previous.value, &previous.category, -1);
                }
                return;
            }
            EventKind::Failure { text } => {
                self.step.problems.push(NewProblem {
                    kind: "flow_failed".into(),
                    key: format!("{} {text}", flow.map(|flow| flow.to_string()).unwrap_or_default()),
                    subject: self.mailbox.contact.to_string(),
                    message: format!("A flow failed: {text}"),
                    remedy: "Mend the flow and import it again.".into(),
                });
                return;
            }
            _ => return,
        }
        self.patched = true;
    }

    fn count(
        &mut self,
        start: Option<StartId>,
        flow: Option<FlowId>,
        name: &str,
        value: &str,
        category: &str,
        by: i64,
    ) {
        let Some(scope) = start.map(|start| start.0).or(flow.map(|flow| flow.0)) else { return };
        let answer = if category.is_empty() { value } else { category };
        let question = flow::engine::result_key(name);
        self.step.counts.push(Count { scope, question, answer: answer.to_owned(), by });
    }

    fn note_runs(&mut self, session: &Session, ended: Option<&str>) {
        let now = self.context.now;
        for run in &session.runs {
            let open = matches!(run.status, RunStatus::Active | RunStatus::Waiting);
            let (status, exited_on) = match ended {
                Some(word) if open => (word.to_owned(), Some(now)),
                _ => (run.status.as_str().to_owned(), run.exited_on.map(|at| Millis::from(at.at))),
            };
            let row = RunRow {
                id: RunId(run.uuid),
                session: SessionId(session.uuid),
                flow: FlowId(run.flow.uuid),
                start: self.step.session.start,
                status,
                results: serde_json::to_string(&run.results).unwrap_or_default(),
                created_on: Millis::from(run.created_on.at),
                modified_on: Millis::from(run.modified_on.at),
                exited_on,
            };
            self.runs.insert(row.id, row);
        }
    }

    /// A message of the engine's.
    fn send_msg(&mut self, msg: &MsgOut, event: &Event, cause: &Cause, start: Option<StartId>, opening: bool) {
        let mut text = msg.text.clone();
        for attachment in &msg.attachments {
            if let Some((_, url)) = attachment.split_once(':') {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(url);
            }
        }
        let reply = (cause.priority == Priority::Reply).then_some(self.step.session.reply_channel).flatten();
        let channel = reply.or(msg.channel.as_ref().map(|channel| ChannelId(channel.uuid)));
        let refused = match msg.unsendable_reason.as_str() {
            "" => None,
            "contact_stopped" => Some(Refusal::OptedOut.as_str().to_owned()),
            "contact_blocked" => Some(Refusal::Blocked.as_str().to_owned()),
            "contact_archived" => Some(Refusal::Archived.as_str().to_owned()),
            other => Some(other.to_owned()),
        };
        self.send(Draft {
            address: msg.urn.clone(),
            channel,
            text,
            priority: cause.priority,
            class: Class::Normal,
            answers: cause.answers,
            start,
            opening,
            run: event.place.map(|place| RunId(place.run_uuid)),
            refused,
        });
    }

    /// The only way into the outbox.
    fn send(&mut self, draft: Draft) {
        let Draft { address, channel, text, priority, class, answers, start, opening, run, refused } = draft;
        let (settings, now) = (&self.context.settings, self.context.now);
        let address = address.map(|urn| urn.split(['?', '#']).next().unwrap_or(&urn).to_owned());
        let refused = refused.or_else(|| {
            admit(settings, &self.recipient, address.as_deref(), &text, priority, class, now)
                .and_then(|()| channel.map(drop).ok_or(Refusal::NoRoute))
                .err()
                .map(|refusal| refusal.as_str().to_owned())
        });
        if refused.is_none() && priority == Priority::Bulk {
            gate::remember(settings, &mut self.recipient.unsolicited, now);
        }
        let from = (channel.is_some() && channel == self.step.session.reply_channel)
            .then(|| self.step.session.reply_from.clone())
            .flatten();
        self.step.messages.push(Outgoing {
            id: self.ids.next(now),
            channel,
            address,
            from,
            segments: u16::try_from(base::sms::segments(&text).count).unwrap_or(u16::MAX),
            text,
            created_on: now,
            priority,
            class,
            start,
            opening,
            run,
            valid_until: None,
            answers,
            refused,
            unknown_policy: unknown_policy(settings.resend_after),
        });
    }

    fn finish(mut self) -> Result<Step, StepError> {
        if let Some(mut session) = self.session.take() {
            session.compact();
            if self.stepped {
                self.step.session.state = Some(session.to_json());
            }
        }
        self.step.session.unsolicited = serde_json::to_string(&self.recipient.unsolicited)?;
        self.step.runs = std::mem::take(&mut self.runs).into_values().collect();
        self.step.contact_patch = self.patched.then_some(self.patch);
        Ok(self.step)
    }
}

fn gone() -> StepError {
    StepError::Engine("an earlier sprint of this batch took the contact and did not give it back".into())
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// A message before the gate.
struct Draft {
    address: Option<String>,
    channel: Option<ChannelId>,
    text: String,
    priority: Priority,
    class: Class,
    answers: Option<DedupeKey>,
    start: Option<StartId>,
    opening: bool,
    run: Option<RunId>,
    refused: Option<String>,
}
