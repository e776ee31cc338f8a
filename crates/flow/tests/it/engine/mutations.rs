//! Whatever is read, and however it is broken, nothing panics: sound documents with a few of their parts replaced,
//! removed, swapped or repeated. `MUTATIONS` sets how many are tried (in thousands; a few hundred without it).

use super::families::{documents, runner_cases};
use flow::expression::Template;
use flow::migrate::MEDIA_URL;
use flow::simulate::{Case, ModifyCase};
use flow::{Assets, Contact, Definition, Engine, Environment, Resume, Session, Sources};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

/// One change to a document: where, by a number for each level, and what.
#[derive(Clone, Debug)]
struct Change {
    path: Vec<u16>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Put(Value),
    Remove,
    /// What stands at another place.
    Copy(Vec<u16>),
    /// A list or text becomes longer.
    Repeat(u16),
    /// A member has another name.
    Rename(&'static str),
}

const NAMES: [&str; 12] =
    ["type", "uuid", "name", "text", "value", "wait", "cases", "arguments", "@(", "", "fra", "destination_uuid"];

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        proptest::sample::select(vec![0_i64, 1, -1, 65, 256, 1_000_000, i64::MAX, i64::MIN]).prop_map(Value::from),
        proptest::sample::select(vec![0.5_f64, -1e300, 1e300, 9.2e18]).prop_map(Value::from),
        proptest::sample::select(vec![
            "",
            " ",
            "\u{0}",
            "@",
            "@@",
            "@(",
            "@(1/0)",
            "@contact",
            "@results.x.y",
            "@(legacy_extra)",
            "13.0.0",
            "11.12",
            "14.4.2",
            "99.0",
            "0192f3a0-0000-7000-8000-000000000002",
            "tel:+231990000001",
            "tel:",
            "é\u{301}\u{200d}😀",
            "-9999-99-99T99:99:99Z",
            "2025-02-30",
            "[",
            "(?i)",
            "eng",
            "base",
            "switch",
            "random",
            "send_msg",
            "msg",
            "dial",
            "waiting",
            "active",
            "completed",
            "has_pattern",
            "@(repeat(\"x\", 10000))",
            "Africa/Monrovia",
            "@(date.today + 1)",
            "wait_digits",
            "airtime",
            "image:",
            "<url>x<extra>y",
        ])
        .prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ]
}

fn path() -> impl Strategy<Value = Vec<u16>> {
    proptest::collection::vec(any::<u16>(), 0..12)
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let what = prop_oneof![
        4 => values().prop_map(What::Put),
        2 => Just(What::Remove),
        2 => path().prop_map(What::Copy),
        1 => (1_u16..120).prop_map(What::Repeat),
        1 => proptest::sample::select(&NAMES[..]).prop_map(What::Rename),
    ];
    proptest::collection::vec((path(), what).prop_map(|(path, what)| Change { path, what }), 1..4)
}

/// The place that a path leads to: each number picks a member, as long as there are any.
fn pointer(document: &Value, path: &[u16]) -> String {
    let (mut at, mut pointer) = (document, String::new());
    for pick in path {
        let step = |length: usize| usize::from(*pick) % length;
        at = match at {
            Value::Array(items) if !items.is_empty() => {
                pointer.extend(["/", &step(items.len()).to_string()]);
                &items[step(items.len())]
            }
            Value::Object(members) if !members.is_empty() => {
                let (name, value) = members.iter().nth(step(members.len())).expect("a member");
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                value
            }
            _ => break,
        };
    }
    pointer
}

fn change(document: &mut Value, change: &Change) {
    let place = pointer(document, &change.path);
    let other = match &change.what {
        What::Copy(from) => document.pointer(&pointer(document, from)).cloned(),
        _ => None,
    };
    let parent =
        place.rsplit_once('/').map(|(parent, key)| (parent.to_owned(), key.replace("~1", "/").replace("~0", "~")));
    match (&change.what, parent) {
        (What::Remove, Some((parent, key))) => match document.pointer_mut(&parent) {
            Some(Value::Object(members)) => _ = members.remove(&key),
            Some(Value::Array(items)) => _ = items.remove(key.parse().expect("an index")),
            _ => {}
        },
        (What::Rename(name), Some((parent, key))) => {
            if let Some(Value::Object(members)) = document.pointer_mut(&parent)
                && let Some(value) = members.remove(&key)
            {
                members.insert((*name).to_owned(), value);
            }
        }
        (what, _) => {
            let Some(at) = document.pointer_mut(&place) else { return };
            match (what, &mut *at) {
                (What::Put(value), _) => at.clone_from(value),
                (What::Copy(_), _) => *at = other.unwrap_or_default(),
                (What::Repeat(times), Value::Array(items)) => {
                    let all = items.clone();
                    (0..*times).for_each(|_| items.extend(all.iter().take(8).cloned()));
                }
                (What::Repeat(times), Value::String(text)) => *text = text.repeat(usize::from(*times)),
                _ => {}
            }
        }
    }
}

/// Tries many changes to the documents of a list.
fn try_all(documents: &[Value], each: impl Fn(&Value)) {
    if documents.is_empty() {
        return;
    }
    let thousands = std::env::var("MUTATIONS").ok().and_then(|n| n.parse::<u32>().ok());
    let config = Config { cases: thousands.map_or(300, |n| n * 1000), failure_persistence: None, ..Config::default() };
    let strategy = (0..documents.len(), changes());
    let result = TestRunner::new(config).run(&strategy, |(place, list)| {
        let mut document = documents[place].clone();
        for one in &list {
            change(&mut document, one);
        }
        each(&document);
        Ok(())
    });
    result.expect("nothing panics");
}

#[test]
fn definitions_and_migrations() {
    let Some(flows) = documents() else { return };
    let assets = Assets::read(&json!({"groups": [], "fields": [{"key": "age", "name": "Age", "type": "number"}]}));
    let assets = assets.expect("assets");
    try_all(&flows, |flow| {
        if let Ok(definition) = Definition::read(flow) {
            definition.inspect(None);
            definition.inspect(Some(&assets));
        }
        for version in ["13.0.0", "13.4.0", "14.0.0", "14.3.0"] {
            if let Ok(older) = flow::migrate::migrate(flow, Some(version), MEDIA_URL) {
                let _ = flow::migrate::migrate(&older, None, MEDIA_URL);
            }
        }
    });
}

const TEMPLATES: [&str; 4] = [
    "@contact @run @child @parent @trigger @resume",
    "@(json(contact)) @(json(results))",
    "@legacy_extra",
    "@node @input",
];

#[test]
fn conversations() {
    let Some(cases) = runner_cases() else { return };
    let both: Vec<Value> = cases.into_iter().map(|(assets, case)| json!({"assets": assets, "case": case})).collect();
    try_all(&both, |both| {
        let Ok(assets) = Assets::read(&both["assets"]) else { return };
        let Ok(case) = Case::read(&both["case"].to_string()) else { return };
        if let Ok(replayed) = case.run(&assets) {
            case.evaluate(&assets, &replayed, None, &TEMPLATES.map(str::to_owned));
        }
    });
}

#[test]
fn sessions_and_resumes() {
    let Some(cases) = runner_cases() else { return };
    let mut stored = Vec::new();
    for (assets, case) in cases {
        let parsed = Assets::read(&assets).expect("assets");
        let Ok(replayed) = Case::read(&case.to_string()).and_then(|c| c.run(&parsed)) else { continue };
        let report = serde_json::to_value(&replayed.report).expect("a report");
        for (output, resume) in
            report["outputs"].as_array().expect("outputs").iter().zip(case["resumes"].as_array().into_iter().flatten())
        {
            stored.push(
                json!({"assets": assets, "session": output["session"], "resume": resume, "contact": case["contact"]}),
            );
        }
    }
    let engine = Engine::default();
    let sources = Sources::new("2026-11-23T09:00:00Z".parse().expect("a time"), base::IdMaker::from_u64(1));
    try_all(&stored, |stored| {
        let Ok(assets) = Assets::read(&stored["assets"]) else { return };
        let Ok(session) = Session::read(&stored["session"].to_string()) else { return };
        let Ok(resume) = Resume::read(&stored["resume"].to_string()) else { return };
        let Ok(contact) = serde_json::from_value::<Contact>(stored["contact"].clone()) else { return };
        // What is read can be written, and read again as the same.
        let again = Session::read(&session.to_json()).expect("what was written");
        assert_eq!(again.to_json(), session.to_json());
        let _ = engine.resume(&assets, &Environment::default(), session, contact, None, resume, sources.clone(), &[]);
    });
}

#[test]
fn modifiers() {
    let Some(document) = super::families::family("modifiers") else { return };
    let assets = Assets::read(&document["assets"]).expect("assets");
    try_all(document["cases"].as_array().expect("cases"), |case| {
        if let Ok(case) = ModifyCase::read(&case.to_string()) {
            let _ = case.run(&assets);
        }
    });
}

#[test]
fn expressions_and_queries() {
    // Templates of the cases, cut and joined at any place.
    let Some(document) = super::families::family("functions") else { return };
    let texts: Vec<String> = document["cases"]
        .as_array()
        .expect("cases")
        .iter()
        .filter_map(|c| Some(c["template"].as_str()?.to_owned()))
        .collect();
    let thousands = std::env::var("MUTATIONS").ok().and_then(|n| n.parse::<u32>().ok());
    let config = Config { cases: thousands.map_or(1000, |n| n * 1000), failure_persistence: None, ..Config::default() };
    let strategy = (0..texts.len(), 0..texts.len(), any::<u16>(), any::<u16>(), "\\PC{0,3}");
    let env = Environment::default();
    let result = TestRunner::new(config).run(&strategy, |(first, second, from, to, noise)| {
        let (a, b): (Vec<char>, Vec<char>) = (texts[first].chars().collect(), texts[second].chars().collect());
        let (from, to) = (usize::from(from) % a.len(), usize::from(to) % b.len());
        let text: String = a[..from].iter().copied().chain(noise.chars()).chain(b[to..].iter().copied()).collect();
        let mut random = || 0.5;
        let now = "2026-11-23T09:00:00Z".parse().expect("a time");
        let mut scope = flow::expression::Scope::new(&env, &flow::expression::Empty, now, &mut random);
        let template = Template::parse(&text);
        template.text(&mut scope);
        template.value(&mut scope);
        flow::expression::template_paths(&text);
        flow::expression::rewrite(&text, &mut |path| {
            path.push("x".to_owned());
            true
        });
        let old = flow::migrate::legacy_expression::Options::default();
        flow::migrate::legacy_expression::migrate(&text, &old);
        Ok(())
    });
    result.expect("nothing panics");
}
