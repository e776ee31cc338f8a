//! Draws that depend on nothing but what they are about.
//!
//! A phone's behaviour is a function of the seed, its number and how many messages it has had, so that two runs with
//! one seed give the same answers whatever the order in which messages arrive at the operator.

use super::config::{Share, Weighted};

/// What a draw decides. Each purpose has its own stream, so that a new quirk does not shift the old ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Is the phone in reach of the network?
    Reach = 1,
    /// Does its owner answer at all?
    Respond = 2,
    /// Does its owner answer to the end?
    Complete = 3,
    /// Does a phone that does not complete say STOP?
    Stop = 4,
    /// After how many answers does it quit?
    QuitAfter = 5,
    /// The language of its owner.
    Language = 6,
    /// Is this answer a wrong one?
    Wrong = 7,
    /// Which answer?
    Choice = 8,
    /// How long does the owner think?
    Think = 9,
    /// How long does the network need?
    Delivery = 10,
    /// How long until the submit is answered?
    Response = 11,
    /// Is the submit never answered?
    Unresponsive = 12,
    /// Is the connection dropped at this submit?
    Drop = 13,
    /// Was the message taken before the connection was dropped?
    Taken = 14,
    /// Is the phone's message delivered twice?
    Duplicate = 15,
    /// Is a malformed PDU sent, and which?
    Malformed = 16,
    /// How long until the receipt?
    Receipt = 17,
    /// Which final state has an undelivered message?
    State = 18,
}

/// A number that depends on the seed, a phone, a count and a purpose alone; SplitMix64's finaliser over each in turn.
/// Fixed for ever: recorded figures of a seed stay true.
pub fn number(seed: u64, phone: u64, nth: u64, purpose: Purpose) -> u64 {
    let mut state = 0x6d68_6572_6f21_u64;
    for input in [seed, phone, nth, purpose as u64] {
        state = state.wrapping_add(input).wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    state
}

/// A number in `0..1`.
pub fn unit(seed: u64, phone: u64, nth: u64, purpose: Purpose) -> f64 {
    (number(seed, phone, nth, purpose) >> 11) as f64 / (1_u64 << 53) as f64
}

/// True for a `share` (`0..=1`) of all draws.
pub fn chance(share: f64, seed: u64, phone: u64, nth: u64, purpose: Purpose) -> bool {
    share > 0.0 && unit(seed, phone, nth, purpose) < share
}

/// The choice that `unit` (`0..1`) falls on; `None` if there is nothing to choose.
pub fn weighted(choices: &[Weighted], unit: f64) -> Option<&Weighted> {
    let total: f64 = choices.iter().map(|c| c.weight.max(0.0)).sum();
    let mut left = unit * total;
    for choice in choices {
        left -= choice.weight.max(0.0);
        if left < 0.0 {
            return Some(choice);
        }
    }
    choices.last()
}

/// The members of `phones` that are drawn: a share of them each by its own draw, or an exact count by rank of draw.
pub fn members(share: &Share, phones: &[u64], seed: u64, purpose: Purpose) -> Vec<u64> {
    match *share {
        Share::Fraction(share) => phones.iter().copied().filter(|&p| chance(share, seed, p, 0, purpose)).collect(),
        Share::Count { count } => {
            let mut ranked: Vec<_> = phones.iter().map(|&p| (number(seed, p, 0, purpose), p)).collect();
            ranked.sort_unstable();
            ranked.into_iter().take(count).map(|(_, p)| p).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_fixed_for_ever() {
        let all = [
            number(1, 2, 3, Purpose::Reach),
            number(2, 2, 3, Purpose::Reach),
            number(1, 3, 3, Purpose::Reach),
            number(1, 2, 4, Purpose::Reach),
            number(1, 2, 3, Purpose::Respond),
        ];
        let known = [
            29_345_309_556_317_819,
            2_484_548_452_786_895_071,
            5_389_781_854_691_582_445,
            8_201_875_983_792_620_414,
            4_965_796_087_557_784_777,
        ];
        assert_eq!(all, known);
    }

    #[test]
    fn a_share_is_about_the_share_and_a_count_is_exact() {
        let phones: Vec<u64> = (231_990_000_000..231_990_010_000).collect();
        let share = members(&Share::Fraction(0.3), &phones, 7, Purpose::Respond).len();
        assert!((2_850..3_150).contains(&share), "{share}");
        let count = members(&Share::Count { count: 289 }, &phones[..482], 7, Purpose::Reach);
        assert_eq!(count.len(), 289);
        let mut reversed = phones[..482].to_vec();
        reversed.reverse();
        assert_eq!(members(&Share::Count { count: 289 }, &reversed, 7, Purpose::Reach), count, "order does not matter");
        assert_eq!(members(&Share::Count { count: 9 }, &phones[..3], 7, Purpose::Reach).len(), 3);
    }

    #[test]
    fn weights_hold() {
        let choices = [Weighted::new("a", 3.0), Weighted::new("b", 1.0), Weighted::new("never", 0.0)];
        let mut counts = std::collections::HashMap::new();
        for i in 0..4_000 {
            let unit = unit(1, i, 0, Purpose::Choice);
            *counts.entry(weighted(&choices, unit).unwrap().text.clone()).or_insert(0) += 1;
        }
        assert!((2_850..3_150).contains(&counts["a"]), "{counts:?}");
        assert!(!counts.contains_key("never"));
        assert!(weighted(&[], 0.5).is_none());
    }
}
