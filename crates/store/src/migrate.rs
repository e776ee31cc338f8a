//! The schema's versions.
//!
//! Migrations are embedded, ordered and never changed once released; each runs in a transaction of its own. They expand
//! first: a release only adds what the one before it can ignore, and drops what nobody reads any more a release later,
//! so that processes of two neighbouring releases can share a database while they are replaced one by one.

use crate::query::Unit;
use crate::{Postgres, Sqlite, Store, StoreError, StoreResult, params};
use base::Millis;
use std::path::{Path, PathBuf};

/// One step from a version to the next.
struct Migration {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($name:literal),*) => {
        &[$(Migration {
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),*]
    };
}

/// In order; the version is the place in this list, from 1.
const MIGRATIONS: &[Migration] = migrations!["0001_hot", "0002_registry", "0003_segment_octets"];

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_version(
    version bigint NOT NULL PRIMARY KEY, name text NOT NULL, applied_on bigint NOT NULL)";
const CURRENT: &str = "SELECT COALESCE(max(version), 0) FROM schema_version";

/// Serialises the migrations of processes that start together.
const MIGRATE_LOCK: i64 = 0x006d_6865_726f_0002;

/// What [`Store::migrate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version that was found; 0 for an empty database.
    pub from: i64,
    /// The version that it has now.
    pub to: i64,
    /// The backup that was made before, if one was.
    pub backup: Option<PathBuf>,
}

/// The version of the schema that this build reads and writes.
pub fn latest() -> i64 {
    MIGRATIONS.len() as i64
}

impl Store {
    /// Brings the schema to [`latest`]. An older SQLite database is first copied into `backups`; PostgreSQL is backed
    /// up by its own means.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] for a schema that is newer than this build, or a backup that cannot be written; the
    /// database is then unchanged.
    pub async fn migrate(&self, backups: &Path, now: Millis) -> StoreResult<Migrated> {
        match self {
            Self::Sqlite(store) => sqlite(store, backups, now).await,
            Self::Postgres(store) => postgres(store, now).await,
        }
    }

    /// The version of the schema; 0 when there is none.
    ///
    /// # Errors
    /// The database's.
    pub async fn schema_version(&self) -> StoreResult<i64> {
        let exists = match self {
            Self::Sqlite(_) => "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'",
            Self::Postgres(_) => {
                "SELECT count(*) FROM information_schema.tables
                 WHERE table_schema = current_schema() AND table_name = 'schema_version'"
            }
        };
        let exists = self.query_one(exists, params![]).await?;
        if exists.map_or(Ok(0), |row| row.get::<i64>(0))? == 0 {
            return Ok(0);
        }
        Ok(self.query_one(CURRENT, params![]).await?.map_or(Ok(0), |row| row.get(0))?)
    }
}

fn refuse_newer(found: i64) -> StoreResult<()> {
    if found > latest() {
        return Err(StoreError::Unusable(format!(
            "the database has schema version {found} and this mhero knows {}: install the newer mhero again, or restore \
             a backup that was made before it ran",
            latest()
        )));
    }
    Ok(())
}

async fn sqlite(store: &Sqlite, backups: &Path, now: Millis) -> StoreResult<Migrated> {
    let from = Store::Sqlite(store.clone()).schema_version().await?;
    refuse_newer(from)?;
    let mut backup = None;
    if from > 0 && from < latest() {
        let path = backups.join(format!("before-schema-{}-{}.sqlite", latest(), now.0));
        crate::backup::copy_sqlite(store, &path).await?;
        backup = Some(path);
    }
    let to = store
        .write(move |db| {
            db.execute_batch(VERSIONS)?;
            // Read again: another writer may have been here since.
            let from: i64 = db.query_row(CURRENT, [], |row| row.get(0))?;
            for (version, migration) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > from) {
                db.execute_batch(migration.sqlite)?;
                db.execute(
                    "INSERT INTO schema_version(version, name, applied_on) VALUES (?1, ?2, ?3)",
                    (version, migration.name, now.0),
                )?;
            }
            Ok(latest().max(from))
        })
        .await?;
    Ok(Migrated { from, to, backup })
}

async fn postgres(store: &Postgres, now: Millis) -> StoreResult<Migrated> {
    let mut client = store.client().await?;
    let transaction = client.transaction().await?;
    transaction.batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'").await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATE_LOCK]).await?;
    transaction.batch_execute(VERSIONS).await?;
    let from: i64 = transaction.query_one(CURRENT, &[]).await?.get(0);
    refuse_newer(from)?;
    for (version, migration) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > from) {
        transaction.batch_execute(migration.postgres).await?;
        let mut unit = Unit::new();
        unit.add(
            "INSERT INTO schema_version(version, name, applied_on) VALUES ($1, $2, $3)",
            params![version, migration.name, now],
        );
        crate::query::run_postgres(&transaction, &unit).await?;
    }
    transaction.commit().await?;
    Ok(Migrated { from, to: latest(), backup: None })
}
