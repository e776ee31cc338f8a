//! What text without a property means (flow specification, sections 14.2 and 14.3).

use base::lang::Lang;
use base::urn::Urn;

use crate::environment::Environment;
use crate::property::{Attribute, Property};
use crate::query::Operator;
use crate::text;

/// The E.164 form of a whole query that is a possible phone number and nothing else: digits, with the signs that
/// people write between them. It is not repaired: where that takes guessing, the digits are searched for instead.
pub(crate) fn phone_number(text: &str, country: Option<&str>) -> Option<String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let sign = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '.' | '-' | '/' | '(' | ')');
    if digits.chars().all(sign) { base::phone::possible(text, country) } else { None }
}

/// The condition that a bare literal stands for: the first row of the specification's table that fits.
pub(crate) fn condition(value: String, env: &Environment) -> (Property, Operator, String) {
    let hidden = env.redact_urns;
    if !hidden && let Ok(urn) = Urn::valid(&value) {
        return (Property::Urn(urn.scheme().to_owned()), Operator::Equal, urn.path().into_owned());
    }
    if hidden && is_reference(&value) {
        return (Property::Attribute(Attribute::Ref), Operator::Equal, value);
    }
    if !hidden && is_part_of_phone(&value) {
        return (Property::Urn("tel".to_owned()), Operator::Contains, value.replace('-', ""));
    }
    let operator = if text::has_word(&value) { Operator::Contains } else { Operator::Equal };
    (Property::Attribute(Attribute::Name), operator, value)
}

/// `+`? and at least four digits or dashes.
fn is_part_of_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// Whether a text looks like the reference of a contact, such as `K7YQRZ`: six to eight letters and digits, of which
/// one is a digit or all are capitals. `Kollie` is a name.
fn is_reference(text: &str) -> bool {
    let has = |test: fn(&u8) -> bool| text.as_bytes().iter().any(test);
    (6..=8).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && has(u8::is_ascii_alphabetic)
        && (has(u8::is_ascii_digit) || !has(u8::is_ascii_lowercase))
}

/// A code of ISO 639-3.
pub(crate) fn is_language(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic()) && Lang::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, redact_urns: bool, want: &str) {
        let mut env = Environment::new(jiff::Timestamp::UNIX_EPOCH);
        env.redact_urns = redact_urns;
        let (property, operator, value) = condition(text.to_owned(), &env);
        assert_eq!(format!("{property} {operator} {value}"), want, "{text:?}");
    }

    #[test]
    fn bare_literals() {
        check("Ama", false, "name ~ Ama");
        check("A", false, "name = A");
        check("A B", false, "name = A B");
        check("é", false, "name ~ é");
        check("telegram:12345", false, "urns.telegram = 12345");
        check("TEL:+231990000001", false, "urns.tel = +231990000001");
        check("twitter:not valid", false, "name ~ twitter:not valid");
        check("+231-990", false, "urns.tel ~ +231990");
        check("0990", false, "urns.tel ~ 0990");
        check("099", false, "name ~ 099");
        check("----", false, "urns.tel ~ ");
        check("telegram:12345", true, "name ~ telegram:12345");
        check("0990", true, "name ~ 0990");
        check("k7yqrz", true, "ref = k7yqrz");
        check("KYQRZA", true, "ref = KYQRZA");
        check("Kollie", true, "name ~ Kollie");
        check("k7yqr", true, "name ~ k7yqr");
        check("234567", true, "name ~ 234567");
        check("k7yqrz", false, "name ~ k7yqrz");
    }

    #[test]
    fn whole_queries_that_are_phone_numbers() {
        for (text, country, want) in [
            ("0990 000 001", Some("LR"), Some("+231990000001")),
            ("(0990) 000-001", Some("lr"), Some("+231990000001")),
            ("+231.990.000.001", None, Some("+231990000001")),
            ("0990 000 001", None, None),
            ("0990 000 001", Some("ZZ"), None),
            ("\"0990000001\"", Some("LR"), None),
            ("0990", Some("LR"), None),
            ("99000", Some("LR"), None),
            ("tel 0990000001", Some("LR"), None),
            ("0990000001 nurse", Some("LR"), None),
            ("0990/000/001", Some("LR"), Some("+231990000001")),
            ("0990000001/0990000002", Some("LR"), None),
            ("+2310990000001", Some("LR"), Some("+231990000001")),
            ("(((((", Some("LR"), None),
            ("", Some("LR"), None),
            ("++231990000001", None, None),
        ] {
            assert_eq!(phone_number(text, country).as_deref(), want, "{text:?} {country:?}");
        }
    }
}
