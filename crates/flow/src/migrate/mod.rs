//! Migrations: older definitions, step by step, to the newest version. One file per step.

mod edit;
mod legacy;
pub mod legacy_expression;
mod version;

pub use version::Version;

use crate::definition::{DefinitionError, SPEC_VERSION};
use edit::Definition;
use serde_json::Value;

type Result<T> = std::result::Result<T, DefinitionError>;

macro_rules! steps {
    ($($module:ident $a:literal $b:literal $c:literal;)*) => {
        $(mod $module;)*

        /// The version a step leads to, and what it changes.
        const STEPS: &[(Version, fn(&mut Definition<'_>))] = &[$((Version($a, $b, $c), $module::migrate),)*];
    };
}

steps! {
    v13_1_0 13 1 0;
    v13_2_0 13 2 0;
    v13_3_0 13 3 0;
    v13_4_0 13 4 0;
    v13_5_0 13 5 0;
    v13_6_0 13 6 0;
    v13_6_1 13 6 1;
    v14_0_0 14 0 0;
    v14_1_0 14 1 0;
    v14_2_0 14 2 0;
    v14_3_0 14 3 0;
    v14_3_1 14 3 1;
    v14_4_0 14 4 0;
    v14_4_1 14 4 1;
    v14_4_2 14 4 2;
}

/// Where relative media paths of legacy definitions are joined to, when nothing else is given.
pub const MEDIA_URL: &str = "http://temba.io/";

/// The first version that isn't understood.
const TOO_NEW: Version = Version(14, 5, 0);

/// Migrates a definition to a version (the newest if none is given). A definition that is there already stays as it
/// is; a legacy one is converted first, and its relative media paths are joined to `media_url`.
pub fn migrate(source: &Value, to: Option<&str>, media_url: &str) -> Result<Value> {
    let unknown = |text: &str| DefinitionError::new(format!("'{text}' is not a version such as {SPEC_VERSION}"));
    let to = match to {
        None => None,
        Some(text) => Some(text.parse::<Version>().map_err(|()| unknown(text))?),
    };
    let mut definition = source.clone();
    if legacy::is_legacy(source) {
        definition = legacy::convert(source, media_url)?;
    }
    let Some(root) = definition.as_object_mut() else {
        return Err(DefinitionError::new("unable to read flow header: not a JSON object"));
    };
    let text = root.get("spec_version").and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() {
        return Err(DefinitionError::new("unable to read flow header: field 'spec_version' is required"));
    }
    let from: Version = text.parse().map_err(|()| unknown(text))?;
    if from < Version(11, 0, 0) {
        return Err(DefinitionError::new(format!("spec version {from} is older than 11.0.0")));
    }
    let mut edited = Definition::new(root);
    for (version, step) in STEPS {
        if *version > from && to.is_none_or(|to| *version <= to) {
            step(&mut edited);
            edited.root.insert("spec_version".to_owned(), Value::String(version.to_string()));
        }
    }
    Ok(definition)
}

/// Migrates a definition to the newest version; refuses one that is newer.
pub(crate) fn to_newest(source: &Value) -> Result<Value> {
    let migrated = migrate(source, None, MEDIA_URL)?;
    let version = migrated.get("spec_version").and_then(Value::as_str).unwrap_or_default();
    match version.parse::<Version>() {
        Ok(version) if version < TOO_NEW => Ok(migrated),
        _ => Err(DefinitionError::new(format!("spec version {version} is newer than this library ({SPEC_VERSION})"))),
    }
}
