//! Legacy definitions (versions 10 and 11): action sets and rule sets become nodes of version 13.0.0.

mod actions;
mod rules;
mod texts;

use super::Result;
use crate::definition::DefinitionError;
use base::{IdMaker, Millis};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

type Object = Map<String, Value>;

/// Whether this is a legacy definition: it has sets or a flow type, and no version of today's kind.
pub(super) fn is_legacy(source: &Value) -> bool {
    let has = |key: &str| source.get(key).is_some();
    (has("action_sets") || has("rule_sets") || has("flow_type")) && !has("spec_version")
}

/// What a conversion needs and gathers.
struct Conversion<'a> {
    base_language: String,
    media_url: &'a str,
    nodes: HashSet<String>,
    localization: Object,
    ids: IdMaker,
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn whole(of: &Value, key: &str) -> i64 {
    let number =
        |v: &Value| v.as_i64().or_else(|| v.as_f64().map(|n| n as i64)).or_else(|| v.as_str()?.trim().parse().ok());
    of.get(key).and_then(number).unwrap_or(0)
}

/// Template expressions in today's language.
fn migrated(template: &str) -> String {
    super::legacy_expression::migrate(template, &super::legacy_expression::Options::default())
}

impl Conversion<'_> {
    fn uuid(&mut self) -> String {
        self.ids.uuid(Millis(0)).to_string()
    }

    /// Adds a translation of an item.
    fn translate(&mut self, language: &str, item: &str, property: &str, texts: Vec<String>) {
        let items = self.localization.entry(language.to_owned()).or_insert_with(|| json!({}));
        let Some(items) = items.as_object_mut() else { return };
        let properties = items.entry(item.to_owned()).or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            properties.insert(property.to_owned(), json!(texts));
        }
    }

    /// An exit, without a destination that isn't there.
    fn exit(&self, uuid: &str, destination: &str) -> Value {
        if self.nodes.contains(destination) {
            json!({"uuid": uuid, "destination_uuid": destination})
        } else {
            json!({"uuid": uuid})
        }
    }

    fn action_set(&mut self, set: &Value) -> Result<Object> {
        let mut node = Object::new();
        node.insert("uuid".to_owned(), json!(text(set, "uuid")));
        let mut actions = Vec::new();
        for action in items(set, "actions") {
            actions.push(self.action(action)?);
        }
        if !actions.is_empty() {
            node.insert("actions".to_owned(), Value::Array(actions));
        }
        let exit = match text(set, "exit_uuid") {
            "" => self.uuid(),
            exit => exit.to_owned(),
        };
        node.insert("exits".to_owned(), json!([self.exit(&exit, text(set, "destination"))]));
        Ok(node)
    }
}

/// Converts a legacy definition to version 13.0.0.
pub(super) fn convert(source: &Value, media_url: &str) -> Result<Value> {
    let empty = json!({});
    let metadata = source.get("metadata").filter(|m| m.is_object()).unwrap_or(&empty);
    let either = |key: &str| match text(metadata, key) {
        "" => text(source, key).to_owned(),
        found => found.to_owned(),
    };
    let sets = [("action_sets", false), ("rule_sets", true)];
    let mut all: Vec<(&Value, bool)> = Vec::new();
    for (key, rules) in sets {
        all.extend(items(source, key).iter().map(|set| (set, rules)));
    }
    let entry = text(source, "entry");
    all.sort_by_key(|(set, _)| (text(set, "uuid") != entry, whole(set, "y")));
    let mut conversion = Conversion {
        base_language: text(source, "base_language").to_owned(),
        media_url,
        nodes: all.iter().map(|(set, _)| text(set, "uuid").to_owned()).collect(),
        localization: Object::new(),
        ids: IdMaker::from_u64(super::edit::hash(&source.to_string())),
    };
    let uuid = match either("uuid") {
        none if none.is_empty() => conversion.uuid(),
        uuid => uuid,
    };
    let (mut nodes, mut shown) = (Vec::with_capacity(all.len()), Object::new());
    for (set, is_rules) in all {
        let uuid = text(set, "uuid").to_owned();
        let place = |e: DefinitionError| e.within(format!("error migrating set[uuid={uuid}]"));
        let (node, mut ui) = if is_rules {
            conversion.rule_set(set).map_err(place)?
        } else {
            (conversion.action_set(set).map_err(place)?, json!({"type": "execute_actions"}))
        };
        ui["position"] = json!({"left": whole(set, "x"), "top": whole(set, "y")});
        nodes.push(Value::Object(node));
        shown.insert(uuid, ui);
    }
    let mut stickies = Object::new();
    for note in items(metadata, "notes") {
        let sticky = json!({
            "position": {"left": whole(note, "x"), "top": whole(note, "y")},
            "title": text(note, "title"),
            "body": text(note, "body"),
            "color": "yellow",
        });
        stickies.insert(conversion.uuid(), sticky);
    }
    let kind = match text(source, "flow_type") {
        "" | "F" | "M" => "messaging",
        "V" => "voice",
        "S" => "messaging_offline",
        other => return Err(DefinitionError::new(format!("'{other}' is not a legacy flow type"))),
    };
    Ok(json!({
        "uuid": uuid,
        "name": either("name"),
        "spec_version": "13.0.0",
        "language": conversion.base_language,
        "type": kind,
        "revision": whole(metadata, "revision"),
        "expire_after_minutes": whole(metadata, "expires"),
        "localization": conversion.localization,
        "nodes": nodes,
        "_ui": {"nodes": shown, "stickies": stickies},
    }))
}
