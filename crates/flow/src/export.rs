//! RapidPro export files: flows with the campaigns, triggers, fields and groups they depend on.

use crate::assets::{Assets, AssetsError};
use crate::definition::{Definition, DefinitionError};
use crate::migrate::migrate;
use crate::reference::{ChannelRef, FlowRef, GroupRef};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Why an export can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It isn't JSON of the right shape.
    #[error("unable to read export: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of a kind that isn't known.
    #[error("unable to read export: version '{0}' is neither 13 nor 11.x or 10.x")]
    Version(String),
    /// A flow can't be used.
    #[error("flow '{name}': {error}")]
    Flow {
        /// Its name.
        name: String,
        /// Why not.
        error: DefinitionError,
    },
}

/// A flow of an export.
#[derive(Clone, Debug)]
pub struct ExportedFlow {
    /// As it came, with its `_ui`: to be kept beside the form that runs.
    pub source: Value,
    /// Compiled.
    pub definition: Arc<Definition>,
}

/// The type of a keyword trigger.
pub const KEYWORD: &str = "K";

/// What starts a flow from outside.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ExportedTrigger {
    /// `K` for keywords, `C` catch-all, `S` schedule, `V` call, `M` missed call, `N` new conversation, `R` referral,
    /// `T` closed ticket.
    #[serde(default)]
    pub trigger_type: String,
    /// Keywords of a message trigger.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// The keyword of an older message trigger.
    #[serde(default, skip_serializing)]
    keyword: Option<String>,
    /// `F` when the message begins with the keyword, `O` when it is all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_type: Option<String>,
    /// The flow to start.
    #[serde(default)]
    pub flow: Option<FlowRef>,
    /// Groups that it is for; all contacts when empty.
    #[serde(default)]
    pub groups: Vec<GroupRef>,
    /// Groups that it isn't for.
    #[serde(default)]
    pub exclude_groups: Vec<GroupRef>,
    /// The channel that it is for.
    #[serde(default, deserialize_with = "channel")]
    pub channel: Option<ChannelRef>,
}

impl From<KeywordTrigger> for ExportedTrigger {
    fn from(trigger: KeywordTrigger) -> Self {
        Self {
            trigger_type: KEYWORD.to_owned(),
            keywords: vec![trigger.keyword],
            keyword: None,
            match_type: Some(if trigger.only_word { "O" } else { "F" }.to_owned()),
            flow: Some(trigger.flow),
            groups: trigger.groups,
            exclude_groups: trigger.exclude_groups,
            channel: trigger.channel,
        }
    }
}

/// Older exports name the channel by UUID alone.
fn channel<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<ChannelRef>, D::Error> {
    Ok(match Option::<Value>::deserialize(from)? {
        Some(Value::String(uuid)) => uuid.parse().ok().map(|uuid| ChannelRef::new(uuid, "")),
        Some(object @ Value::Object(_)) => serde_json::from_value(object).ok(),
        _ => None,
    })
}

/// A field of an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportedField {
    /// What expressions call it.
    pub key: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// `text`, `number`...
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// A group of an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportedGroup {
    /// What identifies it.
    pub uuid: uuid::Uuid,
    /// What people call it.
    pub name: String,
    /// The query of a smart group.
    #[serde(default)]
    pub query: Option<String>,
}

/// The file as it is, before its flows are read.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    version: Value,
    #[serde(default)]
    site: String,
    #[serde(default)]
    flows: Vec<Value>,
    #[serde(default)]
    campaigns: Vec<Value>,
    #[serde(default)]
    triggers: Vec<ExportedTrigger>,
    #[serde(default)]
    fields: Vec<ExportedField>,
    #[serde(default)]
    groups: Vec<ExportedGroup>,
}

/// What an export file holds.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// The site it comes from.
    pub site: String,
    /// Flows, compiled.
    pub flows: Vec<ExportedFlow>,
    /// Campaigns, as they came.
    pub campaigns: Vec<Value>,
    /// What starts flows.
    pub triggers: Vec<ExportedTrigger>,
    /// Fields that flows depend on.
    pub fields: Vec<ExportedField>,
    /// Groups that flows depend on.
    pub groups: Vec<ExportedGroup>,
}

/// Reads an export file. Every flow in it is migrated, checked and compiled; the first that can't be used is the error.
pub fn read(bytes: &[u8]) -> Result<Export, ExportError> {
    let file: File = serde_json::from_slice(bytes)?;
    let version = match &file.version {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if !["10", "11", "12", "13"].contains(&version.split('.').next().unwrap_or_default()) {
        return Err(ExportError::Version(version));
    }
    let mut flows = Vec::with_capacity(file.flows.len());
    for source in file.flows {
        let name = source.get("name").or_else(|| source.get("metadata")?.get("name")).and_then(Value::as_str);
        let name = name.unwrap_or("without a name").to_owned();
        let definition = Definition::read(&source).map_err(|error| ExportError::Flow { name, error })?;
        flows.push(ExportedFlow { source, definition: Arc::new(definition) });
    }
    let mut triggers = file.triggers;
    for trigger in &mut triggers {
        trigger.keywords.extend(trigger.keyword.take().filter(|k| !k.is_empty()));
    }
    Ok(Export { site: file.site, flows, campaigns: file.campaigns, triggers, fields: file.fields, groups: file.groups })
}

/// The version of export files that are written.
const VERSION: &str = "13";

/// What legacy definitions are written as: what the first release that reads files of this version understands.
const LEGACY_AS: &str = "13.0.0";

impl ExportedFlow {
    /// The definition as an export file has it: as it came, with its `_ui`, or converted when it came from before
    /// version 13.
    ///
    /// # Errors
    /// [`ExportError::Flow`] when a legacy definition cannot be converted.
    pub fn to_value(&self, media_url: &str) -> Result<Value, ExportError> {
        if self.source.get("spec_version").is_some() {
            return Ok(self.source.clone());
        }
        migrate(&self.source, Some(LEGACY_AS), media_url)
            .map_err(|error| ExportError::Flow { name: self.definition.name().to_owned(), error })
    }
}

impl Export {
    /// The file, as RapidPro writes and imports it: version 13, fields in order of their keys and groups of their names.
    /// Relative media paths of legacy definitions are joined to `media_url`.
    ///
    /// # Errors
    /// [`ExportError::Flow`] when a legacy definition cannot be converted.
    pub fn to_value(&self, media_url: &str) -> Result<Value, ExportError> {
        let flows = self.flows.iter().map(|flow| flow.to_value(media_url)).collect::<Result<Vec<_>, _>>()?;
        let (mut fields, mut groups) = (self.fields.clone(), self.groups.clone());
        fields.sort_by(|a, b| a.key.cmp(&b.key));
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(json!({
            "version": VERSION, "site": self.site, "flows": flows, "campaigns": self.campaigns,
            "triggers": self.triggers, "fields": fields, "groups": groups,
        }))
    }

    /// Fields, groups and flows of the export as assets, for trying flows without a project.
    pub fn assets(&self) -> Result<Assets, AssetsError> {
        let fields: Vec<Value> = self
            .fields
            .iter()
            .map(|f| json!({"key": f.key, "name": f.name, "type": if f.kind.is_empty() { "text" } else { &f.kind }}))
            .collect();
        let assets = Assets::read(&json!({
            "fields": fields,
            "groups": self.groups,
            "channels": [{
                "uuid": "0192f3a0-0000-7000-8000-00000000000c", "name": "Simulator", "address": "8800",
                "schemes": ["tel"], "roles": ["send", "receive", "call", "answer"],
            }],
        }))?;
        Ok(assets.with_flows(self.flows.iter().map(|f| f.definition.clone())))
    }
}

/// A keyword that starts a flow, as data for the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeywordTrigger {
    /// The keyword, in lower case.
    pub keyword: String,
    /// Whether it must be the only word of the message.
    pub only_word: bool,
    /// The flow to start.
    pub flow: FlowRef,
    /// Groups that it is for; all contacts when empty.
    pub groups: Vec<GroupRef>,
    /// Groups that it isn't for.
    pub exclude_groups: Vec<GroupRef>,
    /// The channel that it is for; every channel when there is none.
    pub channel: Option<ChannelRef>,
}

impl Export {
    /// The keywords that start flows.
    pub fn keyword_triggers(&self) -> Vec<KeywordTrigger> {
        let mut found = Vec::new();
        for trigger in self.triggers.iter().filter(|t| t.trigger_type == KEYWORD) {
            let Some(flow) = &trigger.flow else { continue };
            for keyword in &trigger.keywords {
                found.push(KeywordTrigger {
                    keyword: keyword.trim().to_lowercase(),
                    only_word: trigger.match_type.as_deref() == Some("O"),
                    flow: flow.clone(),
                    groups: trigger.groups.clone(),
                    exclude_groups: trigger.exclude_groups.clone(),
                    channel: trigger.channel.clone(),
                });
            }
        }
        found
    }
}
