//! From text to tokens, as the grammar of the flow specification (section 14.1) has them.
//!
//! Where it is silent: letters and digits are those of every script, with the marks that stand on them; a word is read
//! to its end before it is looked at, so that `android` is no `AND`; a backslash in a quoted text is written twice
//! before a quote, and stands for itself before anything else.

use std::borrow::Cow;
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
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, len) = match c {
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
                    return Err(QueryError::new(Code::Syntax, span, "unclosed quote").hint(
                        r#"end the text with ". Inside it, a quote is written \" and a backslash before one \\"#,
                    ));
                };
                if let Some(nul) = rest[..len].find('\0') {
                    let at = offset + at + nul;
                    return Err(QueryError::new(Code::Syntax, at..at + 1, "a text cannot hold the character U+0000"));
                }
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
        Some((prefix, key)) if !prefix.is_empty() && prefix.chars().all(char::is_alphabetic) => key,
        _ => text,
    };
    if !key.is_empty() && key.chars().all(is_word) { Kind::Property } else { Kind::Text }
}

/// The length of the string that `text` begins with, quotes included; `None` if it is not closed.
fn string_len(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return Some(at + 1),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

/// The value of a string: `\"` is a quote, `\\` a backslash, and any other backslash itself.
pub(crate) fn unquote(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(quoted);
    let mut value = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        value.push(if c == '\\' { chars.next_if(|next| matches!(next, '"' | '\\')).unwrap_or(c) } else { c });
    }
    value
}

/// A value as the normal form writes it: bare when it is `digits[.digits]`, else as a string.
pub(crate) fn quote(value: &str) -> Cow<'_, str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = value.split_once('.').map_or((value, None), |(whole, fraction)| (whole, Some(fraction)));
    if digits(whole) && fraction.is_none_or(digits) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(format!("\"{}\"", value.replace('\\', r"\\").replace('"', r#"\""#)))
}

/// What a text without quotes is made of.
fn is_text(c: char) -> bool {
    is_word(c) || is_combining_mark(c) || matches!(c, '.' | '-' | '+' | '/' | '\'' | '@' | ':')
}

/// What the name of a property is made of.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
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
        check("android isabel", &[(Property, "android"), (Property, "isabel")]);
        check("é\u{a0}b\u{2003}½", &[(Property, "é"), (Property, "b"), (Property, "½")]);
        check("Zoé Zoe\u{301} \u{663}", &[(Property, "Zoé"), (Text, "Zoe\u{301}"), (Property, "\u{663}")]);
        check(r#""a \" b""c""#, &[(String, r#""a \" b""#), (String, r#""c""#)]);
        check(r#""a\\" "b""#, &[(String, r#""a\\""#), (String, r#""b""#)]);
    }

    #[test]
    fn other_characters_are_refused_where_they_stand() {
        for (text, at) in
            [("name = $x", 7), ("a ! b", 2), ("x = \"abc", 4), (r#""C:\""#, 0), ("a\u{0}", 1), ("\"a\u{0}\"", 2)]
        {
            assert_eq!(tokens(text, 3).unwrap_err().span.start, at + 3, "{text:?}");
        }
    }

    #[test]
    fn quoting_and_unquoting() {
        for (value, quoted) in [
            ("", r#""""#),
            ("18", "18"),
            ("1.5", "1.5"),
            ("007", "007"),
            ("1.", r#""1.""#),
            (".5", r#"".5""#),
            ("1.2.3", r#""1.2.3""#),
            ("-1", r#""-1""#),
            ("٣", r#""٣""#),
            ("Zoé \"x\"", r#""Zoé \"x\"""#),
            ("C:\\", r#""C:\\""#),
            ("\\\"", r#""\\\"""#),
            ("a\nb", "\"a\nb\""),
        ] {
            assert_eq!(quote(value), quoted, "{value:?}");
            if quoted.starts_with('"') {
                assert_eq!(unquote(quoted), value);
            }
        }
        assert_eq!(unquote(r#""\d+ \n""#), r"\d+ \n");
    }
}
