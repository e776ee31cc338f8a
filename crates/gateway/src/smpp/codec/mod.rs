//! SMPP 3.4 on the wire: framing, PDUs and TLVs, without input or output.
//!
//! [`frame`] cuts one PDU out of a buffer, [`Pdu::decode`] reads it and borrows from the buffer, [`Pdu::encode`] and
//! [`encode()`] append one to a buffer. The same code serves the client and the simulated operator.
//!
//! Reading is lenient where operators are careless and strict only where a wrong guess would lose or invent text:
//! - unknown commands, status codes and TLVs are values like any other;
//! - C-octet strings may be longer than the standard allows and hold any octet;
//! - a response is never refused: what it lacks is empty;
//! - a request whose body ends inside a mandatory field or inside a TLV is a [`DecodeError`], which costs that PDU
//!   and nothing else, because frames are cut before they are read.
//!
//! Writing is strict: what the standard does not allow is an [`EncodeError`] and leaves the buffer untouched.

mod command;
mod decode;
mod encode;
mod pdu;
mod status;
mod tlv;

#[cfg(test)]
mod tests;

pub use command::CommandId;
pub use encode::{EncodeError, encode};
pub use pdu::{
    Address, AlertNotification, Bind, BindMode, BindResp, CancelSm, DataSm, Outbind, Pdu, QuerySm, QuerySmResp, Sm,
    SmResp, esm_class,
};
pub use status::{Status, StatusClass};
pub use tlv::{Tag, Tlv, TlvBuf, Tlvs};

use std::borrow::Cow;
use thiserror::Error;

/// Octets of the header that every PDU begins with.
pub const HEADER_LENGTH: usize = 16;

/// The longest PDU that is read, in octets. The longest legal one is a `message_payload` of 64 KiB less one; real
/// ones stay far below, so a larger length field means that the stream is not SMPP or has lost its framing.
pub const MAX_LENGTH: usize = 64 * 1024;

/// The header of a PDU (SMPP 3.4 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// `command_length` as the peer wrote it, this header included.
    pub length: u32,
    /// `command_id`.
    pub command: CommandId,
    /// `command_status`; zero in requests.
    pub status: Status,
    /// `sequence_number`, which pairs a response with its request.
    pub sequence: u32,
}

/// One PDU cut out of a stream, its body unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The header.
    pub header: Header,
    /// What follows the header.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// How many octets of the buffer this frame takes.
    ///
    /// A length field below that of a header is taken as that of a bare header: then the stream continues, and if
    /// the guess was wrong, the next length field is absurd and [`FrameError`] ends the connection.
    pub fn size(&self) -> usize {
        HEADER_LENGTH + self.body.len()
    }
}

/// The stream has lost its framing: no later octet can be trusted, so the connection must be closed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "the length field says {length} octets, more than the limit of {MAX_LENGTH}: the stream is not SMPP or has lost \
     its framing; check host and port, and TLS on both sides"
)]
pub struct FrameError {
    /// What the length field says.
    pub length: u32,
}

/// Cuts the first PDU out of `buffer`, or says `None` when it has not arrived in full.
pub fn frame(buffer: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    let Some((length, _)) = buffer.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length);
    if length as usize > MAX_LENGTH {
        return Err(FrameError { length });
    }
    let Some(whole) = buffer.get(..(length as usize).max(HEADER_LENGTH)) else { return Ok(None) };
    let word = |at: usize| u32::from_be_bytes([whole[at], whole[at + 1], whole[at + 2], whole[at + 3]]);
    let header = Header { length, command: CommandId(word(4)), status: Status(word(8)), sequence: word(12) };
    Ok(Some(Frame { header, body: &whole[HEADER_LENGTH..] }))
}

/// Why one PDU could not be read. It costs that PDU and nothing else.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The length field is smaller than a header.
    #[error("the length field says {length} octets, fewer than the {HEADER_LENGTH} of a header")]
    Length {
        /// What the length field says.
        length: u32,
    },
    /// The body ends inside a mandatory field.
    #[error("the body ends inside {field}")]
    Truncated {
        /// The field, as the standard names it.
        field: &'static str,
    },
    /// A TLV says that it is longer than what is left of the body.
    #[error("{tag} says {length} octets, but only {left} are left in the body")]
    Tlv {
        /// The TLV.
        tag: Tag,
        /// Its length field.
        length: u16,
        /// Octets left.
        left: usize,
    },
}

impl DecodeError {
    /// The status of the `generic_nack` that answers it.
    pub fn status(&self) -> Status {
        match self {
            Self::Length { .. } | Self::Truncated { .. } => Status::INVALID_COMMAND_LENGTH,
            Self::Tlv { .. } => Status::INVALID_PARAMETER_LENGTH,
        }
    }
}

/// The text of a C-octet string: ASCII as it is, any other octet as its Latin-1 character.
pub fn latin1(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(octets.iter().map(|&octet| char::from(octet)).collect()),
    }
}
