//! Timers, and what is forgotten.

use super::inbound::incomplete_due;
use super::{
    Connection, ContactId, INCOMPLETE, IdMaker, Lease, Millis, OptionalExtension, Part, StoreError, StoreResult, Swept,
    Task, UNKNOWN, WAIT, enqueue, id, insert_timer, millis, params,
};

/// Fires the timers that are due, of each part of the lease at most `limit` in all.
pub fn sweep(db: &Connection, lease: &Lease, now: Millis, limit: usize, ids: &mut IdMaker) -> StoreResult<Swept> {
    let mut swept = Swept::default();
    let mut left = limit;
    for (part, _) in &lease.parts {
        let mut statement = db.prepare_cached(
            "SELECT due, contact, kind, ref FROM timer WHERE part = ?1 AND due <= ?2 ORDER BY due LIMIT ?3",
        )?;
        let due: Vec<(i64, ContactId, i64, Vec<u8>)> = statement
            .query_map(params![part.0, now.0, left as i64], |row| {
                Ok((row.get(0)?, id(row, 1)?, row.get(2)?, row.get(3)?))
            })?
            .collect::<Result<_, _>>()?;
        left -= due.len();
        for (at, contact, kind, reference) in due {
            db.prepare_cached(
                "DELETE FROM timer WHERE part = ?1 AND due = ?2 AND contact = ?3 AND kind = ?4 AND ref = ?5",
            )?
            .execute(params![part.0, at, contact.as_bytes(), kind, reference])?;
            match kind {
                WAIT => wait_due(db, *part, contact, Millis(at), now, ids, &mut swept)?,
                UNKNOWN => unknown_due(db, *part, contact, &reference, &mut swept)?,
                INCOMPLETE => incomplete_due(db, contact, &reference, now, ids)?,
                _ => return Err(StoreError::Corrupt(format!("a timer of kind {kind}"))),
            }
        }
        if left == 0 {
            swept.more = true;
            break;
        }
    }
    Ok(swept)
}

/// A waiting session: revision, time-out, expiration, armed timer.
type Wait = (i64, Option<Millis>, Option<Millis>, Option<Millis>);

fn wait_due(
    db: &Connection,
    part: Part,
    contact: ContactId,
    fired: Millis,
    now: Millis,
    ids: &mut IdMaker,
    swept: &mut Swept,
) -> StoreResult<()> {
    let key = params![part.0, contact.as_bytes()];
    let session: Option<Wait> = db
        .prepare_cached(
            "SELECT rev, timeout_on, expires_on, armed_on FROM session
             WHERE part = ?1 AND contact = ?2 AND state IS NOT NULL",
        )?
        .query_row(key, |row| Ok((row.get(0)?, millis(row, 1)?, millis(row, 2)?, millis(row, 3)?)))
        .optional()?;
    let armed = session.and_then(|(_, _, _, armed)| armed);
    if armed != Some(fired) {
        // No session waits, or an earlier timer is armed for it.
        if session.is_none() {
            db.prepare_cached("UPDATE session SET armed_on = NULL WHERE part = ?1 AND contact = ?2")?.execute(key)?;
        }
        return Ok(());
    }
    let Some((rev, timeout_on, expires_on, _)) = session else { return Ok(()) };
    let next = match [timeout_on, expires_on].into_iter().flatten().min() {
        Some(wake) if wake > now => {
            insert_timer(db, part, wake, contact, WAIT, &[])?;
            swept.rearmed += 1;
            Some(wake.0)
        }
        Some(wake) => {
            let task = if timeout_on == Some(wake) { Task::Timeout { rev } } else { Task::Expiration { rev } };
            enqueue(db, part, ids.next(now), contact, &task)?;
            swept.fired += 1;
            None
        }
        None => None,
    };
    db.prepare_cached("UPDATE session SET armed_on = ?3 WHERE part = ?1 AND contact = ?2")?.execute(params![
        part.0,
        contact.as_bytes(),
        next
    ])?;
    Ok(())
}

/// An unknown message that nothing has settled goes out once more.
fn unknown_due(db: &Connection, part: Part, contact: ContactId, message: &[u8], swept: &mut Swept) -> StoreResult<()> {
    let queued = db
        .prepare_cached(
            "UPDATE outbox SET state = 1, resent = 1, owner = NULL
             WHERE part = ?1 AND contact = ?2 AND id = ?3 AND state = 6",
        )?
        .execute(params![part.0, contact.as_bytes(), message])?;
    if queued == 1 {
        db.prepare_cached("UPDATE message SET state = 1, resent = 1 WHERE part = ?1 AND id = ?2")?
            .execute(params![part.0, message])?;
        swept.resent += 1;
    }
    Ok(())
}

/// Forgets what deduplication and parked receipts no longer need. Gives the number of rows.
pub fn forget(db: &Connection, part: Part, bucket: i64, receipts_before: Millis) -> StoreResult<usize> {
    let keys = db
        .prepare_cached("DELETE FROM dedupe WHERE part = ?1 AND bucket < ?2")?
        .execute(params![part.0, bucket - 1])?;
    let receipts = db
        .prepare_cached("DELETE FROM receipt WHERE part = ?1 AND at < ?2")?
        .execute(params![part.0, receipts_before.0])?;
    Ok(keys + receipts)
}
