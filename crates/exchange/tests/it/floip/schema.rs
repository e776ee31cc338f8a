//! The schemas of the specification: that of containers, and one for each kind of block.

use super::shared;
use exchange::floip::{Exported, Options, export, import};
use jsonschema::Validator;
use serde_json::Value;
use std::collections::BTreeMap;

/// Which schema a block has.
const BLOCKS: [(&str, &str); 13] = [
    ("Core.Case", "ICaseBlock"),
    ("Core.Log", "ILogBlock"),
    ("Core.Output", "IOutputBlock"),
    ("Core.RunFlow", "IRunFlowBlock"),
    ("Core.SetContactProperty", "ISetContactPropertyBlock"),
    ("Core.SetGroupMembership", "ISetGroupMembershipBlock"),
    ("MobilePrimitives.Message", "IMessageBlock"),
    ("MobilePrimitives.NumericResponse", "INumericResponseBlock"),
    ("MobilePrimitives.OpenResponse", "IOpenResponseBlock"),
    ("MobilePrimitives.SelectManyResponses", "ISelectManyResponseBlock"),
    ("MobilePrimitives.SelectOneResponse", "ISelectOneResponseBlock"),
    ("SmartDevices.LocationResponse", "ILocationResponseBlock"),
    ("SmartDevices.PhotoResponse", "IPhotoResponseBlock"),
];

/// The schemas, compiled.
pub(super) struct Schemas {
    container: Validator,
    blocks: BTreeMap<&'static str, Validator>,
}

impl Schemas {
    /// `None` where they are not.
    pub(super) fn read() -> Option<Self> {
        let folder = shared::folder("schema")?;
        let compile = |name: &str| {
            let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
            let schema: Value = serde_json::from_str(&text).unwrap();
            jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
        };
        let blocks = BLOCKS.iter().map(|(kind, name)| (*kind, compile(name))).collect();
        Some(Self { container: compile("flowSpecJsonSchema"), blocks })
    }

    /// Everything that is wrong with a container: by the schemas, and by the rules that are in the text alone.
    pub(super) fn faults(&self, container: &Value) -> Vec<String> {
        let mut faults: Vec<String> =
            self.container.iter_errors(container).map(|error| format!("{} {error}", error.instance_path())).collect();
        for flow in container["flows"].as_array().unwrap() {
            let blocks = flow["blocks"].as_array().unwrap();
            for block in blocks {
                let kind = block["type"].as_str().unwrap();
                match self.blocks.get(kind) {
                    Some(schema) => {
                        faults.extend(
                            schema.iter_errors(block).map(|error| format!("{kind}{} {error}", error.instance_path())),
                        );
                    }
                    None => faults.push(format!("there is no block of type {kind}")),
                }
                let exits = block["exits"].as_array().unwrap();
                let defaults = exits.iter().filter(|exit| exit["default"] == true).count();
                if defaults != 1 || exits.last().is_some_and(|exit| exit["default"] != true) {
                    faults.push(format!("{kind}: exactly one exit, the last, is the default one: {block}"));
                }
                for exit in exits {
                    let to = &exit["destination_block"];
                    if !to.is_null() && blocks.iter().all(|block| block["uuid"] != *to) {
                        faults.push(format!("{kind}: {to} is no block"));
                    }
                }
            }
            if blocks.iter().all(|block| block["uuid"] != flow["first_block_id"]) {
                faults.push("it begins nowhere".to_owned());
            }
        }
        let resources: Vec<&Value> = container["resources"].as_array().unwrap().iter().map(|r| &r["uuid"]).collect();
        let mut ids: Vec<&Value> = resources.clone();
        let every = container["flows"].as_array().unwrap().iter().flat_map(|flow| flow["blocks"].as_array().unwrap());
        for block in every {
            ids.push(&block["uuid"]);
            for exit in block["exits"].as_array().unwrap() {
                ids.push(&exit["uuid"]);
                if !resources.contains(&&exit["label"]) {
                    faults.push(format!("the label {} is no resource", exit["label"]));
                }
            }
            if let Some(prompt) = block["config"].get("prompt")
                && !resources.contains(&prompt)
            {
                faults.push(format!("the prompt {prompt} is no resource"));
            }
        }
        let mut texts: Vec<String> = ids.into_iter().map(ToString::to_string).collect();
        texts.sort();
        faults.extend(
            texts.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| format!("{} is there twice", pair[0])),
        );
        faults
    }
}

/// Imports a document, exports what it became, and imports that: both imports must give the same flows.
pub(super) fn there_and_back(document: &Value, schemas: Option<&Schemas>) -> Exported {
    let first = import(document).unwrap();
    let definitions = first.document["flows"].as_array().unwrap();
    let options = Options { name: "Flows".to_owned(), last_modified: "2026-11-23T09:00:00Z".parse().unwrap() };
    let exported = export(definitions, &options).unwrap_or_else(|error| panic!("{error}\n{:#}", first.document));
    if let Some(schemas) = schemas {
        assert_eq!(schemas.faults(&exported.container), [""; 0], "{:#}", exported.container);
    }
    let second = import(&exported.container).unwrap();
    for key in ["flows", "fields", "groups"] {
        if let Some((place, before, after)) = difference(&first.document[key], &second.document[key], key) {
            panic!("{place}: first {before:#}\nthen {after:#}");
        }
    }
    exported
}

/// The first place at which two documents differ, with what is there.
fn difference<'v>(one: &'v Value, other: &'v Value, place: &str) -> Option<(String, &'v Value, &'v Value)> {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, value)| difference(value, &b[key], &format!("{place}/{key}")))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(at, (a, b))| difference(a, b, &format!("{place}/{at}")))
        }
        _ => (one != other).then(|| (place.to_owned(), one, other)),
    }
}
