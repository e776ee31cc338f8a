//! What a start or a resume did.

use crate::contact::Contact;
use crate::event::{Event, EventKind, PreviousResult};
use crate::message::MsgOut;
use crate::session::{RunStatus, Session};
use crate::stamp::Stamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A move from a node to the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Segment {
    /// The flow.
    pub flow_uuid: Uuid,
    /// The node left.
    pub node_uuid: Uuid,
    /// The exit taken.
    pub exit_uuid: Uuid,
    /// What the router looked at.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operand: String,
    /// The node reached.
    pub destination_uuid: Uuid,
    /// When.
    pub time: Stamp,
}

/// What a start or a resume did.
#[derive(Debug)]
pub struct Sprint {
    /// The session after it; to be compacted before it is stored.
    pub session: Session,
    /// The contact after it.
    pub contact: Contact,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Moves between nodes, in order.
    pub segments: Vec<Segment>,
    /// Place of the run that was executed last.
    pub run: usize,
    /// The sources after it: for what goes on with the same streams of ids and chance.
    pub sources: super::Sources,
}

/// What a session waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// When its run expires.
    pub expires_on: Stamp,
    /// Seconds until the wait ends by itself.
    pub timeout_seconds: Option<u32>,
    /// Whether it waits for a dialled call to end, not for a message.
    pub dial: bool,
}

/// A run that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The run.
    pub run_uuid: Uuid,
    /// Its flow.
    pub flow_uuid: Uuid,
    /// How.
    pub status: RunStatus,
}

impl Sprint {
    /// The messages to send (or to say, in a voice flow) with the event that made each; unsendable ones too.
    pub fn messages(&self) -> impl Iterator<Item = (&Event, &MsgOut)> {
        self.events.iter().filter_map(|event| match &event.kind {
            EventKind::MsgCreated { msg } | EventKind::IvrCreated { msg } => Some((event, msg)),
            _ => None,
        })
    }

    /// What the session waits for, if it waits.
    pub fn waiting(&self) -> Option<Waiting> {
        self.events.iter().rev().find_map(|event| match &event.kind {
            EventKind::MsgWait { timeout_seconds, expires_on, .. } => {
                Some(Waiting { expires_on: *expires_on, timeout_seconds: *timeout_seconds, dial: false })
            }
            EventKind::DialWait { expires_on, .. } => {
                Some(Waiting { expires_on: *expires_on, timeout_seconds: None, dial: true })
            }
            _ => None,
        })
    }

    /// Results that changed: the event, the result's name, value and category, and what it was before.
    pub fn results(&self) -> impl Iterator<Item = (&Event, &str, &str, &str, Option<&PreviousResult>)> {
        self.events.iter().filter_map(|event| match &event.kind {
            EventKind::RunResultChanged { name, value, category, previous, .. } => {
                Some((event, name.as_str(), value.as_str(), category.as_str(), previous.as_ref()))
            }
            _ => None,
        })
    }

    /// Runs that were started: run and flow.
    pub fn runs_started(&self) -> impl Iterator<Item = (Uuid, &crate::reference::FlowRef)> {
        self.events.iter().filter_map(|event| match &event.kind {
            EventKind::RunStarted { run_uuid, flow, .. } => Some((*run_uuid, flow)),
            _ => None,
        })
    }

    /// Runs that ended.
    pub fn runs_ended(&self) -> impl Iterator<Item = Ended> {
        self.events.iter().filter_map(|event| match &event.kind {
            EventKind::RunEnded { run_uuid, flow, status } => {
                Some(Ended { run_uuid: *run_uuid, flow_uuid: flow.uuid, status: *status })
            }
            _ => None,
        })
    }
}
