//! Timers, and what is forgotten.

use super::inbound::incomplete_due;
use super::{
    Bytes, INCOMPLETE, Int, MessageState, Postgres, Rows, Transaction, UNKNOWN, WAIT, changing, enqueue, execute,
    fence, id, insert_timers, millis, number, params, part, query, retrying, returned_ids, returning,
};
use crate::ops::{Lease, Swept, Task};
use crate::{StoreError, StoreResult};
use base::{ContactId, IdMaker, MessageId, Millis, Part};
use std::collections::{HashMap, HashSet};

/// A timer that was due: part, due, contact, kind, reference.
type Due = (Part, Millis, ContactId, i16, Vec<u8>);

/// Fires the timers that are due, in all parts of the lease at most `limit`.
pub async fn sweep(db: &Postgres, lease: &Lease, now: Millis, limit: usize, ids: &mut IdMaker) -> StoreResult<Swept> {
    retrying!(sweep_once(db, lease, now, limit, &mut *ids))
}

async fn sweep_once(db: &Postgres, lease: &Lease, now: Millis, limit: usize, ids: &mut IdMaker) -> StoreResult<Swept> {
    let parts: Vec<i16> = lease.parts.iter().map(|(part, _)| number(*part)).collect();
    let mut client = db.hot().await?;
    let due = query(
        &client,
        "SELECT t.part, t.due, t.contact, t.kind, t.ref FROM unnest($1::smallint[]) AS p(part),
           LATERAL (SELECT part, due, contact, kind, ref FROM timer WHERE timer.part = p.part AND timer.due <= $2
                    ORDER BY timer.due LIMIT $3) AS t
         LIMIT $3",
        &[&parts, &now.0, &(limit as i64)],
    )
    .await?;
    let mut swept = Swept { more: due.len() == limit, ..Swept::default() };
    if due.is_empty() {
        return Ok(swept);
    }
    let mut keys = due.iter().map(timer).collect::<StoreResult<Vec<Due>>>()?;
    keys.sort_unstable();
    let transaction = client.transaction().await?;
    fence(db, &transaction, lease, keys.iter().map(|(part, ..)| *part)).await?;
    let columns = [Int("part"), Int("due"), Bytes("contact"), Int("kind"), Bytes("ref")];
    let mut rows =
        Rows::delete("timer", &columns).tail("RETURNING timer.part, timer.due, timer.contact, timer.kind, timer.ref");
    for (part, due, contact, kind, reference) in keys {
        rows.push(params![part, due, contact, i64::from(kind), reference]);
    }
    // Another sweep of this process may have taken some.
    let mut fired = returning(&transaction, &rows).await?.iter().map(timer).collect::<StoreResult<Vec<Due>>>()?;
    fired.sort_unstable();
    let of = |wanted: i16| fired.iter().filter(move |(_, _, _, kind, _)| *kind == wanted);
    if let Some((.., kind, _)) = fired.iter().find(|(.., kind, _)| ![WAIT, UNKNOWN, INCOMPLETE].contains(kind)) {
        return Err(StoreError::Corrupt(format!("a timer of kind {kind}")));
    }
    waits_due(&transaction, &of(WAIT).collect::<Vec<_>>(), now, ids, &mut swept).await?;
    swept.resent = unknown_due(&transaction, &of(UNKNOWN).collect::<Vec<_>>()).await?;
    for (_, _, contact, _, reference) in of(INCOMPLETE) {
        incomplete_due(&transaction, *contact, reference, now, ids).await?;
    }
    transaction.commit().await?;
    Ok(swept)
}

fn timer(row: &tokio_postgres::Row) -> StoreResult<Due> {
    Ok((part(row, 0)?, Millis(row.try_get(1)?), id(row, 2)?, row.try_get(3)?, row.try_get(4)?))
}

/// A waiting session: revision, time-out, expiration, armed timer.
struct Wait {
    rev: i64,
    timeout_on: Option<Millis>,
    expires_on: Option<Millis>,
    armed_on: Option<Millis>,
    waiting: bool,
    changed: bool,
}

async fn waits_due(
    transaction: &Transaction<'_>,
    due: &[&Due],
    now: Millis,
    ids: &mut IdMaker,
    swept: &mut Swept,
) -> StoreResult<()> {
    if due.is_empty() {
        return Ok(());
    }
    let parts: Vec<i16> = due.iter().map(|(part, ..)| number(*part)).collect();
    let contacts: Vec<&[u8]> = due.iter().map(|(_, _, contact, ..)| contact.as_bytes().as_slice()).collect();
    // A step that loaded the session before finds another armed timer when it commits, and is made again.
    let rows = query(
        transaction,
        "SELECT s.contact, s.rev, s.timeout_on, s.expires_on, s.armed_on, s.state IS NOT NULL
         FROM unnest($1::smallint[], $2::bytea[]) AS g(part, contact)
         JOIN session s ON s.part = g.part AND s.contact = g.contact FOR NO KEY UPDATE OF s",
        &[&parts, &contacts],
    )
    .await?;
    let mut sessions: HashMap<ContactId, Wait> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let wait = Wait {
            rev: row.try_get(1)?,
            timeout_on: millis(row, 2)?,
            expires_on: millis(row, 3)?,
            armed_on: millis(row, 4)?,
            waiting: row.try_get(5)?,
            changed: false,
        };
        sessions.insert(id(row, 0)?, wait);
    }
    let mut tasks = Vec::new();
    let mut timers = Vec::new();
    for (part, fired, contact, ..) in due {
        let Some(session) = sessions.get_mut(contact) else { continue };
        if !session.waiting {
            session.changed |= session.armed_on.take().is_some();
            continue;
        }
        if session.armed_on != Some(*fired) {
            // An earlier timer is armed for it.
            continue;
        }
        session.changed = true;
        session.armed_on = match [session.timeout_on, session.expires_on].into_iter().flatten().min() {
            Some(wake) if wake > now => {
                timers.push((*part, wake, *contact, WAIT, Vec::new()));
                swept.rearmed += 1;
                Some(wake)
            }
            Some(wake) => {
                let rev = session.rev;
                let timeout = session.timeout_on == Some(wake);
                let task = if timeout { Task::Timeout { rev } } else { Task::Expiration { rev } };
                tasks.push((*part, ids.next::<MessageId>(now), *contact, task));
                swept.fired += 1;
                None
            }
            None => None,
        };
    }
    let mut rows = Rows::update("session", &[Int("part"), Bytes("contact")], &[Int("armed_on")]);
    for (contact, session) in sessions.iter().filter(|(_, session)| session.changed) {
        rows.push(params![contact.part(), *contact, session.armed_on]);
    }
    changing(transaction, &rows).await?;
    enqueue(transaction, tasks).await?;
    insert_timers(transaction, timers).await
}

/// Unknown messages that nothing has settled go out once more; gives how many.
async fn unknown_due(transaction: &Transaction<'_>, due: &[&Due]) -> StoreResult<usize> {
    let keys = [Int("part"), Bytes("contact"), Bytes("id")];
    let mut rows = Rows::update("outbox", &keys, &[Int("state"), Int("resent"), Int("owner")])
        .tail("AND outbox.state = 6 RETURNING outbox.id");
    let queued = MessageState::Queued as i64;
    for (part, _, contact, _, message) in due {
        rows.push(params![*part, *contact, message.clone(), queued, 1_i64, None::<i64>]);
    }
    let resent: HashSet<MessageId> = returned_ids(transaction, &rows).await?.into_iter().collect();
    let mut rows = Rows::update("message", &[Int("part"), Bytes("id")], &[Int("state"), Int("resent")]);
    for (part, _, _, _, message) in due {
        if let Some(message) = MessageId::from_slice(message).filter(|message| resent.contains(message)) {
            rows.push(params![*part, message, queued, 1_i64]);
        }
    }
    changing(transaction, &rows).await?;
    Ok(resent.len())
}

/// Forgets what deduplication and parked receipts no longer need. Gives the number of rows.
pub async fn forget(db: &Postgres, part: Part, bucket: i64, receipts_before: Millis) -> StoreResult<usize> {
    let client = db.hot().await?;
    let part = number(part);
    let keys = execute(&client, "DELETE FROM dedupe WHERE part = $1 AND bucket < $2", &[&part, &(bucket - 1)]).await?;
    let receipts =
        execute(&client, "DELETE FROM receipt WHERE part = $1 AND at < $2", &[&part, &receipts_before.0]).await?;
    Ok((keys + receipts) as usize)
}
