//! The conformance cases of the engine.

use super::canon::{Canon, differences};
use flow::simulate::{Case, ModifyCase};
use flow::{Assets, Definition};
use serde_json::{Value, json};
use std::path::Path;

/// The cases of a family, or `None` where they aren't at hand.
pub(super) fn family(name: &str) -> Option<Value> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/cases").join(format!("{name}.json"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert!(std::env::var_os("CI").is_none(), "no conformance cases at {}", path.display());
        println!("skipped: no conformance cases at {}", path.display());
        return None;
    };
    // A number that JSON doesn't have stands in a definition that is to be refused.
    Some(serde_json::from_str(&text.replace(": Infinity", ": \"Infinity\"")).expect("cases are JSON"))
}

fn set(document: &mut Value, path: &[Value], value: &Value) {
    let mut at = document;
    for key in path {
        at = match key {
            Value::String(name) => &mut at[name.as_str()],
            number => &mut at[usize::try_from(number.as_u64().expect("an index")).expect("an index")],
        };
    }
    at.clone_from(value);
}

fn compare(canon: [&mut Canon; 2], want: &Value, got: &Value) -> Vec<String> {
    let [a, b] = canon;
    let mut found = Vec::new();
    differences(&a.value(want, "", false), &b.value(got, "", false), "", &mut found);
    found
}

/// Runs all cases of a family; fails with the differences of those that fail.
fn check(name: &str, run: impl Fn(&Value, &Value) -> Vec<String>) {
    let Some(document) = family(name) else { return };
    let cases = document["cases"].as_array().expect("cases");
    assert!(!cases.is_empty());
    let mut failures = Vec::new();
    for case in cases {
        let found = run(&document, case);
        if !found.is_empty() {
            failures.push(format!("{}\n    {}", case["name"], found.join("\n    ")));
        }
    }
    assert!(failures.is_empty(), "{} of {} fail\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn replay(document: &Value, case: &Value) -> Vec<String> {
    let mut source = document["bases"][case["base"].as_str().expect("base")].clone();
    for patch in case["set"].as_array().into_iter().flatten() {
        set(&mut source, patch["path"].as_array().expect("path"), &patch["value"]);
    }
    let expect = &case["expect"];
    let assets = Assets::read(&source).expect("assets");
    let run = Case::read(&case["case"].to_string()).and_then(|c| c.run(&assets).map(|r| (c, r)));
    let (replayed_case, replayed) = match run {
        Ok(_) if expect["error"] == json!(true) => return vec!["expected an error".to_owned()],
        Ok(done) => done,
        Err(_) if expect["error"] == json!(true) => return Vec::new(),
        Err(error) => return vec![error.to_string()],
    };
    let got = serde_json::to_value(&replayed.report).expect("report");
    let outputs = got["outputs"].as_array().expect("outputs");
    let (mut want, mut have) = (json!({}), json!({}));
    if let Some(events) = expect["events"].as_array() {
        let trim = |i: usize| usize::try_from(expect["trim"][i].as_u64().unwrap_or(0)).expect("small");
        want["events"] = json!([]);
        have["events"] = json!([]);
        if events.len() != outputs.len() {
            return vec![format!("expected {} sprints, got {}", events.len(), outputs.len())];
        }
        for (events, output) in events.iter().zip(outputs).filter(|(e, _)| !e.is_null()) {
            let all = output["events"].as_array().expect("events");
            let inner = all.get(trim(0)..all.len().saturating_sub(trim(1))).unwrap_or_default();
            want["events"].as_array_mut().expect("a list").push(events.clone());
            have["events"].as_array_mut().expect("a list").push(json!(inner));
        }
    }
    let session = &outputs.last().expect("an output")["session"];
    let run = &session["runs"][0];
    if !expect["results"].is_null() {
        want["results"] = expect["results"].clone();
        have["results"] = if run["results"].is_null() { json!({}) } else { run["results"].clone() };
    }
    for (key, got) in [
        ("run_status", &run["status"]),
        ("session_status", &session["status"]),
        ("trigger", &session["trigger"]),
        ("contact", &got["contact"]),
    ] {
        if !expect[key].is_null() {
            want[key] = expect[key].clone();
            have[key] = got.clone();
        }
    }
    let inputs = [&source, &case["case"]];
    let mut found = compare([&mut Canon::new(&inputs), &mut Canon::new(&inputs)], &want, &have);
    let locals = expect["locals"].as_object().filter(|l| !l.is_empty());
    for (template, expected) in
        [("@locals", locals.map(|l| json!(l))), ("@trigger", expect.get("trigger_context").cloned())]
    {
        let Some(expected) = expected else { continue };
        let evaluated = replayed_case.evaluate(&assets, &replayed, None, &[template.to_owned()]);
        let mut canon = [Canon::new(&inputs), Canon::new(&inputs)];
        let [a, b] = &mut canon;
        found.extend(compare([a, b], &expected, &evaluated[0].value.to_json()));
    }
    found
}

#[test]
fn actions() {
    check("actions", replay);
}

#[test]
fn routers() {
    check("routers", replay);
}

#[test]
fn resumes() {
    check("resumes", replay);
}

#[test]
fn triggers() {
    check("triggers", replay);
}

#[test]
fn modifiers() {
    check("modifiers", |document, case| {
        let assets = Assets::read(&document["assets"]).expect("assets");
        let got = ModifyCase::read(&case.to_string()).and_then(|c| c.run(&assets));
        let got = match got {
            Ok(report) => serde_json::to_value(&report).expect("report"),
            Err(error) => return vec![error.to_string()],
        };
        let inputs = [&document["assets"], &case["contact"], &case["modifier"]];
        compare([&mut Canon::new(&inputs), &mut Canon::new(&inputs)], &case["expect"], &got)
    });
}

fn definition(document: &Value, case: &Value) -> Vec<String> {
    let read = Definition::read(&case["flow"]);
    let definition = match (read, case["valid"] == json!(true)) {
        (Ok(definition), true) => definition,
        (Ok(_), false) => return vec!["should be refused".to_owned()],
        (Err(_), false) => return Vec::new(),
        (Err(error), true) => return vec![error.to_string()],
    };
    let assets = case["base"].as_str().map(|base| Assets::read(&document["bases"][base]).expect("assets"));
    let mut got = serde_json::to_value(definition.inspect(assets.as_ref())).expect("inspection");
    let mut want = match (&case["inspection"], &case["issues"]) {
        (Value::Null, Value::Null) => return Vec::new(),
        (Value::Null, issues) => {
            got = json!({"issues": got["issues"]});
            json!({"issues": issues})
        }
        (inspection, _) => inspection.clone(),
    };
    for document in [&mut want, &mut got] {
        for key in ["dependencies", "issues"] {
            if let Some(items) = document[key].as_array_mut() {
                items.sort_by_key(sorted_text);
            }
        }
    }
    let inputs = [&case["flow"]];
    compare([&mut Canon::new(&inputs), &mut Canon::new(&inputs)], &want, &got)
}

/// A document as text that doesn't depend on the order of members.
fn sorted_text(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut texts: Vec<String> = members.iter().map(|(k, v)| format!("{k}:{}", sorted_text(v))).collect();
            texts.sort();
            texts.join(",")
        }
        other => other.to_string(),
    }
}

#[test]
fn broken() {
    check("broken", definition);
}

#[test]
fn inspection() {
    check("inspection", definition);
}

fn migration(_: &Value, case: &Value) -> Vec<String> {
    let media_url = case["media_url"].as_str().unwrap_or(flow::migrate::MEDIA_URL);
    let got = match flow::migrate::migrate(&case["flow"], case["to"].as_str(), media_url) {
        Ok(migrated) => migrated,
        Err(error) => return vec![error.to_string()],
    };
    let (mut want, mut have) = (Vec::new(), Vec::new());
    for expect in case["expect"].as_array().expect("expectations") {
        want.push(expect["value"].clone());
        let mut at = &got;
        for key in expect["path"].as_array().expect("path") {
            at = match key {
                Value::String(any) if any == "*" => {
                    at.as_object().and_then(|o| o.values().next()).unwrap_or(&Value::Null)
                }
                Value::String(name) => &at[name.as_str()],
                number => &at[usize::try_from(number.as_u64().unwrap_or(0)).expect("small")],
            };
        }
        have.push(at.clone());
    }
    let inputs = [&case["flow"]];
    compare([&mut Canon::new(&inputs), &mut Canon::new(&inputs)], &json!(want), &json!(have))
}

#[test]
fn migrations() {
    check("migrations", migration);
}

#[test]
fn legacy() {
    check("legacy", migration);
}

#[test]
fn runner() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/cases/runner");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        assert!(std::env::var_os("CI").is_none(), "no conformance cases at {}", folder.display());
        println!("skipped: no conformance cases at {}", folder.display());
        return;
    };
    let read = |name: &str| -> Value {
        let text = std::fs::read_to_string(folder.join(name)).expect("a case");
        serde_json::from_str(&text).expect("cases are JSON")
    };
    let mut failures = Vec::new();
    let mut names: Vec<String> = entries
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        .filter(|n| n.matches('.').count() == 2)
        .collect();
    names.sort();
    assert!(!names.is_empty());
    for name in names {
        let (source, case) = (read(&format!("{}.json", name.split('.').next().expect("a name"))), read(&name));
        let assets = Assets::read(&source).expect("assets");
        let got = match Case::read(&case.to_string()).and_then(|c| c.run(&assets)) {
            Ok(replayed) => serde_json::to_value(&replayed.report).expect("report"),
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        let mut input = case.clone();
        input.as_object_mut().expect("an object").remove("outputs");
        let inputs = [&source, &input];
        let found = compare([&mut Canon::new(&inputs), &mut Canon::new(&inputs)], &case["outputs"], &got["outputs"]);
        if !found.is_empty() {
            failures.push(format!("{name}\n    {}", found.join("\n    ")));
        }
    }
    assert!(failures.is_empty(), "{} fail\n{}", failures.len(), failures.join("\n"));
}

/// Every flow of the cases: sound ones, broken ones and old ones.
pub(super) fn documents() -> Option<Vec<Value>> {
    let mut flows = Vec::new();
    for name in ["actions", "broken", "inspection", "legacy", "migrations", "routers"] {
        let document = family(name)?;
        for case in document["cases"].as_array().into_iter().flatten() {
            flows.extend(case.get("flow").cloned());
        }
        for base in document["bases"].as_object().into_iter().flatten().map(|(_, base)| base) {
            flows.extend(base["flows"].as_array().into_iter().flatten().cloned());
        }
    }
    // Those at the bounds of the size of a definition would take all the time.
    flows.retain(|flow| flow.to_string().len() < 50_000);
    Some(flows)
}

/// Assets and case of every recorded conversation.
pub(super) fn runner_cases() -> Option<Vec<(Value, Value)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/cases/runner");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        assert!(std::env::var_os("CI").is_none(), "no conformance cases at {}", folder.display());
        println!("skipped: no conformance cases at {}", folder.display());
        return None;
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let read = |path: &Path| -> Value {
        serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("cases are JSON")
    };
    let mut found = Vec::new();
    for path in &paths {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let Some((flow, _)) = name.strip_suffix(".json").and_then(|stem| stem.split_once('.')) else { continue };
        let mut case = read(path);
        if let Some(case) = case.as_object_mut() {
            case.remove("outputs");
        }
        found.push((read(&path.with_file_name(format!("{flow}.json"))), case));
    }
    Some(found)
}
