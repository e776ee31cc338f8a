//! How texts are compared.
//!
//! Columns of a store that a [`Plan`](crate::Plan) is run over hold texts made by [`normal`] (contacts) and [`fold`]
//! (workers), and the words of [`words`], so that no engine's case rules or collation come into it.

use std::borrow::Cow;

use rust_decimal::Decimal;
use unicode_segmentation::UnicodeSegmentation;

use crate::property::Property;

/// How many characters of a word of a name are compared.
pub const WORD_CHARS: usize = 8;

/// Words of a name shorter than this many bytes are not looked at.
const MIN_WORD_BYTES: usize = 2;

/// A text of a contact as it is compared: lower case, without white space around it. Borrowed where nothing changes.
pub fn normal(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if !text.is_ascii() {
        return Cow::Owned(text.chars().flat_map(char::to_lowercase).collect());
    }
    lower_ascii(text)
}

/// A text of a worker as it is compared: [`base::text::fold`]. Borrowed where nothing changes.
pub fn fold(text: &str) -> Cow<'_, str> {
    let single_spaces = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.contains("  ");
    if single_spaces { lower_ascii(text) } else { Cow::Owned(base::text::fold(text)) }
}

fn lower_ascii(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// A text of `property` as it is compared: [`fold`] for workers, [`normal`] for all others.
pub fn comparable<'a>(property: &Property, text: &'a str) -> Cow<'a, str> {
    match property {
        Property::Worker(_) => fold(text),
        Property::Attribute(_) | Property::Urn(_) | Property::Field(_) => normal(text),
    }
}

/// The words of a name as `~` compares them: by the word boundaries of Unicode Standard Annex #29, lower case, at
/// least two bytes long, cut to [`WORD_CHARS`] characters.
pub fn words(name: &str) -> Vec<String> {
    normal(name)
        .unicode_words()
        .filter(|word| word.len() >= MIN_WORD_BYTES)
        .map(|word| word.chars().take(WORD_CHARS).collect())
        .collect()
}

/// The first text, in the order of bytes, after all that begin with `prefix`: words beginning with it are those from
/// `prefix` on and before this. `None` when there is no such text.
pub fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The next character; surrogates are none.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// A number as a text that sorts, byte by byte, as the number does; equal numbers give equal texts. For stores
/// that keep decimals as text.
///
/// The sign (`-`, `0` or `p`), two digits of exponent, the digits without trailing zeros; below zero exponent and
/// digits are complements and `~` ends the text.
pub fn number_key(number: Decimal) -> String {
    let number = number.normalize();
    if number.is_zero() {
        return "0".to_owned();
    }
    let digits = number.mantissa().unsigned_abs().to_string();
    // Of the first digit: from -28 to 28.
    let exponent = digits.len() as i32 - 1 - number.scale() as i32;
    let digits = digits.trim_end_matches('0');
    if number.is_sign_positive() {
        return format!("p{:02}{digits}", 50 + exponent);
    }
    let complement: String = digits.bytes().map(|digit| char::from(b'0' + b'9' - digit)).collect();
    format!("-{:02}{complement}~", 50 - exponent)
}

/// Whether a name has a word that `~` can look for.
pub(crate) fn has_word(name: &str) -> bool {
    name.unicode_words().any(|word| word.len() >= MIN_WORD_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparable_texts() {
        for text in ["  Zoé   KOÏTA ", "nurse", "", " \t ", "a  b", "a b", " a", "a\u{a0}b", "Nurse-Aide (CHW)"] {
            assert_eq!(fold(text), base::text::fold(text), "{text:?}");
        }
        assert_eq!(normal("  ABÉ  c "), "abé  c");
    }

    #[test]
    fn words_of_names() {
        assert_eq!(
            words("Jean-Baptiste O'Neil, J. 42"),
            ["jean", "baptiste", "o'neil", "42"].map(|w| { w.chars().take(WORD_CHARS).collect::<String>() })
        );
        assert_eq!(words("é"), ["é"]);
        assert!(!has_word("w"));
        assert!(has_word("é"));
    }

    #[test]
    fn texts_after_a_prefix() {
        for (prefix, after) in [
            ("am", Some("an")),
            ("z", Some("{")),
            ("a\u{10ffff}", Some("b")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("", None),
        ] {
            assert_eq!(after_prefix(prefix).as_deref(), after, "{prefix:?}");
        }
        assert_eq!(after_prefix("\u{10ffff}"), None);
    }

    #[test]
    fn number_keys_sort_as_numbers() {
        let mut numbers: Vec<Decimal> =
            ["0", "0.0", "1", "1.0", "1.5", "1.05", "10", "99", "100", "0.1", "0.09", "123456789.123"]
                .into_iter()
                .chain(["79228162514264337593543950335", "0.0000000000000000000000000001"])
                .map(|text| text.parse().unwrap())
                .collect();
        numbers.extend(numbers.clone().into_iter().map(|number| -number));
        for a in &numbers {
            for b in &numbers {
                assert_eq!(number_key(*a).cmp(&number_key(*b)), a.cmp(b), "{a} {b}");
            }
        }
    }
}
