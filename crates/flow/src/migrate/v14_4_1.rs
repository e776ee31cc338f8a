//! 14.4.1: all nodes that call webhooks route on the status.

use super::edit::Definition;
use super::v14_1_0::{has_cases, has_one, keep_first_case};
use serde_json::{Value, json};

pub(super) fn migrate(definition: &mut Definition<'_>) {
    let mut replaced = Vec::new();
    for node in definition.nodes() {
        if !has_one(node, &["call_webhook", "call_resthook"]) {
            continue;
        }
        let Some(router) = node.get_mut("router").and_then(Value::as_object_mut) else { continue };
        if has_cases(router) {
            replaced.extend(keep_first_case(router, "@webhook.status", "has_number_between", json!(["200", "299"])));
        }
    }
    for (_, items) in definition.languages() {
        for uuid in &replaced {
            let Some(item) = items.get_mut(uuid).and_then(Value::as_object_mut) else { continue };
            item.remove("arguments");
            if item.is_empty() {
                items.remove(uuid);
            }
        }
    }
}
