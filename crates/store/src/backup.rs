//! Copies of a store that can be restored, and the proof that they can.
//!
//! A backup is two files in a folder: the copy (`mhero-<time>.sqlite`, or `.pgdump` in `pg_dump`'s custom format) and its
//! [`Manifest`] beside it (the same name with `.json`), which is written last: a copy without one was interrupted. Large
//! PostgreSQL databases are better served by pgBackRest or WAL archiving; this is for the others.

use crate::{Postgres, Sqlite, Store, StoreError, StoreResult};
use base::Millis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `sqlite` or `postgres`.
    pub store: String,
    /// The name of the copy, in the folder of the manifest.
    pub file: String,
    /// When it was made, in milliseconds and for people.
    pub made_on: Millis,
    /// The same, RFC 3339 in UTC.
    pub made_at: String,
    /// The version of the schema.
    pub schema_version: i64,
    /// How many bytes the copy has.
    pub bytes: u64,
    /// SHA-256 of the copy, in hexadecimal digits.
    pub sha256: String,
    /// How many rows each table has.
    pub rows: BTreeMap<String, i64>,
}

/// What [`verify`] proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The backup's manifest.
    pub manifest: Manifest,
    /// Whether the copy was opened as a database and its rows counted. False for a PostgreSQL copy without a scratch
    /// server, of which only bytes and table of contents were read.
    pub opened: bool,
}

fn unusable(message: impl Into<String>) -> StoreError {
    StoreError::Unusable(message.into())
}

/// A failure of the file system, with the path that it is about.
fn at(path: &Path) -> impl Fn(std::io::Error) -> StoreError {
    let path = path.display().to_string();
    move |error| unusable(format!("{path}: {error}"))
}

impl Store {
    /// Makes a backup in `folder`, which is made if it is missing, while the store is in use. The copy is of one
    /// moment.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the folder cannot be written to, or `pg_dump` is missing or refuses; else the
    /// database's.
    pub async fn backup(&self, folder: &Path, now: Millis) -> StoreResult<Manifest> {
        tokio::fs::create_dir_all(folder).await.map_err(at(folder))?;
        // Names sort as their times do.
        let stamp = now.timestamp().strftime("%Y%m%dT%H%M%S%3fZ");
        let path =
            folder.join(format!("mhero-{stamp}.{}", if matches!(self, Self::Sqlite(_)) { "sqlite" } else { "pgdump" }));
        if path.exists() {
            return Err(unusable(format!("{} is there already: try again in a moment", path.display())));
        }
        let made = match self {
            Self::Sqlite(store) => {
                copy_sqlite(store, &path).await?;
                let copy = path.clone();
                blocking(move || inspect_sqlite(&copy)).await.map(|(version, rows)| ("sqlite", version, rows))
            }
            Self::Postgres(store) => dump(store, &path).await.map(|(version, rows)| ("postgres", version, rows)),
        };
        let (store, schema_version, rows) = match made {
            Ok(made) => made,
            Err(error) => {
                drop(tokio::fs::remove_file(&path).await);
                return Err(error);
            }
        };
        let copy = path.clone();
        let (sha256, bytes) = blocking(move || digest(&copy)).await?;
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let made_at = now.to_string();
        let store = store.to_owned();
        let manifest = Manifest { store, file, made_on: now, made_at, schema_version, bytes, sha256, rows };
        let text = serde_json::to_string_pretty(&manifest).map_err(|error| unusable(error.to_string()))?;
        let beside = path.with_extension("json");
        tokio::fs::write(&beside, text).await.map_err(at(&beside))?;
        Ok(manifest)
    }
}

/// Proves that a backup can be restored: the copy is the one that was made, is whole, and has the rows that it had.
///
/// `path` is a manifest, a copy, or a folder of which the latest backup is taken. `scratch` is the URL of a PostgreSQL
/// server on which a database may be made for a moment and a PostgreSQL copy restored into.
///
/// # Errors
/// [`StoreError::Unusable`] with what is wrong.
pub async fn verify(path: &Path, scratch: Option<&str>) -> StoreResult<Verified> {
    let (manifest, copy) = find(path)?;
    let file = copy.clone();
    let (sha256, bytes) = blocking(move || digest(&file)).await?;
    if (&sha256, bytes) != (&manifest.sha256, manifest.bytes) {
        return Err(unusable(format!(
            "{} is not the copy that was made ({bytes} bytes instead of {}, or other content): take another backup",
            copy.display(),
            manifest.bytes
        )));
    }
    let found = match (manifest.store.as_str(), scratch) {
        ("sqlite", _) => {
            let file = copy.clone();
            Some(blocking(move || inspect_sqlite(&file)).await?)
        }
        ("postgres", Some(server)) => Some(restore_to_scratch(server, &copy).await?),
        ("postgres", None) => {
            run(Command::new(tool("pg_restore")?).arg("--list").arg(&copy)).await?;
            None
        }
        (other, _) => return Err(unusable(format!("the manifest speaks of a {other} store, which is not known here"))),
    };
    if let Some((version, rows)) = &found {
        if *version != manifest.schema_version {
            let message = format!("schema version {version} instead of {}", manifest.schema_version);
            return Err(unusable(format!("{}: {message}", copy.display())));
        }
        for (table, count) in &manifest.rows {
            let here = rows.get(table).copied().unwrap_or_default();
            if here != *count {
                return Err(unusable(format!("{}: {table} has {here} rows instead of {count}", copy.display())));
            }
        }
    }
    Ok(Verified { manifest, opened: found.is_some() })
}

/// Puts a verified SQLite backup to `database`, which must not be there.
///
/// # Errors
/// As [`verify`]; [`StoreError::Unusable`] for a PostgreSQL copy, with the command that restores it.
pub async fn restore(path: &Path, database: &Path) -> StoreResult<Manifest> {
    if database.exists() {
        return Err(unusable(format!("{} is there already: move it away first", database.display())));
    }
    let (manifest, copy) = find(path)?;
    if manifest.store != "sqlite" {
        return Err(unusable(format!(
            "restore it into an empty database: pg_restore --no-owner --dbname=URL {}",
            copy.display()
        )));
    }
    verify(path, None).await?;
    // Under another name until it is whole.
    let part = database.with_extension("restoring");
    tokio::fs::copy(&copy, &part).await.map_err(at(&part))?;
    tokio::fs::File::open(&part).await.map_err(at(&part))?.sync_all().await.map_err(at(&part))?;
    tokio::fs::rename(&part, database).await.map_err(at(database))?;
    Ok(manifest)
}

/// The manifest that `path` means, and its copy.
fn find(path: &Path) -> StoreResult<(Manifest, PathBuf)> {
    let manifest = if path.is_dir() {
        let mut manifests = Vec::new();
        for entry in std::fs::read_dir(path).map_err(at(path))? {
            let file = entry.map_err(at(path))?.path();
            let named = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("mhero-"));
            if named && file.extension().is_some_and(|extension| extension == "json") {
                manifests.push(file);
            }
        }
        // The time is in the name.
        manifests.into_iter().max().ok_or_else(|| unusable(format!("{} holds no backup", path.display())))?
    } else {
        path.with_extension("json")
    };
    let text = std::fs::read_to_string(&manifest).map_err(|error| {
        unusable(format!("{}: {error}; a copy without a manifest was interrupted", manifest.display()))
    })?;
    let read: Manifest = serde_json::from_str(&text)
        .map_err(|error| unusable(format!("{} is not a manifest: {error}", manifest.display())))?;
    let name = Path::new(&read.file).file_name().unwrap_or_default();
    let copy = manifest.with_file_name(name);
    Ok((read, copy))
}

async fn blocking<T: Send + 'static>(f: impl FnOnce() -> StoreResult<T> + Send + 'static) -> StoreResult<T> {
    tokio::task::spawn_blocking(f).await.map_err(|error| StoreError::Panicked(error.to_string()))?
}

/// SHA-256 and length of a file.
fn digest(path: &Path) -> StoreResult<(String, u64)> {
    use std::fmt::Write;
    let mut file = std::fs::File::open(path).map_err(at(path))?;
    let (mut digest, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer).map_err(at(path))?;
        if read == 0 {
            break;
        }
        digest.update(&buffer[..read]);
        bytes += read as u64;
    }
    let mut hex = String::with_capacity(64);
    for byte in digest.finalize() {
        let _ = write!(hex, "{byte:02x}");
    }
    Ok((hex, bytes))
}

/// Writes a consistent copy of a SQLite store to `path` while it is in use.
pub(crate) async fn copy_sqlite(store: &Sqlite, path: &Path) -> StoreResult<()> {
    let (from, to) = (store.path().to_owned(), path.to_owned());
    blocking(move || {
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(at(folder))?;
        }
        let text = to
            .to_str()
            .ok_or_else(|| unusable(format!("{}: the path of a backup must be valid UTF-8", to.display())))?;
        let connection = rusqlite::Connection::open(&from)?;
        connection.busy_timeout(Duration::from_secs(30))?;
        connection.execute("VACUUM INTO ?1", [text])?;
        // VACUUM INTO leaves the copy to the operating system.
        std::fs::File::open(&to).and_then(|file| file.sync_all()).map_err(at(&to))
    })
    .await
}

/// Checks a SQLite file from its first page to its last; gives schema version and rows.
fn inspect_sqlite(path: &Path) -> StoreResult<(i64, BTreeMap<String, i64>)> {
    let db = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let state: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if state != "ok" {
        return Err(unusable(format!("{} is damaged: {state}", path.display())));
    }
    let version = db.query_row("SELECT COALESCE(max(version), 0) FROM schema_version", [], |row| row.get(0))?;
    let mut names = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut rows = BTreeMap::new();
    for name in names {
        let count = db.query_row(&format!("SELECT count(*) FROM \"{name}\""), [], |row| row.get(0))?;
        rows.insert(name, count);
    }
    Ok((version, rows))
}

const TABLES: &str = "SELECT table_name::text FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'";

/// Schema version and rows, as one transaction sees them.
async fn inspect_postgres(client: &impl deadpool_postgres::GenericClient) -> StoreResult<(i64, BTreeMap<String, i64>)> {
    let version = client.query_one("SELECT COALESCE(max(version), 0) FROM schema_version", &[]).await?.try_get(0)?;
    let mut rows = BTreeMap::new();
    for row in client.query(TABLES, &[]).await? {
        let name: String = row.try_get(0)?;
        let count = client.query_one(&format!("SELECT count(*) FROM \"{name}\""), &[]).await?.try_get(0)?;
        rows.insert(name, count);
    }
    Ok((version, rows))
}

/// Runs `pg_dump` on the snapshot whose rows are counted.
async fn dump(store: &Postgres, path: &Path) -> StoreResult<(i64, BTreeMap<String, i64>)> {
    let pg_dump = tool("pg_dump")?;
    let mut client = store.client().await?;
    let transaction = client
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    transaction
        .batch_execute("SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0")
        .await?;
    let snapshot: String = transaction.query_one("SELECT pg_export_snapshot()", &[]).await?.try_get(0)?;
    let found = inspect_postgres(&transaction).await?;
    let mut command = Command::new(pg_dump);
    connect(&mut command, store.url())?;
    command.args(["--format=custom", "--no-owner", "--no-privileges"]);
    command.arg(format!("--snapshot={snapshot}")).arg("--file").arg(path);
    run(&mut command).await?;
    transaction.commit().await?;
    let file = tokio::fs::File::open(path).await.map_err(at(path))?;
    file.sync_all().await.map_err(at(path))?;
    Ok(found)
}

/// Restores a copy into a database made for it, reads it, and drops it.
async fn restore_to_scratch(server: &str, copy: &Path) -> StoreResult<(i64, BTreeMap<String, i64>)> {
    let pg_restore = tool("pg_restore")?;
    let config = parse(server)?;
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let name = format!("mhero_verify_{}", std::process::id());
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).await?;
    client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).await?;
    let found = async {
        let mut command = Command::new(pg_restore);
        connect(&mut command, server)?;
        command.env("PGDATABASE", &name).args(["--exit-on-error", "--no-owner", "--no-privileges", "--dbname"]);
        run(command.arg(&name).arg(copy)).await?;
        let mut scratch = config.clone();
        scratch.dbname(&name);
        let manager = deadpool_postgres::Manager::new(scratch, tokio_postgres::NoTls);
        let pool = deadpool_postgres::Pool::builder(manager)
            .max_size(1)
            .build()
            .map_err(|error| StoreError::Connection(error.to_string()))?;
        let client = pool.get().await.map_err(|error| StoreError::Connection(error.to_string()))?;
        inspect_postgres(&client).await
    }
    .await;
    client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    drop(client);
    drop(connection.await);
    found
}

fn parse(url: &str) -> StoreResult<tokio_postgres::Config> {
    url.parse().map_err(|error| unusable(format!("the PostgreSQL URL cannot be read ({error})")))
}

/// Tells a PostgreSQL tool where to connect, by its environment: arguments are seen by every user of the machine.
fn connect(command: &mut Command, url: &str) -> StoreResult<()> {
    use tokio_postgres::config::Host;
    let config = parse(url)?;
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => command.env("PGHOST", host),
        #[cfg(unix)]
        Some(Host::Unix(path)) => command.env("PGHOST", path),
        None => command,
    };
    if let Some(port) = config.get_ports().first() {
        command.env("PGPORT", port.to_string());
    }
    if let Some(user) = config.get_user() {
        command.env("PGUSER", user);
    }
    if let Some(password) = config.get_password() {
        command.env("PGPASSWORD", String::from_utf8_lossy(password).into_owned());
    }
    if let Some(name) = config.get_dbname() {
        command.env("PGDATABASE", name);
    }
    Ok(())
}

/// Where a PostgreSQL tool is: on the path, else the newest of Debian's.
fn tool(name: &str) -> StoreResult<PathBuf> {
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    debian.sort_unstable();
    on_path
        .chain(debian.into_iter().rev().map(|(_, folder)| folder))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            unusable(format!(
                "{name} is not installed: install Debian's postgresql-client, or back up the server with pgBackRest or WAL archiving"
            ))
        })
}

async fn run(command: &mut Command) -> StoreResult<()> {
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.output().await.map_err(at(Path::new(&program)))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(unusable(format!("{program} failed ({}): {}", output.status, said.trim())))
}
