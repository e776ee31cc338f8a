//! Nothing is left out of the chapter, and nothing is in it that does not exist.

use super::page::{Page, pages};
use flow::expression::{ROOTS, functions};
use flow::router::test;
use flow::{TriggerType, action_types};
use std::collections::BTreeSet;

/// The headings of the pages whose names begin so, with the kind of block that each must have.
fn headings(pages: &[Page], start: &str) -> BTreeSet<String> {
    let pages = pages.iter().filter(|p| p.name.starts_with(start));
    let all: Vec<&String> = pages.flat_map(|p| &p.headings).collect();
    let set: BTreeSet<String> = all.iter().map(|h| (*h).clone()).collect();
    assert_eq!(all.len(), set.len(), "something has two headings");
    set
}

/// Whether a section has a block of a kind in which a text stands.
fn shown(pages: &[Page], section: &str, kind: &str, text: &str) -> bool {
    let mut blocks = pages.iter().flat_map(|p| &p.blocks);
    blocks.any(|b| b.section == section && b.kind == kind && b.text.contains(text))
}

fn compare(what: &str, manual: &BTreeSet<String>, code: impl IntoIterator<Item = String>) {
    let code: BTreeSet<String> = code.into_iter().collect();
    let missing: Vec<_> = code.difference(manual).collect();
    let unknown: Vec<_> = manual.difference(&code).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "{what}: without {missing:?}, but with {unknown:?}");
}

#[test]
fn every_function_has_a_section_with_an_example() {
    let pages = pages();
    let signature = |f: &flow::expression::Native| format!("{}({})", f.name, f.parameters);
    compare("functions", &headings(&pages, "functions"), functions().map(signature));
    for function in functions() {
        let call = format!("{}(", function.name);
        assert!(shown(&pages, &signature(function), "expression", &call), "{} has no example", function.name);
    }
}

#[test]
fn every_router_test_has_a_section_with_an_example() {
    let pages = pages();
    compare("router tests", &headings(&pages, "router-tests"), test::all().map(|t| t.name.to_owned()));
    for test in test::all() {
        assert!(shown(&pages, test.name, "test", &format!("{}(", test.name)), "{} has no example", test.name);
    }
}

#[test]
fn every_action_has_a_section_with_an_example() {
    let pages = pages();
    compare("actions", &headings(&pages, "actions"), action_types().map(str::to_owned));
    for action in action_types() {
        assert!(shown(&pages, action, "action", &format!("\"type\": \"{action}\"")), "{action} has no example");
    }
}

#[test]
fn every_root_has_a_section_with_an_example() {
    let pages = pages();
    compare("roots", &headings(&pages, "context"), ROOTS.iter().map(|root| format!("@{root}")));
    for root in ROOTS {
        let (section, start) = (format!("@{root}"), format!("@{root}"));
        assert!(shown(&pages, &section, "expression", &start), "{section} has no example");
    }
}

#[test]
fn every_trigger_has_a_section_with_an_example() {
    let pages = pages();
    let names = TriggerType::ALL.iter().map(|kind| kind.as_str().to_owned());
    compare("triggers", &headings(&pages, "triggers"), names);
    for kind in TriggerType::ALL {
        assert!(shown(&pages, kind.as_str(), "trigger", kind.as_str()), "{} has no example", kind.as_str());
    }
}
