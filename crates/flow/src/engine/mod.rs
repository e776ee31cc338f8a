//! The engine: starts and resumes sessions.

mod context;
mod course;
mod destination;
mod evaluate;
mod execution;
mod message;
mod obfuscate;
mod service;
mod sprint;
mod surroundings;

pub use crate::session::result_key;
pub use evaluate::{Evaluated, Evaluator};
pub(crate) use execution::{Execution, Halt, NewResult, Pushed};
pub(crate) use message::MessageSource;
pub use service::{AirtimeAnswer, Answer, Asker, EmailAnswer, LlmAnswer, Request, WebhookAnswer, WebhookRequest};
pub use sprint::{Ended, Segment, Sprint, Waiting};

use crate::assets::Assets;
use crate::contact::Contact;
use crate::definition::{DefinitionError, FlowType};
use crate::environment::Environment;
use crate::event::Call;
use crate::resume::{Resume, ResumeReadError};
use crate::session::{Session, SessionStatus};
use crate::stamp::Stamp;
use crate::trigger::{Trigger, TriggerError};
use base::{IdMaker, Millis};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Tells why a message's text can't be sent to a contact, if it can't.
pub type SendCheck = Arc<dyn Fn(&Contact, &crate::message::MsgOut) -> Option<String> + Send + Sync>;

/// What an engine is told once.
#[derive(Clone)]
pub struct Options {
    /// Most characters of a field's text.
    pub max_field_chars: usize,
    /// Most bytes of a webhook's request.
    pub max_webhook_request: usize,
    /// Most bytes of a webhook's response.
    pub max_webhook_response: usize,
    /// Most steps of a sprint.
    pub max_steps: usize,
    /// Most sprints of a session.
    pub max_sprints: u32,
    /// Most runs of a session.
    pub max_runs: usize,
    /// Hosts that webhooks can't go to, with their subdomains.
    pub blocked_hosts: Vec<String>,
    /// Texts that `prompt` fills in, by name.
    pub prompts: BTreeMap<String, String>,
    /// A check of messages before they are made.
    pub send_check: Option<SendCheck>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_field_chars: 640,
            max_webhook_request: 262_144,
            max_webhook_response: 262_144,
            max_steps: 100,
            max_sprints: 500,
            max_runs: 500,
            blocked_hosts: Vec::new(),
            prompts: BTreeMap::new(),
            send_check: None,
        }
    }
}

/// What a sprint may not make by itself: the time, ids and chance. The same sources give the same sprint.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The clock reading of the whole sprint.
    pub now: Timestamp,
    /// Makes ids and draws numbers, from a seed.
    pub ids: IdMaker,
}

impl Sources {
    /// Sources of one sprint.
    pub fn new(now: Timestamp, ids: IdMaker) -> Self {
        Self { now, ids }
    }

    pub(crate) fn uuid(&mut self) -> Uuid {
        self.ids.uuid(Millis::from(self.now))
    }
}

/// What became of a call.
#[derive(Debug)]
pub enum Outcome {
    /// The sprint is over.
    Done(Box<Sprint>),
    /// An answer from outside is needed. Keep what the call was given, get the answer, and call again with the same
    /// sources and all answers so far.
    Need(Request),
}

/// Why a session can't be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The trigger can't be used.
    #[error(transparent)]
    Trigger(#[from] TriggerError),
    /// The trigger's flow isn't there.
    #[error("unable to load {0}: no such flow")]
    NoFlow(crate::reference::Reference),
    /// The trigger's flow can't be read.
    #[error("unable to load flow '{name}': {error}")]
    Flow {
        /// Name of the flow.
        name: String,
        /// Why not.
        error: DefinitionError,
    },
    /// A voice flow happens in a call.
    #[error("unable to trigger voice flow without call")]
    NoCall,
    /// A service gave an answer that doesn't fit the request.
    #[error("{0}")]
    Service(String),
}

/// Why a session can't be resumed. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The resume can't be used.
    #[error(transparent)]
    Resume(#[from] ResumeReadError),
    /// The session doesn't wait.
    #[error("only waiting sessions can be resumed")]
    NotWaiting,
    /// The session belongs to another contact.
    #[error("session belongs to contact {0}")]
    OtherContact(Uuid),
    /// The session needs the call it was started with.
    #[error("session needs call {0}")]
    OtherCall(Uuid),
    /// The wait takes other resumes.
    #[error("resume of type '{resume}' not accepted by wait of type '{wait}'")]
    NotAccepted {
        /// Type of the resume.
        resume: &'static str,
        /// Type of the wait.
        wait: &'static str,
    },
    /// A service gave an answer that doesn't fit the request.
    #[error("{0}")]
    Service(String),
}

/// Starts and resumes sessions. It keeps nothing between calls.
#[derive(Clone, Default)]
pub struct Engine {
    pub(crate) options: Options,
}

impl Engine {
    /// An engine.
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// What it was told.
    pub fn options(&self) -> &Options {
        &self.options
    }

    #[expect(clippy::too_many_arguments, reason = "everything a sprint depends on is an argument")]
    /// Starts a session: runs the trigger's flow until it waits or ends.
    pub fn start(
        &self,
        assets: &Assets,
        env: &Environment,
        contact: Contact,
        call: Option<Call>,
        trigger: Trigger,
        sources: Sources,
        answers: &[Answer],
    ) -> Result<Outcome, StartError> {
        trigger.check()?;
        let flow = match assets.flow(&trigger.flow.uuid) {
            None => return Err(StartError::NoFlow(trigger.flow.reference())),
            Some(Err(error)) => return Err(StartError::Flow { name: trigger.flow.name.clone(), error }),
            Some(Ok(flow)) => flow,
        };
        if flow.kind() == FlowType::Voice && call.is_none() {
            return Err(StartError::NoCall);
        }
        let mut sources = sources;
        let session = Session {
            uuid: sources.uuid(),
            kind: flow.kind(),
            created_on: Stamp::utc(sources.now),
            contact_uuid: contact.uuid,
            call_uuid: call.as_ref().map(|c| c.uuid),
            trigger,
            runs: Vec::with_capacity(1),
            status: SessionStatus::Active,
            input: None,
            sprints: 0,
        };
        let mut execution = Execution::new(self, assets, env, contact, call, session, sources, answers);
        match execution.start(flow) {
            Ok(()) => Ok(Outcome::Done(Box::new(execution.finish()))),
            Err(Halt::Need(request)) => Ok(Outcome::Need(request)),
            Err(Halt::Service(problem)) => Err(StartError::Service(problem)),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "everything a sprint depends on is an argument")]
    /// Takes a waiting session on until it waits again or ends.
    pub fn resume(
        &self,
        assets: &Assets,
        env: &Environment,
        session: Session,
        contact: Contact,
        call: Option<Call>,
        resume: Resume,
        sources: Sources,
        answers: &[Answer],
    ) -> Result<Outcome, ResumeError> {
        resume.check()?;
        if session.contact_uuid != contact.uuid {
            return Err(ResumeError::OtherContact(session.contact_uuid));
        }
        if let Some(uuid) = session.call_uuid
            && call.as_ref().is_none_or(|c| c.uuid != uuid)
        {
            return Err(ResumeError::OtherCall(uuid));
        }
        if session.status != SessionStatus::Waiting {
            return Err(ResumeError::NotWaiting);
        }
        let mut execution = Execution::new(self, assets, env, contact, call, session, sources, answers);
        execution.check_resume(&resume)?;
        match execution.resume(resume) {
            Ok(()) => Ok(Outcome::Done(Box::new(execution.finish()))),
            Err(Halt::Need(request)) => Ok(Outcome::Need(request)),
            Err(Halt::Service(problem)) => Err(ResumeError::Service(problem)),
        }
    }
}
