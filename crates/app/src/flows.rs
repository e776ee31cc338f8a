//! Flows: importing them, and loading what steps need.

use crate::assets::{ChannelInfo, FlowError, Parts, StoredFlow, check};
use crate::{App, AppError};
use base::{FlowId, GroupId};
use flow::definition::Definition;
use serde_json::{Value, json};
use std::sync::Arc;
use store::{FieldRow, FlowRow, GroupRow, KeywordRow, Saved, Store};

/// What became of one flow of an import.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Imported {
    /// The flow's id.
    pub uuid: uuid::Uuid,
    /// Its name.
    pub name: String,
    /// `new`, `changed` or `unchanged`.
    pub result: String,
    /// The keywords that start it now.
    pub keywords: Vec<String>,
}

/// Why a file of flows is refused. Nothing of it is imported then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is no flow and no export of flows.
    #[error("{0}")]
    File(String),
    /// One flow cannot be run.
    #[error("flow '{name}': {error}")]
    Flow {
        /// Its name.
        name: String,
        /// Why.
        error: FlowError,
    },
    /// The store refused.
    #[error(transparent)]
    App(#[from] AppError),
}

impl From<store::StoreError> for ImportError {
    fn from(error: store::StoreError) -> Self {
        Self::App(error.into())
    }
}

impl App {
    /// Imports a RapidPro export file, or a single definition, whole or not at all: flows, their keyword triggers,
    /// groups and fields.
    ///
    /// # Errors
    /// [`ImportError`], naming the flow and the place in it.
    pub async fn import_flows(&self, text: &str) -> Result<Vec<Imported>, ImportError> {
        let document: Value = serde_json::from_str(text).map_err(|error| {
            ImportError::File(format!("this is not JSON (line {}, column {}): {error}", error.line(), error.column()))
        })?;
        let sources = match document.get("flows").and_then(Value::as_array) {
            Some(flows) => flows.clone(),
            None if document.get("nodes").is_some() => vec![document.clone()],
            None => {
                return Err(ImportError::File(
                    "this is neither a flow (it has no `nodes`) nor an export of flows (it has no `flows`)".into(),
                ));
            }
        };
        let mut checked: Vec<(Definition, &Value)> = Vec::with_capacity(sources.len());
        for source in &sources {
            let definition = check(source).map_err(|error| ImportError::Flow {
                name: source.get("name").and_then(Value::as_str).unwrap_or("without a name").to_owned(),
                error,
            })?;
            checked.push((definition, source));
        }
        let now = self.now();
        for (key, rows) in [("groups", "query"), ("fields", "type")] {
            for row in document.get(key).and_then(Value::as_array).into_iter().flatten() {
                self.import_asset(key, rows, row).await?;
            }
        }
        let mut imported = Vec::with_capacity(checked.len());
        for (definition, source) in checked {
            let row = FlowRow {
                id: FlowId(definition.uuid()),
                name: definition.name().to_owned(),
                kind: definition.kind().as_str().to_owned(),
                revision: 0,
                definition: source.to_string(),
                modified_on: now,
            };
            let saved = self.store.save_flow(&row, &source.to_string(), now).await?;
            let keywords = self.import_keywords(&document, row.id).await?;
            imported.push(Imported {
                uuid: row.id.0,
                name: row.name,
                result: match saved {
                    Saved::New => "new".into(),
                    Saved::Changed(_) => "changed".into(),
                    Saved::Unchanged => "unchanged".into(),
                },
                keywords,
            });
        }
        self.bells.assets.ring();
        Ok(imported)
    }

    async fn import_asset(&self, kind: &str, extra: &str, row: &Value) -> Result<(), ImportError> {
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = text("uuid").parse().unwrap_or_else(|_| self.with_ids(|ids| ids.uuid(self.now())));
        if text("name").is_empty() {
            return Ok(());
        }
        if kind == "groups" {
            let query = Some(text(extra)).filter(|query| !query.is_empty());
            self.store.ensure_group(&GroupRow { id: GroupId(id), name: text("name"), query }, self.now()).await?;
        } else {
            let field = FieldRow { key: text("key"), id, name: text("name"), kind: text(extra) };
            self.store.ensure_field(&field).await?;
        }
        Ok(())
    }

    /// Saves the keyword triggers of an export that start `flow`.
    async fn import_keywords(&self, document: &Value, flow: FlowId) -> Result<Vec<String>, ImportError> {
        let mut words = Vec::new();
        for trigger in document.get("triggers").and_then(Value::as_array).into_iter().flatten() {
            let starts = trigger.pointer("/flow/uuid").and_then(Value::as_str);
            let kind = trigger.get("trigger_type").and_then(Value::as_str);
            if kind != Some("K") || starts != Some(flow.to_string().as_str()) {
                continue;
            }
            let single = trigger.get("keyword").and_then(Value::as_str);
            let several = trigger.get("keywords").and_then(Value::as_array).into_iter().flatten();
            for word in single.into_iter().chain(several.filter_map(Value::as_str)) {
                let only_word = trigger.get("match_type").and_then(Value::as_str) == Some("O");
                let keyword = KeywordRow { word: word.to_owned(), only_word, flow };
                let id = self.with_ids(|ids| ids.uuid(self.now()));
                self.store.save_keyword(&keyword, id).await?;
                words.push(word.to_owned());
            }
        }
        Ok(words)
    }
}

/// Reads everything that steps need from the store.
pub(crate) async fn parts(store: &Store) -> Result<Parts, AppError> {
    let mut flows = Vec::new();
    for row in store.flows().await? {
        let source: Value = serde_json::from_str(&row.definition)
            .map_err(|error| AppError::Broken(format!("the stored flow '{}' is not JSON: {error}", row.name)))?;
        let definition = Definition::read(&source)
            .map_err(|error| AppError::Broken(format!("the stored flow '{}': {error}", row.name)))?;
        flows.push(StoredFlow { id: row.id, definition: Arc::new(definition) });
    }
    let channels = store
        .channels()
        .await?
        .into_iter()
        .map(|channel| ChannelInfo { id: channel.id, name: channel.name, address: channel.address })
        .collect();
    let groups = store.groups().await?;
    let groups =
        groups.iter().map(|group| json!({ "uuid": group.id, "name": group.name, "query": group.query })).collect();
    let fields = store.fields().await?;
    let fields = fields
        .iter()
        .map(|field| json!({ "uuid": field.id, "key": field.key, "name": field.name, "type": field.kind }))
        .collect();
    let keywords =
        store.keywords().await?.into_iter().map(|keyword| (keyword.word, keyword.only_word, keyword.flow)).collect();
    let places = crate::audience::spans(&store.places().await?);
    Ok(Parts { flows, channels, groups, fields, keywords, places })
}
