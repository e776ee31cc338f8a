//! A fresh store of each kind for each test.

use base::Millis;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use store::postgres::Options;
use store::{Postgres, Sqlite, Store};

/// The time of most tests: 2026-11-23T08:00:00Z.
pub(crate) const NOW: Millis = Millis(1_795_420_800_000);

/// The server for the tests, as a URL that ends with a database's name; `None` where none is given.
pub(crate) fn server() -> Option<String> {
    let url = std::env::var("MHERO_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        assert!(std::env::var_os("CI").is_none(), "MHERO_TEST_POSTGRES must name a PostgreSQL server in CI");
        println!("skipped: PostgreSQL (MHERO_TEST_POSTGRES names no server)");
    }
    url
}

/// A database of its own on the test server, dropped at the end.
pub(crate) struct Database {
    pub(crate) url: String,
    admin: String,
    name: String,
}

impl Database {
    pub(crate) async fn create(server: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let name = format!(
            "mhero_test_{}_{}_{}",
            std::process::id(),
            nanos % 1_000_000_000,
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        run(server, &format!("CREATE DATABASE {name}")).await;
        let (path, query) = server.split_once('?').map_or((server, String::new()), |(a, b)| (a, format!("?{b}")));
        let host = path.rsplit_once('/').filter(|(before, _)| before.contains("://") && !before.ends_with('/'));
        let url = format!("{}/{name}{query}", host.map_or(path, |(before, _)| before));
        Self { url, admin: server.to_owned(), name }
    }

    pub(crate) async fn open(&self, owner: i64) -> Store {
        Store::Postgres(Postgres::open(&self.url, owner, Options::default()).await.unwrap())
    }

    pub(crate) async fn drop(self) {
        run(&self.admin, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

async fn run(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    drop(connection.await);
}

/// Runs a test on an empty store of each kind, migrated.
pub(crate) fn on_both<F>(test: impl Fn(Store) -> F)
where
    F: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Sqlite(Sqlite::open(&folder.path().join("store.sqlite")).unwrap());
        store.migrate(&folder.path().join("backups"), NOW).await.unwrap();
        println!("on SQLite");
        test(store).await;
        if let Some(server) = server() {
            let database = Database::create(&server).await;
            let store = database.open(1).await;
            store.migrate(&folder.path().join("backups"), NOW).await.unwrap();
            println!("on PostgreSQL");
            test(store).await;
            database.drop().await;
        }
    });
}

/// The hot tables, and what the loop writes beside them.
const TABLES: [&str; 18] = [
    "contact",
    "urn",
    "session",
    "run",
    "message",
    "inbox",
    "outbox",
    "timer",
    "dedupe",
    "segment",
    "receipt",
    "recipient",
    "count",
    "fanout",
    "suppression",
    "audience",
    "group_member",
    "problem",
];

/// Every row of [`TABLES`], sorted, and the sums of the counts; what is drawn at random is left out.
pub(crate) async fn dump(store: &Store) -> Vec<String> {
    let mut all = Vec::new();
    for table in TABLES {
        let sql = match table {
            // In which part an answer is counted is each engine's own.
            "count" => "SELECT scope, question, answer, CAST(sum(n) AS bigint) AS n FROM count
                GROUP BY scope, question, answer HAVING sum(n) <> 0"
                .to_owned(),
            table => format!("SELECT * FROM {table}"),
        };
        let rows = store.query(&sql, Vec::new()).await.unwrap();
        let mut lines = Vec::new();
        for row in rows {
            let cells: Vec<String> = row
                .columns()
                .zip(row.values())
                .filter(|(column, _)| !(table == "problem" && *column == "id"))
                .map(|(column, value)| format!("{column}={value:?}"))
                .collect();
            lines.push(format!("{table}: {}", cells.join(" ")));
        }
        lines.sort_unstable();
        all.extend(lines);
    }
    all
}
