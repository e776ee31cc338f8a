//! Persistence: one interface, two engines.
//!
//! [`Store`] is an enum over SQLite and PostgreSQL. The operations of the conversation loop ([`ops`]) are written once
//! per engine (`sqlite::hot`, `postgres::hot`); everything else goes through the small query facade ([`query`]) with one
//! SQL text for both. Nothing outside this crate writes SQL.

pub mod audience;
pub mod backup;
mod campaign;
pub mod contact;
mod flows;
mod migrate;
pub mod ops;
pub mod postgres;
mod problem;
pub mod query;
mod reassembly;
pub mod registry;
mod results;
mod sample;
pub mod sqlite;
mod worklist;

use base::{ContactId, IdMaker, MessageId, Millis, Part};
pub use campaign::{FanoutChunk, Member, NewStart, Started, Status, StatusRow};
pub use flows::{ChannelRow, FieldRow, FlowRow, GroupRow, KeptRow, KeywordRow, Saved};
pub use migrate::{Migrated, latest};
use ops::{
    Inbound, InboxRow, Ingested, Lease, Mailbox, NewProblem, Owner, Receipt, ReceiptOutcome, Recovered, Step,
    Submitted, Swept, WireRequest, Wired,
};
pub use postgres::Postgres;
pub use query::QueryError;
pub use results::RunResults;
pub use sqlite::{Sqlite, panic_text};
use std::error::Error as _;
use std::sync::Arc;
pub use worklist::{Audit, MessageRow, ProblemRow};

/// What the store answers.
pub type StoreResult<T> = Result<T, StoreError>;

/// What can go wrong in the store, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused a statement or the file. Surfaces where the statement's operation was called.
    #[error("the database refused: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL refused a statement. Surfaces where the statement's operation was called.
    #[error("the database refused: {}", postgres::explain(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// PostgreSQL gave no connection in time: it is down, unreachable, or has too few connections for its clients.
    #[error("no connection to the database: {0}")]
    Connection(String),
    /// A statement or a column that cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The commit failed: nothing of the group was written. A full disk is the usual cause; free space and try again.
    #[error("the database could not commit: {0}; is the disk full?")]
    Commit(String),
    /// A contact's rows changed between loading and committing a step: it is loaded and stepped again.
    #[error("contact {contact} changed while a step was made")]
    Conflict {
        /// The contact.
        contact: ContactId,
    },
    /// This process no longer holds a part it wrote to: another one has taken it over.
    #[error("part {part} is no longer held by this process")]
    Fenced {
        /// The part.
        part: Part,
    },
    /// What was read is not what was ever written. Restore a backup, and keep the file for an enquiry.
    #[error("the database holds what it should not: {0}")]
    Corrupt(String),
    /// What an import had read could not be taken out of its temporary file again.
    #[error("the temporary file of the import cannot be read: {0}")]
    Spool(String),
    /// The place for the database cannot hold one.
    #[error("{0}")]
    Unusable(String),
    /// Code that ran inside the store panicked; its writes were undone.
    #[error("a write panicked: {0}")]
    Panicked(String),
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the store as a whole is in trouble: it is away, full or busy, and the same call may succeed later. What
    /// was to be written is not to blame.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Commit(_) => true,
            Self::Postgres(error) => match error.code() {
                // Connection, resources, operator intervention, deadlocks; a lock that was not free in time, and a
                // transaction that stood idle for too long because the process did.
                Some(code) => {
                    let code = code.code();
                    ["08", "53", "57", "40"].iter().any(|class| code.starts_with(class))
                        || ["55P03", "25P03"].contains(&code)
                }
                None => error.is_closed() || error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>),
            },
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    rusqlite::ErrorCode::DatabaseBusy
                        | rusqlite::ErrorCode::DatabaseLocked
                        | rusqlite::ErrorCode::DiskFull
                        | rusqlite::ErrorCode::SystemIoFailure
                        | rusqlite::ErrorCode::OutOfMemory
                )
            ),
            _ => false,
        }
    }
}

/// A store of either kind.
#[derive(Clone)]
pub enum Store {
    /// Embedded: the default.
    Sqlite(Sqlite),
    /// Shared by any number of processes.
    Postgres(Postgres),
}

impl Store {
    /// Writes inbound messages; see [`Inbound`]. One answer each, in order, after the commit.
    pub async fn ingest(&self, batch: Vec<Inbound>) -> StoreResult<Vec<Ingested>> {
        match self {
            Self::Sqlite(db) => db.write(move |db| sqlite::hot::ingest(db, &batch)).await,
            Self::Postgres(db) => postgres::hot::ingest(db, &batch).await,
        }
    }

    /// Withdraws what still waits for `contacts`, who have just opted out, and gives those to whom a message is on its
    /// way: their opt-out is acknowledged only when there are none.
    pub async fn still_wired(&self, contacts: Vec<ContactId>, at: Millis) -> StoreResult<Vec<ContactId>> {
        match self {
            Self::Sqlite(db) => {
                let _ = at;
                db.read(move |db| sqlite::hot::still_wired(db, &contacts)).await
            }
            Self::Postgres(db) => postgres::hot::still_wired(db, &contacts, at).await,
        }
    }

    /// Reads what waits in up to `limit` inbox rows of the lease's parts. PostgreSQL begins at part `from`, so that each
    /// part has its turn; SQLite takes the oldest of the most urgent, wherever they are.
    pub async fn claim(&self, lease: &Lease, from: Part, limit: usize) -> StoreResult<Vec<Mailbox>> {
        match self {
            Self::Sqlite(db) => {
                let lease = lease.clone();
                db.read(move |db| sqlite::hot::claim(db, &lease, limit)).await
            }
            Self::Postgres(db) => postgres::hot::claim(db, lease, from, limit).await,
        }
    }

    /// Commits steps in one transaction, all or none.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when a part is no longer held, [`StoreError::Conflict`] when a contact changed since it
    /// was loaded; nothing is written then.
    pub async fn commit_steps(&self, lease: &Lease, steps: Arc<Vec<Step>>) -> StoreResult<()> {
        match self {
            Self::Sqlite(db) => db.write(move |db| sqlite::hot::commit_steps(db, &steps)).await,
            Self::Postgres(db) => postgres::hot::commit_steps(db, lease, &steps).await,
        }
    }

    /// Marks messages `wired` and gives them to be submitted; see [`WireRequest`].
    pub async fn wire(&self, lease: &Lease, request: WireRequest) -> StoreResult<Vec<Wired>> {
        match self {
            Self::Sqlite(db) => {
                let lease = lease.clone();
                db.write(move |db| sqlite::hot::wire(db, &lease, &request)).await
            }
            Self::Postgres(db) => postgres::hot::wire(db, lease, &request).await,
        }
    }

    /// Records what became of submits.
    pub async fn submitted(&self, batch: Vec<Submitted>) -> StoreResult<()> {
        match self {
            Self::Sqlite(db) => db.write(move |db| sqlite::hot::submitted(db, &batch)).await,
            Self::Postgres(db) => postgres::hot::submitted(db, &batch).await,
        }
    }

    /// Forgets what messages were recognised by: the operator has our acknowledgement of them and they are answered, so
    /// that the same words from the same phone can only be a new message.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_dedupe(&self, keys: &[ops::DedupeKey]) -> StoreResult<()> {
        let mut unit = query::Unit::new();
        for key in keys {
            unit.add(
                "DELETE FROM dedupe WHERE part = $1 AND bucket = $2 AND hash = $3",
                params![key.part, key.bucket, key.hash],
            );
        }
        self.run(unit).await.map(drop)
    }

    /// Applies delivery receipts. One answer each, in order.
    pub async fn receipts(&self, batch: Vec<Receipt>) -> StoreResult<Vec<ReceiptOutcome>> {
        match self {
            Self::Sqlite(db) => db.write(move |db| sqlite::hot::receipts(db, &batch)).await,
            Self::Postgres(db) => postgres::hot::receipts(db, &batch).await,
        }
    }

    /// Fires up to `limit` timers that are due.
    pub async fn sweep(&self, lease: &Lease, now: Millis, limit: usize, mut ids: IdMaker) -> StoreResult<Swept> {
        match self {
            Self::Sqlite(db) => {
                let lease = lease.clone();
                db.write(move |db| sqlite::hot::sweep(db, &lease, now, limit, &mut ids)).await
            }
            Self::Postgres(db) => postgres::hot::sweep(db, lease, now, limit, &mut ids).await,
        }
    }

    /// Marks as `unknown` what a process that is gone had marked `wired` in the lease's parts.
    pub async fn recover(&self, lease: &Lease, now: Millis) -> StoreResult<Recovered> {
        match self {
            Self::Sqlite(db) => {
                let lease = lease.clone();
                let unknown = db.write(move |db| sqlite::hot::recover(db, &lease, now)).await?;
                // Who has a SQLite store open is alone with it.
                Ok(Recovered { unknown, abroad: Vec::new() })
            }
            Self::Postgres(db) => postgres::hot::recover(db, lease, now).await,
        }
    }

    /// Moves inbox rows of a contact that cannot be handled to the work list. A start that was among them has failed for
    /// the contact.
    pub async fn quarantine(
        &self,
        contact: ContactId,
        rows: Vec<InboxRow>,
        problem: NewProblem,
        at: Millis,
    ) -> StoreResult<()> {
        match self {
            Self::Sqlite(db) => db.write(move |db| sqlite::hot::quarantine(db, contact, &rows, &problem, at)).await,
            Self::Postgres(db) => postgres::hot::quarantine(db, contact, &rows, &problem, at).await,
        }
    }

    /// Forgets dedupe keys of windows before `bucket` and receipts parked before `receipts_before`, in one part.
    pub async fn forget(&self, part: Part, bucket: i64, receipts_before: Millis) -> StoreResult<usize> {
        match self {
            Self::Sqlite(db) => db.write(move |db| sqlite::hot::forget(db, part, bucket, receipts_before)).await,
            Self::Postgres(db) => postgres::hot::forget(db, part, bucket, receipts_before).await,
        }
    }

    /// Says that this process lives and gives the parts that it holds now: on SQLite all of them.
    pub async fn balance(&self, owner: Owner) -> StoreResult<Lease> {
        match self {
            Self::Sqlite(db) => {
                let _ = db;
                Ok(Lease::all(owner))
            }
            Self::Postgres(db) => db.balance().await,
        }
    }

    /// Ends the store after what waits is committed; on PostgreSQL the parts are given back first.
    pub async fn close(&self) -> () {
        match self {
            Self::Sqlite(db) => db.close().await,
            Self::Postgres(db) => {
                drop(db.release().await);
                db.close();
            }
        }
    }
}

/// The identity of a URN text: without channel and display.
fn identity(urn: &str) -> &str {
    urn.split(['?', '#']).next().unwrap_or(urn)
}

/// The kind of [`unknown_problem`].
const UNKNOWN_MESSAGE: &str = "message_unknown";

/// The work list's row for a message of which nobody knows whether it was sent.
fn unknown_problem(message: MessageId, contact: ContactId) -> NewProblem {
    NewProblem {
        kind: UNKNOWN_MESSAGE.into(),
        key: message.to_string(),
        subject: contact.to_string(),
        message: "The operator never answered whether it took this message".into(),
        remedy: "Ask the contact or the operator; send it again only if it did not arrive.".into(),
    }
}

/// Which of the `unknown` messages to one address a receipt speaks of: the one with its reference; else, where the
/// receipt carries none, the only one whose text it quotes.
fn pick_unknown(candidates: &[(MessageId, u16, String)], receipt: &Receipt) -> Option<MessageId> {
    if let Some(reference) = receipt.reference {
        return candidates.iter().find(|(_, of, _)| *of == reference).map(|(id, _, _)| *id);
    }
    let quoted = receipt.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let mut fitting = candidates.iter().filter(|(_, _, text)| quoted.is_none_or(|quoted| text.starts_with(quoted)));
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first.0)
}
