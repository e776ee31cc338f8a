//! Messages and receipts from the operator, and our answers to them.

use super::super::address;
use super::super::codec::{CommandId, DataSm, Sm, Tag, Tlvs, esm_class, latin1};
use super::super::config::Config;
use super::super::receipt;
use super::super::text::{self, Concatenation};
use crate::event::{Ack, Answer, Inbound, Refused, Segment};
use base::sms::Coding;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use tokio::sync::mpsc::UnboundedSender;

/// Inbound messages of this session in the order of their numbers, from the first without an answer.
#[derive(Debug)]
pub(super) struct Open {
    ring: VecDeque<Waiting>,
    answered: u64,
    waiting: usize,
}

#[derive(Debug)]
struct Waiting {
    command: CommandId,
    sequence: u32,
    decided: bool,
}

impl Open {
    pub(super) fn new() -> Self {
        Self { ring: VecDeque::new(), answered: 0, waiting: 0 }
    }

    /// The number that the next one will have.
    pub(super) fn next_number(&self) -> u64 {
        self.answered + self.ring.len() as u64 + 1
    }

    /// Registers the next one.
    pub(super) fn push(&mut self, command: CommandId, sequence: u32) {
        self.ring.push_back(Waiting { command, sequence, decided: false });
        self.waiting += 1;
    }

    /// Takes note that one is answered and says with which command and sequence number to do it; once for each.
    pub(super) fn take(&mut self, number: u64) -> Option<(CommandId, u32)> {
        let index = usize::try_from(number.checked_sub(self.answered + 1)?).ok()?;
        let waiting = self.ring.get_mut(index).filter(|waiting| !waiting.decided)?;
        waiting.decided = true;
        let found = (waiting.command.response(), waiting.sequence);
        self.waiting -= 1;
        while self.ring.front().is_some_and(|waiting| waiting.decided) {
            self.ring.pop_front();
            self.answered += 1;
        }
        Some(found)
    }

    /// Up to which number all are answered.
    pub(super) fn answered(&self) -> u64 {
        self.answered
    }

    /// How many are not.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }
}

/// What `deliver_sm` and `data_sm` have in common.
pub(super) struct Delivery<'a> {
    pub(super) command: CommandId,
    sm: Sm<'a>,
}

impl<'a> From<Sm<'a>> for Delivery<'a> {
    fn from(sm: Sm<'a>) -> Self {
        Self { command: CommandId::DELIVER_SM, sm }
    }
}

impl<'a> From<DataSm<'a>> for Delivery<'a> {
    fn from(data: DataSm<'a>) -> Self {
        let sm = Sm {
            service_type: data.service_type,
            source: data.source,
            destination: data.destination,
            esm_class: data.esm_class,
            registered_delivery: data.registered_delivery,
            data_coding: data.data_coding,
            tlvs: data.tlvs,
            ..Sm::default()
        };
        Self { command: CommandId::DATA_SM, sm }
    }
}

/// Reads a delivery that will have a `number`; an error is one that holds no text.
pub(super) fn read(
    delivery: &Delivery<'_>,
    config: &Config,
    bind_session: u64,
    number: u64,
    route: &UnboundedSender<Answer>,
) -> Result<Box<Inbound>, Refused> {
    let sm = &delivery.sm;
    let payload = match sm.tlvs.get(Tag::MESSAGE_PAYLOAD) {
        Some(payload) if sm.short_message.is_empty() => payload,
        _ => sm.short_message,
    };
    let (udh, by_header, octets) =
        if sm.esm_class & esm_class::UDHI == 0 { (&[][..], None, payload) } else { text::split_udh(payload) };
    let concatenation = by_header.or_else(|| Concatenation::from_tlvs(&sm.tlvs));
    let coding = text::coding(sm.data_coding, config.default_alphabet);
    // Some operators mark receipts as binary; whatever is no receipt and no text is refused below.
    let decoded = coding.unwrap_or(Coding::Other).decode(octets);
    let receipt = receipt::read(sm.esm_class, &decoded.text, &sm.tlvs, config.message_id);
    let (source, destination) = (address::inbound(&sm.source), address::inbound(&sm.destination));
    if coding.is_none() && receipt.is_none() {
        let reason = format!("data_coding 0x{:02X} is binary; only texts are taken", sm.data_coding);
        return Err(Refused { source, destination, reason });
    }
    let external_id = match receipt {
        Some(_) => None,
        None => sm.tlvs.c_string(Tag::RECEIPTED_MESSAGE_ID).filter(|id| !id.is_empty()),
    };
    Ok(Box::new(Inbound {
        bind_session,
        number,
        segment: concatenation.map(|concatenation| Segment {
            reference: concatenation.reference,
            total: concatenation.total,
            number: concatenation.number,
            coding: coding.unwrap_or(Coding::Other),
            octets: octets.to_vec(),
        }),
        external_id: external_id.map(|id| latin1(id).into_owned()),
        hash: hash(sm, udh, octets),
        source,
        destination,
        text: decoded.text,
        lossy: decoded.lossy,
        receipt,
        tlvs: sm.tlvs.iter().map(|tlv| (tlv.tag.0, tlv.value.to_vec())).collect(),
        ack: Ack::new(number, route.clone()),
    }))
}

/// The parameters that are part of the content: two receipts may differ in nothing else.
const CONTENT: [Tag; 6] = [
    Tag::SAR_MSG_REF_NUM,
    Tag::SAR_TOTAL_SEGMENTS,
    Tag::SAR_SEGMENT_SEQNUM,
    Tag::RECEIPTED_MESSAGE_ID,
    Tag::MESSAGE_STATE,
    Tag::USER_MESSAGE_REFERENCE,
];

/// The first half of a SHA-256 over the content, each part with its length before it.
fn hash(sm: &Sm<'_>, udh: &[u8], octets: &[u8]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    let mut add = |part: &[u8]| {
        hasher.update((part.len() as u32).to_be_bytes());
        hasher.update(part);
    };
    add(sm.source.addr);
    add(sm.destination.addr);
    add(&[sm.esm_class, sm.data_coding]);
    add(udh);
    add(octets);
    if !sm.tlvs.is_empty() {
        for tag in CONTENT {
            add(Tlvs::get(&sm.tlvs, tag).unwrap_or_default());
        }
    }
    let digest = hasher.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_close_gaps_in_any_order() {
        let mut open = Open::new();
        for sequence in 10..15 {
            assert_eq!(open.next_number(), u64::from(sequence) - 9);
            open.push(CommandId::DELIVER_SM, sequence);
        }
        let check = |open: &mut Open, number, sequence: Option<u32>, answered, waiting| {
            let expected = sequence.map(|sequence| (CommandId::DELIVER_SM_RESP, sequence));
            assert_eq!(open.take(number), expected, "{number}");
            assert_eq!((open.answered(), open.waiting()), (answered, waiting), "{number}");
        };
        check(&mut open, 2, Some(11), 0, 4);
        check(&mut open, 2, None, 0, 4);
        check(&mut open, 1, Some(10), 2, 3);
        check(&mut open, 1, None, 2, 3);
        check(&mut open, 0, None, 2, 3);
        check(&mut open, 9, None, 2, 3);
        check(&mut open, 5, Some(14), 2, 2);
        assert_eq!(open.next_number(), 6);
        open.push(CommandId::DATA_SM, 15);
        check(&mut open, 4, Some(13), 2, 2);
        check(&mut open, 3, Some(12), 5, 1);
    }
}
