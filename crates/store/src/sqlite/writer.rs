//! The writer: one thread that owns the write connection and commits what waits together.
//!
//! Writes are closures. A commit takes those that wait: at once when nothing else waits, else up to [`GROUP_LIMIT`] or
//! for [`GROUP_TIME`]. They run in one transaction without savepoints, which would copy every page that they touch. When
//! one fails, the whole transaction is undone and each runs again in a transaction of its own, so that the one that
//! fails takes nothing with it. That is rare: what fails regularly belongs in a write's result, not in its error.
//!
//! The write-ahead log is copied into the database file by a second thread, so that the writer never waits for that
//! file to reach the disk. Only a log that grows faster than it is copied stops the writer, until it is copied whole and
//! can be begun anew.

use super::panic_text;
use crate::{StoreError, StoreResult};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use rusqlite::Connection;
use rusqlite::hooks::Wal;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tracing::warn;

/// How many writes share a commit at most.
const GROUP_LIMIT: usize = 500;
/// How long a commit gathers writes that are already waiting.
const GROUP_TIME: Duration = Duration::from_millis(3);
/// How often the log is looked at.
const COPY_EVERY: Duration = Duration::from_millis(250);
/// From what size on the log is copied, in pages of 4 KiB.
const COPY_FROM: i32 = 2_000;
/// At what size the writer stops until the log is copied whole, in pages.
const COPY_WHOLE: i32 = 16_000;

/// A write that waits for its commit.
pub(super) trait Write: Send {
    /// Runs it inside the transaction; false when it failed, and then nothing of it may be committed.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells the caller what became of it: its own result, or why the transaction that it ran in was not committed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Job<T, F> {
    run: F,
    result: StoreResult<T>,
    tell: oneshot::Sender<StoreResult<T>>,
}

impl<T, F> Write for Job<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> StoreResult<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        self.result = catch_unwind(AssertUnwindSafe(|| (self.run)(connection)))
            .unwrap_or_else(|panic| Err(StoreError::Panicked(panic_text(&*panic))));
        self.result.is_ok()
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        // Where the write itself failed, that is why there was no commit.
        let result = if self.result.is_ok() { committed.and(self.result) } else { self.result };
        drop(self.tell.send(result));
    }
}

/// A write of a closure, and where its result comes.
pub(super) fn job<T, F>(run: F) -> (Box<dyn Write>, oneshot::Receiver<StoreResult<T>>)
where
    T: Send + 'static,
    F: FnMut(&Connection) -> StoreResult<T> + Send + 'static,
{
    let (tell, told) = oneshot::channel();
    (Box::new(Job { run, result: Err(StoreError::Closed), tell }), told)
}

/// How many pages the write-ahead log has.
pub(super) type Log = Arc<AtomicI32>;

/// Keeps count of the pages that the commits of `connection` leave in the log, which nobody copies from then on but
/// [`write_all`] and [`copy_all`].
///
/// # Errors
/// SQLite's.
pub(super) fn watch(connection: &mut Connection) -> StoreResult<Log> {
    let log = Log::default();
    let pages = Arc::clone(&log);
    connection.wal_hook(Some(move |_: &mut Wal, now| {
        pages.store(now, Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(log)
}

/// Takes what waits, commits it together, answers; ends when nobody can write any more. `ended` is dropped then.
pub(super) fn write_all(connection: &Connection, writes: &Receiver<Box<dyn Write>>, log: &Log, ended: Sender<()>) {
    let mut group: Vec<Box<dyn Write>> = Vec::with_capacity(GROUP_LIMIT);
    while let Ok(first) = writes.recv() {
        group.push(first);
        let committed = commit(connection, || {
            let began = Instant::now();
            let mut at = 0;
            loop {
                if !group[at].run(connection) {
                    return false;
                }
                at += 1;
                if at == GROUP_LIMIT || began.elapsed() > GROUP_TIME {
                    return true;
                }
                let Ok(next) = writes.try_recv() else { return true };
                group.push(next);
            }
        });
        let alone = group.len() == 1;
        for mut write in group.drain(..) {
            let committed = match &committed {
                Ok(false) if !alone => commit(connection, || write.run(connection)),
                committed => committed.clone(),
            };
            write.answer(committed.map(drop).map_err(StoreError::Commit));
        }
        if log.load(Ordering::Relaxed) > COPY_WHOLE {
            copy(connection, "RESTART");
            log.store(0, Ordering::Relaxed);
        }
    }
    drop(ended);
    drop(connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);"));
}

/// Runs `f` in a transaction and commits it; false when `f` gave false, and then it is undone. After an error it is undone
/// too, or never began.
fn commit(connection: &Connection, f: impl FnOnce() -> bool) -> Result<bool, String> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| error.to_string())?;
    let done = f();
    let ended = connection.execute_batch(if done { "COMMIT" } else { "ROLLBACK" });
    if ended.is_err() && !connection.is_autocommit() {
        drop(connection.execute_batch("ROLLBACK"));
    }
    ended.map(|()| done).map_err(|error| error.to_string())
}

/// Copies the log into the database file from time to time, until the writer has ended.
pub(super) fn copy_all(connection: &Connection, log: &Log, end: &Receiver<()>) {
    let mut copied = 0;
    while let Err(RecvTimeoutError::Timeout) = end.recv_timeout(COPY_EVERY) {
        let pages = log.load(Ordering::Relaxed);
        if pages > COPY_FROM && pages != copied {
            copy(connection, "PASSIVE");
            copied = pages;
        }
    }
}

fn copy(connection: &Connection, mode: &str) {
    if let Err(error) = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(())) {
        warn!(%error, mode, "the write-ahead log could not be copied into the database");
    }
}
