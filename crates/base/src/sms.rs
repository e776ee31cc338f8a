//! SMS texts: the GSM 7-bit default alphabet with its extension table (3GPP TS 23.038 sections 6.2.1 and 6.2.1.1),
//! UCS-2, and how a text is cut into segments (3GPP TS 23.040 section 9.2.3.24.1).
//!
//! A text that the GSM alphabet can write has 160 septets in one message, or 153 in each of several, because a
//! header takes the room of seven. Any other text is UCS-2 with 70 or 67 code units. An extension character (`€`,
//! `[`) is two septets, a character outside the basic plane (most emoji) two code units; neither is ever split.

mod coding;
mod substitute;

use serde::{Deserialize, Serialize};

pub use coding::{Coding, Decoded, join};
pub use substitute::{Replacement, Substitution, substitute};

/// How a text travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// The GSM 7-bit default alphabet and its extension table.
    Gsm7,
    /// UTF-16 in network byte order.
    Ucs2,
}

/// How many octets the reference number in the header of a segment has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// One: what operators expect.
    #[default]
    Eight,
    /// Two: one septet or code unit less in each segment.
    Sixteen,
}

/// What a text costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    /// How it travels.
    pub encoding: Encoding,
    /// How many segments; one for the empty text.
    pub count: usize,
    /// Septets or UTF-16 code units of the text.
    pub units: usize,
    /// Septets or code units still free in the last segment.
    pub remaining: usize,
}

impl Encoding {
    /// Units of a text that is one message.
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units of each segment of a longer text.
    pub const fn part(self, reference: Reference) -> usize {
        match (self, reference) {
            (Self::Gsm7, Reference::Eight) => 153,
            (Self::Gsm7, Reference::Sixteen) => 152,
            (Self::Ucs2, Reference::Eight) => 67,
            (Self::Ucs2, Reference::Sixteen) => 66,
        }
    }

    /// Units of a character: 1 or 2.
    fn units(self, c: char) -> usize {
        match self {
            Self::Gsm7 => septet(c).map_or(1, |code| if code & EXTENDED == 0 { 1 } else { 2 }),
            Self::Ucs2 => c.len_utf16(),
        }
    }
}

/// Set in [`septet`]'s result where the code follows an escape.
const EXTENDED: u8 = 0x80;
const ESCAPE: u8 = 0x1b;
const NO_CODE: u8 = 0xff;

/// The default alphabet by code; the escape stands as U+001B.
const BASIC: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', 'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω',
    'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1b}', 'Æ', 'æ', 'ß', 'É', ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+',
    ',', '-', '.', '/', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', '¡', 'A', 'B',
    'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y',
    'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p',
    'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table: code after the escape, character.
const EXTENSION: [(u8, char); 10] = [
    (0x0a, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2f, '\\'),
    (0x3c, '['),
    (0x3d, '~'),
    (0x3e, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// Codes of the characters below U+0100, which are nearly all that texts have.
const LATIN: [u8; 256] = {
    let mut table = [NO_CODE; 256];
    let mut code = 0;
    while code < BASIC.len() {
        let at = BASIC[code] as usize;
        if at < 256 && code != ESCAPE as usize {
            table[at] = code as u8;
        }
        code += 1;
    }
    let mut entry = 0;
    while entry < EXTENSION.len() {
        let at = EXTENSION[entry].1 as usize;
        if at < 256 {
            table[at] = EXTENSION[entry].0 | EXTENDED;
        }
        entry += 1;
    }
    table
};

/// The code of a character, with [`EXTENDED`] set where an escape goes before it.
fn septet(c: char) -> Option<u8> {
    let code = match c {
        '\0'..='\u{ff}' => LATIN[c as usize],
        'Δ' => 0x10,
        'Φ' => 0x12,
        'Γ' => 0x13,
        'Λ' => 0x14,
        'Ω' => 0x15,
        'Π' => 0x16,
        'Ψ' => 0x17,
        'Σ' => 0x18,
        'Θ' => 0x19,
        'Ξ' => 0x1a,
        '€' => 0x65 | EXTENDED,
        _ => NO_CODE,
    };
    (code != NO_CODE).then_some(code)
}

/// Whether the GSM alphabet, extension included, has the character.
pub fn is_gsm7(c: char) -> bool {
    septet(c).is_some()
}

/// The encoding that a text needs.
pub fn encoding(text: &str) -> Encoding {
    if text.chars().all(is_gsm7) { Encoding::Gsm7 } else { Encoding::Ucs2 }
}

/// The characters that force UCS-2, with their byte offset in the text.
pub fn forcing(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices().filter(|(_, c)| !is_gsm7(*c))
}

/// What a text costs, with the usual one-octet reference.
pub fn segments(text: &str) -> Segments {
    segments_with(text, Reference::Eight)
}

/// What a text costs.
pub fn segments_with(text: &str, reference: Reference) -> Segments {
    let encoding = encoding(text);
    let units = text.chars().map(|c| encoding.units(c)).sum();
    if units <= encoding.single() {
        return Segments { encoding, count: 1, units, remaining: encoding.single() - units };
    }
    let part = encoding.part(reference);
    let (mut count, mut used) = (1, 0);
    for c in text.chars() {
        let more = encoding.units(c);
        if used + more > part {
            count += 1;
            used = 0;
        }
        used += more;
    }
    Segments { encoding, count, units, remaining: part - used }
}

/// The text of each segment, with the usual one-octet reference. Joined, they are the text; there is always one.
pub fn split(text: &str) -> Vec<&str> {
    split_with(text, encoding(text), Reference::Eight)
}

/// The text of each segment in an encoding that the caller has chosen; characters that GSM-7 cannot write count as
/// one septet there.
pub fn split_with(text: &str, encoding: Encoding, reference: Reference) -> Vec<&str> {
    let units: usize = text.chars().map(|c| encoding.units(c)).sum();
    if units <= encoding.single() {
        return vec![text];
    }
    let part = encoding.part(reference);
    let mut parts = Vec::with_capacity(units / part + 1);
    let (mut start, mut used) = (0, 0);
    for (at, c) in text.char_indices() {
        let more = encoding.units(c);
        if used + more > part {
            parts.push(&text[start..at]);
            (start, used) = (at, 0);
        }
        used += more;
    }
    parts.push(&text[start..]);
    parts
}

/// A character that the GSM alphabet does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the character '{character}' at byte {at} is not in the GSM 7-bit alphabet: send the text as UCS-2 or replace it"
)]
pub struct NotGsm7 {
    /// The character.
    pub character: char,
    /// Its byte offset in the text.
    pub at: usize,
}

/// Septets of a text, one per octet, as SMPP's data_coding 0 usually carries them. They are added to `into`; on an
/// error it holds what came before the character.
pub fn encode_gsm7(text: &str, into: &mut Vec<u8>) -> Result<(), NotGsm7> {
    into.reserve(text.len());
    for (at, character) in text.char_indices() {
        let code = septet(character).ok_or(NotGsm7 { character, at })?;
        if code & EXTENDED != 0 {
            into.push(ESCAPE);
        }
        into.push(code & !EXTENDED);
    }
    Ok(())
}

/// The text of septets, one per octet. As the standard has it, an escape before a code that the extension table does
/// not have shows that code's character of the default alphabet, and an escape at the end or before another one is a
/// space. Octets above 0x7f become U+FFFD.
pub fn decode_gsm7(septets: &[u8]) -> String {
    let mut text = String::with_capacity(septets.len());
    let mut rest = septets.iter();
    while let Some(&code) = rest.next() {
        if code != ESCAPE {
            text.push(BASIC.get(usize::from(code)).copied().unwrap_or('\u{fffd}'));
            continue;
        }
        text.push(match rest.next() {
            None | Some(&ESCAPE) => ' ',
            Some(code) => match EXTENSION.iter().find(|(extended, _)| extended == code) {
                Some((_, c)) => *c,
                None => BASIC.get(usize::from(*code)).copied().unwrap_or('\u{fffd}'),
            },
        });
    }
    text
}

/// Packs septets into octets (3GPP TS 23.038 section 6.1.2.1.1), after `fill` zero bits (0 to 6) that bring them to a
/// septet boundary behind a header.
pub fn pack(septets: &[u8], fill: u8) -> Vec<u8> {
    let mut octets = Vec::with_capacity((septets.len() * 7 + 14) / 8);
    let (mut bits, mut held) = (0_u32, u32::from(fill.min(6)));
    for septet in septets {
        bits |= u32::from(septet & 0x7f) << held;
        held += 7;
        while held >= 8 {
            octets.push((bits & 0xff) as u8);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        octets.push((bits & 0xff) as u8);
    }
    octets
}

/// Unpacks `count` septets from octets, after `fill` bits; fewer where the octets end.
pub fn unpack(octets: &[u8], count: usize, fill: u8) -> Vec<u8> {
    let mut septets = Vec::with_capacity(count.min(octets.len() * 8 / 7));
    let (mut bits, mut held, mut skip) = (0_u32, 0_u32, u32::from(fill.min(6)));
    for octet in octets {
        if septets.len() == count {
            break;
        }
        bits |= u32::from(*octet) << held;
        held += 8;
        if skip > 0 {
            bits >>= skip;
            held -= skip;
            skip = 0;
        }
        while held >= 7 && septets.len() < count {
            septets.push((bits & 0x7f) as u8);
            bits >>= 7;
            held -= 7;
        }
    }
    septets
}

/// The text as UTF-16 in network byte order, added to `into`.
pub fn encode_ucs2(text: &str, into: &mut Vec<u8>) {
    into.reserve(text.len() * 2);
    for unit in text.encode_utf16() {
        into.extend_from_slice(&unit.to_be_bytes());
    }
}

/// The text of UTF-16 in network byte order. Lone surrogates and an odd last octet become U+FFFD.
pub fn decode_ucs2(octets: &[u8]) -> String {
    let pairs = octets.chunks_exact(2);
    let odd = !pairs.remainder().is_empty();
    let units = pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let mut text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect();
    if odd {
        text.push('\u{fffd}');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_character_and_back() {
        for (code, c) in BASIC.into_iter().enumerate().filter(|(code, _)| *code != usize::from(ESCAPE)) {
            assert_eq!(septet(c), Some(code as u8), "{c:?}");
        }
        for (code, c) in EXTENSION {
            assert_eq!(septet(c), Some(code | EXTENDED), "{c:?}");
        }
        assert_eq!(septet('\u{1b}'), None);
        assert_eq!((0..=0x10_ffff_u32).filter_map(char::from_u32).filter(|c| is_gsm7(*c)).count(), 127 + 10);
    }
}
