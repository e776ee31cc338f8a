//! The conversation that all examples start from.

use flow::Assets;
use flow::engine::Evaluated;
use flow::simulate::{Case, Replayed};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The chapter's folder.
pub(super) fn chapter() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/flow-authors")
}

fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(chapter().join("sample").join(name)).expect("the sample is there");
    serde_json::from_str(&text).expect("the sample is JSON")
}

/// Puts the members of one document over those of another.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => into.clone_from(from),
    }
}

/// The sample's documents, to be changed and run.
pub(super) struct Sample {
    pub(super) assets: Value,
    pub(super) case: Value,
}

impl Sample {
    /// As it is in the manual, with what an example wants otherwise.
    pub(super) fn new(given: &Value) -> Self {
        let (mut case, assets) = (read("conversation.json"), read("assets.json"));
        merge(&mut case, given);
        Self { assets, case }
    }

    /// As the voice flow of the sample, in a call.
    pub(super) fn voice(given: &Value) -> Self {
        let mut sample = Self::new(given);
        let urn = sample.case["contact"]["urns"][0].clone();
        let channel = json!({"uuid": sample.assets["channels"][0]["uuid"], "name": "Operator"});
        let uuid = "0197b335-6ded-79a4-95a6-3af85b57f109";
        sample.case["call"] = json!({"uuid": uuid, "channel": channel, "urn": urn});
        sample.case["resumes"] = json!([]);
        let flow = sample.flow("Call the supervisor");
        let reference = json!({"uuid": flow["uuid"], "name": flow["name"]});
        sample.case["trigger"]["flow"] = reference;
        sample
    }

    pub(super) fn flow(&mut self, name: &str) -> &mut Value {
        let flows = self.assets["flows"].as_array_mut().expect("flows");
        flows.iter_mut().find(|f| f["name"] == name).unwrap_or_else(|| panic!("no flow {name} in the sample"))
    }

    /// The node at which the conversation waits at its end.
    pub(super) fn last_node(&mut self) -> &mut Value {
        let voice = self.case["call"].is_object();
        let flow = self.flow(if voice { "Call the supervisor" } else { "Stock check" });
        let nodes = flow["nodes"].as_array_mut().expect("nodes");
        let wanted = if voice { "Call" } else { "Comment" };
        nodes.iter_mut().find(|n| n["router"]["result_name"] == wanted).expect("the node that waits")
    }

    pub(super) fn run(&self) -> Result<Ran, String> {
        let assets = Assets::read(&self.assets).map_err(|e| e.to_string())?;
        let case = Case::read(&self.case.to_string()).map_err(|e| e.to_string())?;
        let replayed = case.run(&assets).map_err(|e| e.to_string())?;
        let report = serde_json::to_value(&replayed.report).map_err(|e| e.to_string())?;
        Ok(Ran { assets, case, replayed, report })
    }
}

/// The sample after it was run.
pub(super) struct Ran {
    assets: Assets,
    case: Case,
    replayed: Replayed,
    report: Value,
}

impl Ran {
    /// The events of the last sprint, without ids and times of their own.
    pub(super) fn events(&self) -> Vec<Value> {
        let last = self.report["outputs"].as_array().and_then(|o| o.last()).expect("an output");
        let mut events = last["events"].as_array().expect("events").clone();
        for event in &mut events {
            let members = event.as_object_mut().expect("an object");
            members.remove("uuid");
            members.remove("created_on");
        }
        events
    }

    /// What a template gives at the end, as the manual writes it.
    pub(super) fn evaluate(&self, template: &str) -> String {
        let evaluated = self.case.evaluate(&self.assets, &self.replayed, None, &[template.to_owned()]);
        shown(&evaluated[0])
    }
}

fn shown(evaluated: &Evaluated) -> String {
    let text = &evaluated.text;
    match evaluated.errors.first() {
        Some(problem) => {
            let reason = problem.text.strip_prefix("Error evaluating expression: ").unwrap_or(&problem.text);
            format!("error: {reason}")
        }
        None if text.is_empty() => "(empty)".to_owned(),
        None if text.trim() != text => format!("\"{text}\""),
        None => text.replace('\n', " ⏎ "),
    }
}
