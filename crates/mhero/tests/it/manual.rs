//! The first steps, as the manual tells them.

use crate::command::Place;
use std::path::Path;

#[test]
fn the_first_steps_of_the_manual_work() {
    let place = Place::new();
    let workers = place.data.with_file_name("workers.csv");
    std::fs::write(&workers, place.run(&["registry", "template"]).ok().stdout).unwrap();
    place.run(&["registry", "import", workers.to_str().unwrap()]).ok();
    let flow = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/sample/facility-check.json");
    let flow = flow.to_str().unwrap();
    let checked = place.run(&["flow", "check", flow]).ok();
    assert!(checked.stdout.starts_with("Facility check: valid"), "{checked:?}");
    let imported = place.run(&["flow", "import", flow]).ok();
    assert!(imported.stdout.contains("facility"), "{imported:?}");
    let audience = "cadre ~ midwife AND within = Bong";
    let dry = place.run(&["campaign", "start", "Facility check", "--to", audience, "--dry-run", "--json"]).ok();
    assert_eq!(dry.json()["recipients"], 1, "{dry:?}");
}

#[test]
fn the_operators_configuration_is_printed_whatever_the_data_directory() {
    let printed = Place::empty().run(&["operator-sim", "--print-config"]).ok();
    assert!(printed.stdout.starts_with('#'), "{printed:?}");
}
