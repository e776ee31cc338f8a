//! PostgreSQL: a pool, and leases that decide which process steps which part.
//!
//! Every session has time limits: a statement or a lock that takes too long fails, and a transaction that its process
//! left open (frozen, or lost from the network) is ended by the server, so that it cannot keep a lease row locked.

pub mod hot;
mod lease;

use crate::ops::Owner;
use crate::{StoreError, StoreResult};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::NoTls;

/// How a PostgreSQL store behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many connections at most.
    pub connections: usize,
    /// A process is dead when its heartbeat is older than this.
    pub dead_after: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock.
    pub lock_timeout: Duration,
    /// How long a transaction may stand idle. Shorter than [`Options::dead_after`], so that a frozen process has lost
    /// its locks when its parts are taken over.
    pub idle_in_transaction_timeout: Duration,
    /// Whether a step checks that its process still holds the part. Off only in control runs of crash tests.
    pub fence: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 12,
            dead_after: Duration::from_secs(5),
            statement_timeout: Duration::from_mins(1),
            lock_timeout: Duration::from_secs(10),
            idle_in_transaction_timeout: Duration::from_secs(4),
            fence: true,
        }
    }
}

/// The loop's statements reach their rows by primary keys, whatever the statistics of tables say that were empty a
/// minute ago; they are planned once.
const HOT_SETTINGS: &str = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off \
    -c plan_cache_mode=force_generic_plan -c jit=off";

/// A PostgreSQL store.
#[derive(Clone)]
pub struct Postgres {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    hot: Pool,
    /// One wiring at a time: that a contact has one message on its way is only seen between them.
    wiring: tokio::sync::Mutex<hot::Doubt>,
    options: Options,
    url: String,
    owner: Owner,
}

impl Postgres {
    /// Connects. The schema is not touched.
    ///
    /// `owner` names this process among those that share the database: a random number that no other one has.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the URL cannot be read or the server cannot be reached or used, with the remedy.
    pub async fn open(url: &str, owner: Owner, options: Options) -> StoreResult<Self> {
        let mut config: tokio_postgres::Config = url.parse().map_err(|error| {
            StoreError::Unusable(format!(
                "the PostgreSQL URL cannot be read ({error}); it has the form postgres://user:password@host:5432/database"
            ))
        })?;
        let settings = format!(
            "{} -c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} \
             -c default_transaction_isolation=read\\ committed -c client_min_messages=warning",
            config.get_options().unwrap_or_default(),
            options.statement_timeout.as_millis(),
            options.lock_timeout.as_millis(),
            options.idle_in_transaction_timeout.as_millis(),
        );
        config.options(settings.trim());
        if config.get_application_name().is_none() {
            config.application_name("mhero");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        let hot = format!("{settings} {HOT_SETTINGS}");
        // Notices a host that vanished without closing its connections.
        config.keepalives_idle(Duration::from_secs(10));
        let half = (options.connections / 2).max(2);
        let pool = pool(&config, half)?;
        config.options(hot.trim());
        let hot = self::pool(&config, half)?;
        let wiring = tokio::sync::Mutex::default();
        let store = Self { inner: Arc::new(Inner { pool, hot, wiring, options, url: url.to_owned(), owner }) };
        let client = store.client().await.map_err(|error| {
            StoreError::Unusable(format!(
                "PostgreSQL cannot be reached ({error}): check that it runs, the address, the name and the password"
            ))
        })?;
        let row = client
            .query_one("SELECT current_setting('server_version_num')::int, current_setting('server_encoding')", &[])
            .await?;
        let (version, encoding): (i32, String) = (row.get(0), row.get(1));
        if version < 130_000 {
            return Err(StoreError::Unusable(format!(
                "PostgreSQL {} is too old: 13 or later is needed",
                version / 10_000
            )));
        }
        if encoding != "UTF8" {
            return Err(StoreError::Unusable(format!(
                "the database has the encoding {encoding}: make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
            )));
        }
        drop(client);
        Ok(store)
    }

    /// A connection of the pool.
    ///
    /// # Errors
    /// [`StoreError::Connection`] when there is none.
    pub async fn client(&self) -> StoreResult<Object> {
        connection(&self.inner.pool).await
    }

    /// A connection for the loop.
    async fn hot(&self) -> StoreResult<Object> {
        connection(&self.inner.hot).await
    }

    /// This process among those that share the database.
    pub fn owner(&self) -> Owner {
        self.inner.owner
    }

    /// What it was opened with.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// The URL it was opened with, password included: not for logs.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Ends the pool; later operations answer [`StoreError::Closed`].
    pub fn close(&self) {
        self.inner.pool.close();
        self.inner.hot.close();
    }
}

fn pool(config: &tokio_postgres::Config, size: usize) -> StoreResult<Pool> {
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_config(config.clone(), NoTls, manager))
        .max_size(size)
        .build()
        .map_err(|error| StoreError::Unusable(format!("the pool of connections cannot be made: {error}")))
}

async fn connection(pool: &Pool) -> StoreResult<Object> {
    pool.get().await.map_err(|error| match error {
        deadpool_postgres::PoolError::Closed => StoreError::Closed,
        deadpool_postgres::PoolError::Backend(error) => StoreError::from(error),
        other => StoreError::Connection(other.to_string()),
    })
}

/// What PostgreSQL said, in one line: the error's own text leaves it to its source.
pub(crate) fn explain(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(refusal) => format!("{} ({})", refusal.message(), refusal.code().code()),
        None => {
            std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
        }
    }
}
