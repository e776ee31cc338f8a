//! Delivery receipts.

use super::{
    Connection, ContactId, MessageId, MessageState, Millis, OptionalExtension, Part, Receipt, ReceiptOutcome,
    ReceiptState, StoreResult, id, optional_id, params, settle_message,
};

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
pub(super) fn receipt_for(
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
