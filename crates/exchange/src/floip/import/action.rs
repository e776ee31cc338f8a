//! Blocks that do something and go on.

use super::text::Said;
use super::{Block, FlowImport, Node, WayOut, field_of, only_exit, properties};
use crate::floip::expression::literal;
use crate::floip::shape::{self, LOG};
use crate::floip::{ids, model};
use serde_json::{Value, json};
use uuid::Uuid;

/// Longest template of a definition, in characters.
const MAX_TEMPLATE: usize = 10_000;

impl FlowImport<'_> {
    /// A node with actions that is left by one exit.
    pub(super) fn actions(&mut self, block: &Block, actions: Vec<Value>) {
        let only = only_exit(block);
        for (at, exit) in block.exits.iter().enumerate() {
            let elsewhere = only.is_some_and(|only| block.exits[only].destination != exit.destination);
            if Some(at) != only && elsewhere && !exit.destination.is_empty() {
                let what = format!("its exit '{}' is never taken: nothing can fail there", exit.tag);
                self.problem(Some(block), &what, "Nothing has to be done unless more was meant.");
            }
        }
        let exit = match only {
            Some(at) => self.exit(block, at),
            None => {
                WayOut { uuid: self.fresh(ids::part_of(block.uuid, "end")), destination: None, from_document: false }
            }
        };
        self.node(
            block,
            Node {
                uuid: block.uuid,
                actions,
                router: None,
                exits: vec![exit],
                kind: "execute_actions",
                below: 0,
                last: true,
            },
        );
    }

    pub(super) fn message(&mut self, block: &Block, keys: &[&str]) {
        let said = self.prompt(block, keys);
        let actions = said.map_or_else(Vec::new, |said| vec![self.send(block, &said)]);
        self.actions(block, actions);
    }

    /// What a block says, from the first of these places of its configuration that says something.
    pub(super) fn prompt(&mut self, block: &Block, keys: &[&str]) -> Option<Said> {
        let references: Vec<String> =
            keys.iter().map(|key| model::text(block.config.get(*key))).filter(|text| !text.is_empty()).collect();
        let found = references.iter().filter_map(|reference| self.said(reference)).find(|said| !said.is_empty());
        if found.is_none() && !references.is_empty() {
            let what = format!("it has no text in {}; nothing is said", self.languages[0].1);
            self.problem(Some(block), &what, "Give its resource a text for SMS.");
        }
        found
    }

    /// The action that says something.
    pub(super) fn send(&mut self, block: &Block, said: &Said) -> Value {
        let uuid = self.fresh(ids::part_of(block.uuid, "message"));
        let own = self.template(block, &said.own);
        let others: Vec<(String, Value)> = said
            .others
            .iter()
            .map(|(language, text)| (language.clone(), json!([self.template(block, text)])))
            .collect();
        self.translate(uuid, "text", others);
        let attachments: Vec<String> = said.attachments.iter().map(|text| self.template(block, text)).collect();
        let others: Vec<(String, Value)> = said
            .other_attachments
            .iter()
            .map(|(language, list)| {
                let list: Vec<String> = list.iter().map(|text| self.template(block, text)).collect();
                (language.clone(), json!(list))
            })
            .collect();
        self.translate(uuid, "attachments", others);
        // A message must have a text, though it may be that of its picture alone.
        let text = if own.is_empty() { " ".to_owned() } else { own };
        json!({"uuid": uuid, "type": "send_msg", "text": text, "attachments": attachments, "quick_replies": []})
    }

    fn template(&mut self, block: &Block, source: &str) -> String {
        let text = self.with_expressions(block, None, |expressions| expressions.template(source));
        if text.chars().count() <= MAX_TEMPLATE {
            return text;
        }
        self.problem(Some(block), "its text is longer than 10000 characters and is cut", "Divide the text.");
        literal(&source.chars().take(MAX_TEMPLATE / 2).collect::<String>())
    }

    /// A value or a test, or what stands for it when it is longer than definitions allow.
    pub(super) fn bounded(&mut self, block: &Block, text: String, otherwise: &str) -> String {
        if text.chars().count() <= MAX_TEMPLATE {
            return text;
        }
        let what = "it has an expression of more than 10000 characters, which says nothing";
        self.problem(Some(block), what, "Divide the expression.");
        otherwise.to_owned()
    }

    pub(super) fn output(&mut self, block: &Block) {
        let value = model::text(block.config.get("value"));
        let name = self.named(block).map_or_else(String::new, |named| named.result);
        let value = self.with_expressions(block, None, |expressions| expressions.value(&value));
        let value = self.bounded(block, value, "");
        let uuid = self.fresh(ids::part_of(block.uuid, "result"));
        self.actions(
            block,
            vec![json!({"uuid": uuid, "type": "set_run_result", "name": name, "value": value, "category": ""})],
        );
    }

    pub(super) fn log(&mut self, block: &Block) {
        let reference = model::text(block.config.get("message"));
        let said = self.said(&reference).unwrap_or_default();
        let value = self.with_expressions(block, None, |expressions| expressions.template(&said.own));
        let value: String = value.chars().take(1000).collect();
        let uuid = self.fresh(ids::part_of(block.uuid, "log"));
        self.actions(
            block,
            vec![json!({"uuid": uuid, "type": "set_run_local", "local": LOG, "value": value, "operation": "set"})],
        );
    }

    pub(super) fn set_property(&mut self, block: &Block) {
        let properties = properties(block);
        let actions = self.property_actions(block, block.uuid, &properties);
        self.actions(block, actions);
    }

    pub(super) fn property_actions(
        &mut self,
        block: &Block,
        node: Uuid,
        properties: &[(String, String)],
    ) -> Vec<Value> {
        let current = self.named(block);
        let mut actions = Vec::with_capacity(properties.len());
        for (at, (key, value)) in properties.iter().enumerate() {
            let value = self.with_expressions(block, current.as_ref(), |expressions| expressions.value(value));
            let value = self.bounded(block, value, "");
            let uuid = self.fresh(ids::part_of(node, &format!("property {at}")));
            actions.push(match key.as_str() {
                "name" | "language" | "timezone" => {
                    json!({"uuid": uuid, "type": format!("set_contact_{key}"), key: value})
                }
                _ => {
                    let (key, name) = field_of(key);
                    self.fields.insert(key.clone(), name.clone());
                    json!({"uuid": uuid, "type": "set_contact_field", "field": {"key": key, "name": name}, "value": value})
                }
            });
        }
        actions
    }

    pub(super) fn set_group(&mut self, block: &Block) {
        let key = model::text(block.config.get("group_key"));
        let member = match block.config.get("is_member") {
            Some(Value::Bool(member)) => Some(*member),
            Some(Value::Null) | None => None,
            Some(other) => match model::text(Some(other)).to_lowercase().as_str() {
                "true" | "@(true)" | "1" => Some(true),
                "false" | "@(false)" | "0" => Some(false),
                _ => {
                    let what = "whether the contact becomes a member is computed (is_member); the group stays as it is";
                    self.problem(Some(block), what, "Branch with a case block and set the membership in each branch.");
                    None
                }
            },
        };
        let Some(member) = member.filter(|_| !key.is_empty()) else { return self.actions(block, Vec::new()) };
        let group = ids::read(&key).unwrap_or_else(|| ids::of_name("floip group", &key));
        let name = match model::text(block.config.get("group_name")) {
            name if name.is_empty() => shape::short(&key),
            name => shape::short(&name),
        };
        self.groups.entry(group).or_insert_with(|| name.clone());
        let kind = if member { "add_contact_groups" } else { "remove_contact_groups" };
        let uuid = self.fresh(ids::part_of(block.uuid, "group"));
        self.actions(block, vec![json!({"uuid": uuid, "type": kind, "groups": [{"uuid": group, "name": name}]})]);
    }

    pub(super) fn run_flow(&mut self, block: &Block) {
        let id = model::text(block.config.get("flow_id"));
        let known = self.flows.get(&id).cloned();
        if known.is_none() {
            let what = format!(
                "the flow {id} that it runs is not in this document; the conversation fails there until it is imported"
            );
            self.problem(Some(block), &what, "Import that flow too.");
        }
        let (flow, name) = known.unwrap_or_else(|| {
            (ids::read(&id).unwrap_or_else(|| ids::of_name("floip flow", &id)), "Missing flow".to_owned())
        });
        let action = self.fresh(ids::part_of(block.uuid, "run"));
        let actions = vec![
            json!({"uuid": action, "type": "enter_flow", "flow": {"uuid": flow, "name": name}, "terminal": false}),
        ];
        let failed = block.exits.iter().position(|exit| !exit.default && is_error(&exit.tag));
        let done = block
            .exits
            .iter()
            .position(|exit| exit.default)
            .or_else(|| (0..block.exits.len()).find(|at| Some(*at) != failed));
        let complete = ids::part_of(block.uuid, "complete");
        let expired = ids::part_of(block.uuid, "expired");
        let mut exits = Vec::new();
        let done_exit = match done {
            Some(at) => self.exit(block, at),
            None => {
                WayOut { uuid: self.fresh(ids::part_of(block.uuid, "end")), destination: None, from_document: false }
            }
        };
        let done_uuid = done_exit.uuid;
        exits.push(done_exit);
        let failed_uuid = match failed {
            Some(at) => {
                let way = self.exit(block, at);
                let uuid = way.uuid;
                exits.push(way);
                uuid
            }
            None => done_uuid,
        };
        let case = |category: Uuid, status: &str| json!({"uuid": ids::part_of(category, "case"), "type": "has_only_text", "arguments": [status], "category_uuid": category});
        let router = json!({
            "type": "switch", "operand": "@child.status",
            "cases": [case(complete, "completed"), case(expired, "expired")],
            "categories": [
                {"uuid": complete, "name": "Complete", "exit_uuid": done_uuid},
                {"uuid": expired, "name": "Expired", "exit_uuid": failed_uuid},
            ],
            "default_category_uuid": expired,
        });
        let node = Node {
            uuid: block.uuid,
            actions,
            router: Some(router),
            exits,
            kind: "split_by_subflow",
            below: 0,
            last: true,
        };
        self.node(block, node);
    }
}

/// Whether an exit is for what went wrong, by its tag.
pub(super) fn is_error(tag: &str) -> bool {
    let tag = tag.to_lowercase();
    ["error", "invalid", "fail", "timeout", "no response", "noresponse", "expired"]
        .iter()
        .any(|word| tag.contains(word))
}
