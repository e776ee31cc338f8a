//! Texts on the wire: encoding and segmenting what goes out, decoding and joining what comes in.

use super::codec::{Tag, Tlvs};
use super::config::{Alphabet, LongMessages};
use crate::event::{Encoding, Segment};
use base::sms;

/// The most segments that a user data header can count.
pub const MOST_SEGMENTS: usize = 255;

/// A text ready to be written, segment by segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// `data_coding`.
    pub data_coding: u8,
    /// The octets of each segment, without a user data header; always at least one.
    pub segments: Vec<Vec<u8>>,
}

/// Encodes and segments a text for an operator.
///
/// A text of the GSM alphabet travels as `data_coding` 0, in the alphabet that this means to the operator; where that
/// alphabet lacks one of its characters, and for all other texts, UCS-2 is used. Operators count septets whatever the
/// octets are, so the segments are those of [`base::sms`].
pub fn encode(text: &str, alphabet: Alphabet, mode: LongMessages) -> Encoded {
    let fits = |limit: char| text.chars().all(|c| c <= limit);
    let gsm = sms::encoding(text) == sms::Encoding::Gsm7
        && match alphabet {
            Alphabet::Gsm7 => true,
            Alphabet::Latin1 => fits('\u{ff}'),
            Alphabet::Ascii => fits('\u{7f}'),
        };
    let encoding = if gsm { sms::Encoding::Gsm7 } else { sms::Encoding::Ucs2 };
    let parts = match mode {
        LongMessages::Payload => vec![text],
        mode => sms::split_with(text, encoding, mode.reference()),
    };
    let octets = |part: &str| {
        let mut octets = Vec::new();
        match (gsm, alphabet) {
            (false, _) => sms::encode_ucs2(part, &mut octets),
            (true, Alphabet::Latin1 | Alphabet::Ascii) => octets.extend(part.chars().map(|c| c as u8)),
            // Every character was found in the alphabet above.
            (true, Alphabet::Gsm7) => drop(sms::encode_gsm7(part, &mut octets)),
        }
        octets
    };
    Encoded { data_coding: if gsm { 0 } else { 8 }, segments: parts.into_iter().map(octets).collect() }
}

/// A text as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text.
    pub text: String,
    /// How it was encoded.
    pub encoding: Encoding,
    /// Whether octets that are no text were replaced or left out.
    pub lossy: bool,
}

/// Decodes a text by its `data_coding` (SMPP 3.4 section 5.2.19 and 3GPP TS 23.038 section 4); `None` when it is
/// binary. Codings that are not supported are read as UTF-8 if they are that, else as Latin-1, and called lossy.
pub fn decode(octets: &[u8], data_coding: u8, alphabet: Alphabet) -> Option<Decoded> {
    let (text, encoding) = match kind(data_coding) {
        Kind::Binary => return None,
        Kind::Ucs2 => {
            let whole = &octets[..octets.len() & !1];
            let text = sms::decode_ucs2(whole.strip_prefix(&[0xfe, 0xff]).unwrap_or(whole));
            let lossy = whole.len() < octets.len() || text.contains('\u{fffd}');
            return Some(Decoded { text, encoding: Encoding::Ucs2, lossy });
        }
        Kind::Default => match alphabet {
            Alphabet::Gsm7 => (sms::decode_gsm7(octets), Encoding::Gsm7),
            Alphabet::Latin1 => (latin1(octets), Encoding::Latin1),
            Alphabet::Ascii => (ascii(octets), Encoding::Ascii),
        },
        Kind::Gsm7 => (sms::decode_gsm7(octets), Encoding::Gsm7),
        // Some operators name GSM texts so. IA5 texts have no such controls, GSM texts have an escape or an `@`.
        Kind::Ascii if octets.iter().any(|octet| octet.is_ascii_control() && !b"\t\n\r".contains(octet)) => {
            (sms::decode_gsm7(octets), Encoding::Gsm7)
        }
        Kind::Ascii => (ascii(octets), Encoding::Ascii),
        Kind::Latin1 => (latin1(octets), Encoding::Latin1),
        Kind::Other => {
            let (text, encoding) = match std::str::from_utf8(octets) {
                Ok(text) => (text.to_owned(), Encoding::Utf8),
                Err(_) => (latin1(octets), Encoding::Latin1),
            };
            return Some(Decoded { lossy: !text.is_ascii(), text, encoding });
        }
    };
    let lossy = text.contains('\u{fffd}');
    Some(Decoded { text, encoding, lossy })
}

/// Joins the segments of a text, in any order, decoding across their borders: a character that a sender cut in two
/// is whole again. `None` while one is missing, or when they do not belong together.
pub fn join(segments: &[Segment], alphabet: Alphabet) -> Option<Decoded> {
    let mut sorted: Vec<&Segment> = segments.iter().collect();
    sorted.sort_by_key(|segment| segment.number);
    sorted.dedup_by_key(|segment| segment.number);
    let first = sorted.first()?;
    let whole = sorted.len() == usize::from(first.total)
        && sorted.iter().all(|segment| (segment.total, segment.reference) == (first.total, first.reference));
    if !whole {
        return None;
    }
    let runs = sorted.chunk_by(|a, b| a.data_coding == b.data_coding).map(|run| {
        let octets: Vec<u8> = run.iter().flat_map(|segment| segment.payload.iter().copied()).collect();
        decode(&octets, run[0].data_coding, alphabet)
    });
    runs.reduce(|all, run| {
        let (mut all, run) = (all?, run?);
        all.text.push_str(&run.text);
        all.lossy |= run.lossy;
        Some(all)
    })?
}

enum Kind {
    Default,
    Gsm7,
    Ascii,
    Latin1,
    Ucs2,
    Binary,
    Other,
}

fn kind(data_coding: u8) -> Kind {
    // In the general codings (0x10-0x3f) bits 2 and 3 are the alphabet, in the message classes (0xf0-0xff) bit 2;
    // 0xc0-0xef are message waiting indications.
    let general = data_coding >> 2 & 3;
    match data_coding {
        0x00 => Kind::Default,
        0x01 => Kind::Ascii,
        0x03 => Kind::Latin1,
        0x08 | 0xe0..=0xef => Kind::Ucs2,
        0x10..=0x3f if general == 2 => Kind::Ucs2,
        0x10..=0x3f if general == 0 => Kind::Gsm7,
        0xc0..=0xdf => Kind::Gsm7,
        0xf0..=0xff if general & 1 == 0 => Kind::Gsm7,
        0x02 | 0x04 | 0x09 | 0xf0..=0xff => Kind::Binary,
        0x10..=0x3f if general == 1 => Kind::Binary,
        _ => Kind::Other,
    }
}

fn latin1(octets: &[u8]) -> String {
    octets.iter().map(|&octet| char::from(octet)).collect()
}

fn ascii(octets: &[u8]) -> String {
    octets.iter().map(|&octet| if octet.is_ascii() { char::from(octet) } else { '\u{fffd}' }).collect()
}

/// Which segment of which text a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concatenation {
    /// The sender's number for the whole text.
    pub reference: u16,
    /// How many segments there are.
    pub total: u8,
    /// Which one this is, from 1.
    pub number: u8,
}

impl Concatenation {
    fn new(reference: u16, total: u8, number: u8) -> Option<Self> {
        // One of one is no segment, and numbers that cannot be are a careless sender's: the text stands alone.
        (total > 1 && (1..=total).contains(&number)).then_some(Self { reference, total, number })
    }

    /// From the `sar_*` parameters.
    pub fn from_tlvs(tlvs: &Tlvs<'_>) -> Option<Self> {
        let octet = |tag| tlvs.number(tag).and_then(|number| u8::try_from(number).ok());
        let reference = tlvs.number(Tag::SAR_MSG_REF_NUM)?;
        Self::new(reference as u16, octet(Tag::SAR_TOTAL_SEGMENTS)?, octet(Tag::SAR_SEGMENT_SEQNUM)?)
    }

    /// The user data header with a reference of 8 bits (3GPP TS 23.040 section 9.2.3.24.1).
    pub fn udh8(&self) -> [u8; 6] {
        [5, 0, 3, self.reference as u8, self.total, self.number]
    }

    /// The user data header with a reference of 16 bits (section 9.2.3.24.8).
    pub fn udh16(&self) -> [u8; 7] {
        let [high, low] = self.reference.to_be_bytes();
        [6, 8, 4, high, low, self.total, self.number]
    }
}

/// Splits a payload that has a user data header into the header, what it says of segments, and the text. A header
/// that is longer than the payload is none: the whole is text.
pub fn split_udh(payload: &[u8]) -> (&[u8], Option<Concatenation>, &[u8]) {
    let Some((header, text)) = payload.first().and_then(|&length| payload.split_at_checked(usize::from(length) + 1))
    else {
        return (&[], None, payload);
    };
    let mut elements = &header[1..];
    let mut concatenation = None;
    while let [id, length, rest @ ..] = elements {
        let Some((value, rest)) = rest.split_at_checked(usize::from(*length)) else { break };
        concatenation = match (id, value) {
            (0, &[reference, total, number]) => Concatenation::new(u16::from(reference), total, number),
            (8, &[high, low, total, number]) => Concatenation::new(u16::from_be_bytes([high, low]), total, number),
            _ => concatenation,
        };
        elements = rest;
    }
    (header, concatenation, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Alphabet::{Ascii, Gsm7, Latin1};
    use LongMessages::{Payload, Sar, Udh8, Udh16};
    use proptest::prelude::*;

    #[test]
    fn outbound_texts() {
        let check = |text: &str, alphabet, mode, data_coding: u8, lengths: &[usize]| {
            let encoded = encode(text, alphabet, mode);
            let got: Vec<usize> = encoded.segments.iter().map(Vec::len).collect();
            assert_eq!((encoded.data_coding, &got[..]), (data_coding, lengths), "{text} {alphabet:?} {mode:?}");
        };
        let (a160, a161) = ("a".repeat(160), "a".repeat(161));
        check("", Gsm7, Udh8, 0, &[0]);
        check(&a160, Gsm7, Udh8, 0, &[160]);
        check(&a161, Gsm7, Udh8, 0, &[153, 8]);
        check(&a161, Gsm7, Udh16, 0, &[152, 9]);
        check(&a161, Gsm7, Sar, 0, &[153, 8]);
        check(&a161, Gsm7, Payload, 0, &[161]);
        check(&"ê".repeat(71), Gsm7, Udh8, 8, &[134, 8]);
        check(&"ê".repeat(71), Gsm7, Udh16, 8, &[132, 10]);
        // The escape is not cut from its character.
        check(&format!("{}€{}", "a".repeat(152), "a".repeat(20)), Gsm7, Udh8, 0, &[152, 22]);
        check("é", Latin1, Udh8, 0, &[1]);
        check("é", Ascii, Udh8, 8, &[2]);
        check("€", Latin1, Udh8, 8, &[2]);
        assert_eq!(encode("é@", Latin1, Udh8).segments, [vec![0xe9, 0x40]]);
        assert_eq!(encode("é@", Gsm7, Udh8).segments, [vec![0x05, 0x00]]);
    }

    #[test]
    fn inbound_texts() {
        let check = |octets: &[u8], data_coding, alphabet, text: &str, lossy| {
            let decoded = decode(octets, data_coding, alphabet).unwrap();
            assert_eq!((decoded.text.as_str(), decoded.lossy), (text, lossy), "{octets:?} {data_coding}");
        };
        check(b"Yes", 0, Gsm7, "Yes", false);
        check(b"\x05 \x1b\x65", 0, Gsm7, "é €", false);
        check(b"\xe9", 0, Latin1, "é", false);
        check(b"\xe9", 0, Ascii, "\u{fffd}", true);
        check(b"\xe9", 3, Gsm7, "é", false);
        check(b"\xe9", 0, Gsm7, "\u{fffd}", true);
        check(b"\0Y\0e\0s", 8, Gsm7, "Yes", false);
        check(b"\0Y\0e\0s\0", 8, Gsm7, "Yes", true);
        check(b"\xfe\xff\0Y", 8, Gsm7, "Y", false);
        check(b"\xd8\x3d\xde\x00", 8, Gsm7, "😀", false);
        check(b"\xd8\x3d", 8, Gsm7, "\u{fffd}", true);
        check(b"\0Y", 0x18, Latin1, "Y", false);
        check(b"Yes [1]\n", 1, Gsm7, "Yes [1]\n", false);
        check(b"Yes \x1b\x651", 1, Latin1, "Yes €1", false);
        check(b"\0", 0x10, Latin1, "@", false);
        check(b"\0", 0xf0, Latin1, "@", false);
        check("ñ".as_bytes(), 6, Gsm7, "ñ", true);
        check(b"Yes", 6, Gsm7, "Yes", false);
        for binary in [2, 4, 0x15, 0xf5] {
            assert_eq!(decode(b"\x01\x02", binary, Gsm7), None);
        }
    }

    #[test]
    fn user_data_headers() {
        let check = |payload: &[u8], header: usize, concatenation: Option<(u16, u8, u8)>| {
            let (udh, found, text) = split_udh(payload);
            assert_eq!((udh.len(), text.len()), (header, payload.len() - header), "{payload:?}");
            assert_eq!(found.map(|c| (c.reference, c.total, c.number)), concatenation, "{payload:?}");
        };
        check(b"\x05\0\x03\x07\x02\x01text", 6, Some((7, 2, 1)));
        check(b"\x06\x08\x04\x01\x07\x02\x02text", 7, Some((263, 2, 2)));
        check(b"\x0b\x05\x04\x0b\x84\x23\xf0\0\x03\x07\x02\x01text", 12, Some((7, 2, 1)));
        check(b"\x06\x05\x04\x0b\x84\x23\xf0text", 7, None);
        check(b"\x05\0\x03\x07\x02\x03text", 6, None);
        check(b"\x05\0\x03\x07\x01\x01text", 6, None);
        check(b"\x05\0\x03\x07\x00\x00text", 6, None);
        check(b"\x05\0\x09\x07\x02\x01text", 6, None);
        check(b"\xf0te", 0, None);
        check(b"", 0, None);
        check(b"\0text", 1, None);
    }

    #[test]
    fn segments_are_joined_across_a_cut_character() {
        let segment = |number, total, data_coding, payload: &[u8]| Segment {
            reference: 9,
            total,
            number,
            data_coding,
            payload: payload.to_vec(),
        };
        let check = |segments: &[Segment], text: Option<&str>| {
            assert_eq!(join(segments, Alphabet::Gsm7).map(|decoded| decoded.text).as_deref(), text);
        };
        check(&[segment(2, 2, 8, b"\xde\x00"), segment(1, 2, 8, b"\xd8\x3d")], Some("😀"));
        check(&[segment(1, 2, 0, b"1\x1b"), segment(2, 2, 0, b"\x65")], Some("1€"));
        check(&[segment(1, 2, 0, b"1"), segment(2, 2, 8, b"\0\xea")], Some("1ê"));
        check(&[segment(1, 3, 0, b"1"), segment(3, 3, 0, b"3")], None);
        check(&[segment(1, 2, 0, b"1"), segment(1, 2, 0, b"1")], None);
        check(&[segment(1, 2, 0, b"1"), segment(1, 2, 0, b"1"), segment(2, 2, 0, b"2")], Some("12"));
        check(&[], None);
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_is_read(
            text in "[ -~éèàùç€ßΔ\\[\\]{}ê😀]{0,400}", reference: u16,
            alphabet in prop_oneof![Just(Alphabet::Gsm7), Just(Alphabet::Latin1), Just(Alphabet::Ascii)],
            mode in prop_oneof![Just(LongMessages::Udh8), Just(LongMessages::Udh16), Just(LongMessages::Sar)],
        ) {
            let encoded = encode(&text, alphabet, mode);
            let total = encoded.segments.len();
            let segments: Vec<Segment> = encoded.segments.iter().enumerate().map(|(index, octets)| {
                let concatenation = Concatenation { reference, total: total as u8, number: index as u8 + 1 };
                let whole = match mode {
                    LongMessages::Udh8 => [&concatenation.udh8()[..], octets].concat(),
                    LongMessages::Udh16 => [&concatenation.udh16()[..], octets].concat(),
                    _ => [&[0][..], octets].concat(),
                };
                let room = if encoded.data_coding == 8 { 140 } else { 160 };
                prop_assert!(total == 1 || mode == LongMessages::Sar || whole.len() <= room);
                let (_, found, payload) = split_udh(&whole);
                if total > 1 && mode != LongMessages::Sar {
                    prop_assert_eq!(found.map(|c| c.number), Some(concatenation.number));
                }
                Ok(Segment {
                    reference, total: total as u8, number: concatenation.number, data_coding: encoded.data_coding,
                    payload: payload.to_vec(),
                })
            }).collect::<Result<_, TestCaseError>>()?;
            let joined = join(&segments, alphabet).unwrap();
            prop_assert_eq!((joined.text, joined.lossy), (text, false));
        }

        #[test]
        fn any_octets_are_read(octets in proptest::collection::vec(any::<u8>(), 0..200), data_coding: u8) {
            let (_, _, text) = split_udh(&octets);
            for alphabet in [Alphabet::Gsm7, Alphabet::Latin1, Alphabet::Ascii] {
                let _ = decode(text, data_coding, alphabet);
            }
        }
    }
}
