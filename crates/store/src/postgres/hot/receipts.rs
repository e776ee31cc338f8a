//! Delivery receipts.

use super::{
    Bytes, GenericClient, Int, MessageState, Postgres, RecipientState, Rows, Settled, Text, Transaction, changing,
    execute, id, number, optional_id, params, part, query, recipient_states, retrying, returning, settle,
};
use crate::StoreResult;
use crate::ops::{Receipt, ReceiptOutcome, ReceiptState};
use base::{ContactId, MessageId, Millis, Part};
use std::collections::{HashMap, HashSet};

/// A message: part, id, contact.
type Of = (Part, MessageId, ContactId);

/// What names a receipt: the address's part, channel, the operator's id.
type Key<'a> = (Part, [u8; 16], &'a str);

/// Applies receipts. One answer each, in order.
pub async fn receipts(db: &Postgres, batch: &[Receipt]) -> StoreResult<Vec<ReceiptOutcome>> {
    retrying!(receipts_once(db, batch))
}

async fn receipts_once(db: &Postgres, batch: &[Receipt]) -> StoreResult<Vec<ReceiptOutcome>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let mut client = db.hot().await?;
    let transaction = client.transaction().await?;
    let mut answers: Vec<Option<ReceiptOutcome>> = vec![None; batch.len()];
    expected(&transaction, batch, &mut answers).await?;
    park(&transaction, batch, &mut answers).await?;
    let mut outcomes = Vec::with_capacity(batch.len());
    for (receipt, answer) in batch.iter().zip(answers) {
        outcomes.push(match answer {
            Some(answer) => answer,
            None => receipt_one(&transaction, receipt).await?,
        });
    }
    transaction.commit().await?;
    Ok(outcomes)
}

fn key(receipt: &Receipt) -> Key<'_> {
    (Part::of_address(&receipt.address), *receipt.channel.as_bytes(), &receipt.external_id)
}

/// The usual case, all at once: final receipts that were expected, for messages that are `sent`, one a message.
async fn expected(
    transaction: &Transaction<'_>,
    batch: &[Receipt],
    answers: &mut [Option<ReceiptOutcome>],
) -> StoreResult<()> {
    let mut first: HashMap<Key<'_>, usize> = HashMap::new();
    for (at, receipt) in batch.iter().enumerate() {
        if receipt.state != ReceiptState::Pending {
            first.entry(key(receipt)).or_insert(at);
        }
    }
    let mut keys: Vec<(Key<'_>, usize)> = first.into_iter().collect();
    keys.sort_unstable();
    let parts: Vec<i16> = keys.iter().map(|((part, _, _), _)| number(*part)).collect();
    let channels: Vec<&[u8]> = keys.iter().map(|((_, channel, _), _)| channel.as_slice()).collect();
    let externals: Vec<&str> = keys.iter().map(|((_, _, external), _)| *external).collect();
    let numbers: Vec<i64> = keys.iter().map(|(_, at)| *at as i64).collect();
    let taken = query(
        transaction,
        "DELETE FROM receipt USING unnest($1::smallint[], $2::bytea[], $3::text[], $4::bigint[])
           AS g(part, channel, external_id, n)
         WHERE receipt.part = g.part AND receipt.channel = g.channel AND receipt.external_id = g.external_id
           AND receipt.message IS NOT NULL
         RETURNING g.n, receipt.message_part, receipt.message, receipt.contact",
        &[&parts, &channels, &externals, &numbers],
    )
    .await?;
    let mut rows: Vec<(usize, Of)> = Vec::with_capacity(taken.len());
    for row in &taken {
        let n: i64 = row.try_get(0)?;
        rows.push((n as usize, (part(row, 1)?, id(row, 2)?, id(row, 3)?)));
    }
    rows.sort_unstable_by_key(|(n, of)| (of.0, of.1, *n));
    let mut alone: Vec<(usize, Of)> = Vec::with_capacity(rows.len());
    let mut further = Vec::new();
    for (n, of) in rows {
        if alone.last().is_some_and(|(_, last)| last.1 == of.1) {
            further.push((n, of));
        } else {
            alone.push((n, of));
        }
    }
    let moved = sent_to_final(transaction, batch, &alone).await?;
    for (n, of) in alone {
        if moved.contains(&of.1) {
            answers[n] = Some(ReceiptOutcome::Applied);
        } else {
            further.push((n, of));
        }
    }
    further.sort_unstable_by_key(|(n, _)| *n);
    for (n, of) in further {
        let receipt = &batch[n];
        answers[n] = Some(receipt_for(transaction, of, receipt.state, &receipt.detail, receipt.at).await?);
    }
    Ok(())
}

/// Applies one final receipt each to messages that are `sent`; gives those that were.
async fn sent_to_final(
    transaction: &Transaction<'_>,
    batch: &[Receipt],
    rows: &[(usize, Of)],
) -> StoreResult<HashSet<MessageId>> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let parts: Vec<i16> = rows.iter().map(|(_, (part, _, _))| number(*part)).collect();
    let ids: Vec<&[u8]> = rows.iter().map(|(_, (_, id, _))| id.as_bytes().as_slice()).collect();
    let failed: Vec<bool> = rows.iter().map(|(n, _)| batch[*n].state == ReceiptState::Failed).collect();
    let details: Vec<&str> = rows.iter().map(|(n, _)| batch[*n].detail.as_str()).collect();
    let times: Vec<i64> = rows.iter().map(|(n, _)| batch[*n].at.0).collect();
    let done = query(
        transaction,
        "UPDATE message SET
           modified_on = CASE WHEN g.failed OR message.delivered + 1 >= message.segments THEN g.at
                              ELSE message.modified_on END,
           state = CASE WHEN g.failed THEN 5 WHEN message.delivered + 1 >= message.segments THEN 4 ELSE message.state END,
           detail = CASE WHEN g.failed THEN g.detail ELSE message.detail END,
           delivered = CASE WHEN g.failed OR message.delivered + 1 >= message.segments THEN message.delivered
                            ELSE message.delivered + 1 END
         FROM unnest($1::smallint[], $2::bytea[], $3::boolean[], $4::text[], $5::bigint[])
           AS g(part, id, failed, detail, at)
         WHERE message.part = g.part AND message.id = g.id AND message.state = 3
         RETURNING message.id, message.part, message.start, message.contact, message.opening, message.state, g.failed,
           g.detail",
        &[&parts, &ids, &failed, &details, &times],
    )
    .await?;
    let mut moved = HashSet::with_capacity(done.len());
    let mut recipients: Vec<RecipientState> = Vec::new();
    for row in &done {
        moved.insert(id(row, 0)?);
        let state: i16 = row.try_get(5)?;
        if let (Some(start), 1, 4 | 5) = (optional_id(row, 2)?, row.try_get::<_, i16>(4)?, state) {
            let detail = if row.try_get(6)? { row.try_get(7)? } else { None };
            recipients.push((part(row, 1)?, start, id(row, 3)?, state, detail));
        }
    }
    recipient_states(transaction, &recipients).await?;
    Ok(moved)
}

/// Parks final receipts for which no message is known and which cannot speak of an `unknown` one.
async fn park(
    transaction: &Transaction<'_>,
    batch: &[Receipt],
    answers: &mut [Option<ReceiptOutcome>],
) -> StoreResult<()> {
    let open: Vec<usize> =
        (0..batch.len()).filter(|at| answers[*at].is_none() && batch[*at].state != ReceiptState::Pending).collect();
    if open.is_empty() {
        return Ok(());
    }
    let parts: Vec<i16> = open.iter().map(|at| number(Part::of_address(&batch[*at].address))).collect();
    let addresses: Vec<&str> = open.iter().map(|at| batch[*at].address.as_str()).collect();
    let unknown = query(
        transaction,
        "SELECT u.address FROM unnest($1::smallint[], $2::text[]) AS g(part, address)
         JOIN urn u ON u.part = g.part AND u.address = g.address
         WHERE EXISTS (SELECT 1 FROM outbox o WHERE o.part = u.contact_part AND o.contact = u.contact AND o.state = 6)",
        &[&parts, &addresses],
    )
    .await?;
    let unknown: HashSet<&str> = unknown.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let mut keys: HashMap<Key<'_>, usize> = HashMap::new();
    for at in open {
        if !unknown.contains(batch[at].address.as_str()) {
            keys.entry(key(&batch[at])).or_insert(at);
        }
    }
    let mut keys: Vec<_> = keys.into_iter().collect();
    keys.sort_unstable();
    let columns = [Int("part"), Bytes("channel"), Text("external_id"), Int("state"), Text("detail"), Int("at")];
    // One that is there already, a submit's own included, is looked at one by one.
    let mut rows =
        Rows::insert("receipt", &columns, "ON CONFLICT DO NOTHING").tail("RETURNING part, channel, external_id");
    for ((part, channel, external), at) in &keys {
        let receipt = &batch[*at];
        rows.push(params![*part, *channel, *external, parked_state(receipt.state), &receipt.detail, receipt.at]);
    }
    let by_key: HashMap<Key<'_>, usize> = keys.into_iter().collect();
    for row in &returning(transaction, &rows).await? {
        let channel: &[u8] = row.try_get(1)?;
        let Ok(channel) = <[u8; 16]>::try_from(channel) else { continue };
        if let Some(at) = by_key.get(&(part(row, 0)?, channel, row.try_get(2)?)) {
            answers[*at] = Some(ReceiptOutcome::Parked);
        }
    }
    Ok(())
}

fn parked_state(state: ReceiptState) -> i64 {
    if state == ReceiptState::Delivered { MessageState::Delivered as i64 } else { MessageState::Failed as i64 }
}

async fn receipt_one(transaction: &Transaction<'_>, receipt: &Receipt) -> StoreResult<ReceiptOutcome> {
    let (address_part, channel, external) = key(receipt);
    let channel = channel.as_slice();
    let key: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&number(address_part), &channel, &external];
    let sql = "SELECT message_part, contact, message FROM receipt
               WHERE part = $1 AND channel = $2 AND external_id = $3 AND message IS NOT NULL FOR UPDATE";
    if let Some(row) = query(transaction, sql, &key).await?.first() {
        let of = (part(row, 0)?, id(row, 2)?, id(row, 1)?);
        if receipt.state == ReceiptState::Pending {
            return Ok(ReceiptOutcome::Applied);
        }
        execute(transaction, "DELETE FROM receipt WHERE part = $1 AND channel = $2 AND external_id = $3", &key).await?;
        return receipt_for(transaction, of, receipt.state, &receipt.detail, receipt.at).await;
    }
    if let Some((contact, message)) = matching_unknown(transaction, receipt, address_part).await? {
        let of = (contact.part(), message, contact);
        return match receipt.state {
            // Even a pending one says that the operator has the message.
            ReceiptState::Pending => {
                leave_unknown(transaction, of).await?;
                let (part, message, state) = (of.0, of.1, MessageState::Sent);
                settle(transaction, &[Settled { part, message, state, detail: None }], receipt.at).await?;
                Ok(ReceiptOutcome::SettledUnknown)
            }
            state => receipt_for(transaction, of, state, &receipt.detail, receipt.at).await,
        };
    }
    if receipt.state == ReceiptState::Pending {
        return Ok(ReceiptOutcome::Ignored);
    }
    let columns = [Int("part"), Bytes("channel"), Text("external_id"), Int("state"), Text("detail"), Int("at")];
    let conflict = "ON CONFLICT (part, channel, external_id) DO UPDATE SET state = excluded.state,
        detail = excluded.detail, at = excluded.at WHERE receipt.message IS NULL";
    let mut rows = Rows::insert("receipt", &columns, conflict);
    rows.push(params![address_part, channel, external, parked_state(receipt.state), &receipt.detail, receipt.at]);
    if changing(transaction, &rows).await? == 1 {
        return Ok(ReceiptOutcome::Parked);
    }
    // The submit's answer was committed in between.
    Box::pin(receipt_one(transaction, receipt)).await
}

/// The `unknown` message that a receipt with an id that we never got speaks of: by its reference, else the only one to
/// this address whose text it quotes.
async fn matching_unknown(
    client: &impl GenericClient,
    receipt: &Receipt,
    address_part: Part,
) -> StoreResult<Option<(ContactId, MessageId)>> {
    let rows = query(
        client,
        "SELECT u.contact, o.id, o.reference, m.text FROM urn u
         JOIN outbox o ON o.part = u.contact_part AND o.contact = u.contact AND o.state = 6
         JOIN message m ON m.part = o.part AND m.id = o.id
         WHERE u.part = $1 AND u.address = $2 AND o.channel = $3 AND o.address = $2 AND o.wired_on <= $4",
        &[&number(address_part), &receipt.address, &receipt.channel.as_bytes().as_slice(), &receipt.at.0],
    )
    .await?;
    let mut candidates = Vec::with_capacity(rows.len());
    let mut contact = None;
    for row in &rows {
        contact = Some(id(row, 0)?);
        let reference: i32 = row.try_get(2)?;
        candidates.push((id(row, 1)?, u16::try_from(reference).unwrap_or_default(), row.try_get(3)?));
    }
    Ok(contact.zip(crate::pick_unknown(&candidates, receipt)))
}

async fn leave_unknown(client: &impl GenericClient, (part, message, contact): Of) -> StoreResult<()> {
    execute(
        client,
        "DELETE FROM outbox WHERE part = $1 AND contact = $2 AND id = $3 AND state = 6",
        &[&number(part), &contact.as_bytes().as_slice(), &message.as_bytes().as_slice()],
    )
    .await?;
    Ok(())
}

/// Applies a final receipt to one segment of a message.
pub(super) async fn receipt_for(
    client: &impl GenericClient,
    of: Of,
    receipt: ReceiptState,
    detail: &str,
    at: Millis,
) -> StoreResult<ReceiptOutcome> {
    let (part, message, _) = of;
    let key: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&number(part), &message.as_bytes().as_slice()];
    let sql = "SELECT state, segments, delivered FROM message WHERE part = $1 AND id = $2 FOR NO KEY UPDATE";
    let rows = query(client, sql, &key).await?;
    let Some(row) = rows.first() else { return Ok(ReceiptOutcome::Ignored) };
    let (before, segments, delivered): (i16, i16, i16) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let was_unknown = before == MessageState::Unknown as i16;
    if was_unknown {
        leave_unknown(client, of).await?;
    } else if before != MessageState::Sent as i16 {
        return Ok(ReceiptOutcome::Ignored);
    }
    let settled = match receipt {
        ReceiptState::Failed => Some((MessageState::Failed, Some(detail))),
        _ if delivered + 1 >= segments => Some((MessageState::Delivered, None)),
        _ => {
            execute(client, "UPDATE message SET delivered = delivered + 1 WHERE part = $1 AND id = $2", &key).await?;
            was_unknown.then_some((MessageState::Sent, None))
        }
    };
    if let Some((state, detail)) = settled {
        settle(client, &[Settled { part, message, state, detail }], at).await?;
    }
    Ok(if was_unknown { ReceiptOutcome::SettledUnknown } else { ReceiptOutcome::Applied })
}
