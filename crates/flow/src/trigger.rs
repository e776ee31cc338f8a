//! What starts a session.

use crate::event::HostEvent;
use crate::reference::{FlowRef, UserRef};
use crate::stamp::Stamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// Kind of a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerType {
    /// By a person or a campaign of this system.
    Manual,
    /// By a message, mostly by its keyword.
    Msg,
    /// By another session.
    FlowAction,
    /// By a campaign event.
    Campaign,
    /// By a call.
    Call,
    /// By the start of a chat.
    Chat,
    /// By the end of a ticket.
    Ticket,
    /// An older form of call and chat.
    Channel,
}

impl TriggerType {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Manual,
        Self::Msg,
        Self::FlowAction,
        Self::Campaign,
        Self::Call,
        Self::Chat,
        Self::Ticket,
        Self::Channel,
    ];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Msg => "msg",
            Self::FlowAction => "flow_action",
            Self::Campaign => "campaign",
            Self::Call => "call",
            Self::Chat => "chat",
            Self::Ticket => "ticket",
            Self::Channel => "channel",
        }
    }
}

/// How a message matched a keyword.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeywordMatch {
    /// `first_word` or `only_word`.
    #[serde(rename = "type")]
    pub kind: KeywordMatchType,
    /// The keyword.
    pub keyword: String,
}

/// Where a keyword must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeywordMatchType {
    /// At the start of the message.
    FirstWord,
    /// Alone.
    OnlyWord,
}

/// How many sessions started each other before this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The session that started this one.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub parent_uuid: Uuid,
    /// How many sessions came before.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub ancestors: u32,
    /// How many of them since somebody last wrote.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub ancestors_since_input: u32,
}

/// What starts a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trigger {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: TriggerType,
    /// The flow to start.
    pub flow: FlowRef,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<HostEvent>,
    /// Whether many sessions are started together.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", deserialize_with = "crate::contact::or_default")]
    pub batch: bool,
    /// A JSON object that expressions see as `@trigger.params`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Box<RawValue>>,
    /// The sessions before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// When.
    pub triggered_on: Stamp,
    /// Who started it by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserRef>,
    /// `ui`, `api`...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// How a message matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyword_match: Option<KeywordMatch>,
    /// The run that started this session: a JSON object, see [`RunSummary`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_summary: Option<Box<RawValue>>,
    /// The ticket that was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<crate::contact::Ticket>,
}

/// A run as the session it started sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunSummary {
    /// The run.
    pub uuid: Uuid,
    /// Its flow.
    pub flow: FlowRef,
    /// Its contact, without tickets.
    #[serde(default)]
    pub contact: Option<crate::contact::Contact>,
    /// Its status.
    pub status: crate::session::RunStatus,
    /// Its results, read leniently when used.
    #[serde(default)]
    pub results: Option<crate::pairs::Pairs<crate::session::RunResult>>,
}

/// Why a trigger can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// It isn't JSON of the right shape.
    #[error("unable to read trigger: {0}")]
    Json(#[from] serde_json::Error),
    /// Something it needs isn't there.
    #[error("trigger of type '{kind}': {problem}")]
    Invalid {
        /// Its type.
        kind: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl Trigger {
    /// A trigger without event.
    pub fn new(kind: TriggerType, flow: FlowRef, triggered_on: Stamp) -> Self {
        Self {
            kind,
            flow,
            event: None,
            batch: false,
            params: None,
            history: None,
            triggered_on,
            user: None,
            origin: None,
            keyword_match: None,
            run_summary: None,
            ticket: None,
        }
    }

    /// Reads and checks a trigger's JSON.
    pub fn read(json: &str) -> Result<Self, TriggerError> {
        let trigger: Self = serde_json::from_str(json)?;
        trigger.check()?;
        Ok(trigger)
    }

    /// Checks that what its type needs is there.
    pub fn check(&self) -> Result<(), TriggerError> {
        let invalid = |problem: String| Err(TriggerError::Invalid { kind: self.kind.as_str(), problem });
        let wanted: &[&str] = match self.kind {
            TriggerType::Msg => &["msg_received"],
            TriggerType::Campaign => &["campaign_fired"],
            TriggerType::Call => &["call_received", "call_missed"],
            TriggerType::Chat => &["chat_started"],
            TriggerType::Channel => &[],
            TriggerType::FlowAction if self.run_summary.is_none() => {
                return invalid("field 'run_summary' is required".into());
            }
            TriggerType::Ticket if self.ticket.is_none() => return invalid("field 'ticket' is required".into()),
            TriggerType::Ticket => &["ticket_closed"],
            TriggerType::Manual | TriggerType::FlowAction => return Ok(()),
        };
        let Some(event) = &self.event else { return invalid("field 'event' is required".into()) };
        if !wanted.is_empty() && !wanted.contains(&event.kind.as_str()) {
            return invalid(format!("field 'event' is of type '{}', not '{}'", event.kind, wanted.join("' or '")));
        }
        event.check().or_else(invalid)
    }
}

impl Trigger {
    /// References to users, topics and channels that don't exist.
    pub fn missing(&self, assets: &crate::assets::Assets) -> Vec<crate::reference::Reference> {
        let mut missing = Vec::new();
        if let Some(user) = self.user.as_ref().filter(|u| assets.user(&u.uuid).is_none()) {
            missing.push(user.reference());
        }
        if let Some(ticket) = &self.ticket {
            missing.extend(
                ticket
                    .topic
                    .as_ref()
                    .filter(|t| assets.topic(&t.uuid).is_none())
                    .map(crate::reference::TopicRef::reference),
            );
            missing.extend(ticket.assignee.as_ref().filter(|u| assets.user(&u.uuid).is_none()).map(UserRef::reference));
        }
        missing
    }
}
