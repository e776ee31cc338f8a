//! Messages in and out, as events carry them.

use crate::reference::{ChannelRef, TemplateRef};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A message that was received.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MsgIn {
    /// Address it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urn: Option<String>,
    /// Channel it came in by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelRef>,
    /// Text; may be empty.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub text: String,
    /// `type:url` each.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::contact::or_default")]
    pub attachments: Vec<String>,
    /// The channel's own id.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "crate::contact::or_default")]
    pub external_id: String,
    /// Extra content such as form answers: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<RawValue>>,
}

/// A message to send.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MsgOut {
    /// Address it goes to (scheme and path).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urn: Option<String>,
    /// Channel it goes out by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelRef>,
    /// Text; may be empty.
    pub text: String,
    /// `type:url` each.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::contact::or_default")]
    pub attachments: Vec<String>,
    /// Answers offered.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::contact::or_default")]
    pub quick_replies: Vec<QuickReply>,
    /// The channel template it is made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templating: Option<Templating>,
    /// `eng-US` or `eng`.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "crate::contact::or_default")]
    pub locale: String,
    /// Why it must not be sent; empty when it may.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "crate::contact::or_default")]
    pub unsendable_reason: String,
}

/// An answer offered with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuickReply {
    /// `text`, `location`, `form` or `url`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "crate::contact::or_default")]
    pub text: String,
    /// What goes with it, such as a URL.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "crate::contact::or_default")]
    pub extra: String,
}

/// Cuts to `max` characters, the last three of them dots when something is lost.
pub(crate) fn ellipsis(text: &str, max: usize) -> String {
    if text.len() <= max || text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(3)).collect();
    kept + "..."
}

/// Cuts to `max` characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    text.char_indices().nth(max).map_or(text, |(i, _)| &text[..i])
}

impl QuickReply {
    /// From its text form: an optional `<type>` prefix, the text, an optional `<extra>` marker and the extra.
    pub fn parse(source: &str) -> Self {
        let mut rest = source;
        let mut kind = "text";
        for other in ["location", "form", "url"] {
            if let Some(after) =
                source.strip_prefix('<').and_then(|s| s.strip_prefix(other)).and_then(|s| s.strip_prefix('>'))
            {
                (kind, rest) = (other, after);
            }
        }
        let (text, extra) = rest.split_once("<extra>").unwrap_or((rest, ""));
        Self { kind: kind.to_owned(), text: ellipsis(text, 64), extra: ellipsis(extra, 1000) }
    }
}

/// A channel template with its variables filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Templating {
    /// Which template.
    pub template: TemplateRef,
    /// Its parts that have variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::contact::or_default")]
    pub components: Vec<TemplatingComponent>,
    /// The variables' values.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::contact::or_default")]
    pub variables: Vec<TemplatingVariable>,
}

/// A part of a template that has variables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplatingComponent {
    /// `body/text` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// `body`, `button.0`...
    pub name: String,
    /// Place in the text -> index of the variable.
    pub variables: crate::pairs::Pairs<usize>,
}

/// A template variable's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplatingVariable {
    /// `text`, `image`...
    #[serde(rename = "type")]
    pub kind: String,
    /// What goes in.
    pub value: String,
}
