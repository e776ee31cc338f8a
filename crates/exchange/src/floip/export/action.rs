//! Actions as blocks.

use super::{BTreeMap, Draft, FlowExport, Node, Router, block_name, text_value};
use crate::floip::expression::field_key;
use crate::floip::ids;
use crate::floip::shape::LOG;
use serde_json::{Value, json};
use uuid::Uuid;

fn text<'v>(action: &'v Value, key: &str) -> &'v str {
    action.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl FlowExport<'_> {
    /// A block for each action, one for neighbours that set contact properties.
    pub(super) fn actions(&mut self, node: &Node, actions: &[&Value]) -> Vec<Draft> {
        let mut drafts: Vec<Draft> = Vec::new();
        let mut properties: Vec<Value> = Vec::new();
        for action in actions {
            if let Some(property) = self.property(node, action) {
                properties.push(property);
                continue;
            }
            self.set_properties(&mut properties, &mut drafts);
            match text(action, "type") {
                "send_msg" => {
                    let prompt = self.said(node, action);
                    let config = json!({"prompt": prompt, "message_audio": ""});
                    let name = self.name("message");
                    drafts.push(Draft { kind: "MobilePrimitives.Message", name, config, exits: None });
                }
                "set_run_result" => {
                    let name = block_name(text(action, "name"));
                    if !text(action, "category").is_empty() {
                        self.leave_out(node, Some(action), "the category of a result has no place");
                    }
                    if let Some(value) = self.value(node, action, text(action, "value")) {
                        drafts.push(Draft { kind: "Core.Output", name, config: json!({"value": value}), exits: None });
                    }
                }
                "set_run_local" if text(action, "local") == LOG && text(action, "operation") == "set" => {
                    match self.floip().template(text(action, "value")) {
                        Ok(message) => {
                            let name = self.name("log");
                            drafts.push(Draft {
                                kind: "Core.Log",
                                name,
                                config: json!({"message": message}),
                                exits: None,
                            });
                        }
                        Err(error) => self.refuse(node, Some(action), &error),
                    }
                }
                kind @ ("add_contact_groups" | "remove_contact_groups") => {
                    self.groups(node, action, kind == "add_contact_groups", &mut drafts);
                }
                _ => self.refuse(node, Some(action), "no block does this"),
            }
        }
        self.set_properties(&mut properties, &mut drafts);
        drafts
    }

    fn set_properties(&mut self, properties: &mut Vec<Value>, drafts: &mut Vec<Draft>) {
        let set = match properties.len() {
            0 => return,
            1 => properties.remove(0),
            _ => Value::Array(std::mem::take(properties)),
        };
        let name = self.name("set_property");
        let config = json!({"set_contact_property": set});
        drafts.push(Draft { kind: "Core.SetContactProperty", name, config, exits: None });
    }

    /// What an action that sets a contact property sets.
    fn property(&mut self, node: &Node, action: &Value) -> Option<Value> {
        let (key, source) = match text(action, "type") {
            "set_contact_name" => ("name".to_owned(), text(action, "name")),
            "set_contact_language" => ("language".to_owned(), text(action, "language")),
            "set_contact_timezone" => ("timezone".to_owned(), text(action, "timezone")),
            "set_contact_field" => {
                let field = action.get("field")?;
                let (key, name) = (text(field, "key"), text(field, "name"));
                // The name is what people know; others make the same key of it only if it is like ours.
                let known = field_key(name) == key && !["name", "language", "timezone"].contains(&name);
                (if known { name } else { key }.to_owned(), text(action, "value"))
            }
            _ => return None,
        };
        let value = self.value(node, action, source)?;
        Some(json!({"property_key": key, "property_value": value}))
    }

    /// A value as an expression; refused if it has no words.
    fn value(&mut self, node: &Node, action: &Value, source: &str) -> Option<String> {
        match self.floip().value(source) {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(node, Some(action), &error);
                None
            }
        }
    }

    fn groups(&mut self, node: &Node, action: &Value, member: bool, drafts: &mut Vec<Draft>) {
        if action.get("all_groups") == Some(&Value::Bool(true)) {
            return self.refuse(node, Some(action), "no block takes a contact out of all groups");
        }
        for group in action.get("groups").and_then(Value::as_array).into_iter().flatten() {
            let (uuid, name) = (text(group, "uuid"), text(group, "name"));
            if uuid.is_empty() {
                self.refuse(node, Some(action), "a group that is found by a computed name has no place");
                continue;
            }
            let config = json!({"group_key": uuid, "group_name": name, "is_member": member});
            let name = self.name("set_group");
            drafts.push(Draft { kind: "Core.SetGroupMembership", name, config, exits: None });
        }
    }

    /// The resource of what an action says.
    pub(super) fn said(&mut self, node: &Node, action: &Value) -> Uuid {
        let uuid = text(action, "uuid").parse().unwrap_or(node.uuid);
        let resource = ids::part_of(uuid, "said");
        let own = self.template(node, action, text(action, "text"));
        let mut values = Vec::new();
        let list = |value: Option<&Value>| -> Vec<String> {
            let items = value.and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        if !own.trim().is_empty() {
            values.push(text_value(&self.definition.language, &own));
        }
        let language = self.definition.language.clone();
        self.media(node, action, &language, &list(action.get("attachments")), &mut values);
        for (language, texts) in self.definition.translations(uuid, "text") {
            let said = self.template(node, action, &texts[0]);
            values.push(text_value(&language, &said));
        }
        for (language, attachments) in self.definition.translations(uuid, "attachments") {
            self.media(node, action, &language, &attachments, &mut values);
        }
        if !list(action.get("quick_replies")).is_empty() {
            self.leave_out(node, Some(action), "quick replies have no place; choices of a question do their work");
        }
        if action.get("template").is_some_and(|template| !template.is_null()) {
            self.leave_out(node, Some(action), "the message template of the channel has no place; the text stays");
        }
        self.resources.push(json!({"uuid": resource, "values": values}));
        resource
    }

    fn media(&mut self, node: &Node, action: &Value, language: &str, attachments: &[String], values: &mut Vec<Value>) {
        for attachment in attachments {
            let (kind, url) = attachment.split_once(':').unwrap_or(("", attachment));
            let content = match kind.split('/').next().unwrap_or_default() {
                "audio" => "AUDIO",
                "image" => "IMAGE",
                "video" => "VIDEO",
                _ => {
                    let what = format!("an attachment of type '{kind}' has no place");
                    self.refuse(node, Some(action), &what);
                    continue;
                }
            };
            let url = self.template(node, action, url);
            let mut value = json!({
                "language_id": language, "content_type": content, "modes": ["RICH_MESSAGING"], "value": url,
            });
            if kind.contains('/') {
                value["mime_type"] = json!(kind);
            }
            values.push(value);
        }
    }

    fn template(&mut self, node: &Node, action: &Value, source: &str) -> String {
        self.floip().template(source).unwrap_or_else(|error| {
            self.refuse(node, Some(action), &error);
            String::new()
        })
    }

    /// Another flow, and what follows when it has ended.
    pub(super) fn run_flow(&mut self, node: &Node, router: Option<&Router>, action: &Value) -> Option<Draft> {
        let flow = action.get("flow").map_or("", |flow| text(flow, "uuid"));
        let config = json!({"flow_id": flow});
        let name = self.name("run_flow");
        let draft = |exits| Some(Draft { kind: "Core.RunFlow", name, config, exits: Some(exits) });
        let terminal = action.get("terminal") == Some(&Value::Bool(true));
        let Some(router) = router.filter(|_| !terminal) else {
            let exit = &node.exits[0];
            let destination = exit.destination_uuid.filter(|_| !terminal);
            let exits = vec![self.way(exit.uuid, destination, "Default", &BTreeMap::new(), None, true, false)];
            return draft(exits);
        };
        let status = matches!(router.operand.trim(), "@child.status" | "@child.run.status" | "@(child.status)");
        let exit_of = |status: &str| {
            let case = router.cases.iter().find(|case| case.kind == "has_only_text" && case.arguments == [status]);
            let category = case.and_then(|case| router.category(case.category_uuid)).or(router.default_category());
            category.map(|category| category.exit_uuid)
        };
        let (Some(done), Some(failed), true) = (exit_of("completed"), exit_of("expired"), status) else {
            self.refuse(node, Some(action), "what follows another flow can depend only on whether it was completed");
            return None;
        };
        let mut exits = Vec::new();
        if failed != done {
            exits.push(self.way(failed, node.destination(failed), "Error", &BTreeMap::new(), None, false, false));
        }
        exits.push(self.way(done, node.destination(done), "Default", &BTreeMap::new(), None, true, false));
        draft(exits)
    }
}
