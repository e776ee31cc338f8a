//! SQLite: one writer thread that owns the write connection, and a pool of readers.
//!
//! See [`writer`] for how writes share a commit. A write's caller hears of it only after the commit, so what was
//! acknowledged is durable (`synchronous=FULL`).

pub mod hot;
mod writer;

use crate::{StoreError, StoreResult};
use crossbeam_channel::{Receiver, Sender};
use rusqlite::{Connection, OpenFlags};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use writer::Write;

/// How many connections read at the same time.
const READERS: usize = 4;
/// Prepared statements kept by a connection.
const STATEMENTS: usize = 192;

/// A SQLite store.
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    writer: Mutex<Option<Sender<Box<dyn Write>>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    readers: (Sender<Connection>, Receiver<Connection>),
}

impl Sqlite {
    /// Opens or creates the database file and starts its writer. The schema is not touched.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`] when the file cannot be opened or is not a database.
    pub fn open(path: &Path) -> StoreResult<Self> {
        let mut write = connect(path, OpenFlags::default(), 65_536)?;
        let mode: String = write.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
        if !mode.eq_ignore_ascii_case("wal") {
            return Err(StoreError::Unusable(format!(
                "{} cannot use a write-ahead log (journal mode {mode}): put the data directory on a local disk",
                path.display()
            )));
        }
        write.execute_batch("PRAGMA synchronous=FULL;")?;
        let log = writer::watch(&mut write)?;
        let copier = connect(path, OpenFlags::default(), 1_024)?;
        copier.execute_batch("PRAGMA wal_autocheckpoint=0;")?;
        let readers = crossbeam_channel::bounded(READERS);
        for _ in 0..READERS {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let reader = connect(path, flags, 8_192)?;
            reader.execute_batch("PRAGMA query_only=ON;")?;
            readers.0.send(reader).map_err(|_| StoreError::Closed)?;
        }
        let (writer, writes) = crossbeam_channel::bounded(4_096);
        let (ended, end) = crossbeam_channel::bounded(0);
        let thread = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.into())
                .spawn(run)
                .map_err(|error| StoreError::Unusable(format!("no thread {name}: {error}")))
        };
        let copied = Arc::clone(&log);
        let threads = vec![
            thread("store-writer", Box::new(move || writer::write_all(&write, &writes, &log, ended)))?,
            thread("store-copier", Box::new(move || writer::copy_all(&copier, &copied, &end)))?,
        ];
        let inner =
            Inner { path: path.to_owned(), writer: Mutex::new(Some(writer)), threads: Mutex::new(threads), readers };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs `f` in the writer's transaction and answers after the commit.
    ///
    /// An error or a panic of `f` undoes what it wrote and nothing else. `f` runs again when another write of the same
    /// commit failed, so it must not keep anything from one run for the next.
    ///
    /// # Errors
    /// What `f` returns; [`StoreError::Panicked`] when it panicked; [`StoreError::Sqlite`] when the commit failed,
    /// and [`StoreError::Closed`] after [`Sqlite::close`].
    pub async fn write<T, F>(&self, f: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> StoreResult<T> + Send + 'static,
    {
        let (write, told) = writer::job(f);
        let writer = lock(&self.inner.writer).clone().ok_or(StoreError::Closed)?;
        if let Err(full) = writer.try_send(write) {
            let write = full.into_inner();
            tokio::task::spawn_blocking(move || writer.send(write))
                .await
                .map_err(|_| StoreError::Closed)?
                .map_err(|_| StoreError::Closed)?;
        }
        told.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs `f` on a read connection, on a thread that may block.
    ///
    /// # Errors
    /// What `f` returns; [`StoreError::Panicked`] when it panicked.
    pub async fn read<T, F>(&self, f: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || {
            let connection = inner.readers.1.recv().map_err(|_| StoreError::Closed)?;
            let result = catch_unwind(AssertUnwindSafe(|| f(&connection)));
            if !connection.is_autocommit() {
                drop(connection.execute_batch("ROLLBACK"));
            }
            drop(inner.readers.0.send(connection));
            result.unwrap_or_else(|panic| Err(StoreError::Panicked(panic_text(&*panic))))
        })
        .await
        .map_err(|error| StoreError::Panicked(error.to_string()))?
    }

    /// Commits what waits and ends the writer. Later writes answer [`StoreError::Closed`].
    pub async fn close(&self) {
        drop(lock(&self.inner.writer).take());
        let threads = std::mem::take(&mut *lock(&self.inner.threads));
        for thread in threads {
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn connect(path: &Path, flags: OpenFlags, cache_kib: i64) -> StoreResult<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.execute_batch(&format!(
        "PRAGMA cache_size=-{cache_kib}; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=OFF; PRAGMA trusted_schema=OFF;"
    ))?;
    Ok(connection)
}

/// The words of a panic, for an error message.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
