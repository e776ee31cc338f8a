//! The main job by the command line: flows, campaigns, the demonstration, and commands beside a running server.

use crate::command::{Done, Place};
use crate::server::Server;
use serde_json::{Value, json};
use std::path::PathBuf;

fn file(place: &Place, name: &str, content: &[u8]) -> PathBuf {
    let path = place.data.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn with_workers() -> Place {
    let place = Place::new();
    let csv = "name,phone,cadre,county,facility,language\n\
        Ama Tarwo,0990 000 001,Nurse,Bong,Phebe Hospital,eng\n\
        Bendu Zayzay,0990000002,Midwife,Bong,Phebe Hospital,fra\n\
        Cerue Fallah,0990000003 / 0990000004,Nurse,Nimba,Ganta Clinic,eng\n\
        Dolo Gaye,,Nurse,Nimba,Ganta Clinic,eng\n";
    let path = file(&place, "workers.csv", csv.as_bytes());
    place.run(&["registry", "import", path.to_str().unwrap()]).ok();
    place
}

fn flow(next: &str) -> String {
    json!({
        "version": "13", "site": "https://mhero.example.org", "campaigns": [], "fields": [], "groups": [], "triggers": [],
        "flows": [{
            "uuid": "6f3a1b0e-91d5-4c1b-8f64-0c7d1a2b3c01", "name": "Greeting", "spec_version": "13.1.0",
            "language": "eng", "type": "messaging",
            "localization": { "fra": { "6f3a1b0e-91d5-4c1b-8f64-0c7d1a2b3c03": { "text": ["Bonjour ! Êtes-vous là ?"] } } },
            "nodes": [{
                "uuid": "6f3a1b0e-91d5-4c1b-8f64-0c7d1a2b3c02",
                "actions": [{ "type": "send_msg", "uuid": "6f3a1b0e-91d5-4c1b-8f64-0c7d1a2b3c03", "text": "Hello @contact.first_name" }],
                "exits": [{ "uuid": "6f3a1b0e-91d5-4c1b-8f64-0c7d1a2b3c04", "destination_uuid": next }],
            }, {
                "uuid": "6f3a1b0e-91d5-4c1b-8f64-0c7d1a2b3c05", "actions": [],
                "exits": [{ "uuid": "6f3a1b0e-91d5-4c1b-8f64-0c7d1a2b3c06" }],
            }],
        }],
    })
    .to_string()
}

const CHANNEL: &str = "\n[[channels]]\nname = \"operator\"\nkind = \"smpp\"\nhost = \"127.0.0.1\"\nport = 1\n\
    system_id = \"mhero\"\npassword = \"secret\"\ntariff = { per_segment = \"0.0085\", currency = \"USD\" }\n";

const SECOND_NODE: &str = "6f3a1b0e-91d5-4c1b-8f64-0c7d1a2b3c05";

fn with_flow() -> Place {
    let place = with_workers();
    let configuration = place.data.join("mhero.toml");
    let text = std::fs::read_to_string(&configuration).unwrap();
    std::fs::write(&configuration, text.replace("# languages = [\"eng\"]", "languages = [\"eng\", \"fra\"]")).unwrap();
    let path = file(&place, "flow.json", flow(SECOND_NODE).as_bytes());
    place.run(&["flow", "import", path.to_str().unwrap()]).ok();
    place
}

fn json_of(done: Done) -> Value {
    serde_json::from_str(&done.ok().stdout).unwrap()
}

#[test]
fn the_demonstration_tells_the_pilot_again() {
    let figures = json_of(Place::empty().run(&["demo", "--once", "--json"]));
    for (key, value) in [
        ("imported", 482),
        ("sent", 482),
        ("reached", 289),
        ("responded", 165),
        ("completed", 119),
        ("lost", 0),
        ("doubled", 0),
        ("out_of_order", 0),
        ("after_stop", 0),
    ] {
        assert_eq!(figures[key], json!(value), "{key} of {figures}");
    }
}

#[test]
fn a_dry_run_tells_whom_it_would_reach_and_sends_nothing() {
    let place = with_flow();
    let preview =
        json_of(place.run(&["--json", "campaign", "start", "greeting", "--to", "cadre = nurse", "--dry-run"]));
    assert_eq!((&preview["matched"], &preview["recipients"]), (&json!(3), &json!(2)), "{preview}");
    assert_eq!(preview["left_out"], json!({ "no_route": 1 }));
    assert_eq!(preview["places"], json!({ "Bong": 1, "Nimba": 1 }));
    let french =
        json_of(place.run(&["--json", "campaign", "start", "Greeting", "--to", "cadre = midwife", "--dry-run"]));
    assert_eq!(french["languages"], json!({ "fra": 1 }), "{french}");
    place.append(CHANNEL);
    let priced = json_of(place.run(&["--json", "campaign", "start", "Greeting", "--to", "cadre = nurse", "--dry-run"]));
    assert_eq!(priced["cost"], json!(["0.0170", "USD"]), "two segments: {priced}");
    let status = place.run(&["campaign", "status"]);
    assert_ne!(status.code, 0, "{status:?}");
}

#[test]
fn a_campaign_for_nobody_is_refused_with_the_reason() {
    let place = with_flow();
    let unable = place.run(&["campaign", "start", "Greeting", "--to", "cadre = nurse"]);
    assert!(unable.stderr.contains("no channel is configured") && unable.stderr.contains("hint: "), "{unable:?}");
    place.append(CHANNEL);
    let nobody = place.run(&["campaign", "start", "Greeting", "--to", "name = Dolo"]);
    assert_ne!(nobody.code, 0);
    assert!(nobody.stderr.contains("nobody would get it"), "{nobody:?}");
    let unknown = place.run(&["campaign", "start", "Greetings", "--to", "cadre = nurse"]);
    assert!(unknown.stderr.contains("there are: \"Greeting\""), "{unknown:?}");
}

#[test]
fn a_flow_with_a_dangling_exit_is_refused_with_its_place() {
    let place = Place::new();
    let path = file(&place, "flow.json", flow("00000000-0000-4000-8000-000000000000").as_bytes());
    let refused = place.run(&["flow", "import", path.to_str().unwrap()]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("isn't a known node") && refused.stderr.contains("Greeting"), "{refused:?}");
    assert_eq!(json_of(place.run(&["--json", "flow", "list"])), json!([]));
}

#[test]
fn damaged_files_lose_only_what_is_damaged() {
    let place = Place::new();
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": [
        { "resource": { "resourceType": "Practitioner", "id": "1", "name": [{ "text": "Ama Tarwo" }],
            "telecom": [{ "system": "phone", "value": "0990000001" }] } },
        { "resource": { "resourceType": "Practitioner", "id": "2", "name": [{ "text": "Bendu Zayzay" }] } },
    ] })
    .to_string();
    let truncated = file(&place, "truncated.json", &bundle.as_bytes()[..bundle.len() - 40]);
    let report = json_of(place.run(&["--json", "registry", "import", truncated.to_str().unwrap()]));
    assert_eq!(report["changes"]["new"], json!(1), "{report}");
    assert!(report["findings"].to_string().contains("truncated"), "{report}");

    let latin = file(&place, "latin.csv", b"nom;t\xe9l\xe9phone;cadre\nB\xe9atrice Zayzay;0990000005;Infirmi\xe8re\n");
    let report = json_of(place.run(&["--json", "registry", "import", "--source", "csv", latin.to_str().unwrap()]));
    assert_eq!(report["changes"]["new"], json!(1), "{report}");
    let found = json_of(place.run(&["--json", "audience", "list", "cadre = infirmiere"]));
    assert_eq!(found["contacts"][0]["name"], json!("Béatrice Zayzay"), "{found}");

    let nul = file(&place, "nul.csv", b"name,phone\nCe\0rue Fallah,0990000006\n");
    place.run(&["registry", "import", "--source", "nul", nul.to_str().unwrap()]).ok();
    let found = json_of(place.run(&["--json", "audience", "count", "name ~ cerue"]));
    assert_eq!(found["count"], json!(1), "{found}");
}

#[test]
fn commands_go_to_a_running_server() {
    let place = with_flow();
    let server = Server::start(&place);
    assert_eq!(json_of(place.run(&["--json", "audience", "count", "cadre = nurse"]))["count"], json!(3));
    assert!(server.http(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n").contains(" 200 "));
    let second = place.run(&["serve"]);
    assert!(second.stderr.contains("another mhero process"), "{second:?}");
    server.stop();
    json_of(place.run(&["--json", "audience", "count", "cadre = nurse"]));
}
