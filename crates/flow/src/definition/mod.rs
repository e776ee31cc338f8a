//! Flow definitions: read, validated and compiled once, then shared between threads.

mod error;
pub(crate) mod fields;
pub(crate) mod localization;

pub use error::DefinitionError;

use crate::action::Action;
use crate::reference::FlowRef;
use crate::router::Router;
use error::Result;
use fields::Fields;
use localization::{Localization, valid_language};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

/// The newest version of the specification that is understood; older definitions are migrated to it.
pub const SPEC_VERSION: &str = "14.4.2";

const MAX_NODES: usize = 1000;
const MAX_ACTIONS: usize = 100;
const MAX_EXITS: usize = 100;
const MAX_UI: usize = 262_144;

/// What a flow is for, which decides what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowType {
    /// A conversation by messages.
    Messaging,
    /// Messages without waiting for any.
    MessagingBackground,
    /// A conversation on a device without connection.
    MessagingOffline,
    /// A call.
    Voice,
}

impl FlowType {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messaging => "messaging",
            Self::MessagingBackground => "messaging_background",
            Self::MessagingOffline => "messaging_offline",
            Self::Voice => "voice",
        }
    }

    /// Minutes until a run expires when its definition doesn't say.
    fn default_expiration(self) -> u64 {
        match self {
            Self::Messaging => 3 * 24 * 60,
            Self::Voice => 5,
            _ => 0,
        }
    }
}

/// The flow types that an action or a wait is allowed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AllowedIn {
    Any,
    Interactive,
    Online,
    Voice,
}

impl AllowedIn {
    pub(crate) fn allows(self, kind: FlowType) -> bool {
        match self {
            Self::Any => true,
            Self::Interactive => kind != FlowType::MessagingBackground,
            Self::Online => kind != FlowType::MessagingOffline,
            Self::Voice => kind == FlowType::Voice,
        }
    }
}

/// A way out of a node.
#[derive(Clone, Debug)]
pub(crate) struct Exit {
    pub(crate) uuid: Uuid,
    /// Place of the next node.
    pub(crate) destination: Option<usize>,
}

/// A place of a flow: what is done there, and where to go from there.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) uuid: Uuid,
    pub(crate) actions: Vec<Action>,
    pub(crate) router: Option<Router>,
    pub(crate) exits: Vec<Exit>,
}

/// A flow, ready to run.
#[derive(Clone, Debug)]
pub struct Definition {
    uuid: Uuid,
    name: String,
    language: String,
    kind: FlowType,
    revision: u64,
    expire_after_minutes: u64,
    pub(crate) localization: Localization,
    pub(crate) nodes: Vec<Node>,
    places: HashMap<Uuid, usize>,
}

impl Definition {
    /// Reads a definition of any supported version: migrates it to the newest, validates and compiles it.
    pub fn read(source: &Value) -> Result<Self> {
        check_sizes(source)?;
        let migrated = crate::migrate::to_newest(source)?;
        check_sizes(&migrated)?;
        Self::compile(&migrated)
    }

    fn compile(source: &Value) -> Result<Self> {
        let fields = Fields::of(source)?;
        let kind = fields.required("type", 64)?;
        let kind = [FlowType::Messaging, FlowType::MessagingBackground, FlowType::MessagingOffline, FlowType::Voice]
            .into_iter()
            .find(|k| k.as_str() == kind)
            .ok_or_else(|| DefinitionError::new("field 'type' is not a valid flow type"))?;
        let language = fields.required("language", 64)?;
        if !valid_language(language) {
            return Err(DefinitionError::new("field 'language' must be a language code of three letters (ISO 639-3)"));
        }
        let uuid = fields.uuid("uuid")?;
        let name = fields.required("name", 64)?.to_owned();
        let localization = Localization::read(fields.get("localization"))?;
        let sources = fields.list("nodes", usize::MAX)?;
        if sources.len() > MAX_NODES {
            return Err(DefinitionError::new(format!(
                "flow can't have more than {MAX_NODES} nodes (has {})",
                sources.len()
            )));
        }
        let mut places = HashMap::with_capacity(sources.len());
        for (i, node) in sources.iter().enumerate() {
            let uuid = Fields::of(node)
                .and_then(|f| f.uuid("uuid"))
                .map_err(|e| e.within(format!("unable to read node[{i}]")))?;
            places.entry(uuid).or_insert(i);
        }
        let mut nodes = Vec::with_capacity(sources.len());
        for (i, node) in sources.iter().enumerate() {
            nodes.push(
                read_node(node, kind, &localization, &places)
                    .map_err(|e| if e.places_start() { e } else { e.within(format!("unable to read node[{i}]")) })?,
            );
        }
        check_unique(&nodes)?;
        let minutes = fields.number("expire_after_minutes")?.unwrap_or(0);
        Ok(Self {
            uuid,
            name,
            language: language.to_owned(),
            kind,
            revision: fields.number("revision")?.unwrap_or(0),
            expire_after_minutes: if minutes == 0 { kind.default_expiration() } else { minutes },
            localization,
            nodes,
            places,
        })
    }

    /// What identifies it.
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its own language: ISO 639-3, `und` when unknown.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Languages it is translated into.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.localization.languages()
    }

    /// What it is for.
    pub fn kind(&self) -> FlowType {
        self.kind
    }

    /// Its revision; 0 when unknown.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Minutes that a run waits before it expires.
    pub fn expire_after_minutes(&self) -> u64 {
        self.expire_after_minutes
    }

    /// How many nodes it has.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// How runs refer to it: with its revision.
    pub fn reference(&self) -> FlowRef {
        FlowRef { uuid: self.uuid, name: self.name.clone(), revision: self.revision }
    }

    pub(crate) fn place_of(&self, node: &Uuid) -> Option<usize> {
        self.places.get(node).copied()
    }
}

impl DefinitionError {
    fn places_start(&self) -> bool {
        self.to_string().starts_with("invalid node[")
    }
}

/// Bounds that hold before and after migration, so that neither works on an endless definition.
fn check_sizes(source: &Value) -> Result<()> {
    if let Some(nodes) = source.get("nodes").and_then(Value::as_array)
        && nodes.len() > MAX_NODES
    {
        return Err(DefinitionError::new(format!("flow can't have more than {MAX_NODES} nodes (has {})", nodes.len())));
    }
    if let Some(ui) = source.get("_ui") {
        let size = serde_json::to_vec(ui).map_or(0, |b| b.len());
        if size > MAX_UI {
            return Err(DefinitionError::new(format!("field '_ui' can't be over {MAX_UI} bytes (has {size})")));
        }
    }
    Ok(())
}

fn read_node(
    source: &Value,
    kind: FlowType,
    localization: &Localization,
    places: &HashMap<Uuid, usize>,
) -> Result<Node> {
    let fields = Fields::of(source)?;
    let uuid = fields.uuid("uuid")?;
    let in_node = |e: DefinitionError| e.within(format!("invalid node[uuid={uuid}]"));
    let sources = fields.list("actions", usize::MAX)?;
    if sources.len() > MAX_ACTIONS {
        return Err(in_node(DefinitionError::new(format!(
            "node can't have more than {MAX_ACTIONS} actions (has {})",
            sources.len()
        ))));
    }
    let mut actions = Vec::with_capacity(sources.len());
    for (i, source) in sources.iter().enumerate() {
        let action = Action::read(source, localization).map_err(|e| e.within(format!("unable to read action[{i}]")))?;
        action.check_allowed(kind).map_err(|e| {
            in_node(e.within(format!("invalid action[uuid={}, type={}]", action.uuid, action.type_name())))
        })?;
        actions.push(action);
    }
    let sources = fields.filled_list("exits", usize::MAX)?;
    if sources.len() > MAX_EXITS {
        return Err(in_node(DefinitionError::new(format!(
            "node can't have more than {MAX_EXITS} exits (has {})",
            sources.len()
        ))));
    }
    let mut exits = Vec::with_capacity(sources.len());
    for (i, source) in sources.iter().enumerate() {
        let fields = Fields::of(source).map_err(|e| e.within(format!("unable to read exit[{i}]")))?;
        let exit = fields.uuid("uuid").map_err(|e| e.within(format!("unable to read exit[{i}]")))?;
        let destination = match fields.optional_uuid("destination_uuid")? {
            None => None,
            Some(to) => Some(*places.get(&to).ok_or_else(|| {
                in_node(DefinitionError::new(format!("destination {to} of exit[uuid={exit}] isn't a known node")))
            })?),
        };
        exits.push(Exit { uuid: exit, destination });
    }
    let router = match fields.get("router") {
        None => None,
        Some(source) => {
            let router = Router::read(source, localization, &exits).map_err(|e| in_node(e.within("invalid router")))?;
            router.check_allowed(kind).map_err(|e| in_node(e.within("invalid router")))?;
            Some(router)
        }
    };
    Ok(Node { uuid, actions, router, exits })
}

/// UUIDs of nodes, actions and exits are unique across the flow.
fn check_unique(nodes: &[Node]) -> Result<()> {
    let mut seen = HashSet::new();
    let mut check = |what: &str, uuid: Uuid| {
        if seen.insert(uuid) { Ok(()) } else { Err(DefinitionError::new(format!("{what} UUID {uuid} isn't unique"))) }
    };
    for node in nodes {
        check("node", node.uuid)?;
        node.actions.iter().try_for_each(|a| check("action", a.uuid))?;
        node.exits.iter().try_for_each(|e| check("exit", e.uuid))?;
    }
    Ok(())
}

/// A flow without nodes, in the place of one that isn't there.
pub(crate) fn empty() -> Arc<Definition> {
    static EMPTY: LazyLock<Arc<Definition>> = LazyLock::new(|| {
        Arc::new(Definition {
            uuid: Uuid::nil(),
            name: String::new(),
            language: "und".to_owned(),
            kind: FlowType::Messaging,
            revision: 0,
            expire_after_minutes: 0,
            localization: Localization::default(),
            nodes: Vec::new(),
            places: HashMap::new(),
        })
    });
    EMPTY.clone()
}
