//! Flows: importing and exporting them, and loading what steps need.

mod export;

pub use export::{Dependencies, ExportError as FlowExportError};

use crate::assets::{ChannelInfo, FlowError, Parts, StoredFlow, check};
use crate::{App, AppError};
use base::{FlowId, GroupId};
use flow::definition::Definition;
use flow::export::{Export, ExportError, ExportedFlow, KEYWORD, KeywordTrigger};
use flow::reference::{GroupRef, Identity, Reference};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use store::ops::NewProblem;
use store::{FieldRow, FlowRow, GroupRow, KeptRow, KeywordRow, Saved, Store};
use uuid::Uuid;

/// What became of a file of flows.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Imported {
    /// Its flows.
    pub flows: Vec<ImportedFlow>,
    /// What the file brought beside flows that nothing here runs: it is kept, and an export gives it back.
    pub kept: Vec<String>,
}

/// What became of one flow of an import.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct ImportedFlow {
    /// The flow's id.
    pub uuid: uuid::Uuid,
    /// Its name.
    pub name: String,
    /// `new`, `changed` or `unchanged`.
    pub result: String,
    /// The keywords that start it now.
    pub keywords: Vec<String>,
    /// What is good to know: for whom a keyword is, what could not be carried over from another kind of flow.
    pub notes: Vec<String>,
}

/// Why a file of flows is refused. Nothing of it is imported then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is no flow and no export of flows.
    #[error("{0}")]
    File(String),
    /// The FLOIP document has no flows.
    #[error(transparent)]
    Floip(#[from] exchange::floip::FloipError),
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
    /// Imports a RapidPro export file, a single definition or a FLOIP document, whole or not at all: flows, their keyword
    /// triggers, groups and fields. Campaigns and other triggers are kept for exports. What a FLOIP document has and our
    /// flows cannot have is noted, and goes to the work list.
    ///
    /// Groups are found by name, as RapidPro finds what comes from elsewhere: a definition that knows one by another id
    /// runs with the id that it has here.
    ///
    /// # Errors
    /// [`ImportError`], naming the flow and the place in it.
    pub async fn import_flows(&self, text: &str) -> Result<Imported, ImportError> {
        let File { export, single, floip, problems } = read(text)?;
        let groups = self.import_groups(&export).await?;
        for field in &export.fields {
            let id = self.with_ids(|ids| ids.uuid(self.now()));
            let (key, name) = (field.key.clone(), field.name.clone());
            let name = if name.is_empty() { key.clone() } else { name };
            self.store.ensure_field(&FieldRow { key, id, name, kind: field.kind.clone() }).await?;
        }
        let triggers = export.keyword_triggers();
        let now = self.now();
        let ids = GroupIds::new(&export, &groups);
        let kept = self.keep(&export, &ids).await?;
        let mut imported = Imported { flows: Vec::with_capacity(export.flows.len()), kept };
        for flow in &export.flows {
            let definition = &flow.definition;
            let row = FlowRow {
                id: FlowId(definition.uuid()),
                name: definition.name().to_owned(),
                kind: definition.kind().as_str().to_owned(),
                revision: 0,
                definition: ids.of_here(flow.source.to_string()),
                modified_on: now,
            };
            // What came is kept as it came.
            let came = if floip { text.to_owned() } else { flow.source.to_string() };
            let saved = self.store.save_flow(&row, &came, now).await?;
            let notes = problems.iter().filter(|problem| problem.flow == row.name).map(ToString::to_string).collect();
            let mut done = ImportedFlow {
                uuid: row.id.0,
                name: row.name,
                result: match saved {
                    Saved::New => "new".into(),
                    Saved::Changed(_) => "changed".into(),
                    Saved::Unchanged => "unchanged".into(),
                },
                keywords: Vec::new(),
                notes,
            };
            if !single {
                self.import_keywords(&triggers, row.id, &groups, &mut done).await?;
            }
            imported.flows.push(done);
        }
        let problems: Vec<NewProblem> = problems.into_iter().map(not_carried_over).collect();
        if !problems.is_empty() {
            self.store.add_problems(&problems, now).await?;
        }
        self.bells.assets.ring();
        Ok(imported)
    }

    /// Makes the groups that an import speaks of, and gives the id here of each, by its folded name: a group of the
    /// same name stays the one that it is.
    async fn import_groups(&self, export: &Export) -> Result<HashMap<String, GroupId>, ImportError> {
        let now = self.now();
        let of_triggers = of_triggers(export).map(|group| (group.uuid, group.name.clone(), None));
        let listed = export.groups.iter().map(|group| (group.uuid, group.name.clone(), group.query.clone()));
        let all: Vec<_> = listed.chain(of_triggers).filter(|(_, name, _)| !name.is_empty()).collect();
        for (id, name, query) in all {
            let query = query.filter(|query| !query.is_empty());
            self.store.ensure_group(&GroupRow { id: GroupId(id), name, query }, now).await?;
        }
        let groups = self.store.groups().await?;
        Ok(groups.into_iter().map(|group| (base::text::fold(&group.name), group.id)).collect())
    }

    /// Keeps what nothing here runs, and says what it is.
    async fn keep(&self, export: &Export, ids: &GroupIds) -> Result<Vec<String>, ImportError> {
        let mut said = Vec::new();
        for campaign in &export.campaigns {
            let text = |key: &str| campaign.get(key).and_then(Value::as_str).unwrap_or_default();
            let id = if text("uuid").is_empty() { text("name") } else { text("uuid") };
            let document = ids.of_here(campaign.to_string());
            self.store.keep(&KeptRow { kind: "campaign".into(), id: id.to_owned(), document }).await?;
            let events = campaign.get("events").and_then(Value::as_array).map_or(0, Vec::len);
            said.push(format!("campaign \"{}\": its {events} events are not fired", text("name")));
        }
        for trigger in export.triggers.iter().filter(|trigger| trigger.trigger_type != KEYWORD) {
            let kind = match trigger.trigger_type.as_str() {
                "S" => continue,
                "C" => "catch-all",
                "V" => "incoming call",
                "M" => "missed call",
                "N" => "new conversation",
                "R" => "referral",
                "T" => "closed ticket",
                "I" => "opt-in",
                "O" => "opt-out",
                _ => "unknown",
            };
            let flow = trigger.flow.as_ref();
            let document = serde_json::to_string(trigger).map_err(|error| ImportError::File(error.to_string()))?;
            let document = ids.of_here(document);
            let mut groups: Vec<String> = trigger.groups.iter().map(|group| group.uuid.to_string()).collect();
            groups.sort_unstable();
            let starts = flow.map(|flow| flow.uuid.to_string()).unwrap_or_default();
            let id = ids.of_here(format!("{} {starts} {}", trigger.trigger_type, groups.join(" ")));
            self.store.keep(&KeptRow { kind: "trigger".into(), id, document }).await?;
            said.push(format!("{kind} trigger of \"{}\": it starts nothing", flow.map_or("", |flow| &flow.name)));
        }
        Ok(said)
    }

    /// Makes the keyword triggers of an export that start `flow` those that it has.
    async fn import_keywords(
        &self,
        triggers: &[KeywordTrigger],
        flow: FlowId,
        groups: &HashMap<String, GroupId>,
        done: &mut ImportedFlow,
    ) -> Result<(), ImportError> {
        let ids = |wanted: &[GroupRef]| -> Vec<GroupId> {
            let here = |group: &GroupRef| groups.get(&base::text::fold(&group.name)).copied();
            wanted.iter().map(|group| here(group).unwrap_or(GroupId(group.uuid))).collect()
        };
        let names = |groups: &[GroupRef]| groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(", ");
        let mut rows: Vec<(Uuid, KeywordRow)> = Vec::new();
        for trigger in triggers.iter().filter(|trigger| trigger.flow.uuid == flow.0) {
            let row = KeywordRow {
                word: trigger.keyword.clone(),
                only_word: trigger.only_word,
                flow,
                groups: ids(&trigger.groups),
                exclude_groups: ids(&trigger.exclude_groups),
            };
            rows.push((self.with_ids(|ids| ids.uuid(self.now())), row));
            let word = &trigger.keyword;
            if !trigger.groups.is_empty() {
                done.notes.push(format!("keyword {word}: only for members of {}", names(&trigger.groups)));
            }
            if !trigger.exclude_groups.is_empty() {
                done.notes.push(format!("keyword {word}: not for members of {}", names(&trigger.exclude_groups)));
            }
            if let Some(channel) = &trigger.channel {
                let name = if channel.name.is_empty() { "one channel" } else { channel.name.as_str() };
                done.notes.push(format!("keyword {word}: was for {name}; here it counts on every channel"));
            }
            if !done.keywords.contains(word) {
                done.keywords.push(word.clone());
            }
        }
        self.store.replace_keywords(flow, &rows).await?;
        Ok(())
    }
}

/// The ids of groups in an export, each with the id that the group of this name has here where that is another.
struct GroupIds(Vec<(String, String)>);

impl GroupIds {
    fn new(export: &Export, groups: &HashMap<String, GroupId>) -> Self {
        let of_flows = export.flows.iter().flat_map(|flow| flow.definition.inspect(None).dependencies);
        let of_flows = of_flows.filter_map(|dependency| match dependency.reference {
            Reference { kind: "group", identity: Identity::Uuid(uuid), name } => Some((uuid, name)),
            _ => None,
        });
        let of_campaigns = export.campaigns.iter().filter_map(|campaign| campaign.get("group"));
        let of_campaigns = of_campaigns.filter_map(|group| serde_json::from_value::<GroupRef>(group.clone()).ok());
        let of_triggers = of_triggers(export).cloned().chain(of_campaigns).map(|group| (group.uuid, group.name));
        let mut ids: Vec<(String, String)> = of_flows
            .chain(of_triggers)
            .filter_map(|(there, name)| {
                let here = groups.get(&base::text::fold(&name)).filter(|here| here.0 != there)?;
                Some((there.to_string(), here.to_string()))
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        Self(ids)
    }

    /// The text of a document with the ids of here. A UUID stands for nothing else, so it can be replaced wherever it
    /// is.
    fn of_here(&self, document: String) -> String {
        self.0.iter().fold(document, |text, (there, here)| text.replace(there, here))
    }
}

/// The groups that triggers are for, and not for.
fn of_triggers(export: &Export) -> impl Iterator<Item = &GroupRef> {
    export.triggers.iter().flat_map(|trigger| trigger.groups.iter().chain(&trigger.exclude_groups))
}

/// What a file of flows holds.
struct File {
    export: Export,
    /// It was a single definition or a FLOIP document: it says nothing of keywords.
    single: bool,
    /// It was a FLOIP document.
    floip: bool,
    /// What of it could not be carried over.
    problems: Vec<exchange::floip::Problem>,
}

/// Reads and checks an export file, a single definition or a FLOIP document.
fn read(text: &str) -> Result<File, ImportError> {
    let document: Value = serde_json::from_str(text).map_err(|error| ImportError::File(not_json(&error)))?;
    let refused = |name: &str, error: FlowError| ImportError::Flow { name: name.to_owned(), error };
    let whole = |text: &str| {
        flow::export::read(text.as_bytes()).map_err(|error| match error {
            ExportError::Flow { name, error } => refused(&name, error.into()),
            other => ImportError::File(other.to_string()),
        })
    };
    let floip = exchange::floip::is_floip(&document);
    let single = floip || document.get("flows").is_none();
    let mut problems = Vec::new();
    let export = if floip {
        let imported = exchange::floip::import(&document)?;
        problems = imported.problems;
        whole(&imported.document.to_string())?
    } else if !single {
        whole(text)?
    } else if document.get("nodes").is_some() || document.get("action_sets").is_some() {
        let name = document.get("name").and_then(Value::as_str).unwrap_or("without a name").to_owned();
        let definition = Definition::read(&document).map_err(|error| refused(&name, error.into()))?;
        let flows = vec![ExportedFlow { source: document, definition: Arc::new(definition) }];
        Export { flows, ..Export::default() }
    } else {
        return Err(ImportError::File(
            "this is neither a flow (it has no `nodes`) nor an export of flows (it has no `flows`)".into(),
        ));
    };
    for flow in &export.flows {
        check(&flow.definition, &flow.source).map_err(|error| refused(flow.definition.name(), error))?;
    }
    Ok(File { export, single, floip, problems })
}

/// What of a FLOIP document our flows cannot have, as a row of the work list.
fn not_carried_over(problem: exchange::floip::Problem) -> NewProblem {
    let place = problem.place();
    NewProblem {
        kind: "flow_not_carried_over".into(),
        key: format!("{place} {}", problem.what),
        subject: problem.flow,
        message: format!("{place}: {}", problem.what),
        remedy: problem.remedy,
    }
}

/// Where and why a text is not JSON, the place said once.
fn not_json(error: &serde_json::Error) -> String {
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or_default();
    format!("this is not JSON: line {}, column {}: {reason}", error.line(), error.column())
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
    let keywords = store.keywords().await?;
    let places = crate::audience::spans(&store.places().await?);
    Ok(Parts { flows, channels, groups, fields, keywords, places })
}
