//! FHIR data types, read leniently from JSON.

use base::text::{collapse, fold};
use serde_json::Value;

use super::{Context, Keys, Reference};
use crate::finding::Code;
use crate::model::{Coded, PartialDate};

/// A member that is a text, trimmed; numbers and booleans count as their text, empty ones as absent.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    plain(value.get(key)?)
}

/// A primitive as text.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A member that is a boolean, also as a text.
pub(super) fn truth(value: &Value, key: &str) -> Option<bool> {
    match text(value, key)?.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// The elements of a member that repeats; one that should repeat and stands alone counts as one element.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    match value.get(key) {
        Some(Value::Array(elements)) => elements,
        None | Some(Value::Null) => &[],
        Some(single) => std::slice::from_ref(single),
    }
}

/// A CodeableConcept, a Coding, a code or a text. Of several codings the first with a code counts.
pub(super) fn coded(value: &Value) -> Option<Coded> {
    if let Some(label) = plain(value) {
        return Some(words(&label));
    }
    let codings = list(value, "coding");
    let from = |coding: &Value| {
        let code = text(coding, "code")?;
        let label = text(value, "text").or_else(|| text(coding, "display")).unwrap_or_else(|| code.clone());
        Some(Coded { system: text(coding, "system"), code, label: collapse(&label).into_owned() })
    };
    codings.iter().find_map(from).or_else(|| from(value)).or_else(|| {
        text(value, "text")
            .or_else(|| codings.iter().find_map(|coding| text(coding, "display")))
            .map(|label| words(&label))
    })
}

/// Words without a code.
pub(crate) fn words(label: &str) -> Coded {
    Coded { system: None, code: fold(label), label: collapse(label).into_owned() }
}

/// The value of an extension whose URL ends in a name.
pub(super) fn extension<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    list(value, "extension").iter().filter(|extension| is_named(extension, name)).find_map(extension_value)
}

/// Whether an extension's URL is, or ends in, a name.
pub(super) fn is_named(extension: &Value, name: &str) -> bool {
    extension.get("url").and_then(Value::as_str).is_some_and(|url| url.rsplit('/').next() == Some(name))
}

/// `value[x]` of an extension.
pub(super) fn extension_value(extension: &Value) -> Option<&Value> {
    extension.as_object()?.iter().find(|(key, _)| key.starts_with("value")).map(|(_, value)| value)
}

/// A date or dateTime; one that cannot be read is found.
pub(super) fn date(value: &Value, key: &str, path: &str, context: &mut Context<'_>) -> Option<PartialDate> {
    let text = text(value, key)?;
    let parsed = PartialDate::parse(&text);
    if parsed.is_none() {
        context.find(Code::BadDate, path, format!("'{text}' is no date"));
    }
    parsed
}

/// A Reference, or the text of one where a Reference should be. `kind` is the type of a bare id.
pub(super) fn reference(value: Option<&Value>, kind: &str, path: &str, context: &mut Context<'_>) -> Option<Reference> {
    let value = value?;
    let target = match value {
        Value::Null => return None,
        Value::String(text) => {
            context.find(Code::Lenient, path, format!("a text stands where a reference to {kind} should be"));
            Some(text.trim().to_owned())
        }
        _ => text(value, "reference").or_else(|| {
            let identifier = value.get("identifier")?;
            Some(format!("{}|{}", text(identifier, "system").unwrap_or_default(), text(identifier, "value")?))
        }),
    };
    match target {
        Some(target) if !target.is_empty() => Some(Reference { key: key(&target, kind), path: path.to_owned() }),
        _ => {
            // A reference with nothing but words for people refers to nothing.
            if text(value, "display").is_none() {
                context.find(Code::BadField, path, format!("the reference to {kind} is empty"));
            }
            None
        }
    }
}

/// What to look up for a reference: `Type/id` for relative and absolute URLs, with or without a version.
pub(super) fn key(target: &str, kind: &str) -> String {
    if target.contains('|') || target.starts_with("urn:") || target.starts_with('#') {
        return target.to_owned();
    }
    let target = target.split(['?', '#']).next().unwrap_or(target);
    let parts: Vec<&str> = target.trim_end_matches('/').split('/').collect();
    let end = parts.iter().position(|part| *part == "_history").unwrap_or(parts.len());
    match &parts[..end] {
        [.., kind, id] if kind.starts_with(|c: char| c.is_ascii_uppercase()) => format!("{kind}/{id}"),
        [id] => format!("{kind}/{id}"),
        _ => target.to_owned(),
    }
}

/// The names of a resource.
pub(super) fn keys(value: &Value, kind: &str, id: &str, full_url: Option<String>) -> Keys {
    let mut names = vec![format!("{kind}/{id}")];
    names.extend(full_url.filter(|url| url.starts_with("urn:")));
    for (system, value) in identifiers(value) {
        names.push(format!("{system}|{value}"));
    }
    let meta = value.get("meta").unwrap_or(&Value::Null);
    Keys {
        names,
        version: (text(meta, "lastUpdated").unwrap_or_default(), text(meta, "versionId").unwrap_or_default()),
    }
}

/// System and value of each identifier.
pub(super) fn identifiers(value: &Value) -> Vec<(String, String)> {
    list(value, "identifier")
        .iter()
        .filter_map(|identifier| Some((text(identifier, "system").unwrap_or_default(), text(identifier, "value")?)))
        .collect()
}

/// Removes U+0000 from every text; true where there was one.
pub(super) fn strip_nul(value: &mut Value) -> bool {
    match value {
        Value::String(text) if text.contains('\0') => {
            *text = text.replace('\0', "");
            true
        }
        Value::Array(elements) => elements.iter_mut().fold(false, |found, element| strip_nul(element) | found),
        Value::Object(members) => members.values_mut().fold(false, |found, member| strip_nul(member) | found),
        _ => false,
    }
}
