//! Texts that come in: what their octets are, and how those of several segments become one text.

use super::{decode_gsm7, decode_ucs2};
use serde::{Deserialize, Serialize};

/// How the octets of a text are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// The GSM 7-bit default alphabet with its extension table, one septet per octet.
    Gsm7,
    /// ASCII.
    Ascii,
    /// What an operator calls IA5: ASCII, or the GSM alphabet where the octets say so. IA5 texts have no controls but
    /// white space, GSM texts have an escape or an `@`.
    Ia5,
    /// ISO-8859-1.
    Latin1,
    /// UCS-2, read as UTF-16: big endian, unless a byte order mark says otherwise.
    Ucs2,
    /// One that is not supported: read as UTF-8 if it is that, else as ISO-8859-1.
    Other,
}

/// A text as it was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The text.
    pub text: String,
    /// Whether octets that are no text were replaced by U+FFFD or left out, or their coding was guessed.
    pub lossy: bool,
}

impl Coding {
    /// In the order of their numbers.
    const ALL: [Self; 6] = [Self::Gsm7, Self::Ascii, Self::Ia5, Self::Latin1, Self::Ucs2, Self::Other];

    /// A number that stands for it in a database, from 1; it never changes.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The coding that a number stands for.
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number.checked_sub(1)?).ok()?).copied()
    }

    /// Reads octets.
    pub fn decode(self, octets: &[u8]) -> Decoded {
        let is_gsm7 = |octet: &u8| octet.is_ascii_control() && !b"\t\n\r".contains(octet);
        let text = match self {
            Self::Gsm7 => decode_gsm7(octets),
            Self::Ia5 if octets.iter().any(is_gsm7) => decode_gsm7(octets),
            Self::Ascii | Self::Ia5 => ascii(octets),
            Self::Latin1 => latin1(octets),
            Self::Ucs2 => return ucs2(octets),
            Self::Other => {
                let text = std::str::from_utf8(octets).map_or_else(|_| latin1(octets), str::to_owned);
                return Decoded { lossy: !text.is_ascii(), text };
            }
        };
        Decoded { lossy: text.contains('\u{fffd}'), text }
    }
}

/// Joins the segments of a text, given in their order, decoding across their borders: a character that a sender cut in
/// two is whole again.
pub fn join<'a>(segments: impl IntoIterator<Item = (Coding, &'a [u8])>) -> Decoded {
    let mut runs: Vec<(Coding, Vec<u8>)> = Vec::new();
    for (coding, octets) in segments {
        match runs.last_mut() {
            Some((last, run)) if *last == coding => run.extend_from_slice(octets),
            _ => runs.push((coding, octets.to_vec())),
        }
    }
    runs.into_iter().fold(Decoded::default(), |mut all, (coding, octets)| {
        let run = coding.decode(&octets);
        all.text.push_str(&run.text);
        all.lossy |= run.lossy;
        all
    })
}

fn ucs2(octets: &[u8]) -> Decoded {
    let whole = &octets[..octets.len() & !1];
    let text = match whole {
        [0xfe, 0xff, rest @ ..] => decode_ucs2(rest),
        [0xff, 0xfe, rest @ ..] => {
            let swapped: Vec<u8> = rest.chunks_exact(2).flat_map(|pair| [pair[1], pair[0]]).collect();
            decode_ucs2(&swapped)
        }
        _ => decode_ucs2(whole),
    };
    Decoded { lossy: whole.len() < octets.len() || text.contains('\u{fffd}'), text }
}

fn latin1(octets: &[u8]) -> String {
    octets.iter().map(|&octet| char::from(octet)).collect()
}

fn ascii(octets: &[u8]) -> String {
    octets.iter().map(|&octet| if octet.is_ascii() { char::from(octet) } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::Coding::{Ascii, Gsm7, Ia5, Latin1, Other, Ucs2};
    use super::*;

    #[test]
    fn numbers_stand_for_codings() {
        for coding in Coding::ALL {
            assert_eq!(Coding::of_number(i64::from(coding.number())), Some(coding));
        }
        assert_eq!([Gsm7, Ucs2, Other].map(Coding::number), [1, 5, 6]);
        for wrong in [0, 7, -1, i64::MIN, i64::MAX] {
            assert_eq!(Coding::of_number(wrong), None);
        }
    }

    #[test]
    fn texts_are_read() {
        let check = |octets: &[u8], coding: Coding, text: &str, lossy| {
            let decoded = coding.decode(octets);
            assert_eq!((decoded.text.as_str(), decoded.lossy), (text, lossy), "{octets:?} {coding:?}");
        };
        check(b"Yes", Gsm7, "Yes", false);
        check(b"\x05 \x1b\x65", Gsm7, "é €", false);
        check(b"\xe9", Gsm7, "\u{fffd}", true);
        check(b"\xe9", Latin1, "é", false);
        check(b"\xe9", Ascii, "\u{fffd}", true);
        check(b"\0Y\0e\0s", Ucs2, "Yes", false);
        check(b"\0Y\0e\0s\0", Ucs2, "Yes", true);
        check(b"\xfe\xff\0Y", Ucs2, "Y", false);
        check(b"\xff\xfeY\0", Ucs2, "Y", false);
        check(b"\xff\xfe\x3d\xd8\x00\xde", Ucs2, "😀", false);
        check(b"\xd8\x3d\xde\x00", Ucs2, "😀", false);
        check(b"\xd8\x3d", Ucs2, "\u{fffd}", true);
        check(b"Yes [1]\n", Ia5, "Yes [1]\n", false);
        check(b"Yes \x1b\x651", Ia5, "Yes €1", false);
        check("ñ".as_bytes(), Other, "ñ", true);
        check(b"\xf1", Other, "ñ", true);
        check(b"Yes", Other, "Yes", false);
        check(b"", Ucs2, "", false);
    }

    #[test]
    fn segments_are_joined_across_a_cut_character() {
        let check = |segments: &[(Coding, &[u8])], text: &str, lossy| {
            let joined = join(segments.iter().copied());
            assert_eq!((joined.text.as_str(), joined.lossy), (text, lossy), "{segments:?}");
        };
        check(&[(Ucs2, b"\xd8\x3d"), (Ucs2, b"\xde\x00")], "😀", false);
        check(&[(Ucs2, b"\xd8"), (Ucs2, b"\x3d\xde"), (Ucs2, b"\x00")], "😀", false);
        check(&[(Gsm7, b"1\x1b"), (Gsm7, b"\x65")], "1€", false);
        check(&[(Gsm7, b"1\x1b"), (Gsm7, b""), (Gsm7, b"\x65")], "1€", false);
        check(&[(Other, b"\xc3"), (Other, b"\xb1")], "ñ", true);
        check(&[(Gsm7, b"1"), (Ucs2, b"\0\xea")], "1ê", false);
        check(&[(Ucs2, b"\xd8\x3d"), (Gsm7, b"1")], "\u{fffd}1", true);
        check(&[], "", false);
    }
}
