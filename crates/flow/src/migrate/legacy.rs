//! Legacy definitions (versions 10 and 11): action sets and rule sets.

use super::Result;
use crate::definition::DefinitionError;
use serde_json::Value;

/// Whether this is a legacy definition: it has sets or a flow type, and no version of today's kind.
pub(super) fn is_legacy(source: &Value) -> bool {
    let has = |key: &str| source.get(key).is_some();
    (has("action_sets") || has("rule_sets") || has("flow_type")) && !has("spec_version")
}

/// Converts a legacy definition to version 13.0.0.
pub(super) fn convert(_: &Value, _: &str) -> Result<Value> {
    Err(DefinitionError::new("legacy definitions (version 10 and 11) can't be converted yet"))
}
