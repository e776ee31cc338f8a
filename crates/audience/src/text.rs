//! How texts are compared.
//!
//! Columns of a store that a [`Plan`](crate::Plan) is run over hold texts made by [`normal`] (contacts) and [`fold`]
//! (workers), and the words of [`words`], so that no engine's case rules or collation come into it.

use std::borrow::Cow;
use std::fmt::Write;

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

/// A value as the normal form writes it: bare when it is `digits[.digits]`, else in double quotes with escapes.
pub(crate) fn quote(value: &str) -> Cow<'_, str> {
    if is_plain_number(value) {
        return Cow::Borrowed(value);
    }
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            c if is_printable(c) => quoted.push(c),
            c => {
                // Writing to a String cannot fail.
                let _ = match c as u32 {
                    code @ ..0x80 => write!(quoted, "\\x{code:02x}"),
                    code @ ..0x1_0000 => write!(quoted, "\\u{code:04x}"),
                    code => write!(quoted, "\\U{code:08x}"),
                };
            }
        }
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

fn is_plain_number(value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match value.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(value),
    }
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    // The standard library escapes what cannot be printed; a mark is escaped only at the beginning of a text.
    let text: String = ['a', c].iter().collect();
    text.escape_debug().nth(1) != Some('\\')
}

/// The value of a quoted string. When one of its escapes is not understood, the text between the quotes is taken
/// as it stands.
pub(crate) fn unquote(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(quoted);
    unescape(inner).unwrap_or_else(|| inner.to_owned())
}

fn unescape(text: &str) -> Option<String> {
    if text.contains('\n') {
        return None;
    }
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = rest[at + 1..].chars().next()?;
        rest = &rest[at + 1 + escape.len_utf8()..];
        let mut digits = |count: usize, radix: u32, leading: &str| {
            let digits = rest.get(..count)?;
            let all = format!("{leading}{digits}");
            let value = all.chars().all(|c| c.is_digit(radix)).then(|| u32::from_str_radix(&all, radix).ok())??;
            rest = &rest[count..];
            Some(value)
        };
        let mut push = |value: u32| {
            let c = char::from_u32(value)?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            Some(())
        };
        match escape {
            'a' => push(7)?,
            'b' => push(8)?,
            'f' => push(12)?,
            'n' => push(10)?,
            'r' => push(13)?,
            't' => push(9)?,
            'v' => push(11)?,
            '\\' | '"' => push(escape as u32)?,
            'u' => push(digits(4, 16, "")?)?,
            'U' => push(digits(8, 16, "")?)?,
            'x' => bytes.push(u8::try_from(digits(2, 16, "")?).ok()?),
            '0'..='7' => bytes.push(u8::try_from(digits(2, 8, &escape.to_string())?).ok()?),
            _ => return None,
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_and_unquoting() {
        for (value, quoted) in [
            ("", r#""""#),
            ("18", "18"),
            ("1.5", "1.5"),
            ("1.", r#""1.""#),
            ("-1", r#""-1""#),
            ("Zoé \"x\"", r#""Zoé \"x\"""#),
            ("C:\\", r#""C:\\""#),
            ("a\nb\u{0}\u{7f}", r#""a\nb\x00\x7f""#),
            ("\u{a0}\u{200b}\u{301}", "\"\\u00a0\\u200b\u{301}\""),
            ("\u{e000}\u{10ffff}", r#""\ue000\U0010ffff""#),
        ] {
            assert_eq!(quote(value), quoted, "{value:?}");
            if quoted.starts_with('"') {
                assert_eq!(unquote(quoted), value);
            }
        }
        assert_eq!(unquote(r#""\d+""#), "\\d+");
        assert_eq!(unquote(r#""a\"b\x41\101""#), "a\"bAA");
        assert_eq!(unquote("\"a\\\"\nb\""), "a\\\"\nb");
        assert_eq!(unquote(r#""\ud800""#), "\\ud800");
    }

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
