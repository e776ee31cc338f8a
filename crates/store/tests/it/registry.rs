//! What an import writes, and what importing again changes.

use crate::support::{NOW, on_both};
use base::{ContactId, IdMaker, Millis};
use registry::{Assembly, Import, Known, Options, read};
use store::registry::Imported;
use store::{Store, params};

/// Reads a table as the registry does.
pub(crate) fn table(csv: &str) -> Import {
    let today = jiff::civil::date(2026, 11, 23);
    let options = Options { source: "payroll", region: Some("LR"), today, mapping: None };
    let batch = read("workers.csv", csv.as_bytes(), &options, &mut |_, _| {});
    let mut assembly = Assembly::new("payroll", Known::default());
    assembly.add(batch);
    assembly.finish()
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
