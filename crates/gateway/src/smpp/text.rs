//! Texts on the wire: encoding and segmenting what goes out, decoding and joining what comes in.

use super::codec::{Tag, Tlvs};
use super::config::{Alphabet, LongMessages};
use base::sms::{self, Coding};

/// The most segments that a user data header can count.
pub const MOST_SEGMENTS: usize = 255;

/// A text ready to be written, segment by segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// `data_coding`.
    pub data_coding: u8,
    /// Whether the text is longer than one message holds.
    pub long: bool,
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
    let mut parts = sms::split_with(text, encoding, mode.reference());
    let long = parts.len() > 1;
    if mode == LongMessages::Payload {
        parts = vec![text];
    }
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
    Encoded { data_coding: if gsm { 0 } else { 8 }, long, segments: parts.into_iter().map(octets).collect() }
}

/// What a `data_coding` says of the octets (SMPP 3.4 section 5.2.19 and 3GPP TS 23.038 section 4); `None` when they are
/// binary.
pub fn coding(data_coding: u8, alphabet: Alphabet) -> Option<Coding> {
    // In the general codings (0x10-0x3f) bits 2 and 3 are the alphabet, in the message classes (0xf0-0xff) bit 2;
    // 0xc0-0xef are message waiting indications.
    let general = data_coding >> 2 & 3;
    Some(match data_coding {
        0x00 => match alphabet {
            Alphabet::Gsm7 => Coding::Gsm7,
            Alphabet::Latin1 => Coding::Latin1,
            Alphabet::Ascii => Coding::Ascii,
        },
        0x01 => Coding::Ia5,
        0x03 => Coding::Latin1,
        0x08 | 0xe0..=0xef => Coding::Ucs2,
        0x10..=0x3f if general == 2 => Coding::Ucs2,
        0x10..=0x3f if general == 0 => Coding::Gsm7,
        0xc0..=0xdf => Coding::Gsm7,
        0xf0..=0xff if general & 1 == 0 => Coding::Gsm7,
        0x02 | 0x04 | 0x09 | 0xf0..=0xff => return None,
        0x10..=0x3f if general == 1 => return None,
        _ => Coding::Other,
    })
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
    fn codings_are_known() {
        let check = |data_coding: u8, alphabet, expected: Option<Coding>| {
            assert_eq!(coding(data_coding, alphabet), expected, "{data_coding:#x} {alphabet:?}");
        };
        check(0, Gsm7, Some(Coding::Gsm7));
        check(0, Latin1, Some(Coding::Latin1));
        check(0, Ascii, Some(Coding::Ascii));
        check(1, Latin1, Some(Coding::Ia5));
        check(3, Gsm7, Some(Coding::Latin1));
        check(8, Gsm7, Some(Coding::Ucs2));
        check(0x18, Latin1, Some(Coding::Ucs2));
        check(0x10, Latin1, Some(Coding::Gsm7));
        check(0xf0, Latin1, Some(Coding::Gsm7));
        check(0xe0, Latin1, Some(Coding::Ucs2));
        check(6, Gsm7, Some(Coding::Other));
        for binary in [2, 4, 9, 0x15, 0xf5] {
            check(binary, Gsm7, None);
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

    proptest! {
        #[test]
        fn what_is_sent_is_what_is_read(
            text in "[ -~éèàùç€ßΔ\\[\\]{}ê😀]{0,400}", reference: u16,
            alphabet in prop_oneof![Just(Alphabet::Gsm7), Just(Alphabet::Latin1), Just(Alphabet::Ascii)],
            mode in prop_oneof![Just(LongMessages::Udh8), Just(LongMessages::Udh16), Just(LongMessages::Sar)],
        ) {
            let encoded = encode(&text, alphabet, mode);
            let total = encoded.segments.len();
            let code = coding(encoded.data_coding, alphabet).unwrap();
            let mut octets = Vec::new();
            for (index, segment) in encoded.segments.iter().enumerate() {
                let concatenation = Concatenation { reference, total: total as u8, number: index as u8 + 1 };
                let whole = match mode {
                    LongMessages::Udh8 => [&concatenation.udh8()[..], segment].concat(),
                    LongMessages::Udh16 => [&concatenation.udh16()[..], segment].concat(),
                    _ => [&[0][..], segment].concat(),
                };
                let room = if encoded.data_coding == 8 { 140 } else { 160 };
                prop_assert!(total == 1 || mode == LongMessages::Sar || whole.len() <= room);
                // Each segment is whole by itself: other receivers may show them one by one.
                prop_assert!(!code.decode(segment).lossy);
                let (_, found, payload) = split_udh(&whole);
                if total > 1 && mode != LongMessages::Sar {
                    prop_assert_eq!(found.map(|c| c.number), Some(concatenation.number));
                }
                octets.push(payload.to_vec());
            }
            let joined = sms::join(octets.iter().map(|octets| (code, octets.as_slice())));
            prop_assert_eq!((joined.text, joined.lossy), (text, false));
        }

        #[test]
        fn any_octets_are_read(octets in proptest::collection::vec(any::<u8>(), 0..200), data_coding: u8) {
            let (_, _, text) = split_udh(&octets);
            for alphabet in [Alphabet::Gsm7, Alphabet::Latin1, Alphabet::Ascii] {
                let _ = coding(data_coding, alphabet).map(|coding| coding.decode(text));
            }
        }
    }
}
