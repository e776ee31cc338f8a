//! 14.4.2: a webhook that wasn't called has the status 0.

use super::edit::{Definition, text};
use super::v14_1_0::has_one;
use serde_json::Value;

pub(super) fn migrate(definition: &mut Definition<'_>) {
    for node in definition.nodes() {
        if !has_one(node, &["call_webhook", "call_resthook"]) {
            continue;
        }
        let Some(router) = node.get_mut("router").and_then(Value::as_object_mut) else { continue };
        if text(router, "operand") == "@webhook.status" {
            router.insert("operand".to_owned(), Value::String("@(default(webhook.status, 0))".to_owned()));
        }
    }
}
