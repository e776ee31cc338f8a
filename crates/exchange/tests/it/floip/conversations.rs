//! The files that partners exchanged are imported, and their conversations go to their ends.

use super::{shared, talk};
use exchange::floip::{FloipError, import};

#[test]
fn files_of_partners_are_imported_and_run_to_their_ends() {
    for (name, document) in shared::flows() {
        let imported = import(&document).unwrap();
        let (_, flows) = talk::flows(&imported);
        assert!(!flows.is_empty(), "{name}");
        for (at, flow) in flows.iter().enumerate() {
            // A 1 is a number, a text, and the first choice of any question; a 2 leads out of circles.
            let mut replies = ["1"; 15].to_vec();
            replies.push("2");
            let talk = talk::talk(&imported, at, "", &replies);
            let of_flow: Vec<String> = imported.problems.iter().map(ToString::to_string).collect();
            assert!(talk.ended, "{name}, {}: {talk:#?}", flow.name());
            assert!(!talk.messages.is_empty(), "{name}, {}: {talk:#?}", flow.name());
            // Only what was reported may go wrong.
            let known = |error: &str| {
                let missing =
                    error.contains("object has no property") && of_flow.iter().any(|p| p.contains("says nothing"));
                missing || (error.contains("find flow") && of_flow.iter().any(|p| p.contains("not in this document")))
            };
            assert!(talk.errors.iter().all(|error| known(error)), "{name}, {}: {talk:#?}\n{of_flow:#?}", flow.name());
        }
    }
}

#[test]
fn what_describes_answers_is_refused_as_such() {
    for (name, document) in shared::documents("mhero-examples") {
        if document.get("profile").is_some() || document.pointer("/data/attributes/profile").is_some() {
            assert!(matches!(import(&document), Err(FloipError::Results)), "{name}");
        }
    }
}
