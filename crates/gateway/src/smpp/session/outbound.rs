//! Messages that were handed over and not yet reported.

use super::super::address::{self, Owned};
use super::super::codec::{Pdu, Sm, Status, StatusClass, Tag, TlvBuf, esm_class};
use super::super::config::{Config, LONGEST_VALIDITY, LongMessages};
use super::super::text::{self, Concatenation, MOST_SEGMENTS};
use crate::event::{Outgoing, SegmentState, Submitted};
use base::{MessageId, sms};
use bytes::BytesMut;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A message on its way.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) token: u64,
    pub(super) id: MessageId,
    source: Owned,
    destination: Owned,
    data_coding: u8,
    registered_delivery: u8,
    priority: u8,
    validity: String,
    not_after: Option<Instant>,
    reference: u16,
    /// Whether the text is longer than one message holds, however many segments it is written in.
    long: bool,
    segments: Vec<Part>,
    in_flight: u16,
}

#[derive(Debug)]
struct Part {
    octets: Vec<u8>,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Queued,
    Written,
    Throttled,
    Dropped,
    Accepted(String),
    Rejected(u32, String),
    Unknown,
}

/// All of them, and the order in which their segments are written.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    slots: Vec<Option<Message>>,
    free: Vec<usize>,
    ready: VecDeque<(usize, u8)>,
    open: usize,
    tlvs: TlvBuf,
}

/// What an answer, or its absence, says of a segment.
#[derive(Debug)]
pub(super) enum Outcome {
    Accepted(String),
    Refused(Status),
    Unknown,
}

impl Outbound {
    /// Messages without a report.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Segments that wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.ready.len()
    }

    /// Takes a message; an error says why it can never be sent.
    pub(super) fn push(&mut self, outgoing: &Outgoing, config: &Config) -> Result<(), String> {
        let message = Message::new(outgoing, config)?;
        let count = message.segments.len() as u8;
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot] = Some(message);
            slot
        } else {
            self.slots.push(Some(message));
            self.slots.len() - 1
        };
        self.open += 1;
        self.ready.extend((0..count).map(|segment| (slot, segment)));
        Ok(())
    }

    /// Writes the next segment, if there is one, and says which. A segment that cannot be written in SMPP comes back
    /// with the reason, as if the operator had refused it.
    pub(super) fn write_next(
        &mut self,
        sequence: u32,
        config: &Config,
        out: &mut BytesMut,
    ) -> Option<(usize, u8, Result<(), String>)> {
        let (slot, segment) = self.ready.pop_front()?;
        let message = self.slots.get_mut(slot)?.as_mut()?;
        let result = message.write(segment, sequence, config, &mut self.tlvs, out);
        let part = &mut message.segments[usize::from(segment)];
        match &result {
            Ok(()) => {
                part.state = State::Written;
                message.in_flight += 1;
            }
            Err(problem) => part.state = State::Rejected(0, problem.clone()),
        }
        Some((slot, segment, result))
    }

    /// Takes note of what became of a written segment; gives the report when that settles its message.
    pub(super) fn settle(&mut self, slot: usize, segment: u8, outcome: Outcome) -> Option<(Message, Submitted)> {
        let message = self.slots.get_mut(slot)?.as_mut()?;
        message.in_flight = message.in_flight.saturating_sub(1);
        message.segments[usize::from(segment)].state = match outcome {
            Outcome::Accepted(id) => State::Accepted(id),
            Outcome::Unknown => State::Unknown,
            Outcome::Refused(status) if status.class() == StatusClass::Throttled => State::Throttled,
            Outcome::Refused(status) => State::Rejected(status.0, status.to_string()),
        };
        self.conclude(slot)
    }

    /// Gives the report of a message when nothing of it is in flight and nothing more is to be written.
    pub(super) fn conclude(&mut self, slot: usize) -> Option<(Message, Submitted)> {
        let message = self.slots.get_mut(slot)?.as_mut()?;
        let has = |wanted: fn(&State) -> bool| message.segments.iter().any(|part| wanted(&part.state));
        let failed = has(|state| matches!(state, State::Rejected(..) | State::Unknown));
        let accepted = has(|state| matches!(state, State::Accepted(_)));
        let throttled = has(|state| *state == State::Throttled);
        let queued = has(|state| *state == State::Queued);
        let flying = message.in_flight > 0;
        // The rest of a text of which a part is lost is of no use, and what goes back as a whole is not begun.
        let whole = !flying && throttled && !accepted;
        if queued && (failed || whole) {
            self.ready.retain(|(at, _)| *at != slot);
            for part in message.segments.iter_mut().filter(|part| part.state == State::Queued) {
                part.state = State::Dropped;
            }
        }
        if flying {
            return None;
        }
        if !failed && !whole {
            for (index, part) in message.segments.iter_mut().enumerate().rev() {
                if part.state == State::Throttled {
                    part.state = State::Queued;
                    self.ready.push_front((slot, index as u8));
                }
            }
            if throttled || queued {
                return None;
            }
        }
        let message = self.remove(slot)?;
        let outcome = message.outcome(throttled);
        Some((message, outcome))
    }

    /// Takes out the messages of which nothing was written yet.
    pub(super) fn take_untouched(&mut self) -> Vec<Message> {
        self.take(|_| true)
    }

    /// Takes out the messages of which nothing was written yet and nothing may be any more.
    pub(super) fn take_overdue(&mut self, now: Instant) -> Vec<Message> {
        let overdue = |message: &Message| message.not_after.is_some_and(|limit| now > limit);
        let next = self.ready.front().and_then(|(slot, _)| self.slots.get(*slot)?.as_ref());
        // They stand in the order in which they were handed over.
        if next.is_some_and(overdue) { self.take(overdue) } else { Vec::new() }
    }

    fn take(&mut self, wanted: impl Fn(&Message) -> bool) -> Vec<Message> {
        let untouched = |message: &Message| message.segments.iter().all(|part| part.state == State::Queued);
        let slots: Vec<usize> = (0..self.slots.len())
            .filter(|&slot| self.slots[slot].as_ref().is_some_and(|message| untouched(message) && wanted(message)))
            .collect();
        if slots.is_empty() {
            return Vec::new();
        }
        self.ready.retain(|(slot, _)| slots.binary_search(slot).is_err());
        let mut messages: Vec<Message> = slots.into_iter().filter_map(|slot| self.remove(slot)).collect();
        messages.sort_by_key(|message| message.token);
        messages
    }

    /// Ends everything: what was written and not answered is unknown.
    pub(super) fn close(&mut self) -> Vec<(Message, Submitted)> {
        self.ready.clear();
        let slots = 0..self.slots.len();
        slots
            .filter_map(|slot| {
                let mut message = self.remove(slot)?;
                for part in &mut message.segments {
                    match part.state {
                        State::Written => part.state = State::Unknown,
                        State::Queued => part.state = State::Dropped,
                        _ => {}
                    }
                }
                let outcome = message.outcome(false);
                Some((message, outcome))
            })
            .collect()
    }

    /// The message in a slot.
    pub(super) fn get(&self, slot: usize) -> Option<&Message> {
        self.slots.get(slot)?.as_ref()
    }

    fn remove(&mut self, slot: usize) -> Option<Message> {
        let message = self.slots.get_mut(slot)?.take()?;
        self.free.push(slot);
        self.open -= 1;
        Some(message)
    }
}

impl Message {
    fn new(outgoing: &Outgoing, config: &Config) -> Result<Self, String> {
        let destination = address::destination(config, &outgoing.to)?;
        let source = address::source(config, outgoing.from.as_deref())?;
        let replaced = config.substitute.then(|| sms::substitute(&outgoing.text).text);
        let text = replaced.as_deref().unwrap_or(&outgoing.text);
        let encoded = text::encode(text, config.default_alphabet, config.long_messages);
        if encoded.segments.len() > MOST_SEGMENTS {
            let count = encoded.segments.len();
            return Err(format!("the text needs {count} segments; SMS allows {MOST_SEGMENTS}: shorten it"));
        }
        Ok(Self {
            token: outgoing.token,
            id: outgoing.message,
            source,
            destination,
            data_coding: encoded.data_coding,
            registered_delivery: match outgoing.options.receipt {
                Some(wanted) => u8::from(wanted),
                None => config.registered_delivery,
            },
            priority: u8::from(outgoing.options.urgent),
            validity: outgoing.options.validity.or(config.validity).map(relative_time).unwrap_or_default(),
            not_after: outgoing.options.not_after,
            reference: outgoing.reference,
            long: encoded.long,
            segments: encoded.segments.into_iter().map(|octets| Part { octets, state: State::Queued }).collect(),
            in_flight: 0,
        })
    }

    fn write(
        &self,
        segment: u8,
        sequence: u32,
        config: &Config,
        tlvs: &mut TlvBuf,
        out: &mut BytesMut,
    ) -> Result<(), String> {
        let octets = &self.segments[usize::from(segment)].octets;
        let total = self.segments.len() as u8;
        let concatenation = Concatenation { reference: self.reference, total, number: segment + 1 };
        tlvs.clear();
        if config.user_message_reference {
            tlvs.push_u16(Tag::USER_MESSAGE_REFERENCE, self.reference);
        }
        let mut with_header = Vec::new();
        let mut class = 0;
        let mut short_message = octets.as_slice();
        match config.long_messages {
            LongMessages::Udh8 if total > 1 => {
                with_header.extend_from_slice(&concatenation.udh8());
            }
            LongMessages::Udh16 if total > 1 => {
                with_header.extend_from_slice(&concatenation.udh16());
            }
            LongMessages::Sar if total > 1 => {
                tlvs.push_u16(Tag::SAR_MSG_REF_NUM, self.reference)
                    .push_u8(Tag::SAR_TOTAL_SEGMENTS, total)
                    .push_u8(Tag::SAR_SEGMENT_SEQNUM, segment + 1);
            }
            LongMessages::Payload if self.long => {
                if octets.len() > usize::from(u16::MAX) {
                    return Err(format!("the text has {} octets; message_payload allows {}", octets.len(), u16::MAX));
                }
                tlvs.push(Tag::MESSAGE_PAYLOAD, octets);
                short_message = &[];
            }
            _ => {}
        }
        if !with_header.is_empty() {
            with_header.extend_from_slice(octets);
            short_message = &with_header;
            class = esm_class::UDHI;
        }
        let sm = Sm {
            service_type: config.service_type.as_bytes(),
            source: self.source.as_address(),
            destination: self.destination.as_address(),
            esm_class: class,
            priority: self.priority,
            validity_period: self.validity.as_bytes(),
            registered_delivery: self.registered_delivery,
            data_coding: self.data_coding,
            short_message,
            tlvs: tlvs.as_tlvs(),
            ..Sm::default()
        };
        Pdu::SubmitSm(sm).encode(Status::OK, sequence, out).map_err(|error| error.to_string())
    }

    /// The report, once no segment is in flight.
    fn outcome(&self, throttled: bool) -> Submitted {
        let accepted = || -> Vec<(u8, String)> {
            let numbered = (1_u8..).zip(&self.segments);
            numbered
                .filter_map(|(number, part)| match &part.state {
                    State::Accepted(id) => Some((number, id.clone())),
                    _ => None,
                })
                .collect()
        };
        let rejected = self.segments.iter().find_map(|part| match &part.state {
            State::Rejected(status, text) => Some((*status, text.clone())),
            _ => None,
        });
        let unknown = self.segments.iter().any(|part| matches!(part.state, State::Unknown | State::Written));
        let permanent = |status| Status(status).class() != StatusClass::Temporary;
        // One that may be sent again is not, while it is open whether a part of it was taken.
        if let Some((status, text)) = rejected.filter(|(status, _)| permanent(*status) || !unknown) {
            let permanent = permanent(status);
            return Submitted::Rejected { status, permanent, text, segments_accepted: accepted() };
        }
        let message_ids = accepted();
        if message_ids.len() == self.segments.len() {
            return Submitted::Accepted { message_ids };
        }
        let untouched = |part: &Part| matches!(part.state, State::Dropped | State::Queued | State::Throttled);
        if self.segments.iter().all(untouched) {
            return if throttled { Submitted::Throttled } else { Submitted::NotSent };
        }
        let state = |part: &Part| match &part.state {
            State::Accepted(message_id) => SegmentState::Accepted { message_id: message_id.clone() },
            State::Rejected(status, _) => SegmentState::Rejected { status: *status },
            State::Unknown | State::Written => SegmentState::Unknown,
            State::Queued | State::Throttled | State::Dropped => SegmentState::NotSent,
        };
        Submitted::Unknown { segments: self.segments.iter().map(state).collect() }
    }
}

/// A relative time as SMPP writes it (section 7.1.1): years, months, days, hours, minutes and seconds, here without
/// years and months, whose length varies; at most 99 days.
fn relative_time(time: Duration) -> String {
    let seconds = time.min(LONGEST_VALIDITY).as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    format!("0000{days:02}{hours:02}{minutes:02}{:02}000R", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_times_have_sixteen_characters() {
        let check = |seconds, text: &str| assert_eq!(relative_time(Duration::from_secs(seconds)), text);
        check(0, "000000000000000R");
        check(86_399, "000000235959000R");
        check(3 * 86_400, "000003000000000R");
        check(u64::MAX, "000099000000000R");
    }
}
