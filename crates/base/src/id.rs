//! Identifiers: UUIDv7 newtypes (RFC 9562 section 5.7), and the part that a contact's rows live in.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

use crate::clock::Millis;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The sixteen bytes that the store keeps.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// From the sixteen bytes that the store keeps; `None` for any other length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }
    )*};
}

id! {
    /// A contact: the messaging side of a worker, a client or an unknown sender.
    ContactId;
    /// A worker: a person in the registry (FHIR Practitioner).
    WorkerId;
    /// A message, in or out.
    MessageId;
    /// A flow session: one contact's conversation.
    SessionId;
    /// A run: one flow inside a session.
    RunId;
    /// A flow definition.
    FlowId;
    /// A campaign.
    CampaignId;
    /// One firing of a campaign.
    StartId;
    /// A channel.
    ChannelId;
    /// A group of contacts.
    GroupId;
    /// A row of the work list.
    ProblemId;
}

impl ContactId {
    /// The part that every row of this contact lives in; see [`Part`].
    pub fn part(&self) -> Part {
        Part::of_uuid(&self.0)
    }
}

/// The key of the hot tables: queue lane, lease unit and distribution column at once.
///
/// It is the first byte of the SHA-256 of a contact's UUID (its sixteen bytes, not its text) and is fixed for ever.
/// Rows that are found by an address before its contact is known (URNs, inbound dedupe, receipts) use the part of
/// the *address*, because a number can move from one contact to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Part(pub u8);

impl Part {
    /// How many parts there are.
    pub const COUNT: usize = 256;

    /// The part of a contact's UUID.
    pub fn of_uuid(uuid: &Uuid) -> Self {
        Self(Sha256::digest(uuid.as_bytes())[0])
    }

    /// The part of an address, which is a URN's identity such as `tel:+231990000001`.
    pub fn of_address(address: &str) -> Self {
        Self(Sha256::digest(address.as_bytes())[0])
    }

    /// All parts, in order.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        (0..=u8::MAX).map(Self)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes UUIDs from a seed and the clock readings it is given: the same seed and readings give the same ids.
///
/// Ids from one maker rise strictly, also within a millisecond and when the clock steps back, so that id order is
/// the order of making. Seed it from the operating system's randomness in production.
#[derive(Debug, Clone)]
pub struct IdMaker {
    random: ChaCha12Rng,
    last: (u64, u16),
}

impl IdMaker {
    /// A maker whose random bits come from `seed`.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { random: ChaCha12Rng::from_seed(seed), last: (0, 0) }
    }

    /// A maker for tests, benchmarks and scenarios, from a small number.
    pub fn from_u64(seed: u64) -> Self {
        Self { random: ChaCha12Rng::seed_from_u64(seed), last: (0, 0) }
    }

    /// The next UUIDv7 at `now`. The twelve bits after the time count upwards within a millisecond.
    pub fn uuid(&mut self, now: Millis) -> Uuid {
        let now = now.0.max(0).cast_unsigned();
        let (time, count) = match self.last {
            (last, count) if now <= last && count < 0xfff => (last, count + 1),
            (last, _) if now <= last => (last + 1, 0),
            _ => (now, (self.random.next_u32() & 0xff) as u16),
        };
        self.last = (time, count);
        let mut bytes = [0_u8; 16];
        bytes[..6].copy_from_slice(&time.to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&(0x7000 | count).to_be_bytes());
        self.random.fill_bytes(&mut bytes[8..]);
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Uuid::from_bytes(bytes)
    }

    /// The next id of any kind: `ids.next::<MessageId>(now)`.
    pub fn next<T: From<Uuid>>(&mut self, now: Millis) -> T {
        T::from(self.uuid(now))
    }

    /// Another maker with a stream of its own, drawn from this one.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        let mut seed = [0; 32];
        self.random.fill_bytes(&mut seed);
        Self::new(seed)
    }

    /// A number in `0..1`, from the same seeded stream.
    pub fn unit(&mut self) -> f64 {
        (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_strictly_even_when_the_clock_steps_back() {
        let mut ids = IdMaker::from_u64(7);
        let mut last = ids.uuid(Millis(1_000));
        for i in 0..10_000 {
            let next = ids.uuid(Millis(1_000 - i % 5));
            assert!(next > last, "{next} after {last}");
            assert_eq!(next.get_version_num(), 7);
            last = next;
        }
    }

    #[test]
    fn parts_are_fixed_for_ever() {
        let id: ContactId = "0192f3a0-0000-7000-8000-000000000001".parse().unwrap();
        assert_eq!(id.part(), Part(Sha256::digest(id.as_bytes())[0]));
        assert_eq!(Part::of_address("tel:+231990000001"), Part::of_address("tel:+231990000001"));
    }
}
