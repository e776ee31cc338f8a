//! Reading documents leniently: what is there in whatever draft's form, nothing else.

use super::{SPECIFICATION_VERSION, ids};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Whether a document is one that [`import`](super::import()) knows: a container, a flow, a context of the reference
/// runner, a tree of Viamo, or a package of Flow Results, which is refused with its reason.
pub fn is_floip(document: &Value) -> bool {
    let has_blocks = |flow: &Value| flow.get("blocks").is_some_and(|blocks| blocks.is_array() || blocks.is_object());
    document.get("specification_version").is_some()
        || has_blocks(document)
        || list(document.get("flows")).first().is_some_and(|flow| has_blocks(flow))
        || is_results(document)
}

/// Whether a document describes results rather than flows.
pub(super) fn is_results(document: &Value) -> bool {
    [document.get("profile"), document.pointer("/data/attributes/profile")]
        .into_iter()
        .flatten()
        .any(|profile| profile == "flow-results-package")
}

/// The items of a list. Some exporters write an object with numbers for names instead, or nothing.
pub(super) fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Object(map)) => map.values().collect(),
        _ => Vec::new(),
    }
}

/// A text, or a number as text; empty when there is neither.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(value)) => value.to_string(),
        _ => String::new(),
    }
}

/// A number, written as one or as a text.
pub(super) fn number(value: Option<&Value>) -> Option<f64> {
    match value {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number| number.is_finite())
}

/// One value of a resource.
#[derive(Clone, Debug)]
pub(super) struct ResourceValue {
    pub(super) language: String,
    /// In upper case: `TEXT`, `AUDIO`, `IMAGE`, `VIDEO`.
    pub(super) kind: String,
    pub(super) mime_type: String,
    /// In upper case.
    pub(super) modes: Vec<String>,
    pub(super) value: String,
}

/// Texts and media of one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Resource {
    pub(super) values: Vec<ResourceValue>,
}

/// A language object, or no more than its identifier.
#[derive(Clone, Debug, Default)]
pub(super) struct Language {
    pub(super) id: String,
    /// What may tell which language it is, the best first.
    pub(super) names: Vec<String>,
}

/// A way out of a block.
#[derive(Clone, Debug)]
pub(super) struct Exit {
    pub(super) uuid: Option<Uuid>,
    pub(super) destination: String,
    pub(super) tag: String,
    pub(super) label: String,
    pub(super) test: Option<String>,
    pub(super) default: bool,
}

/// A block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// As it is written, even if it is no UUID.
    pub(super) id: String,
    pub(super) uuid: Uuid,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) config: Map<String, Value>,
    pub(super) exits: Vec<Exit>,
    /// Where it stands on a canvas.
    pub(super) position: Option<(i64, i64)>,
}

/// A flow.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) id: String,
    pub(super) uuid: Uuid,
    pub(super) name: String,
    pub(super) timeout_seconds: Option<f64>,
    /// In upper case.
    pub(super) modes: Vec<String>,
    pub(super) languages: Vec<Language>,
    pub(super) first_block: String,
    pub(super) exit_block: String,
    /// Whether it is of an older draft than what is written today, in which errors of other platforms are known.
    pub(super) draft: bool,
    pub(super) blocks: Vec<Block>,
    /// By their ids; the flow's own before those of the container.
    pub(super) resources: Vec<(String, Resource)>,
}

/// Reads the flows of a document with their resources.
pub(super) fn flows(document: &Value) -> Vec<Flow> {
    let shared = resources(document.get("resources"));
    let several = list(document.get("flows"));
    let sources = if several.is_empty() && document.get("blocks").is_some() { vec![document] } else { several };
    let draft = text(document.get("specification_version")) != SPECIFICATION_VERSION;
    sources.into_iter().enumerate().map(|(at, source)| flow(source, at, &shared, draft)).collect()
}

fn flow(source: &Value, at: usize, shared: &[(String, Resource)], draft: bool) -> Flow {
    let name = text(source.get("name"));
    let id = text(source.get("uuid"));
    let uuid = ids::read(&id).unwrap_or_else(|| ids::of_name("floip flow", &format!("{id} {name} {at}")));
    let mut found = resources(source.get("resources"));
    found.extend(shared.iter().cloned());
    Flow {
        uuid,
        id,
        draft,
        timeout_seconds: number(source.get("interaction_timeout")).filter(|seconds| *seconds > 0.0),
        modes: words(source.get("supported_modes")),
        languages: list(source.get("languages")).into_iter().map(language).collect(),
        first_block: text(source.get("first_block_id")),
        exit_block: text(source.get("exit_block_id")),
        blocks: list(source.get("blocks"))
            .into_iter()
            .enumerate()
            .map(|(at, block)| read_block(block, uuid, at))
            .collect(),
        resources: found,
        name,
    }
}

fn read_block(source: &Value, flow: Uuid, at: usize) -> Block {
    let id = text(source.get("uuid"));
    let uuid = ids::read(&id).unwrap_or_else(|| ids::part_of(flow, &format!("block {id} {at}")));
    let exits = list(source.get("exits")).into_iter().map(|exit| Exit {
        uuid: ids::read(&text(exit.get("uuid"))),
        destination: text(exit.get("destination_block").or_else(|| exit.get("destination"))),
        tag: match text(exit.get("tag")) {
            tag if tag.is_empty() => text(exit.get("name")),
            tag => tag,
        },
        label: text(exit.get("label")),
        test: Some(text(exit.get("test"))).filter(|test| !test.is_empty()),
        default: exit.get("default").and_then(Value::as_bool).unwrap_or(false),
    });
    let place =
        |x: &str, y: &str| Some((number(source.pointer(x))?.round() as i64, number(source.pointer(y))?.round() as i64));
    Block {
        uuid,
        id,
        kind: text(source.get("type")).replace('\\', "."),
        name: text(source.get("name")),
        label: text(source.get("label")),
        config: source.get("config").and_then(Value::as_object).cloned().unwrap_or_default(),
        exits: exits.collect(),
        position: place("/vendor_metadata/mhero/position/left", "/vendor_metadata/mhero/position/top")
            .or_else(|| place("/ui_metadata/canvas_coordinates/x", "/ui_metadata/canvas_coordinates/y"))
            .or_else(|| {
                place("/vendor_metadata/io_viamo/ui_data/x_position", "/vendor_metadata/io_viamo/ui_data/y_position")
            }),
    }
}

fn language(source: &Value) -> Language {
    match source {
        Value::Object(map) => {
            let get = |key: &str| text(map.get(key));
            let names = ["iso_639_3", "bcp_47", "id", "label", "name", "abbreviation", "code"];
            Language { id: get("id"), names: names.map(get).into_iter().filter(|name| !name.is_empty()).collect() }
        }
        other => {
            let id = text(Some(other));
            Language { names: vec![id.clone()], id }
        }
    }
}

/// Drafts had resources as a list, or as an object by their ids.
fn resources(source: Option<&Value>) -> Vec<(String, Resource)> {
    let read = |id: String, source: &Value| {
        let values = list(source.get("values")).into_iter().map(|value| ResourceValue {
            language: text(value.get("language_id")),
            kind: words(value.get("content_type")).into_iter().next().unwrap_or_else(|| "TEXT".to_owned()),
            mime_type: text(value.get("mime_type")),
            modes: words(value.get("modes")),
            value: match value.get("value") {
                Some(Value::String(text)) => text.clone(),
                _ => String::new(),
            },
        });
        (id, Resource { values: values.collect() })
    };
    match source {
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| {
                let id = text(value.get("uuid"));
                read(if id.is_empty() { key.clone() } else { id }, value)
            })
            .collect(),
        other => list(other).into_iter().map(|value| read(text(value.get("uuid")), value)).collect(),
    }
}

/// One word or several, in upper case.
fn words(source: Option<&Value>) -> Vec<String> {
    match source {
        Some(Value::String(word)) => vec![word.to_uppercase()],
        other => list(other).into_iter().map(|word| text(Some(word)).to_uppercase()).collect(),
    }
}
