//! Migrations: older definitions, step by step, to the newest version.


use crate::definition::DefinitionError;
use serde_json::Value;

type Result<T> = std::result::Result<T, DefinitionError>;


/// Migrates a definition to the newest version.
pub(crate) fn to_newest(source: &Value) -> Result<Value> {
    Ok(source.clone())
}
