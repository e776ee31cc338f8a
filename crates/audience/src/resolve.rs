//! What the names and values of a condition mean.

use std::ops::Range;

use base::urn::Scheme;

use crate::date::Day;
use crate::environment::{Environment, Lookup, PlaceMatch, Resolver};
use crate::error::{Code, QueryError};
use crate::property::{Attribute, Property, ValueType, WorkerAttribute};
use crate::query::{Condition, Operand, Operator, Reference};
use crate::{literal, number, text};

/// Fewest bytes to look for in a URN.
const MIN_URN_BYTES: usize = 3;
/// How many places an error lists.
const MAX_LISTED: usize = 4;
/// Attributes that are always set.
const ALWAYS_SET: [Attribute; 6] =
    [Attribute::Uuid, Attribute::Id, Attribute::Ref, Attribute::Status, Attribute::CreatedOn, Attribute::Tickets];

/// The property of a name. A bare name is an attribute, a scheme or a field first and a worker attribute second; one
/// that is nothing at all comes back as a field, for [`check`] to refuse.
pub(crate) fn property(name: &str, span: Range<usize>, resolver: &dyn Resolver) -> Result<Property, QueryError> {
    let name = name.to_lowercase();
    match name.split_once('.') {
        Some(("fields", key)) => Ok(Property::Field(key.to_owned())),
        Some(("urns", key)) => Ok(Property::Urn(key.to_owned())),
        Some(("worker", key)) => WorkerAttribute::from_name(key)
            .map(Property::Worker)
            .ok_or_else(|| unknown(key, span, WorkerAttribute::ALL.iter().map(|a| a.as_str()))),
        Some((prefix, _)) => {
            Err(QueryError::new(Code::UnknownPropertyType, span, format!("unknown property type '{prefix}'"))
                .hint("the prefixes are fields, urns and worker")
                .with("type", prefix))
        }
        None => {
            if let Some(attribute) = Attribute::from_name(&name) {
                return Ok(Property::Attribute(attribute));
            }
            if Scheme::from_name(&name).is_some() {
                return Ok(Property::Urn(name));
            }
            let worker = WorkerAttribute::from_name(&name).filter(|_| resolver.field(&name) == Lookup::Unknown);
            Ok(worker.map_or(Property::Field(name), Property::Worker))
        }
    }
}

/// Finds what the condition's value means, and refuses what cannot be asked.
pub(crate) fn check(condition: &mut Condition, env: &Environment, resolver: &dyn Resolver) -> Result<(), QueryError> {
    condition.operand = operand(condition, env, resolver)?;
    Ok(())
}

fn operand(condition: &Condition, env: &Environment, resolver: &dyn Resolver) -> Result<Operand, QueryError> {
    let Condition { property, operator, value, operand: _, name_span, value_span } = condition;
    let error = |code, message: String| QueryError::new(code, name_span.clone(), message);
    let bad_value = |code, message: String| QueryError::new(code, value_span.clone(), message);
    // The rules about names go by the key alone, as RapidPro's do, so that a field called like an attribute is
    // under them too.
    let key = property.key();
    let is_attribute = |attributes: &[Attribute]| {
        !matches!(property, Property::Worker(_)) && attributes.iter().any(|attribute| attribute.as_str() == key)
    };
    let is_urn = matches!(property, Property::Urn(_)) || is_attribute(&[Attribute::Urn]);

    if is_urn && env.redact_urns && !value.is_empty() {
        return Err(error(Code::RedactedUrns, "cannot query on redacted URNs".to_owned()));
    }
    let value_type = match property {
        Property::Field(key) => match resolver.field(key) {
            Lookup::Known(field) => field.into(),
            Lookup::Unchecked => return Ok(Operand::Unresolved),
            Lookup::Unknown => {
                let names = Attribute::ALL.iter().map(|a| a.as_str());
                return Err(unknown(
                    key,
                    name_span.clone(),
                    names.chain(WorkerAttribute::ALL.iter().map(|a| a.as_str())),
                ));
            }
        },
        Property::Attribute(Attribute::Tickets) => ValueType::Number,
        Property::Attribute(Attribute::CreatedOn | Attribute::LastSeenOn) => ValueType::Date,
        Property::Worker(WorkerAttribute::Within) => ValueType::Place,
        Property::Attribute(_) | Property::Urn(_) | Property::Worker(_) => ValueType::Text,
    };

    let compares =
        matches!(operator, Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual);
    if compares && !matches!(value_type, ValueType::Number | ValueType::Date) {
        let message = format!("comparisons with {operator} can only be used with date and number fields");
        return Err(error(Code::UnsupportedComparison, message)
            .with("property", key)
            .with("operator", operator.as_str()));
    }
    if *operator == Operator::Contains {
        if is_attribute(&[Attribute::Name]) {
            if !text::has_word(value) {
                let message = "contains operator on name requires token of minimum length 2".to_owned();
                return Err(bad_value(Code::InvalidPartialName, message).with("min_token_length", "2"));
            }
        } else if is_urn {
            if value.len() < MIN_URN_BYTES {
                let message = format!("contains operator on URN requires value of minimum length {MIN_URN_BYTES}");
                return Err(
                    bad_value(Code::InvalidPartialUrn, message).with("min_value_length", MIN_URN_BYTES.to_string())
                );
            }
        } else if matches!(property, Property::Worker(_)) && value_type == ValueType::Text {
            if text::fold(value).is_empty() {
                let message = format!("contains operator on '{key}' requires something to look for");
                return Err(bad_value(Code::InvalidPartialText, message)
                    .hint(format!("{property} != \"\" finds all that have one")));
            }
        } else {
            let message = "contains conditions can only be used with name or URN values".to_owned();
            return Err(error(Code::UnsupportedContains, message)
                .hint("worker.cadre, facility, place, skill, gender and status can be searched with ~ as well")
                .with("property", key));
        }
    }

    if matches!(operator, Operator::Equal | Operator::NotEqual) && value.is_empty() {
        if is_attribute(&ALWAYS_SET) {
            let message = format!("can't check whether '{key}' is set or not set");
            return Err(error(Code::UnsupportedSetCheck, message)
                .with("property", key)
                .with("operator", operator.as_str()));
        }
        return Ok(Operand::Set);
    }
    Ok(match value_type {
        ValueType::Number => {
            let number = number::parse(value).ok_or_else(|| {
                let message = format!("can't convert '{value}' to a number");
                bad_value(Code::InvalidNumber, message).with("value", value)
            })?;
            Operand::Number(number)
        }
        ValueType::Date => {
            let day = Day::parse(value, env).ok_or_else(|| {
                bad_value(Code::InvalidDate, format!("can't convert '{value}' to a date"))
                    .hint("write a date such as 2026-01-31, today, or \"7 days ago\"")
                    .with("value", value)
            })?;
            Operand::Day(day)
        }
        ValueType::Place => match resolver.places(value) {
            Lookup::Unchecked => Operand::Unresolved,
            Lookup::Unknown => place(value, Vec::new(), value_span)?,
            Lookup::Known(places) => place(value, places, value_span)?,
        },
        ValueType::Text => match property {
            Property::Attribute(attribute) => text_attribute(*attribute, value, value_span, resolver)?,
            _ => Operand::Text,
        },
    })
}

/// Attributes whose text must be one of a list.
fn text_attribute(
    attribute: Attribute,
    value: &str,
    span: &Range<usize>,
    resolver: &dyn Resolver,
) -> Result<Operand, QueryError> {
    let invalid = |code, what| {
        Err(QueryError::new(code, span.clone(), format!("'{value}' is not a valid {what}")).with("value", value))
    };
    let refer = |found: Lookup<Reference>, code, what| match found {
        Lookup::Known(reference) => Ok(Operand::Reference(reference)),
        Lookup::Unchecked => Ok(Operand::Unresolved),
        Lookup::Unknown => invalid(code, what),
    };
    match attribute {
        Attribute::Group => refer(resolver.group(value), Code::InvalidGroup, "group name"),
        Attribute::Flow | Attribute::History => refer(resolver.flow(value), Code::InvalidFlow, "flow name"),
        Attribute::Status if !["active", "blocked", "stopped", "archived"].contains(&value.to_lowercase().as_str()) => {
            invalid(Code::InvalidStatus, "contact status")
        }
        Attribute::Language if !literal::is_language(value) => invalid(Code::InvalidLanguage, "language code"),
        _ => Ok(Operand::Text),
    }
}

/// The subtree of `within`: places inside others of the same answer are left out, and what remains must be one.
fn place(value: &str, mut places: Vec<PlaceMatch>, span: &Range<usize>) -> Result<Operand, QueryError> {
    places.sort_by(|a, b| (a.span.left, &a.path).cmp(&(b.span.left, &b.path)));
    let mut outer: Vec<PlaceMatch> = Vec::new();
    for place in places {
        if !outer.last().is_some_and(|last| last.span.covers(&place.span)) {
            outer.push(place);
        }
    }
    match &*outer {
        [] => Err(QueryError::new(Code::InvalidPlace, span.clone(), format!("'{value}' is not a known place"))
            .hint("write the name, the path (\"Region > District\") or the id of a place in the registry")
            .with("value", value)),
        [place] => Ok(Operand::Place(place.span)),
        several => {
            let listed: Vec<String> =
                several.iter().take(MAX_LISTED).map(|place| format!("\"{}\"", place.path)).collect();
            let more = if several.len() > MAX_LISTED { " ..." } else { "" };
            let message = format!("'{value}' is the name of {} places", several.len());
            Err(QueryError::new(Code::AmbiguousPlace, span.clone(), message)
                .hint(format!("write the path of one of them: {}{more}", listed.join(", ")))
                .with("value", value))
        }
    }
}

fn unknown<'a>(key: &str, span: Range<usize>, names: impl Iterator<Item = &'a str>) -> QueryError {
    let message = format!("can't resolve '{key}' to attribute, scheme or field");
    let mut error = QueryError::new(Code::UnknownProperty, span, message).with("property", key);
    // Of very short names nearly all are near each other.
    if (4..=20).contains(&key.len()) {
        let near = names.map(|name| (strsim::damerau_levenshtein(key, name), name)).min();
        if let Some((_, name)) = near.filter(|(distance, _)| *distance <= 2) {
            error = error.hint(format!("did you mean {name}?"));
        }
    }
    error
}
