//! A flow of another system, from its container over a conversation to the package of its results.

use crate::support::{Rig, on_both};
use app::floip::FloipExportError;
use app::{App, Settings};
use base::{FlowId, Millis};
use gateway::Submitted;
use serde_json::{Value, json};
use std::sync::Arc;
use store::{KeywordRow, Store};
use uuid::Uuid;

const NOW: Millis = Millis(1_795_420_800_000);

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x3c55_0000_0000_4000_8000_0000_0000_0000 + n)
}

fn container() -> String {
    let block = |n: u128, kind: &str, name: &str, mut config: Value, exits: Value| {
        config["prompt"] = json!(format!("{name}?"));
        json!({"uuid": id(n), "type": format!("MobilePrimitives.{kind}"), "name": name, "config": config, "exits": exits})
    };
    let exit = |n: u128, test: &str, to: u128| {
        let default = test.is_empty();
        json!({"uuid": id(n), "tag": "x", "label": "x", "config": {}, "default": default, "test": test, "destination_block": id(to)})
    };
    let last = json!([{"uuid": id(20), "tag": "x", "label": "x", "config": {}, "default": true}]);
    let choices = json!({"choices": {"open": "Open", "closed": "Closed"}});
    let blocks = [
        block(10, "SelectOneResponse", "ward", choices, json!([exit(21, "block.value != NULL", 11), exit(22, "", 10)])),
        block(11, "NumericResponse", "beds", json!({}), json!([exit(23, "block.value != NULL", 12), exit(24, "", 11)])),
        block(12, "Message", "done", json!({}), last),
    ];
    json!({
        "specification_version": "1.0.0-rc4", "uuid": id(1), "name": "Wards", "resources": [],
        "flows": [{
            "uuid": id(2), "name": "Ward check", "last_modified": "2026-11-23T08:00:00Z", "interaction_timeout": 600,
            "supported_modes": ["SMS"], "languages": [{"id": "eng", "iso_639_3": "eng"}], "first_block_id": id(10),
            "blocks": blocks, "exit_block_id": id(12),
        }],
    })
    .to_string()
}

fn app(store: &Store) -> Arc<App> {
    let settings = Settings { region: Some("LR".into()), ..Settings::default() };
    App::new(store.clone(), settings, Arc::new(|| NOW), [8; 32])
}

#[test]
fn a_container_is_imported_answered_and_given_back() {
    on_both(|store| async move {
        let app = app(&store);
        let imported = app.import_flows(&container()).await.unwrap();
        let done = &imported.flows[0];
        assert_eq!((done.name.as_str(), done.result.as_str()), ("Ward check", "new"));
        assert!(done.notes[0].contains("exit_block_id"), "{imported:?}");
        let listed = store.problems(false, 10).await.unwrap();
        assert_eq!((listed.len(), listed[0].kind.as_str()), (1, "flow_not_carried_over"), "{listed:?}");
        assert_eq!(app.import_flows(&container()).await.unwrap().flows[0].result, "unchanged");
        let (word, flow) = ("wards".to_owned(), FlowId(id(2)));
        let word = KeywordRow { word, only_word: true, flow, groups: Vec::new(), exclude_groups: Vec::new() };
        store.replace_keywords(flow, &[(id(30), word)]).await.unwrap();

        let mut rig = Rig::new(store.clone(), Settings::default()).await;
        for (number, text, expected) in
            [(1, "wards", "ward?"), (2, "2", "beds?"), (3, "none", "beds?"), (4, "about 7", "done?")]
        {
            rig.write(1, number, text).await;
            let outgoing = rig.sent().await;
            assert_eq!(outgoing.text, expected);
            let accepted = Submitted::Accepted { message_ids: vec![(1, format!("m{number}"))] };
            rig.report(&outgoing, 1, number, accepted).await;
        }
        rig.until("SELECT count(*) FROM run WHERE status = 'completed'", 1).await;

        let folder = tempfile::tempdir().unwrap();
        let written = app.write_results("ward check", folder.path(), true).await.unwrap();
        assert_eq!((written.runs, written.rows), (1, 2));
        assert_eq!(written.folder, folder.path().join("ward-check"));
        let read = |name: &str| -> Value {
            serde_json::from_slice(&std::fs::read(written.folder.join(name)).unwrap()).unwrap()
        };
        let rows = read("data.json");
        let answers: Vec<_> = rows.as_array().unwrap().iter().map(|row| (&row[0], &row[4], &row[5])).collect();
        let at = json!("2026-11-23T08:00:00+00:00");
        assert_eq!(answers, [(&at, &json!("ward"), &json!("closed")), (&at, &json!("beds"), &json!(7))]);
        let descriptor = read("datapackage.json");
        assert_eq!(descriptor["resources"][0]["path"], "data.json");
        assert_eq!(descriptor["id"], json!(id(2)));
        // Again, over what is there, with the same ids.
        app.write_results(&id(2).to_string(), &written.folder, false).await.unwrap();
        assert_eq!(read("data.json"), rows);
        assert_eq!(std::fs::read_dir(&written.folder).unwrap().count(), 2);

        let given = app.export_floip(&["Ward check".to_owned()]).await.unwrap();
        assert_eq!(given.container["flows"][0]["blocks"].as_array().unwrap().len(), 3);
        assert_eq!(given.container["flows"][0]["last_modified"], "2026-11-23T08:00:00.000000Z");
        assert_eq!(given.left_out, [""; 0]);
        assert_eq!(app.import_flows(&given.container.to_string()).await.unwrap().flows[0].result, "unchanged");
        let missing = app.export_floip(&["Wards".to_owned()]).await;
        assert!(matches!(missing, Err(FloipExportError::Flow(_))), "{missing:?}");
        rig.stop().await;
    });
}

#[test]
fn a_flow_without_answers_has_an_empty_package() {
    on_both(|store| async move {
        let app = app(&store);
        app.import_flows(&container()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let written = app.write_results("Ward check", folder.path(), false).await.unwrap();
        assert_eq!((written.runs, written.rows), (0, 0));
        assert_eq!(std::fs::read_to_string(folder.path().join("data.json")).unwrap(), "[]\n");
    });
}
