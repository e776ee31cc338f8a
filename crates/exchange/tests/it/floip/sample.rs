//! A container of the specification's last draft, with every kind of block.

use serde_json::{Value, json};
use uuid::Uuid;

/// The id of the nth thing.
pub(super) fn id(n: u128) -> String {
    Uuid::from_u128(0x7b1e_0000_0000_4000_8000_0000_0000_0000 + n).to_string()
}

/// A resource with a text in English and, perhaps, in French.
pub(super) fn resource(n: u128, english: &str, french: &str) -> Value {
    let value = |language: &str, text: &str| json!({"language_id": language, "content_type": "TEXT", "mime_type": "text/plain", "modes": ["SMS", "USSD"], "value": text});
    let mut values = vec![value("eng", english)];
    if !french.is_empty() {
        values.push(value("fra", french));
    }
    json!({"uuid": id(n), "values": values})
}

/// An exit; a test of `default` makes it the default one.
pub(super) fn exit(n: u128, tag: &str, test: &str, to: u128) -> Value {
    let mut exit = json!({"uuid": id(n), "tag": tag, "label": tag, "config": {}});
    if test == "default" {
        exit["default"] = json!(true);
    } else if !test.is_empty() {
        exit["test"] = json!(test);
    }
    if to > 0 {
        exit["destination_block"] = json!(id(to));
    }
    exit
}

pub(super) fn block(n: u128, kind: &str, name: &str, config: Value, exits: &[Value]) -> Value {
    json!({"uuid": id(n), "type": kind, "name": name, "label": name, "config": config, "exits": exits})
}

pub(super) fn flow(n: u128, name: &str, blocks: &[Value]) -> Value {
    json!({
        "uuid": id(n), "name": name, "last_modified": "2026-11-23T09:00:00Z", "interaction_timeout": 86400,
        "supported_modes": ["SMS", "USSD"],
        "languages": [{"id": "eng", "iso_639_3": "eng"}, {"id": "fra", "iso_639_3": "fra"}],
        "first_block_id": blocks[0]["uuid"], "blocks": blocks,
    })
}

pub(super) fn container(flows: &[Value], resources: &[Value]) -> Value {
    json!({
        "specification_version": "1.0.0-rc4", "uuid": id(1), "name": "Sample", "flows": flows, "resources": resources,
    })
}

/// A survey of a facility with a short flow that it runs.
pub(super) fn survey() -> Value {
    let property = json!([
        {"property_key": "Beds free", "property_value": "@(flow.beds + 0)"},
        {"property_key": "name", "property_value": "@(PROPER(flow.who))"},
    ]);
    let blocks = [
        block(
            10,
            "MobilePrimitives.Message",
            "hello",
            json!({"prompt": id(100)}),
            &[exit(200, "Default", "default", 11)],
        ),
        block(
            11,
            "MobilePrimitives.SelectOneResponse",
            "open_today",
            json!({"prompt": id(101), "choices": {"yes": id(102), "no": id(103), "partly": id(104)}}),
            &[
                exit(201, "Open", "@(OR(block.value = \"yes\", block.value = \"partly\"))", 12),
                exit(202, "Closed", "@(block.value = \"no\")", 17),
                exit(203, "Default", "default", 11),
            ],
        ),
        block(
            12,
            "MobilePrimitives.NumericResponse",
            "beds",
            json!({"prompt": id(105), "validation_minimum": 0, "validation_maximum": 200, "ivr": {"max_digits": 3}}),
            &[exit(204, "Valid", "@(block.value <> NULL)", 13), exit(205, "Default", "default", 12)],
        ),
        block(
            13,
            "Core.Case",
            "crowded",
            json!({}),
            &[
                exit(206, "Crowded", "@(AND(flow.beds < 5, flow.open_today = \"YES\"))", 14),
                exit(207, "Room", "default", 15),
            ],
        ),
        block(
            14,
            "MobilePrimitives.Message",
            "crowd",
            json!({"prompt": id(106)}),
            &[exit(208, "Default", "default", 15)],
        ),
        block(15, "Core.RunFlow", "who_are_you", json!({"flow_id": id(3)}), &[exit(209, "Default", "default", 16)]),
        block(
            16,
            "MobilePrimitives.OpenResponse",
            "who",
            json!({"prompt": id(107), "set_contact_property": property}),
            &[exit(210, "Default", "default", 17)],
        ),
        block(
            17,
            "Core.SetGroupMembership",
            "reporters",
            json!({"group_key": "reporters", "group_name": "Reporters", "is_member": true}),
            &[exit(211, "Default", "default", 18)],
        ),
        block(
            18,
            "Core.Output",
            "summary",
            json!({"value": "flow.open_today & \"/\" & flow.beds"}),
            &[exit(212, "Default", "default", 19)],
        ),
        block(
            19,
            "Core.Log",
            "noted",
            json!({"message": "noted @flow.summary"}),
            &[exit(213, "Default", "default", 20)],
        ),
        block(
            20,
            "MobilePrimitives.SelectManyResponses",
            "needs",
            json!({"prompt": id(108), "choices": {"gloves": id(109), "oral rehydration salts": id(110)}}),
            &[exit(214, "Chosen", "@(block.value <> NULL)", 21), exit(215, "Default", "default", 21)],
        ),
        block(21, "MobilePrimitives.Message", "bye", json!({"prompt": id(111)}), &[exit(216, "Default", "default", 0)]),
    ];
    let other = [
        block(
            30,
            "MobilePrimitives.Message",
            "thanks",
            json!({"prompt": id(112)}),
            &[exit(217, "Default", "default", 31)],
        ),
        block(
            31,
            "SmartDevices.LocationResponse",
            "place",
            json!({"accuracy_threshold_meters": 5, "accuracy_timeout_seconds": 9}),
            &[exit(218, "Default", "default", 0)],
        ),
    ];
    let resources = [
        resource(100, "Hello @contact.name.", "Bonjour @contact.name."),
        resource(101, "Is your facility open?", "Votre centre est-il ouvert ?"),
        resource(102, "Yes", "Oui"),
        resource(103, "No", "Non"),
        resource(104, "Partly", "En partie"),
        resource(105, "How many beds are free?", "Combien de lits sont libres ?"),
        resource(106, "Only @flow.beds beds: help comes. Write to ward@example.org.", ""),
        resource(107, "Who are you?", "Qui êtes-vous ?"),
        resource(108, "What do you need?", "De quoi avez-vous besoin ?"),
        resource(109, "Gloves", "Gants"),
        resource(110, "ORS", "SRO"),
        resource(111, "Noted: @flow.open_today, @(flow.beds * 2), @(flow.needs).", ""),
        resource(112, "One more.", ""),
    ];
    container(&[flow(2, "Facility survey", &blocks), flow(3, "Where", &other)], &resources)
}
