//! The cases of the flow conformance kit: query -> normal form, or refused.

use std::path::Path;

use audience::{Definitions, Environment, parse};
use jiff::tz::TimeZone;
use serde_json::Value;

/// A file beside the project; `None`, with a message, where there is none and need not be one.
fn shared(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path)).ok();
    if text.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{path} is missing in CI");
        println!("skipped: there is no {path} beside the project");
    }
    text
}

fn definitions(json: &Value) -> (Definitions, Environment) {
    let definitions: Definitions = serde_json::from_value(json.clone()).unwrap();
    let env = definitions.environment.environment("2025-05-04T12:30:45Z".parse().unwrap(), TimeZone::UTC);
    (definitions, env)
}

#[test]
fn every_case_of_the_kit() {
    let Some(text) = shared("conformance/cases/audience.json") else { return };
    let kit: Value = serde_json::from_str(&text).unwrap();
    let cases = kit["cases"].as_array().unwrap();
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let (definitions, env) = definitions(&kit["resolvers"][case["resolver"].as_str().unwrap()]);
            let query = case["query"].as_str().unwrap();
            let have = parse(query, &env, &definitions.names()).map(|query| query.to_string());
            let want = case["parsed"].as_str();
            (have.as_deref().ok() != want).then(|| format!("{}: {query:?} gives {have:?}, not {want:?}", case["name"]))
        })
        .collect();
    assert!(!cases.is_empty());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The table of examples of the flow specification: a query and its normal form, or `refused`.
#[test]
fn every_example_of_the_specification() {
    let Some(text) = shared("reference/flow-spec.md") else { return };
    let section = text.split("\n## ").find(|section| section.contains("Query examples")).unwrap();
    let field = |key: &str, kind: &str| serde_json::json!({ "key": key, "name": key, "type": kind });
    let (definitions, env) = definitions(&serde_json::json!({
        "environment": { "date_format": "DD-MM-YYYY", "default_country": "US" },
        "fields": [
            field("age", "number"),
            field("gender", "text"),
            field("state", "state"),
            field("dob", "datetime"),
            field("language", "text"),
        ],
        "groups": ["U-Reporters"],
        "flows": ["Registration"],
    }));
    let mut checked = 0;
    for line in section.lines() {
        let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        let Some(query) = cells[0].strip_prefix('`').and_then(|query| query.strip_suffix('`')) else { continue };
        let want = (cells[1] != "refused").then(|| cells[1].trim_matches('`'));
        let have = parse(query, &env, &definitions.names()).map(|query| query.to_string());
        assert_eq!(have.as_deref().ok(), want, "{query}: {have:?}");
        checked += 1;
    }
    assert!(checked > 50, "{checked} examples");
}

#[test]
fn definitions_may_be_empty_or_null() {
    for json in [serde_json::json!({}), serde_json::json!({ "environment": null, "fields": null })] {
        let (definitions, env) = definitions(&json);
        let query = parse("age = x AND group = y", &env, &definitions.names()).unwrap();
        assert_eq!(query.to_string(), "fields.age = \"x\" AND group = \"y\"");
    }
}
