//! Deliveries: messages of phones and receipts, each until it is acknowledged.

use super::binds::{Bind, OUTPUT_LIMIT};
use super::wire::{self, Incoming};
use super::{BindId, Handset, Smsc, What};
use crate::operator_sim::config::IncomingId;
use crate::operator_sim::draw::{self, Purpose};
use crate::operator_sim::judge::Received;
use crate::smpp::codec::{Status, StatusClass};
use bytes::Bytes;
use std::time::Duration;

/// How many deliveries without a response are remembered per bind.
const TAKEN_BACK_KEPT: usize = 10_000;

/// One deliver_sm, encoded but for its sequence number: however often it is delivered, it is the same.
#[derive(Clone)]
pub(super) struct Unit {
    pub(super) pdu: Bytes,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A part of a phone's message; the message is acknowledged with its last part.
    Answer {
        phone: u64,
        /// The number of the message in the run, for the judge.
        answer: u64,
        /// The number of the message at its phone, for draws.
        nth: u64,
        last: bool,
    },
    /// A second delivery of what was acknowledged.
    Duplicate,
    Receipt,
}

/// A deliver_sm that waits for its answer.
pub(super) struct InFlight {
    pub(super) unit: Unit,
}

impl Smsc {
    /// A phone sends a text to the service at `to`. Says whether it could.
    pub(super) fn phone_sends(
        &mut self,
        phone: u64,
        to: &[u8],
        text: &str,
        after: Duration,
        reply_to: Option<Received>,
        stop: bool,
    ) -> bool {
        if self.full() {
            return false;
        }
        let parts = wire::encode_text(text, self.config.phones.encoding);
        let with_id = self.config.ids.incoming == IncomingId::ReceiptedMessageId;
        let form = self.config.ids.response;
        let answer = self.next_answer;
        self.next_answer += 1;
        self.next_reference = self.next_reference.wrapping_add(1);
        let Some(handset) = self.handset(phone) else { return false };
        handset.sent += 1;
        let nth = handset.sent;
        let mut units = Vec::with_capacity(parts.len());
        for (i, part) in parts.iter().enumerate() {
            let id = with_id.then(|| wire::id_text(self.message_id(), form));
            let incoming = Incoming { from: phone, to, part, id: id.as_deref(), reference: self.next_reference };
            let Some(pdu) = incoming.encode(i + 1, parts.len()) else { return false };
            units.push(Unit { pdu, kind: Kind::Answer { phone, answer, nth, last: i + 1 == parts.len() } });
        }
        let due = self.now + after;
        let Some(handset) = self.handset(phone) else { return false };
        // A phone sends in the order in which its owner writes.
        let due = handset.queue.back().map_or(due, |(last, _)| due.max(*last));
        handset.queue.extend(units.into_iter().map(|unit| (due, unit)));
        self.counts.responded += u64::from(nth == 1);
        self.counts.answers += 1;
        self.counts.stops += u64::from(stop);
        self.pending_answers += 1;
        self.active_at = self.now;
        self.judge.answered(due, phone, answer, reply_to, stop);
        if due <= self.now {
            self.ready_head(phone);
        } else {
            self.at(due, What::Phone(phone));
        }
        true
    }

    /// Makes the head of a phone's queue ready if it is due and none of the phone's is on its way.
    pub(super) fn ready_head(&mut self, phone: u64) {
        let now = self.now;
        if let Some(unit) = self.phones.get_mut(&phone).and_then(|handset| handset.next(now)) {
            self.ready.push_back(unit);
        }
    }

    /// Delivers what is ready as far as windows allow, each receiving bind in turn.
    pub(super) fn dispatch(&mut self) {
        while !self.ready.is_empty() {
            let window = self.config.smsc.window;
            let free = |bind: &Bind| bind.can_receive() && bind.in_flight.len() < window;
            let after = (std::ops::Bound::Excluded(self.last_receiver), std::ops::Bound::Unbounded);
            let next = self
                .binds
                .range(after)
                .find(|(_, bind)| free(bind))
                .or_else(|| self.binds.iter().find(|(_, bind)| free(bind)))
                .map(|(&id, _)| id);
            let Some(id) = next else { return };
            let (Some(bind), Some(unit)) = (self.binds.get_mut(&id), self.ready.pop_front()) else { return };
            self.last_receiver = id;
            self.moments.delivery = Some(id);
            let sequence = bind.sequence();
            let start = bind.out.len();
            bind.out.extend_from_slice(&unit.pdu);
            bind.out[start + 12..start + 16].copy_from_slice(&sequence.to_be_bytes());
            bind.by_age.push_back((self.now, sequence));
            bind.in_flight.insert(sequence, InFlight { unit });
            self.touched.push(id);
        }
    }

    /// A deliver_sm was answered.
    pub(super) fn delivered(&mut self, id: BindId, sequence: u32, status: Status) {
        let Some(bind) = self.binds.get_mut(&id) else { return };
        let Some(InFlight { unit }) = bind.in_flight.remove(&sequence) else {
            self.counts.late_responses += 1;
            if let Some((phone, answer)) = bind.taken_back.remove(&sequence)
                && status.class() == StatusClass::Ok
            {
                self.judge.acknowledged(phone, answer);
            }
            return;
        };
        while bind.by_age.front().is_some_and(|(_, sequence)| !bind.in_flight.contains_key(sequence)) {
            bind.by_age.pop_front();
        }
        self.active_at = self.now;
        let taken = match status.class() {
            StatusClass::Ok => true,
            StatusClass::Throttled | StatusClass::Temporary => {
                self.counts.redelivered += 1;
                let due = self.now + self.config.smsc.retry_delay.0;
                self.at(due, What::Deliver(unit));
                return;
            }
            StatusClass::Permanent => false,
        };
        match unit.kind {
            Kind::Duplicate => {}
            Kind::Receipt => {
                self.pending_receipts -= 1;
                *(if taken { &mut self.counts.receipts_acknowledged } else { &mut self.counts.receipts_refused }) += 1;
            }
            Kind::Answer { .. } => self.answer_delivered(unit, taken),
        }
    }

    fn answer_delivered(&mut self, unit: Unit, taken: bool) {
        let Kind::Answer { phone, answer, nth, last } = unit.kind else { return };
        if taken && draw::chance(self.config.faults.duplicate, self.config.seed, phone, nth, Purpose::Duplicate) {
            self.counts.duplicated += 1;
            self.ready.push_front(Unit { pdu: unit.pdu, kind: Kind::Duplicate });
        }
        let Some(handset) = self.phones.get_mut(&phone) else { return };
        handset.busy = false;
        if !taken {
            // The other parts of a message make no sense without this one.
            handset
                .queue
                .retain(|(_, unit)| !matches!(unit.kind, Kind::Answer { answer: other, .. } if other == answer));
            self.counts.answers_refused += 1;
            self.pending_answers -= 1;
            self.judge.withdrawn(phone, answer);
        } else if last {
            self.counts.answers_acknowledged += 1;
            self.pending_answers -= 1;
            self.judge.acknowledged(phone, answer);
        }
        self.ready_head(phone);
    }

    /// Takes back what was not answered in time.
    pub(super) fn expire_deliveries(&mut self) {
        let Some(limit) = self.now.checked_sub(self.config.smsc.response_timeout.0) else { return };
        for bind in self.binds.values_mut() {
            while let Some(&(sent, sequence)) = bind.by_age.front() {
                if bind.in_flight.contains_key(&sequence) && sent > limit {
                    break;
                }
                bind.by_age.pop_front();
                if let Some(flight) = bind.in_flight.remove(&sequence) {
                    self.counts.redelivered += 1;
                    if let Kind::Answer { phone, answer, last: true, .. } = flight.unit.kind
                        && bind.taken_back.len() < TAKEN_BACK_KEPT
                    {
                        bind.taken_back.insert(sequence, (phone, answer));
                    }
                    self.ready.push_front(flight.unit);
                }
            }
        }
    }

    /// When the oldest deliver_sm without an answer is taken back.
    pub(super) fn next_delivery_timeout(&self) -> Option<Duration> {
        let oldest = self.binds.values().filter_map(|bind| bind.by_age.front()).map(|(sent, _)| *sent).min()?;
        Some(oldest + self.config.smsc.response_timeout.0)
    }
}

impl Handset {
    /// Takes the head of the queue if it is due and nothing is on its way.
    fn next(&mut self, now: Duration) -> Option<Unit> {
        if self.busy || self.queue.front().is_none_or(|(due, _)| *due > now) {
            return None;
        }
        self.busy = true;
        self.queue.pop_front().map(|(_, unit)| unit)
    }
}

impl Bind {
    fn can_receive(&self) -> bool {
        self.mode.is_some_and(crate::smpp::codec::BindMode::receives)
            && !self.closing
            && !self.aborted
            && self.out.len() < OUTPUT_LIMIT
    }
}
