//! Flow Results 1.0.0-rc1: a data package (Frictionless) of what contacts answered: a descriptor, and rows of seven
//! columns.
//!
//! Rows come run by run; the descriptor is written after them, so that it names the questions of older revisions of
//! the flow too, when somebody answered them.

use super::export::definition::{Definition, Node, Router};
use super::export::key_of;
use super::export::question::Question as Kind;
use super::{ids, shape};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The version of the specification that is written.
pub const RESULTS_VERSION: &str = "1.0.0-rc1";

/// The columns of a row: name, title, type.
pub const COLUMNS: [(&str, &str, &str); 7] = [
    ("timestamp", "Timestamp", "datetime"),
    ("row_id", "Row ID", "string"),
    ("contact_id", "Contact ID", "string"),
    ("session_id", "Session ID", "string"),
    ("question_id", "Question ID", "string"),
    ("response", "Response", "any"),
    ("response_metadata", "Response Metadata", "object"),
];

/// Why results cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// The definition cannot be read.
    #[error("the flow cannot be read: {0}")]
    Definition(String),
    /// What a run recorded cannot be read.
    #[error("the results of the run {run} cannot be read: {error}")]
    Run {
        /// The run.
        run: Uuid,
        /// Why not.
        error: serde_json::Error,
    },
}

/// One run of the flow.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub contact: Uuid,
    /// The conversation it is part of.
    pub session: Uuid,
    /// What it recorded: the JSON object of the flow specification, by key.
    pub results: &'a str,
}

/// What the descriptor tells about the flow.
#[derive(Clone, Debug)]
pub struct About {
    /// When the flow was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Where the rows are, relative to the descriptor.
    pub path: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Type {
    One(Vec<String>),
    Many(Vec<(String, String)>),
    Number(Option<(f64, f64)>),
    Moment,
    Open,
    Text,
}

#[derive(Clone, Debug)]
struct Question {
    label: String,
    kind: Type,
}

/// The package of one flow.
#[derive(Clone, Debug)]
pub struct Package {
    id: Uuid,
    name: String,
    title: String,
    language: String,
    questions: BTreeMap<String, Question>,
    /// The keys in the order of the flow.
    order: Vec<String>,
}

/// A result of a run, as the flow specification has it.
#[derive(Deserialize)]
struct Recorded {
    name: String,
    value: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    input: String,
    created_on: Timestamp,
}

impl Package {
    /// The package of a flow, from its definition of any supported version.
    ///
    /// # Errors
    /// [`ResultsError::Definition`] when it cannot be read.
    pub fn of(definition: &Value) -> Result<Self, ResultsError> {
        let definition = Definition::read(definition).map_err(ResultsError::Definition)?;
        let name = shape::variable(&definition.name, 60).replace('_', "-");
        let mut package = Self {
            // The specification takes no other version of UUID.
            id: if definition.uuid.get_version_num() == 4 {
                definition.uuid
            } else {
                ids::version_4(definition.uuid, "flow results")
            },
            name: if name.is_empty() { format!("flow-{}", definition.uuid) } else { name },
            title: definition.name.clone(),
            language: definition.language.clone(),
            questions: BTreeMap::new(),
            order: Vec::new(),
        };
        for node in &definition.nodes {
            for action in node.actions.iter().filter(|action| action["type"] == "set_run_result") {
                let name = action.get("name").and_then(Value::as_str).unwrap_or_default();
                package.add(name, name, Type::Text);
            }
            let Some(router) = &node.router else { continue };
            let Some(name) = router.result_name.as_deref().filter(|name| !name.is_empty()) else { continue };
            let label = prompt(&definition, node).unwrap_or_else(|| name.to_owned());
            package.add(name, &label, type_of(&definition, router));
        }
        Ok(package)
    }

    /// The first question with a key counts; a second one with other choices adds them.
    fn add(&mut self, name: &str, label: &str, kind: Type) {
        let key = key_of(name);
        match self.questions.get_mut(&key) {
            None => {
                self.order.push(key.clone());
                self.questions.insert(key, Question { label: label.to_owned(), kind });
            }
            Some(known) => match (&mut known.kind, kind) {
                (Type::One(choices), Type::One(more)) => {
                    let new: Vec<String> = more.into_iter().filter(|choice| !choices.contains(choice)).collect();
                    choices.extend(new);
                }
                (before, other) if *before != other => *before = Type::Open,
                _ => {}
            },
        }
    }

    /// The name of the package: lower-case letters, digits and `-`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rows of a run, in the order of its answers: arrays of [`COLUMNS`].
    ///
    /// # Errors
    /// [`ResultsError::Run`] when what is stored is not what runs record.
    pub fn rows(&mut self, run: &Run<'_>) -> Result<Vec<Value>, ResultsError> {
        let recorded: Map<String, Value> =
            serde_json::from_str(run.results).map_err(|error| ResultsError::Run { run: run.id, error })?;
        let mut rows = Vec::with_capacity(recorded.len());
        for (key, value) in recorded {
            let recorded: Recorded =
                serde_json::from_value(value).map_err(|error| ResultsError::Run { run: run.id, error })?;
            if !self.questions.contains_key(&key) {
                self.order.push(key.clone());
                self.questions.insert(key.clone(), Question { label: recorded.name.clone(), kind: Type::Open });
            }
            let (response, metadata) = self.response(&key, &recorded);
            let row = json!([
                moment(recorded.created_on),
                format!("{}:{key}", run.id),
                run.contact,
                run.session,
                key,
                response,
                metadata,
            ]);
            rows.push((recorded.created_on, row));
        }
        rows.sort_by_key(|(at, _)| *at);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    fn response(&mut self, key: &str, recorded: &Recorded) -> (Value, Value) {
        let raw = || if recorded.input.is_empty() { json!({}) } else { json!({"input": recorded.input}) };
        let Some(question) = self.questions.get_mut(key) else { return (Value::Null, json!({})) };
        match &mut question.kind {
            Type::One(choices) => {
                // A response is one of the choices; what an older revision offered becomes one.
                if !choices.contains(&recorded.category) {
                    choices.push(recorded.category.clone());
                }
                (json!(recorded.category), raw())
            }
            Type::Many(choices) => (json!(shape::chosen(choices, &recorded.input)), raw()),
            Type::Number(_) => match serde_json::from_str::<serde_json::Number>(recorded.value.trim()) {
                Ok(number) => (Value::Number(number), raw()),
                Err(_) => (Value::Null, raw()),
            },
            Type::Moment => match recorded.value.parse::<Timestamp>() {
                Ok(at) => (json!(moment(at)), raw()),
                Err(_) => (Value::Null, raw()),
            },
            Type::Open => (json!(recorded.value), json!({"type": "text", "type_options": {}})),
            Type::Text => (json!(recorded.value), json!({})),
        }
    }

    /// The descriptor, `datapackage.json`.
    pub fn descriptor(&self, about: &About) -> Value {
        let fields: Vec<Value> =
            COLUMNS.iter().map(|(name, title, kind)| json!({"name": name, "title": title, "type": kind})).collect();
        let questions: Map<String, Value> = self
            .order
            .iter()
            .filter_map(|key| Some((key.clone(), self.questions.get(key)?)))
            .map(|(key, question)| {
                let (kind, options) = match &question.kind {
                    Type::One(choices) => ("select_one", json!({"choices": choices})),
                    Type::Many(choices) => {
                        let tags: Vec<&String> = choices.iter().map(|(tag, _)| tag).collect();
                        ("select_many", json!({"choices": tags}))
                    }
                    Type::Number(Some((least, most))) => {
                        ("numeric", json!({"range": [shape::plain(*least), shape::plain(*most)]}))
                    }
                    Type::Number(None) => ("numeric", json!({})),
                    Type::Moment => ("datetime", json!({})),
                    Type::Open => ("open", json!({})),
                    Type::Text => ("text", json!({})),
                };
                (key, json!({"type": kind, "label": question.label, "type_options": options}))
            })
            .collect();
        let mut schema = json!({"language": self.language, "fields": fields, "questions": questions});
        // The language is optional, and a code that says that it is unknown says nothing.
        if self.language == "und"
            && let Some(schema) = schema.as_object_mut()
        {
            schema.remove("language");
        }
        json!({
            "profile": "flow-results-package",
            "name": self.name,
            "flow_results_specification_version": RESULTS_VERSION,
            "created": moment(about.created),
            "modified": moment(about.modified),
            "id": self.id,
            "title": self.title,
            "resources": [{
                "profile": "data-resource",
                "name": format!("{}-data", self.name),
                "path": about.path,
                "mediatype": "application/json",
                "encoding": "utf-8",
                "schema": schema,
            }],
        })
    }
}

/// A moment in UTC, which is written `+00:00` in Flow Results, never `Z`.
fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{}+00:00", text.strip_suffix('Z').unwrap_or(&text))
}

fn type_of(definition: &Definition, router: &Router) -> Type {
    let categories = || {
        let mut names: Vec<String> = Vec::new();
        for category in &router.categories {
            if !names.contains(&category.name) {
                names.push(category.name.clone());
            }
        }
        Type::One(names)
    };
    if !router.waits() {
        return categories();
    }
    match Kind::of(definition, router) {
        Ok(Kind::One { .. }) => categories(),
        Ok(Kind::Many(choices)) => Type::Many(choices.into_iter().map(|choice| (choice.tag, choice.label)).collect()),
        Ok(Kind::Number { least, most }) if least.abs() < shape::UNBOUNDED && most.abs() < shape::UNBOUNDED => {
            Type::Number(Some((least, most)))
        }
        Ok(Kind::Number { .. } | Kind::Ranges) => Type::Number(None),
        Err(_) if router.cases.iter().all(|case| case.kind.starts_with("has_date")) => Type::Moment,
        Ok(Kind::Open | Kind::Location | Kind::Photo) | Err(_) => Type::Open,
    }
}

/// What the contact is asked before a wait.
fn prompt(definition: &Definition, node: &Node) -> Option<String> {
    let said = |node: &Node| {
        let action = node.actions.iter().rev().find(|action| action["type"] == "send_msg")?;
        action.get("text").and_then(Value::as_str).map(str::to_owned)
    };
    let leads_here =
        |other: &&Node| other.router.is_none() && other.exits.iter().any(|e| e.destination_uuid == Some(node.uuid));
    said(node).or_else(|| definition.nodes.iter().filter(leads_here).find_map(said))
}
