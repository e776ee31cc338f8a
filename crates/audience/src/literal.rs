//! What text without a property means.

use base::lang::Lang;
use base::urn::Urn;
use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

use crate::environment::Environment;
use crate::property::{Attribute, Property};
use crate::query::Operator;
use crate::text;

/// The E.164 form of a whole query that is nothing but a possible phone number.
///
/// This is RapidPro's rule and not [`base::phone`]'s, which repairs more than a search may take for granted.
pub(crate) fn phone_number(text: &str, country: Option<&str>) -> Option<String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.len() < 5 || !digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'.' | b'-' | b'(' | b')'))
    {
        return None;
    }
    let region = country.and_then(|code| Region::from_code(code).ok()).filter(|region| *region != Region::World);
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    let length = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number).ok()?;
    (length == NumberLengthType::IsPossible).then(|| number.format_as(PhoneNumberFormat::E164).into_owned())
}

/// The condition that a bare literal stands for.
pub(crate) fn condition(value: String, env: &Environment) -> (Property, Operator, String) {
    if env.redact_urns {
        if is_reference(&value) {
            return (Property::Attribute(Attribute::Ref), Operator::Equal, value);
        }
    } else if let Some(urn) = Urn::parse(&value).ok().filter(|urn| urn.validate().is_ok()) {
        return (Property::Urn(urn.scheme().name().to_owned()), Operator::Equal, urn.path().to_owned());
    } else if is_phone(&value) {
        let digits = value.replace('-', "");
        return (Property::Urn("tel".to_owned()), Operator::Contains, digits);
    }
    let operator = if text::has_word(&value) { Operator::Contains } else { Operator::Equal };
    (Property::Attribute(Attribute::Name), operator, value)
}

/// `+`? and at least four digits or dashes.
fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// Six or seven characters of the alphabet of contact references: letters and digits without I, O, 0 and 1.
fn is_reference(text: &str) -> bool {
    matches!(text.len(), 6 | 7)
        && text.bytes().all(|b| match b.to_ascii_uppercase() {
            b'I' | b'O' => false,
            b'A'..=b'Z' | b'2'..=b'9' => true,
            _ => false,
        })
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
        check("k7yqr1", true, "name ~ k7yqr1");
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
            ("(((((", Some("LR"), None),
            ("++231990000001", None, None),
        ] {
            assert_eq!(phone_number(text, country).as_deref(), want, "{text:?} {country:?}");
        }
    }
}
