//! 13.4.0: the variables of a template are parameters of its component `body`.

use super::edit::{Definition, text};
use serde_json::{Value, json};

pub(super) fn migrate(definition: &mut Definition<'_>) {
    let count = definition.actions().count();
    let uuids: Vec<String> = (0..count).map(|_| definition.uuid()).collect();
    let mut moved = Vec::new();
    for (action, uuid) in definition.actions().zip(uuids) {
        if text(action, "type") != "send_msg" {
            continue;
        }
        let Some(templating) = action.get_mut("templating").and_then(Value::as_object_mut) else { continue };
        let old = templating.remove("uuid").and_then(|u| u.as_str().map(str::to_owned));
        let variables = templating.remove("variables").unwrap_or_else(|| json!([]));
        if variables.as_array().is_some_and(|v| !v.is_empty()) {
            templating.insert("components".to_owned(), json!([{"uuid": uuid, "name": "body", "params": variables}]));
            moved.extend(old.map(|old| (old, uuid)));
        }
    }
    for (_, items) in definition.languages() {
        for (old, new) in &moved {
            let Some(item) = items.get_mut(old).and_then(Value::as_object_mut) else { continue };
            if let Some(variables) = item.remove("variables") {
                if item.is_empty() {
                    items.remove(old);
                }
                items.insert(new.clone(), json!({"params": variables}));
            }
        }
    }
}
