//! Commands that need the store, without a server and beside one.

use crate::command::Place;

const WORKERS: &str = "id,name,phone,cadre,county\n\
    1,Ama Kollie,0990 000 001,Midwife,Bong\n\
    2,Ben Flomo,0990000002/0990000003,Nurse,Bong\n\
    3,Comfort Dolo,not known,Nurse,Nimba\n";

/// A place with three workers, one of whom has no usable number.
fn with_workers() -> Place {
    let place = Place::new();
    let file = place.data.with_file_name("workers.csv");
    std::fs::write(&file, WORKERS).unwrap();
    place.run(&["registry", "import", file.to_str().unwrap()]).ok();
    place
}

#[test]
fn workers_are_imported_listed_and_repaired() {
    let place = with_workers();
    let workers = place.run(&["registry", "list", "--json"]).ok().json();
    assert_eq!(workers.as_array().unwrap().len(), 3, "{workers}");
    assert!(place.run(&["registry", "list", "cadre = midwife"]).ok().stdout.contains("+231990000001"));
    let counted = place.run(&["audience", "count", "within = Bong", "--json"]).ok().json();
    assert_eq!(counted["count"], 2, "{counted}");
    let problems = place.run(&["registry", "problems"]).ok().stdout;
    assert!(problems.contains("not known"), "{problems}");
}

#[test]
fn a_wrong_query_points_at_its_fault() {
    let done = with_workers().run(&["audience", "count", "cadre = nurse AND wihtin = Bong"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("did you mean within?"), "{done:?}");
    // The mark stands under the word.
    let lines: Vec<&str> = done.stderr.lines().collect();
    let word = lines.iter().position(|line| line.contains("wihtin")).unwrap();
    assert_eq!(lines[word].find("wihtin"), lines[word + 1].find("^^^^^^"), "{done:?}");
}

#[test]
fn a_backup_is_proven_and_restored() {
    let place = with_workers();
    assert!(place.run(&["doctor"]).ok().stdout.contains("none in"));
    let made = place.run(&["backup", "--json"]).ok().json();
    let proven = place.run(&["restore", "--verify", "--json"]).ok().json();
    assert_eq!((&proven["manifest"], &proven["opened"]), (&made, &serde_json::Value::Bool(true)));

    let refused = place.run(&["restore"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("move it away first"), "{refused:?}");
    std::fs::remove_file(place.data.join("mhero.sqlite")).unwrap();
    place.run(&["restore"]).ok();
    assert_eq!(place.run(&["registry", "list", "--json"]).ok().json().as_array().unwrap().len(), 3);

    let copy = place.data.join("backups").join(made["file"].as_str().unwrap());
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&copy, bytes).unwrap();
    let broken = place.run(&["restore", "--verify"]);
    assert_eq!(broken.code, 1);
    assert!(broken.stderr.contains("is not the copy that was made"), "{broken:?}");
}

#[test]
fn a_container_goes_in_and_comes_out() {
    let place = Place::new();
    let id = |n: u32| format!("5d1f0000-0000-4000-8000-{n:012}");
    let container = serde_json::json!({
        "specification_version": "1.0.0-rc4", "uuid": id(1), "name": "Greeting", "resources": [],
        "flows": [{
            "uuid": id(2), "name": "Greeting", "last_modified": "2026-11-23T08:00:00Z", "interaction_timeout": 600,
            "supported_modes": ["SMS"], "languages": [{"id": "eng", "iso_639_3": "eng"}], "first_block_id": id(3),
            "blocks": [{
                "uuid": id(3), "type": "MobilePrimitives.Message", "name": "hello", "label": "Welcome",
                "config": {"prompt": "Hello @flow.nobody"}, "exits": [{"uuid": id(4), "tag": "x", "label": "x", "default": true, "config": {}}],
            }],
        }],
    });
    let file = place.data.join("container.json");
    std::fs::write(&file, container.to_string()).unwrap();
    let file = file.to_str().unwrap();
    assert!(place.run(&["flow", "check", file]).ok().stdout.contains("Greeting: valid"));
    assert!(place.run(&["flow", "simulate", file]).ok().stdout.contains("< Hello"));
    let imported = place.run(&["flow", "import", file]).ok().stdout;
    assert!(
        imported.contains("Greeting: new") && imported.contains(&id(3)) && imported.contains("'Welcome'"),
        "{imported}"
    );
    assert!(place.run(&["registry", "problems"]).ok().stdout.contains("no block of the flow is called 'nobody'"));

    let out = place.data.join("out.json");
    place.run(&["flow", "export", "--floip", "greeting", "--out", out.to_str().unwrap()]).ok();
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(written, place.run(&["flow", "export", "--floip", "Greeting"]).ok().json());
    assert_eq!(written["flows"][0]["blocks"][0]["uuid"], id(3));

    let folder = place.data.join("results");
    let told = place.run(&["flow", "results", "Greeting", "--out", folder.to_str().unwrap(), "--json"]).ok().json();
    assert_eq!((&told["runs"], &told["rows"]), (&0.into(), &0.into()), "{told}");
    assert!(folder.join("datapackage.json").is_file() && folder.join("data.json").is_file());
    let unknown = place.run(&["flow", "results", "Farewell"]);
    assert!(unknown.code == 1 && unknown.stderr.contains("there are: \"Greeting\""), "{unknown:?}");
}
