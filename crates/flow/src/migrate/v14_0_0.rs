//! 14.0.0: expirations are bounded, and every category has a name.

use super::edit::{Definition, objects, text};
use serde_json::Value;

pub(super) fn migrate(definition: &mut Definition<'_>) {
    let max = match text(definition.root, "type") {
        "messaging" => 20_160,
        "voice" => 15,
        _ => 0,
    };
    if let Some(minutes) = definition.root.get_mut("expire_after_minutes")
        && minutes.as_f64().is_some_and(|m| m > f64::from(max))
    {
        *minutes = Value::from(max);
    }
    for node in definition.nodes() {
        let Some(router) = node.get_mut("router").and_then(Value::as_object_mut) else { continue };
        for category in objects(router, "categories").filter(|c| text(c, "name").is_empty()) {
            category.insert("name".to_owned(), Value::String("Match".to_owned()));
        }
    }
}
