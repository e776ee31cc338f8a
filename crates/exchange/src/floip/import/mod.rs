//! From FLOIP to our flows, leniently.

mod action;
mod question;
mod text;

use super::expression::{self, Block as Named, Kind, ToOurs, field_key};
use super::model::{self, Block, Exit};
use super::shape::{self, Choice};
use super::{ids, viamo};
use flow::definition::SPEC_VERSION;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use text::Localization;
use uuid::Uuid;

/// Why a document is not imported.
#[derive(Debug, thiserror::Error)]
pub enum FloipError {
    /// It is nothing that is known.
    #[error("this is no FLOIP document: it has neither `flows` with `blocks` nor `blocks`")]
    Unknown,
    /// It is a package of Flow Results.
    #[error(
        "this describes answers (a Flow Results package), not flows: export the flow itself (a FLOIP container) from the system that has it"
    )]
    Results,
    /// It has no flow with a block.
    #[error("this FLOIP document has no flow with a block in it")]
    Empty,
}

/// What of a document could not be carried over, or not as it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// The name of the flow.
    pub flow: String,
    /// The block: its id and its name or label. Absent when it is about the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<(String, String)>,
    /// What it is, and what became of it.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// Where it is: the flow and, by its id and its name, the block.
    pub fn place(&self) -> String {
        match &self.block {
            None => format!("flow '{}'", self.flow),
            Some((id, name)) if name.is_empty() => format!("flow '{}', block {id}", self.flow),
            Some((id, name)) => format!("flow '{}', block {id} '{name}'", self.flow),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}. {}", self.place(), self.what, self.remedy)
    }
}

/// What an import gives.
#[derive(Clone, Debug)]
pub struct Imported {
    /// A RapidPro export file: the flows with the fields and groups that they need.
    pub document: Value,
    /// What was not carried over, by flow and block.
    pub problems: Vec<Problem>,
}

/// Reads a document: a container of any draft, a single flow, a context of the reference runner, a tree of Viamo.
///
/// What it gives depends on the document alone. Ids of blocks and exits are kept; what has no id gets one that follows
/// from where it stands.
///
/// # Errors
/// [`FloipError`] for a document without flows. Anything less is a [`Problem`].
pub fn import(document: &Value) -> Result<Imported, FloipError> {
    if model::is_results(document) {
        return Err(FloipError::Results);
    }
    let tree = viamo::container(document);
    let mut flows = model::flows(tree.as_ref().map_or(document, |tree| &tree.container));
    if flows.is_empty() {
        return Err(FloipError::Unknown);
    }
    flows.retain(|flow| !flow.blocks.is_empty());
    if flows.is_empty() {
        return Err(FloipError::Empty);
    }
    let mut problems = tree.map_or_else(Vec::new, |tree| tree.problems);
    let names: HashMap<String, (Uuid, String)> =
        flows.iter().map(|flow| (flow.id.clone(), (flow.uuid, flow_name(flow)))).collect();
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut groups: BTreeMap<Uuid, String> = BTreeMap::new();
    let mut definitions = Vec::with_capacity(flows.len());
    for flow in &flows {
        let mut import = FlowImport::new(flow, &names);
        definitions.push(import.run());
        for (key, name) in import.fields {
            fields.entry(key).or_insert(name);
        }
        groups.extend(import.groups);
        problems.extend(import.problems);
    }
    let fields: Vec<Value> =
        fields.into_iter().map(|(key, name)| json!({"key": key, "name": name, "type": "text"})).collect();
    let groups: Vec<Value> =
        groups.into_iter().map(|(uuid, name)| json!({"uuid": uuid, "name": name, "query": null})).collect();
    let document = json!({
        "version": "13", "site": "", "flows": definitions, "campaigns": [], "triggers": [], "fields": fields, "groups": groups,
    });
    Ok(Imported { document, problems })
}

/// The name of a flow, of a length that both sides accept.
fn flow_name(flow: &model::Flow) -> String {
    let name = shape::short(&flow.name);
    if name.chars().count() < 3 { format!("Flow {name}").trim_end().to_owned() } else { name }
}

/// What contacts may have to write to make a choice is not longer, in characters.
const MAX_LABEL: usize = 320;

/// One flow on its way.
struct FlowImport<'a> {
    flow: &'a model::Flow,
    name: String,
    /// The flows of the document, by their ids in it.
    flows: &'a HashMap<String, (Uuid, String)>,
    languages: Vec<(String, String)>,
    /// What blocks leave behind.
    blocks: Vec<Named>,
    /// The first node of each block, by its id in the document.
    starts: HashMap<String, Uuid>,
    nodes: Vec<Value>,
    ui: Map<String, Value>,
    localization: Localization,
    fields: BTreeMap<String, String>,
    groups: BTreeMap<Uuid, String>,
    problems: Vec<Problem>,
    used: HashSet<Uuid>,
    /// Where an editor shows the block that is being read.
    place: (i64, i64),
}

impl<'a> FlowImport<'a> {
    fn new(flow: &'a model::Flow, flows: &'a HashMap<String, (Uuid, String)>) -> Self {
        Self {
            flow,
            name: flow_name(flow),
            flows,
            languages: Vec::new(),
            blocks: Vec::new(),
            starts: HashMap::new(),
            nodes: Vec::new(),
            ui: Map::new(),
            localization: Localization::new(),
            fields: BTreeMap::new(),
            groups: BTreeMap::new(),
            problems: Vec::new(),
            used: HashSet::new(),
            place: (0, 0),
        }
    }

    fn problem(&mut self, block: Option<&Block>, what: &str, remedy: &str) {
        let block = block.map(|block| {
            let name = if block.label.is_empty() { &block.name } else { &block.label };
            (if block.id.is_empty() { block.uuid.to_string() } else { block.id.clone() }, name.clone())
        });
        let problem = Problem { flow: self.name.clone(), block, what: what.to_owned(), remedy: remedy.to_owned() };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn run(&mut self) -> Value {
        self.read_languages();
        if self.flow.modes == ["IVR"] {
            let what = "it is for voice calls alone; its texts are sent as messages";
            self.problem(None, what, "Read them again as text messages.");
        }
        if !self.flow.exit_block.is_empty() {
            let what = "the block to go to after an error (exit_block_id) is never reached here";
            self.problem(None, what, "Nothing has to be done when it only says goodbye.");
        }
        for block in &self.flow.blocks {
            self.starts.entry(block.id.clone()).or_insert(block.uuid);
        }
        let order = self.order();
        for at in &order {
            self.name_result(&self.flow.blocks[*at]);
        }
        for at in order {
            let block = &self.flow.blocks[at];
            if self.used.contains(&block.uuid) {
                self.problem(
                    Some(block),
                    "another block has the same id; this one is left out",
                    "Give each block an id of its own.",
                );
                continue;
            }
            self.block(block);
        }
        let minutes = self.flow.timeout_seconds.map_or(0.0, |seconds| (seconds / 60.0).ceil()).min(525_600.0);
        json!({
            "uuid": self.flow.uuid,
            "name": self.name,
            "spec_version": SPEC_VERSION,
            "language": self.languages[0].1,
            "type": "messaging",
            "expire_after_minutes": minutes as u64,
            "localization": self.localization_json(),
            "nodes": self.nodes,
            "_ui": {"nodes": self.ui},
        })
    }

    /// The blocks in their order, the first one first.
    fn order(&mut self) -> Vec<usize> {
        let blocks = &self.flow.blocks;
        let place_of = |id: &str| blocks.iter().position(|block| !id.is_empty() && block.id == id);
        let mut first = place_of(&self.flow.first_block).unwrap_or(0);
        if !self.flow.first_block.is_empty() && place_of(&self.flow.first_block).is_none() {
            let what =
                "the block it begins with (first_block_id) is not there; it begins with the first one of the list";
            self.problem(None, what, "Tell where it begins.");
        }
        let targets = |at: usize| blocks[at].exits.iter().filter_map(|exit| place_of(&exit.destination));
        let reached = |from: usize| {
            let mut seen = HashSet::from([from]);
            let mut open = vec![from];
            while let Some(at) = open.pop() {
                open.extend(targets(at).filter(|to| seen.insert(*to)));
            }
            seen
        };
        // Drafts name ends as beginnings: the only block that nothing leads to is where it begins.
        let led_to: HashSet<usize> = (0..blocks.len()).flat_map(targets).collect();
        let roots: Vec<usize> = (0..blocks.len()).filter(|at| !led_to.contains(at)).collect();
        if let [root] = roots.as_slice()
            && self.flow.draft
            && *root != first
            && reached(first).len() < blocks.len()
            && reached(*root).len() == blocks.len()
        {
            let what = format!(
                "it is said to begin with the block '{}', from which most others are never reached; it begins with '{}', the \
                 only one that nothing leads to",
                blocks[first].name, blocks[*root].name
            );
            first = *root;
            self.problem(None, &what, "Correct first_block_id if it really begins elsewhere.");
        }
        std::iter::once(first).chain((0..blocks.len()).filter(|at| *at != first)).collect()
    }

    /// Notes what a block leaves behind for expressions.
    fn name_result(&mut self, block: &Block) {
        let kind = match block.kind.as_str() {
            "MobilePrimitives.SelectOneResponse" => {
                Kind::One(self.choices(block).into_iter().map(|choice| choice.tag).collect())
            }
            "MobilePrimitives.SelectManyResponses" | "MobilePrimitives.SelectManyResponse" => Kind::Many,
            "MobilePrimitives.NumericResponse"
            | "MobilePrimitives.OpenResponse"
            | "SmartDevices.LocationResponse"
            | "SmartDevices.PhotoResponse"
            | "ConsoleIO.Read"
            | "Core.Output" => Kind::Value,
            _ => return,
        };
        let free =
            |name: &str| !name.is_empty() && self.blocks.iter().all(|other| !other.result.eq_ignore_ascii_case(name));
        let from_label = shape::variable(&block.label, 36);
        let name = if shape::is_variable(&block.name) {
            shape::short(&block.name)
        } else if free(&from_label) {
            from_label
        } else {
            let word = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
            shape::short(&format!("q_{}", block.name.chars().map(word).collect::<String>()))
        };
        self.blocks.push(Named { name: block.name.clone(), result: name, kind });
    }

    fn named(&self, block: &Block) -> Option<Named> {
        self.blocks.iter().find(|named| named.name == block.name).cloned()
    }

    /// Translates with what the flow knows; problems and fields are kept.
    fn with_expressions<T>(
        &mut self,
        block: &Block,
        current: Option<&Named>,
        f: impl FnOnce(&mut ToOurs<'_>) -> T,
    ) -> T {
        let blocks = std::mem::take(&mut self.blocks);
        let mut expressions = ToOurs::new(&blocks, current);
        let result = f(&mut expressions);
        let (problems, fields) = (expressions.problems, expressions.fields);
        self.blocks = blocks;
        for what in problems {
            self.problem(Some(block), &what, "Correct the text or the test.");
        }
        for key in fields {
            self.fields.entry(key.clone()).or_insert(key);
        }
        result
    }

    fn block(&mut self, block: &Block) {
        self.place = block.position.unwrap_or((100, 100 + 160 * self.nodes.len() as i64));
        match block.kind.as_str() {
            "MobilePrimitives.Message" => self.message(block, &["prompt", "message"]),
            "ConsoleIO.Print" => self.message(block, &["message", "prompt"]),
            "MobilePrimitives.SelectOneResponse" => self.select_one(block),
            "MobilePrimitives.SelectManyResponses" | "MobilePrimitives.SelectManyResponse" => self.select_many(block),
            "MobilePrimitives.NumericResponse" => self.numeric(block),
            "MobilePrimitives.OpenResponse" => self.open(block, None),
            "SmartDevices.LocationResponse" => self.open(block, Some("location")),
            "SmartDevices.PhotoResponse" => self.open(block, Some("image")),
            "ConsoleIO.Read" => {
                let what = "what is read is not taken apart by its format; the answer is kept whole";
                self.problem(Some(block), what, "Use questions of one answer each.");
                self.open(block, None);
            }
            "Core.Case" => self.case(block),
            "Core.RunFlow" => self.run_flow(block),
            "Core.Output" => self.output(block),
            "Core.Log" => self.log(block),
            "Core.SetContactProperty" => self.set_property(block),
            "Core.SetGroupMembership" => self.set_group(block),
            other => {
                let what = format!("blocks of type '{other}' are not known here; it does nothing and goes on");
                self.problem(Some(block), &what, "Put something else in its place.");
                self.actions(block, Vec::new());
            }
        }
    }

    /// An id for a node, an action or an exit, which no other may have.
    fn fresh(&mut self, wanted: Uuid) -> Uuid {
        let mut id = wanted;
        while !self.used.insert(id) {
            id = ids::part_of(id, "again");
        }
        id
    }

    /// The id of the first of the nodes that a block becomes.
    fn start_of(&self, id: &str) -> Option<Uuid> {
        self.starts.get(id).copied()
    }

    fn destination(&mut self, block: &Block, exit: &Exit) -> Option<Uuid> {
        if exit.destination.is_empty() {
            return None;
        }
        let found = self.start_of(&exit.destination);
        if found.is_none() {
            let what =
                format!("its exit '{}' leads to {}, which is not there; it ends there", exit.tag, exit.destination);
            self.problem(Some(block), &what, "Add the missing block or let the exit end.");
        }
        found
    }

    /// The id of an exit, and where it leads: past the node that sets contact properties if the block has such.
    fn exit(&mut self, block: &Block, at: usize) -> WayOut {
        let exit = &block.exits[at];
        let wanted = exit.uuid.unwrap_or_else(|| ids::part_of(block.uuid, &format!("exit {at}")));
        let uuid = self.fresh(wanted);
        WayOut { uuid, destination: self.destination(block, exit), from_document: true }
    }

    /// Adds a node, and one that sets contact properties behind each of its exits if the block does.
    fn node(&mut self, block: &Block, node: Node) {
        let properties = match block.kind.as_str() {
            "Core.SetContactProperty" => Vec::new(),
            _ => properties(block),
        };
        let mut behind = Vec::new();
        let mut exits = Vec::with_capacity(node.exits.len());
        for way in node.exits {
            let mut destination = way.destination;
            if way.from_document && node.last && !properties.is_empty() {
                let setter = ids::part_of(way.uuid, "set");
                behind.push((setter, destination));
                destination = Some(setter);
            }
            exits.push(json!({"uuid": way.uuid, "destination_uuid": destination}));
        }
        let mut json = json!({"uuid": node.uuid, "actions": node.actions});
        if let Some(router) = node.router {
            json["router"] = router;
        }
        json["exits"] = Value::Array(exits);
        self.used.insert(node.uuid);
        self.nodes.push(json);
        let (left, top) = self.place;
        self.ui.insert(
            node.uuid.to_string(),
            json!({"type": node.kind, "position": {"left": left, "top": top + node.below}}),
        );
        for (at, (setter, destination)) in behind.into_iter().enumerate() {
            let actions = self.property_actions(block, setter, &properties);
            let exit = self.fresh(ids::part_of(setter, "exit"));
            self.used.insert(setter);
            self.nodes.push(json!({
                "uuid": setter, "actions": actions, "exits": [{"uuid": exit, "destination_uuid": destination}],
            }));
            let place = json!({"left": left + 240 * at as i64, "top": top + node.below + 120});
            self.ui.insert(setter.to_string(), json!({"type": "execute_actions", "position": place}));
        }
    }

    /// The choices of a question, with names that differ and are not too long.
    fn choices(&self, block: &Block) -> Vec<Choice> {
        let listed: Vec<(String, String)> = match block.config.get("choices") {
            Some(Value::Object(map)) => {
                map.iter().map(|(tag, label)| (tag.clone(), model::text(Some(label)))).collect()
            }
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| match item {
                    Value::Object(map) => {
                        let get = |keys: &[&str]| {
                            keys.iter()
                                .map(|key| model::text(map.get(*key)))
                                .find(|text| !text.is_empty())
                                .unwrap_or_default()
                        };
                        (get(&["name", "tag", "value"]), get(&["prompt", "label", "text"]))
                    }
                    item => (model::text(Some(item)), String::new()),
                })
                .collect(),
            _ => Vec::new(),
        };
        let mut choices: Vec<Choice> = Vec::with_capacity(listed.len());
        for (at, (tag, label)) in listed.into_iter().enumerate() {
            let said = self.said(&label).unwrap_or_default();
            let mut tag = shape::short(&tag);
            if tag.is_empty() {
                tag = if said.own.is_empty() { format!("Choice {}", at + 1) } else { shape::short(&said.own) };
            }
            let taken = |tag: &str| choices.iter().any(|other| other.tag.eq_ignore_ascii_case(tag));
            if taken(&tag) {
                let start: String = tag.chars().take(shape::MAX_NAME - 4).collect();
                let free = (2..=choices.len() + 2).map(|n| format!("{start} {n}")).find(|tag| !taken(tag));
                tag = free.unwrap_or(tag);
            }
            let brief = |text: String| text.chars().take(MAX_LABEL).collect::<String>();
            let label = if said.own.is_empty() { tag.clone() } else { brief(said.own) };
            let others = said.others.into_iter().map(|(language, text)| (language, brief(text)));
            let translations = others.filter(|(_, text)| *text != label).collect();
            choices.push(Choice { tag, label, translations });
        }
        choices
    }
}

/// A way out of a node.
#[derive(Clone, Debug)]
struct WayOut {
    uuid: Uuid,
    destination: Option<Uuid>,
    /// Whether the document has it.
    from_document: bool,
}

/// A node on its way.
struct Node {
    uuid: Uuid,
    actions: Vec<Value>,
    router: Option<Value>,
    exits: Vec<WayOut>,
    /// How an editor shows it.
    kind: &'static str,
    /// How far below the block's place an editor shows it.
    below: i64,
    /// Whether it is where the block is left.
    last: bool,
}

/// The contact properties that a block sets: keys and values.
fn properties(block: &Block) -> Vec<(String, String)> {
    let list = match block.config.get("set_contact_property") {
        Some(Value::Object(map)) => vec![map],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_object).collect(),
        _ => Vec::new(),
    };
    list.into_iter()
        .map(|map| (model::text(map.get("property_key")), model::text(map.get("property_value"))))
        .filter(|(key, _)| !key.is_empty())
        .collect()
}

/// Which exit a block of actions is left by: the default one, else the first.
fn only_exit(block: &Block) -> Option<usize> {
    block.exits.iter().position(|exit| exit.default).or_else(|| (!block.exits.is_empty()).then_some(0))
}

/// The test of an exit, read.
fn parsed(exit: &Exit) -> Option<Result<expression::Expr, String>> {
    let source = exit.test.as_deref()?.trim();
    let source = source.strip_prefix('@').map_or(source, str::trim_start);
    Some(expression::parse(source))
}

/// The key and the name of the field that holds a contact property.
fn field_of(property: &str) -> (String, String) {
    (field_key(property), shape::short(property))
}
