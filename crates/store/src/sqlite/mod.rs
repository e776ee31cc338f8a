//! SQLite: one writer thread that owns the write connection, and a pool of readers.
//!
//! Writes are closures. The writer runs all that wait, each in a savepoint of its own so that one that fails takes
//! nothing with it, and commits them together: at once when nothing else waits, else at [`GROUP_LIMIT`] closures or
//! after [`GROUP_TIME`]. A closure's caller hears of it only after the commit, so what was acknowledged is durable
//! (`synchronous=FULL`).

pub mod hot;

use crate::{StoreError, StoreResult};
use crossbeam_channel::{Receiver, Sender};
use rusqlite::{Connection, OpenFlags};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How many closures share a commit at most.
const GROUP_LIMIT: usize = 500;
/// How long a commit gathers closures that are already waiting.
const GROUP_TIME: Duration = Duration::from_millis(3);
/// How many connections read at the same time.
const READERS: usize = 4;
/// Prepared statements kept by a connection.
const STATEMENTS: usize = 192;

/// Tells the caller of a write what became of it, once the commit is known.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// A write: runs inside the transaction, gives what answers its caller.
type Job = Box<dyn FnOnce(&Connection) -> Answer + Send>;

/// A SQLite store.
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    writer: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    readers: (Sender<Connection>, Receiver<Connection>),
}

impl Sqlite {
    /// Opens or creates the database file and starts its writer. The schema is not touched.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`] when the file cannot be opened or is not a database.
    pub fn open(path: &Path) -> StoreResult<Self> {
        let write = connect(path, OpenFlags::default(), 65_536)?;
        let mode: String = write.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
        if !mode.eq_ignore_ascii_case("wal") {
            return Err(StoreError::Unusable(format!(
                "{} cannot use a write-ahead log (journal mode {mode}): put the data directory on a local disk",
                path.display()
            )));
        }
        write.execute_batch("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=10000;")?;
        let readers = crossbeam_channel::bounded(READERS);
        for _ in 0..READERS {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let reader = connect(path, flags, 8_192)?;
            reader.execute_batch("PRAGMA query_only=ON;")?;
            readers.0.send(reader).map_err(|_| StoreError::Closed)?;
        }
        let (writer, jobs) = crossbeam_channel::bounded::<Job>(4_096);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_all(&write, &jobs))
            .map_err(|error| StoreError::Unusable(format!("no thread for the writer: {error}")))?;
        let inner = Inner {
            path: path.to_owned(),
            writer: Mutex::new(Some(writer)),
            thread: Mutex::new(Some(thread)),
            readers,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs `f` in the writer's transaction and answers after the commit.
    ///
    /// `f` runs in a savepoint: an error or a panic of its own undoes what it wrote and nothing else.
    ///
    /// # Errors
    /// What `f` returns; [`StoreError::Panicked`] when it panicked; [`StoreError::Sqlite`] when the commit failed,
    /// and [`StoreError::Closed`] after [`Sqlite::close`].
    pub async fn write<T, F>(&self, f: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = in_savepoint(connection, f);
            Box::new(move |committed| drop(tell.send(committed.and(result))))
        });
        let writer = lock(&self.inner.writer).clone().ok_or(StoreError::Closed)?;
        if let Err(full) = writer.try_send(job) {
            let job = full.into_inner();
            tokio::task::spawn_blocking(move || writer.send(job))
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
        let thread = lock(&self.inner.thread).take();
        if let Some(thread) = thread {
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

fn in_savepoint<T, F>(connection: &Connection, f: F) -> StoreResult<T>
where
    F: FnOnce(&Connection) -> StoreResult<T>,
{
    connection.prepare_cached("SAVEPOINT op")?.execute([])?;
    let result = catch_unwind(AssertUnwindSafe(|| f(connection)))
        .unwrap_or_else(|panic| Err(StoreError::Panicked(panic_text(&*panic))));
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO op")?.execute([])?;
    }
    connection.prepare_cached("RELEASE op")?.execute([])?;
    result
}

/// The writer: takes what waits, commits it together, answers.
fn write_all(connection: &Connection, jobs: &Receiver<Job>) {
    let mut answers: Vec<Answer> = Vec::with_capacity(GROUP_LIMIT);
    while let Ok(first) = jobs.recv() {
        let began = Instant::now();
        let mut committed = connection.execute_batch("BEGIN IMMEDIATE");
        if committed.is_ok() {
            answers.push(first(connection));
            while answers.len() < GROUP_LIMIT && began.elapsed() < GROUP_TIME {
                let Ok(job) = jobs.try_recv() else { break };
                answers.push(job(connection));
            }
            committed = connection.execute_batch("COMMIT");
            if committed.is_err() && !connection.is_autocommit() {
                drop(connection.execute_batch("ROLLBACK"));
            }
        } else {
            // The closure must not run outside a transaction; dropping it tells its caller.
            drop(first);
        }
        let failed = committed.err().map(|error| error.to_string());
        for answer in answers.drain(..) {
            answer(match &failed {
                None => Ok(()),
                Some(error) => Err(StoreError::Commit(error.clone())),
            });
        }
    }
    drop(connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);"));
}
