//! Sessions: one contact's conversation, as it is stored between sprints.

mod run;

pub use run::{Run, RunResult, RunStatus, SavedWebhook, Step, result_key};

use crate::message::MsgIn;
use crate::reference::ChannelRef;
use crate::stamp::Stamp;
use crate::trigger::Trigger;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use uuid::Uuid;

/// Whether a session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionStatus {
    /// Being executed: never stored.
    Active,
    /// For a message, a call to end, or the clock.
    Waiting,
    /// At its end.
    Completed,
    /// By an error.
    Failed,
}

/// One contact's conversation. Its JSON is RapidPro's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// What identifies it.
    pub uuid: Uuid,
    /// Type of the flow it was started with.
    #[serde(rename = "type")]
    pub kind: crate::definition::FlowType,
    /// When it was started.
    pub created_on: Stamp,
    /// What started it.
    pub trigger: Trigger,
    /// Whose it is.
    pub contact_uuid: Uuid,
    /// The call it happens in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_uuid: Option<Uuid>,
    /// Its runs, oldest first.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub runs: Vec<Run>,
    /// Whether it goes on.
    pub status: SessionStatus,
    /// What came in last; nothing after a resume that carries none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Arc<Input>>,
    /// How many sprints have ended.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub sprints: u32,
}

/// Bytes that most sessions have room in.
const TYPICAL_JSON: usize = 2048;

impl Session {
    /// Reads the JSON of a stored session.
    pub fn read(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Drops what ended runs no longer need: path, locals and webhook. Done before a session is stored.
    pub fn compact(&mut self) {
        for run in &mut self.runs {
            if !matches!(run.status, RunStatus::Active | RunStatus::Waiting) {
                run.path.clear();
                run.locals.clear();
                run.webhook = None;
            }
        }
    }

    /// The JSON to store.
    pub fn to_json(&self) -> String {
        let mut json = Vec::with_capacity(TYPICAL_JSON);
        match serde_json::to_writer(&mut json, self) {
            Ok(()) => String::from_utf8(json).unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Place of the run that waits.
    pub fn waiting_run(&self) -> Option<usize> {
        self.runs.iter().rposition(|r| r.status == RunStatus::Waiting)
    }
}

/// What came in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Input {
    /// Always `msg`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of the event that brought it.
    pub uuid: Uuid,
    /// The channel it came by, if it is known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelRef>,
    /// When it came.
    pub created_on: Stamp,
    /// Address it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urn: Option<String>,
    /// Text.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub text: String,
    /// `type:url` each.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::contact::or_default")]
    pub attachments: Vec<String>,
    /// The channel's own id.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "crate::contact::or_default")]
    pub external_id: String,
    /// Extra content: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<RawValue>>,
}

impl Input {
    /// The input a received message makes.
    pub fn of(uuid: Uuid, created_on: Stamp, msg: &MsgIn, channel: Option<ChannelRef>) -> Self {
        Self {
            kind: "msg".to_owned(),
            uuid,
            channel,
            created_on,
            urn: msg.urn.clone(),
            text: msg.text.clone(),
            attachments: msg.attachments.clone(),
            external_id: msg.external_id.clone(),
            payload: msg.payload.clone(),
        }
    }
}
