//! 13.6.0: names of results have at most 64 bytes, categories at most 36.

use super::edit::{Definition, Object, objects, text};
use serde_json::Value;

const MAX_NAME: usize = 64;
const MAX_CATEGORY: usize = 36;

fn shorten(of: &mut Object, key: &str, max: usize) {
    if let Some(Value::String(text)) = of.get_mut(key)
        && text.len() > max
    {
        let end = (0..=max).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        *text = text[..end].trim().to_owned();
    }
}

pub(super) fn migrate(definition: &mut Definition<'_>) {
    for node in definition.nodes() {
        for action in objects(node, "actions").filter(|a| text(a, "type") == "set_run_result") {
            shorten(action, "name", MAX_NAME);
            shorten(action, "category", MAX_CATEGORY);
        }
        if let Some(router) = node.get_mut("router").and_then(Value::as_object_mut) {
            shorten(router, "result_name", MAX_NAME);
            objects(router, "categories").for_each(|category| shorten(category, "name", MAX_CATEGORY));
        }
    }
}
