//! Intake: dedupe, reassembly, contact, message, inbox, consent.

use super::{
    Connection, Consent, ContactId, INCOMPLETE, IdMaker, Inbound, Ingested, MessageId, MessageState, Millis,
    OptionalExtension, Part, StoreError, StoreResult, Task, enqueue, id, params, problem, settle_message, text_of,
};
use crate::ops::SegmentOf;
use crate::reassembly::{self, Kept, SegmentKey};

/// Writes inbound messages: dedupe, reassembly, contact, message, inbox, consent. One answer each, in order.
pub fn ingest(db: &Connection, batch: &[Inbound]) -> StoreResult<Vec<Ingested>> {
    batch.iter().map(|inbound| ingest_one(db, inbound)).collect()
}

fn ingest_one(db: &Connection, inbound: &Inbound) -> StoreResult<Ingested> {
    if let Some(key) = &inbound.dedupe {
        let before = db
            .prepare_cached("SELECT 1 FROM dedupe WHERE part = ?1 AND bucket = ?2 AND hash = ?3")?
            .exists(params![key.part.0, key.bucket - 1, key.hash])?;
        if before
            || db
                .prepare_cached("INSERT OR IGNORE INTO dedupe(part, bucket, hash) VALUES(?1, ?2, ?3)")?
                .execute(params![key.part.0, key.bucket, key.hash])?
                == 0
        {
            return Ok(Ingested::Duplicate);
        }
    }
    let text = match &inbound.segment {
        None => inbound.text.clone(),
        Some(segment) => match reassemble(db, inbound, segment)? {
            Some(text) => text,
            None => return Ok(Ingested::Incomplete),
        },
    };
    let (contact, unknown_sender) = deliver(db, inbound, text)?;
    Ok(Ingested::New { contact, unknown_sender })
}

/// Keeps one part of a long message; the last one gives the whole text.
fn reassemble(db: &Connection, inbound: &Inbound, segment: &SegmentOf) -> StoreResult<Option<String>> {
    let key = SegmentKey::of(inbound, segment);
    let mut kept = kept(db, &key)?;
    if let Some(before) = kept.iter().find(|part| part.sequence == i64::from(segment.sequence)) {
        if before.is_again(inbound, segment) {
            return Ok(None);
        }
        // The sender uses a reference again: what came before belongs to a message whose other parts are lost.
        let earlier = key.incomplete(inbound.id, inbound.new_contact, before.received_on);
        give_up(db, &key, &kept, &earlier, inbound.received_on)?;
        kept.clear();
    }
    db.prepare_cached(
        "INSERT INTO segment(part, address, channel, number, reference, total, sequence, text, coding, octets, received_on)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        key.part,
        key.address,
        key.channel,
        key.number,
        key.reference,
        key.total,
        segment.sequence,
        inbound.text,
        segment.coding.number(),
        segment.octets,
        inbound.received_on.0
    ])?;
    if kept.is_empty() {
        db.prepare_cached("INSERT OR IGNORE INTO timer(part, due, contact, kind, ref) VALUES(?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                key.part,
                reassembly::patience_ends(inbound.received_on).0,
                inbound.new_contact.as_bytes(),
                INCOMPLETE,
                text_of(&key)?.as_bytes()
            ])?;
    }
    if kept.len() + 1 < usize::from(key.total) {
        return Ok(None);
    }
    let parts = self::kept(db, &key)?;
    drop_segments(db, &key)?;
    Ok(Some(reassembly::text_of(&parts)))
}

/// The parts that came so far, in their order.
fn kept(db: &Connection, key: &SegmentKey) -> StoreResult<Vec<Kept>> {
    let mut statement = db.prepare_cached(
        "SELECT sequence, text, coding, octets, received_on FROM segment
         WHERE part = ?1 AND address = ?2 AND channel = ?3 AND number = ?4 AND reference = ?5 AND total = ?6
         ORDER BY sequence",
    )?;
    let key = params![key.part, key.address, key.channel, key.number, key.reference, key.total];
    let parts = statement
        .query_map(key, |row| Ok(Kept::new(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, Millis(row.get(4)?))))?;
    Ok(parts.collect::<Result<_, _>>()?)
}

fn drop_segments(db: &Connection, key: &SegmentKey) -> StoreResult<()> {
    db.prepare_cached(
        "DELETE FROM segment WHERE part = ?1 AND address = ?2 AND channel = ?3 AND number = ?4
           AND reference = ?5 AND total = ?6",
    )?
    .execute(params![key.part, key.address, key.channel, key.number, key.reference, key.total])?;
    Ok(())
}

/// Files a whole inbound message with the contact who has its address, making one if nobody has.
fn deliver(db: &Connection, inbound: &Inbound, text: String) -> StoreResult<(ContactId, bool)> {
    let address_part = Part::of_address(&inbound.address);
    let known: Option<ContactId> = db
        .prepare_cached("SELECT contact FROM urn WHERE part = ?1 AND address = ?2")?
        .query_row(params![address_part.0, inbound.address], |row| id(row, 0))
        .optional()?;
    let contact = known.unwrap_or(inbound.new_contact);
    if known.is_none() {
        make_unknown_sender(db, inbound, address_part)?;
    }
    let contact_part = contact.part();
    db.prepare_cached(
        "INSERT INTO message(part, id, contact, state, channel, address, number, text, created_on, modified_on)
         VALUES(?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?8)",
    )?
    .execute(params![
        contact_part.0,
        inbound.id.as_bytes(),
        contact.as_bytes(),
        inbound.channel.as_bytes(),
        inbound.address,
        inbound.to,
        text,
        inbound.received_on.0
    ])?;
    let task = Task::Message {
        message: inbound.id,
        channel: inbound.channel,
        address: inbound.address.clone(),
        to: inbound.to.clone(),
        text,
        received_on: inbound.received_on,
        dedupe: inbound.dedupe,
        consent: inbound.consent,
    };
    enqueue(db, contact_part, inbound.id, contact, &task)?;
    match inbound.consent {
        Some(Consent::OptOut) => opt_out(db, contact_part, contact, &inbound.address, inbound.received_on)?,
        Some(Consent::OptIn) => {
            opt_in(db, contact, &inbound.address)?;
        }
        None => {}
    }
    Ok((contact, known.is_none()))
}

fn make_unknown_sender(db: &Connection, inbound: &Inbound, address_part: Part) -> StoreResult<()> {
    let contact = inbound.new_contact;
    let urns = text_of(&[&inbound.address])?;
    db.prepare_cached("INSERT INTO contact(part, id, created_on, urns) VALUES(?1, ?2, ?3, ?4)")?.execute(params![
        contact.part().0,
        contact.as_bytes(),
        inbound.received_on.0,
        urns
    ])?;
    db.prepare_cached("INSERT INTO urn(part, address, contact_part, contact) VALUES(?1, ?2, ?3, ?4)")?
        .execute(params![address_part.0, inbound.address, contact.part().0, contact.as_bytes()])?;
    db.prepare_cached(
        "INSERT INTO audience(part, contact, status, created_on, changed_on) VALUES(?1, ?2, 'active', ?3, ?3)",
    )?
    .execute(params![contact.part().0, contact.as_bytes(), inbound.received_on.0])?;
    problem(db, &crate::problem::unknown_sender(&inbound.address, contact), inbound.received_on, None)
}

/// Puts an address on the suppression list and withdraws what waits for its contact.
fn opt_out(db: &Connection, part: Part, contact: ContactId, address: &str, at: Millis) -> StoreResult<()> {
    db.prepare_cached("INSERT OR IGNORE INTO suppression(address, reason, at) VALUES(?1, 'stop', ?2)")?
        .execute(params![address, at.0])?;
    let mut statement = db.prepare_cached(
        "DELETE FROM outbox WHERE part = ?1 AND contact = ?2 AND state IN (1, 9) AND class = 0 RETURNING id",
    )?;
    let withdrawn: Vec<MessageId> =
        statement.query_map(params![part.0, contact.as_bytes()], |row| id(row, 0))?.collect::<Result<_, _>>()?;
    for message in withdrawn {
        settle_message(db, part, message, contact, MessageState::Refused, Some("opted_out"), at)?;
    }
    Ok(())
}

/// Takes all addresses of a contact off the suppression list: a STOP from one of them had stopped the contact.
fn opt_in(db: &Connection, contact: ContactId, address: &str) -> StoreResult<()> {
    let urns: Option<String> = db
        .prepare_cached("SELECT urns FROM contact WHERE part = ?1 AND id = ?2")?
        .query_row(params![contact.part().0, contact.as_bytes()], |row| row.get(0))
        .optional()?;
    let urns: Vec<String> = urns.and_then(|urns| serde_json::from_str(&urns).ok()).unwrap_or_default();
    let mut free = db.prepare_cached("DELETE FROM suppression WHERE address = ?1")?;
    for address in urns.iter().map(|urn| crate::identity(urn)).chain([address]) {
        free.execute([address])?;
    }
    Ok(())
}

/// What is still on its way to contacts who have just opted out: those of `contacts` with a message that is `wired`.
pub fn still_wired(db: &Connection, contacts: &[ContactId]) -> StoreResult<Vec<ContactId>> {
    let mut statement =
        db.prepare_cached("SELECT 1 FROM outbox WHERE part = ?1 AND contact = ?2 AND state = 2 AND class = 0")?;
    let mut wired = Vec::new();
    for contact in contacts {
        if statement.exists(params![contact.part().0, contact.as_bytes()])? {
            wired.push(*contact);
        }
    }
    Ok(wired)
}

/// The parts of a long message that have been waited for.
pub(super) fn incomplete_due(
    db: &Connection,
    new_contact: ContactId,
    key: &[u8],
    now: Millis,
    ids: &mut IdMaker,
) -> StoreResult<()> {
    let key: SegmentKey = serde_json::from_slice(key).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let parts = kept(db, &key)?;
    if !reassembly::is_due(&parts, now) {
        return Ok(());
    }
    let message: MessageId = ids.next(now);
    give_up(db, &key, &parts, &key.incomplete(message, new_contact, now), now)
}

/// The parts of a long message that did come are delivered as they are, and the gap becomes a problem.
fn give_up(db: &Connection, key: &SegmentKey, parts: &[Kept], as_one: &Inbound, now: Millis) -> StoreResult<()> {
    drop_segments(db, key)?;
    let (contact, _) = deliver(db, as_one, reassembly::text_of(parts))?;
    let found = crate::problem::incomplete(as_one.id, contact, &key.address, parts.len(), key.total);
    problem(db, &found, now, None)
}
