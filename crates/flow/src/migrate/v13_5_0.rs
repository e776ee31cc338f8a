//! 13.5.0: a message has a `template` and `template_variables` of its own.

use super::edit::{Definition, objects, text};
use serde_json::{Value, json};

struct Moved {
    action: String,
    /// UUID and parameters of each component.
    components: Vec<(String, Vec<Value>)>,
}

fn list(value: Option<&Value>) -> Vec<Value> {
    value.and_then(Value::as_array).cloned().unwrap_or_default()
}

pub(super) fn migrate(definition: &mut Definition<'_>) {
    let mut moved = Vec::new();
    for action in definition.actions() {
        if text(action, "type") != "send_msg" {
            continue;
        }
        let Some(Value::Object(mut templating)) = action.remove("templating") else { continue };
        let mut components: Vec<(String, Vec<Value>)> = Vec::new();
        for component in objects(&mut templating, "components") {
            components.push((text(component, "uuid").to_owned(), list(component.get("params"))));
        }
        let all: Vec<Value> = components.iter().flat_map(|(_, params)| params.clone()).collect();
        if let Some(template) = templating.remove("template") {
            action.insert("template".to_owned(), template);
        }
        if !all.is_empty() {
            action.insert("template_variables".to_owned(), Value::Array(all));
        }
        moved.push(Moved { action: text(action, "uuid").to_owned(), components });
    }
    for (_, items) in definition.languages() {
        for Moved { action, components } in &moved {
            let mut translated = false;
            let mut all = Vec::new();
            for (uuid, base) in components {
                let own = items.remove(uuid).map(|item| list(item.get("params"))).filter(|params| !params.is_empty());
                translated |= own.is_some();
                all.extend(own.unwrap_or_else(|| base.clone()));
            }
            if translated {
                let item = items.entry(action.clone()).or_insert_with(|| json!({}));
                if let Some(item) = item.as_object_mut() {
                    item.insert("template_variables".to_owned(), Value::Array(all));
                }
            }
        }
    }
}
