//! The PDUs that a client or an operator of short messages meets (SMPP 3.4 section 4), borrowed from a buffer.

use super::{CommandId, Tlvs};
use serde::{Deserialize, Serialize};

/// One PDU, without the header's status and sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pdu<'a> {
    /// `bind_receiver`, `bind_transmitter` or `bind_transceiver`.
    Bind(Bind<'a>),
    /// The response to one of them.
    BindResp(BindResp<'a>),
    /// `outbind`: the operator asks the client to bind.
    Outbind(Outbind<'a>),
    /// `unbind`.
    Unbind,
    /// `unbind_resp`.
    UnbindResp,
    /// `enquire_link`.
    EnquireLink,
    /// `enquire_link_resp`.
    EnquireLinkResp,
    /// `generic_nack`.
    GenericNack,
    /// `submit_sm`.
    SubmitSm(Sm<'a>),
    /// `submit_sm_resp`.
    SubmitSmResp(SmResp<'a>),
    /// `deliver_sm`.
    DeliverSm(Sm<'a>),
    /// `deliver_sm_resp`.
    DeliverSmResp(SmResp<'a>),
    /// `data_sm`.
    DataSm(DataSm<'a>),
    /// `data_sm_resp`.
    DataSmResp(SmResp<'a>),
    /// `query_sm`.
    QuerySm(QuerySm<'a>),
    /// `query_sm_resp`.
    QuerySmResp(QuerySmResp<'a>),
    /// `cancel_sm`.
    CancelSm(CancelSm<'a>),
    /// `cancel_sm_resp`.
    CancelSmResp,
    /// `alert_notification`; it has no response.
    AlertNotification(AlertNotification<'a>),
    /// Anything else, unread.
    Other {
        /// Which command it is.
        command: CommandId,
        /// Its body.
        body: &'a [u8],
    },
}

impl Pdu<'_> {
    /// The command identifier that the header carries.
    pub fn command(&self) -> CommandId {
        match self {
            Self::Bind(bind) => bind.mode.command(),
            Self::BindResp(resp) => resp.mode.command().response(),
            Self::Outbind(_) => CommandId::OUTBIND,
            Self::Unbind => CommandId::UNBIND,
            Self::UnbindResp => CommandId::UNBIND_RESP,
            Self::EnquireLink => CommandId::ENQUIRE_LINK,
            Self::EnquireLinkResp => CommandId::ENQUIRE_LINK_RESP,
            Self::GenericNack => CommandId::GENERIC_NACK,
            Self::SubmitSm(_) => CommandId::SUBMIT_SM,
            Self::SubmitSmResp(_) => CommandId::SUBMIT_SM_RESP,
            Self::DeliverSm(_) => CommandId::DELIVER_SM,
            Self::DeliverSmResp(_) => CommandId::DELIVER_SM_RESP,
            Self::DataSm(_) => CommandId::DATA_SM,
            Self::DataSmResp(_) => CommandId::DATA_SM_RESP,
            Self::QuerySm(_) => CommandId::QUERY_SM,
            Self::QuerySmResp(_) => CommandId::QUERY_SM_RESP,
            Self::CancelSm(_) => CommandId::CANCEL_SM,
            Self::CancelSmResp => CommandId::CANCEL_SM_RESP,
            Self::AlertNotification(_) => CommandId::ALERT_NOTIFICATION,
            Self::Other { command, .. } => *command,
        }
    }
}

/// What a bind may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindMode {
    /// `bind_receiver`: messages from the operator.
    Receiver,
    /// `bind_transmitter`: messages to the operator.
    Transmitter,
    /// `bind_transceiver`: both.
    Transceiver,
}

impl BindMode {
    /// The command that asks for it.
    pub fn command(self) -> CommandId {
        match self {
            Self::Receiver => CommandId::BIND_RECEIVER,
            Self::Transmitter => CommandId::BIND_TRANSMITTER,
            Self::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }

    /// Whether messages to the operator may go over it.
    pub fn sends(self) -> bool {
        self != Self::Receiver
    }

    /// Whether messages from the operator may come over it.
    pub fn receives(self) -> bool {
        self != Self::Transmitter
    }
}

/// An address with its type of number and numbering plan (section 5.2.5 and 5.2.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address<'a> {
    /// Type of number: 0 unknown, 1 international, 2 national, 3 network specific, 5 alphanumeric...
    pub ton: u8,
    /// Numbering plan: 0 unknown, 1 ISDN (E.164)...
    pub npi: u8,
    /// The address, at most 20 octets.
    pub addr: &'a [u8],
}

/// The body of a bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind<'a> {
    /// Which of the three binds.
    pub mode: BindMode,
    /// `system_id`, at most 15 octets.
    pub system_id: &'a [u8],
    /// `password`, at most 8 octets in the standard; operators hand out longer ones, which are written as they are.
    pub password: &'a [u8],
    /// `system_type`, at most 12 octets.
    pub system_type: &'a [u8],
    /// `interface_version`: 0x34 for SMPP 3.4.
    pub interface_version: u8,
    /// `address_range` with its type of number and numbering plan, at most 40 octets.
    pub address_range: Address<'a>,
}

/// The body of a bind's response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindResp<'a> {
    /// Which of the three binds it answers.
    pub mode: BindMode,
    /// `system_id` of the operator.
    pub system_id: &'a [u8],
    /// `sc_interface_version` and others.
    pub tlvs: Tlvs<'a>,
}

/// The body of `outbind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outbind<'a> {
    /// `system_id` of the operator.
    pub system_id: &'a [u8],
    /// `password`.
    pub password: &'a [u8],
}

/// The body of `submit_sm` and of `deliver_sm`, which is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sm<'a> {
    /// `service_type`, at most 5 octets.
    pub service_type: &'a [u8],
    /// Who sends.
    pub source: Address<'a>,
    /// Who receives.
    pub destination: Address<'a>,
    /// `esm_class`; see [`esm_class`].
    pub esm_class: u8,
    /// `protocol_id`.
    pub protocol_id: u8,
    /// `priority_flag`: 0 to 3.
    pub priority: u8,
    /// `schedule_delivery_time`, empty for now, else 16 octets.
    pub schedule_delivery_time: &'a [u8],
    /// `validity_period`, empty for the operator's default, else 16 octets.
    pub validity_period: &'a [u8],
    /// `registered_delivery`: 0 none, 1 receipt, 2 receipt on failure.
    pub registered_delivery: u8,
    /// `replace_if_present_flag`.
    pub replace_if_present: u8,
    /// `data_coding`.
    pub data_coding: u8,
    /// `sm_default_msg_id`.
    pub default_message_id: u8,
    /// `short_message`, at most 254 octets; longer ones go into [`Tag::MESSAGE_PAYLOAD`](super::Tag::MESSAGE_PAYLOAD).
    pub short_message: &'a [u8],
    /// Optional parameters.
    pub tlvs: Tlvs<'a>,
}

/// The body of `submit_sm_resp`, `deliver_sm_resp` and `data_sm_resp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SmResp<'a> {
    /// `message_id`, at most 64 octets; empty in `deliver_sm_resp` and mostly with an error.
    pub message_id: &'a [u8],
    /// Optional parameters.
    pub tlvs: Tlvs<'a>,
}

/// The body of `data_sm`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataSm<'a> {
    /// `service_type`, at most 5 octets.
    pub service_type: &'a [u8],
    /// Who sends; at most 64 octets.
    pub source: Address<'a>,
    /// Who receives; at most 64 octets.
    pub destination: Address<'a>,
    /// `esm_class`; see [`esm_class`].
    pub esm_class: u8,
    /// `registered_delivery`.
    pub registered_delivery: u8,
    /// `data_coding`.
    pub data_coding: u8,
    /// Optional parameters; the text is in `message_payload`.
    pub tlvs: Tlvs<'a>,
}

/// The body of `query_sm`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuerySm<'a> {
    /// The operator's id of the message.
    pub message_id: &'a [u8],
    /// Who sent it.
    pub source: Address<'a>,
}

/// The body of `query_sm_resp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuerySmResp<'a> {
    /// The operator's id of the message.
    pub message_id: &'a [u8],
    /// When it came to its end, empty before.
    pub final_date: &'a [u8],
    /// `message_state`.
    pub message_state: u8,
    /// `error_code` of the network.
    pub error_code: u8,
}

/// The body of `cancel_sm`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CancelSm<'a> {
    /// `service_type`.
    pub service_type: &'a [u8],
    /// The operator's id of the message; empty means all that match.
    pub message_id: &'a [u8],
    /// Who sent it.
    pub source: Address<'a>,
    /// Who was to receive it.
    pub destination: Address<'a>,
}

/// The body of `alert_notification`: a phone is reachable again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertNotification<'a> {
    /// The phone.
    pub source: Address<'a>,
    /// Who asked to be told.
    pub esme: Address<'a>,
    /// `ms_availability_status` and others.
    pub tlvs: Tlvs<'a>,
}

/// Bits of `esm_class` (section 5.2.12).
pub mod esm_class {
    /// The mask of the message type in `deliver_sm`.
    pub const TYPE_MASK: u8 = 0x3C;
    /// `deliver_sm` carries a delivery receipt.
    pub const DELIVERY_RECEIPT: u8 = 0x04;
    /// `deliver_sm` carries a delivery acknowledgement of the phone.
    pub const DELIVERY_ACK: u8 = 0x08;
    /// `deliver_sm` carries a manual acknowledgement of the user.
    pub const MANUAL_ACK: u8 = 0x10;
    /// `deliver_sm` carries an intermediate notification.
    pub const INTERMEDIATE: u8 = 0x20;
    /// The text begins with a user data header.
    pub const UDHI: u8 = 0x40;
    /// A reply path is set.
    pub const REPLY_PATH: u8 = 0x80;
}
