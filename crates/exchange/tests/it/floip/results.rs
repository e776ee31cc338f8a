//! Flow Results packages.

use super::sample::survey;
use exchange::floip::import;
use exchange::floip::results::{About, COLUMNS, Package, Run};
use serde_json::{Value, json};
use uuid::Uuid;

fn package() -> Package {
    Package::of(&import(&survey()).unwrap().document["flows"][0]).unwrap()
}

fn recorded(key: &str, value: &str, category: &str, input: &str, at: &str) -> (String, Value) {
    let result = json!({
        "name": key, "value": value, "category": category, "input": input, "created_on": at,
        "node_uuid": "7b1e0000-0000-4000-8000-000000000009",
    });
    (key.to_owned(), result)
}

fn rows(package: &mut Package, results: impl IntoIterator<Item = (String, Value)>) -> Vec<Value> {
    let results = Value::Object(results.into_iter().collect()).to_string();
    let id = Uuid::from_u128;
    package.rows(&Run { id: id(1), contact: id(2), session: id(3), results: &results }).unwrap()
}

#[test]
fn rows_have_seven_columns_in_the_form_of_their_questions() {
    let mut package = package();
    let found = rows(
        &mut package,
        [
            recorded("needs", "gloves", "Chosen", "gloves, and 2", "2026-11-23T09:00:04Z"),
            recorded("open_today", "1", "yes", "1", "2026-11-23T11:00:01.5+02:00"),
            recorded("beds", "3", "Valid", "3 beds", "2026-11-23T09:00:02Z"),
            recorded("who", "ama", "Default", "ama", "2026-11-23T09:00:03Z"),
            recorded("summary", "yes/3", "", "", "2026-11-23T09:00:05Z"),
            recorded("former", "x", "Y", "x", "2026-11-23T09:00:06Z"),
        ],
    );
    let short: Vec<Value> = found
        .iter()
        .map(|row| {
            let row = row.as_array().unwrap();
            assert_eq!(row.len(), COLUMNS.len());
            assert_eq!(row[1], format!("{}:{}", Uuid::from_u128(1), row[4].as_str().unwrap()));
            assert_eq!((&row[2], &row[3]), (&json!(Uuid::from_u128(2)), &json!(Uuid::from_u128(3))));
            json!([row[0], row[4], row[5], row[6]])
        })
        .collect();
    let open = json!({"type": "text", "type_options": {}});
    assert_eq!(
        short,
        [
            json!(["2026-11-23T09:00:01.5+00:00", "open_today", "yes", {"input": "1"}]),
            json!(["2026-11-23T09:00:02+00:00", "beds", 3, {"input": "3 beds"}]),
            json!(["2026-11-23T09:00:03+00:00", "who", "ama", open]),
            json!(["2026-11-23T09:00:04+00:00", "needs", ["gloves", "oral rehydration salts"], {"input": "gloves, and 2"}]),
            json!(["2026-11-23T09:00:05+00:00", "summary", "yes/3", {}]),
            json!(["2026-11-23T09:00:06+00:00", "former", "x", open]),
        ]
    );
}

#[test]
fn an_unusable_answer_is_no_number_and_a_category_of_its_own() {
    let mut package = package();
    let found = rows(
        &mut package,
        [
            recorded("beds", "lots", "Other", "lots", "2026-11-23T09:00:01Z"),
            recorded("open_today", "hm", "Other", "hm", "2026-11-23T09:00:02Z"),
        ],
    );
    assert_eq!((&found[0][5], &found[0][6]), (&Value::Null, &json!({"input": "lots"})));
    assert_eq!(found[1][5], "Other");
    let about = About {
        created: "2026-11-01T00:00:00Z".parse().unwrap(),
        modified: "2026-11-02T00:00:00Z".parse().unwrap(),
        path: "data.json".to_owned(),
    };
    let descriptor = package.descriptor(&about);
    let choices = &descriptor["resources"][0]["schema"]["questions"]["open_today"]["type_options"]["choices"];
    assert!(choices.as_array().unwrap().contains(&found[1][5]), "{choices}");
}

#[test]
fn the_descriptor_tells_the_questions() {
    let mut package = package();
    rows(&mut package, [recorded("former", "x", "Y", "x", "2026-11-23T09:00:06Z")]);
    let about = About {
        created: "2026-11-01T00:00:00Z".parse().unwrap(),
        modified: "2026-11-02T00:00:00.25Z".parse().unwrap(),
        path: "data.json".to_owned(),
    };
    let descriptor = package.descriptor(&about);
    assert_eq!(descriptor["profile"], "flow-results-package");
    assert_eq!(descriptor["flow_results_specification_version"], "1.0.0-rc1");
    assert_eq!(descriptor["created"], "2026-11-01T00:00:00+00:00");
    assert_eq!(descriptor["modified"], "2026-11-02T00:00:00.25+00:00");
    assert_eq!(descriptor["name"], "facility-survey");
    assert_eq!(descriptor["id"].as_str().unwrap().parse::<Uuid>().unwrap().get_version_num(), 4);
    let resource = &descriptor["resources"][0];
    assert_eq!((&resource["path"], &resource["schema"]["language"]), (&json!("data.json"), &json!("eng")));
    let names: Vec<&Value> =
        resource["schema"]["fields"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
    assert_eq!(names.len(), 7);
    assert_eq!(
        (names[0], names[3], names[6]),
        (&json!("timestamp"), &json!("session_id"), &json!("response_metadata"))
    );
    let questions = &resource["schema"]["questions"];
    assert_eq!(
        questions["open_today"],
        json!({"type": "select_one", "label": "Is your facility open?", "type_options": {"choices": ["yes", "no", "partly", "Default"]}})
    );
    assert_eq!(questions["beds"]["type"], "numeric");
    assert_eq!(questions["beds"]["type_options"], json!({"range": [0, 200]}));
    assert_eq!(questions["needs"]["type_options"]["choices"], json!(["gloves", "oral rehydration salts"]));
    let kinds: Vec<&str> =
        ["who", "summary", "former"].iter().map(|key| questions[key]["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["open", "text", "open"]);
}
