//! The cases of the flow conformance kit: query -> normal form, or refused.

use std::path::Path;

use audience::{Definitions, parse};
use jiff::tz::TimeZone;
use serde_json::Value;

#[test]
fn every_case_of_the_kit() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/cases/audience.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert!(std::env::var_os("CI").is_none(), "the conformance kit is missing in CI");
        println!("skipped: there is no conformance kit beside the project");
        return;
    };
    let kit: Value = serde_json::from_str(&text).unwrap();
    let now = "2025-05-04T12:30:45Z".parse().unwrap();
    let cases = kit["cases"].as_array().unwrap();
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let resolver = &kit["resolvers"][case["resolver"].as_str().unwrap()];
            let definitions: Definitions = serde_json::from_value(resolver.clone()).unwrap();
            let env = definitions.environment.environment(now, TimeZone::UTC);
            let query = case["query"].as_str().unwrap();
            let have = parse(query, &env, &definitions.names()).map(|query| query.to_string());
            let want = case["parsed"].as_str();
            (have.as_deref().ok() != want).then(|| format!("{}: {query:?} gives {have:?}, not {want:?}", case["name"]))
        })
        .collect();
    assert!(!cases.is_empty());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
