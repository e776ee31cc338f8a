//! The workers who are asked, and the flow that asks them.

use serde_json::{Value, json};
use std::fmt::Write as _;

/// How many questions a conversation has.
pub(super) const STEPS: usize = 12;

/// The number of a worker's phone, from 1.
pub(super) fn phone(number: u64) -> String {
    format!("+231{}", 990_600_000 + number)
}

/// The workers as a file to import.
pub(super) fn workers(count: u64) -> String {
    let mut csv = "id,name,phone,cadre\n".to_owned();
    for number in 1..=count {
        let _ = writeln!(csv, "W{number},Worker {number},{},Nurse", phone(number));
    }
    csv
}

/// A flow whose every message carries a token.
pub(super) fn questions() -> Value {
    let id = |kind: u32, number: usize| format!("00000000-0000-4000-9000-{kind:04x}{number:08x}");
    let nodes: Vec<Value> = (1..=STEPS + 1)
        .map(|number| {
            let last = number > STEPS;
            let text = if last {
                format!("Thank you. [kchaos s{number} end]")
            } else {
                format!("Question {number}: how many beds does the ward have? [kchaos s{number}]")
            };
            let mut node = json!({
                "uuid": id(1, number),
                "actions": [{ "type": "send_msg", "uuid": id(2, number), "text": text }],
                "exits": [{ "uuid": id(3, number) }],
            });
            if !last {
                node["exits"][0]["destination_uuid"] = json!(id(1, number + 1));
                node["router"] = json!({
                    "type": "switch", "operand": "@input.text", "result_name": format!("question {number}"),
                    "wait": { "type": "msg" }, "default_category_uuid": id(4, number), "cases": [],
                    "categories": [{ "uuid": id(4, number), "name": "All Responses", "exit_uuid": id(3, number) }],
                });
            }
            node
        })
        .collect();
    json!({
        "version": "13", "site": "https://mhero.example.org", "campaigns": [], "fields": [], "groups": [], "triggers": [],
        "flows": [{
            "uuid": id(9, 1), "name": "Chaos", "spec_version": "13.1.0", "language": "eng", "type": "messaging",
            "nodes": nodes,
        }],
    })
}
