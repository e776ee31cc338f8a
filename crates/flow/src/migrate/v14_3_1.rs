//! 14.3.1: tests on words take all of them as one argument.

use super::edit::{Definition, objects, text};
use serde_json::Value;

const TESTS: [&str; 7] = [
    "has_only_text",
    "has_phrase",
    "has_only_phrase",
    "has_any_word",
    "has_all_words",
    "has_beginning",
    "has_pattern",
];

fn join(arguments: Option<&mut Value>) {
    if let Some(Value::Array(items)) = arguments
        && items.len() > 1
    {
        let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        *items = vec![Value::String(texts.join(" "))];
    }
}

pub(super) fn migrate(definition: &mut Definition<'_>) {
    let mut joined = Vec::new();
    for node in definition.nodes() {
        let Some(router) = node.get_mut("router").and_then(Value::as_object_mut) else { continue };
        for case in objects(router, "cases").filter(|c| TESTS.contains(&text(c, "type"))) {
            join(case.get_mut("arguments"));
            joined.push(text(case, "uuid").to_owned());
        }
    }
    for (_, items) in definition.languages() {
        for uuid in &joined {
            if let Some(item) = items.get_mut(uuid).and_then(Value::as_object_mut) {
                join(item.get_mut("arguments"));
            }
        }
    }
}
