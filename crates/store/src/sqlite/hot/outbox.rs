//! The way out: `wired`, submitted, unknown.

use super::receipts::receipt_for;
use super::{
    Class, Connection, ContactId, DedupeKey, HashMap, Lease, MessageId, MessageState, Millis, OptionalExtension,
    Outcome, Part, Priority, REFUSALS, ReceiptState, StartId, StoreResult, Submitted, UNKNOWN, UnknownPolicy,
    WireRequest, Wired, any_suppressed, id, insert_timer, optional_id, params, part, problem, recipient_state,
    settle_message, suppressed,
};

/// The state of an outbox row that is set aside while its start is paused.
const ASIDE: i64 = 9;

/// A message at the head of a channel's queue.
struct Candidate {
    part: Part,
    contact: ContactId,
    id: MessageId,
    class: i64,
    address: String,
    reference: u16,
    start: Option<StartId>,
    valid_until: Option<i64>,
    answers: Option<DedupeKey>,
    resend_after: Option<i64>,
}

/// Marks up to `limit` messages of a channel `wired`, replies first, one a contact, and gives them to be submitted.
/// The gate's second pass is here: suppression, status of the contact, state of the start, validity, quiet hours.
pub fn wire(db: &Connection, lease: &Lease, request: &WireRequest) -> StoreResult<Vec<Wired>> {
    let mut statement = db.prepare_cached(
        "SELECT o.part, o.contact, o.id, o.class, o.address, o.reference, o.start, o.valid_until, o.answers, o.resend_after
         FROM outbox o
         WHERE o.channel = ?1 AND o.state = 1 AND o.priority <= ?2
           AND NOT EXISTS (SELECT 1 FROM outbox w WHERE w.part = o.part AND w.contact = o.contact
             AND (w.state = 2 OR w.state = 6 AND w.resend_after IS NOT NULL
                  OR w.state = 1 AND (w.priority, w.id) < (o.priority, o.id)))
         ORDER BY o.priority, o.id LIMIT ?3",
    )?;
    let highest = if request.bulk { Priority::Bulk } else { Priority::Reply };
    let candidates: Vec<Candidate> = statement
        .query_map(params![request.channel.as_bytes(), highest as i64, request.limit as i64], |row| {
            Ok(Candidate {
                part: part(row, 0)?,
                contact: id(row, 1)?,
                id: id(row, 2)?,
                class: row.get(3)?,
                address: row.get(4)?,
                reference: row.get(5)?,
                start: optional_id(row, 6)?,
                valid_until: row.get(7)?,
                answers: row.get::<_, Option<String>>(8)?.and_then(|text| serde_json::from_str(&text).ok()),
                resend_after: row.get(9)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    drop(statement);
    let mut starts: HashMap<StartId, String> = HashMap::new();
    let mut wired = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        if let Some(one) = wire_one(db, lease, request.now, candidate, &mut starts)? {
            wired.push(one);
        }
    }
    Ok(wired)
}

/// Why a contact may not be written to now: its status, or a STOP from any of its addresses. The one confirmation of an
/// opt-out passes the opt-out that it confirms.
fn contact_refusal(db: &Connection, candidate: &Candidate) -> StoreResult<Option<&'static str>> {
    let contact: Option<(String, String)> = db
        .prepare_cached("SELECT status, urns FROM contact WHERE part = ?1 AND id = ?2")?
        .query_row(params![candidate.part.0, candidate.contact.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (status, urns) = contact.unwrap_or_default();
    let normal = candidate.class == Class::Normal as i64;
    Ok(match status.as_str() {
        "blocked" => Some("blocked"),
        "archived" => Some("archived"),
        "stopped" if normal => Some("opted_out"),
        _ if normal && (suppressed(db, &candidate.address)? || any_suppressed(db, &urns)?) => Some("opted_out"),
        _ => None,
    })
}

fn wire_one(
    db: &Connection,
    lease: &Lease,
    now: Millis,
    candidate: Candidate,
    starts: &mut HashMap<StartId, String>,
) -> StoreResult<Option<Wired>> {
    let start_state = match candidate.start {
        None => "",
        Some(start) => {
            if let std::collections::hash_map::Entry::Vacant(entry) = starts.entry(start) {
                let state: Option<String> = db
                    .prepare_cached("SELECT state FROM start WHERE id = ?1")?
                    .query_row([start.as_bytes()], |row| row.get(0))
                    .optional()?;
                entry.insert(state.unwrap_or_default());
            }
            starts.get(&start).map_or("", String::as_str)
        }
    };
    let refusal = contact_refusal(db, &candidate)?;
    let refusal = if refusal.is_some() {
        refusal
    } else if start_state == "cancelled" {
        Some("cancelled")
    } else if candidate.valid_until.is_some_and(|until| until < now.0) {
        Some("expired")
    } else {
        None
    };
    let key = params![candidate.part.0, candidate.contact.as_bytes(), candidate.id.as_bytes()];
    if let Some(reason) = refusal {
        db.prepare_cached("DELETE FROM outbox WHERE part = ?1 AND contact = ?2 AND id = ?3")?.execute(key)?;
        let (state, reason) = (MessageState::Refused, Some(reason));
        settle_message(db, candidate.part, candidate.id, candidate.contact, state, reason, now)?;
        return Ok(None);
    }
    if start_state == "paused" {
        db.prepare_cached("UPDATE outbox SET state = ?4 WHERE part = ?1 AND contact = ?2 AND id = ?3")?
            .execute(params![candidate.part.0, candidate.contact.as_bytes(), candidate.id.as_bytes(), ASIDE])?;
        return Ok(None);
    }
    let marked = db
        .prepare_cached(
            "UPDATE outbox SET state = 2, owner = ?4, wired_on = ?5
             WHERE part = ?1 AND contact = ?2 AND id = ?3 AND state = 1",
        )?
        .execute(params![
            candidate.part.0,
            candidate.contact.as_bytes(),
            candidate.id.as_bytes(),
            lease.owner,
            now.0
        ])?;
    if marked != 1 {
        return Ok(None);
    }
    let wired = db
        .prepare_cached("SELECT text, segments, number, created_on FROM message WHERE part = ?1 AND id = ?2")?
        .query_row(params![candidate.part.0, candidate.id.as_bytes()], |row| {
            Ok(Wired {
                part: candidate.part,
                id: candidate.id,
                contact: candidate.contact,
                address: candidate.address,
                from: row.get(2)?,
                text: row.get(0)?,
                reference: candidate.reference,
                segments: row.get(1)?,
                created_on: Millis(row.get(3)?),
                answers: candidate.answers,
                unknown_policy: candidate.resend_after.map_or(UnknownPolicy::Hold, UnknownPolicy::ResendAfter),
            })
        })?;
    Ok(Some(wired))
}

/// Records what became of submits.
pub fn submitted(db: &Connection, batch: &[Submitted]) -> StoreResult<()> {
    batch.iter().try_for_each(|one| submitted_one(db, one))
}

fn submitted_one(db: &Connection, one: &Submitted) -> StoreResult<()> {
    match &one.outcome {
        Outcome::Requeue { refused } => {
            let refusals: Option<i64> = db
                .prepare_cached(
                    "UPDATE outbox SET state = 1, owner = NULL, refusals = refusals + ?4
                     WHERE part = ?1 AND contact = ?2 AND id = ?3 AND state = 2 RETURNING refusals",
                )?
                .query_row(params![one.part.0, one.contact.as_bytes(), one.id.as_bytes(), refused.is_some()], |row| {
                    row.get(0)
                })
                .optional()?;
            if refusals.is_some_and(|refusals| refusals >= REFUSALS) {
                db.prepare_cached("DELETE FROM outbox WHERE part = ?1 AND contact = ?2 AND id = ?3")?
                    .execute(params![one.part.0, one.contact.as_bytes(), one.id.as_bytes()])?;
                let state = MessageState::Failed;
                settle_message(db, one.part, one.id, one.contact, state, refused.as_deref(), one.at)?;
            }
        }
        Outcome::Rejected { reason } => {
            if leave_outbox(db, one)? {
                let state = MessageState::Failed;
                settle_message(db, one.part, one.id, one.contact, state, Some(reason), one.at)?;
            }
        }
        Outcome::Unknown { external_ids } => become_unknown(db, one, external_ids)?,
        Outcome::Accepted { external_ids, receipt, clear } => {
            if leave_outbox(db, one)? {
                accepted(db, one, external_ids, *receipt)?;
            }
            if let Some(key) = clear {
                db.prepare_cached("DELETE FROM dedupe WHERE part = ?1 AND bucket = ?2 AND hash = ?3")?
                    .execute(params![key.part.0, key.bucket, key.hash])?;
            }
        }
    }
    Ok(())
}

/// Takes a message that was on its way out of the outbox. False when it had been settled before.
fn leave_outbox(db: &Connection, one: &Submitted) -> StoreResult<bool> {
    let left = db
        .prepare_cached("DELETE FROM outbox WHERE part = ?1 AND contact = ?2 AND id = ?3 AND state IN (2, 6)")?
        .execute(params![one.part.0, one.contact.as_bytes(), one.id.as_bytes()])?;
    Ok(left == 1)
}

fn accepted(db: &Connection, one: &Submitted, external_ids: &[String], receipt: bool) -> StoreResult<()> {
    let (start, opening): (Option<StartId>, bool) = db
        .prepare_cached(
            "UPDATE message SET state = 3, modified_on = ?3, external_ids = ?4, delivered = delivered + segments - ?5
             WHERE part = ?1 AND id = ?2 RETURNING start, opening",
        )?
        .query_row(
            // A channel may need more or fewer pieces than the text has segments; each piece has one receipt.
            params![one.part.0, one.id.as_bytes(), one.at.0, external_ids.join(" "), external_ids.len() as i64],
            |row| Ok((optional_id(row, 0)?, row.get(1)?)),
        )?;
    if let (Some(start), true) = (start, opening) {
        recipient_state(db, one.part, start, one.contact, MessageState::Sent, None)?;
    }
    if receipt {
        expect_receipts(db, one, external_ids)?;
    }
    Ok(())
}

/// Notes which receipts will come, and applies those that came before the submit's answer.
fn expect_receipts(db: &Connection, one: &Submitted, external_ids: &[String]) -> StoreResult<()> {
    let address_part = Part::of_address(&one.address).0;
    for external in external_ids {
        let parked: Option<(i64, Option<String>)> = db
            .prepare_cached(
                "DELETE FROM receipt WHERE part = ?1 AND channel = ?2 AND external_id = ?3 AND message IS NULL
                 RETURNING state, detail",
            )?
            .query_row(params![address_part, one.channel.as_bytes(), external], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match parked {
            Some((state, detail)) => {
                let state = if state == MessageState::Delivered as i64 {
                    ReceiptState::Delivered
                } else {
                    ReceiptState::Failed
                };
                let detail = detail.unwrap_or_default();
                receipt_for(db, one.part, one.id, one.contact, state, &detail, one.at)?;
            }
            None => {
                db.prepare_cached(
                    "INSERT OR REPLACE INTO receipt(part, channel, external_id, message_part, contact, message, at)
                     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    address_part,
                    one.channel.as_bytes(),
                    external,
                    one.part.0,
                    one.contact.as_bytes(),
                    one.id.as_bytes(),
                    one.at.0
                ])?;
            }
        }
    }
    Ok(())
}

/// Marks a wired message `unknown`, with what settles it if no receipt does.
fn become_unknown(db: &Connection, one: &Submitted, external_ids: &[String]) -> StoreResult<()> {
    let policy: Option<(Option<i64>, bool)> = db
        .prepare_cached(
            "UPDATE outbox SET state = 6 WHERE part = ?1 AND contact = ?2 AND id = ?3 AND state = 2
             RETURNING resend_after, resent",
        )?
        .query_row(params![one.part.0, one.contact.as_bytes(), one.id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((resend_after, resent)) = policy else { return Ok(()) };
    settle_message(db, one.part, one.id, one.contact, MessageState::Unknown, Some("unknown"), one.at)?;
    expect_receipts(db, one, external_ids)?;
    match resend_after {
        Some(after) if !resent => {
            let due = Millis(one.at.0 + after);
            insert_timer(db, one.part, due, one.contact, UNKNOWN, one.id.as_bytes())
        }
        _ => {
            // Nothing sends it again by itself, so it must not hold back what follows.
            db.prepare_cached("UPDATE outbox SET resend_after = NULL WHERE part = ?1 AND contact = ?2 AND id = ?3")?
                .execute(params![one.part.0, one.contact.as_bytes(), one.id.as_bytes()])?;
            problem(db, &crate::unknown_problem(one.id, one.contact), one.at, None)
        }
    }
}

/// Marks as `unknown` every message of the lease's parts that another process, or an earlier life of this one, had
/// marked `wired`. Gives their number.
pub fn recover(db: &Connection, lease: &Lease, now: Millis) -> StoreResult<usize> {
    let mut lost = Vec::new();
    for (part, _) in &lease.parts {
        let mut statement = db.prepare_cached(
            "SELECT contact, id, address, channel FROM outbox
             WHERE part = ?1 AND state = 2 AND (owner IS NULL OR owner <> ?2)",
        )?;
        let rows = statement.query_map(params![part.0, lease.owner], |row| {
            Ok(Submitted {
                part: *part,
                contact: id(row, 0)?,
                id: id(row, 1)?,
                address: row.get(2)?,
                channel: id(row, 3)?,
                outcome: Outcome::Unknown { external_ids: Vec::new() },
                at: now,
            })
        })?;
        for row in rows {
            lost.push(row?);
        }
    }
    submitted(db, &lost)?;
    Ok(lost.len())
}
