//! Steps: what waits is read, what they change is written.

use super::{
    Bytes, GenericClient, Int, MessageState, NewProblem, Postgres, RecipientState, Rows, Settled, Task, Text,
    Transaction, WAIT, changing, fence, id, insert_timers, json, millis, number, optional_id, params, part, problems,
    query, recipient_states, retrying, returned_ids, returning, settle, text_of,
};
use crate::ops::{ContactRow, InboxRow, Lease, Mailbox, Outgoing, Progress, SessionRow, Step, UnknownPolicy};
use crate::{StoreError, StoreResult};
use base::{ContactId, MessageId, Millis, Part, StartId};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Reads up to `limit` inbox rows of the lease's parts, beginning at part `from`, with all that handling them needs.
pub async fn claim(db: &Postgres, lease: &Lease, from: Part, limit: usize) -> StoreResult<Vec<Mailbox>> {
    let (before, after): (Vec<Part>, Vec<Part>) =
        lease.parts.iter().map(|(part, _)| *part).partition(|part| *part < from);
    let parts: Vec<i16> = after.into_iter().chain(before).map(number).collect();
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let client = db.hot().await?;
    let rows = query(
        &client,
        "SELECT i.part, i.id, i.contact, i.task FROM unnest($1::smallint[]) WITH ORDINALITY AS p(part, n),
           LATERAL (SELECT part, priority, id, contact, task FROM inbox WHERE inbox.part = p.part
                    ORDER BY inbox.priority, inbox.id LIMIT $2) AS i
         LIMIT $2",
        &[&parts, &(limit as i64)],
    )
    .await?;
    let mut boxes: Vec<Mailbox> = Vec::new();
    let mut at: HashMap<ContactId, usize> = HashMap::new();
    for row in &rows {
        let contact: ContactId = id(row, 2)?;
        let inbox = InboxRow { id: id(row, 1)?, task: json(row.try_get(3)?)? };
        if let Some(index) = at.get(&contact) {
            boxes[*index].tasks.push(inbox);
        } else {
            at.insert(contact, boxes.len());
            boxes.push(Mailbox {
                part: part(row, 0)?,
                contact,
                row: ContactRow::default(),
                session: SessionRow { unsolicited: "[]".into(), ..SessionRow::default() },
                suppressed: false,
                tasks: vec![inbox],
            });
        }
    }
    if !boxes.is_empty() {
        load(&client, &mut boxes, &at).await?;
    }
    Ok(boxes)
}

/// Loads the contacts and the conversations of mailboxes.
async fn load(client: &impl GenericClient, boxes: &mut [Mailbox], at: &HashMap<ContactId, usize>) -> StoreResult<()> {
    let parts: Vec<i16> = boxes.iter().map(|mailbox| number(mailbox.part)).collect();
    let ids: Vec<Vec<u8>> = boxes.iter().map(|mailbox| mailbox.contact.as_bytes().to_vec()).collect();
    let keys: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&parts, &ids];
    let (contacts, sessions) = tokio::try_join!(
        query(
            client,
            "SELECT c.id, c.name, c.language, c.status, c.timezone, c.created_on, c.last_seen_on, c.urns, c.groups,
                    c.fields, c.attributes
             FROM unnest($1::smallint[], $2::bytea[]) AS g(part, id)
             JOIN contact c ON c.part = g.part AND c.id = g.id",
            &keys,
        ),
        query(
            client,
            "SELECT s.contact, s.rev, s.state, s.flow, s.start, s.timeout_on, s.expires_on, s.armed_on, s.last_seen_on,
                    s.unsolicited, s.reply_from, s.reply_channel
             FROM unnest($1::smallint[], $2::bytea[]) AS g(part, contact)
             JOIN session s ON s.part = g.part AND s.contact = g.contact",
            &keys,
        ),
    )?;
    if let Some(missing) = boxes.iter().find(|_| contacts.len() < boxes.len()) {
        let known: HashSet<ContactId> = contacts.iter().map(|row| id(row, 0)).collect::<StoreResult<_>>()?;
        let missing = boxes.iter().find(|mailbox| !known.contains(&mailbox.contact)).unwrap_or(missing);
        return Err(StoreError::Corrupt(format!("contact {} has no row", missing.contact)));
    }
    let mut addresses: Vec<(String, usize)> = Vec::with_capacity(boxes.len());
    for row in &contacts {
        let Some(index) = at.get(&id(row, 0)?) else { continue };
        let urns: String = row.try_get(7)?;
        for urn in serde_json::from_str::<Vec<String>>(&urns).unwrap_or_default() {
            addresses.push((crate::identity(&urn).to_owned(), *index));
        }
        boxes[*index].row = ContactRow {
            name: row.try_get(1)?,
            language: row.try_get(2)?,
            status: row.try_get(3)?,
            timezone: row.try_get(4)?,
            created_on: Millis(row.try_get(5)?),
            last_seen_on: millis(row, 6)?,
            urns,
            groups: row.try_get(8)?,
            fields: row.try_get(9)?,
            worker: row.try_get(10)?,
        };
    }
    for row in &sessions {
        let Some(index) = at.get(&id(row, 0)?) else { continue };
        boxes[*index].session = SessionRow {
            rev: row.try_get(1)?,
            state: row.try_get(2)?,
            flow: optional_id(row, 3)?,
            start: optional_id(row, 4)?,
            timeout_on: millis(row, 5)?,
            expires_on: millis(row, 6)?,
            armed_on: millis(row, 7)?,
            last_seen_on: millis(row, 8)?,
            unsolicited: row.try_get(9)?,
            reply_from: row.try_get(10)?,
            reply_channel: optional_id(row, 11)?,
        };
    }
    let all: Vec<&str> = addresses.iter().map(|(address, _)| address.as_str()).collect();
    let suppressed = query(client, "SELECT address FROM suppression WHERE address = ANY($1)", &[&all]).await?;
    if !suppressed.is_empty() {
        let suppressed: HashSet<&str> = suppressed.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        for (_, index) in addresses.iter().filter(|(address, _)| suppressed.contains(address.as_str())) {
            boxes[*index].suppressed = true;
        }
    }
    Ok(())
}

/// Commits steps in one transaction. A part that is no longer held, or a step whose inbox rows or session are not what
/// was loaded, fails the whole batch.
pub async fn commit_steps(db: &Postgres, lease: &Lease, steps: &[Step]) -> StoreResult<()> {
    if steps.is_empty() {
        return Ok(());
    }
    retrying!(commit_once(db, lease, steps))
}

async fn commit_once(db: &Postgres, lease: &Lease, steps: &[Step]) -> StoreResult<()> {
    let mut client = db.hot().await?;
    let transaction = client.transaction().await?;
    fence(db, &transaction, lease, steps.iter().map(|step| step.part)).await?;
    // A contact's steps go one after the other; usually each has one.
    let mut waves: Vec<Vec<&Step>> = Vec::new();
    let mut times: HashMap<ContactId, usize> = HashMap::new();
    for step in steps {
        let wave = times.entry(step.contact).and_modify(|times| *times += 1).or_insert(0);
        if waves.len() <= *wave {
            waves.push(Vec::new());
        }
        waves[*wave].push(step);
    }
    for mut wave in waves {
        wave.sort_by_key(|step| (step.part, step.contact));
        commit_wave(&transaction, &wave).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Writes steps of different contacts.
async fn commit_wave(transaction: &Transaction<'_>, steps: &[&Step]) -> StoreResult<()> {
    inbox_done(transaction, steps).await?;
    let armed = sessions(transaction, steps).await?;
    settle_answered(transaction, steps).await?;
    let mut recipients: Vec<RecipientState> = Vec::new();
    let mut messages = Rows::insert("message", &MESSAGE, "");
    let mut outbox = Rows::insert("outbox", &OUTBOX, "");
    for step in steps {
        for message in &step.messages {
            outgoing(step.part, step.contact, message, &mut messages, &mut outbox, &mut recipients)?;
        }
        let refused = MessageState::Refused as i16;
        let left_out =
            |(start, reason): &(StartId, String)| (step.part, *start, step.contact, refused, Some(reason.clone()));
        recipients.extend(step.left_out.iter().map(left_out));
    }
    let at = steps.iter().map(|step| step.at).max().unwrap_or_default();
    let found: Vec<(&NewProblem, Option<String>)> =
        steps.iter().flat_map(|step| &step.problems).map(|problem| (problem, None)).collect();
    // Different tables: the statements travel together.
    tokio::try_join!(
        insert_timers(transaction, armed),
        contacts(transaction, steps),
        runs(transaction, steps),
        changing(transaction, &messages),
        changing(transaction, &outbox),
        counts(transaction, steps),
        problems(transaction, &found, at),
    )?;
    recipient_states(transaction, &recipients).await?;
    progress(transaction, steps).await
}

/// Takes what is done out of the inbox.
async fn inbox_done(transaction: &Transaction<'_>, steps: &[&Step]) -> StoreResult<()> {
    let keys = [Int("part"), Int("priority"), Bytes("id")];
    let mut done = Rows::delete("inbox", &keys).tail("RETURNING inbox.id");
    for step in steps {
        for (priority, row) in &step.done {
            done.push(params![step.part, *priority, *row]);
        }
    }
    let deleted: HashSet<MessageId> = returned_ids(transaction, &done).await?.into_iter().collect();
    for step in steps {
        if step.done.iter().any(|(_, row)| !deleted.contains(row)) {
            return Err(StoreError::Conflict { contact: step.contact });
        }
    }
    Ok(())
}

/// A timer to insert.
type Timer = (Part, Millis, ContactId, i16, Vec<u8>);

/// Writes the conversations; gives the timers to arm.
///
/// A timer is armed if the wait ends before the armed one fires. One that fires too early is armed again by the sweep,
/// so that the usual step, which only moves the end of the wait later, writes no timer at all. A session whose timer
/// the sweep fired since it was loaded is not what was loaded.
async fn sessions(transaction: &Transaction<'_>, steps: &[&Step]) -> StoreResult<Vec<Timer>> {
    let (first, later): (Vec<&Step>, Vec<&Step>) = steps.iter().copied().partition(|step| step.rev == 0);
    let mut timers = Vec::new();
    for (steps, sql) in [(first, NEW_SESSIONS), (later, CHANGED_SESSIONS)] {
        if steps.is_empty() {
            continue;
        }
        let written = write_sessions(transaction, &steps, sql, &mut timers).await?;
        if let Some(step) = steps.iter().find(|step| !written.contains(&step.contact)) {
            return Err(StoreError::Conflict { contact: step.contact });
        }
    }
    Ok(timers)
}

const NEW_SESSIONS: &str = "INSERT INTO session(part, contact, rev, state, flow, start, timeout_on, expires_on, armed_on,
                           last_seen_on, unsolicited, reply_from, reply_channel)
    SELECT part, contact, rev + 1, state, flow, start, timeout_on, expires_on, armed_on, last_seen_on, unsolicited,
           reply_from, reply_channel
    FROM unnest($1::smallint[], $2::bytea[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[], $7::bigint[], $8::bigint[],
        $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::bytea[])
      AS g(part, contact, rev, state, flow, start, timeout_on, expires_on, loaded, armed_on, last_seen_on, unsolicited,
           reply_from, reply_channel)
    ON CONFLICT DO NOTHING RETURNING contact";

const CHANGED_SESSIONS: &str = "UPDATE session SET rev = g.rev + 1, state = g.state, flow = g.flow, start = g.start,
      timeout_on = g.timeout_on, expires_on = g.expires_on, armed_on = g.armed_on, last_seen_on = g.last_seen_on,
      unsolicited = g.unsolicited, reply_from = g.reply_from, reply_channel = g.reply_channel
    FROM unnest($1::smallint[], $2::bytea[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[], $7::bigint[], $8::bigint[],
        $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::bytea[])
      AS g(part, contact, rev, state, flow, start, timeout_on, expires_on, loaded, armed_on, last_seen_on, unsolicited,
           reply_from, reply_channel)
    WHERE session.part = g.part AND session.contact = g.contact AND session.rev = g.rev
      AND session.armed_on IS NOT DISTINCT FROM g.loaded
    RETURNING session.contact";

/// Writes sessions with one of the two statements above; gives whose were written.
async fn write_sessions(
    transaction: &Transaction<'_>,
    steps: &[&Step],
    sql: &str,
    timers: &mut Vec<Timer>,
) -> StoreResult<HashSet<ContactId>> {
    let parts: Vec<i16> = steps.iter().map(|step| number(step.part)).collect();
    let contacts: Vec<&[u8]> = steps.iter().map(|step| step.contact.as_bytes().as_slice()).collect();
    let revs: Vec<i64> = steps.iter().map(|step| step.rev).collect();
    let states: Vec<Option<&str>> = steps.iter().map(|step| step.session.state.as_deref()).collect();
    let flows: Vec<Option<&[u8]>> =
        steps.iter().map(|step| step.session.flow.as_ref().map(|id| id.as_bytes().as_slice())).collect();
    let starts: Vec<Option<&[u8]>> =
        steps.iter().map(|step| step.session.start.as_ref().map(|id| id.as_bytes().as_slice())).collect();
    let timeouts: Vec<Option<i64>> = steps.iter().map(|step| step.session.timeout_on.map(|at| at.0)).collect();
    let expirations: Vec<Option<i64>> = steps.iter().map(|step| step.session.expires_on.map(|at| at.0)).collect();
    let loaded: Vec<Option<i64>> = steps.iter().map(|step| step.session.armed_on.map(|at| at.0)).collect();
    let mut armed: Vec<Option<i64>> = Vec::with_capacity(steps.len());
    for step in steps {
        let wake = [step.session.timeout_on, step.session.expires_on].into_iter().flatten().min();
        armed.push(match (wake, step.session.armed_on) {
            (Some(wake), armed) if armed.is_none_or(|armed| wake < armed) => {
                timers.push((step.part, wake, step.contact, WAIT, Vec::new()));
                Some(wake.0)
            }
            (_, armed) => armed.map(|at| at.0),
        });
    }
    let seen: Vec<Option<i64>> = steps.iter().map(|step| step.session.last_seen_on.map(|at| at.0)).collect();
    let unsolicited: Vec<&str> = steps.iter().map(|step| step.session.unsolicited.as_str()).collect();
    let reply_from: Vec<Option<&str>> = steps.iter().map(|step| step.session.reply_from.as_deref()).collect();
    let reply_channel: Vec<Option<&[u8]>> =
        steps.iter().map(|step| step.session.reply_channel.as_ref().map(|id| id.as_bytes().as_slice())).collect();
    let written = query(
        transaction,
        sql,
        &[
            &parts,
            &contacts,
            &revs,
            &states,
            &flows,
            &starts,
            &timeouts,
            &expirations,
            &loaded,
            &armed,
            &seen,
            &unsolicited,
            &reply_from,
            &reply_channel,
        ],
    )
    .await?;
    written.iter().map(|row| id(row, 0)).collect()
}

/// A contact who answers has what was sent before: an `unknown` message of theirs is settled by that.
async fn settle_answered(transaction: &Transaction<'_>, steps: &[&Step]) -> StoreResult<()> {
    let (mut parts, mut contacts, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for step in steps.iter().filter(|step| step.done.iter().any(|(priority, _)| *priority == 0)) {
        parts.push(number(step.part));
        contacts.push(step.contact.as_bytes().as_slice());
        seen.push(step.session.last_seen_on.map_or(0, |at| at.0));
    }
    if parts.is_empty() {
        return Ok(());
    }
    let rows = query(
        transaction,
        "DELETE FROM outbox USING unnest($1::smallint[], $2::bytea[], $3::bigint[]) AS g(part, contact, seen)
         WHERE outbox.part = g.part AND outbox.contact = g.contact AND outbox.state = 6 AND outbox.wired_on <= g.seen
         RETURNING outbox.part, outbox.id",
        &[&parts, &contacts, &seen],
    )
    .await?;
    let mut settled = Vec::with_capacity(rows.len());
    for row in &rows {
        let (state, detail) = (MessageState::Sent, Some("answered"));
        settled.push(Settled { part: part(row, 0)?, message: id(row, 1)?, state, detail });
    }
    let at = steps.iter().map(|step| step.at).max().unwrap_or_default();
    settle(transaction, &settled, at).await
}

/// Writes the contacts' changes, and what audiences are chosen by with them.
async fn contacts(transaction: &Transaction<'_>, steps: &[&Step]) -> StoreResult<()> {
    let patched: Vec<_> = steps.iter().filter_map(|step| Some((*step, step.contact_patch.as_ref()?))).collect();
    if patched.is_empty() {
        return Ok(());
    }
    let parts: Vec<i16> = patched.iter().map(|(step, _)| number(step.part)).collect();
    let ids: Vec<&[u8]> = patched.iter().map(|(step, _)| step.contact.as_bytes().as_slice()).collect();
    let sets_name: Vec<bool> = patched.iter().map(|(_, patch)| patch.name.is_some()).collect();
    let names: Vec<Option<&str>> = patched.iter().map(|(_, patch)| patch.name.as_ref()?.as_deref()).collect();
    let folded: Vec<Option<String>> = patched
        .iter()
        .map(|(_, patch)| patch.name.as_ref().map(|name| name.as_deref().map(base::text::fold).unwrap_or_default()))
        .collect();
    let sets_language: Vec<bool> = patched.iter().map(|(_, patch)| patch.language.is_some()).collect();
    let languages: Vec<Option<&str>> = patched.iter().map(|(_, patch)| patch.language.as_ref()?.as_deref()).collect();
    let statuses: Vec<Option<&str>> = patched.iter().map(|(_, patch)| patch.status.as_deref()).collect();
    let sets_timezone: Vec<bool> = patched.iter().map(|(_, patch)| patch.timezone.is_some()).collect();
    let timezones: Vec<Option<&str>> = patched.iter().map(|(_, patch)| patch.timezone.as_ref()?.as_deref()).collect();
    let urns: Vec<Option<&str>> = patched.iter().map(|(_, patch)| patch.urns.as_deref()).collect();
    let groups: Vec<Option<&str>> = patched.iter().map(|(_, patch)| patch.groups.as_deref()).collect();
    let fields: Vec<Option<&str>> = patched.iter().map(|(_, patch)| patch.fields.as_deref()).collect();
    let seen: Vec<Option<i64>> = patched.iter().map(|(_, patch)| patch.seen.map(|(at, _)| at.0)).collect();
    let regrouped: Vec<bool> =
        patched.iter().map(|(_, p)| !p.groups_added.is_empty() || !p.groups_removed.is_empty()).collect();
    let times: Vec<i64> = patched.iter().map(|(step, _)| step.at.0).collect();
    query(
        transaction,
        "UPDATE contact SET name = CASE WHEN g.sets_name THEN g.name ELSE contact.name END,
           name_folded = COALESCE(g.folded, contact.name_folded),
           language = CASE WHEN g.sets_language THEN g.language ELSE contact.language END,
           status = COALESCE(g.status, contact.status),
           timezone = CASE WHEN g.sets_timezone THEN g.timezone ELSE contact.timezone END,
           urns = COALESCE(g.urns, contact.urns), groups = COALESCE(g.groups, contact.groups),
           fields = COALESCE(g.fields, contact.fields), last_seen_on = COALESCE(g.seen, contact.last_seen_on)
         FROM unnest($1::smallint[], $2::bytea[], $3::boolean[], $4::text[], $5::text[], $6::boolean[], $7::text[],
             $8::text[], $9::boolean[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[])
           AS g(part, id, sets_name, name, folded, sets_language, language, status, sets_timezone, timezone, urns,
                groups, fields, seen)
         WHERE contact.part = g.part AND contact.id = g.id",
        &[
            &parts,
            &ids,
            &sets_name,
            &names,
            &folded,
            &sets_language,
            &languages,
            &statuses,
            &sets_timezone,
            &timezones,
            &urns,
            &groups,
            &fields,
            &seen,
        ],
    )
    .await?;
    query(
        transaction,
        "UPDATE audience SET name_folded = COALESCE(g.folded, audience.name_folded),
           language = CASE WHEN g.sets_language THEN g.language ELSE audience.language END,
           status = COALESCE(g.status, audience.status), last_seen_on = COALESCE(g.seen, audience.last_seen_on),
           changed_on = g.at
         FROM unnest($1::smallint[], $2::bytea[], $3::text[], $4::boolean[], $5::text[], $6::text[], $7::bigint[],
             $8::boolean[], $9::bigint[])
           AS g(part, contact, folded, sets_language, language, status, seen, regrouped, at)
         WHERE audience.part = g.part AND audience.contact = g.contact AND (g.folded IS NOT NULL OR g.sets_language
           OR g.status IS NOT NULL OR g.seen IS NOT NULL OR g.regrouped)",
        &[&parts, &ids, &folded, &sets_language, &languages, &statuses, &seen, &regrouped, &times],
    )
    .await?;
    let members = [Bytes("contact_group"), Int("part"), Bytes("contact")];
    let mut joined = Rows::insert("group_member", &members, "ON CONFLICT DO NOTHING");
    let mut left = Rows::delete("group_member", &members);
    for (step, patch) in &patched {
        for group in &patch.groups_added {
            joined.push(params![*group, step.part, step.contact]);
        }
        for group in &patch.groups_removed {
            left.push(params![*group, step.part, step.contact]);
        }
    }
    changing(transaction, &joined).await?;
    changing(transaction, &left).await?;
    add_urns(transaction, &patched).await
}

/// Gives addresses to contacts. One that another contact has stays there and becomes a problem.
async fn add_urns(transaction: &Transaction<'_>, patched: &[(&Step, &crate::ops::ContactPatch)]) -> StoreResult<()> {
    let columns = [Int("part"), Text("address"), Int("contact_part"), Bytes("contact")];
    let mut urns = Rows::insert("urn", &columns, "ON CONFLICT DO NOTHING").tail("RETURNING address");
    let mut wanted: BTreeMap<(Part, &str), Vec<&Step>> = BTreeMap::new();
    for (step, patch) in patched {
        for address in &patch.urns_added {
            wanted.entry((Part::of_address(address), address)).or_default().push(step);
        }
    }
    for ((part, address), steps) in &wanted {
        if let Some(step) = steps.first() {
            urns.push(params![*part, *address, step.part, step.contact]);
        }
    }
    let rows = returning(transaction, &urns).await?;
    let added: HashSet<&str> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for ((_, address), steps) in &wanted {
        for step in steps.iter().skip(usize::from(added.contains(address))) {
            found.push((crate::problem::urn_taken(address, step.contact), step.at));
        }
    }
    let at = found.first().map_or(Millis(0), |(_, at)| *at);
    let found: Vec<(&NewProblem, Option<String>)> = found.iter().map(|(problem, _)| (problem, None)).collect();
    problems(transaction, &found, at).await
}

async fn runs(transaction: &Transaction<'_>, steps: &[&Step]) -> StoreResult<()> {
    let columns = [
        Int("part"),
        Bytes("id"),
        Bytes("contact"),
        Bytes("session"),
        Bytes("flow"),
        Bytes("start"),
        Text("status"),
        Text("results"),
        Int("created_on"),
        Int("modified_on"),
        Int("exited_on"),
    ];
    let conflict = "ON CONFLICT (part, id) DO UPDATE SET status = excluded.status, results = excluded.results,
        modified_on = excluded.modified_on, exited_on = excluded.exited_on";
    let mut rows = Rows::insert("run", &columns, conflict);
    for step in steps {
        for (at, run) in step.runs.iter().enumerate() {
            // The last word on a run counts.
            if step.runs[at + 1..].iter().any(|later| later.id == run.id) {
                continue;
            }
            rows.push(params![
                step.part,
                run.id,
                step.contact,
                run.session,
                run.flow,
                run.start,
                &run.status,
                &run.results,
                run.created_on,
                run.modified_on,
                run.exited_on
            ]);
        }
    }
    changing(transaction, &rows).await?;
    Ok(())
}

const MESSAGE: [crate::query::Column; 15] = [
    Int("part"),
    Bytes("id"),
    Bytes("contact"),
    Int("state"),
    Bytes("channel"),
    Text("address"),
    Text("number"),
    Text("text"),
    Int("segments"),
    Int("created_on"),
    Int("modified_on"),
    Bytes("start"),
    Int("opening"),
    Bytes("run"),
    Text("detail"),
];

const OUTBOX: [crate::query::Column; 13] = [
    Int("part"),
    Bytes("contact"),
    Bytes("id"),
    Int("state"),
    Bytes("channel"),
    Int("priority"),
    Int("class"),
    Text("address"),
    Int("reference"),
    Bytes("start"),
    Int("valid_until"),
    Text("answers"),
    Int("resend_after"),
];

fn outgoing(
    part: Part,
    contact: ContactId,
    message: &Outgoing,
    messages: &mut Rows,
    outbox: &mut Rows,
    recipients: &mut Vec<RecipientState>,
) -> StoreResult<()> {
    let queued = message.refused.is_none();
    let state = if queued { MessageState::Queued } else { MessageState::Refused };
    messages.push(params![
        part,
        message.id,
        contact,
        state as i64,
        message.channel,
        message.address.clone(),
        message.from.clone(),
        &message.text,
        message.segments,
        message.created_on,
        message.created_on,
        message.start,
        message.opening,
        message.run,
        message.refused.clone()
    ]);
    if let (true, Some(channel), Some(address)) = (queued, message.channel, &message.address) {
        let resend_after = match message.unknown_policy {
            UnknownPolicy::ResendAfter(millis) => Some(millis),
            UnknownPolicy::Hold => None,
        };
        outbox.push(params![
            part,
            contact,
            message.id,
            MessageState::Queued as i64,
            channel,
            message.priority as i64,
            message.class as i64,
            address,
            crate::sqlite::hot::reference_of(message.id),
            message.start,
            message.valid_until,
            message.answers.as_ref().map(text_of).transpose()?,
            resend_after
        ]);
    }
    if let (true, Some(start)) = (message.opening, message.start) {
        recipients.push((part, start, contact, state as i16, message.refused.clone()));
    }
    Ok(())
}

async fn counts(transaction: &Transaction<'_>, steps: &[&Step]) -> StoreResult<()> {
    let mut sums: BTreeMap<(Part, uuid::Uuid, &str, &str), i64> = BTreeMap::new();
    for step in steps {
        for count in &step.counts {
            *sums.entry((step.part, count.scope, &count.question, &count.answer)).or_default() += count.by;
        }
    }
    let columns = [Int("part"), Bytes("scope"), Text("question"), Text("answer"), Int("n")];
    let conflict = "ON CONFLICT (part, scope, question, answer) DO UPDATE SET n = count.n + excluded.n";
    let mut rows = Rows::insert("count", &columns, conflict);
    for ((part, scope, question, answer), n) in sums {
        rows.push(params![part, scope, question, answer, n]);
    }
    changing(transaction, &rows).await?;
    Ok(())
}

async fn progress(transaction: &Transaction<'_>, steps: &[&Step]) -> StoreResult<()> {
    let mut firsts: BTreeMap<(Part, StartId, ContactId), [Option<i64>; 2]> = BTreeMap::new();
    for step in steps {
        for (start, progress, at) in &step.progress {
            let times = firsts.entry((step.part, *start, step.contact)).or_default();
            let time = &mut times[usize::from(*progress == Progress::Completed)];
            *time = Some(time.map_or(at.0, |earlier| earlier.min(at.0)));
        }
    }
    if firsts.is_empty() {
        return Ok(());
    }
    let parts: Vec<i16> = firsts.keys().map(|(part, _, _)| number(*part)).collect();
    let starts: Vec<&[u8]> = firsts.keys().map(|(_, start, _)| start.as_bytes().as_slice()).collect();
    let contacts: Vec<&[u8]> = firsts.keys().map(|(_, _, contact)| contact.as_bytes().as_slice()).collect();
    let responded: Vec<Option<i64>> = firsts.values().map(|times| times[0]).collect();
    let completed: Vec<Option<i64>> = firsts.values().map(|times| times[1]).collect();
    query(
        transaction,
        "UPDATE recipient SET responded_on = COALESCE(recipient.responded_on, g.responded),
           completed_on = COALESCE(recipient.completed_on, g.completed)
         FROM unnest($1::smallint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[])
           AS g(part, start, contact, responded, completed)
         WHERE recipient.part = g.part AND recipient.start = g.start AND recipient.contact = g.contact",
        &[&parts, &starts, &contacts, &responded, &completed],
    )
    .await?;
    Ok(())
}

/// Moves inbox rows that cannot be handled to the work list.
pub async fn quarantine(
    db: &Postgres,
    contact: ContactId,
    rows: &[InboxRow],
    found: &NewProblem,
    at: Millis,
) -> StoreResult<()> {
    let part = contact.part();
    let mut client = db.hot().await?;
    let transaction = client.transaction().await?;
    let mut done = Rows::delete("inbox", &[Int("part"), Int("priority"), Bytes("id")]);
    let mut failed: Vec<RecipientState> = Vec::new();
    for row in rows {
        done.push(params![part, row.task.priority(), row.id]);
        if let Task::Start { start, .. } = &row.task {
            failed.push((part, *start, contact, MessageState::Failed as i16, Some("problem".to_owned())));
        }
    }
    changing(&transaction, &done).await?;
    recipient_states(&transaction, &failed).await?;
    let payload = text_of(&rows.iter().map(|row| &row.task).collect::<Vec<_>>())?;
    problems(&transaction, &[(found, Some(payload))], at).await?;
    transaction.commit().await?;
    Ok(())
}
