//! Steps: what waits is read, what they change is written.

use super::{
    ChannelId, Connection, ContactId, ContactRow, FlowId, HashMap, InboxRow, Lease, Mailbox, MessageId, MessageState,
    Millis, NewProblem, OptionalExtension, Outgoing, Part, Progress, SessionRow, StartId, Step, StoreError,
    StoreResult, Task, UnknownPolicy, WAIT, any_suppressed, id, insert_timer, json, millis, optional_id, params, part,
    problem, recipient_state, reference_of, settle_message, text_of,
};

/// Reads up to `limit` inbox rows of the lease's parts, the oldest of the most urgent first, with all that handling
/// them needs.
pub fn claim(db: &Connection, lease: &Lease, limit: usize) -> StoreResult<Vec<Mailbox>> {
    let (Some((first, _)), Some((last, _))) = (lease.parts.first(), lease.parts.last()) else {
        return Ok(Vec::new());
    };
    let mut boxes: Vec<Mailbox> = Vec::new();
    let mut at: HashMap<ContactId, usize> = HashMap::new();
    let mut statement = db.prepare_cached(
        "SELECT part, id, contact, task FROM inbox WHERE part >= ?1 AND part <= ?2 ORDER BY priority, id LIMIT ?3",
    )?;
    let mut rows = statement.query(params![first.0, last.0, limit as i64])?;
    while let Some(row) = rows.next()? {
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
    drop(rows);
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
    steps.iter().try_for_each(|step| commit_step(db, step))?;
    count(db, steps)
}

/// Adds what the steps count. Parts keep writers from waiting for each other on a counter; where one process writes, all
/// is counted in the first, and once for a batch.
fn count(db: &Connection, steps: &[Step]) -> StoreResult<()> {
    let mut sums: HashMap<(&uuid::Uuid, &str, &str), i64> = HashMap::new();
    for count in steps.iter().flat_map(|step| &step.counts) {
        *sums.entry((&count.scope, &count.question, &count.answer)).or_default() += count.by;
    }
    let mut add = db.prepare_cached(
        "INSERT INTO count(part, scope, question, answer, n) VALUES(?1, ?2, ?3, ?4, ?5)
         ON CONFLICT(part, scope, question, answer) DO UPDATE SET n = n + ?5",
    )?;
    for ((scope, question, answer), by) in sums {
        add.execute(params![0, scope.as_bytes(), question, answer, by])?;
    }
    Ok(())
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
             WHERE rev = ?3 AND armed_on IS ?14",
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
            session.reply_channel.as_ref().map(ChannelId::as_bytes),
            session.armed_on.map(|at| at.0)
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
             ON CONFLICT(id) DO UPDATE SET status = ?7, results = ?8, modified_on = ?10, exited_on = ?11",
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
    for (start, progress, at) in &step.progress {
        let sql = match progress {
            Progress::Responded => {
                "UPDATE recipient SET responded_on = ?4
                 WHERE part = ?1 AND start = ?2 AND contact = ?3 AND responded_on IS NULL"
            }
            Progress::Completed => {
                "UPDATE recipient SET completed_on = ?4
                 WHERE part = ?1 AND start = ?2 AND contact = ?3 AND completed_on IS NULL"
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
/// that the usual step, which only moves the end of the wait later, writes no timer at all. A session whose timer the
/// sweep fired since it was loaded is not what was loaded.
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
    let regrouped = !patch.groups_added.is_empty() || !patch.groups_removed.is_empty();
    if patch.name.is_some() || patch.language.is_some() || patch.status.is_some() || patch.seen.is_some() || regrouped {
        db.prepare_cached(
            "UPDATE audience SET name_folded = COALESCE(?3, name_folded),
               language = CASE WHEN ?4 THEN ?5 ELSE language END, status = COALESCE(?6, status),
               last_seen_on = COALESCE(?7, last_seen_on), changed_on = ?8
             WHERE part = ?1 AND contact = ?2",
        )?
        .execute(params![
            step.part.0,
            step.contact.as_bytes(),
            folded,
            patch.language.is_some(),
            patch.language.clone().flatten(),
            patch.status,
            patch.seen.map(|(at, _)| at.0),
            step.at.0
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
            let found = crate::problem::urn_taken(address, step.contact);
            problem(db, &found, step.at, None)?;
        }
    }
    Ok(())
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

/// Takes inbox rows that cannot be handled out of the queue and keeps them whole as a problem.
pub fn quarantine(
    db: &Connection,
    contact: ContactId,
    rows: &[InboxRow],
    found: &NewProblem,
    at: Millis,
) -> StoreResult<()> {
    let part = contact.part();
    for row in rows {
        db.prepare_cached("DELETE FROM inbox WHERE part = ?1 AND priority = ?2 AND id = ?3")?.execute(params![
            part.0,
            row.task.priority(),
            row.id.as_bytes()
        ])?;
        if let Task::Start { start, .. } = &row.task {
            recipient_state(db, part, *start, contact, MessageState::Failed, Some("problem"))?;
        }
    }
    let payload = text_of(&rows.iter().map(|row| &row.task).collect::<Vec<_>>())?;
    problem(db, found, at, Some(&payload))
}
