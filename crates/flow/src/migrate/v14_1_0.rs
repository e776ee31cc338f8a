//! 14.1.0: nodes that call webhooks route on the status; messages offer at most ten quick replies.

use super::edit::{Definition, Object, objects, text};
use serde_json::{Value, json};

/// Whether a node has exactly one action, of one of the kinds.
pub(super) fn has_one(node: &mut Object, kinds: &[&str]) -> bool {
    let mut actions = objects(node, "actions");
    actions.next().is_some_and(|a| kinds.contains(&text(a, "type"))) && actions.next().is_none()
}

/// Makes the first case of a switch on `operand` the only one; gives the UUIDs of all that there were.
pub(super) fn keep_first_case(router: &mut Object, operand: &str, kind: &str, arguments: Value) -> Vec<String> {
    router.insert("operand".to_owned(), Value::String(operand.to_owned()));
    let Some(Value::Array(cases)) = router.get_mut("cases") else { return Vec::new() };
    let uuids = cases.iter().filter_map(|c| c.get("uuid")?.as_str().map(str::to_owned)).collect();
    cases.truncate(1);
    if let Some(case) = cases.first_mut().and_then(Value::as_object_mut) {
        case.insert("type".to_owned(), Value::String(kind.to_owned()));
        case.insert("arguments".to_owned(), arguments);
    }
    uuids
}

pub(super) fn has_cases(router: &Object) -> bool {
    text(router, "type") == "switch" && router.get("cases").and_then(Value::as_array).is_some_and(|c| !c.is_empty())
}

pub(super) fn migrate(definition: &mut Definition<'_>) {
    for node in definition.nodes() {
        for action in objects(node, "actions").filter(|a| matches!(text(a, "type"), "send_msg" | "send_broadcast")) {
            if let Some(Value::Array(replies)) = action.get_mut("quick_replies") {
                replies.truncate(10);
            }
        }
        if !has_one(node, &["call_webhook", "call_resthook"]) {
            continue;
        }
        let Some(router) = node.get_mut("router").and_then(Value::as_object_mut) else { continue };
        if has_cases(router) && text(router, "operand").starts_with("@results.") {
            keep_first_case(router, "@webhook.status", "has_number_between", json!(["200", "299"]));
        }
    }
}
