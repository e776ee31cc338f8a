//! `mhero bench flow`.

use crate::command::Place;
use serde_json::Value;

#[test]
fn the_engine_is_measured_with_a_conversation_of_its_own() {
    let done =
        Place::empty().run(&["bench", "flow", "--json", "--seconds", "0.01", "--shape", "groups", "--size", "20"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.stdout.lines().count(), 1);
    let measured: Value = serde_json::from_str(&done.stdout).unwrap();
    for key in [
        "start_per_cpu_second",
        "start_resume_per_cpu_second",
        "template_cold_per_cpu_second",
        "template_compiled_per_cpu_second",
        "allocations_per_sprint",
    ] {
        assert!(measured[key].as_f64().is_some_and(|figure| figure > 0.0), "{key}: {measured}");
    }
    assert_eq!((&measured["shape"], &measured["size"]), (&"groups".into(), &20.into()));
}

#[test]
fn assets_need_a_case() {
    let done = Place::empty().run(&["bench", "flow", "--assets", "assets.json"]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("--case"), "{}", done.stderr);
}
