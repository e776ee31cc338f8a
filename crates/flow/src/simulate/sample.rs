//! A made-up conversation of two questions, in the sizes that a measurement needs.

use super::{Case, SimulateError};
use crate::assets::{Assets, AssetsError};
use serde_json::{Value, json};
use uuid::Uuid;

/// How large the surroundings of a sample conversation are. The conversation itself is always the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Nodes of all flows; one flow holds at most 1,000 of them.
    pub nodes: usize,
    /// Fields of the contact, all with values.
    pub fields: usize,
    /// Groups; three in ten are smart, and the contact is in half of the others.
    pub groups: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { nodes: 5, fields: 5, groups: 10 }
    }
}

const FLOW: u128 = 1 << 32;
const NODE: u128 = 2 << 32;
const ACTION: u128 = 3 << 32;
const EXIT: u128 = 4 << 32;
const CATEGORY: u128 = 5 << 32;
const CASE: u128 = 6 << 32;
const GROUP: u128 = 7 << 32;
const OTHER: u128 = 8 << 32;

const MAX_NODES: usize = 1_000;
const NOW: &str = "2026-01-12T09:00:00Z";

fn id(kind: u128, n: usize) -> Uuid {
    Uuid::from_u128(0x0192_f3a0_0000_7000_8000_0000_0000_0000 + kind + n as u128)
}

fn message(n: usize, text: &str, to: usize) -> Value {
    json!({
        "uuid": id(NODE, n),
        "actions": [{"uuid": id(ACTION, n), "type": "send_msg", "text": text}],
        "exits": [{"uuid": id(EXIT, 10 * n), "destination_uuid": id(NODE, to)}]
    })
}

/// A question with its answers: a test, its argument and the category each; the last category takes the rest.
fn question(n: usize, text: &str, result: &str, answers: &[(&str, &[&str], &str)], to: usize) -> Value {
    let category = |i: usize, name: &str| json!({"uuid": id(CATEGORY, 10 * n + i), "name": name, "exit_uuid": id(EXIT, 10 * n + i)});
    let names = answers.iter().map(|(_, _, name)| *name).chain(["Other"]);
    let cases = answers.iter().enumerate().map(|(i, (test, arguments, _))| {
        json!({"uuid": id(CASE, 10 * n + i), "type": test, "arguments": arguments, "category_uuid": id(CATEGORY, 10 * n + i)})
    });
    let exits = (0..=answers.len()).map(|i| json!({"uuid": id(EXIT, 10 * n + i), "destination_uuid": id(NODE, to)}));
    json!({
        "uuid": id(NODE, n),
        "actions": [{"uuid": id(ACTION, n), "type": "send_msg", "text": text, "quick_replies": ["Yes", "No"]}],
        "router": {
            "type": "switch",
            "operand": "@input",
            "wait": {"type": "msg"},
            "result_name": result,
            "categories": names.enumerate().map(|(i, name)| category(i, name)).collect::<Vec<_>>(),
            "cases": cases.collect::<Vec<_>>(),
            "default_category_uuid": id(CATEGORY, 10 * n + answers.len())
        },
        "exits": exits.collect::<Vec<_>>()
    })
}

/// The flows: the first holds the conversation, spread over all of its nodes; the others only take room.
fn flows(nodes: usize) -> Value {
    let mut flows = Vec::new();
    let mut made = 0;
    while made < nodes.max(5) {
        let count = (nodes.max(5) - made).min(MAX_NODES);
        let padding = |n: usize| message(n, "Thank you, @contact.first_name.", made + (n - made + 1) % count);
        let mut list: Vec<Value> = (made..made + count).map(padding).collect();
        if made == 0 {
            let (second, end) = (count / 2, count - 1);
            let yes_no: [(&str, &[&str], &str); 2] =
                [("has_any_word", &["yes y"], "Yes"), ("has_any_word", &["no n"], "No")];
            list[0] = question(
                0,
                "Hello @contact.first_name. Did you see patients with fever today?",
                "Fever",
                &yes_no,
                second,
            );
            let text = "You said @results.fever.category_localized. Is there @fields.field_1 at @(upper(contact.name))'s post?";
            list[second] = question(second, text, "Stock", &yes_no, end);
            list[end] = json!({"uuid": id(NODE, end), "exits": [{"uuid": id(EXIT, 10 * end)}]});
        }
        flows.push(json!({
            "uuid": id(FLOW, flows.len()), "name": "Weekly report", "spec_version": "14.4.2", "language": "eng",
            "type": "messaging", "revision": 12,
            "localization": {"fra": {id(CATEGORY, 0).to_string(): {"name": ["Oui"]}}},
            "nodes": list
        }));
        made += count;
    }
    Value::from(flows)
}

fn groups(count: usize) -> impl Iterator<Item = Value> {
    (0..count).map(|n| {
        let query = if n % 10 < 3 {
            format!("fields.field_1 = \"{n}\" OR (language = \"eng\" AND fields.field_2 > {n})")
        } else {
            String::new()
        };
        json!({"uuid": id(GROUP, n), "name": format!("Group {n}"), "query": query})
    })
}

/// The assets and the conversation.
pub fn sample(size: Size) -> Result<(Assets, Case), SampleError> {
    let fields = (0..size.fields).map(|n| {
        let kind = if n % 2 == 0 { "number" } else { "text" };
        json!({"uuid": id(OTHER, 1_000 + n), "key": format!("field_{n}"), "name": format!("Field {n}"), "type": kind})
    });
    let values = (0..size.fields).map(|n| (format!("field_{n}"), json!({"text": n.to_string(), "number": n})));
    let channel = json!({"uuid": id(OTHER, 1), "name": "Operator"});
    let assets = json!({
        "flows": flows(size.nodes),
        "fields": fields.collect::<Vec<_>>(),
        "groups": groups(size.groups).collect::<Vec<_>>(),
        "channels": [{
            "uuid": id(OTHER, 1), "name": "Operator", "address": "4321", "schemes": ["tel"],
            "roles": ["send", "receive"], "country": "LR"
        }]
    });
    let member = |group: &Value| json!({"uuid": group["uuid"], "name": group["name"]});
    let manual = groups(size.groups).enumerate().filter(|(n, _)| n % 10 >= 3 && n % 2 == 0);
    let answer = |text: &str, n: usize| {
        json!({
            "type": "msg", "resumed_on": NOW,
            "event": {
                "type": "msg_received", "uuid": id(OTHER, n), "created_on": NOW,
                "msg": {"urn": "tel:+231990000001", "channel": channel, "text": text}
            }
        })
    };
    let case = json!({
        "environment": {"allowed_languages": ["eng", "fra"], "timezone": "Africa/Monrovia"},
        "contact": {
            "uuid": id(OTHER, 2), "id": 1234, "name": "Ama Kollie", "language": "fra", "status": "active",
            "created_on": NOW, "urns": ["tel:+231990000001"],
            "groups": manual.map(|(_, group)| member(&group)).collect::<Vec<_>>(),
            "fields": values.collect::<serde_json::Map<_, _>>()
        },
        "trigger": {"type": "manual", "flow": {"uuid": id(FLOW, 0), "name": "Weekly report"}, "triggered_on": NOW},
        "resumes": [answer("Yes, three", 10), answer("no", 11)],
        "now": NOW
    });
    Ok((Assets::read(&assets)?, Case::read(&case.to_string())?))
}

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Its assets can't be read.
    #[error(transparent)]
    Assets(#[from] AssetsError),
    /// Its conversation can't be read.
    #[error(transparent)]
    Case(#[from] SimulateError),
}
