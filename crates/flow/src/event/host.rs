//! Events that come from the host: what happened outside the engine.

use crate::message::MsgIn;
use crate::reference::{CampaignRef, ChannelRef};
use crate::stamp::Stamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// How a dialled call ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dial {
    /// `answered`, `no_answer`, `busy` or `failed`.
    pub status: String,
    /// Seconds.
    #[serde(default, deserialize_with = "crate::contact::or_default")]
    pub duration: u32,
}

/// A call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// What identifies it.
    pub uuid: Uuid,
    /// The channel it goes by.
    pub channel: ChannelRef,
    /// Whom it is with.
    pub urn: String,
}

/// Something that happened outside: `msg_received`, `wait_timed_out`, `wait_expired`, `dial_ended`, `call_received`,
/// `call_missed`, `campaign_fired`, `chat_started`, `ticket_closed`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostEvent {
    /// What identifies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<Uuid>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_on: Option<Stamp>,
    /// The message received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg: Option<MsgIn>,
    /// The call that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial: Option<Dial>,
    /// The call received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// The channel of a chat or of a missed call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelRef>,
    /// A JSON object that a chat was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Box<RawValue>>,
    /// The campaign that fired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignRef>,
    /// Which of its points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point_uuid: Option<Uuid>,
    /// The ticket that was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_uuid: Option<Uuid>,
}

impl HostEvent {
    /// An event without content.
    pub fn new(uuid: Uuid, kind: &str, created_on: Stamp) -> Self {
        Self {
            uuid: Some(uuid),
            kind: kind.to_owned(),
            created_on: Some(created_on),
            msg: None,
            dial: None,
            call: None,
            channel: None,
            params: None,
            campaign: None,
            point_uuid: None,
            ticket_uuid: None,
        }
    }

    /// A message that was received.
    pub fn msg_received(uuid: Uuid, created_on: Stamp, msg: MsgIn) -> Self {
        Self { msg: Some(msg), ..Self::new(uuid, "msg_received", created_on) }
    }

    /// Checks that what its type needs is there.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (there, field) = match self.kind.as_str() {
            "msg_received" => (self.msg.is_some() && self.uuid.is_some() && self.created_on.is_some(), "msg"),
            "dial_ended" => (self.dial.is_some(), "dial"),
            "call_received" => (self.call.is_some(), "call"),
            "call_missed" | "chat_started" => (self.channel.is_some(), "channel"),
            "campaign_fired" => (self.campaign.is_some(), "campaign"),
            _ => return Ok(()),
        };
        if there { Ok(()) } else { Err(format!("field 'event.{field}' is required")) }
    }
}
