//! What containers become, and what is said about what they cannot become.

use super::sample::{block, container, exit, flow, id, resource, survey};
use super::talk::{Talk, talk};
use exchange::floip::{FloipError, Imported, import};
use serde_json::{Value, json};

fn problems(imported: &Imported) -> Vec<String> {
    imported.problems.iter().map(ToString::to_string).collect()
}

fn result<'t>(talk: &'t Talk, name: &str) -> (&'t str, &'t str) {
    let (_, value, category) = talk.results.iter().find(|(other, ..)| other == name).unwrap();
    (value, category)
}

#[test]
fn a_survey_is_talked_through() {
    let imported = import(&survey()).unwrap();
    assert_eq!(problems(&imported).len(), 1, "{:?}", imported.problems);
    assert!(problems(&imported)[0].contains("smartphone"), "{:?}", imported.problems);
    // By number, by name in any case; what is no choice and no number within bounds is asked again.
    let talk = talk(&imported, 0, "eng", &["perhaps", "1", "many", "201", "3", "here", "ama kollie", "2 and gloves"]);
    assert!(talk.ended, "{talk:#?}");
    assert_eq!(talk.errors, [""; 0]);
    assert_eq!(
        talk.messages,
        [
            "Hello Ama Kollie.",
            "Is your facility open?",
            "Is your facility open?",
            "How many beds are free?",
            "How many beds are free?",
            "How many beds are free?",
            "Only 3 beds: help comes. Write to ward@example.org.",
            "One more.",
            "Who are you?",
            "What do you need?",
            "Noted: yes, 6, 2 and gloves.",
        ]
    );
    assert_eq!(result(&talk, "open_today"), ("1", "yes"));
    assert_eq!(result(&talk, "beds"), ("3", "Valid"));
    assert_eq!(result(&talk, "summary"), ("yes/3", ""));
    assert!(talk.fields.contains("\"Ama Kollie\"") && talk.fields.contains("beds_free"), "{}", talk.fields);
    assert!(talk.fields.contains("Reporters"), "{}", talk.fields);
}

#[test]
fn a_survey_is_talked_through_in_french() {
    let imported = import(&survey()).unwrap();
    let talk = talk(&imported, 0, "fra", &["non", "SRO"]);
    assert!(talk.ended, "{talk:#?}");
    assert_eq!(talk.messages[0], "Bonjour Ama Kollie.");
    assert_eq!(result(&talk, "open_today").1, "no");
    // Nobody asked for the beds: what names them says nothing, and there is no summary of them.
    assert!(talk.errors.iter().all(|error| error.contains("'beds'") || error.contains("'summary'")), "{talk:#?}");
}

/// A message, then nothing.
fn message(n: u128, text: u128) -> Value {
    block(n, "MobilePrimitives.Message", "m", json!({"prompt": id(text)}), &[exit(n + 500, "1", "", 0)])
}

fn one(blocks: &[Value], resources: &[Value]) -> Imported {
    import(&container(&[flow(2, "Test", blocks)], resources)).unwrap()
}

#[test]
fn drafts_had_the_default_exit_for_answers() {
    // An exit for errors beside it makes the default one that of usable answers.
    let age = block(
        10,
        "MobilePrimitives.NumericResponse",
        "age",
        json!({"prompt": id(100), "validation_maximum": 110}),
        &[exit(200, "Default", "default", 11), exit(201, "Error", "", 12)],
    );
    let blocks = [age, message(11, 101), message(12, 102)];
    let imported = one(&blocks, &[resource(100, "Age?", ""), resource(101, "Good", ""), resource(102, "Bad", "")]);
    assert_eq!(talk(&imported, 0, "eng", &["42"]).messages, ["Age?", "Good"]);
    assert_eq!(talk(&imported, 0, "eng", &["old"]).messages, ["Age?", "Bad"]);
    assert_eq!(talk(&imported, 0, "eng", &["111"]).messages, ["Age?", "Bad"]);
    assert_eq!(problems(&imported), [""; 0]);
}

#[test]
fn without_an_exit_for_it_a_question_is_asked_again() {
    let choice = |exits: &[Value]| {
        let config = json!({"prompt": id(100), "choices": {"a": "a", "b": "b"}});
        block(10, "MobilePrimitives.SelectOneResponse", "1570_1", config, exits)
    };
    let texts = [resource(100, "Which?", ""), resource(101, "Good", "")];
    let strict =
        [choice(&[exit(200, "a", "block.value = 'a'", 11), exit(201, "b", "block.value = '2'", 11)]), message(11, 101)];
    let imported = one(&strict, &texts);
    assert_eq!(talk(&imported, 0, "eng", &["c", "B"]).messages, ["Which?", "Which?", "Good"]);
    assert!(problems(&imported)[0].contains("asked again"), "{:?}", imported.problems);
    let anything = [choice(&[exit(200, "1", "@(TRUE)", 11)]), message(11, 101)];
    assert_eq!(talk(&one(&anything, &texts), 0, "eng", &["c"]).messages, ["Which?", "Good"]);
}

#[test]
fn tests_that_depend_on_more_come_after_the_answer() {
    let choice = |n: u128, name: &str, exits: &[Value]| {
        block(
            n,
            "MobilePrimitives.SelectOneResponse",
            name,
            json!({"prompt": id(100), "choices": {"a": "a", "b": "b"}}),
            exits,
        )
    };
    let blocks = [
        choice(10, "one", &[exit(200, "next", "TRUE", 11)]),
        choice(11, "two", &[exit(201, "Same", "@(block.value = flow.one)", 12), exit(202, "Other", "default", 13)]),
        message(12, 101),
        message(13, 102),
    ];
    let imported = one(&blocks, &[resource(100, "?", ""), resource(101, "Same", ""), resource(102, "Not", "")]);
    assert_eq!(talk(&imported, 0, "eng", &["a", "1"]).messages, ["?", "?", "Same"]);
    assert_eq!(talk(&imported, 0, "eng", &["a", "2"]).messages, ["?", "?", "Not"]);
}

#[test]
fn what_cannot_be_carried_over_is_named_with_its_block() {
    let blocks = [
        block(10, "Vendor.Dance", "waltz", json!({}), &[exit(200, "1", "", 11)]),
        block(11, "MobilePrimitives.Message", "m1", json!({"prompt": id(100)}), &[exit(201, "1", "", 12)]),
        block(12, "MobilePrimitives.Message", "m2", json!({"prompt": id(999)}), &[exit(202, "1", "", 77)]),
        block(13, "Core.Case", "c", json!({}), &[exit(203, "T", "flow.x >", 11), exit(204, "F", "default", 0)]),
        block(14, "Core.RunFlow", "r", json!({"flow_id": id(99)}), &[exit(205, "1", "", 0)]),
    ];
    let imported = one(&blocks, &[resource(100, "@flow.nobody and @(FROBNICATE(1)) stay", "")]);
    let found = problems(&imported);
    for (block, what) in [
        (10, "Vendor.Dance"),
        (11, "no block of the flow is called 'nobody'"),
        (11, "FROBNICATE"),
        (12, "no text in eng"),
        (12, "which is not there"),
        (13, "cannot be read"),
        (14, "is not in this document"),
    ] {
        assert!(found.iter().any(|one| one.contains(&id(block)) && one.contains(what)), "{block} {what}: {found:#?}");
    }
    let talk = talk(&imported, 0, "eng", &[]);
    assert_eq!(talk.messages, [" and  stay"]);
}

#[test]
fn a_wrong_beginning_is_corrected_and_told() {
    let ask =
        block(10, "MobilePrimitives.OpenResponse", "q", json!({"prompt": id(100)}), &[exit(200, "1", "default", 11)]);
    let mut wrong = flow(2, "Test", &[ask, message(11, 101)]);
    wrong["first_block_id"] = json!(id(11));
    let mut draft = container(&[wrong], &[resource(100, "Who?", ""), resource(101, "Bye", "")]);
    draft["specification_version"] = json!("1.0.0-rc1");
    let imported = import(&draft).unwrap();
    assert_eq!(talk(&imported, 0, "eng", &["I"]).messages, ["Who?", "Bye"]);
    assert!(problems(&imported)[0].contains("it begins with 'q'"), "{:?}", imported.problems);
}

#[test]
fn expressions_become_ours() {
    let ask = |n: u128, name: &str, to: u128| {
        let config = json!({"prompt": "?", "choices": {"Yes": "Yes", "No": "No"}});
        let kind = if name == "pick" { "MobilePrimitives.SelectOneResponse" } else { "MobilePrimitives.OpenResponse" };
        block(n, kind, name, config, &[exit(n + 500, "1", "default", to)])
    };
    for (theirs, expected) in [
        ("@flow.Word!", "hello!"),
        ("@(flow.word.value)", "hello"),
        ("@(results.WORD & \"-\" & 'x')", "hello-x"),
        ("@flow.pick / @(flow.pick = 'yes') / @(flow.pick = 2)", "Yes / true / false"),
        ("@(IF(flow.word = \"HELLO\", \"same\", \"other\"))", "same"),
        ("@(flow.word <> \"hello\")", "false"),
        ("@(LEFT(flow.word, 2) & RIGHT(flow.word, 2))", "helo"),
        ("@LEN(flow.word) @UPPER(flow.word) @(FIRST_WORD('a b'))", "5 HELLO a"),
        ("@(1 + 2 * 3 ^ 2) @(SUM(1, 2, 3)) @(CONCATENATE('a', 'b'))", "19 6 ab"),
        ("@(WORD(\"hello cow boy\", 2)) @(WORD_COUNT('a b c'))", "cow 3"),
        ("@(YEAR(date.today)) @(MONTH(DATE(2026, 11, 3)))", "2026 11"),
        ("@(BETWEEN(5, 1, 9)) @(CONTAINS('el', flow.word)) @(NOT(TRUE))", "true true false"),
        ("@(IN('b', ARRAY('a', 'b'))) @(COUNT(ARRAY(1, 2)))", "true 2"),
        ("@(flow.word = NULL) @(ISNUMBER('x')) @(ISNUMBER('4'))", "false false true"),
        ("@contact.phone a@@b.org me@example.org @nobody @", "+231990000001 a@b.org me@example.org @nobody @"),
        ("@(SUBSTITUTE(flow.word, 'l', 'L')) \"@(\"a\"\"b\")\"", "heLLo \"a\"b\""),
    ] {
        let last = block(12, "MobilePrimitives.Message", "m", json!({"prompt": id(100)}), &[exit(700, "1", "", 0)]);
        let imported = one(&[ask(10, "word", 11), ask(11, "pick", 12), last], &[resource(100, theirs, "")]);
        let talk = talk(&imported, 0, "eng", &["hello", "1"]);
        assert_eq!(
            talk.messages.last().map(String::as_str),
            Some(expected),
            "{theirs}: {talk:#?} {:#?}",
            imported.problems
        );
        assert_eq!(problems(&imported), [""; 0], "{theirs}");
    }
}

#[test]
fn what_is_no_flow_is_refused() {
    for (document, expected) in [
        (json!({"profile": "flow-results-package"}), "answers"),
        (json!({"specification_version": "1.0.0-rc4", "flows": []}), "no FLOIP document"),
        (json!({"specification_version": "1.0.0-rc4", "flows": [{"blocks": []}]}), "no flow with a block"),
    ] {
        let error: FloipError = import(&document).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn endless_expressions_end() {
    for text in [
        format!("@({}1{})", "(".repeat(50_000), ")".repeat(50_000)),
        format!("@(1{})", " + 1".repeat(50_000)),
        format!("@({}1)", "-".repeat(50_000)),
        format!("{}x", "@(flow.a)".repeat(50_000)),
        "@".repeat(50_000),
    ] {
        let output = block(11, "Core.Output", "sum", json!({"value": text}), &[exit(201, "1", "", 0)]);
        let case = block(12, "Core.Case", "c", json!({}), &[exit(203, "T", &text, 10), exit(204, "F", "default", 0)]);
        let say = block(10, "MobilePrimitives.Message", "m", json!({"prompt": id(100)}), &[exit(200, "1", "", 11)]);
        let imported = one(&[say, output, case], &[resource(100, &text, "")]);
        talk(&imported, 0, "eng", &[]);
        assert!(!imported.problems.is_empty());
    }
}
