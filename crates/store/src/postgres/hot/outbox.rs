//! The way out: `wired`, submitted, unknown.

use super::receipts::receipt_for;
use super::{
    Bytes, GenericClient, Int, MessageState, Postgres, RecipientState, Rows, Settled, Text, Transaction, UNKNOWN,
    changing, execute, fence, id, insert_timers, json, number, optional_id, params, part, problems, query,
    recipient_states, retrying, returned_ids, returning, settle,
};
use crate::ops::{
    Class, Lease, Outcome, Owner, Priority, REFUSALS, ReceiptState, Recovered, Submitted, UnknownPolicy, WireRequest,
    Wired,
};
use crate::{StoreError, StoreResult};
use base::{ContactId, MessageId, Millis, Part, StartId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// How long to wait before results are written again.
const AGAIN: Duration = Duration::from_millis(200);

/// The state of an outbox row that is set aside while its start is paused.
const ASIDE: i16 = 9;

/// Messages whose marking as `wired` may have been committed although its answer never came: nobody was told to submit
/// them, so the next wiring puts them back.
#[derive(Debug, Default)]
pub(in crate::postgres) struct Doubt(Vec<(Part, ContactId, MessageId)>);

/// A message at the head of a channel's queue.
struct Candidate {
    part: Part,
    contact: ContactId,
    id: MessageId,
    class: i16,
    address: String,
    start: Option<StartId>,
    valid_until: Option<i64>,
}

/// Marks up to `limit` messages of a channel `wired`, replies first, one a contact, and gives them to be submitted.
/// The gate's second pass is here: suppression, status of the contact, state of the start, validity, quiet hours.
pub async fn wire(db: &Postgres, lease: &Lease, request: &WireRequest) -> StoreResult<Vec<Wired>> {
    let mut doubt = db.inner.wiring.lock().await;
    retrying!(wire_once(db, lease, request, &mut doubt))
}

async fn wire_once(db: &Postgres, lease: &Lease, request: &WireRequest, doubt: &mut Doubt) -> StoreResult<Vec<Wired>> {
    let mut client = db.hot().await?;
    let transaction = client.transaction().await?;
    if !doubt.0.is_empty() {
        put_back(&transaction, lease, &doubt.0).await?;
    }
    let candidates = candidates(&transaction, lease, request).await?;
    if candidates.is_empty() {
        transaction.commit().await?;
        doubt.0.clear();
        return Ok(Vec::new());
    }
    fence(db, &transaction, lease, candidates.iter().map(|candidate| candidate.part)).await?;
    let (contacts, starts) = tokio::try_join!(contacts(&transaction, &candidates), states(&transaction, &candidates))?;
    let suppressed = suppressed(&transaction, &candidates, &contacts).await?;
    let mut refused = Vec::new();
    let mut aside = Vec::new();
    let mut free = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let start = candidate.start.and_then(|start| starts.get(&start)).map_or("", String::as_str);
        if let Some(reason) = contact_refusal(&candidate, &contacts, &suppressed) {
            refused.push((candidate, reason));
        } else if start == "cancelled" {
            refused.push((candidate, "cancelled"));
        } else if candidate.valid_until.is_some_and(|until| until < request.now.0) {
            refused.push((candidate, "expired"));
        } else if start == "paused" {
            aside.push(candidate);
        } else {
            free.push(candidate);
        }
    }
    refuse(&transaction, &refused, request.now).await?;
    set_aside(&transaction, &aside).await?;
    let wired = mark(&transaction, lease, request, &free).await?;
    let marked: Vec<_> = wired.iter().map(|wired| (wired.part, wired.contact, wired.id)).collect();
    match transaction.commit().await {
        Ok(()) => {
            doubt.0.clear();
            Ok(wired)
        }
        Err(error) => {
            doubt.0.extend(marked);
            Err(error.into())
        }
    }
}

async fn put_back(
    transaction: &Transaction<'_>,
    lease: &Lease,
    rows: &[(Part, ContactId, MessageId)],
) -> StoreResult<()> {
    let parts: Vec<i16> = rows.iter().map(|(part, _, _)| number(*part)).collect();
    let contacts: Vec<&[u8]> = rows.iter().map(|(_, contact, _)| contact.as_bytes().as_slice()).collect();
    let ids: Vec<&[u8]> = rows.iter().map(|(_, _, id)| id.as_bytes().as_slice()).collect();
    execute(
        transaction,
        "UPDATE outbox SET state = 1, owner = NULL
         FROM unnest($1::smallint[], $2::bytea[], $3::bytea[]) AS g(part, contact, id)
         WHERE outbox.part = g.part AND outbox.contact = g.contact AND outbox.id = g.id AND outbox.state = 2
           AND outbox.owner = $4",
        &[&parts, &contacts, &ids, &lease.owner],
    )
    .await?;
    Ok(())
}

async fn candidates(client: &impl GenericClient, lease: &Lease, request: &WireRequest) -> StoreResult<Vec<Candidate>> {
    let parts: Vec<i16> = lease.parts.iter().map(|(part, _)| number(*part)).collect();
    let highest = if request.bulk { Priority::Bulk } else { Priority::Reply };
    let rows = query(
        client,
        "SELECT o.part, o.contact, o.id, o.class, o.address, o.start, o.valid_until
         FROM outbox o
         WHERE o.channel = $1 AND o.state = 1 AND o.priority <= $2 AND o.part = ANY($4)
           AND NOT EXISTS (SELECT 1 FROM outbox w WHERE w.part = o.part AND w.contact = o.contact
             AND (w.state = 2 OR w.state = 6 AND w.resend_after IS NOT NULL
                  OR w.state = 1 AND (w.priority, w.id) < (o.priority, o.id)))
         ORDER BY o.channel, o.priority, o.id LIMIT $3",
        &[&request.channel.as_bytes().as_slice(), &(highest as i16), &(request.limit as i64), &parts],
    )
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Candidate {
                part: part(row, 0)?,
                contact: id(row, 1)?,
                id: id(row, 2)?,
                class: row.try_get(3)?,
                address: row.try_get(4)?,
                start: optional_id(row, 5)?,
                valid_until: row.try_get(6)?,
            })
        })
        .collect()
}

/// The status and the addresses of each contact.
type Contacts = HashMap<ContactId, (String, Vec<String>)>;

/// The contacts who are to be written to, as they are now.
async fn contacts(client: &impl GenericClient, candidates: &[Candidate]) -> StoreResult<Contacts> {
    let parts: Vec<i16> = candidates.iter().map(|candidate| number(candidate.part)).collect();
    let ids: Vec<&[u8]> = candidates.iter().map(|candidate| candidate.contact.as_bytes().as_slice()).collect();
    let rows = query(
        client,
        "SELECT c.id, c.status, c.urns FROM contact c, unnest($1::smallint[], $2::bytea[]) AS g(part, id)
         WHERE c.part = g.part AND c.id = g.id",
        &[&parts, &ids],
    )
    .await?;
    rows.iter()
        .map(|row| {
            let urns: Vec<String> = serde_json::from_str(row.try_get(2)?).unwrap_or_default();
            let addresses = urns.iter().map(|urn| crate::identity(urn).to_owned()).collect();
            Ok((id(row, 0)?, (row.try_get(1)?, addresses)))
        })
        .collect()
}

/// Why a contact may not be written to now: its status, or a STOP from any of its addresses. The one confirmation of an
/// opt-out passes the opt-out that it confirms.
fn contact_refusal(candidate: &Candidate, contacts: &Contacts, suppressed: &HashSet<String>) -> Option<&'static str> {
    let known = contacts.get(&candidate.contact);
    let normal = candidate.class == Class::Normal as i16;
    let mut addresses = known.iter().flat_map(|(_, addresses)| addresses).chain([&candidate.address]);
    match known.map_or("", |(status, _)| status.as_str()) {
        "blocked" => Some("blocked"),
        "archived" => Some("archived"),
        "stopped" if normal => Some("opted_out"),
        _ if normal && addresses.any(|address| suppressed.contains(address)) => Some("opted_out"),
        _ => None,
    }
}

/// Which of the addresses of the candidates' contacts are on the suppression list.
async fn suppressed(
    client: &impl GenericClient,
    candidates: &[Candidate],
    contacts: &Contacts,
) -> StoreResult<HashSet<String>> {
    let addresses = candidates.iter().map(|candidate| candidate.address.as_str());
    let others = contacts.values().flat_map(|(_, addresses)| addresses).map(String::as_str);
    let addresses: Vec<&str> = addresses.chain(others).collect();
    let rows = query(client, "SELECT address FROM suppression WHERE address = ANY($1)", &[&addresses]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The states of the starts that the messages belong to.
async fn states(client: &impl GenericClient, candidates: &[Candidate]) -> StoreResult<HashMap<StartId, String>> {
    let starts: HashSet<StartId> = candidates.iter().filter_map(|candidate| candidate.start).collect();
    if starts.is_empty() {
        return Ok(HashMap::new());
    }
    let starts: Vec<&[u8]> = starts.iter().map(|start| start.as_bytes().as_slice()).collect();
    let rows = query(client, "SELECT id, state FROM start WHERE id = ANY($1)", &[&starts]).await?;
    rows.iter().map(|row| Ok((id(row, 0)?, row.try_get(1)?))).collect()
}

async fn refuse(transaction: &Transaction<'_>, refused: &[(Candidate, &'static str)], now: Millis) -> StoreResult<()> {
    let keys = [Int("part"), Bytes("contact"), Bytes("id")];
    let mut rows = Rows::delete("outbox", &keys).tail("AND outbox.state = 1 RETURNING outbox.id");
    for (candidate, _) in refused {
        rows.push(params![candidate.part, candidate.contact, candidate.id]);
    }
    let left: HashSet<MessageId> = returned_ids(transaction, &rows).await?.into_iter().collect();
    let settled: Vec<Settled<'_>> = refused
        .iter()
        .filter(|(candidate, _)| left.contains(&candidate.id))
        .map(|(candidate, reason)| Settled {
            part: candidate.part,
            message: candidate.id,
            state: MessageState::Refused,
            detail: Some(reason),
        })
        .collect();
    settle(transaction, &settled, now).await
}

async fn set_aside(transaction: &Transaction<'_>, aside: &[Candidate]) -> StoreResult<()> {
    let keys = [Int("part"), Bytes("contact"), Bytes("id")];
    let mut rows = Rows::update("outbox", &keys, &[Int("state")]).tail("AND outbox.state = 1");
    for candidate in aside {
        rows.push(params![candidate.part, candidate.contact, candidate.id, i64::from(ASIDE)]);
    }
    changing(transaction, &rows).await?;
    Ok(())
}

/// Marks messages; the conditions are looked at again in the statement that does it.
async fn mark(
    transaction: &Transaction<'_>,
    lease: &Lease,
    request: &WireRequest,
    free: &[Candidate],
) -> StoreResult<Vec<Wired>> {
    if free.is_empty() {
        return Ok(Vec::new());
    }
    let parts: Vec<i16> = free.iter().map(|candidate| number(candidate.part)).collect();
    let contacts: Vec<&[u8]> = free.iter().map(|candidate| candidate.contact.as_bytes().as_slice()).collect();
    let ids: Vec<&[u8]> = free.iter().map(|candidate| candidate.id.as_bytes().as_slice()).collect();
    let rows = query(
        transaction,
        "UPDATE outbox SET state = 2, owner = $4, wired_on = $5
         FROM unnest($1::smallint[], $2::bytea[], $3::bytea[]) WITH ORDINALITY AS g(part, contact, id, n)
         JOIN message m ON m.part = g.part AND m.id = g.id
         WHERE outbox.part = g.part AND outbox.contact = g.contact AND outbox.id = g.id AND outbox.state = 1
           AND (outbox.class <> 0 OR NOT EXISTS (SELECT 1 FROM suppression s WHERE s.address = outbox.address))
           AND NOT EXISTS (SELECT 1 FROM start t WHERE t.id = outbox.start AND t.state IN ('paused', 'cancelled'))
         RETURNING g.n, outbox.part, outbox.contact, outbox.id, outbox.address, outbox.reference, outbox.answers,
           outbox.resend_after, m.text, m.segments, m.number, m.created_on",
        &[&parts, &contacts, &ids, &lease.owner, &request.now.0],
    )
    .await?;
    let mut wired = Vec::with_capacity(rows.len());
    for row in &rows {
        let (n, reference, segments): (i64, i32, i16) = (row.try_get(0)?, row.try_get(5)?, row.try_get(9)?);
        let answers: Option<&str> = row.try_get(6)?;
        let message = Wired {
            part: part(row, 1)?,
            contact: id(row, 2)?,
            id: id(row, 3)?,
            address: row.try_get(4)?,
            from: row.try_get(10)?,
            text: row.try_get(8)?,
            reference: u16::try_from(reference).unwrap_or_default(),
            segments: u16::try_from(segments).unwrap_or(1),
            created_on: Millis(row.try_get(11)?),
            answers: answers.map(json).transpose()?,
            unknown_policy: row.try_get::<_, Option<i64>>(7)?.map_or(UnknownPolicy::Hold, UnknownPolicy::ResendAfter),
        };
        wired.push((n, message));
    }
    wired.sort_by_key(|(n, _)| *n);
    Ok(wired.into_iter().map(|(_, message)| message).collect())
}

/// Whose marking as `wired` a result is about.
#[derive(Clone, Copy)]
enum Of {
    /// Ours. That an operator took a message is true whoever has it in hand now; that it did not go out, or that
    /// nobody knows, says nothing of the copy that another process sends, if this one was taken for dead.
    Us(Owner),
    /// That of a process that is gone.
    Others(Owner),
}

impl Of {
    /// The condition on rows of the outbox.
    fn condition(self) -> String {
        match self {
            Self::Us(owner) => format!("outbox.owner = {owner}"),
            Self::Others(owner) => format!("outbox.owner IS DISTINCT FROM {owner}"),
        }
    }
}

/// Records what became of submits of this process. Not fenced: what the operator said is true whoever holds the part
/// now.
pub async fn submitted(db: &Postgres, batch: &[Submitted]) -> StoreResult<()> {
    record(db, batch, Of::Us(db.owner())).await
}

async fn record(db: &Postgres, batch: &[Submitted], of: Of) -> StoreResult<()> {
    // When the answer to a commit is lost, the same is written again. Nothing may be wired meanwhile, or a message that
    // went back to the queue and out once more would be put back while it is on its way.
    let goes_back = |one: &Submitted| matches!(one.outcome, Outcome::Requeue { .. } | Outcome::Unknown { .. });
    let _wiring = if batch.iter().any(goes_back) { Some(db.inner.wiring.lock().await) } else { None };
    // Results of one message are recorded one after the other.
    let mut seen = HashSet::new();
    let mut begin = 0;
    for (at, one) in batch.iter().enumerate() {
        if !seen.insert(one.id) {
            persist(db, &batch[begin..at], of).await?;
            begin = at;
            seen.clear();
            seen.insert(one.id);
        }
    }
    persist(db, &batch[begin..], of).await
}

/// Writes results however long the database cannot be reached: who drops one leaves its message on its way for ever.
async fn persist(db: &Postgres, batch: &[Submitted], of: Of) -> StoreResult<()> {
    loop {
        match retrying!(record_once(db, batch, of)) {
            Err(error) if error.is_outage() => tokio::time::sleep(AGAIN).await,
            result => return result,
        }
    }
}

async fn record_once(db: &Postgres, batch: &[Submitted], of: Of) -> StoreResult<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let mut client = db.hot().await?;
    let transaction = client.transaction().await?;
    let mut sorted: Vec<&Submitted> = batch.iter().collect();
    sorted.sort_by_key(|one| (one.part, one.contact, one.id));
    let those = |wanted: fn(&Outcome) -> bool| -> Vec<&Submitted> {
        sorted.iter().copied().filter(|one| wanted(&one.outcome)).collect()
    };
    accepted(&transaction, &those(|outcome| matches!(outcome, Outcome::Accepted { .. }))).await?;
    rejected(&transaction, &those(|outcome| matches!(outcome, Outcome::Rejected { .. })), of).await?;
    requeued(&transaction, &those(|outcome| matches!(outcome, Outcome::Requeue { .. })), of).await?;
    become_unknown(&transaction, &those(|outcome| matches!(outcome, Outcome::Unknown { .. })), of).await?;
    transaction.commit().await?;
    Ok(())
}

/// Takes messages that were on their way out of the outbox, where `condition` holds; gives those that had not been
/// settled before.
async fn leave_outbox(
    transaction: &Transaction<'_>,
    batch: &[&Submitted],
    condition: &str,
) -> StoreResult<HashSet<MessageId>> {
    let keys = [Int("part"), Bytes("contact"), Bytes("id")];
    let tail = format!("AND outbox.state IN (2, 6) AND {condition} RETURNING outbox.id");
    let mut rows = Rows::delete("outbox", &keys).tail(tail);
    for one in batch {
        rows.push(params![one.part, one.contact, one.id]);
    }
    Ok(returned_ids(transaction, &rows).await?.into_iter().collect())
}

async fn accepted(transaction: &Transaction<'_>, batch: &[&Submitted]) -> StoreResult<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let left = leave_outbox(transaction, batch, "TRUE").await?;
    let (mut parts, mut messages, mut times, mut externals) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut pieces: Vec<i16> = Vec::new();
    let mut expected = Vec::new();
    let mut clear = Rows::delete("dedupe", &[Int("part"), Int("bucket"), Bytes("hash")]);
    for one in batch {
        let Outcome::Accepted { external_ids, receipt, clear: key } = &one.outcome else { continue };
        if let Some(key) = key {
            clear.push(params![key.part, key.bucket, key.hash]);
        }
        if left.contains(&one.id) {
            parts.push(number(one.part));
            messages.push(one.id.as_bytes().as_slice());
            times.push(one.at.0);
            externals.push(external_ids.join(" "));
            pieces.push(i16::try_from(external_ids.len()).unwrap_or(i16::MAX));
            if *receipt {
                expected.extend(external_ids.iter().map(|external| (*one, external.as_str())));
            }
        }
    }
    let opened = query(
        transaction,
        // A channel may need more or fewer pieces than the text has segments; each piece has one receipt.
        "UPDATE message SET state = 3, modified_on = g.at, external_ids = g.external_ids,
           delivered = message.delivered + message.segments - g.pieces
         FROM unnest($1::smallint[], $2::bytea[], $3::bigint[], $4::text[], $5::smallint[])
           AS g(part, id, at, external_ids, pieces)
         WHERE message.part = g.part AND message.id = g.id
         RETURNING message.part, message.start, message.contact, message.opening",
        &[&parts, &messages, &times, &externals, &pieces],
    )
    .await?;
    let mut recipients: Vec<RecipientState> = Vec::new();
    for row in &opened {
        if let (Some(start), 1) = (optional_id(row, 1)?, row.try_get::<_, i16>(3)?) {
            recipients.push((part(row, 0)?, start, id(row, 2)?, MessageState::Sent as i16, None));
        }
    }
    tokio::try_join!(recipient_states(transaction, &recipients), async { changing(transaction, &clear).await })?;
    expect_receipts(transaction, &expected).await
}

/// Notes which receipts will come, and applies those that came before the submit's answer.
async fn expect_receipts(transaction: &Transaction<'_>, expected: &[(&Submitted, &str)]) -> StoreResult<()> {
    if expected.is_empty() {
        return Ok(());
    }
    let mut by_key: HashMap<(Part, &[u8], &str), &Submitted> = HashMap::new();
    for (one, external) in expected {
        by_key.insert((Part::of_address(&one.address), one.channel.as_bytes().as_slice(), external), one);
    }
    let mut keys: Vec<_> = by_key.keys().copied().collect();
    keys.sort_unstable();
    // A receipt that is parked at this moment is waited for and then found; the second round takes it.
    for _ in 0..3 {
        let mut parked = Rows::delete("receipt", &[Int("part"), Bytes("channel"), Text("external_id")]).tail(
            "AND receipt.message IS NULL
             RETURNING receipt.part, receipt.channel, receipt.external_id, receipt.state, receipt.detail",
        );
        for (part, channel, external) in &keys {
            parked.push(params![*part, *channel, *external]);
        }
        for row in &returning(transaction, &parked).await? {
            let (channel, external): (&[u8], &str) = (row.try_get(1)?, row.try_get(2)?);
            let key = (part(row, 0)?, channel, external);
            let Some(one) = by_key.get(&key) else { continue };
            let delivered = row.try_get::<_, Option<i16>>(3)? == Some(MessageState::Delivered as i16);
            let state = if delivered { ReceiptState::Delivered } else { ReceiptState::Failed };
            let detail: Option<&str> = row.try_get(4)?;
            let of = (one.part, one.id, one.contact);
            receipt_for(transaction, of, state, detail.unwrap_or_default(), one.at).await?;
            keys.retain(|other| *other != key);
        }
        let columns = [
            Int("part"),
            Bytes("channel"),
            Text("external_id"),
            Int("message_part"),
            Bytes("contact"),
            Bytes("message"),
            Int("at"),
        ];
        // An operator that uses its ids again means the later message.
        let conflict = "ON CONFLICT (part, channel, external_id) DO UPDATE SET message_part = excluded.message_part,
            contact = excluded.contact, message = excluded.message, at = excluded.at
            WHERE receipt.message IS NOT NULL";
        let mut rows = Rows::insert("receipt", &columns, conflict).tail("RETURNING part, channel, external_id");
        for key in &keys {
            let Some(one) = by_key.get(key) else { continue };
            rows.push(params![key.0, key.1, key.2, one.part, one.contact, one.id, one.at]);
        }
        for row in &returning(transaction, &rows).await? {
            let (channel, external): (&[u8], &str) = (row.try_get(1)?, row.try_get(2)?);
            let key = (part(row, 0)?, channel, external);
            keys.retain(|other| *other != key);
        }
        if keys.is_empty() {
            return Ok(());
        }
    }
    Err(StoreError::Corrupt("a receipt is parked again and again".into()))
}

async fn rejected(transaction: &Transaction<'_>, batch: &[&Submitted], of: Of) -> StoreResult<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let left = leave_outbox(transaction, batch, &of.condition()).await?;
    for at in times(batch) {
        let settled: Vec<Settled<'_>> = batch
            .iter()
            .filter(|one| one.at == at && left.contains(&one.id))
            .map(|one| Settled {
                part: one.part,
                message: one.id,
                state: MessageState::Failed,
                detail: match &one.outcome {
                    Outcome::Rejected { reason } => Some(reason),
                    _ => None,
                },
            })
            .collect();
        settle(transaction, &settled, at).await?;
    }
    Ok(())
}

/// The different times of a batch.
fn times(batch: &[&Submitted]) -> Vec<Millis> {
    let mut times: Vec<Millis> = batch.iter().map(|one| one.at).collect();
    times.sort_unstable();
    times.dedup();
    times
}

async fn requeued(transaction: &Transaction<'_>, batch: &[&Submitted], of: Of) -> StoreResult<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let parts: Vec<i16> = batch.iter().map(|one| number(one.part)).collect();
    let contacts: Vec<&[u8]> = batch.iter().map(|one| one.contact.as_bytes().as_slice()).collect();
    let ids: Vec<&[u8]> = batch.iter().map(|one| one.id.as_bytes().as_slice()).collect();
    let reason = |one: &Submitted| match &one.outcome {
        Outcome::Requeue { refused } => refused.clone(),
        _ => None,
    };
    let refused: Vec<i16> = batch.iter().map(|one| i16::from(reason(one).is_some())).collect();
    let rows = query(
        transaction,
        &format!(
            "UPDATE outbox SET state = 1, owner = NULL, refusals = outbox.refusals + g.refused
             FROM unnest($1::smallint[], $2::bytea[], $3::bytea[], $4::smallint[]) AS g(part, contact, id, refused)
             WHERE outbox.part = g.part AND outbox.contact = g.contact AND outbox.id = g.id AND outbox.state = 2
               AND {}
             RETURNING outbox.id, outbox.refusals",
            of.condition()
        ),
        &[&parts, &contacts, &ids, &refused],
    )
    .await?;
    let mut given_up: HashSet<MessageId> = HashSet::new();
    for row in &rows {
        if i64::from(row.try_get::<_, i16>(1)?) >= REFUSALS {
            given_up.insert(id(row, 0)?);
        }
    }
    let mut leave = Rows::delete("outbox", &[Int("part"), Bytes("contact"), Bytes("id")]);
    for one in batch.iter().filter(|one| given_up.contains(&one.id)) {
        leave.push(params![one.part, one.contact, one.id]);
    }
    changing(transaction, &leave).await?;
    for one in batch.iter().filter(|one| given_up.contains(&one.id)) {
        let reason = reason(one);
        let (state, detail) = (MessageState::Failed, reason.as_deref());
        settle(transaction, &[Settled { part: one.part, message: one.id, state, detail }], one.at).await?;
    }
    Ok(())
}

/// Marks wired messages `unknown`, with what settles them if no receipt does.
async fn become_unknown(transaction: &Transaction<'_>, batch: &[&Submitted], of: Of) -> StoreResult<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let tail =
        format!("AND outbox.state = 2 AND {} RETURNING outbox.id, outbox.resend_after, outbox.resent", of.condition());
    let mut rows = Rows::update("outbox", &[Int("part"), Bytes("contact"), Bytes("id")], &[Int("state")]).tail(tail);
    for one in batch {
        rows.push(params![one.part, one.contact, one.id, MessageState::Unknown as i64]);
    }
    let mut policies: HashMap<MessageId, Option<i64>> = HashMap::new();
    for row in &returning(transaction, &rows).await? {
        let (after, resent): (Option<i64>, i16) = (row.try_get(1)?, row.try_get(2)?);
        policies.insert(id(row, 0)?, after.filter(|_| resent == 0));
    }
    let mut timers = Vec::new();
    let mut found = Vec::new();
    let mut expected = Vec::new();
    let mut held = Rows::update("outbox", &[Int("part"), Bytes("contact"), Bytes("id")], &[Int("resend_after")]);
    for one in batch {
        let (Some(resend_after), Outcome::Unknown { external_ids }) = (policies.get(&one.id), &one.outcome) else {
            continue;
        };
        settle(
            transaction,
            &[Settled { part: one.part, message: one.id, state: MessageState::Unknown, detail: Some("unknown") }],
            one.at,
        )
        .await?;
        expected.extend(external_ids.iter().map(|external| (*one, external.as_str())));
        if let Some(after) = resend_after {
            let due = Millis(one.at.0 + after);
            timers.push((one.part, due, one.contact, UNKNOWN, one.id.as_bytes().to_vec()));
        } else {
            // Nothing sends it again by itself, so it must not hold back what follows.
            held.push(params![one.part, one.contact, one.id, None::<i64>]);
            found.push(crate::unknown_problem(one.id, one.contact));
        }
    }
    expect_receipts(transaction, &expected).await?;
    insert_timers(transaction, timers).await?;
    changing(transaction, &held).await?;
    let at = batch.first().map_or(Millis(0), |one| one.at);
    let found: Vec<_> = found.iter().map(|problem| (problem, None)).collect();
    problems(transaction, &found, at).await
}

/// Marks as `unknown` every message of the lease's parts that a process which is gone, or an earlier life of this one,
/// had marked `wired`. What a living process has on its way, which gave the part away, is left to it.
pub async fn recover(db: &Postgres, lease: &Lease, now: Millis) -> StoreResult<Recovered> {
    let parts: Vec<i16> = lease.parts.iter().map(|(part, _)| number(*part)).collect();
    let client = db.hot().await?;
    let rows = query(
        &client,
        "SELECT o.part, o.contact, o.id, o.address, o.channel, EXISTS (SELECT 1 FROM process p
           WHERE p.id = o.owner AND p.heartbeat > clock_timestamp() - make_interval(secs => $3))
         FROM outbox o WHERE o.part = ANY($1) AND o.state = 2 AND o.owner IS DISTINCT FROM $2",
        &[&parts, &lease.owner, &db.options().dead_after.as_secs_f64()],
    )
    .await?;
    drop(client);
    let mut lost = Vec::with_capacity(rows.len());
    let mut abroad = BTreeSet::new();
    for row in &rows {
        if row.try_get(5)? {
            abroad.insert(part(row, 0)?);
            continue;
        }
        lost.push(Submitted {
            part: part(row, 0)?,
            contact: id(row, 1)?,
            id: id(row, 2)?,
            address: row.try_get(3)?,
            channel: id(row, 4)?,
            outcome: Outcome::Unknown { external_ids: Vec::new() },
            at: now,
        });
    }
    record(db, &lost, Of::Others(lease.owner)).await?;
    Ok(Recovered { unknown: lost.len(), abroad: abroad.into_iter().collect() })
}
