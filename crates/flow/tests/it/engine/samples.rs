//! The sample conversation says the same whatever stands around it, and goes through JSON unharmed.

use flow::session::SessionStatus;
use flow::simulate::sample::{Size, sample};
use flow::{EventKind, Session};
use serde_json::Value;

#[test]
fn the_sample_says_the_same_in_every_size() {
    let sizes = [
        Size::default(),
        Size { nodes: 1_200, ..Size::default() },
        Size { fields: 60, ..Size::default() },
        Size { groups: 100, ..Size::default() },
    ];
    for size in sizes {
        let (assets, case) = sample(size).unwrap();
        assert_eq!(assets.fields().len(), size.fields, "{size:?}");
        assert_eq!(assets.groups().len(), size.groups, "{size:?}");
        let prepared = case.prepare(&assets).unwrap();
        let mut services = prepared.services();
        let first = prepared.start(&mut services).unwrap();
        let texts = |sprint: &flow::Sprint| sprint.messages().map(|(_, msg)| msg.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&first), ["Hello Ama. Did you see patients with fever today?"], "{size:?}");
        let second = prepared.round_trip(&mut prepared.services()).unwrap();
        assert_eq!(texts(&second), ["You said Oui. Is there 1 at AMA KOLLIE's post?"], "{size:?}");
        assert_eq!(second.session.status, SessionStatus::Waiting);
        assert_eq!(second.session.runs[0].results.get("fever").unwrap().category, "Yes");
        let report: Value = serde_json::to_value(&case.run(&assets).unwrap().report).unwrap();
        let mut stored = second.session.clone();
        stored.compact();
        assert_eq!(serde_json::from_str::<Value>(&stored.to_json()).unwrap(), report["outputs"][1]["session"]);
        assert_eq!(Session::read(&stored.to_json()).unwrap().to_json(), stored.to_json());
        let ended = &report["outputs"][2];
        assert_eq!(ended["session"]["status"], "completed", "{size:?}");
        let changed = |event: &flow::Event| matches!(event.kind, EventKind::ContactGroupsChanged { .. });
        assert!(first.events.iter().any(changed), "smart groups are joined: {size:?}");
    }
}
