//! Conversations that are recorded, and run again when their flow has changed.

use crate::command::Place;
use std::io::Write as _;
use std::process::Stdio;

const FLOW: &str = r#"{"uuid": "0192f3a0-0000-7000-8000-000000000001", "name": "Stock", "spec_version": "14.4.2", "language": "eng",
 "type": "messaging", "nodes": [{"uuid": "0192f3a0-0000-7000-8000-000000000002",
  "actions": [{"uuid": "0192f3a0-0000-7000-8000-000000000003", "type": "send_msg", "text": "How many boxes?"}],
  "router": {"type": "switch", "operand": "@input.text", "result_name": "Boxes", "wait": {"type": "msg"},
   "cases": [{"uuid": "0192f3a0-0000-7000-8000-000000000004", "type": "has_number", "category_uuid": "0192f3a0-0000-7000-8000-000000000005"}],
   "categories": [
    {"uuid": "0192f3a0-0000-7000-8000-000000000005", "name": "Number", "exit_uuid": "0192f3a0-0000-7000-8000-000000000006"},
    {"uuid": "0192f3a0-0000-7000-8000-000000000007", "name": "Other", "exit_uuid": "0192f3a0-0000-7000-8000-000000000008"}],
   "default_category_uuid": "0192f3a0-0000-7000-8000-000000000007"},
  "exits": [{"uuid": "0192f3a0-0000-7000-8000-000000000006"},
            {"uuid": "0192f3a0-0000-7000-8000-000000000008", "destination_uuid": "0192f3a0-0000-7000-8000-000000000002"}]}]}"#;

#[test]
fn a_recorded_conversation_shows_what_a_changed_flow_does_differently() {
    let place = Place::empty();
    std::fs::create_dir_all(&place.data).unwrap();
    let file = |name: &str| place.data.join(name).to_str().unwrap().to_owned();
    let (flow, case, expected) = (file("stock.json"), file("case.json"), file("expected.json"));
    std::fs::write(&flow, FLOW).unwrap();

    let mut simulation =
        place.command(&["flow", "simulate", &flow, "--record", &case, "--now", "2026-11-23T09:00:00Z"]);
    let mut simulation = simulation.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    simulation.stdin.take().unwrap().write_all(b"a few\nabout 12\n").unwrap();
    assert!(simulation.wait().unwrap().success());

    let replayed = place.run(&["flow", "replay", &flow, &case]).ok();
    std::fs::write(&expected, &replayed.stdout).unwrap();
    let same = place.run(&["flow", "replay", &flow, &case, "--expect", &expected]).ok();
    assert_eq!(same.stdout, "as before: 15 lines\n");
    let told = place.run(&["flow", "replay", &flow, &case, "--text"]).ok().stdout;
    assert!(told.contains("resume 2\n  run_result_changed  category=\"Number\" name=\"Boxes\""), "{told}");

    std::fs::write(&flow, FLOW.replace("\"Number\"", "\"Amount\"")).unwrap();
    let other = place.run(&["flow", "replay", &flow, &case, "--expect", &expected]);
    assert_eq!(other.code, 1, "{other:?}");
    let differ: Vec<&str> = other.stdout.lines().filter(|line| line.starts_with(['-', '+'])).collect();
    assert_eq!(differ.len(), 2, "{}", other.stdout);
    assert!(differ[0].starts_with("-   run_result_changed") && differ[0].contains("category=\"Number\""));
    assert!(differ[1].starts_with("+   run_result_changed") && differ[1].contains("category=\"Amount\""));
    assert!(other.stdout.ends_with("2 lines differ: - was expected, + is new\n"), "{}", other.stdout);

    std::fs::write(&expected, "{}").unwrap();
    let useless = place.run(&["flow", "replay", &flow, &case, "--expect", &expected]);
    assert_ne!(useless.code, 0);
    assert!(useless.stderr.contains("field 'outputs' is required"), "{}", useless.stderr);
}
