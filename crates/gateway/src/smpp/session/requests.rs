//! Requests of ours that wait for an answer.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Sequence numbers run from 1 to this and begin again (SMPP 3.4 section 5.1.4).
const LAST_SEQUENCE: u32 = 0x7fff_ffff;

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Bind,
    Unbind,
    EnquireLink,
    Submit { slot: usize, segment: u8 },
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) purpose: Purpose,
    pub(super) written: Instant,
    /// How many inbound messages had been answered, without a gap, before it was written.
    pub(super) answered: u64,
}

/// All of them, by sequence number. Numbers are given out in order, so that a ring finds one at once, and the oldest
/// is in front.
#[derive(Debug)]
pub(super) struct Requests {
    ring: VecDeque<Option<Request>>,
    front: u32,
    next: u32,
    submits: usize,
    enquiries: usize,
}

impl Requests {
    pub(super) fn new() -> Self {
        Self { ring: VecDeque::new(), front: 1, next: 1, submits: 0, enquiries: 0 }
    }

    /// The number that the next request will have.
    pub(super) fn next_sequence(&self) -> u32 {
        self.next
    }

    /// Registers the next request. It is done before the request is written, so that no answer can come too early.
    pub(super) fn push(&mut self, request: Request) {
        match request.purpose {
            Purpose::Submit { .. } => self.submits += 1,
            Purpose::EnquireLink => self.enquiries += 1,
            Purpose::Bind | Purpose::Unbind => {}
        }
        self.ring.push_back(Some(request));
        self.next = following(self.next, 1);
    }

    /// The request that an answer belongs to.
    pub(super) fn peek(&self, sequence: u32) -> Option<&Request> {
        self.ring.get(self.index(sequence)?)?.as_ref()
    }

    /// Takes it.
    pub(super) fn take(&mut self, sequence: u32) -> Option<Request> {
        let index = self.index(sequence)?;
        let request = self.ring.get_mut(index)?.take()?;
        self.forget(request.purpose);
        Some(request)
    }

    fn index(&self, sequence: u32) -> Option<usize> {
        if !(1..=LAST_SEQUENCE).contains(&sequence) {
            return None;
        }
        let last = u64::from(LAST_SEQUENCE);
        usize::try_from((u64::from(sequence) + last - u64::from(self.front)) % last).ok()
    }

    /// Takes the oldest request if it was written at `before` or earlier, with its number.
    pub(super) fn take_older(&mut self, before: Instant) -> Option<(u32, Request)> {
        let request = (*self.ring.front()?)?;
        if request.written > before {
            return None;
        }
        let sequence = self.front;
        self.take(sequence).map(|request| (sequence, request))
    }

    /// When the oldest was written.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.ring.front().copied().flatten().map(|request| request.written)
    }

    /// How many submits wait.
    pub(super) fn submits(&self) -> usize {
        self.submits
    }

    /// Whether an `enquire_link` waits.
    pub(super) fn enquiring(&self) -> bool {
        self.enquiries > 0
    }

    /// Moves every time by so much.
    pub(super) fn shift(&mut self, by: Duration) {
        for request in self.ring.iter_mut().flatten() {
            request.written += by;
        }
    }

    fn forget(&mut self, purpose: Purpose) {
        match purpose {
            Purpose::Submit { .. } => self.submits -= 1,
            Purpose::EnquireLink => self.enquiries -= 1,
            Purpose::Bind | Purpose::Unbind => {}
        }
        while let Some(None) = self.ring.front() {
            self.ring.pop_front();
            self.front = following(self.front, 1);
        }
    }
}

fn following(sequence: u32, by: u32) -> u32 {
    (sequence - 1 + by) % LAST_SEQUENCE + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(written: Instant) -> Request {
        Request { purpose: Purpose::Submit { slot: 0, segment: 0 }, written, answered: 0 }
    }

    #[test]
    fn answers_find_their_request_across_the_end_of_the_numbers() {
        let start = Instant::now();
        let mut requests = Requests::new();
        requests.front = LAST_SEQUENCE - 1;
        requests.next = LAST_SEQUENCE - 1;
        let numbers: Vec<u32> = (0..4)
            .map(|second| {
                let number = requests.next_sequence();
                requests.push(request(start + Duration::from_secs(second)));
                number
            })
            .collect();
        assert_eq!(numbers, [LAST_SEQUENCE - 1, LAST_SEQUENCE, 1, 2]);
        assert!(requests.take(1).is_some());
        assert!(requests.take(1).is_none(), "a second answer has no request");
        assert!(requests.take(LAST_SEQUENCE - 1).is_some());
        assert_eq!(requests.submits(), 2);
        assert_eq!(requests.oldest(), Some(start + Duration::from_secs(1)));
        assert_eq!(requests.take_older(start + Duration::from_secs(1)).map(|(number, _)| number), Some(LAST_SEQUENCE));
        assert!(requests.take_older(start + Duration::from_secs(2)).is_none());
        assert!(requests.take(2).is_some());
        for wrong in [0, 3, LAST_SEQUENCE + 1, u32::MAX] {
            assert!(requests.take(wrong).is_none(), "{wrong}");
        }
        assert_eq!((requests.submits(), requests.ring.len(), requests.front), (0, 0, 3));
    }
}
