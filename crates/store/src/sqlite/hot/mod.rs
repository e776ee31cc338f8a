//! The loop's statements on SQLite. Each function runs inside one write (see [`super::Sqlite::write`]) or read.
//!
//! Every statement on a hot table names `part`, as it must on every engine.

mod inbound;
mod outbox;
mod receipts;
mod steps;
mod timers;

pub use inbound::{ingest, still_wired};
pub use outbox::{recover, submitted, wire};
pub use receipts::receipts;
pub use steps::{claim, commit_steps, quarantine};
pub use timers::{forget, sweep};

use crate::ops::{
    Class, Consent, ContactRow, DedupeKey, Inbound, InboxRow, Ingested, Lease, Mailbox, MessageState, NewProblem,
    Outcome, Outgoing, Priority, Progress, REFUSALS, Receipt, ReceiptOutcome, ReceiptState, SessionRow, Step,
    Submitted, Swept, Task, UnknownPolicy, WireRequest, Wired,
};
use crate::{StoreError, StoreResult};
use base::{ChannelId, ContactId, FlowId, IdMaker, MessageId, Millis, Part, StartId};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::HashMap;

/// A session's wait.
const WAIT: i64 = 1;

/// A message that is `unknown`.
const UNKNOWN: i64 = 2;

/// An inbound message whose parts have not all come.
const INCOMPLETE: i64 = 3;

fn id<T: From<uuid::Uuid>>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    Ok(T::from(uuid::Uuid::from_bytes(row.get::<_, [u8; 16]>(column)?)))
}

fn optional_id<T: From<uuid::Uuid>>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(|bytes| T::from(uuid::Uuid::from_bytes(bytes))))
}

fn part(row: &Row<'_>, column: usize) -> rusqlite::Result<Part> {
    Ok(Part(row.get(column)?))
}

fn millis(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Millis>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Millis))
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row
        .get_ref(column)?
        .as_str()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))?;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

fn text_of<T: serde::Serialize>(value: &T) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// Whether any of the addresses of a JSON list of URNs is suppressed.
fn any_suppressed(db: &Connection, urns: &str) -> StoreResult<bool> {
    let urns: Vec<std::borrow::Cow<'_, str>> = serde_json::from_str(urns).unwrap_or_default();
    let mut find = db.prepare_cached("SELECT 1 FROM suppression WHERE address = ?1")?;
    for urn in urns {
        if find.exists([crate::identity(&urn)])? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn suppressed(db: &Connection, address: &str) -> StoreResult<bool> {
    Ok(db.prepare_cached("SELECT 1 FROM suppression WHERE address = ?1")?.exists([address])?)
}

fn problem(db: &Connection, problem: &NewProblem, at: Millis, payload: Option<&str>) -> StoreResult<()> {
    db.prepare_cached(
        "INSERT INTO problem(id, kind, key, subject, message, remedy, payload, created_on, modified_on)
         VALUES(randomblob(16), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
         ON CONFLICT(kind, key) DO UPDATE SET times = times + 1, state = 'open', message = ?4, modified_on = ?7",
    )?
    .execute(params![
        problem.kind,
        problem.key,
        problem.subject,
        problem.message,
        problem.remedy,
        payload,
        at.0
    ])?;
    Ok(())
}

fn enqueue(db: &Connection, part: Part, row: MessageId, contact: ContactId, task: &Task) -> StoreResult<()> {
    db.prepare_cached("INSERT INTO inbox(part, priority, id, contact, task) VALUES(?1, ?2, ?3, ?4, ?5)")?
        .execute(params![part.0, task.priority(), row.as_bytes(), contact.as_bytes(), text_of(task)?])?;
    Ok(())
}

/// Sets a message's state, and its recipient's where it opened a start.
fn settle_message(
    db: &Connection,
    part: Part,
    message: MessageId,
    contact: ContactId,
    state: MessageState,
    detail: Option<&str>,
    at: Millis,
) -> StoreResult<()> {
    let opened: Option<(Option<StartId>, bool)> = db
        .prepare_cached(
            "UPDATE message SET state = ?3, detail = COALESCE(?4, detail), modified_on = ?5
             WHERE part = ?1 AND id = ?2 RETURNING start, opening",
        )?
        .query_row(params![part.0, message.as_bytes(), state as i64, detail, at.0], |row| {
            Ok((optional_id(row, 0)?, row.get(1)?))
        })
        .optional()?;
    if let Some((Some(start), true)) = opened {
        recipient_state(db, part, start, contact, state, detail)?;
    }
    Ok(())
}

fn recipient_state(
    db: &Connection,
    part: Part,
    start: StartId,
    contact: ContactId,
    state: MessageState,
    detail: Option<&str>,
) -> StoreResult<()> {
    db.prepare_cached("UPDATE recipient SET state = ?4, detail = ?5 WHERE part = ?1 AND start = ?2 AND contact = ?3")?
        .execute(params![part.0, start.as_bytes(), contact.as_bytes(), state as i64, detail])?;
    Ok(())
}

fn insert_timer(
    db: &Connection,
    part: Part,
    due: Millis,
    contact: ContactId,
    kind: i64,
    reference: &[u8],
) -> StoreResult<()> {
    db.prepare_cached("INSERT OR IGNORE INTO timer(part, due, contact, kind, ref) VALUES(?1, ?2, ?3, ?4, ?5)")?
        .execute(params![part.0, due.0, contact.as_bytes(), kind, reference])?;
    Ok(())
}

/// The `user_message_reference` of a message: the last two bytes of its id.
pub(crate) fn reference_of(message: MessageId) -> u16 {
    let bytes = message.as_bytes();
    u16::from_be_bytes([bytes[14], bytes[15]])
}
