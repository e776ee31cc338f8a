//! 14.3.0: nodes that open tickets or pay airtime route on a local of the run.

use super::edit::{Definition, objects, text};
use super::v14_1_0::{has_cases, has_one, keep_first_case};
use serde_json::{Value, json};

pub(super) fn migrate(definition: &mut Definition<'_>) {
    for node in definition.nodes() {
        let kinds = ["open_ticket", "transfer_airtime"];
        if !has_one(node, &kinds) {
            continue;
        }
        let switches = |r: &Value| r.as_object().is_some_and(|r| has_cases(r) && text(r, "operand").starts_with("@results."));
        if !node.get("router").is_some_and(switches) {
            continue;
        }
        let Some(action) = objects(node, "actions").find(|a| kinds.contains(&text(a, "type"))) else { continue };
        let operand = if text(action, "type") == "open_ticket" { "@locals._new_ticket" } else { "@locals._new_transfer" };
        let result_name = action.remove("result_name");
        let Some(router) = node.get_mut("router").and_then(Value::as_object_mut) else { continue };
        keep_first_case(router, operand, "has_text", json!([]));
        if let Some(name) = result_name.filter(|n| n.as_str().is_some_and(|n| !n.is_empty())) {
            router.insert("result_name".to_owned(), name);
        }
    }
}
