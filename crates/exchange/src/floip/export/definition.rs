//! One of our definitions, as far as it is written elsewhere.

use crate::floip::ids;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Clone, Debug, Deserialize)]
pub(in crate::floip) struct Definition {
    pub(in crate::floip) uuid: Uuid,
    pub(in crate::floip) name: String,
    pub(in crate::floip) language: String,
    #[serde(rename = "type")]
    pub(in crate::floip) kind: String,
    #[serde(default)]
    pub(in crate::floip) expire_after_minutes: u64,
    /// Language, item, property.
    #[serde(default)]
    localization: BTreeMap<String, BTreeMap<String, Value>>,
    #[serde(default)]
    pub(in crate::floip) nodes: Vec<Node>,
    #[serde(default, rename = "_ui")]
    ui: Value,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::floip) struct Node {
    pub(in crate::floip) uuid: Uuid,
    #[serde(default)]
    pub(in crate::floip) actions: Vec<Value>,
    #[serde(default)]
    pub(in crate::floip) router: Option<Router>,
    pub(in crate::floip) exits: Vec<Exit>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::floip) struct Exit {
    pub(in crate::floip) uuid: Uuid,
    #[serde(default)]
    pub(in crate::floip) destination_uuid: Option<Uuid>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::floip) struct Router {
    #[serde(rename = "type")]
    pub(in crate::floip) kind: String,
    #[serde(default)]
    pub(in crate::floip) operand: String,
    #[serde(default)]
    pub(in crate::floip) cases: Vec<Case>,
    pub(in crate::floip) categories: Vec<Category>,
    #[serde(default)]
    pub(in crate::floip) default_category_uuid: Option<Uuid>,
    #[serde(default)]
    pub(in crate::floip) result_name: Option<String>,
    #[serde(default)]
    pub(in crate::floip) wait: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::floip) struct Case {
    pub(in crate::floip) uuid: Uuid,
    #[serde(rename = "type")]
    pub(in crate::floip) kind: String,
    #[serde(default)]
    pub(in crate::floip) arguments: Vec<String>,
    pub(in crate::floip) category_uuid: Uuid,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::floip) struct Category {
    pub(in crate::floip) uuid: Uuid,
    pub(in crate::floip) name: String,
    pub(in crate::floip) exit_uuid: Uuid,
}

impl Definition {
    /// Reads a definition of any supported version.
    pub(in crate::floip) fn read(source: &Value) -> Result<Self, String> {
        flow::Definition::read(source).map_err(|error| error.to_string())?;
        let newest =
            flow::migrate::migrate(source, None, flow::migrate::MEDIA_URL).map_err(|error| error.to_string())?;
        serde_json::from_value(newest).map_err(|error| error.to_string())
    }

    /// The flow's own language and those that it is translated into.
    pub(in crate::floip) fn languages(&self) -> Vec<&str> {
        let others = self.localization.keys().map(String::as_str).filter(|language| *language != self.language);
        std::iter::once(self.language.as_str()).chain(others).collect()
    }

    /// The translations of a property of an item: language and values, without those that count for nothing.
    pub(in crate::floip) fn translations(&self, item: Uuid, property: &str) -> Vec<(String, Vec<String>)> {
        let item = item.to_string();
        let of = |items: &BTreeMap<String, Value>| {
            let list = items.get(&item)?.get(property)?.as_array()?;
            let texts: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            (!texts.is_empty() && texts != [""]).then_some(texts)
        };
        let others = self.localization.iter().filter(|(language, _)| **language != self.language);
        others.filter_map(|(language, items)| Some((language.clone(), of(items)?))).collect()
    }

    /// The first value of each translation.
    pub(in crate::floip) fn translated(&self, item: Uuid, property: &str) -> BTreeMap<String, String> {
        self.translations(item, property)
            .into_iter()
            .filter_map(|(l, texts)| Some((l, texts.into_iter().next()?)))
            .collect()
    }

    /// Where an editor shows a node.
    pub(super) fn position(&self, node: Uuid) -> Option<(i64, i64)> {
        let place = self.ui.get("nodes")?.get(node.to_string())?.get("position")?;
        Some((place.get("left")?.as_i64()?, place.get("top")?.as_i64()?))
    }
}

impl Node {
    pub(super) fn destination(&self, exit: Uuid) -> Option<Uuid> {
        self.exits.iter().find(|other| other.uuid == exit).and_then(|exit| exit.destination_uuid)
    }
}

impl Router {
    pub(in crate::floip) fn category(&self, uuid: Uuid) -> Option<&Category> {
        self.categories.iter().find(|category| category.uuid == uuid)
    }

    pub(in crate::floip) fn default_category(&self) -> Option<&Category> {
        self.default_category_uuid.and_then(|uuid| self.category(uuid))
    }

    /// Whether it waits for a message.
    pub(in crate::floip) fn waits(&self) -> bool {
        self.wait.as_ref().and_then(|wait| wait.get("type")).is_some_and(|kind| kind == "msg")
    }

    /// Whether it waits for an answer in words, for which there are questions with a prompt.
    pub(super) fn asks(&self) -> bool {
        self.waits() && !matches!(self.hint(), Some("location" | "image"))
    }

    /// Whether it is that of a question that came from FLOIP without a prompt: its parts have their ids from `node`.
    pub(super) fn is_block(&self, node: Uuid) -> bool {
        ["answered", "other"].iter().any(|part| self.category(ids::part_of(node, part)).is_some())
    }

    pub(super) fn hint(&self) -> Option<&str> {
        self.wait.as_ref()?.get("hint")?.get("type")?.as_str()
    }
}
