//! Contact numbers in a form that doesn't tell them: `@contact.ref`.

/// Without I, O, 0 and 1, which people mistake for each other; queries know a reference by these characters.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const HALF: u32 = 15;
const MASK: u32 = (1 << HALF) - 1;

/// Six letters and digits for a number, which can be turned back by who has the key: a Feistel cipher over 30 bits.
/// Numbers beyond 30 bits keep what is above in front.
pub(crate) fn encode(number: i64, key: [u32; 4]) -> String {
    let number = number.unsigned_abs();
    let (mut left, mut right) = ((number >> HALF) as u32 & MASK, number as u32 & MASK);
    for round in key {
        let mixed = (right ^ round).wrapping_mul(0x9E37_79B1);
        (left, right) = (right, left ^ (mixed >> 17 & MASK));
    }
    let low = u64::from(left) << HALF | u64::from(right);
    let mut value = (number >> (2 * HALF)) << (2 * HALF) | low;
    let mut text = Vec::new();
    while value > 0 || text.len() < 6 {
        text.push(ALPHABET[(value & 31) as usize]);
        value >>= 5;
    }
    text.reverse();
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::encode;
    use std::collections::HashSet;

    #[test]
    fn different_numbers_have_different_references() {
        let references: HashSet<String> = (0..10_000).map(|n| encode(n, [1, 2, 3, 4])).collect();
        assert_eq!(references.len(), 10_000);
        assert!(references.iter().all(|r| r.len() == 6 && !r.contains(['I', 'O', '0', '1'])));
        assert_ne!(encode(7, [1, 2, 3, 4]), encode(7, [1, 2, 3, 5]));
    }
}
