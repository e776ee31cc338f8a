//! Trees of Viamo's platform, which mHero's partners exchanged before it spoke FLOIP: blocks with texts in themselves,
//! joined by connections. A tree becomes a container, which is imported like any other.

use super::import::Problem;
use super::model::{list, number, text};
use super::{ids, shape};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A tree as a container.
pub(super) struct Tree {
    pub(super) container: Value,
    pub(super) problems: Vec<Problem>,
}

/// Where texts are, the best for a text message first, with their mode.
const CONTENTS: [(&str, &str); 4] = [
    ("smsContent", "SMS"),
    ("ussdContent", "USSD"),
    ("socialContent", "RICH_MESSAGING"),
    ("clipboardContent", "OFFLINE"),
];

/// The container of a tree; `None` for anything else.
pub(super) fn container(document: &Value) -> Option<Tree> {
    let blocks = list(document.get("blocks"));
    if !blocks.iter().any(|block| block.get("jsKey").is_some()) {
        return None;
    }
    let details = document.get("details");
    let name = text(details.and_then(|details| details.get("title")));
    let id = format!("{} {}", text(document.get("orgId")), text(document.get("id")));
    let flow = ids::of_name("viamo tree", &id);
    let mut problems = Vec::new();
    let mut resources = Vec::new();
    let connections = list(document.get("connections"));
    let blocks: Vec<Value> = blocks
        .into_iter()
        .map(|block| convert(block, flow, &name, &connections, &mut resources, &mut problems))
        .collect();
    let languages: Vec<Value> = list(details.and_then(|details| details.get("enabledLanguages")))
        .into_iter()
        .map(|language| json!({"id": text(Some(language)), "label": text(Some(language))}))
        .collect();
    let first = text(details.and_then(|details| details.get("startingBlockKey")));
    let container = json!({
        "specification_version": "viamo",
        "name": name,
        "flows": [{
            "uuid": flow, "name": name, "languages": languages, "interaction_timeout": 0,
            "first_block_id": if first.is_empty() { Value::Null } else { json!(block_id(flow, &first)) },
            "blocks": blocks,
        }],
        "resources": resources,
    });
    Some(Tree { container, problems })
}

fn block_id(flow: Uuid, key: &str) -> Uuid {
    ids::part_of(flow, key)
}

fn convert(
    block: &Value,
    flow: Uuid,
    flow_name: &str,
    connections: &[&Value],
    resources: &mut Vec<Value>,
    problems: &mut Vec<Problem>,
) -> Value {
    let key = text(block.get("jsKey"));
    let uuid = block_id(flow, &key);
    let custom = |name: &str| block.get("customData").and_then(|data| data.get(name));
    let (title, label) = (text(custom("title")), text(custom("label")));
    let mut problem = |what: &str, remedy: &str| {
        let name = if title.is_empty() { label.clone() } else { title.clone() };
        problems.push(Problem {
            flow: flow_name.to_owned(),
            block: Some((key.clone(), name)),
            what: what.to_owned(),
            remedy: remedy.to_owned(),
        });
    };
    let prompt = ids::part_of(uuid, "prompt");
    resources.push(json!({"uuid": prompt, "values": texts(block)}));
    // Exits are numbered: one for all answers, or one for each choice.
    let destination = |number: usize| {
        let output = format!("{key}_node_{number}");
        let found = connections.iter().find(|connection| text(connection.get("outputKey")) == output);
        found.map(|connection| block_id(flow, &text(connection.get("endBlockKey"))))
    };
    let exit = |number: usize, tag: &str, test: Option<String>| {
        let uuid = ids::part_of(uuid, &format!("exit {number}"));
        json!({"uuid": uuid, "tag": tag, "label": tag, "test": test, "destination_block": destination(number), "config": {}})
    };
    let kind = text(block.get("type"));
    let mut config = Map::new();
    config.insert("prompt".to_owned(), json!(prompt));
    let mut exits = vec![exit(1, "Answered", None)];
    let kind = match kind.as_str() {
        "MessageBlock" => "MobilePrimitives.Message".to_owned(),
        "OpenQuestionBlock" => "MobilePrimitives.OpenResponse".to_owned(),
        "NumericQuestionBlock" => {
            if let Some(digits) = number(custom("maxNumericDigits")).filter(|digits| (1.0..16.0).contains(digits)) {
                config.insert("validation_minimum".to_owned(), json!(0));
                config.insert("validation_maximum".to_owned(), json!(shape::plain(10_f64.powi(digits as i32) - 1.0)));
            }
            "MobilePrimitives.NumericResponse".to_owned()
        }
        "MultipleChoiceQuestionBlock" => {
            let choices: Vec<String> = list(custom("choices")).into_iter().map(|choice| text(Some(choice))).collect();
            if number(custom("branching")) == Some(1.0) {
                exits = choices
                    .iter()
                    .enumerate()
                    .map(|(at, choice)| {
                        let test = format!("block.value = \"{}\"", choice.replace('"', "\"\""));
                        exit(at + 1, choice, Some(test))
                    })
                    .collect();
            } else {
                exits = vec![exit(1, "Answered", Some("block.value <> NULL".to_owned()))];
            }
            let choices: Map<String, Value> =
                choices.into_iter().map(|choice| (choice.clone(), json!(choice))).collect();
            config.insert("choices".to_owned(), Value::Object(choices));
            "MobilePrimitives.SelectOneResponse".to_owned()
        }
        other => format!("Viamo.{other}"),
    };
    let setter = custom("setSubscriberPropertyConfiguration");
    if setter.and_then(|setter| setter.get("shouldSetSubscriberProperty")) == Some(&Value::Bool(true)) {
        let field = text(setter.and_then(|setter| setter.get("propertyFieldId")));
        let what = format!("it stores the answer in the contact property {field}, whose name is not in the file");
        problem(&what, "Add an action that stores the result in a field if it is needed beyond the results.");
    }
    json!({
        "uuid": uuid, "name": if label.is_empty() { key.clone() } else { label.clone() }, "label": title, "type": kind,
        "config": config, "exits": exits,
        "ui_metadata": {"canvas_coordinates": {
            "x": block.pointer("/uiData/xPosition"), "y": block.pointer("/uiData/yPosition"),
        }},
    })
}

fn texts(block: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    for (key, mode) in CONTENTS {
        let Some(Value::Object(texts)) = block.get(key) else { continue };
        for (language, value) in texts {
            values.push(
                json!({"language_id": language, "content_type": "TEXT", "modes": [mode], "value": text(Some(value))}),
            );
        }
    }
    values
}
