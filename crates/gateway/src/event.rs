//! What passes between the loop and a channel.

use base::MessageId;
use base::sms::Coding;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// One message to send, already past the gate and marked `wired`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The loop's own handle, given back in the [`Report`].
    pub token: u64,
    /// The message.
    pub message: MessageId,
    /// Where to: E.164 with its `+`, or a short code as digits.
    pub to: String,
    /// Where from: E.164 with its `+`, a short code, or up to eleven characters; `None` takes the channel's own.
    pub from: Option<String>,
    /// The text; the channel encodes and segments it.
    pub text: String,
    /// `user_message_reference`: comes back in receipts of operators that support it, and numbers the segments.
    pub reference: u16,
    /// What differs from the channel's settings.
    pub options: SendOptions,
}

/// What one message wants otherwise than its channel's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// How long the operator tries; `None` takes the channel's setting.
    pub validity: Option<Duration>,
    /// Whether a delivery receipt is asked for; `None` takes the channel's setting.
    pub receipt: Option<bool>,
    /// Whether the operator should put it before others.
    pub urgent: bool,
    /// Nothing of it is written after this; then it is reported as [`NotSent`](Submitted::NotSent). A process that
    /// stood still must not send what others have long taken for lost.
    pub not_after: Option<Instant>,
}

/// What became of one [`Outgoing`]. Each gets exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The loop's handle.
    pub token: u64,
    /// The message.
    pub message: MessageId,
    /// Which answers to inbound messages the operator has received, as known when this was reported.
    pub evidence: Evidence,
    /// The result.
    pub outcome: Submitted,
}

/// The result of a submit, once every segment is answered or given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// The operator took all of it.
    Accepted {
        /// The operator's id of each segment, by number from 1, in the form that receipts are given in.
        message_ids: Vec<(u8, String)>,
    },
    /// The operator refused it, or it cannot be written in this protocol.
    Rejected {
        /// The protocol's own code; 0 when it was refused on our side.
        status: u32,
        /// Whether the same message will be refused again.
        permanent: bool,
        /// The code in words.
        text: String,
        /// The segments that had been taken, with the operator's ids: sending again doubles them.
        segments_accepted: Vec<(u8, String)>,
    },
    /// The operator asks for less traffic. No segment was taken: it goes back to the head of the queue. The link
    /// pauses by itself; [`Link::free_window`](crate::Link::free_window) is zero meanwhile.
    Throttled,
    /// Nothing was written: it goes back to the head of the queue, as if it had not been handed over.
    NotSent,
    /// Part or all was written and the answer never came.
    Unknown {
        /// What is known of each segment, from the first.
        segments: Vec<SegmentState>,
    },
}

/// What is known of one segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentState {
    /// The operator took it.
    Accepted {
        /// The operator's id.
        message_id: String,
    },
    /// The operator refused it.
    Rejected {
        /// The protocol's own code.
        status: u32,
    },
    /// It was written and the answer never came.
    Unknown,
    /// It was never written.
    NotSent,
}

/// An answer that came after its message had been reported as [`Submitted::Unknown`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// The loop's handle.
    pub token: u64,
    /// The message.
    pub message: MessageId,
    /// Which segment, from 1.
    pub segment: u8,
    /// What the operator said of it.
    pub state: SegmentState,
}

/// Which answers to inbound messages the operator has certainly received, because it has since answered a request
/// that was written after them.
///
/// The inbound messages of a bind session are numbered from 1; `confirmed` rises only, and says that every one up to
/// that number was answered and that the answer arrived. Only then can a repeated inbound message no longer be a
/// redelivery of an old one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Evidence {
    /// The session, see [`Inbound::bind_session`].
    pub bind_session: u64,
    /// The highest such [`Inbound::number`].
    pub confirmed: u64,
}

/// A message or receipt from the operator, waiting for its [`Ack`].
#[derive(Debug)]
pub struct Inbound {
    /// Which session of which bind: unique while the process lives, and rising.
    pub bind_session: u64,
    /// Its number in that session, from 1; see [`Evidence`].
    pub number: u64,
    /// Who sent it: with `+` when the operator says that it is international, else as the operator wrote it.
    pub source: String,
    /// Whom it was sent to, written likewise.
    pub destination: String,
    /// The text, without its user data header. Of one segment of several it may begin and end inside a character: join
    /// the octets of the segments with [`base::sms::join`].
    pub text: String,
    /// Whether octets that are no text were replaced by U+FFFD.
    pub lossy: bool,
    /// Which segment of a longer text it is.
    pub segment: Option<Segment>,
    /// The operator's id of this message, where it gives one.
    pub external_id: Option<String>,
    /// Names the content: addresses, class, coding, user data header and payload. Equal for a redelivery, and for a
    /// repeated "Yes".
    pub hash: [u8; 16],
    /// What it says of a message that we sent, when it is a delivery receipt.
    pub receipt: Option<Receipt>,
    /// All optional parameters, in their order.
    pub tlvs: Vec<(u16, Vec<u8>)>,
    /// Answers it.
    pub ack: Ack,
}

/// One segment of a concatenated text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The sender's number for the whole text.
    pub reference: u16,
    /// How many segments there are.
    pub total: u8,
    /// Which one this is, from 1.
    pub number: u8,
    /// What the octets are.
    pub coding: Coding,
    /// The octets, without their user data header.
    pub octets: Vec<u8>,
}

/// What a delivery receipt says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The operator's id of the segment, in the form that [`Submitted::Accepted`] gave it in.
    pub message_id: Option<String>,
    /// What became of it; `None` when the receipt does not say or uses a word that is not known.
    pub state: Option<ReceiptState>,
    /// The network's error code; `None` when it is absent or all zero.
    pub err: Option<String>,
    /// The beginning of the text that was sent, where the operator repeats it.
    pub text: Option<String>,
    /// The reference that the message was sent with.
    pub user_message_reference: Option<u16>,
}

/// What became of a message at the operator (SMPP 3.4 section 5.2.28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptState {
    /// It waits to be sent.
    Scheduled,
    /// It is on its way.
    Enroute,
    /// The phone has it.
    Delivered,
    /// Its validity ended before the phone had it.
    Expired,
    /// It was deleted.
    Deleted,
    /// It cannot be delivered.
    Undeliverable,
    /// The operator took charge of it; some say this for delivered.
    Accepted,
    /// The operator does not know.
    Unknown,
    /// It was rejected.
    Rejected,
    /// The operator took and dropped it.
    Skipped,
}

impl ReceiptState {
    /// Whether no later receipt can say otherwise.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Scheduled | Self::Enroute | Self::Accepted | Self::Unknown)
    }
}

/// An inbound message that was refused without asking the loop, because it is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who sent it.
    pub source: String,
    /// Whom it was sent to.
    pub destination: String,
    /// Why, in words.
    pub reason: String,
}

/// How a link or one of its binds is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Not connected; it will try again.
    #[default]
    Down,
    /// Connecting.
    Connecting,
    /// Connected, waiting for the operator to accept the bind.
    Binding,
    /// Ready.
    Up,
    /// Ready, but sending nothing because the operator asked for less traffic.
    Paused,
    /// Ending: no new messages, waiting for the answers to those that are out.
    Closing,
    /// Ended on our own wish.
    Stopped,
}

/// A change of the state of a bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Which bind: `trx`, `tx` or `rx`, with a number from 1.
    pub bind: String,
    /// Its session.
    pub bind_session: u64,
    /// The new state.
    pub state: LinkState,
    /// Why, for the log and the screen; it holds no secret.
    pub reason: Option<String>,
}

/// What a channel tells the loop.
#[derive(Debug)]
pub enum Event {
    /// What became of a message.
    Submitted(Report),
    /// An answer to a message that had been reported as unknown.
    Late(Late),
    /// A message or receipt, to be answered.
    Inbound(Box<Inbound>),
    /// An inbound message that was refused.
    Refused(Refused),
    /// New evidence without a report.
    Confirmed(Evidence),
    /// A bind changed its state.
    State(StateChange),
}

/// What the loop decided about an inbound message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is stored.
    Accept,
    /// It is not; the operator gets this code of its protocol.
    Reject(u32),
    /// It is not, for the moment: the operator shall deliver it again.
    Later,
}

/// A [`Verdict`] on its way to the channel's task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The [`Inbound::number`].
    pub number: u64,
    /// The decision.
    pub verdict: Verdict,
}

/// Answers one inbound message. Dropped without a decision, it asks the operator to deliver it again.
pub struct Ack {
    number: u64,
    route: Option<UnboundedSender<Answer>>,
}

impl Ack {
    /// For a channel: an acknowledger whose decision goes to `route`.
    pub fn new(number: u64, route: UnboundedSender<Answer>) -> Self {
        Self { number, route: Some(route) }
    }

    /// Tells the operator that it is stored. Call it after the commit.
    pub fn accept(self) {
        self.decide(Verdict::Accept);
    }

    /// Tells the operator that it will not be taken, with a code of its protocol.
    pub fn reject(self, status: u32) {
        self.decide(Verdict::Reject(status));
    }

    fn decide(mut self, verdict: Verdict) {
        self.send(verdict);
    }

    fn send(&mut self, verdict: Verdict) {
        if let Some(route) = self.route.take() {
            // The session may be gone: the operator then delivers again, on its own.
            let _ = route.send(Answer { number: self.number, verdict });
        }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        self.send(Verdict::Later);
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("number", &self.number).finish_non_exhaustive()
    }
}
