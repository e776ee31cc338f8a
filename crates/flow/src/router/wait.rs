//! Waits: what a session waits for at a node.

use crate::definition::fields::Fields;
use crate::definition::{AllowedIn, DefinitionError};
use crate::expression::Template;
use crate::resume::ResumeType;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What kind of answer a message wait is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Hint {
    /// A recording.
    Audio,
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A place on earth.
    Location,
    /// Keys of a phone.
    Digits {
        /// How many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<u32>,
        /// The key after the last one.
        #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "crate::contact::or_default")]
        terminated_by: String,
    },
}

/// When a message wait ends by itself.
#[derive(Clone, Debug)]
pub(crate) struct Timeout {
    pub(crate) seconds: u32,
    pub(crate) category: Uuid,
}

/// What a session waits for.
#[derive(Clone, Debug)]
pub(crate) enum Wait {
    Msg { timeout: Option<Timeout>, hint: Option<Hint> },
    Dial { phone: Template, dial_limit_seconds: u32, call_limit_seconds: u32 },
}

type Result<T> = std::result::Result<T, DefinitionError>;

fn seconds(fields: &Fields<'_>, key: &str, default: u32) -> Result<u32> {
    match fields.number(key)? {
        None | Some(0) => Ok(default),
        Some(n) => u32::try_from(n).or_else(|_| fields.invalid(key, "is too large")),
    }
}

impl Wait {
    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self> {
        match fields.required("type", 64)? {
            "msg" => {
                let timeout = match fields.object("timeout")? {
                    None => None,
                    Some(timeout) => Some(Timeout {
                        seconds: seconds(&timeout, "seconds", 0)?,
                        category: timeout.uuid("category_uuid")?,
                    }),
                };
                let hint = fields.object("hint")?.map(|hint| read_hint(&hint)).transpose()?;
                Ok(Self::Msg { timeout, hint })
            }
            "dial" => {
                fields.required("phone", 1000)?;
                Ok(Self::Dial {
                    phone: fields.template("phone", 1000)?,
                    dial_limit_seconds: seconds(fields, "dial_limit_seconds", 60)?,
                    call_limit_seconds: seconds(fields, "call_limit_seconds", 7200)?,
                })
            }
            other => Err(DefinitionError::new(format!("unknown type: '{other}'"))),
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Msg { .. } => "msg",
            Self::Dial { .. } => "dial",
        }
    }

    pub(crate) fn allowed(&self) -> AllowedIn {
        match self {
            Self::Msg { .. } => AllowedIn::Interactive,
            Self::Dial { .. } => AllowedIn::Voice,
        }
    }

    pub(crate) fn accepts(&self, resume: ResumeType) -> bool {
        match self {
            Self::Msg { timeout, .. } => match resume {
                ResumeType::Msg | ResumeType::WaitExpiration => true,
                ResumeType::WaitTimeout => timeout.is_some(),
                ResumeType::Dial => false,
            },
            Self::Dial { .. } => resume == ResumeType::Dial,
        }
    }
}

fn read_hint(fields: &Fields<'_>) -> Result<Hint> {
    Ok(match fields.required("type", 64)? {
        "audio" => Hint::Audio,
        "image" => Hint::Image,
        "video" => Hint::Video,
        "location" => Hint::Location,
        "digits" => Hint::Digits {
            count: match fields.number("count")? {
                None => None,
                Some(n) => Some(u32::try_from(n).or_else(|_| fields.invalid("count", "is too large"))?),
            },
            terminated_by: fields.text("terminated_by", 8)?.to_owned(),
        },
        other => return Err(DefinitionError::new(format!("unknown type: '{other}'"))),
    })
}
