//! Intake: dedupe, reassembly, contact, message, inbox, consent.

use super::{
    Bytes, GenericClient, INCOMPLETE, Int, MessageState, NewProblem, Postgres, Rows, Settled, Text, Transaction,
    changing, enqueue, execute, id, insert_timers, number, params, problems, query, retrying, returning, settle,
    text_of,
};
use crate::ops::{Consent, Inbound, Ingested, SegmentOf, Task};
use crate::reassembly::{self, Kept, SegmentKey};
use crate::{StoreError, StoreResult};
use base::{ContactId, IdMaker, MessageId, Millis, Part};
use std::collections::{HashMap, HashSet};

/// Writes inbound messages: dedupe, reassembly, contact, message, inbox, consent. One answer each, in order.
pub async fn ingest(db: &Postgres, batch: &[Inbound]) -> StoreResult<Vec<Ingested>> {
    retrying!(ingest_once(db, batch))
}

async fn ingest_once(db: &Postgres, batch: &[Inbound]) -> StoreResult<Vec<Ingested>> {
    let mut client = db.hot().await?;
    let transaction = client.transaction().await?;
    let fresh = dedupe(&transaction, batch).await?;
    let mut answers = vec![Ingested::Duplicate; batch.len()];
    let mut whole = Vec::with_capacity(batch.len());
    for (at, inbound) in batch.iter().enumerate().filter(|(at, _)| fresh[*at]) {
        match &inbound.segment {
            None => whole.push((at, inbound.text.clone())),
            Some(segment) => match reassemble(&transaction, inbound, segment).await? {
                None => answers[at] = Ingested::Incomplete,
                Some(text) => whole.push((at, text)),
            },
        }
    }
    let messages: Vec<(&Inbound, String)> =
        whole.iter_mut().map(|(at, text)| (&batch[*at], std::mem::take(text))).collect();
    let delivered = deliver(&transaction, &messages).await?;
    for ((at, _), (contact, unknown_sender)) in whole.iter().zip(delivered) {
        answers[*at] = Ingested::New { contact, unknown_sender };
    }
    transaction.commit().await?;
    Ok(answers)
}

/// Which of the batch have not been received before; their keys are written.
async fn dedupe(transaction: &Transaction<'_>, batch: &[Inbound]) -> StoreResult<Vec<bool>> {
    let mut fresh = vec![true; batch.len()];
    let mut first: HashMap<(Part, i64, [u8; 16]), usize> = HashMap::new();
    for (at, inbound) in batch.iter().enumerate() {
        let Some(key) = &inbound.dedupe else { continue };
        if first.contains_key(&(key.part, key.bucket, key.hash))
            || first.contains_key(&(key.part, key.bucket - 1, key.hash))
        {
            fresh[at] = false;
        } else {
            first.insert((key.part, key.bucket, key.hash), at);
        }
    }
    if first.is_empty() {
        return Ok(fresh);
    }
    let mut keys: Vec<_> = first.into_iter().collect();
    keys.sort_unstable();
    let parts: Vec<i16> = keys.iter().map(|((part, _, _), _)| number(*part)).collect();
    let buckets: Vec<i64> = keys.iter().map(|((_, bucket, _), _)| *bucket).collect();
    let hashes: Vec<&[u8]> = keys.iter().map(|((_, _, hash), _)| hash.as_slice()).collect();
    let written = query(
        transaction,
        "INSERT INTO dedupe(part, bucket, hash)
         SELECT g.part, g.bucket, g.hash FROM unnest($1::smallint[], $2::bigint[], $3::bytea[]) AS g(part, bucket, hash)
         WHERE NOT EXISTS (SELECT 1 FROM dedupe d WHERE d.part = g.part AND d.bucket = g.bucket - 1 AND d.hash = g.hash)
         ON CONFLICT DO NOTHING RETURNING part, bucket, hash",
        &[&parts, &buckets, &hashes],
    )
    .await?;
    let mut new: HashSet<(i16, i64, &[u8])> = HashSet::with_capacity(written.len());
    for row in &written {
        new.insert((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
    }
    for ((part, bucket, hash), at) in &keys {
        fresh[*at] = new.contains(&(number(*part), *bucket, hash.as_slice()));
    }
    Ok(fresh)
}

/// The parts that came so far, in their order.
async fn kept(client: &impl GenericClient, key: &SegmentKey) -> StoreResult<Vec<Kept>> {
    let rows = query(
        client,
        "SELECT sequence, text, coding, octets, received_on FROM segment
         WHERE part = $1 AND address = $2 AND channel = $3 AND number = $4 AND reference = $5 AND total = $6
         ORDER BY sequence",
        &[
            &i16::from(key.part),
            &key.address,
            &key.channel.as_slice(),
            &key.number,
            &i32::from(key.reference),
            &i16::from(key.total),
        ],
    )
    .await?;
    rows.iter()
        .map(|row| {
            let (sequence, coding): (i16, Option<i16>) = (row.try_get(0)?, row.try_get(2)?);
            let received_on = Millis(row.try_get(4)?);
            Ok(Kept::new(sequence.into(), row.try_get(1)?, coding.map(i64::from), row.try_get(3)?, received_on))
        })
        .collect()
}

async fn drop_segments(client: &impl GenericClient, key: &SegmentKey) -> StoreResult<()> {
    execute(
        client,
        "DELETE FROM segment WHERE part = $1 AND address = $2 AND channel = $3 AND number = $4
           AND reference = $5 AND total = $6",
        &[
            &i16::from(key.part),
            &key.address,
            &key.channel.as_slice(),
            &key.number,
            &i32::from(key.reference),
            &i16::from(key.total),
        ],
    )
    .await?;
    Ok(())
}

/// Parts that come to two processes at the same moment must see each other, and so must the timer that gives them up.
async fn lock(client: &impl GenericClient, key: &SegmentKey) -> StoreResult<()> {
    let [high, low] = key.reference.to_be_bytes();
    let lock = i64::from_be_bytes([key.part, 0, 0, 0, 0, 0, high, low]);
    execute(client, "SELECT pg_advisory_xact_lock($1)", &[&lock]).await?;
    Ok(())
}

/// Keeps one part of a long message; the last one gives the whole text.
async fn reassemble(
    transaction: &Transaction<'_>,
    inbound: &Inbound,
    segment: &SegmentOf,
) -> StoreResult<Option<String>> {
    let key = SegmentKey::of(inbound, segment);
    lock(transaction, &key).await?;
    let mut kept = kept(transaction, &key).await?;
    if let Some(before) = kept.iter().find(|part| part.sequence == i64::from(segment.sequence)) {
        if before.is_again(inbound, segment) {
            return Ok(None);
        }
        // The sender uses a reference again: what came before belongs to a message whose other parts are lost.
        let earlier = key.incomplete(inbound.id, inbound.new_contact, before.received_on);
        give_up(transaction, &key, &kept, &earlier, inbound.received_on).await?;
        kept.clear();
    }
    execute(
        transaction,
        "INSERT INTO segment(part, address, channel, number, reference, total, sequence, text, coding, octets, received_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            &i16::from(key.part),
            &key.address,
            &key.channel.as_slice(),
            &key.number,
            &i32::from(key.reference),
            &i16::from(key.total),
            &i16::from(segment.sequence),
            &inbound.text,
            &i16::from(segment.coding.number()),
            &segment.octets,
            &inbound.received_on.0,
        ],
    )
    .await?;
    if kept.is_empty() {
        let part = Part(key.part);
        let due = reassembly::patience_ends(inbound.received_on);
        let timer = (part, due, inbound.new_contact, INCOMPLETE, text_of(&key)?.into_bytes());
        insert_timers(transaction, [timer]).await?;
    }
    if kept.len() + 1 < usize::from(key.total) {
        return Ok(None);
    }
    let parts = self::kept(transaction, &key).await?;
    drop_segments(transaction, &key).await?;
    Ok(Some(reassembly::text_of(&parts)))
}

/// Who has which of the addresses.
async fn owners(client: &impl GenericClient, addresses: &[&str]) -> StoreResult<HashMap<String, ContactId>> {
    let parts: Vec<i16> = addresses.iter().map(|address| number(Part::of_address(address))).collect();
    let rows = query(
        client,
        "SELECT u.address, u.contact FROM unnest($1::smallint[], $2::text[]) AS g(part, address)
         JOIN urn u ON u.part = g.part AND u.address = g.address",
        &[&parts, &addresses],
    )
    .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, id(row, 1)?))).collect()
}

/// Files whole inbound messages with the contacts who have their addresses, making those whom nobody knows. Gives the
/// contact of each, and whether it was made for it.
async fn deliver(
    transaction: &Transaction<'_>,
    messages: &[(&Inbound, String)],
) -> StoreResult<Vec<(ContactId, bool)>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let mut first: HashMap<&str, &Inbound> = HashMap::new();
    for (inbound, _) in messages {
        first.entry(&inbound.address).or_insert(inbound);
    }
    let addresses: Vec<&str> = first.keys().copied().collect();
    let mut owner = owners(transaction, &addresses).await?;
    let mut unknown: Vec<&Inbound> =
        first.iter().filter(|(address, _)| !owner.contains_key(**address)).map(|(_, inbound)| *inbound).collect();
    let mut made = HashSet::new();
    if !unknown.is_empty() {
        unknown.sort_by_key(|inbound| (Part::of_address(&inbound.address), &inbound.address));
        made = make_unknown_senders(transaction, &unknown).await?;
        let addresses: Vec<&str> = unknown.iter().map(|inbound| inbound.address.as_str()).collect();
        owner.extend(owners(transaction, &addresses).await?);
    }
    let columns = [
        Int("part"),
        Bytes("id"),
        Bytes("contact"),
        Int("state"),
        Bytes("channel"),
        Text("address"),
        Text("number"),
        Text("text"),
        Int("created_on"),
        Int("modified_on"),
    ];
    let mut rows = Rows::insert("message", &columns, "");
    let mut tasks = Vec::with_capacity(messages.len());
    let mut answers = Vec::with_capacity(messages.len());
    for (inbound, text) in messages {
        let contact = *owner.get(&inbound.address).ok_or_else(|| {
            StoreError::Corrupt(format!("{} has neither a contact nor could it get one", inbound.address))
        })?;
        let part = contact.part();
        rows.push(params![
            part,
            inbound.id,
            contact,
            MessageState::Received as i64,
            inbound.channel,
            &inbound.address,
            &inbound.to,
            text,
            inbound.received_on,
            inbound.received_on
        ]);
        let task = Task::Message {
            message: inbound.id,
            channel: inbound.channel,
            address: inbound.address.clone(),
            to: inbound.to.clone(),
            text: text.clone(),
            received_on: inbound.received_on,
            dedupe: inbound.dedupe,
            consent: inbound.consent,
        };
        tasks.push((part, inbound.id, contact, task));
        answers.push((contact, made.remove(&inbound.address)));
    }
    tokio::try_join!(changing(transaction, &rows), enqueue(transaction, tasks))?;
    for ((inbound, _), (contact, _)) in messages.iter().zip(&answers) {
        match inbound.consent {
            Some(Consent::OptOut) => {
                let sql = "INSERT INTO suppression(address, reason, at) VALUES ($1, 'stop', $2) ON CONFLICT DO NOTHING";
                execute(transaction, sql, &[&inbound.address, &inbound.received_on.0]).await?;
                withdraw(transaction, &[*contact], inbound.received_on).await?;
            }
            Some(Consent::OptIn) => {
                opt_in(transaction, *contact, &inbound.address).await?;
            }
            None => {}
        }
    }
    Ok(answers)
}

/// Takes all addresses of a contact off the suppression list: a STOP from one of them had stopped the contact.
async fn opt_in(transaction: &Transaction<'_>, contact: ContactId, address: &str) -> StoreResult<()> {
    let sql = "SELECT urns FROM contact WHERE part = $1 AND id = $2";
    let rows = query(transaction, sql, &[&number(contact.part()), &contact.as_bytes().as_slice()]).await?;
    let mut addresses = vec![address.to_owned()];
    for row in &rows {
        let urns: Vec<String> = serde_json::from_str(row.try_get(0)?).unwrap_or_default();
        addresses.extend(urns.iter().map(|urn| crate::identity(urn).to_owned()));
    }
    execute(transaction, "DELETE FROM suppression WHERE address = ANY($1)", &[&addresses]).await?;
    Ok(())
}

/// Makes contacts for addresses that nobody has; gives the addresses that it made them for. Another process may be
/// doing the same.
async fn make_unknown_senders(transaction: &Transaction<'_>, unknown: &[&Inbound]) -> StoreResult<HashSet<String>> {
    let columns = [Int("part"), Text("address"), Int("contact_part"), Bytes("contact")];
    let mut urns = Rows::insert("urn", &columns, "ON CONFLICT DO NOTHING").tail("RETURNING address");
    for inbound in unknown {
        let contact = inbound.new_contact;
        urns.push(params![Part::of_address(&inbound.address), &inbound.address, contact.part(), contact]);
    }
    let mut made = HashSet::new();
    for row in returning(transaction, &urns).await? {
        made.insert(row.try_get(0)?);
    }
    let columns = [Int("part"), Bytes("id"), Int("created_on"), Text("urns")];
    let mut contacts = Rows::insert("contact", &columns, "");
    let columns = [Int("part"), Bytes("contact"), Text("status"), Int("created_on"), Int("changed_on")];
    let mut audience = Rows::insert("audience", &columns, "");
    let mut found = Vec::new();
    for inbound in unknown.iter().filter(|inbound| made.contains(&inbound.address)) {
        let contact = inbound.new_contact;
        let part = contact.part();
        contacts.push(params![part, contact, inbound.received_on, text_of(&[&inbound.address])?]);
        audience.push(params![part, contact, "active", inbound.received_on, inbound.received_on]);
        found.push(crate::problem::unknown_sender(&inbound.address, contact));
    }
    let found: Vec<(&NewProblem, Option<String>)> = found.iter().map(|problem| (problem, None)).collect();
    let at = unknown.first().map_or(Millis(0), |inbound| inbound.received_on);
    tokio::try_join!(
        changing(transaction, &contacts),
        changing(transaction, &audience),
        problems(transaction, &found, at)
    )?;
    Ok(made)
}

/// Withdraws what waits for contacts who have opted out. A row that is being wired at this moment is waited for.
async fn withdraw(client: &impl GenericClient, contacts: &[ContactId], at: Millis) -> StoreResult<()> {
    let keys = [Int("part"), Bytes("contact")];
    let mut rows = Rows::delete("outbox", &keys)
        .tail("AND outbox.state IN (1, 9) AND outbox.class = 0 RETURNING outbox.part, outbox.id");
    for contact in contacts {
        rows.push(params![contact.part(), *contact]);
    }
    let withdrawn = returning(client, &rows).await?;
    let mut settled = Vec::with_capacity(withdrawn.len());
    for row in &withdrawn {
        settled.push(Settled {
            part: super::part(row, 0)?,
            message: id(row, 1)?,
            state: MessageState::Refused,
            detail: Some("opted_out"),
        });
    }
    settle(client, &settled, at).await
}

/// What is still on its way to contacts who have just opted out.
///
/// A message may have been wired by a statement that began before the opt-out was committed. This runs after that
/// commit: it withdraws once more what waits, waiting for each row that is being wired, so that what is not `wired`
/// when it answers never will be.
pub async fn still_wired(db: &Postgres, contacts: &[ContactId], at: Millis) -> StoreResult<Vec<ContactId>> {
    let mut sorted = contacts.to_vec();
    sorted.sort_unstable_by_key(|contact| (contact.part(), *contact));
    sorted.dedup();
    retrying!(still_wired_once(db, &sorted, at))
}

async fn still_wired_once(db: &Postgres, contacts: &[ContactId], at: Millis) -> StoreResult<Vec<ContactId>> {
    let mut client = db.hot().await?;
    let transaction = client.transaction().await?;
    withdraw(&transaction, contacts, at).await?;
    let parts: Vec<i16> = contacts.iter().map(|contact| number(contact.part())).collect();
    let ids: Vec<&[u8]> = contacts.iter().map(|contact| contact.as_bytes().as_slice()).collect();
    let wired = query(
        &transaction,
        "SELECT g.contact FROM unnest($1::smallint[], $2::bytea[]) AS g(part, contact)
         WHERE EXISTS (SELECT 1 FROM outbox o WHERE o.part = g.part AND o.contact = g.contact AND o.state = 2 AND o.class = 0)",
        &[&parts, &ids],
    )
    .await?;
    let wired = wired.iter().map(|row| id(row, 0)).collect::<StoreResult<_>>()?;
    transaction.commit().await?;
    Ok(wired)
}

/// The parts of a long message that have been waited for.
pub(super) async fn incomplete_due(
    transaction: &Transaction<'_>,
    new_contact: ContactId,
    key: &[u8],
    now: Millis,
    ids: &mut IdMaker,
) -> StoreResult<()> {
    let key: SegmentKey = serde_json::from_slice(key).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    lock(transaction, &key).await?;
    let parts = kept(transaction, &key).await?;
    if !reassembly::is_due(&parts, now) {
        return Ok(());
    }
    let message: MessageId = ids.next(now);
    give_up(transaction, &key, &parts, &key.incomplete(message, new_contact, now), now).await
}

/// The parts of a long message that did come are delivered as they are, and the gap becomes a problem.
async fn give_up(
    transaction: &Transaction<'_>,
    key: &SegmentKey,
    parts: &[Kept],
    as_one: &Inbound,
    now: Millis,
) -> StoreResult<()> {
    drop_segments(transaction, key).await?;
    let delivered = deliver(transaction, &[(as_one, reassembly::text_of(parts))]).await?;
    let Some((contact, _)) = delivered.first() else { return Ok(()) };
    let found = crate::problem::incomplete(as_one.id, *contact, &key.address, parts.len(), key.total);
    problems(transaction, &[(&found, None)], now).await
}
