//! A running app, and the operator of its channel.

use app::{App, Channel, Service, Settings};
use base::sms::Coding;
use base::{ChannelId, IdMaker, Millis};
use gateway::{
    Ack, Answer, Event, Evidence, Inbound, LinkDriver, Outgoing, Receipt, Report, Segment, Submitted, Verdict,
};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::postgres::Options;
use store::{ChannelRow, Postgres, Sqlite, Store, params};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// The time of the tests: 2026-11-23T08:00:00Z.
pub(crate) const NOW: Millis = Millis(1_795_420_800_000);
/// More than anything takes here.
const SOON: Duration = Duration::from_secs(20);

pub(crate) const PHONE: &str = "+231990000001";

/// An app over a store, and the operator of its only channel.
pub(crate) struct Rig {
    pub(crate) store: Store,
    service: Service,
    driver: LinkDriver,
    taken: u64,
    answers: UnboundedSender<Answer>,
    decided: UnboundedReceiver<Answer>,
}

impl Rig {
    pub(crate) async fn new(store: Store, settings: Settings) -> Self {
        let settings = Settings { region: Some("LR".into()), ..settings };
        let app = App::new(store.clone(), settings, Arc::new(|| NOW), [7; 32]);
        let row = ChannelRow {
            id: ChannelId(IdMaker::from_u64(9).uuid(NOW)),
            name: "operator".into(),
            kind: "smpp".into(),
            address: "4321".into(),
        };
        let id = store.ensure_channel(&row, NOW).await.unwrap();
        let (link, driver, events) = gateway::link(1, 16);
        driver.lanes[0].credit.grant(0, 100);
        let channel = Channel { id, name: "operator".into(), link, receipts: true };
        let service = app.run(vec![(channel, events)]).await.unwrap();
        let (answers, decided) = unbounded_channel();
        Self { store, service, driver, taken: 0, answers, decided }
    }

    /// The operator tells something.
    pub(crate) async fn tell(&self, events: Vec<Event>) {
        self.driver.events.send(events).await.unwrap();
    }

    /// A phone writes, as the `number`th message of a bind session; its acknowledgement is waited for.
    pub(crate) async fn write(&mut self, session: u64, number: u64, text: &str) -> Verdict {
        let inbound = self.inbound(session, number, text);
        self.deliver(vec![inbound]).await[0]
    }

    /// Delivers; gives the verdicts in the order of the messages' numbers.
    pub(crate) async fn deliver(&mut self, batch: Vec<Inbound>) -> Vec<Verdict> {
        let count = batch.len();
        self.tell(batch.into_iter().map(|one| Event::Inbound(Box::new(one))).collect()).await;
        let mut answers = Vec::new();
        while answers.len() < count {
            answers.push(timeout(SOON, self.decided.recv()).await.unwrap().unwrap());
        }
        answers.sort_by_key(|answer| answer.number);
        answers.into_iter().map(|answer| answer.verdict).collect()
    }

    pub(crate) fn inbound(&self, session: u64, number: u64, text: &str) -> Inbound {
        let mut hash = [0; 16];
        let length = text.len().min(16);
        hash[..length].copy_from_slice(&text.as_bytes()[..length]);
        Inbound {
            bind_session: session,
            number,
            source: PHONE.into(),
            destination: "4321".into(),
            text: text.into(),
            lossy: false,
            segment: None,
            external_id: None,
            hash,
            receipt: None,
            tlvs: Vec::new(),
            ack: Ack::new(number, self.answers.clone()),
        }
    }

    /// One segment of several, of reference 1.
    pub(crate) fn segment(&self, number: u8, total: u8, coding: Coding, octets: &[u8]) -> Inbound {
        let segment = Segment { reference: 1, total, number, coding, octets: octets.to_vec() };
        let text = coding.decode(octets).text;
        Inbound { segment: Some(segment), hash: [number; 16], ..self.inbound(1, u64::from(number), &text) }
    }

    pub(crate) fn receipt(&self, number: u64, receipt: Receipt) -> Inbound {
        Inbound { receipt: Some(receipt), ..self.inbound(1, number, "") }
    }

    /// The next message that is to be sent.
    pub(crate) async fn sent(&mut self) -> Outgoing {
        let lane = &mut self.driver.lanes[0];
        let mut batch = timeout(SOON, lane.queue.recv()).await.expect("a message in time").unwrap();
        assert_eq!(batch.len(), 1, "{batch:?}");
        self.taken += 1;
        lane.credit.grant(self.taken, 100);
        batch.remove(0)
    }

    /// Says what became of a message, and up to which inbound message of a session the operator has our answers.
    pub(crate) async fn report(&self, outgoing: &Outgoing, session: u64, confirmed: u64, outcome: Submitted) {
        let evidence = Evidence { bind_session: session, confirmed };
        let Outgoing { token, message, .. } = *outgoing;
        self.tell(vec![Event::Submitted(Report { token, message, evidence, outcome })]).await;
    }

    /// Waits until a query that counts gives so many.
    pub(crate) async fn until(&self, sql: &'static str, expected: i64) {
        let mut found = 0;
        let looking = async {
            loop {
                found = self.store.query_one(sql, params![]).await.unwrap().unwrap().get(0).unwrap();
                if found == expected {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(timeout(SOON, looking).await.is_ok(), "{sql}: {found}, not {expected}");
    }

    /// Ends the app; a channel of a test has nothing to say goodbye to.
    pub(crate) async fn stop(self) {
        drop(self.driver);
        self.service.stop().await;
    }
}

/// How many databases were made.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Runs a test on an empty store of each kind.
pub(crate) fn on_both<F>(test: impl Fn(Store) -> F)
where
    F: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Sqlite(Sqlite::open(&folder.path().join("store.sqlite")).unwrap());
        store.migrate(folder.path(), NOW).await.unwrap();
        println!("on SQLite");
        test(store).await;
        let Some(server) = std::env::var("MHERO_TEST_POSTGRES").ok().filter(|url| !url.is_empty()) else {
            assert!(std::env::var_os("CI").is_none(), "MHERO_TEST_POSTGRES must name a PostgreSQL server in CI");
            println!("skipped: PostgreSQL (MHERO_TEST_POSTGRES names no server)");
            return;
        };
        let name = format!("mhero_app_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        admin(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        admin(&server, &format!("CREATE DATABASE {name}")).await;
        let (host, query) = server.split_once('?').map_or((server.as_str(), ""), |(host, query)| (host, query));
        let host = host.rsplit_once('/').filter(|(host, _)| host.contains("://") && !host.ends_with('/'));
        let host = host.map_or(server.as_str(), |(host, _)| host);
        let url = if query.is_empty() { format!("{host}/{name}") } else { format!("{host}/{name}?{query}") };
        let store = Store::Postgres(Postgres::open(&url, 1, Options::default()).await.unwrap());
        store.migrate(folder.path(), NOW).await.unwrap();
        println!("on PostgreSQL");
        test(store).await;
        admin(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    });
}

async fn admin(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    drop(connection.await);
}
