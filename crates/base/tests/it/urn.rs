//! URNs as section 19 of the flow specification has them.

use base::urn::{Scheme, Urn, UrnError};
use proptest::prelude::*;

#[test]
fn parts_and_identity() {
    let urn = Urn::parse("TEL:+231990000001?id=3#Ama%23 1").unwrap();
    assert_eq!(
        (urn.scheme(), urn.path().as_ref(), urn.query(), urn.display().as_ref()),
        ("tel", "+231990000001", "id=3", "Ama# 1")
    );
    assert_eq!(urn.known_scheme(), Some(Scheme::Tel));
    assert_eq!(Urn::parse("pigeon:12").unwrap().known_scheme(), None);
    assert_eq!(urn.identity(), "tel:+231990000001");
    assert_eq!(urn.query_value("id"), Some("3"));
    let other = urn.with_query("channel", Some("c1"));
    assert_eq!(other.as_str(), "tel:+231990000001?channel=c1&id=3#Ama%23 1");
    assert_eq!(other.with_query("id", None).with_query("channel", None).as_str(), "tel:+231990000001#Ama%23 1");
    assert_eq!(other.with_display("").as_str(), "tel:+231990000001?channel=c1&id=3");
    assert_eq!(urn.to_string(), "tel:+231990000001?id=3#Ama%23 1");
    assert_eq!(Urn::from_parts(Scheme::Ext, "a?b#c%").to_string(), "ext:a%3Fb%23c%25");
}

#[test]
fn normalised() {
    for (text, normal) in [
        ("tel:0990 000 001", "tel:+231990000001"),
        ("tel:4321", "tel:4321"),
        ("tel:mtn", "tel:mtn"),
        ("twitter:@MHero", "twitter:mhero"),
        ("mailto: Ama@Example.ORG ", "mailto:ama@example.org"),
        ("whatsapp:231990000001", "whatsapp:231990000001"),
        ("whatsapp:lr.Ab12", "whatsapp:LR.Ab12"),
        ("telegram:12#Ama", "telegram:12#Ama"),
    ] {
        let urn = Urn::parse(text).unwrap().normalized(Some("LR"));
        assert_eq!(urn.to_string(), normal);
        assert_eq!(urn.validate(), Ok(()), "{text}");
        assert_eq!(urn.normalized(Some("LR")), urn);
    }
}

#[test]
fn refused() {
    for (text, error) in [
        ("", UrnError::Empty),
        ("tel:", UrnError::Empty),
        (":12", UrnError::Empty),
        ("+231990000001", UrnError::Empty),
        ("pigeon:12", UrnError::UnknownScheme),
        ("tel:+12", UrnError::InvalidPath),
        ("tel:+231 990", UrnError::InvalidPath),
        ("tel:MTN", UrnError::InvalidPath),
        ("mailto:ama", UrnError::InvalidPath),
        ("mailto:a@b@c", UrnError::InvalidPath),
        ("telegram:ama", UrnError::InvalidPath),
        ("twitter:abcdefghijklmnop", UrnError::InvalidPath),
        ("facebook:ref:", UrnError::InvalidPath),
        ("freshchat:a/b", UrnError::InvalidPath),
        ("webchat:short", UrnError::InvalidPath),
        ("bsuid:lr.ab", UrnError::InvalidPath),
    ] {
        let result = Urn::parse(text).and_then(|urn| urn.validate());
        assert_eq!(result, Err(error), "{text:?}");
    }
    assert_eq!(Urn::from_parts(Scheme::Ext, &"é".repeat(101)).validate(), Err(UrnError::PathTooLong));
    assert_eq!(
        Urn::from_parts(Scheme::Ext, "a").with_display(&"é".repeat(256)).validate(),
        Err(UrnError::DisplayTooLong)
    );
}

#[test]
fn friendly_and_masked() {
    assert_eq!(Urn::parse("tel:+12024561111").unwrap().friendly(), "(202) 456-1111");
    assert_eq!(Urn::parse("telegram:12#Ama").unwrap().friendly(), "Ama");
    assert_eq!(Urn::parse("telegram:12").unwrap().friendly(), "12");
    assert_eq!(Urn::parse("tel:+231990000001").unwrap().mask(), "tel:+231*****001");
    assert_eq!(Urn::parse("webchat:abcdefghijklmnopqrstuvwx:ama@example.org").unwrap().mask(), "webchat:abcd*****org");
}

proptest! {
    #[test]
    fn what_is_written_is_read(path in "[^\0]{1,40}", display in "[^\0]{0,20}") {
        prop_assume!(path.trim() == path && display.trim() == display);
        let urn = Urn::from_parts(Scheme::Ext, &path).with_display(&display);
        prop_assert_eq!(Urn::parse(&urn.to_string()), Ok(urn));
    }

    #[test]
    fn parsing_never_panics(text in ".{0,80}") {
        if let Ok(urn) = Urn::parse(&text) {
            let _ = urn.normalized(Some("LR")).validate();
        }
    }
}
