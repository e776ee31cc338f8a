//! Exporting flows as a RapidPro export file.

use crate::assets::MEDIA;
use crate::{App, AppError};
use base::{FlowId, GroupId};
use flow::definition::Definition;
use flow::export::{Export, ExportedField, ExportedFlow, ExportedGroup, ExportedTrigger, KeywordTrigger};
use flow::reference::{FlowRef, GroupRef, Identity, Reference};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use store::{FlowRow, KeywordRow};
use uuid::Uuid;

/// What is exported beside the flows that were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dependencies {
    /// Flows that they enter, with the triggers, campaigns, fields and groups of all of them.
    #[default]
    All,
    /// Flows that they enter, and the triggers of all of them.
    Flows,
    /// Nothing.
    None,
}

/// Why flows cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no such flow.
    #[error("there is no flow \"{0}\"; `mhero flow list` shows those that there are")]
    NoFlow(String),
    /// A legacy definition cannot be converted.
    #[error(transparent)]
    Flow(#[from] flow::export::ExportError),
    /// The store refused.
    #[error(transparent)]
    App(#[from] AppError),
}

impl From<store::StoreError> for ExportError {
    fn from(error: store::StoreError) -> Self {
        Self::App(error.into())
    }
}

/// A flow and what it refers to.
struct Found {
    row: FlowRow,
    definition: Arc<Definition>,
    source: Value,
}

impl App {
    /// Writes flows, by name or id, as a RapidPro export file of version 13: all flows when none is named. A flow is
    /// written as it came, with its `_ui`; one from before version 13 is converted. `site` is the scheme and host that
    /// the file is said to come from.
    ///
    /// # Errors
    /// [`ExportError`], naming the flow.
    pub async fn export_flows(
        &self,
        site: &str,
        wanted: &[String],
        dependencies: Dependencies,
    ) -> Result<Value, ExportError> {
        let mut all = BTreeMap::new();
        for row in self.store.flows().await? {
            let source = serde_json::from_str(&row.definition).map_err(|error| broken(&row, &error))?;
            let definition = Arc::new(Definition::read(&source).map_err(|error| broken(&row, &error))?);
            all.insert(row.id, Found { row, definition, source });
        }
        let chosen = chosen(&all, wanted, dependencies)?;
        let mut export = Export { site: site.to_owned(), ..Export::default() };
        let groups: HashMap<GroupId, store::GroupRow> =
            self.store.groups().await?.into_iter().map(|group| (group.id, group)).collect();
        if dependencies != Dependencies::None {
            let keywords = self.store.keywords().await?;
            let keywords = keywords.iter().filter(|keyword| chosen.contains(&keyword.flow));
            export.triggers.extend(keywords.map(|keyword| trigger(keyword, &all, &groups)));
        }
        for kept in self.store.kept().await? {
            let starts = |document: &str| chosen.iter().any(|id| document.contains(&id.to_string()));
            match kept.kind.as_str() {
                "trigger" if dependencies != Dependencies::None && starts(&kept.document) => {
                    export.triggers.push(serde_json::from_str(&kept.document).map_err(|error| kept_broken(&error))?);
                }
                "campaign" if dependencies == Dependencies::All && (wanted.is_empty() || starts(&kept.document)) => {
                    export.campaigns.push(serde_json::from_str(&kept.document).map_err(|error| kept_broken(&error))?);
                }
                _ => {}
            }
        }
        if dependencies == Dependencies::All {
            self.add_fields_and_groups(&mut export, &all, &chosen, &groups).await?;
        }
        for id in &chosen {
            let Some(found) = all.remove(id) else { continue };
            let mut source = found.source;
            if let Some(flow) = source.as_object_mut().filter(|flow| flow.contains_key("spec_version")) {
                flow.insert("revision".into(), found.row.revision.into());
            }
            export.flows.push(ExportedFlow { source, definition: found.definition });
        }
        export.flows.sort_by(|a, b| a.definition.name().cmp(b.definition.name()));
        Ok(export.to_value(MEDIA)?)
    }

    /// Adds the fields and groups that flows, triggers and campaigns of the export refer to.
    async fn add_fields_and_groups(
        &self,
        export: &mut Export,
        all: &BTreeMap<FlowId, Found>,
        chosen: &BTreeSet<FlowId>,
        groups: &HashMap<GroupId, store::GroupRow>,
    ) -> Result<(), ExportError> {
        let (mut keys, mut members): (BTreeSet<String>, BTreeMap<Uuid, String>) = Default::default();
        for found in chosen.iter().filter_map(|id| all.get(id)) {
            for dependency in found.definition.inspect(None).dependencies {
                match dependency.reference {
                    Reference { kind: "field", identity: Identity::Key(key), .. } => drop(keys.insert(key)),
                    Reference { kind: "group", identity: Identity::Uuid(uuid), name } => {
                        members.insert(uuid, name);
                    }
                    _ => {}
                }
            }
        }
        let of_triggers =
            export.triggers.iter().flat_map(|trigger| trigger.groups.iter().chain(&trigger.exclude_groups));
        members.extend(of_triggers.map(|group| (group.uuid, group.name.clone())));
        for campaign in &export.campaigns {
            let group = campaign.get("group").and_then(|group| serde_json::from_value::<GroupRef>(group.clone()).ok());
            members.extend(group.map(|group| (group.uuid, group.name)));
            let events = campaign.get("events").and_then(Value::as_array).into_iter().flatten();
            keys.extend(events.filter_map(|event| event.pointer("/relative_to/key")?.as_str()).map(str::to_owned));
        }
        export.groups = members
            .into_iter()
            .map(|(uuid, name)| match groups.get(&GroupId(uuid)) {
                Some(group) => ExportedGroup { uuid, name: group.name.clone(), query: group.query.clone() },
                None => ExportedGroup { uuid, name, query: None },
            })
            .collect();
        let fields = self.store.fields().await?;
        let known = fields.into_iter().filter(|field| keys.contains(&field.key));
        export.fields =
            known.map(|field| ExportedField { key: field.key, name: field.name, kind: field.kind }).collect();
        Ok(())
    }
}

/// The flows to export: those that were asked for, and those that they enter unless nothing but them is wanted.
fn chosen(
    all: &BTreeMap<FlowId, Found>,
    wanted: &[String],
    dependencies: Dependencies,
) -> Result<BTreeSet<FlowId>, ExportError> {
    if wanted.is_empty() {
        return Ok(all.keys().copied().collect());
    }
    let mut open = Vec::with_capacity(wanted.len());
    for name in wanted {
        let found = all.values().find(|found| found.row.id.to_string() == *name).or_else(|| {
            let folded = base::text::fold(name);
            all.values().find(|found| base::text::fold(&found.row.name) == folded)
        });
        open.push(found.ok_or_else(|| ExportError::NoFlow(name.clone()))?.row.id);
    }
    let mut chosen = BTreeSet::new();
    while let Some(id) = open.pop() {
        let Some(found) = all.get(&id).filter(|_| chosen.insert(id)) else { continue };
        if dependencies != Dependencies::None {
            let entered = found.definition.inspect(None).dependencies.into_iter().filter_map(|dependency| {
                match dependency.reference {
                    Reference { kind: "flow", identity: Identity::Uuid(uuid), .. } => Some(FlowId(uuid)),
                    _ => None,
                }
            });
            open.extend(entered.filter(|id| all.contains_key(id)));
        }
    }
    Ok(chosen)
}

/// A keyword trigger as an export file has it.
fn trigger(
    keyword: &KeywordRow,
    all: &BTreeMap<FlowId, Found>,
    groups: &HashMap<GroupId, store::GroupRow>,
) -> ExportedTrigger {
    let named = |ids: &[GroupId]| -> Vec<GroupRef> {
        let name = |id: &GroupId| groups.get(id).map(|group| group.name.clone()).unwrap_or_default();
        ids.iter().map(|id| GroupRef::new(id.0, name(id))).collect()
    };
    let name = all.get(&keyword.flow).map(|found| found.row.name.clone()).unwrap_or_default();
    KeywordTrigger {
        keyword: keyword.word.clone(),
        only_word: keyword.only_word,
        flow: FlowRef { uuid: keyword.flow.0, name, revision: 0 },
        groups: named(&keyword.groups),
        exclude_groups: named(&keyword.exclude_groups),
        channel: None,
    }
    .into()
}

fn broken(row: &FlowRow, error: &dyn std::fmt::Display) -> AppError {
    AppError::Broken(format!("the stored flow '{}': {error}", row.name))
}

fn kept_broken(error: &serde_json::Error) -> AppError {
    AppError::Broken(format!("what an import kept cannot be read: {error}"))
}
