//! What goes over the wire: texts, long messages, ids, receipts and broken PDUs.

use crate::operator_sim::config::{self, Alphabet, IdForm, PhoneEncoding, ReceiptForm};
use crate::smpp::codec::{Address, CommandId, Pdu, Sm, Status, Tag, TlvBuf, encode, esm_class};
use base::sms::{self, Encoding, Reference};
use bytes::{Bytes, BytesMut};
use std::borrow::Cow;

/// data_coding values (SMPP 3.4 section 5.2.19).
const ASCII: u8 = 1;
const LATIN1: u8 = 3;
const UCS2: u8 = 8;

const INTERNATIONAL: (u8, u8) = (1, 1);

/// The number of the phone at an address; `None` if no phone can have it.
pub(super) fn phone_number(address: &Address<'_>) -> Option<u64> {
    std::str::from_utf8(address.addr).ok().and_then(config::number)
}

/// Can a phone send to this sender?
pub(super) fn is_number(sender: &[u8]) -> bool {
    let digits = sender.strip_prefix(b"+").unwrap_or(sender);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// A message id in one of its forms.
pub(super) fn id_text(id: u64, form: IdForm) -> String {
    match form {
        IdForm::Decimal => id.to_string(),
        IdForm::Hex => format!("{id:x}"),
        IdForm::Literal => format!("sim-{id}"),
    }
}

/// One part of a text in octets.
pub(super) struct EncodedPart {
    pub(super) data_coding: u8,
    pub(super) octets: Vec<u8>,
}

/// A text as a phone writes it, in as many parts as it needs.
pub(super) fn encode_text(text: &str, encoding: PhoneEncoding) -> Vec<EncodedPart> {
    let latin1 = encoding == PhoneEncoding::Latin1 && text.chars().all(|c| u32::from(c) < 256);
    if latin1 {
        let octets: Vec<u8> = text.chars().map(|c| u32::from(c) as u8).collect();
        let size = if octets.len() <= 140 { 140 } else { 134 };
        let parts = octets.chunks(size).map(|part| EncodedPart { data_coding: LATIN1, octets: part.to_vec() });
        return non_empty(parts.collect(), LATIN1);
    }
    let as_gsm7 = encoding != PhoneEncoding::Ucs2 && sms::encoding(text) == Encoding::Gsm7;
    let (encoding, data_coding) = if as_gsm7 { (Encoding::Gsm7, 0) } else { (Encoding::Ucs2, UCS2) };
    let parts = sms::split_with(text, encoding, Reference::Eight);
    let parts = parts.into_iter().map(|part| {
        let mut octets = Vec::new();
        if !as_gsm7 || sms::encode_gsm7(part, &mut octets).is_err() {
            octets.clear();
            sms::encode_ucs2(part, &mut octets);
        }
        EncodedPart { data_coding, octets }
    });
    non_empty(parts.collect(), data_coding)
}

/// Even the empty text is a message.
fn non_empty(parts: Vec<EncodedPart>, data_coding: u8) -> Vec<EncodedPart> {
    if parts.is_empty() { vec![EncodedPart { data_coding, octets: Vec::new() }] } else { parts }
}

/// The text of a message's octets, as a phone shows it.
pub(super) fn decode_text(data_coding: u8, default: Alphabet, octets: &[u8]) -> String {
    match (data_coding, default) {
        (UCS2, _) => sms::decode_ucs2(octets),
        (0, Alphabet::Gsm7) => sms::decode_gsm7(octets),
        (ASCII | LATIN1 | 0, _) => octets.iter().map(|&octet| char::from(octet)).collect(),
        // Classes and flags of GSM 03.38 in the high bits: the alphabet is in bits 2 and 3.
        (coding, _) if coding & 0x0C == 0x08 => sms::decode_ucs2(octets),
        _ => sms::decode_gsm7(octets),
    }
}

/// What a submit carries: a text, or a part of a long one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) text: &'a [u8],
    /// Reference, number of parts, number of this part (from 1).
    pub(super) of_long: Option<(u32, u8, u8)>,
}

/// References in a user data header and in SAR TLVs are apart.
const SAR: u32 = 0x0001_0000;

impl<'a> Part<'a> {
    /// Reads the three ways of long messages: user data header (8- or 16-bit reference), SAR TLVs, message_payload.
    pub(super) fn of(message: &Sm<'a>) -> Result<Self, Status> {
        let payload = message.tlvs.get(Tag::MESSAGE_PAYLOAD);
        let octets = match payload {
            Some(_) if !message.short_message.is_empty() => return Err(Status::INVALID_MESSAGE_LENGTH),
            Some(payload) => payload,
            None => message.short_message,
        };
        if message.esm_class & esm_class::UDHI != 0 {
            let (&length, rest) = octets.split_first().ok_or(Status::INVALID_ESM_CLASS)?;
            let (header, text) = rest.split_at_checked(usize::from(length)).ok_or(Status::INVALID_ESM_CLASS)?;
            return Ok(Self { text, of_long: concatenation(header)? });
        }
        let total = message.tlvs.number(Tag::SAR_TOTAL_SEGMENTS);
        let number = message.tlvs.number(Tag::SAR_SEGMENT_SEQNUM);
        let reference = message.tlvs.number(Tag::SAR_MSG_REF_NUM);
        let of_long = match (reference, total, number) {
            (Some(reference), Some(total), Some(number)) => {
                long(SAR | (reference & 0xFFFF), total as u8, number as u8)?
            }
            (None, None, None) => None,
            _ => return Err(Status::MISSING_TLV),
        };
        Ok(Self { text: octets, of_long })
    }
}

/// The concatenation element of a user data header (3GPP TS 23.040 section 9.2.3.24.1 and .8), if it has one.
fn concatenation(mut header: &[u8]) -> Result<Option<(u32, u8, u8)>, Status> {
    while let [element, length, rest @ ..] = header {
        let Some((value, after)) = rest.split_at_checked(usize::from(*length)) else {
            return Err(Status::INVALID_ESM_CLASS);
        };
        match (element, value) {
            (0x00, [reference, total, number]) => return long(u32::from(*reference), *total, *number),
            (0x08, [high, low, total, number]) => {
                return long(0x0100_0000 | u32::from(u16::from_be_bytes([*high, *low])), *total, *number);
            }
            _ => header = after,
        }
    }
    Ok(None)
}

fn long(reference: u32, total: u8, number: u8) -> Result<Option<(u32, u8, u8)>, Status> {
    match (total, number) {
        (0, _) | (_, 0) => Err(Status::INVALID_ESM_CLASS),
        (total, number) if number > total => Err(Status::INVALID_ESM_CLASS),
        (1, _) => Ok(None),
        _ => Ok(Some((reference, total, number))),
    }
}

/// A part of a phone's message.
pub(super) struct Incoming<'a> {
    pub(super) from: u64,
    pub(super) to: &'a [u8],
    pub(super) part: &'a EncodedPart,
    pub(super) id: Option<&'a str>,
    pub(super) reference: u8,
}

impl Incoming<'_> {
    /// As deliver_sm without a sequence number; part `number` (from 1) of `total`.
    pub(super) fn encode(&self, number: usize, total: usize) -> Option<Bytes> {
        let mut tlvs = TlvBuf::new();
        if let Some(id) = self.id {
            tlvs.push_c_string(Tag::RECEIPTED_MESSAGE_ID, id);
        }
        let from = self.from.to_string();
        let mut octets = Cow::Borrowed(self.part.octets.as_slice());
        let mut class = 0;
        if total > 1 {
            let header = [5, 0, 3, self.reference, u8::try_from(total).ok()?, u8::try_from(number).ok()?];
            octets = [header.as_slice(), &octets].concat().into();
            class = esm_class::UDHI;
        }
        let message = Sm {
            source: Address { ton: INTERNATIONAL.0, npi: INTERNATIONAL.1, addr: from.as_bytes() },
            destination: Address { ton: 0, npi: 1, addr: self.to },
            esm_class: class,
            data_coding: self.part.data_coding,
            short_message: &octets,
            tlvs: tlvs.as_tlvs(),
            ..Sm::default()
        };
        unnumbered(&Pdu::DeliverSm(message))
    }
}

/// A delivery receipt (SMPP 3.4 section 5.2.12.1 and appendix B).
pub(super) struct Receipt<'a> {
    pub(super) id: &'a str,
    pub(super) phone: u64,
    pub(super) service: Address<'a>,
    pub(super) state: &'a str,
    /// `YYMMDDhhmm`
    pub(super) submitted: &'a str,
    pub(super) done: &'a str,
    /// The beginning of the text, in the octets that it came in.
    pub(super) text: &'a [u8],
}

impl Receipt<'_> {
    /// As deliver_sm without a sequence number.
    pub(super) fn encode(&self, form: ReceiptForm) -> Option<Bytes> {
        let delivered = self.state == "DELIVRD";
        let mut tlvs = TlvBuf::new();
        if form != ReceiptForm::Text {
            tlvs.push_c_string(Tag::RECEIPTED_MESSAGE_ID, self.id);
            tlvs.push_u8(Tag::MESSAGE_STATE, message_state(self.state));
        }
        let mut text = Vec::new();
        if form != ReceiptForm::Tlv {
            text = format!(
                "id:{} sub:001 dlvrd:{} submit date:{} done date:{} stat:{} err:{} text:",
                self.id,
                if delivered { "001" } else { "000" },
                self.submitted,
                self.done,
                self.state,
                if delivered { "000" } else { "001" },
            )
            .into_bytes();
            text.extend_from_slice(&self.text[..self.text.len().min(20)]);
        }
        let phone = self.phone.to_string();
        let message = Sm {
            source: Address { ton: INTERNATIONAL.0, npi: INTERNATIONAL.1, addr: phone.as_bytes() },
            destination: self.service,
            esm_class: esm_class::DELIVERY_RECEIPT,
            short_message: &text,
            tlvs: tlvs.as_tlvs(),
            ..Sm::default()
        };
        unnumbered(&Pdu::DeliverSm(message))
    }
}

/// message_state (SMPP 3.4 section 5.2.28) for a word of a receipt.
fn message_state(word: &str) -> u8 {
    match word {
        "ENROUTE" => 1,
        "DELIVRD" => 2,
        "EXPIRED" => 3,
        "DELETED" => 4,
        "UNDELIV" => 5,
        "ACCEPTD" => 6,
        "REJECTD" => 8,
        _ => 7,
    }
}

fn unnumbered(pdu: &Pdu<'_>) -> Option<Bytes> {
    let mut out = BytesMut::new();
    pdu.encode(Status::OK, 0, &mut out).ok()?;
    Some(out.freeze())
}

/// A PDU that no peer should trip over, one of several kinds. All keep the framing.
pub(super) fn malformed(draw: u64) -> Bytes {
    let mut out = BytesMut::new();
    match draw % 5 {
        0 => encode(CommandId(0x0000_01FF), Status::OK, 1, &mut out),
        1 => {
            // A deliver_sm that ends inside its destination.
            encode(CommandId::DELIVER_SM, Status::OK, 2, &mut out);
            out.extend_from_slice(b"\0\x01\x01231990000000\0\0\x0143");
        }
        2 => {
            // A deliver_sm whose TLV is longer than the body.
            encode(CommandId::DELIVER_SM, Status::OK, 3, &mut out);
            out.extend_from_slice(b"\0\x01\x01231990000000\0\0\x014321\0\0\0\0\0\0\0\0\0\0\x02hi");
            out.extend_from_slice(&[0x00, 0x1E, 0x00, 0xFF, 0x31]);
        }
        3 => encode(CommandId::SUBMIT_SM_RESP, Status(0x0000_7777), 0x7FFF_FFF0, &mut out),
        _ => {
            encode(CommandId::ENQUIRE_LINK, Status::OK, 4, &mut out);
            out.extend_from_slice(b"junk behind a PDU that has no body");
        }
    }
    let length = out.len() as u32;
    out[..4].copy_from_slice(&length.to_be_bytes());
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smpp::codec::frame;

    #[test]
    fn texts_come_back() {
        fn check(text: &str, encoding: PhoneEncoding, data_coding: u8, parts: usize) {
            let encoded = encode_text(text, encoding);
            assert_eq!((encoded.len(), encoded[0].data_coding), (parts, data_coding), "{text}");
            let octets: Vec<u8> = encoded.iter().flat_map(|part| part.octets.clone()).collect();
            assert_eq!(decode_text(data_coding, Alphabet::Gsm7, &octets), text);
        }
        check("yes", PhoneEncoding::Auto, 0, 1);
        check("", PhoneEncoding::Auto, 0, 1);
        check("élève [1] 5 €", PhoneEncoding::Auto, 0, 1);
        check("forêt", PhoneEncoding::Auto, UCS2, 1);
        check("forêt", PhoneEncoding::Latin1, LATIN1, 1);
        check("yes", PhoneEncoding::Ucs2, UCS2, 1);
        check(&"a".repeat(400), PhoneEncoding::Auto, 0, 3);
        check(&"ê".repeat(200), PhoneEncoding::Auto, UCS2, 3);
        check(&"ê".repeat(200), PhoneEncoding::Latin1, LATIN1, 2);
    }

    #[test]
    fn the_ways_of_long_messages_are_read() {
        fn check(class: u8, octets: &[u8], tlvs: &TlvBuf, expected: Result<Option<(u32, u8, u8)>, Status>) {
            let message = Sm { esm_class: class, short_message: octets, tlvs: tlvs.as_tlvs(), ..Sm::default() };
            assert_eq!(Part::of(&message).map(|part| part.of_long), expected, "{octets:?}");
        }
        let none = TlvBuf::new();
        check(0, b"text", &none, Ok(None));
        check(0x40, b"\x05\x00\x03\x07\x02\x01text", &none, Ok(Some((7, 2, 1))));
        check(0x40, b"\x06\x08\x04\x01\x07\x03\x02text", &none, Ok(Some((0x0100_0107, 3, 2))));
        check(0x40, b"\x04\x24\x01\x01\x00text", &none, Ok(None));
        check(0x40, b"\x09\x00\x03", &none, Err(Status::INVALID_ESM_CLASS));
        check(0x40, b"\x05\x00\x03\x07\x02\x03text", &none, Err(Status::INVALID_ESM_CLASS));
        check(0x40, b"", &none, Err(Status::INVALID_ESM_CLASS));
        let mut sar = TlvBuf::new();
        sar.push_u16(Tag::SAR_MSG_REF_NUM, 7).push_u8(Tag::SAR_TOTAL_SEGMENTS, 2).push_u8(Tag::SAR_SEGMENT_SEQNUM, 2);
        check(0, b"text", &sar, Ok(Some((SAR | 7, 2, 2))));
        let mut half = TlvBuf::new();
        half.push_u16(Tag::SAR_MSG_REF_NUM, 7);
        check(0, b"text", &half, Err(Status::MISSING_TLV));
        let mut payload = TlvBuf::new();
        payload.push(Tag::MESSAGE_PAYLOAD, b"long text");
        check(0, b"text", &payload, Err(Status::INVALID_MESSAGE_LENGTH));
        let message = Sm { tlvs: payload.as_tlvs(), ..Sm::default() };
        assert_eq!(Part::of(&message).unwrap().text, b"long text");
    }

    #[test]
    fn malformed_pdus_keep_the_framing() {
        for draw in 0..5 {
            let pdu = malformed(draw);
            let frame = frame(&pdu).unwrap().unwrap();
            assert_eq!(frame.size(), pdu.len());
        }
        let broken = (0..5).filter(|draw| Pdu::decode(&frame(&malformed(*draw)).unwrap().unwrap()).is_err()).count();
        assert_eq!(broken, 2, "two kinds cannot be read at all");
    }
}
