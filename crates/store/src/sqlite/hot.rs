//! The loop's statements on SQLite. Each function runs inside one write (see [`super::Sqlite::write`]) or read.
//!
//! Statements marked `part = ` touch one part each, as they must on every engine.

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
/// How long the parts of a long inbound message are waited for.
const REASSEMBLY_MILLIS: i64 = 10 * 60 * 1_000;
/// The state of an outbox row that is set aside while its start is paused.
const ASIDE: i64 = 9;

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
    let text = match inbound.segment {
        None => inbound.text.clone(),
        Some(segment) => {
            let address_part = Part::of_address(&inbound.address).0;
            db.prepare_cached(
                "INSERT OR IGNORE INTO segment(part, address, channel, number, reference, total, sequence, text, received_on)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                address_part,
                inbound.address,
                inbound.channel.as_bytes(),
                inbound.to,
                segment.reference,
                segment.total,
                segment.sequence,
                inbound.text,
                inbound.received_on.0
            ])?;
            let key = SegmentKey {
                part: address_part,
                address: inbound.address.clone(),
                channel: *inbound.channel.as_bytes(),
                number: inbound.to.clone(),
                reference: segment.reference,
                total: segment.total,
            };
            let texts = segment_texts(db, &key)?;
            if texts.len() < usize::from(segment.total) {
                if texts.len() == 1 {
                    db.prepare_cached(
                        "INSERT OR IGNORE INTO timer(part, due, contact, kind, ref) VALUES(?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![
                        address_part,
                        inbound.received_on.0 + REASSEMBLY_MILLIS,
                        inbound.new_contact.as_bytes(),
                        INCOMPLETE,
                        text_of(&key)?.as_bytes()
                    ])?;
                }
                return Ok(Ingested::Incomplete);
            }
            drop_segments(db, &key)?;
            texts.concat()
        }
    };
    let (contact, unknown_sender) = deliver(db, inbound, text)?;
    Ok(Ingested::New { contact, unknown_sender })
}

/// What the parts of one long inbound message have in common.
#[derive(serde::Serialize, serde::Deserialize)]
struct SegmentKey {
    part: u8,
    address: String,
    channel: [u8; 16],
    number: String,
    reference: u16,
    total: u8,
}

fn segment_texts(db: &Connection, key: &SegmentKey) -> StoreResult<Vec<String>> {
    let mut statement = db.prepare_cached(
        "SELECT text FROM segment WHERE part = ?1 AND address = ?2 AND channel = ?3 AND number = ?4
           AND reference = ?5 AND total = ?6 ORDER BY sequence",
    )?;
    let key = params![key.part, key.address, key.channel, key.number, key.reference, key.total];
    let texts = statement.query_map(key, |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(texts)
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
            db.prepare_cached("DELETE FROM suppression WHERE address = ?1")?.execute([&inbound.address])?;
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
    db.prepare_cached("INSERT INTO audience(part, contact, status, created_day) VALUES(?1, ?2, 'active', ?3)")?
        .execute(params![contact.part().0, contact.as_bytes(), inbound.received_on.0.div_euclid(86_400_000)])?;
    problem(
        db,
        &NewProblem {
            kind: "unknown_sender".into(),
            key: inbound.address.clone(),
            subject: contact.to_string(),
            message: format!("{} wrote to us and belongs to no worker", inbound.address),
            remedy: "Add the number to the worker who has it at the source and import again.".into(),
        },
        inbound.received_on,
        None,
    )
}

fn enqueue(db: &Connection, part: Part, row: MessageId, contact: ContactId, task: &Task) -> StoreResult<()> {
    db.prepare_cached("INSERT INTO inbox(part, priority, id, contact, task) VALUES(?1, ?2, ?3, ?4, ?5)")?
        .execute(params![part.0, task.priority(), row.as_bytes(), contact.as_bytes(), text_of(task)?])?;
    Ok(())
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

/// Reads up to `limit` inbox rows of the lease's parts, beginning at part `from`, with all that handling them needs.
pub fn claim(db: &Connection, lease: &Lease, from: Part, limit: usize) -> StoreResult<Vec<Mailbox>> {
    let (Some((first, _)), Some((last, _))) = (lease.parts.first(), lease.parts.last()) else {
        return Ok(Vec::new());
    };
    let mut boxes: Vec<Mailbox> = Vec::new();
    let mut at: HashMap<ContactId, usize> = HashMap::new();
    let mut statement = db.prepare_cached(
        "SELECT part, id, contact, task FROM inbox WHERE part >= ?1 AND part <= ?2
         ORDER BY part, priority, id LIMIT ?3",
    )?;
    let from = from.clamp(*first, *last);
    let mut take = |low: Part, high: Part, limit: usize| -> StoreResult<usize> {
        let mut rows = statement.query(params![low.0, high.0, limit as i64])?;
        let mut taken = 0;
        while let Some(row) = rows.next()? {
            taken += 1;
            let contact: ContactId = id(row, 2)?;
            let inbox = InboxRow { id: id(row, 1)?, task: json(row, 3)? };
            if let Some(index) = at.get(&contact) {
                boxes[*index].tasks.push(inbox);
            } else {
                at.insert(contact, boxes.len());
                boxes.push(Mailbox {
                    part: part(row, 0)?,
                    contact,
                    row: ContactRow::default(),
                    session: SessionRow::default(),
                    suppressed: false,
                    tasks: vec![inbox],
                });
            }
        }
        Ok(taken)
    };
    let taken = take(from, *last, limit)?;
    if taken < limit && from > *first {
        take(*first, Part(from.0 - 1), limit - taken)?;
    }
    drop(statement);
    for mailbox in &mut boxes {
        load(db, mailbox)?;
    }
    Ok(boxes)
}

/// Loads the contact and the conversation of a mailbox.
fn load(db: &Connection, mailbox: &mut Mailbox) -> StoreResult<()> {
    let key = params![mailbox.part.0, mailbox.contact.as_bytes()];
    let row = db
        .prepare_cached(
            "SELECT name, language, status, timezone, created_on, last_seen_on, urns, groups, fields, attributes
             FROM contact WHERE part = ?1 AND id = ?2",
        )?
        .query_row(key, |row| {
            Ok(ContactRow {
                name: row.get(0)?,
                language: row.get(1)?,
                status: row.get(2)?,
                timezone: row.get(3)?,
                created_on: Millis(row.get(4)?),
                last_seen_on: millis(row, 5)?,
                urns: row.get(6)?,
                groups: row.get(7)?,
                fields: row.get(8)?,
                worker: row.get(9)?,
            })
        })
        .optional()?;
    mailbox.row = row.ok_or_else(|| StoreError::Corrupt(format!("contact {} has no row", mailbox.contact)))?;
    mailbox.suppressed = any_suppressed(db, &mailbox.row.urns)?;
    let session = db
        .prepare_cached(
            "SELECT rev, state, flow, start, timeout_on, expires_on, armed_on, last_seen_on, unsolicited, reply_from,
                    reply_channel
             FROM session WHERE part = ?1 AND contact = ?2",
        )?
        .query_row(key, |row| {
            Ok(SessionRow {
                rev: row.get(0)?,
                state: row.get(1)?,
                flow: optional_id(row, 2)?,
                start: optional_id(row, 3)?,
                timeout_on: millis(row, 4)?,
                expires_on: millis(row, 5)?,
                armed_on: millis(row, 6)?,
                last_seen_on: millis(row, 7)?,
                unsolicited: row.get(8)?,
                reply_from: row.get(9)?,
                reply_channel: optional_id(row, 10)?,
            })
        })
        .optional()?;
    mailbox.session = session.unwrap_or_else(|| SessionRow { unsolicited: "[]".into(), ..SessionRow::default() });
    Ok(())
}

/// Commits steps. A step whose inbox rows or revision are not what was loaded fails the whole batch.
pub fn commit_steps(db: &Connection, steps: &[Step]) -> StoreResult<()> {
    steps.iter().try_for_each(|step| commit_step(db, step))
}

fn commit_step(db: &Connection, step: &Step) -> StoreResult<()> {
    let mut answered = false;
    for (priority, row) in &step.done {
        let deleted = db
            .prepare_cached("DELETE FROM inbox WHERE part = ?1 AND priority = ?2 AND id = ?3")?
            .execute(params![step.part.0, priority, row.as_bytes()])?;
        if deleted != 1 {
            return Err(StoreError::Conflict { contact: step.contact });
        }
        answered |= *priority == 0;
    }
    let armed_on = arm(db, step)?;
    let session = &step.session;
    let written = db
        .prepare_cached(
            "INSERT INTO session(part, contact, rev, state, flow, start, timeout_on, expires_on, armed_on, last_seen_on,
                                 unsolicited, reply_from, reply_channel)
             VALUES(?1, ?2, ?3 + 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT(part, contact) DO UPDATE SET rev = ?3 + 1, state = ?4, flow = ?5, start = ?6, timeout_on = ?7,
               expires_on = ?8, armed_on = ?9, last_seen_on = ?10, unsolicited = ?11, reply_from = ?12,
               reply_channel = ?13
             WHERE rev = ?3",
        )?
        .execute(params![
            step.part.0,
            step.contact.as_bytes(),
            step.rev,
            session.state,
            session.flow.as_ref().map(FlowId::as_bytes),
            session.start.as_ref().map(StartId::as_bytes),
            session.timeout_on.map(|at| at.0),
            session.expires_on.map(|at| at.0),
            armed_on.map(|at| at.0),
            session.last_seen_on.map(|at| at.0),
            session.unsolicited,
            session.reply_from,
            session.reply_channel.as_ref().map(ChannelId::as_bytes)
        ])?;
    if written != 1 {
        return Err(StoreError::Conflict { contact: step.contact });
    }
    if answered {
        settle_answered(db, step)?;
    }
    patch_contact(db, step)?;
    for run in &step.runs {
        db.prepare_cached(
            "INSERT INTO run(part, id, contact, session, flow, start, status, results, created_on, modified_on, exited_on)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT(part, id) DO UPDATE SET status = ?7, results = ?8, modified_on = ?10, exited_on = ?11",
        )?
        .execute(params![
            step.part.0,
            run.id.as_bytes(),
            step.contact.as_bytes(),
            run.session.as_bytes(),
            run.flow.as_bytes(),
            run.start.as_ref().map(StartId::as_bytes),
            run.status,
            run.results,
            run.created_on.0,
            run.modified_on.0,
            run.exited_on.map(|at| at.0)
        ])?;
    }
    for message in &step.messages {
        insert_outgoing(db, step.part, step.contact, message)?;
    }
    for count in &step.counts {
        db.prepare_cached(
            "INSERT INTO count(part, scope, question, answer, n) VALUES(?1, ?2, ?3, ?4, ?5)
             ON CONFLICT(part, scope, question, answer) DO UPDATE SET n = n + ?5",
        )?
        .execute(params![step.part.0, count.scope.as_bytes(), count.question, count.answer, count.by])?;
    }
    for (start, progress, at) in &step.progress {
        let sql = match progress {
            Progress::Responded => {
                "UPDATE recipient SET responded_on = COALESCE(responded_on, ?4)
                 WHERE part = ?1 AND start = ?2 AND contact = ?3"
            }
            Progress::Completed => {
                "UPDATE recipient SET completed_on = COALESCE(completed_on, ?4)
                 WHERE part = ?1 AND start = ?2 AND contact = ?3"
            }
        };
        db.prepare_cached(sql)?.execute(params![step.part.0, start.as_bytes(), step.contact.as_bytes(), at.0])?;
    }
    for (start, reason) in &step.left_out {
        recipient_state(db, step.part, *start, step.contact, MessageState::Refused, Some(reason))?;
    }
    step.problems.iter().try_for_each(|found| problem(db, found, step.at, None))
}

/// Arms a timer if the wait ends before the armed one fires. One that fires too early is armed again by the sweep, so
/// that the usual step, which only moves the end of the wait later, writes no timer at all.
fn arm(db: &Connection, step: &Step) -> StoreResult<Option<Millis>> {
    let wake = [step.session.timeout_on, step.session.expires_on].into_iter().flatten().min();
    match (wake, step.session.armed_on) {
        (Some(wake), armed) if armed.is_none_or(|armed| wake < armed) => {
            insert_timer(db, step.part, wake, step.contact, WAIT, &[])?;
            Ok(Some(wake))
        }
        (_, armed) => Ok(armed),
    }
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

/// A contact who answers has what was sent before: an `unknown` message of theirs is settled by that.
fn settle_answered(db: &Connection, step: &Step) -> StoreResult<()> {
    let mut statement = db.prepare_cached(
        "DELETE FROM outbox WHERE part = ?1 AND contact = ?2 AND state = 6 AND wired_on <= ?3 RETURNING id",
    )?;
    let seen = step.session.last_seen_on.map_or(0, |at| at.0);
    let settled: Vec<MessageId> = statement
        .query_map(params![step.part.0, step.contact.as_bytes(), seen], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    for message in settled {
        settle_message(db, step.part, message, step.contact, MessageState::Sent, Some("answered"), step.at)?;
    }
    Ok(())
}

fn patch_contact(db: &Connection, step: &Step) -> StoreResult<()> {
    let Some(patch) = &step.contact_patch else { return Ok(()) };
    let folded = patch.name.as_ref().map(|name| name.as_deref().map(base::text::fold).unwrap_or_default());
    db.prepare_cached(
        "UPDATE contact SET name = CASE WHEN ?3 THEN ?4 ELSE name END, name_folded = COALESCE(?5, name_folded),
           language = CASE WHEN ?6 THEN ?7 ELSE language END, status = COALESCE(?8, status),
           timezone = CASE WHEN ?9 THEN ?10 ELSE timezone END, urns = COALESCE(?11, urns),
           groups = COALESCE(?12, groups), fields = COALESCE(?13, fields), last_seen_on = COALESCE(?14, last_seen_on)
         WHERE part = ?1 AND id = ?2",
    )?
    .execute(params![
        step.part.0,
        step.contact.as_bytes(),
        patch.name.is_some(),
        patch.name.clone().flatten(),
        folded,
        patch.language.is_some(),
        patch.language.clone().flatten(),
        patch.status,
        patch.timezone.is_some(),
        patch.timezone.clone().flatten(),
        patch.urns,
        patch.groups,
        patch.fields,
        patch.seen.map(|(at, _)| at.0)
    ])?;
    if patch.name.is_some() || patch.language.is_some() || patch.status.is_some() || patch.seen.is_some() {
        db.prepare_cached(
            "UPDATE audience SET name_folded = COALESCE(?3, name_folded),
               language = CASE WHEN ?4 THEN ?5 ELSE language END, status = COALESCE(?6, status),
               last_seen_day = COALESCE(?7, last_seen_day)
             WHERE part = ?1 AND contact = ?2",
        )?
        .execute(params![
            step.part.0,
            step.contact.as_bytes(),
            folded,
            patch.language.is_some(),
            patch.language.clone().flatten(),
            patch.status,
            patch.seen.map(|(_, day)| day)
        ])?;
    }
    for group in &patch.groups_added {
        db.prepare_cached("INSERT OR IGNORE INTO group_member(contact_group, part, contact) VALUES(?1, ?2, ?3)")?
            .execute(params![group.as_bytes(), step.part.0, step.contact.as_bytes()])?;
    }
    for group in &patch.groups_removed {
        db.prepare_cached("DELETE FROM group_member WHERE contact_group = ?1 AND part = ?2 AND contact = ?3")?
            .execute(params![group.as_bytes(), step.part.0, step.contact.as_bytes()])?;
    }
    for address in &patch.urns_added {
        let added = db
            .prepare_cached("INSERT OR IGNORE INTO urn(part, address, contact_part, contact) VALUES(?1, ?2, ?3, ?4)")?
            .execute(params![Part::of_address(address).0, address, step.part.0, step.contact.as_bytes()])?;
        if added == 0 {
            let found = NewProblem {
                kind: "urn_taken".into(),
                key: format!("{address} {}", step.contact),
                subject: step.contact.to_string(),
                message: format!("{address} was given to this contact and belongs to another one"),
                remedy: "Find out who has the number now and correct it at the source.".into(),
            };
            problem(db, &found, step.at, None)?;
        }
    }
    Ok(())
}

/// The `user_message_reference` of a message: the last two bytes of its id.
pub(crate) fn reference_of(message: MessageId) -> u16 {
    let bytes = message.as_bytes();
    u16::from_be_bytes([bytes[14], bytes[15]])
}

fn insert_outgoing(db: &Connection, part: Part, contact: ContactId, message: &Outgoing) -> StoreResult<()> {
    let queued = message.refused.is_none();
    let state = if queued { MessageState::Queued } else { MessageState::Refused };
    db.prepare_cached(
        "INSERT INTO message(part, id, contact, state, channel, address, number, text, segments, created_on, modified_on,
                             start, opening, run, detail)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        part.0,
        message.id.as_bytes(),
        contact.as_bytes(),
        state as i64,
        message.channel.as_ref().map(ChannelId::as_bytes),
        message.address,
        message.from,
        message.text,
        message.segments,
        message.created_on.0,
        message.start.as_ref().map(StartId::as_bytes),
        message.opening,
        message.run.as_ref().map(base::RunId::as_bytes),
        message.refused
    ])?;
    if let (true, Some(channel), Some(address)) = (queued, &message.channel, &message.address) {
        let resend_after = match message.unknown_policy {
            UnknownPolicy::ResendAfter(millis) => Some(millis),
            UnknownPolicy::Hold => None,
        };
        db.prepare_cached(
            "INSERT INTO outbox(part, contact, id, state, channel, priority, class, address, reference, start, valid_until,
                                answers, resend_after)
             VALUES(?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            part.0,
            contact.as_bytes(),
            message.id.as_bytes(),
            channel.as_bytes(),
            message.priority as i64,
            message.class as i64,
            address,
            reference_of(message.id),
            message.start.as_ref().map(StartId::as_bytes),
            message.valid_until.map(|at| at.0),
            message.answers.as_ref().map(text_of).transpose()?,
            resend_after
        ])?;
    }
    if let (true, Some(start)) = (message.opening, message.start) {
        recipient_state(db, part, start, contact, state, message.refused.as_deref())?;
    }
    Ok(())
}

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
/// The gate's second pass is here: suppression, state of the start, validity, quiet hours.
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
    let refusal = if candidate.class == Class::Normal as i64 && suppressed(db, &candidate.address)? {
        Some("opted_out")
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
            "UPDATE message SET state = 3, modified_on = ?3, external_ids = ?4 WHERE part = ?1 AND id = ?2
             RETURNING start, opening",
        )?
        .query_row(params![one.part.0, one.id.as_bytes(), one.at.0, external_ids.join(" ")], |row| {
            Ok((optional_id(row, 0)?, row.get(1)?))
        })?;
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
    settle_message(db, one.part, one.id, one.contact, MessageState::Unknown, None, one.at)?;
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

/// Applies receipts. One answer each, in order.
pub fn receipts(db: &Connection, batch: &[Receipt]) -> StoreResult<Vec<ReceiptOutcome>> {
    batch.iter().map(|receipt| receipt_one(db, receipt)).collect()
}

fn receipt_one(db: &Connection, receipt: &Receipt) -> StoreResult<ReceiptOutcome> {
    let address_part = Part::of_address(&receipt.address);
    let key = params![address_part.0, receipt.channel.as_bytes(), receipt.external_id];
    let found: Option<(Option<u8>, Option<ContactId>, Option<MessageId>)> = db
        .prepare_cached(
            "SELECT message_part, contact, message FROM receipt WHERE part = ?1 AND channel = ?2 AND external_id = ?3",
        )?
        .query_row(key, |row| Ok((row.get(0)?, optional_id(row, 1)?, optional_id(row, 2)?)))
        .optional()?;
    if let Some((Some(part), Some(contact), Some(message))) = found {
        if receipt.state == ReceiptState::Pending {
            return Ok(ReceiptOutcome::Applied);
        }
        db.prepare_cached("DELETE FROM receipt WHERE part = ?1 AND channel = ?2 AND external_id = ?3")?.execute(key)?;
        return receipt_for(db, Part(part), message, contact, receipt.state, &receipt.detail, receipt.at);
    }
    if let Some((contact, message)) = matching_unknown(db, receipt, address_part)? {
        let outcome = match receipt.state {
            // Even a pending one says that the operator has the message.
            ReceiptState::Pending => {
                let part = contact.part();
                db.prepare_cached("DELETE FROM outbox WHERE part = ?1 AND contact = ?2 AND id = ?3 AND state = 6")?
                    .execute(params![part.0, contact.as_bytes(), message.as_bytes()])?;
                settle_message(db, part, message, contact, MessageState::Sent, None, receipt.at)?;
                ReceiptOutcome::SettledUnknown
            }
            state => receipt_for(db, contact.part(), message, contact, state, &receipt.detail, receipt.at)?,
        };
        return Ok(outcome);
    }
    if receipt.state == ReceiptState::Pending {
        return Ok(ReceiptOutcome::Ignored);
    }
    let state = if receipt.state == ReceiptState::Delivered { MessageState::Delivered } else { MessageState::Failed };
    db.prepare_cached(
        "INSERT OR REPLACE INTO receipt(part, channel, external_id, state, detail, at) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        address_part.0,
        receipt.channel.as_bytes(),
        receipt.external_id,
        state as i64,
        receipt.detail,
        receipt.at.0
    ])?;
    Ok(ReceiptOutcome::Parked)
}

/// The `unknown` message that a receipt with an id that we never got speaks of: by its reference, else the only one to
/// this address whose text it quotes.
fn matching_unknown(
    db: &Connection,
    receipt: &Receipt,
    address_part: Part,
) -> StoreResult<Option<(ContactId, MessageId)>> {
    let contact: Option<ContactId> = db
        .prepare_cached("SELECT contact FROM urn WHERE part = ?1 AND address = ?2")?
        .query_row(params![address_part.0, receipt.address], |row| id(row, 0))
        .optional()?;
    let Some(contact) = contact else { return Ok(None) };
    let part = contact.part();
    let mut statement = db.prepare_cached(
        "SELECT o.id, o.reference, m.text FROM outbox o JOIN message m ON m.part = o.part AND m.id = o.id
         WHERE o.part = ?1 AND o.contact = ?2 AND o.state = 6 AND o.channel = ?3 AND o.address = ?4 AND o.wired_on <= ?5",
    )?;
    let candidates: Vec<(MessageId, u16, String)> = statement
        .query_map(
            params![part.0, contact.as_bytes(), receipt.channel.as_bytes(), receipt.address, receipt.at.0],
            |row| Ok((id(row, 0)?, row.get(1)?, row.get(2)?)),
        )?
        .collect::<Result<_, _>>()?;
    Ok(crate::pick_unknown(&candidates, receipt).map(|message| (contact, message)))
}

/// Applies a final receipt to one segment of a message.
fn receipt_for(
    db: &Connection,
    part: Part,
    message: MessageId,
    contact: ContactId,
    state: ReceiptState,
    detail: &str,
    at: Millis,
) -> StoreResult<ReceiptOutcome> {
    let now: Option<(i64, i64, i64)> = db
        .prepare_cached("SELECT state, segments, delivered FROM message WHERE part = ?1 AND id = ?2")?
        .query_row(params![part.0, message.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((before, segments, delivered)) = now else { return Ok(ReceiptOutcome::Ignored) };
    let was_unknown = before == MessageState::Unknown as i64;
    if was_unknown {
        db.prepare_cached("DELETE FROM outbox WHERE part = ?1 AND contact = ?2 AND id = ?3 AND state = 6")?
            .execute(params![part.0, contact.as_bytes(), message.as_bytes()])?;
    } else if before != MessageState::Sent as i64 {
        return Ok(ReceiptOutcome::Ignored);
    }
    match state {
        ReceiptState::Failed => {
            settle_message(db, part, message, contact, MessageState::Failed, Some(detail), at)?;
        }
        _ if delivered + 1 >= segments => {
            settle_message(db, part, message, contact, MessageState::Delivered, None, at)?;
        }
        _ => {
            db.prepare_cached("UPDATE message SET delivered = delivered + 1 WHERE part = ?1 AND id = ?2")?
                .execute(params![part.0, message.as_bytes()])?;
            if was_unknown {
                settle_message(db, part, message, contact, MessageState::Sent, None, at)?;
            }
        }
    }
    Ok(if was_unknown { ReceiptOutcome::SettledUnknown } else { ReceiptOutcome::Applied })
}

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
    let session: Option<(i64, Option<Millis>, Option<Millis>, Option<Millis>)> = db
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

/// The parts of a long message that did come are delivered as they are, and the gap becomes a problem.
fn incomplete_due(
    db: &Connection,
    new_contact: ContactId,
    key: &[u8],
    now: Millis,
    ids: &mut IdMaker,
) -> StoreResult<()> {
    let key: SegmentKey = serde_json::from_slice(key).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let texts = segment_texts(db, &key)?;
    if texts.is_empty() {
        return Ok(());
    }
    drop_segments(db, &key)?;
    let message: MessageId = ids.next(now);
    let inbound = Inbound {
        id: message,
        new_contact,
        channel: ChannelId(uuid::Uuid::from_bytes(key.channel)),
        address: key.address.clone(),
        to: key.number.clone(),
        text: String::new(),
        received_on: now,
        dedupe: None,
        consent: None,
        segment: None,
    };
    let (contact, _) = deliver(db, &inbound, texts.concat())?;
    let found = NewProblem {
        kind: "message_incomplete".into(),
        key: message.to_string(),
        subject: contact.to_string(),
        message: format!("{} of {} parts of a long message from {} came", texts.len(), key.total, key.address),
        remedy: "Ask the sender to send the message again if what came is not enough.".into(),
    };
    problem(db, &found, now, None)
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

/// Takes inbox rows that cannot be handled out of the queue and keeps them whole as a problem.
pub fn quarantine(db: &Connection, part: Part, rows: &[InboxRow], found: &NewProblem, at: Millis) -> StoreResult<()> {
    for row in rows {
        db.prepare_cached("DELETE FROM inbox WHERE part = ?1 AND priority = ?2 AND id = ?3")?.execute(params![
            part.0,
            row.task.priority(),
            row.id.as_bytes()
        ])?;
    }
    let payload = text_of(&rows.iter().map(|row| &row.task).collect::<Vec<_>>())?;
    problem(db, found, at, Some(&payload))
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
