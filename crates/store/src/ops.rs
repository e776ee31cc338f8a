//! The operations of the conversation loop, as data: what goes in, what comes out.
//!
//! Every write is a batch. The structs here are the contract between the loop (`app`) and the two engines; the
//! engines' own statements are in `sqlite::hot` and `postgres::hot`.

use base::{ChannelId, ContactId, FlowId, GroupId, MessageId, Millis, Part, RunId, SessionId, StartId};
use serde::{Deserialize, Serialize};

/// How often an operator may refuse a message for the moment.
pub const REFUSALS: i64 = 10;

/// The process that owns parts, chosen at random when it starts.
pub type Owner = i64;

/// The parts that a process may step, and the epoch at which it got each.
///
/// On SQLite the one writer owns every part and the epochs are zero. On PostgreSQL the step transaction checks owner
/// and epoch under a lock of the lease row, so that a process that lost a part cannot write to it any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The process that holds the parts.
    pub owner: Owner,
    /// Each part held with its epoch, in order of the parts.
    pub parts: Vec<(Part, i64)>,
}

impl Lease {
    /// Every part, as the single writer of a SQLite store holds them.
    pub fn all(owner: Owner) -> Self {
        Self { owner, parts: Part::all().map(|part| (part, 0)).collect() }
    }

    /// The share of this lease that lane `lane` of `lanes` steps: a run of neighbouring parts, shared with no other.
    pub fn lane(&self, lane: usize, lanes: usize) -> Self {
        let bounds = lane * Part::COUNT / lanes..(lane + 1) * Part::COUNT / lanes;
        let parts = self.parts.iter().filter(|(part, _)| bounds.contains(&usize::from(part.0))).copied().collect();
        Self { owner: self.owner, parts }
    }

    /// The epoch at which `part` is held, if it is.
    pub fn epoch(&self, part: Part) -> Option<i64> {
        self.parts.binary_search_by_key(&part, |(part, _)| *part).ok().map(|at| self.parts[at].1)
    }
}

/// What names an inbound message among those that may be delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DedupeKey {
    /// The address's own part.
    pub part: Part,
    /// The window that it was received in (reception time divided by the window's length).
    pub bucket: i64,
    /// The hash of channel and identity: of the operator's message id, or of addresses, payload and header.
    pub hash: [u8; 16],
    /// Made from the operator's own id: such a key stays for the whole window. One made from the content is dropped
    /// once the operator is known to have our acknowledgement, so that a repeated "Yes" passes.
    pub by_id: bool,
    /// The process that received it.
    pub owner: Owner,
    /// The bind session that delivered it, counted by that process.
    pub session: u64,
    /// Its number in that bind session.
    pub number: u64,
}

/// A word that changes consent, recognised by `app::receive` in the whole text of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// STOP and its like.
    OptOut,
    /// START and its like.
    OptIn,
}

/// One part of a long inbound message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentOf {
    /// The sender's reference number.
    pub reference: u16,
    /// How many there are.
    pub total: u8,
    /// Which one this is, from 1.
    pub sequence: u8,
    /// How its octets are read.
    pub coding: base::sms::Coding,
    /// Its octets: a character may begin in one part and end in the next.
    pub octets: Vec<u8>,
}

/// An inbound message as a channel gave it, normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// Its id, made by the caller.
    pub id: MessageId,
    /// The id that a contact gets if nobody has this address yet.
    pub new_contact: ContactId,
    /// The channel it came by.
    pub channel: ChannelId,
    /// The sender's URN identity, such as `tel:+231990000001`.
    pub address: String,
    /// The number that was written to; the answer leaves by it.
    pub to: String,
    /// The text, without U+0000; of one part of a long message, what it says if it is read alone.
    pub text: String,
    /// When it came.
    pub received_on: Millis,
    /// What it is recognised by when it is delivered again; `None` switches deduplication off (control runs only).
    pub dedupe: Option<DedupeKey>,
    /// Whether the whole text is an opt-out or opt-in word.
    pub consent: Option<Consent>,
    /// Set for one part of a long message; the parts are kept and the last one makes the message.
    pub segment: Option<SegmentOf>,
}

/// What became of one [`Inbound`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// A new message waits in the inbox of this contact.
    New {
        /// The contact who has the address.
        contact: ContactId,
        /// The contact was made for this message: nobody had the address.
        unknown_sender: bool,
    },
    /// It had been received before; nothing was written.
    Duplicate,
    /// A part of a long message whose other parts are still to come.
    Incomplete,
}

/// What waits for a contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// A message of theirs.
    Message {
        /// The message.
        message: MessageId,
        /// The channel it came by.
        channel: ChannelId,
        /// The sender's URN identity.
        address: String,
        /// The number that was written to.
        to: String,
        /// What it says.
        text: String,
        /// When it came.
        received_on: Millis,
        /// What is cleared when the operator has our acknowledgement.
        dedupe: Option<DedupeKey>,
        /// The message opts out or in.
        consent: Option<Consent>,
    },
    /// A campaign starts a flow with them.
    Start {
        /// The firing of the campaign.
        start: StartId,
        /// The flow.
        flow: FlowId,
    },
    /// The wait's time-out has come.
    Timeout {
        /// The revision of the session that set the timer; another one makes this a no-op.
        rev: i64,
    },
    /// The wait has expired.
    Expiration {
        /// The revision of the session that set the timer; another one makes this a no-op.
        rev: i64,
    },
}

impl Task {
    /// Replies go before timers, timers before campaigns.
    pub fn priority(&self) -> i64 {
        match self {
            Self::Message { .. } => 0,
            Self::Timeout { .. } | Self::Expiration { .. } => 1,
            Self::Start { .. } => 2,
        }
    }
}

/// A row of the inbox.
#[derive(Clone, Debug, PartialEq)]
pub struct InboxRow {
    /// Its place in the order of its contact, within the priority.
    pub id: MessageId,
    /// What is to be done.
    pub task: Task,
}

/// A contact as the engine needs it. The JSON texts are those of the flow specification, section 2.5.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ContactRow {
    /// The name, if known.
    pub name: Option<String>,
    /// The language, three letters.
    pub language: Option<String>,
    /// `active`, `blocked`, `stopped` or `archived`.
    pub status: String,
    /// An IANA time zone.
    pub timezone: Option<String>,
    /// When the contact was made.
    pub created_on: Millis,
    /// The last message from them, to the day at least.
    pub last_seen_on: Option<Millis>,
    /// JSON list of URNs, the preferred one first.
    pub urns: String,
    /// JSON list of group UUIDs.
    pub groups: String,
    /// JSON object of field values.
    pub fields: String,
    /// JSON object of the worker's attributes: cadre, facility, place, skills, gender, status.
    pub worker: String,
}

/// The conversation of a contact as it was last committed.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SessionRow {
    /// Rises by one with every step.
    pub rev: i64,
    /// The waiting session as JSON of the flow specification, section 2.1; `None` when none waits.
    pub state: Option<String>,
    /// The flow that the waiting session runs.
    pub flow: Option<FlowId>,
    /// The start that the waiting session came from.
    pub start: Option<StartId>,
    /// When the wait's time-out comes.
    pub timeout_on: Option<Millis>,
    /// When the wait expires.
    pub expires_on: Option<Millis>,
    /// When the armed timer fires; never later than the earlier of the two above.
    pub armed_on: Option<Millis>,
    /// The last message from the contact, exactly.
    pub last_seen_on: Option<Millis>,
    /// When the latest unsolicited messages went to the contact: JSON list of milliseconds, for the cap.
    pub unsolicited: String,
    /// The number that the contact last wrote to, by channel: the answer leaves by it.
    pub reply_from: Option<String>,
    /// The channel that the contact last wrote by.
    pub reply_channel: Option<ChannelId>,
}

/// Everything that waits for one contact, with what is needed to handle it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mailbox {
    /// The contact's part.
    pub part: Part,
    /// The contact.
    pub contact: ContactId,
    /// The contact's row.
    pub row: ContactRow,
    /// The contact's conversation.
    pub session: SessionRow,
    /// Whether any of the contact's addresses is on the suppression list.
    pub suppressed: bool,
    /// What waits, in the order of handling.
    pub tasks: Vec<InboxRow>,
}

/// How urgent a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// An answer to somebody who waits for it.
    Reply = 0,
    /// A message that nobody asked for.
    Bulk = 1,
}

/// What a message is to the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Any message.
    Normal = 0,
    /// The one confirmation of an opt-out or opt-in: it passes the suppression that it confirms.
    Confirmation = 1,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It came from a contact.
    Received = 0,
    /// It waits in the outbox.
    Queued = 1,
    /// It has been handed to the channel.
    Wired = 2,
    /// The operator took it.
    Sent = 3,
    /// The phone has it.
    Delivered = 4,
    /// It will not arrive.
    Failed = 5,
    /// Whether the operator has it cannot be known yet.
    Unknown = 6,
    /// The gate refused it, or it was withdrawn while it waited.
    Refused = 7,
}

impl MessageState {
    /// From the number that the store keeps.
    pub fn from_i64(number: i64) -> Option<Self> {
        [
            Self::Received,
            Self::Queued,
            Self::Wired,
            Self::Sent,
            Self::Delivered,
            Self::Failed,
            Self::Unknown,
            Self::Refused,
        ]
        .get(usize::try_from(number).ok()?)
        .copied()
    }
}

/// A message that the engine wants sent, after the gate's first look at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// Its id; the order of ids is the order of sending within a contact and priority.
    pub id: MessageId,
    /// The channel that it goes by.
    pub channel: Option<ChannelId>,
    /// The recipient's URN identity.
    pub address: Option<String>,
    /// The number or name it goes out from, where it is not the channel's own.
    pub from: Option<String>,
    /// What it says.
    pub text: String,
    /// When it was made.
    pub created_on: Millis,
    /// How urgent it is.
    pub priority: Priority,
    /// What it is to the gate.
    pub class: Class,
    /// How many segments the text needs.
    pub segments: u16,
    /// The start that it belongs to.
    pub start: Option<StartId>,
    /// It is the first message of that start to this contact: its fate is the recipient's.
    pub opening: bool,
    /// The run that made it.
    pub run: Option<RunId>,
    /// Not to be sent after.
    pub valid_until: Option<Millis>,
    /// The inbound message's key, cleared when the operator is known to have our acknowledgement.
    pub answers: Option<DedupeKey>,
    /// The gate's refusal: `opted_out`, `blocked`, `archived`, `no_route`, `country`, `cap`...
    pub refused: Option<String>,
    /// What happens if nothing settles it once it is `unknown`.
    pub unknown_policy: UnknownPolicy,
}

/// What happens to a message of which nobody knows whether the operator has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPolicy {
    /// It is sent once more after this many milliseconds: a flow's message, without which a conversation stands still.
    ResendAfter(i64),
    /// It stays on the work list for a person to decide: a broadcast's message.
    Hold,
}

/// A run as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The run.
    pub id: RunId,
    /// The session it belongs to.
    pub session: SessionId,
    /// The flow.
    pub flow: FlowId,
    /// The start that it came from.
    pub start: Option<StartId>,
    /// `active`, `waiting`, `completed`, `expired`, `failed` or `interrupted`.
    pub status: String,
    /// JSON object of results (flow specification, section 2.3).
    pub results: String,
    /// When it began.
    pub created_on: Millis,
    /// When it last changed.
    pub modified_on: Millis,
    /// When it ended.
    pub exited_on: Option<Millis>,
}

/// One answer more or less for a question.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Count {
    /// The start that the answers belong to, or the flow where no start is known.
    pub scope: uuid::Uuid,
    /// The question: the key of the result.
    pub question: String,
    /// The category, or the value where there is none.
    pub answer: String,
    /// By how much.
    pub by: i64,
}

/// How far a recipient of a start has come. Only ever forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The recipient answered for the first time.
    Responded,
    /// The recipient went through to the end.
    Completed,
}

/// A change of a contact. `None` leaves what is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContactPatch {
    /// A new name; the inner `None` clears it.
    pub name: Option<Option<String>>,
    /// A new language; the inner `None` clears it.
    pub language: Option<Option<String>>,
    /// A new status.
    pub status: Option<String>,
    /// A new time zone; the inner `None` clears it.
    pub timezone: Option<Option<String>>,
    /// All URNs anew, as JSON.
    pub urns: Option<String>,
    /// All groups anew, as JSON.
    pub groups: Option<String>,
    /// All field values anew, as JSON.
    pub fields: Option<String>,
    /// Groups joined.
    pub groups_added: Vec<GroupId>,
    /// Groups left.
    pub groups_removed: Vec<GroupId>,
    /// Addresses that are new in `urns`. One that another contact has stays there and becomes a problem.
    pub urns_added: Vec<String>,
    /// The last message from the contact came on another day than the one before: its time, and the day in the
    /// ministry's time zone, counted from 1970-01-01.
    pub seen: Option<(Millis, i64)>,
}

/// A problem for the work list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProblem {
    /// What kind it is, such as `step_failed` or `phone_unreadable`.
    pub kind: String,
    /// What makes it the same problem when it is found again.
    pub key: String,
    /// The worker, contact, message or file that it is about.
    pub subject: String,
    /// What is wrong, for a person.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// Everything that one mailbox's handling changes, written in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The contact's part.
    pub part: Part,
    /// The contact.
    pub contact: ContactId,
    /// The inbox rows that are done: priority and id.
    pub done: Vec<(i64, MessageId)>,
    /// The revision that was loaded; another one in the store makes the step fail.
    pub rev: i64,
    /// The conversation as it is now (its `rev` is ignored: the store adds one).
    pub session: SessionRow,
    /// The contact's changes.
    pub contact_patch: Option<ContactPatch>,
    /// Runs that began, changed or ended.
    pub runs: Vec<RunRow>,
    /// Messages, those that the gate refused included.
    pub messages: Vec<Outgoing>,
    /// Answers counted.
    pub counts: Vec<Count>,
    /// How far the contact has come in starts.
    pub progress: Vec<(StartId, Progress, Millis)>,
    /// Starts that did not begin for this contact, with the gate's reason.
    pub left_out: Vec<(StartId, String)>,
    /// What could not be done.
    pub problems: Vec<NewProblem>,
    /// When the step was made.
    pub at: Millis,
}

/// What the sender of a channel asks for.
#[derive(Clone, Debug)]
pub struct WireRequest {
    /// The channel.
    pub channel: ChannelId,
    /// How many messages its free window can take now.
    pub limit: usize,
    /// Whether bulk messages may go (not in quiet hours).
    pub bulk: bool,
    /// The time.
    pub now: Millis,
}

/// A message that has just been marked `wired`: the channel must submit it and report what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wired {
    /// The contact's part.
    pub part: Part,
    /// The message.
    pub id: MessageId,
    /// The contact.
    pub contact: ContactId,
    /// The recipient's URN identity.
    pub address: String,
    /// The number or name it goes out from, where it is not the channel's own.
    pub from: Option<String>,
    /// What it says.
    pub text: String,
    /// Its `user_message_reference`.
    pub reference: u16,
    /// How many segments the text needs.
    pub segments: u16,
    /// When it was made.
    pub created_on: Millis,
    /// The inbound message's key, cleared when the operator is known to have our acknowledgement.
    pub answers: Option<DedupeKey>,
    /// What happens if nothing settles it once it is `unknown`.
    pub unknown_policy: UnknownPolicy,
}

/// What became of a submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The operator took every segment; its ids in order.
    Accepted {
        /// The operator's ids, one a segment.
        external_ids: Vec<String>,
        /// Whether a receipt will come.
        receipt: bool,
        /// The inbound key that may be dropped now.
        clear: Option<DedupeKey>,
    },
    /// The operator will never take it.
    Rejected {
        /// The operator's reason.
        reason: String,
    },
    /// The operator will take it later: it goes back to the head of the queue.
    Requeue {
        /// Whether the operator refused this very message for the moment. One that is refused
        /// [`REFUSALS`] times has failed.
        refused: Option<String>,
    },
    /// No answer came: nobody knows.
    Unknown {
        /// The ids of those segments that were answered.
        external_ids: Vec<String>,
    },
}

/// The result of one submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The contact's part.
    pub part: Part,
    /// The message.
    pub id: MessageId,
    /// The contact.
    pub contact: ContactId,
    /// The recipient's URN identity.
    pub address: String,
    /// The channel.
    pub channel: ChannelId,
    /// What became of it.
    pub outcome: Outcome,
    /// When.
    pub at: Millis,
}

/// What a delivery receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptState {
    /// The phone has it.
    Delivered,
    /// It will not arrive.
    Failed,
    /// It is on its way.
    Pending,
}

/// A delivery receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The channel it came by.
    pub channel: ChannelId,
    /// The recipient of the message that it speaks of, as a URN identity.
    pub address: String,
    /// The operator's id of that message.
    pub external_id: String,
    /// What became of it.
    pub state: ReceiptState,
    /// The operator's word and error for it.
    pub detail: String,
    /// The reference that the message carried.
    pub reference: Option<u16>,
    /// The beginning of the message's text, as the receipt quotes it.
    pub text: Option<String>,
    /// When it came.
    pub at: Millis,
}

/// What became of one [`Receipt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// It settled or moved a message.
    Applied,
    /// It settled a message that was `unknown`.
    SettledUnknown,
    /// No message has this id yet: it is kept for the submit's answer, which may still come.
    Parked,
    /// The message was settled before.
    Ignored,
}

/// What became of messages that others had marked `wired`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// How many became `unknown`, because nobody is left who could tell.
    pub unknown: usize,
    /// Parts in which a process that lives has messages on their way: it will record what becomes of them, and if it
    /// dies before, they are to be looked at again.
    pub abroad: Vec<Part>,
}

/// How many things a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Timers that became tasks.
    pub fired: usize,
    /// Timers that were armed again for later.
    pub rearmed: usize,
    /// Unknown messages that were queued once more.
    pub resent: usize,
    /// Whether the batch was full: more may be due.
    pub more: bool,
}
