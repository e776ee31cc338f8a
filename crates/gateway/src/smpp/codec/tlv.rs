//! Optional parameters: tag, length, value (SMPP 3.4 section 5.3).

use super::DecodeError;
use std::fmt;

/// The tag of a TLV. Every value is representable; 0x1400-0x3FFF belong to vendors.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub u16);

macro_rules! tags {
    ($($name:ident = $value:literal, $text:literal;)*) => {
        impl Tag {
            $(#[doc = concat!("`", $text, "`")] pub const $name: Self = Self($value);)*

            /// The name in the standard; `None` for reserved and vendor tags.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

tags! {
    DEST_ADDR_SUBUNIT = 0x0005, "dest_addr_subunit";
    DEST_NETWORK_TYPE = 0x0006, "dest_network_type";
    DEST_BEARER_TYPE = 0x0007, "dest_bearer_type";
    DEST_TELEMATICS_ID = 0x0008, "dest_telematics_id";
    SOURCE_ADDR_SUBUNIT = 0x000D, "source_addr_subunit";
    SOURCE_NETWORK_TYPE = 0x000E, "source_network_type";
    SOURCE_BEARER_TYPE = 0x000F, "source_bearer_type";
    SOURCE_TELEMATICS_ID = 0x0010, "source_telematics_id";
    QOS_TIME_TO_LIVE = 0x0017, "qos_time_to_live";
    PAYLOAD_TYPE = 0x0019, "payload_type";
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D, "additional_status_info_text";
    RECEIPTED_MESSAGE_ID = 0x001E, "receipted_message_id";
    MS_MSG_WAIT_FACILITIES = 0x0030, "ms_msg_wait_facilities";
    PRIVACY_INDICATOR = 0x0201, "privacy_indicator";
    SOURCE_SUBADDRESS = 0x0202, "source_subaddress";
    DEST_SUBADDRESS = 0x0203, "dest_subaddress";
    USER_MESSAGE_REFERENCE = 0x0204, "user_message_reference";
    USER_RESPONSE_CODE = 0x0205, "user_response_code";
    SOURCE_PORT = 0x020A, "source_port";
    DESTINATION_PORT = 0x020B, "destination_port";
    SAR_MSG_REF_NUM = 0x020C, "sar_msg_ref_num";
    LANGUAGE_INDICATOR = 0x020D, "language_indicator";
    SAR_TOTAL_SEGMENTS = 0x020E, "sar_total_segments";
    SAR_SEGMENT_SEQNUM = 0x020F, "sar_segment_seqnum";
    SC_INTERFACE_VERSION = 0x0210, "sc_interface_version";
    CALLBACK_NUM_PRES_IND = 0x0302, "callback_num_pres_ind";
    CALLBACK_NUM_ATAG = 0x0303, "callback_num_atag";
    NUMBER_OF_MESSAGES = 0x0304, "number_of_messages";
    CALLBACK_NUM = 0x0381, "callback_num";
    DPF_RESULT = 0x0420, "dpf_result";
    SET_DPF = 0x0421, "set_dpf";
    MS_AVAILABILITY_STATUS = 0x0422, "ms_availability_status";
    NETWORK_ERROR_CODE = 0x0423, "network_error_code";
    MESSAGE_PAYLOAD = 0x0424, "message_payload";
    DELIVERY_FAILURE_REASON = 0x0425, "delivery_failure_reason";
    MORE_MESSAGES_TO_SEND = 0x0426, "more_messages_to_send";
    MESSAGE_STATE = 0x0427, "message_state";
    CONGESTION_STATE = 0x0428, "congestion_state";
    USSD_SERVICE_OP = 0x0501, "ussd_service_op";
    DISPLAY_TIME = 0x1201, "display_time";
    SMS_SIGNAL = 0x1203, "sms_signal";
    MS_VALIDITY = 0x1204, "ms_validity";
    ALERT_ON_MESSAGE_DELIVERY = 0x130C, "alert_on_message_delivery";
    ITS_REPLY_TYPE = 0x1380, "its_reply_type";
    ITS_SESSION_INFO = 0x1383, "its_session_info";
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "TLV 0x{:04X}", self.0),
        }
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One TLV, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its tag.
    pub tag: Tag,
    /// Its value.
    pub value: &'a [u8],
}

/// The TLVs of one PDU, borrowed and in their order. Each is whole: a PDU with a broken one is not decoded.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Tlvs<'a>(&'a [u8]);

impl<'a> Tlvs<'a> {
    /// Checks that `octets` are whole TLVs. Fewer than four octets at the end cannot be a TLV and are left out:
    /// some operators pad.
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let (whole, broken) = Self::split(octets);
        broken.map_or(Ok(whole), Err)
    }

    /// The whole TLVs at the beginning of `octets`.
    pub(super) fn lenient(octets: &'a [u8]) -> Self {
        Self::split(octets).0
    }

    fn split(octets: &'a [u8]) -> (Self, Option<DecodeError>) {
        let mut at = 0;
        while let Some((tag, length, rest)) = head(&octets[at..]) {
            if rest.len() < usize::from(length) {
                return (Self(&octets[..at]), Some(DecodeError::Tlv { tag, length, left: rest.len() }));
            }
            at += 4 + usize::from(length);
        }
        (Self(&octets[..at]), None)
    }

    /// Each TLV in its order.
    pub fn iter(&self) -> impl Iterator<Item = Tlv<'a>> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (tag, length, after) = head(rest)?;
            let (value, after) = after.split_at_checked(usize::from(length))?;
            rest = after;
            Some(Tlv { tag, value })
        })
    }

    /// The value of the first TLV with this tag.
    pub fn get(&self, tag: Tag) -> Option<&'a [u8]> {
        self.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// The value of the first TLV with this tag as an unsigned number of one to four octets.
    pub fn number(&self, tag: Tag) -> Option<u32> {
        let value = self.get(tag)?;
        (1..=4).contains(&value.len()).then(|| value.iter().fold(0, |sum, &octet| sum << 8 | u32::from(octet)))
    }

    /// The value of the first TLV with this tag as a C-octet string, with or without its NUL.
    pub fn c_string(&self, tag: Tag) -> Option<&'a [u8]> {
        let value = self.get(tag)?;
        Some(value.split(|&octet| octet == 0).next().unwrap_or(value))
    }

    /// The octets as on the wire.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Tlvs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

fn head(octets: &[u8]) -> Option<(Tag, u16, &[u8])> {
    let (head, rest) = octets.split_first_chunk::<4>()?;
    Some((Tag(u16::from_be_bytes([head[0], head[1]])), u16::from_be_bytes([head[2], head[3]]), rest))
}

/// TLVs to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlvBuf(Vec<u8>);

impl TlvBuf {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one. Octets beyond 65,535, which a length field cannot express, are left out.
    pub fn push(&mut self, tag: Tag, value: &[u8]) -> &mut Self {
        let value = &value[..value.len().min(usize::from(u16::MAX))];
        self.0.extend_from_slice(&tag.0.to_be_bytes());
        self.0.extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }

    /// Appends a number of one octet.
    pub fn push_u8(&mut self, tag: Tag, value: u8) -> &mut Self {
        self.push(tag, &[value])
    }

    /// Appends a number of two octets.
    pub fn push_u16(&mut self, tag: Tag, value: u16) -> &mut Self {
        self.push(tag, &value.to_be_bytes())
    }

    /// Appends a C-octet string; the NUL is added.
    pub fn push_c_string(&mut self, tag: Tag, value: &str) -> &mut Self {
        let mut octets = value.as_bytes().to_vec();
        octets.push(0);
        self.push(tag, &octets)
    }

    /// Removes all, keeping the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// As a PDU takes them.
    pub fn as_tlvs(&self) -> Tlvs<'_> {
        Tlvs(&self.0)
    }
}
