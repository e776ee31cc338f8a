//! The conformance cases of the expression language that need no session.

use std::collections::BTreeMap;
use std::path::Path;

use flow::environment::{Environment, Locations};
use flow::expression::{Decimal, Empty, Scope, Template, Value};
use serde_json::Value as Json;

/// The cases of a family, or `None` where they aren't at hand.
pub(crate) fn family(name: &str) -> Option<Json> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/cases").join(format!("{name}.json"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert!(std::env::var_os("CI").is_none(), "no conformance cases at {}", path.display());
        println!("skipped: no conformance cases at {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).expect("cases are JSON"))
}

/// Whether a value is what a case expects: numbers by value, instants as points in time, null members as absent.
fn matches(expected: &Json, value: &Value) -> bool {
    match (expected, value) {
        (Json::Null, Value::Null | Value::Function(_)) => true,
        (Json::Bool(a), Value::Bool(b)) => a == b,
        (Json::Number(a), Value::Number(b)) => a.to_string().parse::<Decimal>().is_ok_and(|a| a == *b),
        (Json::String(a), Value::DateTime(b)) => {
            a.parse::<jiff::Timestamp>().is_ok_and(|a| a.as_microsecond() == b.timestamp().as_microsecond())
        }
        (Json::String(a), other) => {
            !matches!(other, Value::Number(_) | Value::Bool(_)) && other.to_text().is_ok_and(|b| *a == *b)
        }
        (Json::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| matches(a, b)),
        (Json::Object(a), Value::Number(b)) => {
            a.get("$number").and_then(Json::as_str).is_some_and(|a| a.parse::<Decimal>().is_ok_and(|a| a == *b))
        }
        (Json::Object(a), Value::Object(b)) => {
            let mut names: Vec<String> = a.keys().cloned().chain(b.names().iter().map(ToString::to_string)).collect();
            names.sort();
            names.dedup();
            names.iter().all(|name| matches(a.get(name).unwrap_or(&Json::Null), &b.get(name).unwrap_or_default()))
        }
        _ => false,
    }
}

fn check(name: &str) {
    let Some(document) = family(name) else { return };
    let mut failures = Vec::new();
    for case in document["cases"].as_array().expect("cases") {
        let context = &document["contexts"][case["context"].as_str().expect("context")];
        let env: Environment = serde_json::from_value(context["case"]["environment"].clone()).expect("environment");
        let locations = Locations::read(&context["assets"]["locations"]).expect("locations");
        let prompts: BTreeMap<String, String> =
            serde_json::from_value(context["case"]["options"]["llm_prompts"].clone()).unwrap_or_default();
        let now = context["now"].as_str().expect("now").parse().expect("now is a timestamp");
        let source = case["template"].as_str().expect("template");
        let mut random = || 0.5;
        let mut scope = Scope::new(&env, &Empty, now, &mut random);
        scope.locations = Some(&locations);
        scope.prompts = &prompts;
        let template = Template::parse(source);
        let output = template.text(&mut scope);
        let mut found = Vec::new();
        if case["error"] == Json::Bool(true) {
            if scope.errors.is_empty() {
                found.push(format!("expected an error, got {output:?}"));
            }
        } else if !scope.errors.is_empty() {
            found.push(format!("{:?}", scope.errors));
        }
        if let Some(expected) = case.get("output").filter(|o| !o.is_null())
            && expected.as_str() != Some(&output)
        {
            found.push(format!("expected {expected}, got {output:?}"));
        }
        if let Some(expected) = case.get("output_json") {
            let value = template.value(&mut scope);
            if !matches(expected, &value) {
                found.push(format!("expected {expected}, got {value:?}"));
            }
        }
        if !found.is_empty() {
            failures.push(format!("{} {source}: {}", case["name"], found.join("; ")));
        }
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn expressions() {
    check("expressions");
}

#[test]
fn functions() {
    check("functions");
}

#[test]
fn router_tests() {
    check("tests");
}
