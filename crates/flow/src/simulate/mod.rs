//! Conversations without operators and networks: driven by hand in the terminal, or recorded and run again.

mod replay;
pub mod sample;
mod services;
mod transcript;

pub use replay::{Case, ModifyCase, ModifyReport, Prepared, Replayed, Report};
pub use services::{Mock, ServiceOptions, Services};
pub use transcript::{Line, compare, transcript};

use crate::assets::Assets;
use crate::contact::Contact;
use crate::definition::{Definition, FlowType};
use crate::engine::{Answer, Engine, Outcome, Request, ResumeError, Sources, Sprint, StartError};
use crate::environment::Environment;
use crate::event::{Call, Event, HostEvent};
use crate::message::MsgIn;
use crate::reference::ChannelRef;
use crate::resume::{Resume, ResumeType};
use crate::session::{RunResult, Session, SessionStatus};
use crate::stamp::Stamp;
use crate::trigger::{Trigger, TriggerType};
use base::Urn;
use base::{IdMaker, Millis};
use jiff::Timestamp;
use uuid::Uuid;

/// Why a conversation can't go on.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A case isn't JSON of the right shape.
    #[error("unable to read: {0}")]
    Json(#[from] serde_json::Error),
    /// The trigger can't be used.
    #[error(transparent)]
    Trigger(#[from] crate::trigger::TriggerError),
    /// The resume can't be used.
    #[error(transparent)]
    ResumeRead(#[from] crate::resume::ResumeReadError),
    /// The session can't be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The session can't be resumed.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// The modifier can't be applied.
    #[error(transparent)]
    Modify(#[from] crate::modifier::ModifyError),
    /// Something referred to isn't among the assets.
    #[error("missing asset: {0}")]
    Missing(crate::reference::Reference),
    /// A resume is left over: the session doesn't wait.
    #[error("resume {0} is left over: the session doesn't wait")]
    LeftOver(usize),
    /// A URL has no answer left.
    #[error("no answer left for {method} {url}: add one to http_mocks")]
    NoAnswer {
        /// `GET`...
        method: String,
        /// Where to.
        url: String,
    },
    /// The conversation hasn't begun.
    #[error("the conversation hasn't begun")]
    NotBegun,
}

/// What the person at the other end does.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Writes.
    Text(String),
    /// Says nothing until the wait times out.
    Timeout,
    /// Says nothing until the run expires.
    Expire,
    /// Ends the dialled call: `answered`, `no_answer`, `busy` or `failed`.
    Dial(String),
}

/// Gives the answers to what the engine asks for, or says why there is none.
pub type Answerer<'a> = &'a mut dyn FnMut(Request) -> Result<Answer, SimulateError>;

/// A conversation under way. The session goes through its JSON between sprints, as it does when it is stored.
pub struct Conversation {
    engine: Engine,
    assets: Assets,
    environment: Environment,
    contact: Contact,
    ids: IdMaker,
    call: Option<Call>,
    session: Option<String>,
    results: Vec<(String, RunResult)>,
    waiting: bool,
    /// What has been done so far, in the form of a [`Case`].
    recorded: serde_json::Value,
}

/// A fictional contact.
pub fn sample_contact(created_on: Stamp) -> Contact {
    let mut contact = Contact::new(Uuid::from_u128(0x0192_f3a0_0000_7000_8000_0000_0000_0001), created_on);
    "Ama Kollie".clone_into(&mut contact.name);
    contact.urns.extend(Urn::parse("tel:+231990000001").ok());
    contact
}

impl Conversation {
    /// With a contact. The same seed gives the same ids and the same chance.
    pub fn new(engine: Engine, assets: Assets, environment: Environment, contact: Contact, seed: u64) -> Self {
        let ids = IdMaker::from_u64(seed);
        Self {
            engine,
            assets,
            environment,
            contact,
            ids,
            call: None,
            session: None,
            results: Vec::new(),
            waiting: false,
            recorded: serde_json::Value::Null,
        }
    }

    /// Starts a flow by hand.
    pub fn start(
        &mut self,
        flow: &Definition,
        now: Timestamp,
        answer: Answerer<'_>,
    ) -> Result<Vec<Event>, SimulateError> {
        if flow.kind() == FlowType::Voice {
            let uuid = self.ids.uuid(Millis::from(now));
            let urn = self.contact.urns.first().map_or_else(|| "tel:+231990000001".to_owned(), ToString::to_string);
            self.call = Some(Call { uuid, channel: ChannelRef::new(Uuid::nil(), "Simulator"), urn });
        }
        let trigger = Trigger::new(TriggerType::Manual, flow.reference(), Stamp::utc(now));
        self.recorded = serde_json::json!({
            "environment": &self.environment, "contact": &self.contact, "call": &self.call, "now": now,
            "trigger": &trigger, "resumes": [], "http_mocks": {"*": []},
        });
        let sources = Sources::new(now, self.ids.clone());
        let (engine, assets, env) = (&self.engine, &self.assets, &self.environment);
        let (contact, call) = (&self.contact, &self.call);
        let sprint = complete(answer, |answers| {
            let (contact, call, trigger) = (contact.clone(), call.clone(), trigger.clone());
            Ok(engine.start(assets, env, contact, call, trigger, sources.clone(), answers)?)
        })?;
        Ok(self.keep(sprint))
    }

    /// Takes the conversation on.
    pub fn reply(&mut self, reply: Reply, now: Timestamp, answer: Answerer<'_>) -> Result<Vec<Event>, SimulateError> {
        let Some(json) = &self.session else { return Err(SimulateError::NotBegun) };
        let at = Stamp::utc(now);
        let uuid = self.ids.uuid(Millis::from(now));
        let (kind, event) = match reply {
            Reply::Text(text) => {
                let urn = self.contact.urns.first().map(|u| u.identity().to_owned());
                let msg = MsgIn {
                    urn,
                    channel: None,
                    text,
                    attachments: Vec::new(),
                    external_id: String::new(),
                    payload: None,
                };
                (ResumeType::Msg, HostEvent::msg_received(uuid, at, msg))
            }
            Reply::Timeout => (ResumeType::WaitTimeout, HostEvent::new(uuid, "wait_timed_out", at)),
            Reply::Expire => (ResumeType::WaitExpiration, HostEvent::new(uuid, "wait_expired", at)),
            Reply::Dial(status) => {
                let mut event = HostEvent::new(uuid, "dial_ended", at);
                event.dial = Some(crate::event::Dial { status, duration: 0 });
                (ResumeType::Dial, event)
            }
        };
        let resume = Resume { kind, resumed_on: at, event: Some(event) };
        let record = serde_json::to_value(&resume)?;
        let sources = Sources::new(now, self.ids.clone());
        let (engine, assets, env) = (&self.engine, &self.assets, &self.environment);
        let (contact, call) = (&self.contact, &self.call);
        let sprint = complete(answer, |answers| {
            let session = Session::read(json)?;
            let (contact, call, resume) = (contact.clone(), call.clone(), resume.clone());
            Ok(engine.resume(assets, env, session, contact, call, resume, sources.clone(), answers)?)
        })?;
        if let Some(resumes) = self.recorded["resumes"].as_array_mut() {
            resumes.push(record);
        }
        Ok(self.keep(sprint))
    }

    fn keep(&mut self, sprint: Sprint) -> Vec<Event> {
        self.ids = sprint.sources.ids;
        let mut session = sprint.session;
        self.waiting = session.status == SessionStatus::Waiting;
        self.results =
            session.runs.iter().flat_map(|run| run.results.iter().map(|(_, r)| (r.name.clone(), r.clone()))).collect();
        session.compact();
        self.session = Some(session.to_json());
        self.contact = sprint.contact;
        // Nothing answers here; neither does it when the conversation is run again.
        let calls = sprint.events.iter().filter(|e| matches!(e.kind, crate::event::EventKind::WebhookCalled { .. }));
        if let Some(mocks) = self.recorded["http_mocks"]["*"].as_array_mut() {
            mocks.extend(calls.map(|_| serde_json::json!({"status": 0})));
        }
        sprint.events
    }

    /// The conversation so far, as a [`Case`] that runs it again.
    pub fn recorded(&self) -> &serde_json::Value {
        &self.recorded
    }

    /// Whether it waits for a reply.
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// The contact as it is now.
    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// What was recorded, by name.
    pub fn results(&self) -> impl Iterator<Item = (&str, &RunResult)> {
        self.results.iter().map(|(name, result)| (name.as_str(), result))
    }
}

fn complete(
    answer: Answerer<'_>,
    mut step: impl FnMut(&[Answer]) -> Result<Outcome, SimulateError>,
) -> Result<Sprint, SimulateError> {
    let mut answers = Vec::new();
    loop {
        match step(&answers)? {
            Outcome::Done(sprint) => return Ok(*sprint),
            Outcome::Need(request) => answers.push(answer(request)?),
        }
    }
}
