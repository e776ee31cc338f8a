//! FHIR as it should be, as it nearly is, and broken.

use base::Lang;
use registry::{Code, PhoneState, PlaceKind, Status};

use super::{count, found, import, workers};

const PEOPLE: &str = r#"{"resourceType": "Bundle", "type": "collection", "entry": [
  {"fullUrl": "urn:uuid:0192f3a0-0000-7000-8000-000000000001",
   "resource": {"resourceType": "Practitioner", "name": {"given": "Ama", "family": "Kollie"}, "telecom": [
     {"system": "phone", "value": "0990000003", "use": "old"},
     {"system": "phone", "value": "0990000002/0990000001", "rank": 2},
     {"system": "phone", "value": "+2310990000004", "use": "mobile"},
     {"system": "email", "value": "ama@example.org"},
     {"system": "fax", "value": "0990000009"}],
     "communication": [{"coding": [{"code": "??"}]}, {"coding": [{"code": "fr-CD"}]}]}},
  {"resource": {"resourceType": "Practitioner", "id": "p2", "name": [{"use": "old", "text": "Before"}, {"use": "official", "text": "Bai  Conteh"}],
     "active": "true", "telecom": [{"value": 990000005}, {"system": "phone", "value": "8.8661E+08"}], "gender": "m"}}
]}"#;

const ROLES: &str = r#"{"resourceType":"PractitionerRole","id":"r1","practitioner":{"reference":"urn:uuid:0192f3a0-0000-7000-8000-000000000001"},"code":[{"coding":[{"system":"x","code":"mw"}],"text":"Midwife"}],"location":[{"reference":"http://hr.example.org/fhir/Location/f1/_history/3"}],"specialty":[{"text":"Obstetrics"}],"period":{"start":"2020"}}
{"resourceType":"PractitionerRole","id":"r2","practitioner":{"reference":"Practitioner/p2"},"code":[{"text":"Nurse"}],"location":[{"reference":"Location/f1"}],"period":{"start":"2019-01-01","end":"2020-12-31"},"extension":[{"url":"http://ihris.org/fhir/StructureDefinition/ihris-practitionerrole-reason-departure","valueCoding":{"code":"ret","display":"Retired"}}]}
{"resourceType":"PractitionerRole","id":"r3","practitioner":{"reference":"Practitioner/p9"},"organization":"Organization/o2"}
{"resourceType":"PractitionerRole","id":"r4","location":[{"identifier":{"system":"urn:mfl","value":"77"}}]}
"#;

const PLACES: &str = r#"[
  {"resourceType":"Location","id":"f1","name":"Suakoko Clinic","partOf":{"reference":"Location/bong"},"managingOrganization":"Organization/o1","identifier":[{"system":"urn:mfl","value":"77"}],"position":{"latitude":6.98,"longitude":"-9.57"}},
  {"resourceType":"Organization","id":"o1","name":"Suakoko Clinic","identifier":[{"value":"org-1"}]},
  {"resourceType":"Organization","id":"o2","name":"County Health Team","partOf":{"reference":"Organization/gone"}},
  {"resourceType":"Location","id":"bong","name":"Bong","type":[{"coding":[{"system":"urn:ietf:rfc:3986","code":"urn:ihe:iti:mcsd:2019:jurisdiction"},{"system":"x","code":"county"}],"text":"County"}],"partOf":{"reference":"Location/lr"}},
  {"resourceType":"Location","id":"lr","physicalType":{"coding":[{"code":"jdn"}]}},
  {"resourceType":"Basic","id":"b"}, {"resourceType":"Basic","id":"c"}
]"#;

fn files() -> [(&'static str, &'static [u8]); 3] {
    [("people.json", PEOPLE.as_bytes()), ("roles.ndjson", ROLES.as_bytes()), ("places.json", PLACES.as_bytes())]
}

#[test]
fn lenient_and_linked() {
    let import = import(&files());
    assert_eq!(
        workers(&import),
        [
            "0192f3a0-0000-7000-8000-000000000001 Ama Kollie: +231990000004 +231990000002 +231990000001 +231990000003",
            "p2 Bai Conteh: +231990000005",
        ]
    );
    let ama = &import.workers[0];
    assert_eq!(ama.phones[3].state, PhoneState::Old);
    assert_eq!(ama.phones.iter().map(|phone| phone.rank).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(ama.phones[1].raw, "0990000002/0990000001");
    assert_eq!(ama.language, Some(Lang::FRA));
    assert_eq!(ama.emails, ["ama@example.org"]);
    assert_eq!(ama.skills[0].label, "Obstetrics");
    assert_eq!((ama.posts[0].facility_ref.as_deref(), ama.status), (Some("f1"), Status::Active));
    let bai = &import.workers[1];
    assert_eq!(bai.status, Status::Left);
    let left = bai.left.as_ref().unwrap();
    assert_eq!((left.on.as_ref().unwrap().as_str(), left.reason.as_deref()), ("2020-12-31", Some("Retired")));
    assert_eq!(bai.posts[0].cadre.as_ref().unwrap().code, "nurse");

    let loose: Vec<_> =
        import.loose_posts.iter().map(|loose| (loose.worker.as_deref(), loose.post.facility_ref.as_deref())).collect();
    assert_eq!(loose, [(Some("p9"), Some("Organization/o2")), (None, Some("f1"))]);

    let places: Vec<_> =
        import.places.iter().map(|place| (place.source_id.as_str(), place.parent.as_deref(), place.kind)).collect();
    assert_eq!(
        places,
        [
            ("Organization/o2", Some("Organization/gone"), PlaceKind::Facility),
            ("lr", None, PlaceKind::Jurisdiction),
            ("bong", Some("lr"), PlaceKind::Jurisdiction),
            ("f1", Some("bong"), PlaceKind::Facility),
        ]
    );
    let clinic = &import.places[3];
    assert_eq!(clinic.identifiers.len(), 2);
    assert!(clinic.position.is_some_and(|position| position.longitude < -9.0));
}

#[test]
fn everything_odd_is_found_at_its_place() {
    let import = import(&files());
    assert_eq!(
        found(&import),
        [
            "unreadable_phone people.json:10:3 Bundle.entry[1].resource.telecom[1].value",
            "bad_gender people.json:10:3 Bundle.entry[1].resource.gender",
            "unresolved_reference roles.ndjson:3:1 PractitionerRole.practitioner",
            "lenient roles.ndjson:3:1 PractitionerRole.organization",
            "no_worker roles.ndjson:4:1 PractitionerRole",
            "lenient places.json:2:3 Location.managingOrganization",
            "unresolved_reference places.json:4:3 Organization.partOf",
            "no_name places.json:6:3 Location.name",
            "not_used places.json:7:3 Basic",
        ]
    );
    let refused = import.findings.iter().find(|finding| finding.code == Code::UnreadablePhone).unwrap();
    assert_eq!(refused.worker.as_deref(), Some("p2"));
    assert!(refused.message.contains("scientific notation") && refused.remedy.contains("format the column as text"));
}

#[test]
fn the_order_of_the_files_does_not_matter() {
    let [a, b, c] = files();
    let (first, second) = (import(&[a, b, c]), import(&[c, b, a]));
    assert_eq!(first.workers, second.workers);
    assert_eq!(first.places, second.places);
    assert_eq!(first.loose_posts, second.loose_posts);
}

fn practitioner(id: &str) -> String {
    format!(r#"{{"resource": {{"resourceType": "Practitioner", "id": "{id}", "name": [{{"text": "Worker {id}"}}]}}}}"#)
}

fn bundle(entries: &[&str]) -> String {
    format!("{{\"resourceType\": \"Bundle\", \"entry\": [\n{}\n]}}", entries.join(",\n"))
}

#[test]
fn a_broken_entry_costs_no_other() {
    let (one, two, three) = (practitioner("1"), practitioner("2"), practitioner("3"));
    let ids = |text: &str| {
        let import = import(&[("b.json", text.as_bytes())]);
        let ids: Vec<String> = import.workers.iter().map(|worker| worker.source_id.clone()).collect();
        (ids.join(" "), found(&import))
    };
    let broken = two.replace("\"id\":", "\"id\"");
    assert_eq!(
        ids(&bundle(&[&one, &broken, &three])),
        ("1 3".to_owned(), vec!["syntax b.json:3:52 Bundle.entry[1]".to_owned()])
    );
    // An entry that never closes.
    let open = two.replace("}]}}", "}]");
    assert_eq!(ids(&bundle(&[&one, &open, &three])).0, "1 3");
    // A string that never closes swallows the marks after it: the next entry is found all the same.
    let quote = two.replace("Worker 2\"", "Worker 2");
    assert_eq!(ids(&bundle(&[&one, &quote, &three])).0, "1 3");
    // Cut within the second entry, and between entries.
    let whole = bundle(&[&one, &two, &three]);
    let cut = whole.find("Worker 2").unwrap();
    assert_eq!(ids(&whole[..cut]), ("1".to_owned(), vec!["truncated b.json:3:1 Bundle.entry[1]".to_owned()]));
    let cut = whole.find(",\n{").unwrap();
    let (read, findings) = ids(&whole[..cut]);
    assert_eq!((read.as_str(), findings.len()), ("1", 1));
    assert!(findings[0].starts_with("truncated b.json:2:"), "{findings:?}");
}

#[test]
fn a_broken_line_costs_no_other() {
    let line =
        |id: u8| format!(r#"{{"resourceType": "Practitioner", "id": "{id}", "name": [{{"text": "Worker {id}"}}]}}"#);
    for (broken, code) in [
        (line(2).replace("Worker 2\"", "Worker 2"), Code::Syntax),
        (line(2).replace("}]}", "}"), Code::Syntax),
        (line(2).replace('{', ""), Code::Syntax),
        ("{".repeat(100_000), Code::Syntax),
    ] {
        let text = [line(1), broken, line(3)].join("\n");
        let import = import(&[("w.ndjson", text.as_bytes())]);
        assert_eq!(workers(&import), ["1 Worker 1: ", "3 Worker 3: "], "{:?}", import.findings);
        assert!(
            import.findings.iter().all(|finding| finding.code == code && finding.place.line == 2),
            "{:?}",
            import.findings
        );
        assert!(!import.findings.is_empty());
    }
    let array = format!("[{},\n{},\n", line(1), line(2));
    let import = import(&[("w.json", array.as_bytes())]);
    assert_eq!((import.workers.len(), found(&import)), (2, vec!["truncated w.json:3:1".to_owned()]));
}

#[test]
fn nothing_takes_long_over_unclosed_entries() {
    let text = format!("{{\"resourceType\": \"Bundle\", \"entry\": [{}", "{\"resource\": [".repeat(50_000));
    assert!(!import(&[("b.json", text.as_bytes())]).findings.is_empty());
}

#[test]
fn the_character_nul_is_removed_and_found() {
    let escaped = practitioner("1").replace("Worker 1", "Wor\\u0000ker 1");
    let bare = practitioner("2").replace("Worker 2", "Wor\0ker 2");
    let text = bundle(&[&escaped, &bare]);
    let import = import(&[("b.json", text.as_bytes())]);
    assert_eq!(workers(&import), ["1 Worker 1: ", "2 Worker 2: "]);
    assert_eq!(count(&import, Code::NulRemoved), 2);
    assert!(import.workers.iter().all(|worker| !worker.raw.contains("u0000") && !worker.raw.contains('\0')));
}

#[test]
fn other_encodings() {
    let text = bundle(&[&practitioner("1").replace("Worker 1", "Aïssatou Bâ")]);
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(c as u32).unwrap()).collect();
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (bytes, findings) in [(latin, 1), (wide, 0), (text.clone().into_bytes(), 0)] {
        let import = import(&[("b.json", &bytes)]);
        assert_eq!(workers(&import), ["1 Aïssatou Bâ: "]);
        assert_eq!(count(&import, Code::Encoding), findings);
    }
}

#[test]
fn versions_duplicates_and_deletions() {
    let version = |name: &str, updated: &str| {
        format!(
            r#"{{"resource": {{"resourceType": "Practitioner", "id": "1", "meta": {{"lastUpdated": "{updated}"}}, "name": [{{"text": "{name}"}}]}}}}"#
        )
    };
    let deletion = r#"{"request": {"method": "DELETE", "url": "Practitioner/7"}}"#;
    let history = bundle(&[&version("New", "2026-02-01T00:00:00Z"), &version("Old", "2026-01-01T00:00:00Z"), deletion]);
    let read = import(&[("h.json", history.as_bytes())]);
    assert_eq!((workers(&read), found(&read)), (vec!["1 New: ".to_owned()], vec![]));
    assert_eq!(read.deleted, [("Practitioner".to_owned(), "7".to_owned())]);

    let twice = bundle(&[&practitioner("1"), &practitioner("1"), &practitioner("1").replace("Worker", "Other")]);
    let read = import(&[("d.json", twice.as_bytes())]);
    assert_eq!(workers(&read), ["1 Other 1: "]);
    assert_eq!(found(&read), ["duplicate_id d.json:4:1 Bundle.entry[2].resource"]);
}

#[test]
fn a_shared_number_stays_with_all() {
    let with = |id: &str| {
        practitioner(id)
            .replace("\"name\"", "\"telecom\": [{\"system\": \"phone\", \"value\": \"0990000001\"}], \"name\"")
    };
    let text = bundle(&[&with("2"), &with("1"), &practitioner("3")]);
    let import = import(&[("s.json", text.as_bytes())]);
    assert_eq!(workers(&import), ["1 Worker 1: +231990000001", "2 Worker 2: +231990000001", "3 Worker 3: "]);
    assert_eq!(import.shared.len(), 1);
    assert_eq!(import.shared[0].workers, ["1", "2"]);
    assert_eq!(count(&import, Code::SharedPhone), 2);
}

#[test]
fn a_page_of_a_search_says_so() {
    let text = r#"{"resourceType":"Bundle","type":"searchset","link":[{"relation":"self","url":"x"},{"relation":"next","url":"y"}],"entry":[]}"#;
    assert_eq!(found(&import(&[("p.json", text.as_bytes())])), ["partial p.json:1:52 Bundle.link"]);
}

#[test]
fn places_within_themselves() {
    let text = r#"[{"resourceType":"Location","id":"a","name":"A","partOf":{"reference":"Location/b"}},
        {"resourceType":"Location","id":"b","name":"B","partOf":{"reference":"Location/a"}}]"#;
    let import = import(&[("l.json", text.as_bytes())]);
    assert_eq!(found(&import), ["place_cycle l.json:1:2 Location"]);
    let places: Vec<_> =
        import.places.iter().map(|place| (place.source_id.as_str(), place.parent.as_deref())).collect();
    assert_eq!(places, [("a", None), ("b", Some("a"))]);
}

#[test]
fn what_is_no_registry_is_refused() {
    for (name, bytes, code) in [
        ("empty.json", &b""[..], Code::UnknownFormat),
        ("spaces.csv", b" \n ", Code::UnknownFormat),
        ("care.xml", b"<CSD/>", Code::UnknownFormat),
        ("a.pdf", b"%PDF-1.7", Code::UnknownFormat),
        ("a.bin", &[1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 16, 17], Code::UnknownFormat),
        ("broken.xlsx", b"PK\x03\x04 nothing", Code::Syntax),
        ("half.json", b"{\"resourceType\": \"Pract", Code::Truncated),
        ("words.json", b"{hello}", Code::Syntax),
        ("data.json", b"{\"dataValues\": []}", Code::NoType),
        ("no-id.json", b"{\"resourceType\": \"Practitioner\"}", Code::NoId),
    ] {
        let import = import(&[(name, bytes)]);
        assert_eq!(
            import.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(),
            [code],
            "{name}: {:?}",
            import.findings
        );
        assert!(import.workers.is_empty());
    }
}
