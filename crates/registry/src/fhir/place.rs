//! Location and Organization.

use serde_json::Value;

use super::{Context, Keys, PlaceRecord, element};
use crate::finding::Code;
use crate::model::{Coded, Hash, Place, PlaceKind, Position};

/// A FHIR Location.
pub(super) fn location(value: &Value, id: String, keys: Keys, raw: String, context: &mut Context<'_>) -> PlaceRecord {
    let name = name(value, &id, context);
    let (kind, level) = kind(value);
    let position = value.get("position").and_then(|position| {
        let degrees = |key: &str| {
            let number = element::text(position, key)?.parse::<f64>().ok()?;
            number.is_finite().then_some(number)
        };
        let found = Position { latitude: degrees("latitude")?, longitude: degrees("longitude")? };
        (found.latitude.abs() <= 90.0 && found.longitude.abs() <= 180.0).then_some(found)
    });
    let parent = element::reference(value.get("partOf"), "Location", "partOf", context);
    let organization =
        element::reference(value.get("managingOrganization"), "Organization", "managingOrganization", context);
    let place = Place {
        source: context.options.source.to_owned(),
        source_id: id,
        name,
        kind,
        level,
        parent: None,
        position,
        active: element::text(value, "status").is_none_or(|status| status != "inactive"),
        identifiers: element::identifiers(value),
        raw,
        raw_organization: None,
        hash: Hash::default(),
    };
    PlaceRecord { origin: context.origin.clone(), keys, place, parent, organization }
}

/// A FHIR Organization: a place only where no Location stands for it.
pub(super) fn organization(value: &Value, id: &str, keys: Keys, raw: String, context: &mut Context<'_>) -> PlaceRecord {
    let name = name(value, id, context);
    let (kind, level) = kind(value);
    let parent = element::reference(value.get("partOf"), "Organization", "partOf", context);
    let place = Place {
        source: context.options.source.to_owned(),
        source_id: format!("Organization/{id}"),
        name,
        kind,
        level,
        parent: None,
        position: None,
        active: element::truth(value, "active").unwrap_or(true),
        identifiers: element::identifiers(value),
        raw,
        raw_organization: None,
        hash: Hash::default(),
    };
    PlaceRecord { origin: context.origin.clone(), keys, place, parent, organization: None }
}

fn name(value: &Value, id: &str, context: &mut Context<'_>) -> String {
    if let Some(name) = element::text(value, "name") {
        return base::text::collapse(&name).into_owned();
    }
    context.find(Code::NoName, "name", format!("the place '{id}' has no name"));
    id.to_owned()
}

/// Facility or jurisdiction, and the code that says more than that: a level such as `district`, a type such as
/// `HOSP`. mCSD marks both kinds with a code of its own in `type`; the physical type `jdn` is a jurisdiction too.
fn kind(value: &Value) -> (PlaceKind, Option<Coded>) {
    let mut jurisdiction = false;
    let mut level: Option<Coded> = None;
    for concept in element::list(value, "type") {
        for coding in element::list(concept, "coding") {
            let system = element::text(coding, "system").unwrap_or_default();
            let Some(code) = element::text(coding, "code") else { continue };
            if code.starts_with("urn:ihe:iti:mcsd:") {
                jurisdiction |= code.ends_with(":jurisdiction");
                continue;
            }
            jurisdiction |= system.contains("jurisdiction") || code == "jurisdiction";
            if level.is_none() {
                let label = element::text(concept, "text").or_else(|| element::text(coding, "display"));
                level = Some(Coded {
                    system: Some(system).filter(|system| !system.is_empty()),
                    label: label.unwrap_or_else(|| code.clone()),
                    code,
                });
            }
        }
        if level.is_none() && element::list(concept, "coding").is_empty() {
            level = element::coded(concept);
        }
    }
    for coding in value.get("physicalType").map_or(&[][..], |physical| element::list(physical, "coding")) {
        let code = element::text(coding, "code");
        jurisdiction |= matches!(code.as_deref(), Some("jdn" | "area"));
    }
    (if jurisdiction { PlaceKind::Jurisdiction } else { PlaceKind::Facility }, level)
}
