//! What the names and values of a condition mean.

use std::ops::Range;

use base::urn::Scheme;

use crate::date::Day;
use crate::environment::{Environment, Lookup, PlaceMatch, Resolver};
use crate::error::{Code, QueryError};
use crate::property::{Attribute, Property, ValueType, WorkerAttribute};
use crate::query::{Condition, Operand, Operator, Reference};
use crate::{literal, number, text};

/// Fewest characters to look for in a URN.
const MIN_URN_CHARS: usize = 3;
/// How many places an error lists.
const MAX_LISTED: usize = 4;
/// Attributes that are always set.
const ALWAYS_SET: [Attribute; 6] =
    [Attribute::Uuid, Attribute::Id, Attribute::Ref, Attribute::Status, Attribute::CreatedOn, Attribute::Tickets];
/// The statuses of a contact.
const STATUSES: [&str; 4] = ["active", "blocked", "stopped", "archived"];

/// The property of a name. A bare name is an attribute, a scheme or a field first and a worker attribute second; one
/// that is nothing at all comes back as a field, for [`operand`] to refuse.
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

/// Finds what the condition's value means, and refuses what cannot be asked (flow specification, section 14.4).
pub(crate) fn operand(
    condition: &Condition,
    env: &Environment,
    resolver: &dyn Resolver,
) -> Result<Operand, QueryError> {
    let Condition { property, operator, value, operand: _, name_span, value_span } = condition;
    let error = |code, message: String| {
        let error = QueryError::new(code, name_span.clone(), message);
        error.with("property", property.key()).with("operator", operator.as_str())
    };
    let bad_value = |code, message: String| {
        let error = QueryError::new(code, value_span.clone(), message);
        error.with("property", property.key()).with("value", value)
    };
    let is_urn = matches!(property, Property::Urn(_) | Property::Attribute(Attribute::Urn));
    if is_urn && env.redact_urns && !value.is_empty() {
        let message = format!("'{property}' cannot be asked for where addresses are hidden");
        return Err(error(Code::RedactedUrns, message).hint(format!("{property} != \"\" finds all that have one")));
    }
    let value_type = match property {
        Property::Field(key) => match resolver.field(key) {
            Lookup::Known(field) => field.into(),
            Lookup::Unchecked => return Ok(Operand::Unresolved),
            Lookup::Unknown => {
                let attributes = Attribute::ALL.iter().map(|attribute| attribute.as_str());
                let worker = WorkerAttribute::ALL.iter().map(|attribute| attribute.as_str());
                return Err(unknown(key, name_span.clone(), attributes.chain(worker)));
            }
        },
        Property::Attribute(Attribute::Tickets) => ValueType::Number,
        Property::Attribute(Attribute::CreatedOn | Attribute::LastSeenOn) => ValueType::Date,
        Property::Worker(WorkerAttribute::Within) => ValueType::Place,
        Property::Attribute(_) | Property::Urn(_) | Property::Worker(_) => ValueType::Text,
    };

    match operator {
        Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual
            if !matches!(value_type, ValueType::Number | ValueType::Date) =>
        {
            let message = format!("'{property}' is neither a number nor a date, so {operator} cannot compare it");
            return Err(error(Code::UnsupportedComparison, message));
        }
        Operator::Contains => match property {
            Property::Attribute(Attribute::Name) if !text::has_word(value) => {
                let message = "a part of a name needs a word of two letters or more".to_owned();
                return Err(bad_value(Code::InvalidPartialName, message));
            }
            _ if is_urn && value.chars().count() < MIN_URN_CHARS => {
                let message = format!("a part of an address needs {MIN_URN_CHARS} characters or more");
                return Err(bad_value(Code::InvalidPartialUrn, message));
            }
            Property::Worker(_) if value_type == ValueType::Text && text::fold(value).is_empty() => {
                let message = format!("nothing to look for in '{property}'");
                return Err(bad_value(Code::InvalidPartialText, message)
                    .hint(format!("{property} != \"\" finds all that have one")));
            }
            Property::Attribute(Attribute::Name) => {}
            Property::Worker(_) if value_type == ValueType::Text => {}
            _ if is_urn => {}
            _ => {
                let message = format!("'{property}' cannot be searched with ~");
                return Err(error(Code::UnsupportedContains, message).hint(
                    "~ searches name, urn, URN schemes and the texts of workers (cadre, facility, place, skill)",
                ));
            }
        },
        Operator::Equal | Operator::NotEqual if value.is_empty() => {
            if matches!(property, Property::Attribute(attribute) if ALWAYS_SET.contains(attribute)) {
                let message = format!("'{property}' is always set");
                return Err(error(Code::UnsupportedSetCheck, message).hint("compare it with a value"));
            }
            return Ok(Operand::Set);
        }
        _ => {}
    }
    Ok(match value_type {
        ValueType::Number => {
            let number = number::parse(value);
            Operand::Number(number.ok_or_else(|| bad_value(Code::InvalidNumber, format!("'{value}' is no number")))?)
        }
        ValueType::Date => {
            let day = Day::parse(value, env).ok_or_else(|| {
                bad_value(Code::InvalidDate, format!("'{value}' is no date"))
                    .hint("write a date such as 2026-01-31, today, or \"7 days ago\"")
            })?;
            Operand::Day(day)
        }
        ValueType::Place => match resolver.places(value) {
            Lookup::Unchecked => Operand::Unresolved,
            Lookup::Unknown => place(value, Vec::new(), value_span)?,
            Lookup::Known(places) => place(value, places, value_span)?,
        },
        ValueType::Text => match property {
            Property::Attribute(attribute) => text_attribute(*attribute, value, &bad_value, resolver)?,
            _ => Operand::Text,
        },
    })
}

/// Attributes whose text must be one of a list.
fn text_attribute(
    attribute: Attribute,
    value: &str,
    bad_value: &dyn Fn(Code, String) -> QueryError,
    resolver: &dyn Resolver,
) -> Result<Operand, QueryError> {
    let refer = |found: Lookup<Reference>, code, what| match found {
        Lookup::Known(reference) => Ok(Operand::Reference(reference)),
        Lookup::Unchecked => Ok(Operand::Unresolved),
        Lookup::Unknown => Err(bad_value(code, format!("there is no {what} '{value}'"))),
    };
    match attribute {
        Attribute::Group => refer(resolver.group(value), Code::InvalidGroup, "group"),
        Attribute::Flow | Attribute::History => refer(resolver.flow(value), Code::InvalidFlow, "flow"),
        Attribute::Status if !STATUSES.contains(&&*text::normal(value)) => {
            Err(bad_value(Code::InvalidStatus, format!("'{value}' is no status of a contact"))
                .hint("active, blocked, stopped or archived; worker.status is the worker's"))
        }
        Attribute::Language if !literal::is_language(value) => {
            Err(bad_value(Code::InvalidLanguage, format!("'{value}' is no language"))
                .hint("write its three letters of ISO 639-3, such as eng or fra"))
        }
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
