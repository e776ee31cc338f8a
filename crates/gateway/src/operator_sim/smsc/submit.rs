//! Submits: throttling, faults, long messages, and what the phone does with a text.

use super::wire::{self, Part, Receipt};
use super::{BindId, Smsc, What};
use crate::operator_sim::config::{ReceiptOrder, SendReceipts};
use crate::operator_sim::draw::{self, Purpose};
use crate::operator_sim::smsc::deliver::{Kind, Unit};
use crate::smpp::codec::{BindMode, CommandId, Sm, Status};
use std::collections::HashMap;
use std::time::Duration;

/// Which long message a part belongs to: phone, reference, number of parts, sender.
pub(super) type PartialKey = (u64, u32, u8, Box<[u8]>);

/// A long message of which some parts are here.
pub(super) struct Partial {
    parts: HashMap<u8, Vec<u8>>,
    data_coding: u8,
    began: Duration,
}

/// A token bucket that holds a tenth of a second, at least one token.
pub(super) struct Throttle {
    rate: f64,
    tokens: f64,
    filled_at: Duration,
}

impl Throttle {
    pub(super) fn new(rate: f64) -> Self {
        Self { rate, tokens: (rate / 10.0).max(1.0), filled_at: Duration::ZERO }
    }

    fn allows(&mut self, now: Duration) -> bool {
        if self.rate <= 0.0 {
            return true;
        }
        let passed = now.saturating_sub(self.filled_at).as_secs_f64();
        self.filled_at = now;
        self.tokens = (self.tokens + passed * self.rate).min((self.rate / 10.0).max(1.0));
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

impl Smsc {
    pub(super) fn submit(&mut self, id: BindId, sequence: u32, message: &Sm<'_>) {
        self.counts.submits += 1;
        self.active_at = self.now;
        let refuse = |smsc: &mut Self, status| {
            smsc.counts.refused += 1;
            smsc.respond(id, CommandId::SUBMIT_SM_RESP, status, sequence);
        };
        if !self.binds.get(&id).and_then(|bind| bind.mode).is_some_and(BindMode::sends) {
            return refuse(self, Status::INVALID_BIND_STATUS);
        }
        let Some(phone) = wire::phone_number(&message.destination) else {
            return refuse(self, Status::INVALID_DESTINATION);
        };
        if !self.throttle.allows(self.now) {
            self.counts.throttled += 1;
            return self.respond(id, CommandId::SUBMIT_SM_RESP, Status::THROTTLED, sequence);
        }
        let full = self.full();
        let Some(handset) = self.handset(phone).filter(|_| !full) else {
            self.counts.throttled += 1;
            return self.respond(id, CommandId::SUBMIT_SM_RESP, Status::QUEUE_FULL, sequence);
        };
        handset.submits += 1;
        let nth = handset.submits;
        let part = match Part::of(message) {
            Ok(part) => part,
            Err(status) => return refuse(self, status),
        };

        let seed = self.config.seed;
        let chance = |share, purpose| draw::chance(share, seed, phone, nth, purpose);
        let faults = &self.config.faults;
        let every = faults.drop_every;
        let dropped = (every > 0 && self.counts.submits.is_multiple_of(every)) || chance(faults.drop, Purpose::Drop);
        let taken = !dropped || chance(faults.drop_taken, Purpose::Taken);
        let unanswered = dropped || chance(faults.unresponsive, Purpose::Unresponsive);
        let malformed = chance(faults.malformed, Purpose::Malformed);
        if taken {
            self.counts.taken += 1;
            self.moments.submit = Some(id);
            self.take(id, sequence, message, part, phone, nth, unanswered);
        }
        if dropped {
            self.abort(id);
        } else if malformed {
            self.counts.malformed_sent += 1;
            let pdu = wire::malformed(draw::number(seed, phone, nth, Purpose::Malformed));
            self.write(id, &pdu);
        }
    }

    /// A submit is taken: it gets an id, an answer, a receipt, and its text goes to the phone.
    #[allow(clippy::too_many_arguments, reason = "one call, all of one submit")]
    fn take(
        &mut self,
        id: BindId,
        sequence: u32,
        message: &Sm<'_>,
        part: Part<'_>,
        phone: u64,
        nth: u64,
        unanswered: bool,
    ) {
        let seed = self.config.seed;
        let unit = |purpose| draw::unit(seed, phone, nth, purpose);
        let response_delay = self.config.smsc.response_delay.at(unit(Purpose::Response));
        let delivery_delay = self.config.smsc.delivery_delay.at(unit(Purpose::Delivery));
        let receipt_delay = self.config.receipts.delay.at(unit(Purpose::Receipt));
        let number = self.message_id();
        let delivered = self.handset(phone).is_some_and(|h| h.phone.as_ref().is_some_and(super::Phone::in_reach));

        let requested = match message.registered_delivery & 0x03 {
            1 => true,
            2 => !delivered,
            _ => false,
        };
        let mut receipt = None;
        if requested && self.config.receipts.send == SendReceipts::Requested {
            let state = if delivered {
                "DELIVRD"
            } else {
                draw::weighted(&self.config.receipts.failed, unit(Purpose::State)).map_or("UNDELIV", |s| &s.text)
            };
            let done = self.now + response_delay.max(delivery_delay);
            let text = Receipt {
                id: &wire::id_text(number, self.config.ids.receipt),
                phone,
                service: message.source,
                state,
                submitted: &self.date(self.now),
                done: &self.date(done),
                text: part.text,
            };
            if let Some(pdu) = text.encode(self.config.receipts.form) {
                self.counts.receipts += 1;
                self.pending_receipts += 1;
                receipt = Some(Unit { pdu, kind: Kind::Receipt });
            }
        }
        let before = self.config.receipts.order == ReceiptOrder::BeforeResponse;
        if before && let Some(unit) = receipt.take() {
            self.ready.push_back(unit);
            self.dispatch();
        }
        if unanswered {
            self.counts.unanswered += 1;
        } else {
            let id_text = wire::id_text(number, self.config.ids.response);
            self.respond_submit(id, sequence, &id_text, response_delay);
        }
        if let Some(unit) = receipt {
            let delay = response_delay.max(delivery_delay) + receipt_delay;
            if delay.is_zero() {
                self.ready.push_back(unit);
            } else {
                let due = self.now + delay;
                self.at(due, What::Deliver(unit));
            }
        }
        self.gather(id, message, part, phone, delivery_delay);
    }

    /// A part of a text for a phone; with the last one the phone has the text.
    fn gather(&mut self, id: BindId, message: &Sm<'_>, part: Part<'_>, phone: u64, delay: Duration) {
        let alphabet = self.config.smsc.default_alphabet;
        let sender = message.source.addr;
        let Some((reference, total, number)) = part.of_long else {
            let text = wire::decode_text(message.data_coding, alphabet, part.text);
            return self.text_reaches(id, phone, sender, &text, delay);
        };
        let key: PartialKey = (phone, reference, total, sender.into());
        if !self.partials.contains_key(&key) {
            self.partials_by_age.push_back((self.now, key.clone()));
        }
        let partial = self.partials.entry(key.clone()).or_insert_with(|| Partial {
            parts: HashMap::new(),
            data_coding: message.data_coding,
            began: self.now,
        });
        partial.parts.insert(number, part.text.to_vec());
        if partial.parts.len() < usize::from(total) {
            return;
        }
        let Some(mut partial) = self.partials.remove(&key) else { return };
        let whole: Vec<u8> = (1..=total).flat_map(|n| partial.parts.remove(&n).unwrap_or_default()).collect();
        let text = wire::decode_text(partial.data_coding, alphabet, &whole);
        self.text_reaches(id, phone, sender, &text, delay);
    }

    /// A whole text is on its way to a phone, where it arrives after `delay`.
    fn text_reaches(&mut self, id: BindId, number: u64, sender: &[u8], text: &str, delay: Duration) {
        let now = self.now;
        let Some(handset) = self.phones.get_mut(&number) else { return };
        let Some(phone) = handset.phone.as_mut().filter(|phone| phone.in_reach()) else {
            self.counts.undeliverable += 1;
            return;
        };
        self.counts.received += 1;
        self.counts.reached += u64::from(!std::mem::replace(&mut handset.reached, true));
        let received = self.judge.received(now, number, text, id);
        let answer = phone.receive(&self.script, text, received.repeated);
        if let Some(asking) = &mut handset.asking {
            let asked = asking.since.take();
            return self.load_step(number, asked, answer, received);
        }
        // Nobody can answer an alphanumeric sender.
        if let Some(answer) = answer
            && wire::is_number(sender)
        {
            self.phone_sends(number, sender, &answer.text, delay + answer.after, Some(received), answer.stop);
        }
    }

    /// Forgets long messages of which parts are missing.
    pub(super) fn expire_partials(&mut self) {
        let timeout = self.config.smsc.reassembly_timeout.0;
        while let Some((began, key)) = self.partials_by_age.front() {
            let is_open = self.partials.get(key).is_some_and(|partial| partial.began == *began);
            if is_open && *began + timeout > self.now {
                return;
            }
            if is_open {
                self.partials.remove(key);
                self.counts.incomplete += 1;
            }
            self.partials_by_age.pop_front();
        }
    }

    /// `YYMMDDhhmm`, as receipts have it.
    fn date(&self, at: Duration) -> String {
        let since = jiff::SignedDuration::try_from(at).unwrap_or_default();
        self.epoch.saturating_add(since).unwrap_or(self.epoch).strftime("%y%m%d%H%M").to_string()
    }

    pub(super) fn next_partial_timeout(&self) -> Option<Duration> {
        self.partials_by_age.front().map(|(began, _)| *began + self.config.smsc.reassembly_timeout.0)
    }
}
