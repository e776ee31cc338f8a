//! The loop's statements on PostgreSQL: the same operations with the same results as on SQLite, each a batch in one
//! transaction whose statements work on arrays.
//!
//! Every statement on a hot table names `part`. Arrays are sorted by key, so that two transactions lock rows in one
//! order; what deadlocks all the same is run again.

mod inbound;
mod outbox;
mod receipts;
mod steps;
mod timers;

pub use inbound::{ingest, still_wired};
pub(super) use outbox::Doubt;
pub use outbox::{recover, submitted, wire};
pub use receipts::receipts;
pub use steps::{claim, commit_steps, quarantine};
pub use timers::{forget, sweep};

use super::Postgres;
use crate::ops::{Lease, MessageState, NewProblem, Task};
use crate::query::Column::{Bytes, Int, Text};
use crate::query::{Rows, changing, returning};
use crate::{StoreError, StoreResult, params};
use base::{ContactId, MessageId, Millis, Part, StartId};
use deadpool_postgres::{GenericClient, Transaction};
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

/// A session's wait.
const WAIT: i16 = 1;

/// A message that is `unknown`.
const UNKNOWN: i16 = 2;

/// An inbound message whose parts have not all come.
const INCOMPLETE: i16 = 3;

/// How often a batch that met a deadlock is run.
const TRIES: usize = 4;

/// Whether the same batch can be run again: the server undid it because of others.
fn can_retry(error: &StoreError) -> bool {
    let StoreError::Postgres(error) = error else { return false };
    error
        .code()
        .is_some_and(|code| *code == SqlState::T_R_DEADLOCK_DETECTED || *code == SqlState::T_R_SERIALIZATION_FAILURE)
}

/// Runs an operation again while [`can_retry`] says so.
macro_rules! retrying {
    ($operation:expr) => {{
        let mut tries = 1;
        loop {
            match $operation.await {
                Err(error) if tries < $crate::postgres::hot::TRIES && $crate::postgres::hot::can_retry(&error) => {
                    tries += 1;
                }
                result => break result,
            }
        }
    }};
}
use retrying;

type Params<'a> = [&'a (dyn ToSql + Sync)];

async fn execute(client: &impl GenericClient, sql: &str, values: &Params<'_>) -> StoreResult<u64> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, values).await?)
}

async fn query(client: &impl GenericClient, sql: &str, values: &Params<'_>) -> StoreResult<Vec<Row>> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, values).await?)
}

fn id<T: From<uuid::Uuid>>(row: &Row, column: usize) -> StoreResult<T> {
    let bytes: &[u8] = row.try_get(column)?;
    let uuid = uuid::Uuid::from_slice(bytes).map_err(|error| StoreError::Corrupt(format!("an id: {error}")))?;
    Ok(T::from(uuid))
}

fn optional_id<T: From<uuid::Uuid>>(row: &Row, column: usize) -> StoreResult<Option<T>> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    match bytes {
        None => Ok(None),
        Some(_) => id(row, column).map(Some),
    }
}

fn part(row: &Row, column: usize) -> StoreResult<Part> {
    let part: i16 = row.try_get(column)?;
    u8::try_from(part).map(Part).map_err(|_| StoreError::Corrupt(format!("part {part}")))
}

fn millis(row: &Row, column: usize) -> StoreResult<Option<Millis>> {
    Ok(row.try_get::<_, Option<i64>>(column)?.map(Millis))
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> StoreResult<T> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("{error} in {text}")))
}

fn text_of<T: serde::Serialize>(value: &T) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn number(part: Part) -> i16 {
    i16::from(part.0)
}

/// Locks the lease rows of the parts that a transaction writes to and refuses one that this process has lost.
async fn fence(
    db: &Postgres,
    transaction: &Transaction<'_>,
    lease: &Lease,
    parts: impl IntoIterator<Item = Part>,
) -> StoreResult<()> {
    if !db.options().fence {
        return Ok(());
    }
    let parts: BTreeSet<Part> = parts.into_iter().collect();
    let numbers: Vec<i16> = parts.iter().copied().map(number).collect();
    let sql = "SELECT part, owner, epoch FROM lease WHERE part = ANY($1) ORDER BY part FOR KEY SHARE";
    let rows = query(transaction, sql, &[&numbers]).await?;
    let mut held = BTreeSet::new();
    for row in &rows {
        let (owner, epoch): (Option<i64>, i64) = (row.try_get(1)?, row.try_get(2)?);
        let part = part(row, 0)?;
        if owner == Some(lease.owner) && lease.epoch(part) == Some(epoch) {
            held.insert(part);
        }
    }
    match parts.difference(&held).next() {
        None => Ok(()),
        Some(part) => Err(StoreError::Fenced { part: *part }),
    }
}

/// A problem as it was first found, its payload, the latest words for it, and how often it was found.
type Found<'a> = (&'a NewProblem, &'a Option<String>, &'a str, i64);

/// Writes problems; the same one found again is counted.
async fn problems(client: &impl GenericClient, found: &[(&NewProblem, Option<String>)], at: Millis) -> StoreResult<()> {
    // One statement cannot meet the same row twice: found again within the batch, it is counted here.
    let mut distinct: BTreeMap<(&str, &str), Found<'_>> = BTreeMap::new();
    for (problem, payload) in found {
        let one = distinct.entry((&problem.kind, &problem.key)).or_insert((*problem, payload, "", 0));
        one.2 = &problem.message;
        one.3 += 1;
    }
    let columns = [
        Bytes("id"),
        Text("kind"),
        Text("key"),
        Text("subject"),
        Text("message"),
        Text("remedy"),
        Text("payload"),
        Int("times"),
        Int("created_on"),
        Int("modified_on"),
    ];
    let conflict = "ON CONFLICT (kind, key) DO UPDATE SET times = problem.times + excluded.times, state = 'open',
        message = excluded.message, modified_on = excluded.modified_on";
    let mut rows = Rows::insert("problem", &columns, conflict);
    for (problem, payload, message, times) in distinct.into_values() {
        rows.push(params![
            crate::problem::id_of(&problem.kind, &problem.key),
            &problem.kind,
            &problem.key,
            &problem.subject,
            message,
            &problem.remedy,
            payload.clone(),
            times,
            at,
            at
        ]);
    }
    changing(client, &rows).await?;
    Ok(())
}

/// What becomes of a message.
struct Settled<'a> {
    part: Part,
    message: MessageId,
    state: MessageState,
    detail: Option<&'a str>,
}

/// Sets the states of messages, and of their recipients where they opened a start. Each message once.
async fn settle(client: &impl GenericClient, settled: &[Settled<'_>], at: Millis) -> StoreResult<()> {
    if settled.is_empty() {
        return Ok(());
    }
    let parts: Vec<i16> = settled.iter().map(|one| number(one.part)).collect();
    let ids: Vec<&[u8]> = settled.iter().map(|one| one.message.as_bytes().as_slice()).collect();
    let states: Vec<i16> = settled.iter().map(|one| one.state as i16).collect();
    let details: Vec<Option<&str>> = settled.iter().map(|one| one.detail).collect();
    let opened = query(
        client,
        "UPDATE message SET state = g.state, detail = COALESCE(g.detail, message.detail), modified_on = $5
         FROM unnest($1::smallint[], $2::bytea[], $3::smallint[], $4::text[]) AS g(part, id, state, detail)
         WHERE message.part = g.part AND message.id = g.id
         RETURNING message.part, message.start, message.contact, g.state, g.detail, message.opening",
        &[&parts, &ids, &states, &details, &at.0],
    )
    .await?;
    let mut recipients = Vec::new();
    for row in &opened {
        if let (Some(start), 1) = (optional_id(row, 1)?, row.try_get::<_, i16>(5)?) {
            recipients.push((part(row, 0)?, start, id(row, 2)?, row.try_get(3)?, row.try_get(4)?));
        }
    }
    recipient_states(client, &recipients).await
}

/// A recipient's part, start, contact, state and its detail.
type RecipientState = (Part, StartId, ContactId, i16, Option<String>);

async fn recipient_states(client: &impl GenericClient, states: &[RecipientState]) -> StoreResult<()> {
    let keys = [Int("part"), Bytes("start"), Bytes("contact")];
    let mut rows = Rows::update("recipient", &keys, &[Int("state"), Text("detail")]);
    // The last word on a recipient counts.
    let last: BTreeMap<_, _> =
        states.iter().map(|(part, start, contact, state, detail)| ((part, start, contact), (state, detail))).collect();
    for ((part, start, contact), (state, detail)) in last {
        rows.push(params![*part, *start, *contact, i64::from(*state), detail.clone()]);
    }
    changing(client, &rows).await?;
    Ok(())
}

/// Timers: part, due, contact, kind, reference.
async fn insert_timers(
    client: &impl GenericClient,
    timers: impl IntoIterator<Item = (Part, Millis, ContactId, i16, Vec<u8>)>,
) -> StoreResult<()> {
    let columns = [Int("part"), Int("due"), Bytes("contact"), Int("kind"), Bytes("ref")];
    let mut rows = Rows::insert("timer", &columns, "ON CONFLICT DO NOTHING");
    for (part, due, contact, kind, reference) in timers {
        rows.push(params![part, due, contact, i64::from(kind), reference]);
    }
    changing(client, &rows).await?;
    Ok(())
}

/// Inbox rows: part, id, contact, task.
async fn enqueue(
    client: &impl GenericClient,
    tasks: impl IntoIterator<Item = (Part, MessageId, ContactId, Task)>,
) -> StoreResult<()> {
    let columns = [Int("part"), Int("priority"), Bytes("id"), Bytes("contact"), Text("task")];
    let mut rows = Rows::insert("inbox", &columns, "");
    for (part, id, contact, task) in tasks {
        rows.push(params![part, task.priority(), id, contact, text_of(&task)?]);
    }
    changing(client, &rows).await?;
    Ok(())
}

/// The ids that a statement returned.
async fn returned_ids<T: From<uuid::Uuid>>(client: &impl GenericClient, rows: &Rows) -> StoreResult<Vec<T>> {
    returning(client, rows).await?.iter().map(|row| id(row, 0)).collect()
}
