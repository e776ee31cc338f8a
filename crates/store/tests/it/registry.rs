//! What an import writes, and what importing again changes.

use crate::support::{NOW, on_both};
use base::{ContactId, IdMaker, Millis};
use registry::{Assembly, Import, Known, Options};
use store::registry::Imported;
use store::{Store, params};

/// Reads a table as the registry does.
pub(crate) fn table(csv: &str) -> Import {
    let today = jiff::civil::date(2026, 11, 23);
    let options = Options { source: "payroll", region: Some("LR"), today, mapping: None };
    let mut assembly = Assembly::new(options, Known::default(), Box::new(Vec::new()));
    assembly.read("workers.csv", &mut csv.as_bytes(), &mut |_| {}).unwrap();
    assembly.finish().unwrap()
}

async fn import(store: &Store, ids: &mut IdMaker, csv: &str) -> Imported {
    let mut last = (usize::MAX, 0);
    let done = store.commit_import("payroll", &table(csv), ids, NOW, |done, total| last = (done, total)).await.unwrap();
    assert_eq!(last.0, last.1, "progress ends with everything done");
    done
}

/// Name, contact and URNs of each worker.
async fn people(store: &Store) -> Vec<(String, ContactId, Vec<String>)> {
    let workers = store.workers(None, 100).await.unwrap();
    workers.into_iter().map(|worker| (worker.name, worker.contact, worker.urns)).collect()
}

async fn open(store: &Store, kind: &str) -> Vec<String> {
    let problems = store.problems(false, 100).await.unwrap();
    problems.into_iter().filter(|problem| problem.kind == kind).map(|problem| problem.message).collect()
}

const HEADER: &str = "id,name,phone,cadre,facility,county,district,skills,gender,status\n";
const AMA: &str = "1,Ama Kollie,0990000001,Midwife,Suakoko Clinic,Bong,Suakoko,Obstetrics,female,active\n";
const BOB: &str = "2,Bob Flomo,0990000002; 0990000003,Nurse,Gbarnga Hospital,Bong,Jorquelleh,,male,active\n";

#[test]
fn importing_again_changes_only_what_changed() {
    on_both(|store| async move {
        let mut ids = IdMaker::from_u64(1);
        let csv = format!("{HEADER}{AMA}{BOB}");
        let first = import(&store, &mut ids, &csv).await;
        assert_eq!((first.new, first.changed, first.unchanged, first.absent), (2, 0, 0, 0));
        let before = people(&store).await;
        assert_eq!(before[0].2, ["tel:+231990000001"]);
        assert_eq!(before[1].2, ["tel:+231990000002", "tel:+231990000003"]);
        let again = import(&store, &mut ids, &csv).await;
        assert_eq!((again.new, again.changed, again.unchanged, again.places), (0, 0, 2, 0));
        assert_eq!(people(&store).await, before);

        let moved = BOB.replace("0990000002; ", "").replace("Nurse", "Midwife");
        let third = import(&store, &mut ids, &format!("{HEADER}{moved}")).await;
        assert_eq!((third.new, third.changed, third.unchanged, third.absent), (0, 1, 0, 1));
        let after = people(&store).await;
        assert_eq!((after[1].1, after[1].2.as_slice()), (before[1].1, ["tel:+231990000003".to_owned()].as_slice()));
        assert_eq!(after[0], before[0], "who is not mentioned stays");
        let worker = store.worker_of_contact(after[1].1).await.unwrap().unwrap();
        assert_eq!(worker.attributes.cadre[0], "Midwife");
        assert_eq!(worker.attributes.report_place, "Bong");
        let raw = store.query("SELECT raw FROM source_record WHERE kind = 'worker'", params![]).await.unwrap();
        assert_eq!(raw.len(), 2, "what the source said is kept");
        let row = store.query_one("SELECT count(*) FROM urn WHERE address = 'tel:+231990000002'", params![]).await;
        assert_eq!(row.unwrap().unwrap().get::<i64>(0).unwrap(), 0);
    });
}

#[test]
fn a_number_stays_with_whoever_has_it_until_the_source_takes_it_away() {
    on_both(|store| async move {
        let mut ids = IdMaker::from_u64(2);
        import(&store, &mut ids, &format!("{HEADER}{AMA}{BOB}")).await;
        // Ama claims Bob's second number; nothing is taken from him.
        let claims = AMA.replace("0990000001", "0990000001; 0990000003");
        import(&store, &mut ids, &format!("{HEADER}{claims}")).await;
        assert_eq!(people(&store).await[0].2, ["tel:+231990000001"]);
        let said = "Ama Kollie should have the number +231990000003, which somebody else has already";
        assert_eq!(open(&store, "phone_taken").await, [said]);
        // The source takes it away from Bob: Ama, whose record is as before, gets it in the same import.
        let gives = BOB.replace("; 0990000003", "");
        let done = import(&store, &mut ids, &format!("{HEADER}{claims}{gives}")).await;
        assert_eq!((done.changed, done.unchanged), (1, 1));
        let after = people(&store).await;
        assert_eq!(after[0].2, ["tel:+231990000001", "tel:+231990000003"]);
        assert_eq!(after[1].2, ["tel:+231990000002"]);
        assert_eq!(open(&store, "phone_taken").await, [""; 0]);
        // Two workers exchange their numbers.
        let ama = AMA.replace("0990000001", "0990000002");
        let bob = gives.replace("0990000002", "0990000001");
        import(&store, &mut ids, &format!("{HEADER}{ama}{bob}")).await;
        let after = people(&store).await;
        assert_eq!((after[0].2[0].as_str(), after[1].2[0].as_str()), ("tel:+231990000002", "tel:+231990000001"));
    });
}

#[test]
fn who_wrote_before_the_registry_knew_them_keeps_their_conversation() {
    on_both(|store| async move {
        let mut ids = IdMaker::from_u64(3);
        let contact: ContactId = ids.next(NOW);
        let inbound = store::ops::Inbound {
            id: ids.next(NOW),
            new_contact: contact,
            channel: base::ChannelId(uuid::Uuid::from_u128(1)),
            address: "tel:+231990000001".into(),
            to: "1234".into(),
            text: "hello".into(),
            received_on: Millis(NOW.0 - 1_000),
            dedupe: None,
            consent: None,
            segment: None,
        };
        store.ingest(vec![inbound]).await.unwrap();
        assert_eq!(open(&store, "unknown_sender").await.len(), 1);
        import(&store, &mut ids, &format!("{HEADER}{AMA}")).await;
        let people = people(&store).await;
        assert_eq!((people[0].1, people[0].2.as_slice()), (contact, ["tel:+231990000001".to_owned()].as_slice()));
        assert_eq!(open(&store, "unknown_sender").await.len(), 0);
        let row = store.query_one("SELECT count(*) FROM audience WHERE worker_status = 'active'", params![]).await;
        assert_eq!(row.unwrap().unwrap().get::<i64>(0).unwrap(), 1);
    });
}

/// What a query over the whole register finds, by the store's indexes and contact by contact.
async fn found(store: &Store, query: &str) -> Vec<String> {
    let places = store.places().await.unwrap();
    let spans: Vec<_> = places
        .iter()
        .map(|row| {
            let depth = u32::try_from(base::place::split_path(&row.path).count() - 1).unwrap();
            let span = base::place::Span { left: row.low, right: row.high, depth };
            (row.source_id.clone(), row.path.clone(), span)
        })
        .collect();
    let names = audience::Names::default()
        .with_places(spans.iter().map(|(id, path, span)| (id.as_str(), path.as_str(), *span)));
    let env = audience::Environment::new(NOW.timestamp());
    let query = audience::parse(query, &env, &names).unwrap().compile(&env).unwrap();
    let filter = store.audience_filter(&query).await.unwrap();
    let page = store.page_filtered(&filter, None, 100).await.unwrap();
    for (_, contact) in &page {
        let worker = store.worker_of_contact(*contact).await.unwrap().unwrap();
        assert!(worker.attributes.within.iter().all(|low| places.iter().any(|place| place.low == *low)));
    }
    assert_eq!(store.count_filtered(&filter).await.unwrap(), page.len() as u64);
    page.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_place_more_moves_nobody_out_of_theirs() {
    on_both(|store| async move {
        let mut ids = IdMaker::from_u64(4);
        import(&store, &mut ids, &format!("{HEADER}{AMA}{BOB}")).await;
        assert_eq!(found(&store, "within = Suakoko").await, ["ama kollie"]);
        // Of another source, with counties before, within and behind those of the first; and of the first again.
        let others = "id,name,phone,cadre,facility,county,district\n\
            1,Cora Toe,0990000011,Nurse,A,Aaa,A\n2,Dede Weah,0990000012,Nurse,B,Bong,Zzz\n3,Esther Saye,0990000013,Nurse,C,Zzz,C\n";
        let options =
            Options { source: "ngo", region: Some("LR"), today: jiff::civil::date(2026, 11, 23), mapping: None };
        let mut assembly = Assembly::new(options, Known::default(), Box::new(Vec::new()));
        assembly.read("ngo.csv", &mut others.as_bytes(), &mut |_| {}).unwrap();
        let other = assembly.finish().unwrap();
        store.commit_import("ngo", &other, &mut ids, NOW, |_, _| {}).await.unwrap();
        let new = "3,Fatu Dolo,0990000004,Nurse,First Clinic,Bong,Aaa,,female,active\n";
        let done = import(&store, &mut ids, &format!("{HEADER}{AMA}{new}")).await;
        assert_eq!((done.new, done.changed, done.unchanged, done.absent), (1, 0, 1, 1));
        for (query, who) in [
            ("within = Suakoko", &["ama kollie"][..]),
            ("within = Jorquelleh", &["bob flomo"]),
            ("facility = \"Gbarnga Hospital\"", &["bob flomo"]),
            ("facility = C", &["esther saye"]),
            ("within = \"First Clinic\"", &["fatu dolo"]),
        ] {
            assert_eq!(found(&store, query).await, who, "{query}");
        }
        let again = import(&store, &mut ids, &format!("{HEADER}{AMA}{new}")).await;
        assert_eq!((again.new, again.changed, again.unchanged, again.places), (0, 0, 2, 0));
    });
}

#[test]
fn who_has_left_takes_no_number_from_who_is_at_work() {
    on_both(|store| async move {
        let mut ids = IdMaker::from_u64(5);
        let left = BOB.replace("active", "left").replace("0990000002; 0990000003", "0990000001");
        // In the table, the one who left comes first.
        let left = left.replace("2,", "0,");
        import(&store, &mut ids, &format!("{HEADER}{left}{AMA}")).await;
        let people = people(&store).await;
        assert_eq!(
            (people[0].0.as_str(), people[0].2.as_slice()),
            ("Ama Kollie", ["tel:+231990000001".to_owned()].as_slice())
        );
        assert_eq!((people[1].0.as_str(), people[1].2.len()), ("Bob Flomo", 0));
        assert_eq!(open(&store, "phone_taken").await, [""; 0]);
        assert_eq!(open(&store, "shared_phone").await, [""; 0]);
        assert_eq!(found(&store, "worker.status = left").await, ["bob flomo"]);
    });
}

/// Reads a bundle as the registry does.
fn bundle(entries: &[&str]) -> Import {
    let options =
        Options { source: "ihris", region: Some("LR"), today: jiff::civil::date(2026, 11, 23), mapping: None };
    let mut assembly = Assembly::new(options, Known::default(), Box::new(Vec::new()));
    let text = format!("{{\"resourceType\": \"Bundle\", \"entry\": [{}]}}", entries.join(","));
    assembly.read("bundle.json", &mut text.as_bytes(), &mut |_| {}).unwrap();
    assembly.finish().unwrap()
}

const PUT: &str = r#"{"resource": {"resourceType": "Practitioner", "id": "p1", "name": [{"text": "Ama Kollie"}],
    "telecom": [{"system": "phone", "value": "0990000001"}]}}"#;
const DELETE: &str = r#"{"request": {"method": "DELETE", "url": "Practitioner/p1"}}"#;

#[test]
fn whom_the_source_deletes_has_left_until_it_has_them_again() {
    on_both(|store| async move {
        let mut ids = IdMaker::from_u64(6);
        let mut run = async |entries: &[&str]| {
            store.commit_import("ihris", &bundle(entries), &mut ids, NOW, |_, _| {}).await.unwrap()
        };
        assert_eq!(run(&[PUT]).await.new, 1);
        let done = run(&[DELETE]).await;
        assert_eq!((done.deleted, done.absent), (1, 0));
        assert_eq!(found(&store, "worker.status = left").await, ["ama kollie"]);
        assert_eq!(run(&[DELETE]).await.deleted, 0, "once");
        assert_eq!(run(&[PUT]).await.changed, 1);
        assert_eq!(found(&store, "worker.status = active").await, ["ama kollie"]);
        assert_eq!(run(&[DELETE, PUT]).await.unchanged, 1, "what is there is not deleted");
        let raw = store.query("SELECT raw FROM source_record WHERE kind = 'worker'", params![]).await.unwrap();
        assert!(
            raw[0].text(0).unwrap().starts_with(r#"{"resourceType":"Practitioner""#),
            "what the source said is kept"
        );
    });
}
