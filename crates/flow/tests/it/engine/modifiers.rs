//! Modifiers outside sessions.

use flow::contact::ContactStatus;
use flow::engine::Request;
use flow::modifier::{Modified, Modifier, Route, UrnsChange};
use flow::simulate::sample_contact;
use flow::{Answer, Assets, Engine, Environment, Sources, Stamp};
use serde_json::json;

fn modify(modifier: &Modifier, answers: &[Answer]) -> Modified {
    let now = "2026-11-23T09:00:00Z".parse().expect("a timestamp");
    let assets = Assets::read(&json!({
        "groups": [{"uuid": "0192f3a0-0000-7000-8000-000000000001", "name": "Named", "query": "name != \"\""}],
    }))
    .expect("assets");
    let sources = Sources::new(now, base::IdMaker::from_u64(1));
    let contact = sample_contact(Stamp::utc(now));
    Engine::default().modify(&assets, &Environment::default(), contact, modifier, sources, answers).expect("applies")
}

#[test]
fn an_address_is_claimed_before_it_is_given() {
    let route = Route { urn: "tel:+231990000002".to_owned(), channel: None };
    let modifier = Modifier::Routes { routes: vec![route], modification: UrnsChange::Append };
    let Modified::Need(Request::ClaimUrn { urn, .. }) = modify(&modifier, &[]) else { panic!("a claim is needed") };
    assert_eq!(urn, "tel:+231990000002");
    for (free, count) in [(true, 2), (false, 1)] {
        let Modified::Done { contact, changed, .. } = modify(&modifier, &[Answer::ClaimUrn(free)]) else {
            panic!("done")
        };
        assert_eq!((contact.urns.len(), changed), (count, free));
    }
}

#[test]
fn a_changed_contact_is_brought_in_line_with_smart_groups() {
    let renamed = Modifier::Name { name: "Moses Kollie".to_owned() };
    let Modified::Done { contact, events, changed } = modify(&renamed, &[]) else { panic!("done") };
    assert!(changed);
    assert_eq!((contact.groups.len(), events.len()), (1, 2));
    let same = Modifier::Status { status: ContactStatus::Active };
    let Modified::Done { events, changed, .. } = modify(&same, &[]) else { panic!("done") };
    assert!(!changed && events.is_empty());
}
