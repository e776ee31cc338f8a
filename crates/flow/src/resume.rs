//! What takes a waiting session on.

use crate::event::HostEvent;
use crate::stamp::Stamp;
use serde::{Deserialize, Serialize};

/// Kind of a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeType {
    /// A message came.
    Msg,
    /// The time a wait gives had passed.
    WaitTimeout,
    /// The run's time had passed.
    WaitExpiration,
    /// A dialled call ended.
    Dial,
}

impl ResumeType {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Msg => "msg",
            Self::WaitTimeout => "wait_timeout",
            Self::WaitExpiration => "wait_expiration",
            Self::Dial => "dial",
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::Msg => "msg_received",
            Self::WaitTimeout => "wait_timed_out",
            Self::WaitExpiration => "wait_expired",
            Self::Dial => "dial_ended",
        }
    }
}

/// What takes a waiting session on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Resume {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: ResumeType,
    /// When.
    pub resumed_on: Stamp,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<HostEvent>,
}

/// Why a resume can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ResumeReadError {
    /// It isn't JSON of the right shape.
    #[error("unable to read resume: {0}")]
    Json(#[from] serde_json::Error),
    /// Something it needs isn't there.
    #[error("resume of type '{kind}': {problem}")]
    Invalid {
        /// Its type.
        kind: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl Resume {
    /// Reads and checks a resume's JSON.
    pub fn read(json: &str) -> Result<Self, ResumeReadError> {
        let resume: Self = serde_json::from_str(json)?;
        resume.check()?;
        Ok(resume)
    }

    /// Checks that what its type needs is there.
    pub fn check(&self) -> Result<(), ResumeReadError> {
        let invalid = |problem: String| Err(ResumeReadError::Invalid { kind: self.kind.as_str(), problem });
        match &self.event {
            Some(event) if event.kind == self.kind.event() => event.check().or_else(invalid),
            Some(event) => invalid(format!("field 'event' is of type '{}', not '{}'", event.kind, self.kind.event())),
            None if matches!(self.kind, ResumeType::WaitTimeout | ResumeType::WaitExpiration) => Ok(()),
            None => invalid("field 'event' is required".into()),
        }
    }
}
