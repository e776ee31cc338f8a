//! From our flows to FLOIP, strictly.

mod action;
pub(super) mod definition;
pub(super) mod question;
mod router;

use super::expression::{Block as Named, Kind, ToFloip};
use super::{SPECIFICATION_VERSION, ids, shape};
use definition::{Definition, Node, Router};
use jiff::Timestamp;
use question::Question;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// What FLOIP has no words for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unexpressible {
    /// The name of the flow.
    pub flow: String,
    /// The node, unless it is about the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Uuid>,
    /// The action: its id and its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<(String, String)>,
    /// What it is.
    pub what: String,
}

impl std::fmt::Display for Unexpressible {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "flow '{}'", self.flow)?;
        if let Some(node) = self.node {
            write!(f, ", node {node}")?;
        }
        if let Some((id, kind)) = &self.action {
            write!(f, ", action {kind} {id}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Flows that cannot be written as FLOIP: everything that stands against it.
#[derive(Debug, thiserror::Error)]
#[error("{} in FLOIP:\n{}", if .0.len() == 1 { "this cannot be said" } else { "these cannot be said" },
    .0.iter().map(|one| format!("  {one}")).collect::<Vec<_>>().join("\n"))]
pub struct Refused(pub Vec<Unexpressible>);

/// What is written beside the flows.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the container is called.
    pub name: String,
    /// When the flows were last changed.
    pub last_modified: Timestamp,
}

/// A container, and what was left out of it.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The container.
    pub container: Value,
    /// What others will not do as we do; the flow works without.
    pub left_out: Vec<Unexpressible>,
}

/// The modes that texts are for: one text serves all that are written.
const MODES: [&str; 4] = ["TEXT", "SMS", "USSD", "RICH_MESSAGING"];

/// Writes definitions, of any supported version, as one container of specification 1.0.0-rc4.
///
/// # Errors
/// [`Refused`], with every node and action that FLOIP has no words for.
pub fn export(definitions: &[Value], options: &Options) -> Result<Exported, Refused> {
    let (mut flows, mut resources, mut refused, mut left_out) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut id = String::new();
    for source in definitions {
        let definition = match Definition::read(source) {
            Ok(definition) => definition,
            Err(what) => {
                let flow = source.get("name").and_then(Value::as_str).unwrap_or("without a name").to_owned();
                refused.push(Unexpressible { flow, node: None, action: None, what });
                continue;
            }
        };
        id.push_str(&definition.uuid.to_string());
        let mut export = FlowExport::new(&definition);
        flows.push(export.run(options));
        resources.extend(export.resources);
        refused.extend(export.refused);
        left_out.extend(export.left_out);
    }
    if !refused.is_empty() {
        return Err(Refused(refused));
    }
    let container = json!({
        "specification_version": SPECIFICATION_VERSION,
        "uuid": ids::of_name("floip container", &id),
        "name": options.name,
        "description": "",
        "vendor_metadata": {},
        "flows": flows,
        "resources": resources,
    });
    Ok(Exported { container, left_out })
}

/// The results that a flow records, with what expressions of FLOIP call them.
pub(super) fn results(definition: &Definition) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    for node in &definition.nodes {
        for action in node.actions.iter().filter(|action| action["type"] == "set_run_result") {
            let name = action.get("name").and_then(Value::as_str).unwrap_or_default();
            found.push(Named { name: block_name(name), result: key_of(name), kind: Kind::Value });
        }
        let Some(router) = &node.router else { continue };
        let Some(name) = router.result_name.as_deref().filter(|name| !name.is_empty()) else { continue };
        let kind = match Question::of(definition, router) {
            Ok(Question::One { choices, .. }) if router.waits() => {
                Kind::One(choices.into_iter().map(|choice| choice.tag).collect())
            }
            Ok(Question::Many(_)) if router.waits() => Kind::Many,
            _ => Kind::Value,
        };
        found.push(Named { name: block_name(name), result: key_of(name), kind });
    }
    found
}

/// The name of the block that records a result.
fn block_name(result: &str) -> String {
    if shape::is_variable(result) {
        return result.to_owned();
    }
    let name = shape::variable(&key_of(result), shape::MAX_NAME);
    if name.is_empty() { "result".to_owned() } else { name }
}

/// The key of a result, from its name.
pub(super) fn key_of(name: &str) -> String {
    let mut key = String::new();
    for c in name.trim().chars() {
        if c.is_alphanumeric() || c == '_' {
            key.extend(c.to_lowercase());
        } else if !key.ends_with('\u{0}') {
            key.push('\u{0}');
        }
    }
    key.replace('\u{0}', "_")
}

/// One flow on its way.
struct FlowExport<'a> {
    definition: &'a Definition,
    results: Vec<Named>,
    /// How many exits lead to each node.
    led_to: HashMap<Uuid, usize>,
    names: HashSet<String>,
    blocks: Vec<Value>,
    resources: Vec<Value>,
    refused: Vec<Unexpressible>,
    left_out: Vec<Unexpressible>,
}

/// A block on its way, without what depends on its place in a chain.
struct Draft {
    kind: &'static str,
    name: String,
    config: Value,
    /// Its exits if it is the last of its node; one exit to the next block otherwise.
    exits: Option<Vec<Value>>,
}

impl<'a> FlowExport<'a> {
    fn new(definition: &'a Definition) -> Self {
        let mut led_to = HashMap::new();
        for exit in definition.nodes.iter().flat_map(|node| &node.exits) {
            if let Some(to) = exit.destination_uuid {
                *led_to.entry(to).or_insert(0) += 1;
            }
        }
        if let Some(first) = definition.nodes.first() {
            *led_to.entry(first.uuid).or_insert(0) += 1;
        }
        let results = results(definition);
        let names = results.iter().map(|named| named.name.to_lowercase()).collect();
        Self {
            definition,
            results,
            led_to,
            names,
            blocks: Vec::new(),
            resources: Vec::new(),
            refused: Vec::new(),
            left_out: Vec::new(),
        }
    }

    fn about(&self, node: Option<Uuid>, action: Option<&Value>, what: &str) -> Unexpressible {
        let text = |action: &Value, key: &str| action.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Unexpressible {
            flow: self.definition.name.clone(),
            node,
            action: action.map(|action| (text(action, "uuid"), text(action, "type"))),
            what: what.to_owned(),
        }
    }

    fn refuse(&mut self, node: &Node, action: Option<&Value>, what: &str) {
        self.refused.push(self.about(Some(node.uuid), action, what));
    }

    fn leave_out(&mut self, node: &Node, action: Option<&Value>, what: &str) {
        self.left_out.push(self.about(Some(node.uuid), action, what));
    }

    fn run(&mut self, options: &Options) -> Value {
        let definition = self.definition;
        if definition.kind == "voice" {
            self.refused.push(self.about(None, None, "a flow for calls is not written: only texts are"));
        }
        if definition.nodes.is_empty() {
            self.refused.push(self.about(None, None, "a flow must have a node"));
        }
        if definition.name.chars().count() < 3 {
            self.refused.push(self.about(None, None, "the name of a flow must have at least three characters"));
        }
        let mut waits: HashSet<Uuid> = HashSet::new();
        for node in &definition.nodes {
            if !waits.contains(&node.uuid) {
                let wait = self.wait_behind(node);
                waits.extend(wait.map(|wait| wait.uuid));
                self.node(node, wait);
            }
        }
        let modes: &[&str] = if definition.kind == "messaging_offline" { &["OFFLINE"] } else { &MODES };
        let languages: Vec<Value> =
            definition.languages().into_iter().map(|code| json!({"id": code, "iso_639_3": code})).collect();
        json!({
            "uuid": definition.uuid,
            "name": definition.name,
            "label": definition.name,
            "last_modified": format!("{:.6}", options.last_modified),
            "interaction_timeout": definition.expire_after_minutes * 60,
            "vendor_metadata": {},
            "supported_modes": modes,
            "languages": languages,
            "first_block_id": definition.nodes.first().map(|node| node.uuid),
            "blocks": self.blocks,
        })
    }

    /// The node that only waits for the answer to what `node` says last.
    fn wait_behind(&self, node: &Node) -> Option<&'a Node> {
        let says = node.actions.last().is_some_and(|action| action["type"] == "send_msg");
        let [exit] = node.exits.as_slice() else { return None };
        if !says || node.router.is_some() {
            return None;
        }
        let behind = self.definition.nodes.iter().find(|other| Some(other.uuid) == exit.destination_uuid)?;
        let waits = behind.actions.is_empty() && behind.router.as_ref().is_some_and(Router::asks);
        let alone = behind.router.as_ref().is_some_and(|router| router.is_block(behind.uuid));
        (waits && !alone && behind.uuid != node.uuid && self.led_to.get(&behind.uuid) == Some(&1)).then_some(behind)
    }

    /// Writes a node, with the wait behind it, as a chain of blocks.
    fn node(&mut self, node: &Node, wait: Option<&Node>) {
        let routing = wait.unwrap_or(node);
        let waits = routing.router.as_ref().is_some_and(Router::waits);
        let mut actions: Vec<&Value> = node.actions.iter().collect();
        let prompt = match actions.last() {
            Some(last) if routing.router.as_ref().is_some_and(Router::asks) && last["type"] == "send_msg" => {
                actions.pop()
            }
            _ => None,
        };
        let flow = actions.iter().position(|action| action["type"] == "enter_flow").map(|at| actions.remove(at));
        let mut drafts = self.actions(node, &actions);
        match (&routing.router, flow) {
            (Some(router), None) if waits => drafts.extend(self.question(node, routing, router, prompt)),
            (Some(router), None) => drafts.extend(self.case(node, router)),
            (router, Some(action)) => drafts.extend(self.run_flow(node, router.as_ref(), action)),
            (None, None) if drafts.is_empty() => {
                let exits = self.only_exit(node, true);
                drafts.push(Draft {
                    kind: "Core.Case",
                    name: self.name("branch"),
                    config: json!({}),
                    exits: Some(exits),
                });
            }
            (None, None) => {
                let exits = self.only_exit(node, false);
                if let Some(last) = drafts.last_mut() {
                    last.exits = Some(exits);
                }
            }
        }
        let count = drafts.len();
        for (at, draft) in drafts.into_iter().enumerate() {
            let id = |at: usize| if at == 0 { node.uuid } else { ids::part_of(node.uuid, &format!("block {at}")) };
            let exits = match draft.exits {
                Some(exits) if at + 1 == count => exits,
                _ => {
                    let uuid = ids::part_of(id(at), "next");
                    vec![self.way(uuid, Some(id(at + 1)), "Default", &BTreeMap::new(), None, true, false)]
                }
            };
            let mut block = json!({
                "uuid": id(at), "type": draft.kind, "name": draft.name, "config": draft.config, "exits": exits,
            });
            if let Some((left, top)) = self.definition.position(node.uuid) {
                let top = top + 120 * at as i64;
                block["vendor_metadata"] = json!({"mhero": {"position": {"left": left, "top": top}}});
            }
            self.blocks.push(block);
        }
    }

    /// The way out of a node without router.
    fn only_exit(&mut self, node: &Node, tested: bool) -> Vec<Value> {
        let exit = &node.exits[0];
        vec![self.way(exit.uuid, exit.destination_uuid, "Default", &BTreeMap::new(), None, true, tested)]
    }

    /// An exit. `tested`: whether the kind of block demands a test of every exit, of the default one too.
    #[expect(clippy::too_many_arguments)]
    fn way(
        &mut self,
        uuid: Uuid,
        destination: Option<Uuid>,
        name: &str,
        translations: &BTreeMap<String, String>,
        test: Option<String>,
        default: bool,
        tested: bool,
    ) -> Value {
        let label = ids::part_of(uuid, "label");
        self.resource(label, name, translations);
        let tag = shape::variable(name, 36);
        let mut exit = Map::new();
        exit.insert("uuid".to_owned(), json!(uuid));
        exit.insert("label".to_owned(), json!(label));
        exit.insert("tag".to_owned(), json!(if tag.is_empty() { "exit" } else { &tag }));
        if let Some(test) = test.or_else(|| (default && tested).then(|| "@(TRUE)".to_owned())) {
            exit.insert("test".to_owned(), json!(test));
        }
        if let Some(destination) = destination {
            exit.insert("destination_block".to_owned(), json!(destination));
        }
        if default {
            exit.insert("default".to_owned(), json!(true));
        }
        exit.insert("config".to_owned(), json!({}));
        Value::Object(exit)
    }

    /// Adds a resource of texts.
    fn resource(&mut self, uuid: Uuid, own: &str, translations: &BTreeMap<String, String>) {
        let others = translations.iter().map(|(language, text)| (language.as_str(), text.as_str()));
        let values: Vec<Value> = std::iter::once((self.definition.language.as_str(), own))
            .chain(others)
            .filter(|(_, text)| !text.trim().is_empty())
            .map(|(language, text)| text_value(language, text))
            .collect();
        if self.resources.iter().all(|resource| resource["uuid"] != json!(uuid)) {
            self.resources.push(json!({"uuid": uuid, "values": values}));
        }
    }

    /// A name that no other block has.
    fn name(&mut self, start: &str) -> String {
        let mut number = 1_usize;
        loop {
            let name = format!("{start}_{number}");
            if self.names.insert(name.clone()) {
                return name;
            }
            number += 1;
        }
    }

    fn floip(&self) -> ToFloip<'_> {
        ToFloip { blocks: &self.results }
    }
}

fn text_value(language: &str, text: &str) -> Value {
    json!({
        "language_id": language, "content_type": "TEXT", "mime_type": "text/plain", "modes": MODES, "value": text,
    })
}
