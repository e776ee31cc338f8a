//! Runs: one flow inside a session.

use crate::pairs::Pairs;
use crate::reference::FlowRef;
use crate::stamp::Stamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Being executed, or paused while a subflow runs.
    Active,
    /// For a message, a call to end, or the clock.
    Waiting,
    /// At its end.
    Completed,
    /// No answer came in time.
    Expired,
    /// By an error.
    Failed,
}

impl RunStatus {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

/// A visit to a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub arrived_on: Stamp,
    /// Which node.
    pub node_uuid: Uuid,
}

/// An answer or another value that a run recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunResult {
    /// What the flow calls it.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub name: String,
    /// The value, cut to 640 characters.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub value: String,
    /// The category in the flow's language.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "crate::contact::or_default")]
    pub category: String,
    /// The category in the contact's language, when it differs.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "crate::contact::or_default")]
    pub category_localized: String,
    /// Where it was recorded.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub node_uuid: Uuid,
    /// What was looked at.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "crate::contact::or_default")]
    pub input: String,
    /// A JSON value that goes with it; written without space.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "compact")]
    pub extra: Option<Box<RawValue>>,
    /// When.
    pub created_on: Stamp,
}

/// The last webhook call of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedWebhook {
    /// `GET`...
    pub method: String,
    /// Where to.
    pub url: String,
    /// HTTP status; 0 without a response.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub status: u16,
    /// Headers of the response.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub headers: Pairs<String>,
    /// Body of the response, if it is JSON; written without space.
    #[serde(default, serialize_with = "compact")]
    pub json: Option<Box<RawValue>>,
}

/// One flow inside a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// What identifies it.
    pub uuid: Uuid,
    /// The flow and the revision it ran.
    pub flow: FlowRef,
    /// Visits to nodes, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::contact::or_default")]
    pub path: Vec<Step>,
    /// Texts kept while it runs.
    #[serde(default, skip_serializing_if = "Pairs::is_empty", deserialize_with = "crate::contact::or_default")]
    pub locals: Pairs<String>,
    /// Results by key, in the order they were recorded.
    #[serde(default, skip_serializing_if = "Pairs::is_empty", deserialize_with = "crate::contact::or_default")]
    pub results: Pairs<RunResult>,
    /// Whether it goes on.
    pub status: RunStatus,
    /// Whether it has seen input.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", deserialize_with = "crate::contact::or_default")]
    pub had_input: bool,
    /// The run that entered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_uuid: Option<Uuid>,
    /// The last webhook call; not stored when its JSON is over 10,000 bytes.
    #[serde(default, skip_serializing_if = "unstored")]
    pub webhook: Option<SavedWebhook>,
    /// When it was started.
    pub created_on: Stamp,
    /// When it last did something.
    pub modified_on: Stamp,
    /// When it ended.
    pub exited_on: Option<Stamp>,
}

/// JSON without the space between its tokens.
#[expect(clippy::ref_option, reason = "serde passes a reference")]
fn compact<S: Serializer>(raw: &Option<Box<RawValue>>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(raw) = raw else { return serializer.serialize_none() };
    if !raw.get().contains([' ', '\n', '\t', '\r']) {
        return raw.serialize(serializer);
    }
    let (mut out, mut quoted, mut escaped) = (String::with_capacity(raw.get().len()), false, false);
    for c in raw.get().chars() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else if c == '"' {
            quoted = true;
        } else if matches!(c, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        out.push(c);
    }
    RawValue::from_string(out).map_err(serde::ser::Error::custom)?.serialize(serializer)
}

/// Longest JSON of a webhook response that is stored with its run, in bytes.
const MAX_STORED_WEBHOOK: usize = 10_000;

#[expect(clippy::ref_option, reason = "serde passes a reference")]
fn unstored(webhook: &Option<SavedWebhook>) -> bool {
    webhook.as_ref().is_none_or(|w| w.json.as_ref().is_some_and(|j| j.get().len() > MAX_STORED_WEBHOOK))
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
