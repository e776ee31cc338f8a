//! Long inbound messages: their parts are kept until all have come, or until they are waited for no longer.

use crate::ops::{Inbound, SegmentOf};
use base::sms::{self, Coding};
use base::{ChannelId, MessageId, Millis, Part};

/// How long the parts of a long inbound message are waited for.
const PATIENCE_MILLIS: i64 = 10 * 60 * 1_000;

/// What the parts of one long inbound message have in common.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct SegmentKey {
    pub(crate) part: u8,
    pub(crate) address: String,
    pub(crate) channel: [u8; 16],
    pub(crate) number: String,
    pub(crate) reference: u16,
    pub(crate) total: u8,
}

impl SegmentKey {
    pub(crate) fn of(inbound: &Inbound, segment: &SegmentOf) -> Self {
        Self {
            part: Part::of_address(&inbound.address).0,
            address: inbound.address.clone(),
            channel: *inbound.channel.as_bytes(),
            number: inbound.to.clone(),
            reference: segment.reference,
            total: segment.total,
        }
    }

    /// The message that is made of the parts that did come.
    pub(crate) fn incomplete(&self, id: MessageId, new_contact: base::ContactId, received_on: Millis) -> Inbound {
        Inbound {
            id,
            new_contact,
            channel: ChannelId(uuid::Uuid::from_bytes(self.channel)),
            address: self.address.clone(),
            to: self.number.clone(),
            text: String::new(),
            received_on,
            dedupe: None,
            consent: None,
            segment: None,
        }
    }
}

/// A part that was kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) sequence: i64,
    /// What it says if it is read alone.
    pub(crate) text: String,
    /// Its octets and how they are read; none where a version before this wrote it.
    pub(crate) octets: Option<(Coding, Vec<u8>)>,
    pub(crate) received_on: Millis,
}

impl Kept {
    pub(crate) fn new(
        sequence: i64,
        text: String,
        coding: Option<i64>,
        octets: Option<Vec<u8>>,
        received_on: Millis,
    ) -> Self {
        let octets = coding.and_then(Coding::of_number).zip(octets);
        Self { sequence, text, octets, received_on }
    }

    /// Whether it is the same part, delivered again.
    pub(crate) fn is_again(&self, inbound: &Inbound, segment: &SegmentOf) -> bool {
        match &self.octets {
            Some((coding, octets)) => (*coding, octets) == (segment.coding, &segment.octets),
            None => self.text == inbound.text,
        }
    }
}

/// When parts, of which the first came at `first`, are waited for no longer.
pub(crate) fn patience_ends(first: Millis) -> Millis {
    Millis(first.0 + PATIENCE_MILLIS)
}

/// Whether the parts have been waited for long enough: the timer may be that of an earlier message with the same
/// reference.
pub(crate) fn is_due(parts: &[Kept], now: Millis) -> bool {
    parts.iter().map(|part| part.received_on).min().is_some_and(|first| patience_ends(first) <= now)
}

/// The text of parts in their order, without U+0000.
pub(crate) fn text_of(parts: &[Kept]) -> String {
    let octets: Option<Vec<(Coding, &[u8])>> =
        parts.iter().map(|part| part.octets.as_ref().map(|(coding, octets)| (*coding, octets.as_slice()))).collect();
    let text = match octets {
        Some(octets) => sms::join(octets).text,
        None => parts.iter().map(|part| part.text.as_str()).collect(),
    };
    base::text::strip_nul(&text).into_owned()
}
