//! Command status codes (SMPP 3.4 section 5.1.3).

use std::fmt;

/// A command status. Every value is representable: operators use reserved and vendor codes freely.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(pub u32);

/// What a status means for the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusClass {
    /// It was accepted.
    Ok,
    /// The operator asks for less traffic: the same request may be repeated later.
    Throttled,
    /// It failed, but the same request may succeed later.
    Temporary,
    /// The same request will fail again.
    Permanent,
}

macro_rules! statuses {
    ($($name:ident = $value:literal, $text:literal, $class:ident, $means:literal;)*) => {
        impl Status {
            $(#[doc = concat!("`", $text, "`: ", $means, ".")] pub const $name: Self = Self($value);)*

            /// The name in the standard; `None` for reserved and vendor codes.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }

            /// What it means in words; `None` for reserved and vendor codes.
            pub fn meaning(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($means),)*
                    _ => None,
                }
            }

            /// What it means for the request. Codes that the standard does not define are permanent: repeating them
            /// unasked could double a message or loop for ever.
            pub fn class(self) -> StatusClass {
                match self.0 {
                    $($value => StatusClass::$class,)*
                    _ => StatusClass::Permanent,
                }
            }
        }
    };
}

statuses! {
    OK = 0x00, "ESME_ROK", Ok, "no error";
    INVALID_MESSAGE_LENGTH = 0x01, "ESME_RINVMSGLEN", Permanent, "message length is invalid";
    INVALID_COMMAND_LENGTH = 0x02, "ESME_RINVCMDLEN", Permanent, "command length is invalid";
    INVALID_COMMAND_ID = 0x03, "ESME_RINVCMDID", Permanent, "command id is unknown";
    INVALID_BIND_STATUS = 0x04, "ESME_RINVBNDSTS", Temporary, "the bind does not allow this command";
    ALREADY_BOUND = 0x05, "ESME_RALYBND", Permanent, "already bound";
    INVALID_PRIORITY = 0x06, "ESME_RINVPRTFLG", Permanent, "priority flag is invalid";
    INVALID_REGISTERED_DELIVERY = 0x07, "ESME_RINVREGDLVFLG", Permanent, "registered_delivery is invalid";
    SYSTEM_ERROR = 0x08, "ESME_RSYSERR", Temporary, "the operator has a system error";
    INVALID_SOURCE = 0x0A, "ESME_RINVSRCADR", Permanent, "source address is invalid";
    INVALID_DESTINATION = 0x0B, "ESME_RINVDSTADR", Permanent, "destination address is invalid";
    INVALID_MESSAGE_ID = 0x0C, "ESME_RINVMSGID", Permanent, "message id is invalid";
    BIND_FAILED = 0x0D, "ESME_RBINDFAIL", Permanent, "bind failed";
    INVALID_PASSWORD = 0x0E, "ESME_RINVPASWD", Permanent, "password is wrong";
    INVALID_SYSTEM_ID = 0x0F, "ESME_RINVSYSID", Permanent, "system_id is unknown";
    CANCEL_FAILED = 0x11, "ESME_RCANCELFAIL", Permanent, "cancel_sm failed";
    REPLACE_FAILED = 0x13, "ESME_RREPLACEFAIL", Permanent, "replace_sm failed";
    QUEUE_FULL = 0x14, "ESME_RMSGQFUL", Throttled, "the operator's queue is full";
    INVALID_SERVICE_TYPE = 0x15, "ESME_RINVSERTYP", Permanent, "service_type is invalid";
    INVALID_NUMBER_OF_DESTINATIONS = 0x33, "ESME_RINVNUMDESTS", Permanent, "number of destinations is invalid";
    INVALID_LIST_NAME = 0x34, "ESME_RINVDLNAME", Permanent, "distribution list is unknown";
    INVALID_DESTINATION_FLAG = 0x40, "ESME_RINVDESTFLAG", Permanent, "destination flag is invalid";
    INVALID_SUBMIT_REPLACE = 0x42, "ESME_RINVSUBREP", Permanent, "submit with replace is not supported";
    INVALID_ESM_CLASS = 0x43, "ESME_RINVESMCLASS", Permanent, "esm_class is invalid";
    CANNOT_SUBMIT_TO_LIST = 0x44, "ESME_RCNTSUBDL", Permanent, "cannot submit to the distribution list";
    SUBMIT_FAILED = 0x45, "ESME_RSUBMITFAIL", Permanent, "the operator did not take the message";
    INVALID_SOURCE_TON = 0x48, "ESME_RINVSRCTON", Permanent, "type of number of the source is invalid";
    INVALID_SOURCE_NPI = 0x49, "ESME_RINVSRCNPI", Permanent, "numbering plan of the source is invalid";
    INVALID_DESTINATION_TON = 0x50, "ESME_RINVDSTTON", Permanent, "type of number of the destination is invalid";
    INVALID_DESTINATION_NPI = 0x51, "ESME_RINVDSTNPI", Permanent, "numbering plan of the destination is invalid";
    INVALID_SYSTEM_TYPE = 0x53, "ESME_RINVSYSTYP", Permanent, "system_type is invalid";
    INVALID_REPLACE_FLAG = 0x54, "ESME_RINVREPFLAG", Permanent, "replace_if_present flag is invalid";
    INVALID_NUMBER_OF_MESSAGES = 0x55, "ESME_RINVNUMMSGS", Permanent, "number of messages is invalid";
    THROTTLED = 0x58, "ESME_RTHROTTLED", Throttled, "more messages than the operator allows";
    INVALID_SCHEDULE = 0x61, "ESME_RINVSCHED", Permanent, "scheduled delivery time is invalid";
    INVALID_VALIDITY = 0x62, "ESME_RINVEXPIRY", Permanent, "validity period is invalid";
    INVALID_DEFAULT_MESSAGE = 0x63, "ESME_RINVDFTMSGID", Permanent, "predefined message is unknown";
    RECEIVER_TEMPORARY = 0x64, "ESME_RX_T_APPN", Temporary, "the receiver cannot take it now";
    RECEIVER_PERMANENT = 0x65, "ESME_RX_P_APPN", Permanent, "the receiver will not take it";
    RECEIVER_REJECTED = 0x66, "ESME_RX_R_APPN", Permanent, "the receiver rejects it";
    QUERY_FAILED = 0x67, "ESME_RQUERYFAIL", Permanent, "query_sm failed";
    INVALID_TLV_STREAM = 0xC0, "ESME_RINVOPTPARSTREAM", Permanent, "the optional part of the PDU is in error";
    TLV_NOT_ALLOWED = 0xC1, "ESME_ROPTPARNOTALLWD", Permanent, "an optional parameter is not allowed";
    INVALID_PARAMETER_LENGTH = 0xC2, "ESME_RINVPARLEN", Permanent, "length of an optional parameter is invalid";
    MISSING_TLV = 0xC3, "ESME_RMISSINGOPTPARAM", Permanent, "an optional parameter is missing";
    INVALID_TLV_VALUE = 0xC4, "ESME_RINVOPTPARAMVAL", Permanent, "value of an optional parameter is invalid";
    DELIVERY_FAILURE = 0xFE, "ESME_RDELIVERYFAILURE", Temporary, "delivery failed";
    UNKNOWN_ERROR = 0xFF, "ESME_RUNKNOWNERR", Permanent, "unknown error";
    INVALID_DATA_CODING = 0x104, "ESME_RINVDCS", Permanent, "data_coding is not supported (SMPP 5.0)";
}

impl Status {
    /// Whether it is `ESME_ROK`.
    pub fn is_ok(self) -> bool {
        self == Self::OK
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self.meaning()) {
            (Some(name), Some(means)) => write!(f, "{name} (0x{:02X}: {means})", self.0),
            _ => write!(f, "status 0x{:08X}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}
