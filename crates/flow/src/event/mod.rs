//! Events: what a sprint did, in order.

mod host;

pub use host::{Call, Dial, HostEvent};

use crate::contact::{ContactStatus, FieldValue, Ticket};
use crate::message::{MsgOut, QuickReply};
use crate::pairs::Pairs;
use crate::reference::{
    ChannelRef, ContactRef, FieldRef, FlowRef, GroupRef, LabelRef, LlmRef, TemplateRef, TopicRef, UserRef,
};
use crate::session::RunStatus;
use crate::stamp::Stamp;
use crate::trigger::{History, RunSummary};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// Where an event happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The run.
    pub run_uuid: Uuid,
    /// The node.
    pub node_uuid: Uuid,
}

/// Something that a sprint did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// What identifies it: a UUIDv7.
    pub uuid: Uuid,
    /// When.
    pub created_on: Stamp,
    /// Where; not part of the JSON.
    #[serde(skip)]
    pub place: Option<Place>,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// The translation of a broadcast into one language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BroadcastTranslation {
    /// Text.
    pub text: String,
    /// `type:url` each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<String>,
    /// Answers offered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quick_replies: Vec<QuickReply>,
}

/// Whom a session start leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusions {
    /// Contacts who are in a flow.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_a_flow: bool,
}

/// Whom a broadcast or session start is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recipients {
    /// Groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupRef>,
    /// Contacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<ContactRef>,
    /// An audience query.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub contact_query: String,
    /// Addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urns: Vec<String>,
}

/// The value that a changed result had before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousResult {
    /// Value.
    pub value: String,
    /// Category.
    pub category: String,
}

/// How many tokens a language model took and gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Taken.
    pub input: u64,
    /// Given.
    pub output: u64,
}

/// Bytes of an HTTP exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Sent.
    pub request: usize,
    /// Received.
    pub response: usize,
}

/// One HTTP exchange of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpLog {
    /// Where to.
    pub url: String,
    /// HTTP status; 0 without a response.
    #[serde(default)]
    pub status_code: u16,
    /// `success`, `response_error` or `connection_error`.
    pub status: String,
    /// As sent.
    pub request: String,
    /// As received.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub response: String,
    /// How long it took.
    pub elapsed_ms: u64,
    /// How often it was tried again.
    pub retries: u32,
    /// Bytes.
    #[serde(default)]
    pub sizes: Sizes,
    /// When.
    pub created_on: Stamp,
}

/// What a sprint did, by type.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "members are those of the event JSON")]
pub enum EventKind {
    /// Airtime was paid.
    AirtimeCreated {
        external_id: String,
        sender: String,
        recipient: String,
        currency: String,
        amount: Box<RawValue>,
        http_logs: Vec<HttpLog>,
    },
    /// A message is for many.
    BroadcastCreated {
        translations: Pairs<BroadcastTranslation>,
        base_language: String,
        #[serde(flatten)]
        recipients: Recipients,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<TemplateRef>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        template_variables: Vec<String>,
    },
    /// A field has another value, or none.
    ContactFieldChanged { field: FieldRef, value: Option<FieldValue> },
    /// Groups were joined or left.
    ContactGroupsChanged {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        groups_added: Vec<GroupRef>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        groups_removed: Vec<GroupRef>,
    },
    /// The language changed.
    ContactLanguageChanged { language: String },
    /// The name changed.
    ContactNameChanged { name: String },
    /// The status changed.
    ContactStatusChanged { status: ContactStatus },
    /// The time zone changed.
    ContactTimezoneChanged { timezone: String },
    /// The addresses changed: these are all.
    ContactUrnsChanged { urns: Vec<String> },
    /// The contact was seen later than before.
    ContactLastSeenChanged { last_seen_on: Stamp },
    /// The flow the contact is in changed.
    ContactFlowChanged { flow: Option<FlowRef> },
    /// The session waits for a dialled call to end.
    DialWait { urn: String, dial_limit_seconds: u32, call_limit_seconds: u32, expires_on: Stamp },
    /// Mail was sent.
    EmailSent { to: Vec<String>, subject: String, body: String },
    /// Something went wrong; execution went on.
    Error {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        #[serde(default, skip_serializing_if = "Pairs::is_empty")]
        extra: Pairs<String>,
    },
    /// Something is better done differently.
    Warning {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        #[serde(default, skip_serializing_if = "Pairs::is_empty")]
        extra: Pairs<String>,
    },
    /// Something went wrong; the session failed.
    Failure { text: String },
    /// The input was labelled.
    InputLabelsAdded { input_uuid: Uuid, labels: Vec<LabelRef> },
    /// Something is to be said or played.
    IvrCreated { msg: MsgOut },
    /// A message is to be sent.
    MsgCreated { msg: MsgOut },
    /// A language model was asked.
    LlmCalled { llm: LlmRef, instructions: String, input: String, output: String, tokens: Tokens, elapsed_ms: u64 },
    /// The session waits for a message.
    MsgWait {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_seconds: Option<u32>,
        expires_on: Stamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<crate::router::wait::Hint>,
    },
    /// A resthook's subscribers are told.
    ResthookCalled { resthook: String, payload: Box<RawValue> },
    /// A run was started.
    RunStarted {
        flow: FlowRef,
        run_uuid: Uuid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent_uuid: Option<Uuid>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        terminal: bool,
    },
    /// A run ended.
    RunEnded { run_uuid: Uuid, flow: FlowRef, status: RunStatus },
    /// A result has another value or category.
    RunResultChanged {
        name: String,
        value: String,
        category: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        extra: Option<Box<RawValue>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<PreviousResult>,
    },
    /// Other sessions are to be started.
    SessionTriggered {
        flow: FlowRef,
        #[serde(flatten)]
        recipients: Recipients,
        exclusions: Exclusions,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        create_contact: bool,
        run_summary: Box<RunSummary>,
        history: History,
    },
    /// A ticket was opened.
    TicketOpened { ticket: Ticket },
    /// A ticket got a note.
    TicketNoteAdded { ticket_uuid: Uuid, note: String },
    /// A ticket was closed.
    TicketClosed { ticket_uuid: Uuid },
    /// A ticket was opened again.
    TicketReopened { ticket_uuid: Uuid },
    /// A ticket has another topic.
    TicketTopicChanged { ticket_uuid: Uuid, topic: TopicRef },
    /// A ticket is somebody else's.
    TicketAssigneeChanged {
        ticket_uuid: Uuid,
        assignee: Option<UserRef>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<UserRef>,
    },
    /// A URL was called.
    WebhookCalled {
        url: String,
        #[serde(default, skip_serializing_if = "is_zero")]
        status_code: u16,
        request: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        response: String,
        elapsed_ms: u64,
        retries: u32,
        sizes: Sizes,
        status: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        resthook: String,
    },
    /// A message was received: from the host.
    MsgReceived { msg: crate::message::MsgIn },
    /// A wait's time had passed: from the host.
    WaitTimedOut {},
    /// A run's time had passed: from the host.
    WaitExpired {},
    /// A dialled call ended: from the host.
    DialEnded { dial: Dial },
    /// A call came in: from the host.
    CallReceived { call: Call },
    /// A call was missed: from the host.
    CallMissed { channel: ChannelRef },
    /// A chat was started: from the host.
    ChatStarted { channel: ChannelRef },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u16) -> bool {
    *n == 0
}
