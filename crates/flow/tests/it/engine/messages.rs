//! Section 8 of the specification: what a message says, in which language, and which way it goes.

use super::stage::{ACTION, CHANNEL, CHAT, Stage};
use serde_json::{Value, json};

fn sent(stage: &Stage) -> Value {
    let events = stage.events();
    events.into_iter().find(|event| event["type"] == "msg_created").expect("a message")["msg"].clone()
}

fn send(members: &Value) -> Stage {
    let mut all = json!({"text": "Hello"});
    all.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
    Stage::action("send_msg", &all)
}

#[test]
fn each_part_is_translated_on_its_own() {
    let stage = |language: &str, allowed: Value| {
        send(&json!({"quick_replies": ["Yes", "No"], "attachments": ["image:http://example.org/en.jpg"]}))
            .flow(
                "/localization",
                json!({
                    "fra": {ACTION: {"text": ["Bonjour"], "quick_replies": ["Oui"]}},
                    "kpe": {ACTION: {"text": [""], "attachments": []}},
                }),
            )
            .case("/contact/language", json!(language))
            .case("/environment/allowed_languages", allowed)
    };
    let replies = |texts: &[&str]| -> Value { texts.iter().map(|t| json!({"type": "text", "text": t})).collect() };
    for (language, allowed, text, locale, quick_replies) in [
        ("fra", json!(["eng", "fra"]), "Bonjour", "fra-LR", replies(&["Oui"])),
        // A language that isn't allowed counts for nothing: the first allowed one is taken.
        ("fra", json!(["eng"]), "Hello", "eng-LR", replies(&["Yes", "No"])),
        ("eng", json!(["fra", "eng"]), "Hello", "eng-LR", replies(&["Yes", "No"])),
        ("", json!(["fra", "eng"]), "Bonjour", "fra-LR", replies(&["Oui"])),
        // Empty translations are none: then the workspace's default language is tried.
        ("kpe", json!(["fra", "kpe"]), "Bonjour", "fra-LR", replies(&["Oui"])),
        ("kpe", json!(["eng", "fra", "kpe"]), "Hello", "eng-LR", replies(&["Yes", "No"])),
        ("fra", Value::Null, "Hello", "eng-LR", replies(&["Yes", "No"])),
    ] {
        let msg = sent(&stage(language, allowed.clone()));
        assert_eq!((&msg["text"], &msg["locale"]), (&json!(text), &json!(locale)), "{language} {allowed}");
        assert_eq!(msg["quick_replies"], quick_replies, "{language} {allowed}");
        assert_eq!(msg["attachments"], json!(["image:http://example.org/en.jpg"]), "{language} {allowed}");
    }
    // Without text, the attachments' language is the message's.
    let only = send(&json!({"text": "@(\"\")", "attachments": ["image:http://example.org/en.jpg"]}))
        .flow("/localization", json!({"fra": {ACTION: {"attachments": ["image:http://example.org/fr.jpg"]}}}))
        .case("/contact/language", json!("fra"));
    assert_eq!(sent(&only)["locale"], "fra-LR");
}

#[test]
fn attachments_and_quick_replies_are_looked_at() {
    let long = format!("image:http://example.org/@(repeat(\"x\", {}))", 2048);
    let stage = send(&json!({
        "attachments": [" image:http://example.org/a.jpg ", "image", "@(\"\")", long],
        "quick_replies": [
            "@(\"\")", "Yes<extra>a longer answer", "<location>Where?", "<url>Open<extra>http://example.org", "@(repeat(\"y\", 65))",
            "<other>x", "Yes<extra>@(repeat(\"z\", 1001))",
        ],
    }));
    let events = stage.events();
    let texts: Vec<&str> = events.iter().filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(
        texts,
        [
            "Attachment evaluated to invalid value and will be ignored",
            "Attachment evaluated to invalid value and will be ignored",
            "Evaluated attachment is longer than the 2048 limit and will be ignored",
            "Quick reply evaluated to empty string and will be ignored",
        ]
    );
    let msg = sent(&stage);
    assert_eq!(msg["attachments"], json!(["image:http://example.org/a.jpg"]));
    assert_eq!(
        msg["quick_replies"],
        json!([
            {"type": "text", "text": "Yes", "extra": "a longer answer"},
            {"type": "location", "text": "Where?"},
            {"type": "url", "text": "Open", "extra": "http://example.org"},
            {"type": "text", "text": format!("{}...", "y".repeat(61))},
            {"type": "text", "text": "<other>x"},
            {"type": "text", "text": "Yes", "extra": format!("{}...", "z".repeat(997))},
        ])
    );
    let cut = sent(&send(&json!({"text": "@(repeat(\"x\", 9999))@(repeat(\"y\", 9))"})));
    assert_eq!(cut["text"].as_str().map(str::len), Some(10_000));
    assert!(cut["text"].as_str().is_some_and(|text| text.ends_with("xx...")));
}

#[test]
fn messages_go_to_the_first_address_that_has_a_channel() {
    let channel = |last: u8, members: Value| {
        let mut all = json!({
            "uuid": format!("0192f3a0-0000-7000-8000-0000000000d{last}"), "name": format!("C{last}"), "address": "1",
            "schemes": ["tel"], "roles": ["send"],
        });
        all.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
        all
    };
    for (urns, channels, expected) in [
        // Its own channel, if it can send and has the scheme.
        (
            json!(["tel:+231990000001?channel=0192f3a0-0000-7000-8000-0000000000d2"]),
            vec![channel(1, json!({})), channel(2, json!({}))],
            "C2",
        ),
        (
            json!(["tel:+231990000001?channel=0192f3a0-0000-7000-8000-0000000000d2"]),
            vec![channel(1, json!({})), channel(2, json!({"roles": ["receive"]}))],
            "C1",
        ),
        // Of its country, unless the channel is international.
        (
            json!(["tel:+231990000001"]),
            vec![channel(1, json!({"country": "GN"})), channel(2, json!({"country": "LR"}))],
            "C2",
        ),
        (json!(["tel:+231990000001"]), vec![channel(1, json!({"country": "GN", "allow_international": true}))], "C1"),
        (json!(["tel:+231990000001"]), vec![channel(1, json!({"country": "GN"}))], ""),
        // The longest prefix in common, of prefixes or else of the address; the later of two that are as good.
        (
            json!(["tel:+231990000001"]),
            vec![
                channel(1, json!({"match_prefixes": ["23199"]})),
                channel(2, json!({"match_prefixes": ["23177", "231"]})),
            ],
            "C1",
        ),
        (
            json!(["tel:+231990000001"]),
            vec![channel(1, json!({"address": "+231770000000"})), channel(2, json!({"address": "+231991"}))],
            "C2",
        ),
        (json!(["tel:+231990000001"]), vec![channel(1, json!({})), channel(2, json!({}))], "C2"),
        // Other schemes take the first that has them.
        (
            json!(["telegram:1"]),
            vec![channel(1, json!({"schemes": ["telegram"]})), channel(2, json!({"schemes": ["telegram"]}))],
            "C1",
        ),
        (json!(["telegram:1", "tel:+231990000001"]), vec![channel(1, json!({}))], "C1"),
        (json!([]), vec![channel(1, json!({}))], ""),
    ] {
        let mut stage = send(&json!({})).case("/contact/urns", urns.clone());
        stage.assets["channels"] = json!(channels);
        let msg = sent(&stage);
        let reason = if expected.is_empty() { json!("no_route") } else { Value::Null };
        assert_eq!(msg["channel"]["name"].as_str().unwrap_or_default(), expected, "{urns} {channels:?}");
        assert_eq!(msg["unsendable_reason"], reason, "{urns} {channels:?}");
        assert_eq!(msg["urn"].is_null(), expected.is_empty(), "{urns} {channels:?}");
    }
    // The address is told without channel and display.
    let chat = send(&json!({})).case("/contact/urns", json!([format!("telegram:12345?channel={CHAT}#ama")]));
    assert_eq!(sent(&chat)["urn"], "telegram:12345");
}

#[test]
fn what_must_not_be_sent_says_why() {
    for (status, text, urns, reason) in [
        ("blocked", "Hello", json!(["tel:+231990000001"]), "contact_blocked"),
        ("stopped", "Hello", json!(["tel:+231990000001"]), "contact_stopped"),
        ("archived", "SECRET", json!(["tel:+231990000001"]), "contact_archived"),
        ("active", "a SECRET", json!(["tel:+231990000001"]), "hidden"),
        ("blocked", "Hello", json!([]), "no_route"),
        ("active", "a SECRET", json!([]), "no_route"),
    ] {
        let stage = send(&json!({"text": text}))
            .case("/contact/status", json!(status))
            .case("/contact/urns", urns)
            .case("/options", json!({"unsendable": {"SECRET": "hidden"}}));
        assert_eq!(sent(&stage)["unsendable_reason"], reason, "{status} {text}");
    }
}

#[test]
fn templates_take_the_place_of_a_message() {
    let template = |locale: &str, body: &str| {
        json!({
            "channel": {"uuid": CHANNEL, "name": "Lonestar"}, "locale": locale,
            "components": [
                {"name": "header", "type": "header/media", "content": "", "variables": {"1": 0}},
                {"name": "body", "type": "body/text", "content": body, "variables": {"1": 1}},
                {"name": "footer", "type": "footer/text", "content": "MoH", "variables": {}},
                {"name": "button.0", "type": "button/quick_reply", "content": "{{1}}!", "variables": {"1": 2}},
            ],
            "variables": [{"type": "image"}, {"type": "text"}, {"type": "text"}],
        })
    };
    let uuid = "0192f3a0-0000-7000-8000-000000000071";
    let stage = |language: &str, variables: Value| {
        let mut stage = send(&json!({"template": {"uuid": uuid, "name": "visit"}, "template_variables": variables}))
            .flow(
                "/localization",
                json!({"fra": {ACTION: {"template_variables": ["image:http://x.org/f.jpg", "mardi"]}}}),
            )
            .case("/contact/language", json!(language));
        stage.assets["templates"] = json!([{"uuid": uuid, "name": "visit", "translations": [
            template("eng-LR", "Visit on {{1}}"), template("fra", "Visite {{1}}"),
        ]}]);
        stage
    };
    let msg = sent(&stage("eng", json!(["image:http://x.org/e.jpg", "@(\"Mon\" & \"day\")", "OK", "surplus"])));
    assert_eq!((&msg["text"], &msg["locale"]), (&json!("Visit on Monday\n\nMoH"), &json!("eng-LR")));
    assert_eq!(msg["attachments"], json!(["image:http://x.org/e.jpg"]));
    assert_eq!(msg["quick_replies"], json!([{"type": "text", "text": "OK!"}]));
    assert_eq!(
        msg["templating"],
        json!({
            "template": {"uuid": uuid, "name": "visit"},
            "components": [
                {"type": "header/media", "name": "header", "variables": {"1": 0}},
                {"type": "body/text", "name": "body", "variables": {"1": 1}},
                {"type": "button/quick_reply", "name": "button.0", "variables": {"1": 2}},
            ],
            "variables": [
                {"type": "image", "value": "image:http://x.org/e.jpg"}, {"type": "text", "value": "Monday"},
                {"type": "text", "value": "OK"},
            ],
        })
    );
    // Translated, with a variable that is missing.
    let french = sent(&stage("fra", json!(["image:http://x.org/e.jpg", "Monday"])));
    assert_eq!((&french["text"], &french["locale"]), (&json!("Visite mardi\n\nMoH"), &json!("fra")));
    assert_eq!(french["templating"]["variables"][2], json!({"type": "text", "value": ""}));
    // No translation for the channel: an ordinary message.
    let chat = sent(&stage("eng", json!(["a", "b"])).case("/contact/urns", json!(["telegram:12345"])));
    assert_eq!((&chat["text"], &chat["templating"]), (&json!("Hello"), &Value::Null));
}
