//! What comes in: normalised, recognised, committed, and only then acknowledged.

use crate::App;
use base::optout::Wish;
use base::{ChannelId, ContactId, MessageId, Millis, Part};
use gateway::{Inbound, ReceiptState, Refused};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use store::ops::{self, Consent, DedupeKey, Ingested, NewProblem, SegmentOf};
use tracing::warn;

/// How long an opt-out waits with its acknowledgement for a message that is on its way to the same contact.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// The URN identity of a sender as a channel gives it: international with `+`, else read in the ministry's region; a
/// short code or an alphanumeric sender stays what it is.
pub fn address_of(source: &str, region: Option<&str>) -> String {
    match base::phone::parse(source, region) {
        Ok(number) => number.to_urn().identity().to_owned(),
        Err(_) => format!("tel:{}", source.trim().to_lowercase()),
    }
}

fn hash_of(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut hash = [0; 16];
    hash.copy_from_slice(&hasher.finalize()[..16]);
    hash
}

impl App {
    /// The store's form of an inbound message of a channel.
    fn inbound(&self, channel: ChannelId, inbound: &Inbound, now: Millis) -> ops::Inbound {
        let settings = &self.settings;
        let address = address_of(&inbound.source, settings.region.as_deref());
        let (hash, by_id) = match &inbound.external_id {
            Some(id) => (hash_of(&[channel.as_bytes(), address.as_bytes(), id.as_bytes()]), true),
            None => (hash_of(&[channel.as_bytes(), &inbound.hash]), false),
        };
        let window = i64::try_from(settings.dedupe_window.as_millis()).unwrap_or(i64::MAX).max(1);
        let dedupe = (!settings.without_dedupe).then(|| DedupeKey {
            part: Part::of_address(&address),
            bucket: now.0 / window,
            hash,
            by_id,
            owner: self.owner,
            session: inbound.bind_session,
            number: inbound.number,
        });
        let consent = inbound.segment.is_none().then(|| settings.words.wish(&inbound.text)).flatten();
        let text = match base::text::strip_nul(&inbound.text) {
            Cow::Borrowed(_) => inbound.text.clone(),
            Cow::Owned(text) => text,
        };
        let (id, new_contact): (MessageId, ContactId) = self.with_ids(|ids| (ids.next(now), ids.next(now)));
        ops::Inbound {
            id,
            new_contact,
            channel,
            address,
            to: inbound.destination.clone(),
            text,
            received_on: now,
            dedupe,
            consent: consent.map(|wish| match wish {
                Wish::OptOut => Consent::OptOut,
                Wish::OptIn => Consent::OptIn,
            }),
            segment: inbound.segment.as_ref().map(|segment| SegmentOf {
                reference: segment.reference,
                total: segment.total,
                sequence: segment.number,
                coding: segment.coding,
                octets: segment.octets.clone(),
            }),
        }
    }

    /// Commits inbound messages of a channel and acknowledges each after its commit. A batch that cannot be written is
    /// halved until the guilty message stands alone: that one is refused for the moment, so that the operator keeps it.
    pub(crate) async fn receive(self: &Arc<Self>, channel: ChannelId, batch: Vec<Inbound>) {
        let now = self.now();
        let mut queue = vec![batch.into_iter().map(|one| (self.inbound(channel, &one, now), one)).collect::<Vec<_>>()];
        while let Some(mut group) = queue.pop() {
            if group.is_empty() {
                continue;
            }
            let result = self.store.ingest(group.iter().map(|(row, _)| row.clone()).collect()).await;
            match result {
                Ok(outcomes) => self.acknowledge(group, outcomes),
                Err(store::StoreError::Closed) => return,
                Err(error) if group.len() == 1 || error.is_outage() => {
                    warn!(%error, messages = group.len(), "inbound messages could not be stored; the operator keeps them");
                    metrics::counter!("mhero_inbound_failed_total").increment(group.len() as u64);
                }
                Err(_) => {
                    let rest = group.split_off(group.len() / 2);
                    queue.push(rest);
                    queue.push(group);
                }
            }
        }
    }

    fn acknowledge(self: &Arc<Self>, group: Vec<(ops::Inbound, Inbound)>, outcomes: Vec<Ingested>) {
        let mut fresh = 0;
        for ((row, inbound), outcome) in group.into_iter().zip(outcomes) {
            match outcome {
                Ingested::New { .. } => fresh += 1,
                Ingested::Duplicate => metrics::counter!("mhero_inbound_duplicate_total").increment(1),
                Ingested::Incomplete => {}
            }
            // One that is delivered again waits too: the process that took the first may still be waiting, or be gone.
            if row.consent == Some(Consent::OptOut) {
                let app = Arc::clone(self);
                tokio::spawn(async move { app.acknowledge_stop(&row.address, inbound).await });
            } else {
                inbound.ack.accept();
            }
        }
        if fresh > 0 {
            metrics::counter!("mhero_inbound_total").increment(fresh);
            self.bells.inbox.ring();
        }
    }

    /// Acknowledges a STOP once nothing is on its way to the contact any more, so that the phone gets nothing but the
    /// confirmation after the acknowledgement.
    async fn acknowledge_stop(&self, address: &str, inbound: Inbound) {
        let began = tokio::time::Instant::now();
        loop {
            match self.is_on_the_way(address).await {
                Ok(true) if began.elapsed() < STOP_PATIENCE => tokio::time::sleep(Duration::from_millis(20)).await,
                // If it still is, the operator has it and says nothing, or nobody hands it over any more
                // (`outbox::IN_HAND`): the acknowledgement must not wait for ever either.
                Ok(_) => break,
                Err(error) => {
                    warn!(%error, "whether a message is on its way to a contact who opted out is not known");
                    // The operator delivers it again.
                    return;
                }
            }
        }
        inbound.ack.accept();
    }

    /// Whether a message is on its way to who has an address.
    async fn is_on_the_way(&self, address: &str) -> Result<bool, store::StoreError> {
        let Some(contact) = self.store.contact_of(address).await? else { return Ok(false) };
        Ok(!self.store.still_wired(vec![contact], self.now()).await?.is_empty())
    }

    /// Applies delivery receipts and acknowledges each after its commit. A batch that cannot be written is halved until
    /// the guilty receipt stands alone: that one is refused for the moment, so that the operator keeps it.
    pub(crate) async fn receive_receipts(&self, channel: ChannelId, batch: Vec<Inbound>) {
        let now = self.now();
        let mut receipts = Vec::with_capacity(batch.len());
        for inbound in batch {
            if let Some(receipt) = self.receipt(channel, &inbound, now) {
                receipts.push((receipt, inbound));
            } else {
                warn!("a delivery receipt names no message: it has neither id nor reference");
                inbound.ack.accept();
            }
        }
        metrics::counter!("mhero_receipts_total").increment(receipts.len() as u64);
        let mut queue = vec![receipts];
        while let Some(mut group) = queue.pop() {
            if group.is_empty() {
                continue;
            }
            match self.store.receipts(group.iter().map(|(receipt, _)| receipt.clone()).collect()).await {
                Ok(_) => group.into_iter().for_each(|(_, inbound)| inbound.ack.accept()),
                Err(store::StoreError::Closed) => return,
                Err(error) if group.len() == 1 || error.is_outage() => {
                    warn!(%error, receipts = group.len(), "receipts could not be stored; the operator keeps them");
                    metrics::counter!("mhero_receipts_failed_total").increment(group.len() as u64);
                }
                Err(_) => {
                    let rest = group.split_off(group.len() / 2);
                    queue.push(rest);
                    queue.push(group);
                }
            }
        }
    }

    /// Puts what came and is no text on the work list.
    pub(crate) async fn report_refused(&self, refused: Vec<Refused>) {
        if refused.is_empty() {
            return;
        }
        let problem = |refused: Refused| {
            let address = address_of(&refused.source, self.settings.region.as_deref());
            NewProblem {
                kind: "message_unreadable".into(),
                message: format!("{address} sent what is no text: {}", refused.reason),
                remedy: "Ask the sender to write a plain text message; pictures and settings cannot be read.".into(),
                key: address.clone(),
                subject: address,
            }
        };
        let found: Vec<NewProblem> = refused.into_iter().map(problem).collect();
        metrics::counter!("mhero_inbound_refused_total").increment(found.len() as u64);
        if let Err(error) = self.store.add_problems(&found, self.now()).await {
            warn!(%error, messages = found.len(), "inbound messages were no texts; the work list could not be written");
        }
    }

    fn receipt(&self, channel: ChannelId, inbound: &Inbound, now: Millis) -> Option<ops::Receipt> {
        let receipt = inbound.receipt.as_ref()?;
        let external_id = match (&receipt.message_id, receipt.user_message_reference) {
            (Some(id), _) => id.clone(),
            (None, Some(_)) => String::new(),
            (None, None) => return None,
        };
        let state = match receipt.state {
            Some(ReceiptState::Delivered) => ops::ReceiptState::Delivered,
            Some(state) if state.is_final() => ops::ReceiptState::Failed,
            _ => ops::ReceiptState::Pending,
        };
        let word = receipt.state.map(|state| format!("{state:?}").to_lowercase()).unwrap_or_default();
        let detail = match &receipt.err {
            Some(code) => format!("{word} {code}"),
            None => word,
        };
        let region = self.settings.region.as_deref();
        // It comes from the phone; some operators leave the addresses as they were in the message.
        let [source, destination] = [&inbound.source, &inbound.destination].map(|address| address_of(address, region));
        let is_phone = |address: &str| address.starts_with("tel:+");
        let address = if !is_phone(&source) && is_phone(&destination) { destination } else { source };
        Some(ops::Receipt {
            channel,
            address,
            external_id: base::text::strip_nul(&external_id).into_owned(),
            state,
            detail: base::text::strip_nul(&detail).into_owned(),
            reference: receipt.user_message_reference,
            text: receipt.text.clone(),
            at: now,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::address_of;

    #[test]
    fn senders_become_urns() {
        for (source, address) in [
            ("+231990000001", "tel:+231990000001"),
            ("0990000001", "tel:+231990000001"),
            ("4321", "tel:4321"),
            ("MTN", "tel:mtn"),
        ] {
            assert_eq!(address_of(source, Some("LR")), address, "{source}");
        }
    }
}
