//! Several processes on one PostgreSQL: who may step what, and what a lost process leaves behind.

use crate::support::{Database, NOW, server};
use base::{ChannelId, ContactId, IdMaker, MessageId, Millis, Part};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use store::ops::{
    Class, Consent, Inbound, Ingested, Lease, MessageState, Outcome, Outgoing, Priority, Recovered, SessionRow, Step,
    Submitted, UnknownPolicy, WireRequest, Wired,
};
use store::postgres::Options;
use store::{Postgres, Store, StoreError, params};

const CHANNEL: ChannelId = ChannelId(uuid::Uuid::from_u128(1));

fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Arc<Database>) -> F) {
    let Some(server) = server() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let database = Arc::new(Database::create(&server).await);
        let store = database.open(99).await;
        store.migrate(std::path::Path::new("."), NOW).await.unwrap();
        test(Arc::clone(&database)).await;
        Arc::into_inner(database).unwrap().drop().await;
    });
}

/// A process that counts as dead after half a second.
async fn process(database: &Database, owner: i64) -> Store {
    let options = Options { dead_after: Duration::from_millis(500), ..Options::default() };
    Store::Postgres(Postgres::open(&database.url, owner, options).await.unwrap())
}

fn inbound(ids: &mut IdMaker, address: &str, consent: Option<Consent>) -> Inbound {
    Inbound {
        id: ids.next(NOW),
        new_contact: ids.next(NOW),
        channel: CHANNEL,
        address: address.into(),
        to: "1234".into(),
        text: "x".into(),
        received_on: NOW,
        dedupe: None,
        consent,
        segment: None,
    }
}

fn outgoing(ids: &mut IdMaker, address: &str) -> Outgoing {
    Outgoing {
        id: ids.next(NOW),
        channel: Some(CHANNEL),
        address: Some(address.into()),
        from: None,
        text: "hello".into(),
        created_on: NOW,
        priority: Priority::Reply,
        class: Class::Normal,
        segments: 1,
        start: None,
        opening: false,
        run: None,
        valid_until: None,
        answers: None,
        refused: None,
        unknown_policy: UnknownPolicy::ResendAfter(600_000),
    }
}

/// A step that handles everything that waits for one new contact, and answers with `messages`.
async fn step(store: &Store, lease: &Lease, messages: Vec<Outgoing>) -> Step {
    let mailbox = store.claim(lease, Part(0), 100).await.unwrap().remove(0);
    Step {
        part: mailbox.part,
        contact: mailbox.contact,
        done: mailbox.tasks.iter().map(|row| (row.task.priority(), row.id)).collect(),
        rev: mailbox.session.rev,
        session: SessionRow { last_seen_on: Some(NOW), ..mailbox.session },
        contact_patch: None,
        runs: Vec::new(),
        messages,
        counts: Vec::new(),
        progress: Vec::new(),
        left_out: Vec::new(),
        problems: Vec::new(),
        at: NOW,
    }
}

async fn contact(store: &Store, ids: &mut IdMaker, address: &str) -> ContactId {
    match store.ingest(vec![inbound(ids, address, None)]).await.unwrap().remove(0) {
        Ingested::New { contact, .. } => contact,
        other => panic!("{other:?}"),
    }
}

fn wire(limit: usize) -> WireRequest {
    WireRequest { channel: CHANNEL, limit, bulk: true, now: NOW }
}

#[test]
fn parts_spread_over_those_who_live() {
    on_postgres(|database| async move {
        let (a, b, c) = (process(&database, 1).await, process(&database, 2).await, process(&database, 3).await);
        assert_eq!(a.balance(1).await.unwrap().parts.len(), 256);
        // The others get theirs only when the first gives them back.
        assert_eq!(b.balance(2).await.unwrap().parts.len(), 0);
        let held = a.balance(1).await.unwrap();
        assert_eq!(held.parts.len(), 128);
        assert!(held.parts.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(b.balance(2).await.unwrap().parts.len(), 128);
        c.balance(3).await.unwrap();
        let mut all = Vec::new();
        for (store, owner) in [(&a, 1), (&b, 2), (&c, 3), (&a, 1), (&b, 2), (&c, 3)] {
            all.push(store.balance(owner).await.unwrap());
        }
        let sizes: Vec<usize> = all[3..].iter().map(|lease| lease.parts.len()).collect();
        assert_eq!(sizes, [86, 85, 85]);
        let mut parts: Vec<Part> = all[3..].iter().flat_map(|lease| &lease.parts).map(|(part, _)| *part).collect();
        parts.sort_unstable();
        assert_eq!(parts, Part::all().collect::<Vec<_>>());
        // One leaves in peace, one dies: the last gets everything, each part at a higher epoch.
        c.close().await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let last = a.balance(1).await.unwrap();
        assert_eq!(last.parts.len(), 256);
        for (part, epoch) in &last.parts {
            let before = all[4].epoch(*part).or(all[5].epoch(*part));
            assert!(before.is_none_or(|before| before < *epoch), "{part}");
        }
    });
}

#[test]
fn a_process_that_lost_a_part_cannot_write_to_it() {
    on_postgres(|database| async move {
        let mut ids = IdMaker::from_u64(1);
        let (a, b) = (process(&database, 1).await, process(&database, 2).await);
        let lost = a.balance(1).await.unwrap();
        let contact = contact(&a, &mut ids, "tel:+231990000001").await;
        let step = Arc::new(vec![step(&a, &lost, vec![outgoing(&mut ids, "tel:+231990000001")]).await]);
        // The first process stands still until it counts as dead.
        tokio::time::sleep(Duration::from_millis(700)).await;
        let held = b.balance(2).await.unwrap();
        assert_eq!(held.parts.len(), 256);
        match a.commit_steps(&lost, Arc::clone(&step)).await {
            Err(StoreError::Fenced { part }) => assert_eq!(part, contact.part()),
            other => panic!("{other:?}"),
        }
        b.commit_steps(&held, step).await.unwrap();
        assert!(matches!(a.wire(&lost, wire(5)).await, Err(StoreError::Fenced { .. })));
        assert!(a.sweep(&lost, Millis(NOW.0 + 1), 5, ids.clone()).await.is_ok(), "nothing is due");
        assert_eq!(b.wire(&held, wire(5)).await.unwrap().len(), 1);
        // In a control run without the fence, the lost process does write.
        let options = Options { fence: false, ..Options::default() };
        let open = Store::Postgres(Postgres::open(&database.url, 1, options).await.unwrap());
        assert!(open.wire(&lost, wire(5)).await.is_ok());
    });
}

#[test]
fn a_takeover_waits_for_a_step_that_has_begun() {
    on_postgres(|database| async move {
        let (a, b) = (process(&database, 1).await, process(&database, 2).await);
        a.balance(1).await.unwrap();
        let (mut client, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let begun = client.transaction().await.unwrap();
        begun.query("SELECT 1 FROM lease WHERE part = ANY($1) FOR KEY SHARE", &[&vec![7_i16]]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(700)).await;
        let takeover = tokio::spawn(async move { b.balance(2).await.unwrap() });
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(!takeover.is_finished());
        begun.commit().await.unwrap();
        assert_eq!(takeover.await.unwrap().parts.len(), 256);
        drop(client);
        drop(connection.await);
    });
}

#[test]
fn what_a_lost_process_had_wired_becomes_unknown() {
    on_postgres(|database| async move {
        let mut ids = IdMaker::from_u64(2);
        let (a, b) = (process(&database, 1).await, process(&database, 2).await);
        let lease = a.balance(1).await.unwrap();
        let mut wired = Vec::new();
        for n in 1..=3 {
            let address = format!("tel:+23199000000{n}");
            contact(&a, &mut ids, &address).await;
            let step = step(&a, &lease, vec![outgoing(&mut ids, &address)]).await;
            a.commit_steps(&lease, Arc::new(vec![step])).await.unwrap();
            wired.extend(a.wire(&lease, wire(5)).await.unwrap());
        }
        assert_eq!(wired.len(), 3);
        assert_eq!(a.recover(&lease, NOW).await.unwrap(), Recovered::default(), "its own are no loss");
        tokio::time::sleep(Duration::from_millis(700)).await;
        let lease = b.balance(2).await.unwrap();
        assert_eq!(b.recover(&lease, NOW).await.unwrap(), Recovered { unknown: 3, abroad: Vec::new() });
        assert_eq!(b.recover(&lease, NOW).await.unwrap(), Recovered::default());
        let state = async |id: MessageId| -> i64 {
            let row = b.query_one("SELECT state FROM message WHERE id = $1", params![id]).await.unwrap().unwrap();
            row.get(0).unwrap()
        };
        assert_eq!(state(wired[0].id).await, MessageState::Unknown as i64);
        // The lost process wakes up and still knows what the operator said: that settles it.
        let one = &wired[0];
        let said = Submitted {
            part: one.part,
            id: one.id,
            contact: one.contact,
            address: one.address.clone(),
            channel: CHANNEL,
            outcome: Outcome::Accepted { external_ids: vec!["1".into()], receipt: false, clear: None },
            at: NOW,
        };
        a.submitted(vec![said]).await.unwrap();
        assert_eq!(state(one.id).await, MessageState::Sent as i64);
        // The others go out once more when their time comes, and not twice.
        let later = Millis(NOW.0 + 600_000);
        assert_eq!(b.sweep(&lease, later, 100, ids.clone()).await.unwrap().resent, 2);
        assert_eq!(b.sweep(&lease, later, 100, ids.clone()).await.unwrap().resent, 0);
        assert_eq!(b.wire(&lease, WireRequest { now: later, ..wire(5) }).await.unwrap().len(), 2);
    });
}

/// A process that gives a part away because another one came is not lost: what it has on its way, it settles itself.
#[test]
fn what_a_living_process_has_on_its_way_is_left_to_it() {
    on_postgres(|database| async move {
        let mut ids = IdMaker::from_u64(5);
        let (a, b) = (process(&database, 1).await, process(&database, 2).await);
        let all = a.balance(1).await.unwrap();
        let mut given = None;
        for n in 10..40 {
            let address = format!("tel:+2319900000{n}");
            let contact = contact(&a, &mut ids, &address).await;
            let messages = vec![outgoing(&mut ids, &address), outgoing(&mut ids, &address)];
            let step = step(&a, &all, messages).await;
            // The upper half goes to the other process.
            if contact.part().0 >= 128 {
                a.commit_steps(&all, Arc::new(vec![step])).await.unwrap();
                given = Some(contact.part());
                break;
            }
            a.commit_steps(&all, Arc::new(vec![Step { messages: Vec::new(), ..step }])).await.unwrap();
        }
        let part = given.unwrap();
        let wired = a.wire(&all, wire(5)).await.unwrap();
        assert_eq!(wired.len(), 1);
        b.balance(2).await.unwrap();
        a.balance(1).await.unwrap();
        let held = b.balance(2).await.unwrap();
        assert!(held.epoch(part).is_some());
        assert_eq!(b.recover(&held, NOW).await.unwrap(), Recovered { unknown: 0, abroad: vec![part] });
        assert!(b.wire(&held, wire(5)).await.unwrap().is_empty(), "one message a contact is on its way");
        // Then it does end.
        tokio::time::sleep(Duration::from_millis(700)).await;
        let held = b.balance(2).await.unwrap();
        assert_eq!(b.recover(&held, NOW).await.unwrap(), Recovered { unknown: 1, abroad: Vec::new() });
    });
}

/// What a process that was taken for dead says of its own copy must not touch the copy that is on its way since.
#[test]
fn a_process_that_woke_up_takes_no_message_out_of_anothers_hand() {
    on_postgres(|database| async move {
        let mut ids = IdMaker::from_u64(6);
        let (a, b) = (process(&database, 1).await, process(&database, 2).await);
        let lost = a.balance(1).await.unwrap();
        let address = "tel:+231990000001";
        contact(&a, &mut ids, address).await;
        let made = step(&a, &lost, vec![outgoing(&mut ids, address)]).await;
        a.commit_steps(&lost, Arc::new(vec![made])).await.unwrap();
        let mine = a.wire(&lost, wire(5)).await.unwrap().remove(0);
        tokio::time::sleep(Duration::from_millis(700)).await;
        let held = b.balance(2).await.unwrap();
        assert_eq!(b.recover(&held, NOW).await.unwrap().unknown, 1);
        let later = Millis(NOW.0 + 600_000);
        assert_eq!(b.sweep(&held, later, 100, ids.clone()).await.unwrap().resent, 1);
        assert_eq!(b.wire(&held, wire(5)).await.unwrap().len(), 1);
        let said = |outcome| Submitted {
            part: mine.part,
            id: mine.id,
            contact: mine.contact,
            address: mine.address.clone(),
            channel: CHANNEL,
            outcome,
            at: later,
        };
        let in_hand = async || -> (i64, i64) {
            let row = b.query_one("SELECT state, owner FROM outbox", params![]).await.unwrap().unwrap();
            (row.get(0).unwrap(), row.get(1).unwrap())
        };
        for outcome in [
            Outcome::Requeue { refused: None },
            Outcome::Requeue { refused: Some("busy".into()) },
            Outcome::Unknown { external_ids: Vec::new() },
            Outcome::Rejected { reason: "no".into() },
        ] {
            a.submitted(vec![said(outcome.clone())]).await.unwrap();
            assert_eq!(in_hand().await, (MessageState::Wired as i64, 2), "{outcome:?}");
            assert!(b.wire(&held, wire(5)).await.unwrap().is_empty());
        }
        // That the operator took it is true whoever heard it.
        let taken = Outcome::Accepted { external_ids: vec!["1".into()], receipt: false, clear: None };
        a.submitted(vec![said(taken)]).await.unwrap();
        assert!(b.query_one("SELECT state FROM outbox", params![]).await.unwrap().is_none());
    });
}

/// What became of a message is written even if the database ends its connections meanwhile: nothing else would ever
/// settle it.
#[test]
fn what_became_of_a_message_survives_lost_connections() {
    on_postgres(|database| async move {
        let mut ids = IdMaker::from_u64(7);
        let a = process(&database, 1).await;
        let lease = a.balance(1).await.unwrap();
        let (client, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        for n in 10..40 {
            let address = format!("tel:+2319900000{n}");
            contact(&a, &mut ids, &address).await;
            let made = step(&a, &lease, vec![outgoing(&mut ids, &address)]).await;
            a.commit_steps(&lease, Arc::new(vec![made])).await.unwrap();
        }
        let wired = a.wire(&lease, wire(100)).await.unwrap();
        assert_eq!(wired.len(), 30);
        let results = wired.into_iter().enumerate().map(|(n, one)| {
            let outcome = if n % 2 == 0 {
                Outcome::Accepted { external_ids: vec![n.to_string()], receipt: false, clear: None }
            } else {
                Outcome::Requeue { refused: None }
            };
            let Wired { part, id, contact, address, .. } = one;
            let result = Submitted { part, id, contact, address, channel: CHANNEL, outcome, at: NOW };
            let store = a.clone();
            tokio::spawn(async move { store.submitted(vec![result]).await })
        });
        let results: Vec<_> = results.collect();
        for _ in 0..5 {
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            client.query(cut, &[]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        for result in results {
            result.await.unwrap().unwrap();
        }
        let rows = client.query("SELECT state, count(*) FROM outbox GROUP BY state", &[]).await.unwrap();
        let states: Vec<(i16, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(states, [(MessageState::Queued as i16, 15)]);
        drop(client);
        drop(connection.await);
    });
}

/// A STOP is acknowledged only when nothing of its contact can still be wired, whatever ran at the same moment.
#[test]
fn nothing_is_wired_after_an_opt_out_is_acknowledged() {
    on_postgres(|database| async move {
        let a = process(&database, 1).await;
        let lease = a.balance(1).await.unwrap();
        let mut ids = IdMaker::from_u64(3);
        let mut late = 0;
        for n in 0..40 {
            let address = format!("tel:+2319900001{n:02}");
            let contact = contact(&a, &mut ids, &address).await;
            let first = step(&a, &lease, vec![outgoing(&mut ids, &address), outgoing(&mut ids, &address)]).await;
            a.commit_steps(&lease, Arc::new(vec![first])).await.unwrap();
            let (store, wiring) = (a.clone(), lease.clone());
            let wired = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_micros(n * 60)).await;
                store.wire(&wiring, wire(5)).await.unwrap()
            });
            a.ingest(vec![inbound(&mut ids, &address, Some(Consent::OptOut))]).await.unwrap();
            let on_the_way = a.still_wired(vec![contact], NOW).await.unwrap();
            let before: Vec<MessageId> = wired.await.unwrap().iter().map(|wired| wired.id).collect();
            assert_eq!(on_the_way.len(), before.len(), "what is on the way is told, and nothing else goes");
            late += before.len();
            assert!(a.wire(&lease, wire(5)).await.unwrap().is_empty());
            let rows = a.query("SELECT state FROM outbox WHERE contact = $1", params![contact]).await.unwrap();
            assert_eq!(rows.len(), before.len());
            a.execute("DELETE FROM outbox WHERE contact = $1", params![contact]).await.unwrap();
            let rest = step(&a, &lease, Vec::new()).await;
            a.commit_steps(&lease, Arc::new(vec![rest])).await.unwrap();
        }
        println!("{late} of 40 messages were on the way when the opt-out came");
    });
}

#[test]
fn a_message_received_twice_at_once_is_one() {
    on_postgres(|database| async move {
        let (a, b) = (process(&database, 1).await, process(&database, 2).await);
        let mut ids = IdMaker::from_u64(4);
        for n in 0..20 {
            let mut one = inbound(&mut ids, "tel:+231990000009", None);
            one.dedupe = Some(store::ops::DedupeKey {
                part: Part::of_address(&one.address),
                bucket: 10,
                hash: [n; 16],
                by_id: true,
                owner: 1,
                session: 1,
                number: 1,
            });
            let mut other = one.clone();
            (other.id, other.new_contact) = (ids.next(NOW), ids.next(NOW));
            let (first, second) = tokio::join!(a.ingest(vec![one]), b.ingest(vec![other]));
            let answers = [first.unwrap().remove(0), second.unwrap().remove(0)];
            let new = answers.iter().filter(|answer| matches!(answer, Ingested::New { .. })).count();
            let again = answers.iter().filter(|answer| matches!(answer, Ingested::Duplicate)).count();
            assert_eq!((new, again), (1, 1), "{answers:?}");
        }
        let row = a.query_one("SELECT count(*) FROM contact", params![]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 1);
    });
}
