//! From text to tokens. The longest token wins, and of two that are as long the keyword.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use crate::error::{Code, QueryError};
use crate::query::Operator;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Open,
    Close,
    And,
    Or,
    Operator(Operator),
    /// A name, with or without a prefix and a dot; also a word of text.
    Property,
    /// A word of text that cannot be a property.
    Text,
    /// A double-quoted string.
    String,
}

/// A token and where it stands in the query, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Range<usize>,
}

/// The tokens of `text`; spans are shifted by `offset`.
pub(crate) fn tokens(text: &str, offset: usize) -> Result<Vec<Token>, QueryError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, len) = match c {
            ' ' | '\t' | '\n' | '\r' => {
                at += 1;
                continue;
            }
            '(' => (Kind::Open, 1),
            ')' => (Kind::Close, 1),
            '=' => (Kind::Operator(Operator::Equal), 1),
            '~' => (Kind::Operator(Operator::Contains), 1),
            '!' if rest.starts_with("!=") => (Kind::Operator(Operator::NotEqual), 2),
            '>' if rest.starts_with(">=") => (Kind::Operator(Operator::GreaterOrEqual), 2),
            '<' if rest.starts_with("<=") => (Kind::Operator(Operator::LessOrEqual), 2),
            '>' => (Kind::Operator(Operator::Greater), 1),
            '<' => (Kind::Operator(Operator::Less), 1),
            '"' => {
                let Some(len) = string_len(rest) else {
                    let span = offset + at..offset + at + 1;
                    return Err(QueryError::new(Code::Syntax, span, "unclosed quote")
                        .hint("end the text with '\"'; a quote inside it is written '\\\"'"));
                };
                (Kind::String, len)
            }
            c if is_text(c) => {
                let len = rest.find(|c| !is_text(c)).unwrap_or(rest.len());
                (word(&rest[..len]), len)
            }
            c => {
                let span = offset + at..offset + at + c.len_utf8();
                return Err(QueryError::new(Code::Syntax, span, format!("unexpected character {c:?}"))
                    .hint("put text with other characters than letters, digits and . - + / ' @ : _ in double quotes"));
            }
        };
        tokens.push(Token { kind, span: offset + at..offset + at + len });
        at += len;
    }
    Ok(tokens)
}

/// What a run of text characters is.
fn word(text: &str) -> Kind {
    if text.eq_ignore_ascii_case("and") {
        return Kind::And;
    }
    if text.eq_ignore_ascii_case("or") {
        return Kind::Or;
    }
    if text.eq_ignore_ascii_case("has") {
        return Kind::Operator(Operator::Contains);
    }
    if text.eq_ignore_ascii_case("is") {
        return Kind::Operator(Operator::Equal);
    }
    let key = match text.split_once('.') {
        Some((prefix, key)) if !prefix.is_empty() && prefix.chars().all(is_letter) => key,
        _ => text,
    };
    if !key.is_empty() && key.chars().all(|c| is_letter(c) || is_digit(c) || c == '_') {
        Kind::Property
    } else {
        Kind::Text
    }
}

/// The length of the string that `text` begins with, quotes included; `None` if it is not closed.
///
/// `\"` is a quote inside the string and `\\` a backslash. A string that would not be closed that way ends at its
/// last quote instead, so that `"C:\"` is a string too.
fn string_len(text: &str) -> Option<usize> {
    let mut escaped = false;
    let mut last = None;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return Some(at + 1),
            '"' => {
                last = Some(at + 1);
                escaped = false;
            }
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    last
}

/// Marks are part of a word too, so that accents typed as characters of their own are read; a name of a property
/// has none.
fn is_text(c: char) -> bool {
    matches!(c, '_' | '.' | '-' | '+' | '/' | '\'' | '@' | ':') || is_letter(c) || is_digit(c) || is_combining_mark(c)
}

/// Unicode categories Lu, Ll, Lt, Lm and Lo: alphabetic characters without marks, letter-like numbers and symbols.
fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    c.is_alphabetic()
        && !c.is_numeric()
        && !is_combining_mark(c)
        && !matches!(c, '\u{24b6}'..='\u{24e9}' | '\u{1f130}'..='\u{1f189}')
}

/// The zeros of the decimal digits (category Nd) of the Basic Multilingual Plane.
const ZEROS: [char; 37] = [
    '\u{30}', '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}',
    '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{1090}', '\u{17e0}',
    '\u{1810}', '\u{1946}', '\u{19d0}', '\u{1a80}', '\u{1a90}', '\u{1b50}', '\u{1bb0}', '\u{1c40}', '\u{1c50}',
    '\u{a620}', '\u{a8d0}', '\u{a900}', '\u{a9d0}', '\u{a9f0}', '\u{aa50}', '\u{abf0}', '\u{ff10}',
];

/// Unicode category Nd.
fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    ZEROS.iter().any(|zero| (*zero as u32..*zero as u32 + 10).contains(&(c as u32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &[(Kind, &str)]) {
        let tokens = tokens(text, 0).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        let have: Vec<(Kind, &str)> = tokens.iter().map(|t| (t.kind, &text[t.span.clone()])).collect();
        assert_eq!(have, want, "{text:?}");
    }

    #[test]
    fn the_longest_token_wins() {
        use Kind::{And, Property, String, Text};
        let eq = Kind::Operator(Operator::Equal);
        check("name=ann", &[(Property, "name"), (eq, "="), (Property, "ann")]);
        check("tel IS +2.5", &[(Property, "tel"), (eq, "IS"), (Text, "+2.5")]);
        check("a>=-5", &[(Property, "a"), (Kind::Operator(Operator::GreaterOrEqual), ">="), (Text, "-5")]);
        check(
            "fields.age urns.x.y 1.2 a_1.b",
            &[(Property, "fields.age"), (Text, "urns.x.y"), (Text, "1.2"), (Text, "a_1.b")],
        );
        check("And and.y ands", &[(And, "And"), (Property, "and.y"), (Property, "ands")]);
        check("ann@example.org O'Neil", &[(Text, "ann@example.org"), (Text, "O'Neil")]);
        check("Zoé Zoe\u{301} \u{663}", &[(Property, "Zoé"), (Text, "Zoe\u{301}"), (Property, "\u{663}")]);
        check(r#""a \" b""c""#, &[(String, r#""a \" b""#), (String, r#""c""#)]);
        check(r#""a\\" "b""#, &[(String, r#""a\\""#), (String, r#""b""#)]);
        check(r#""C:\""#, &[(String, r#""C:\""#)]);
    }

    #[test]
    fn other_characters_are_refused_where_they_stand() {
        for (text, at) in [("name = $x", 7), ("a ! b", 2), ("é\u{a0}b", 2), ("x = \"abc", 4), ("½", 0), ("a\u{0}", 1)]
        {
            assert_eq!(tokens(text, 3).unwrap_err().span.start, at + 3, "{text:?}");
        }
    }
}
