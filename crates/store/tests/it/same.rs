//! The loop's operations do the same on both engines: long random scripts run on a SQLite and a PostgreSQL store side
//! by side, and every answer and, from time to time, every row of every hot table is compared.

use crate::support::{Database, NOW, dump, server};
use base::sms::Coding;
use base::{
    CampaignId, ChannelId, ContactId, FlowId, GroupId, IdMaker, MessageId, Millis, Part, RunId, SessionId, StartId,
};
use std::sync::Arc;
use store::ops::{
    Class, Consent, ContactPatch, Count, DedupeKey, Inbound, Ingested, Lease, Mailbox, NewProblem, Outcome, Outgoing,
    Priority, Progress, Receipt, ReceiptOutcome, ReceiptState, RunRow, SegmentOf, Step, Submitted, Swept,
    UnknownPolicy, WireRequest, Wired,
};
use store::{FanoutChunk, Member, NewStart, Sqlite, Started, Store, StoreError};

/// Draws from a seed.
struct Dice(IdMaker);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        ((self.0.unit() * n as f64) as usize).min(n - 1)
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.0.unit() < probability
    }
}

const SCOPE: uuid::Uuid = uuid::Uuid::from_u128(77);
const CHANNELS: [ChannelId; 2] = [ChannelId(uuid::Uuid::from_u128(1)), ChannelId(uuid::Uuid::from_u128(2))];
const FLOW: FlowId = FlowId(uuid::Uuid::from_u128(3));

fn address(n: usize) -> String {
    format!("tel:+23199000000{n}")
}

struct Script {
    dice: Dice,
    ids: IdMaker,
    now: Millis,
    stores: [Store; 2],
    leases: [Lease; 2],
    starts: Vec<Started>,
    boxes: Vec<Mailbox>,
    wired: Vec<(ChannelId, Wired)>,
    /// Ids that the operator gave, with channel and address.
    external: Vec<(ChannelId, String, String, u16)>,
    next_external: u32,
    /// Whether long messages come in parts; a sweep that meets both their timers and others draws ids in the order of
    /// the engine, so that it then takes one timer at a time.
    long: bool,
    /// What was done, for the message of a failure.
    log: Vec<String>,
}

/// Runs an operation on both stores and compares the answers.
macro_rules! both {
    ($script:expr, |$store:ident, $lease:ident| $operation:expr) => {{
        let mut answers = Vec::new();
        for at in 0..2 {
            let ($store, $lease) = (&$script.stores[at], &$script.leases[at]);
            let _ = $lease;
            answers.push($operation.await);
        }
        let (second, first) = (answers.pop().unwrap(), answers.pop().unwrap());
        assert_eq!(first, second, "after {:#?}", &$script.log[$script.log.len().saturating_sub(6)..]);
        first
    }};
}

/// What of an error must be the same.
fn kind<T>(result: Result<T, StoreError>) -> Result<T, String> {
    result.map_err(|error| match error {
        // Whose, if there are several, is left open.
        StoreError::Conflict { .. } => "conflict".to_owned(),
        other => panic!("{other}"),
    })
}

impl Script {
    async fn new(seed: u64, stores: [Store; 2]) -> Self {
        let mut script = Self {
            dice: Dice(IdMaker::from_u64(seed)),
            ids: IdMaker::from_u64(seed + 1_000_000),
            now: NOW,
            leases: [Lease::all(1), stores[1].balance(1).await.unwrap()],
            stores,
            starts: Vec::new(),
            boxes: Vec::new(),
            wired: Vec::new(),
            external: Vec::new(),
            next_external: 0,
            long: seed % 2 == 1,
            log: Vec::new(),
        };
        assert_eq!(script.leases[1].parts.len(), Part::COUNT);
        for n in 0..2 {
            let (campaign, id): (CampaignId, StartId) = (script.ids.next(NOW), script.ids.next(NOW));
            let (name, query) = (format!("c{n}"), "status = active".to_owned());
            let new = NewStart { campaign, id, name, flow: FLOW, query, created_on: NOW };
            both!(script, |store, _lease| async { store.create_start(new.clone()).await.map_err(|e| e.to_string()) })
                .unwrap();
        }
        script.starts =
            both!(script, |store, _lease| async { store.starts().await.map_err(|e| e.to_string()) }).unwrap();
        script
    }

    async fn step(&mut self) {
        self.now = Millis(self.now.0 + self.dice.below(3_000) as i64);
        match self.dice.below(22) {
            0..=4 => self.ingest().await,
            5..=7 => self.claim().await,
            8..=10 => self.commit().await,
            11..=13 => self.wire().await,
            14..=16 => self.submitted().await,
            17..=18 => self.receipts().await,
            19 => self.sweep().await,
            20 => self.fan_out().await,
            _ => self.rest().await,
        }
    }

    fn inbound(&mut self) -> Inbound {
        let n = self.dice.below(8);
        let text = ["yes", "no", "3", "stop", "start"][self.dice.below(5)].to_owned();
        let segment = (self.long && self.dice.chance(0.2)).then(|| SegmentOf {
            reference: self.dice.below(2) as u16,
            total: 3,
            sequence: 1 + self.dice.below(3) as u8,
            coding: [Coding::Gsm7, Coding::Ucs2][self.dice.below(2)],
            octets: vec![0xd8, 0x3d, 0xde][..self.dice.below(4)].to_vec(),
        });
        let part = Part::of_address(&address(n));
        Inbound {
            id: self.ids.next(self.now),
            new_contact: self.ids.next(self.now),
            channel: CHANNELS[self.dice.below(2)],
            address: address(n),
            to: "1234".into(),
            received_on: self.now,
            dedupe: self.dice.chance(0.8).then(|| DedupeKey {
                part,
                bucket: self.now.0 / 30_000,
                hash: [self.dice.below(4) as u8; 16],
                by_id: true,
                owner: 1,
                session: 5,
                number: 6,
            }),
            consent: match text.as_str() {
                "stop" if segment.is_none() => Some(Consent::OptOut),
                "start" if segment.is_none() => Some(Consent::OptIn),
                _ => None,
            },
            text,
            segment,
        }
    }

    async fn ingest(&mut self) {
        let count = 1 + self.dice.below(5);
        let batch: Vec<Inbound> = (0..count).map(|_| self.inbound()).collect();
        self.log.push(format!("ingest {batch:?}"));
        let answers: Result<Vec<Ingested>, String> =
            both!(self, |store, _lease| async { kind(store.ingest(batch.clone()).await) });
        let stopped: Vec<ContactId> = answers
            .unwrap()
            .iter()
            .zip(&batch)
            .filter_map(|(answer, inbound)| match answer {
                Ingested::New { contact, .. } if inbound.consent == Some(Consent::OptOut) => Some(*contact),
                _ => None,
            })
            .collect();
        let now = self.now;
        both!(self, |store, _lease| async {
            let mut wired = store.still_wired(stopped.clone(), now).await.unwrap();
            wired.sort_unstable();
            wired.dedup();
            wired
        });
    }

    async fn claim(&mut self) {
        let (from, count) = (Part(self.dice.below(256) as u8), 1 + self.dice.below(12));
        self.log.push(format!("claim {count}"));
        // Which mailboxes come first is each engine's own: all are taken, and so many of them kept.
        self.boxes = both!(self, |store, lease| async {
            let mut boxes = kind(store.claim(lease, from, 10_000).await)?;
            boxes.sort_unstable_by_key(|mailbox| (mailbox.part, mailbox.contact));
            Ok::<_, String>(boxes)
        })
        .unwrap();
        self.boxes.truncate(count);
    }

    fn time(&mut self, probability: f64) -> Option<Millis> {
        let later = self.dice.below(60_000) as i64;
        self.dice.chance(probability).then(|| Millis(self.now.0 + later))
    }

    fn outgoing(&mut self, address: Option<&String>) -> Outgoing {
        let bulk = self.dice.chance(0.4);
        let start = bulk.then(|| self.starts[self.dice.below(2)].id);
        Outgoing {
            id: self.ids.next(self.now),
            channel: Some(CHANNELS[self.dice.below(2)]),
            address: address.cloned(),
            from: self.dice.chance(0.3).then(|| "1234".into()),
            text: format!("text {}", self.dice.below(3)),
            created_on: self.now,
            priority: if bulk { Priority::Bulk } else { Priority::Reply },
            class: if self.dice.chance(0.1) { Class::Confirmation } else { Class::Normal },
            segments: 1 + self.dice.below(2) as u16,
            start,
            opening: bulk,
            run: None,
            valid_until: self.time(0.2),
            answers: None,
            refused: self.dice.chance(0.1).then(|| "cap".into()),
            unknown_policy: if bulk { UnknownPolicy::Hold } else { UnknownPolicy::ResendAfter(20_000) },
        }
    }

    fn make(&mut self, mailbox: &Mailbox) -> Step {
        let urns: Vec<String> = serde_json::from_str(&mailbox.row.urns).unwrap();
        let mut session = mailbox.session.clone();
        let waits = self.dice.chance(0.7);
        session.state = waits.then(|| format!("{{\"n\":{}}}", self.dice.below(100)));
        session.flow = waits.then_some(FLOW);
        session.timeout_on = if waits { self.time(0.5) } else { None };
        session.expires_on = if waits { self.time(0.8) } else { None };
        session.last_seen_on = Some(self.now);
        let done: Vec<(i64, MessageId)> = mailbox.tasks.iter().map(|row| (row.task.priority(), row.id)).collect();
        let messages = (0..self.dice.below(3)).map(|_| self.outgoing(urns.first())).collect();
        let run: RunId = self.ids.next(self.now);
        let runs = (0..self.dice.below(3))
            .map(|n| RunRow {
                id: run,
                session: SessionId(run.0),
                flow: FLOW,
                start: None,
                status: ["active", "waiting", "completed"][n].into(),
                results: "{}".into(),
                created_on: self.now,
                modified_on: self.now,
                exited_on: None,
            })
            .collect();
        let counts = (0..self.dice.below(3))
            .map(|_| Count {
                scope: SCOPE,
                question: "q".into(),
                answer: ["a", "b"][self.dice.below(2)].into(),
                by: self.dice.below(3) as i64 - 1,
            })
            .collect();
        let start = self.starts[self.dice.below(2)].id;
        let mut progress = Vec::new();
        if self.dice.chance(0.5) {
            progress.push((start, Progress::Responded, self.now));
        }
        if self.dice.chance(0.3) {
            progress.push((start, Progress::Completed, self.now));
        }
        let left_out = if self.dice.chance(0.1) { vec![(start, "no_route".to_owned())] } else { Vec::new() };
        let problems = (0..self.dice.below(2))
            .map(|_| NewProblem {
                kind: "step_failed".into(),
                key: format!("{} {}", mailbox.contact, self.dice.below(2)),
                subject: mailbox.contact.to_string(),
                message: "m".into(),
                remedy: "r".into(),
            })
            .collect();
        let contact_patch = self.dice.chance(0.5).then(|| self.patch());
        Step {
            part: mailbox.part,
            contact: mailbox.contact,
            done,
            rev: mailbox.session.rev,
            session,
            contact_patch,
            runs,
            messages,
            counts,
            progress,
            left_out,
            problems,
            at: self.now,
        }
    }

    fn patch(&mut self) -> ContactPatch {
        let group = |dice: &mut Dice| GroupId(uuid::Uuid::from_u128(dice.below(3) as u128));
        ContactPatch {
            name: self.dice.chance(0.5).then(|| self.dice.chance(0.8).then(|| "Zoë Éa".to_owned())),
            language: self.dice.chance(0.5).then(|| self.dice.chance(0.8).then(|| "fra".to_owned())),
            status: self.dice.chance(0.2).then(|| "blocked".to_owned()),
            timezone: self.dice.chance(0.2).then(|| Some("Africa/Monrovia".to_owned())),
            urns: None,
            groups: self.dice.chance(0.3).then(|| "[]".to_owned()),
            fields: self.dice.chance(0.3).then(|| "{\"age\":{\"text\":\"3\"}}".to_owned()),
            groups_added: vec![group(&mut self.dice)],
            groups_removed: vec![group(&mut self.dice)],
            urns_added: if self.dice.chance(0.3) { vec![address(self.dice.below(10))] } else { Vec::new() },
            seen: self.dice.chance(0.5).then_some((self.now, 20_000)),
        }
    }

    async fn commit(&mut self) {
        let boxes = if self.dice.chance(0.1) { self.boxes.clone() } else { std::mem::take(&mut self.boxes) };
        let steps: Vec<Step> = boxes.iter().map(|mailbox| self.make(mailbox)).collect();
        self.log.push(format!("commit {steps:?}"));
        let steps = Arc::new(steps);
        let answer = both!(self, |store, lease| async { kind(store.commit_steps(lease, Arc::clone(&steps)).await) });
        self.log.push(format!("{answer:?}"));
    }

    async fn wire(&mut self) {
        let channel = CHANNELS[self.dice.below(2)];
        let request =
            WireRequest { channel, limit: 1 + self.dice.below(6), bulk: self.dice.chance(0.8), now: self.now };
        self.log.push(format!("wire {request:?}"));
        let wired: Vec<Wired> =
            both!(self, |store, lease| async { kind(store.wire(lease, request.clone()).await) }).unwrap();
        let mut contacts: Vec<ContactId> = wired.iter().map(|wired| wired.contact).collect();
        contacts.sort_unstable();
        contacts.dedup();
        assert_eq!(contacts.len(), wired.len(), "one message of a contact at a time");
        self.wired.extend(wired.into_iter().map(|wired| (channel, wired)));
    }

    async fn submitted(&mut self) {
        let mut batch = Vec::new();
        for _ in 0..self.dice.below(4) {
            if self.wired.is_empty() {
                break;
            }
            let (channel, wired) = self.wired.swap_remove(self.dice.below(self.wired.len()));
            let mut external = |n: usize| -> Vec<String> {
                (0..n)
                    .map(|_| {
                        self.next_external += 1;
                        let id = format!("x{}", self.next_external);
                        self.external.push((channel, wired.address.clone(), id.clone(), wired.reference));
                        id
                    })
                    .collect()
            };
            let segments = usize::from(wired.segments);
            let outcome = match self.dice.below(8) {
                0..=3 => Outcome::Accepted { external_ids: external(segments), receipt: true, clear: None },
                4 => Outcome::Accepted { external_ids: external(segments), receipt: false, clear: None },
                5 => Outcome::Rejected { reason: "no such number".into() },
                6 => Outcome::Requeue { refused: self.dice.chance(0.9).then(|| "throttled".into()) },
                _ => Outcome::Unknown { external_ids: external(segments - 1) },
            };
            let Wired { part, id, contact, address, .. } = wired;
            batch.push(Submitted { part, id, contact, address, channel, outcome, at: self.now });
        }
        self.log.push(format!("submitted {batch:?}"));
        both!(self, |store, _lease| async { kind(store.submitted(batch.clone()).await) }).unwrap();
    }

    async fn receipts(&mut self) {
        let mut batch = Vec::new();
        for _ in 0..=self.dice.below(5) {
            let known = !self.external.is_empty() && self.dice.chance(0.8);
            let (channel, address, external_id, reference) = if known {
                self.external[self.dice.below(self.external.len())].clone()
            } else {
                // Some of these are given to a submit later.
                let id = format!("x{}", self.next_external + 1 + self.dice.below(3) as u32);
                (CHANNELS[self.dice.below(2)], address(self.dice.below(8)), id, 7)
            };
            batch.push(Receipt {
                channel,
                address,
                external_id,
                state: [ReceiptState::Delivered, ReceiptState::Delivered, ReceiptState::Failed, ReceiptState::Pending]
                    [self.dice.below(4)],
                detail: "DELIVRD".into(),
                reference: self.dice.chance(0.3).then_some(reference),
                text: self.dice.chance(0.5).then(|| "text".into()),
                at: self.now,
            });
        }
        self.log.push(format!("receipts {batch:?}"));
        // The answers and rows must not depend on how receipts of one message fall into batches.
        let alone: Vec<Vec<Receipt>> = if self.dice.chance(0.5) {
            batch.into_iter().map(|receipt| vec![receipt]).collect()
        } else {
            let mut seen = std::collections::HashSet::new();
            batch.retain(|receipt| seen.insert(receipt.address.clone()));
            vec![batch]
        };
        for batch in alone {
            let _: Vec<ReceiptOutcome> =
                both!(self, |store, _lease| async { kind(store.receipts(batch.clone()).await) }).unwrap();
        }
    }

    async fn sweep(&mut self) {
        self.now = Millis(self.now.0 + self.dice.below(30_000) as i64);
        let limit = if self.long { 1 } else { 1 + self.dice.below(20) };
        let (now, ids) = (self.now, self.ids.clone());
        self.log.push(format!("sweep {limit} at {now:?}"));
        let swept: Swept =
            both!(self, |store, lease| async { kind(store.sweep(lease, now, limit, ids.clone()).await) }).unwrap();
        // Both drew the same ids from copies.
        for _ in 0..swept.fired + limit {
            self.ids.uuid(self.now);
        }
    }

    async fn fan_out(&mut self) {
        let start = self.starts[self.dice.below(2)].clone();
        let cursors =
            both!(self, |store, _lease| async { store.fanout_cursors(start.id).await.map_err(|e| e.to_string()) })
                .unwrap();
        let members = self.contacts().await;
        let Some(contact) = members.get(self.dice.below(members.len() + 1)).copied() else { return };
        let Some((part, after)) = cursors.iter().find(|(part, _)| *part == contact.part()) else { return };
        if after.is_some_and(|after| after >= contact) {
            return;
        }
        let text = |text: &str| text.to_owned();
        let member = Member { contact, cadre: text("nurse"), place: text("Bong"), language: text("eng") };
        self.log.push(format!("fan out {contact}"));
        let (now, ids) = (self.now, self.ids.clone());
        both!(self, |store, _lease| async {
            let members = vec![member.clone()];
            let chunk = FanoutChunk { part: *part, after: *after, last: Some(contact), members, done: false };
            store.fanout_chunk(&start, chunk, now, ids.clone()).await.map_err(|e| e.to_string())
        })
        .unwrap();
        for _ in 0..5 {
            self.ids.uuid(self.now);
        }
    }

    async fn contacts(&self) -> Vec<ContactId> {
        let rows = self.stores[0].query("SELECT id FROM contact ORDER BY part, id", Vec::new()).await.unwrap();
        rows.iter().map(|row| row.get(0).unwrap()).collect()
    }

    async fn rest(&mut self) {
        match self.dice.below(3) {
            0 => {
                let start = self.starts[self.dice.below(2)].id;
                let state = ["paused", "running", "running"][self.dice.below(3)];
                self.log.push(format!("{start} {state}"));
                both!(self, |store, _lease| async {
                    store.set_start_state(start, state).await.map_err(|e| e.to_string())
                })
                .unwrap();
            }
            1 => {
                let Some(mailbox) = self.boxes.pop() else { return };
                let problem = NewProblem {
                    kind: "step_panicked".into(),
                    key: mailbox.contact.to_string(),
                    subject: mailbox.contact.to_string(),
                    message: "m".into(),
                    remedy: "r".into(),
                };
                self.log.push(format!("quarantine {mailbox:?}"));
                let now = self.now;
                both!(self, |store, _lease| async {
                    kind(store.quarantine(mailbox.contact, mailbox.tasks.clone(), problem.clone(), now).await)
                })
                .unwrap();
            }
            _ => {
                let part = Part(self.dice.below(256) as u8);
                let (bucket, before) = (self.now.0 / 30_000 - 1, Millis(self.now.0 - 60_000));
                self.log.push(format!("forget {part}"));
                both!(self, |store, _lease| async { kind(store.forget(part, bucket, before).await) }).unwrap();
            }
        }
    }
}

async fn run(seed: u64, steps: usize, server: &str) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Store::Sqlite(Sqlite::open(&folder.path().join("store.sqlite")).unwrap());
    let database = Database::create(server).await;
    let postgres = database.open(1).await;
    for store in [&sqlite, &postgres] {
        store.migrate(folder.path(), NOW).await.unwrap();
    }
    let mut script = Script::new(seed, [sqlite, postgres]).await;
    for n in 1..=steps {
        script.step().await;
        if n % 25 == 0 || n == steps {
            let [here, there] = [dump(&script.stores[0]).await, dump(&script.stores[1]).await];
            for (a, b) in here.iter().zip(&there) {
                assert_eq!(
                    a,
                    b,
                    "seed {seed}, step {n}, after {:#?}",
                    &script.log[script.log.len().saturating_sub(8)..]
                );
            }
            assert_eq!(here.len(), there.len());
        }
    }
    database.drop().await;
}

#[test]
fn random_scripts_do_the_same_on_both_engines() {
    let Some(server) = server() else { return };
    let seeds = std::env::var("MHERO_TEST_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(2);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for seed in 0..seeds.max(2) {
        runtime.block_on(run(seed, 200, &server));
    }
}
