//! A column whose rows hold sets of values from a small vocabulary: each distinct set is kept once, and a row holds
//! its number in one, two or four bytes.

use std::collections::HashMap;
use std::hash::Hash;

use super::bits::{BLOCK_ROWS, Block, EMPTY};

/// A dictionary-encoded column. Set 0 is the empty one.
#[derive(Clone, Debug)]
pub(super) struct Sets<T> {
    rows: Numbers,
    terms: Vec<T>,
    terms_by_value: HashMap<T, u32>,
    /// The terms of each set, sorted.
    combinations: Vec<Box<[u32]>>,
    numbers: HashMap<Box<[u32]>, u32>,
}

impl<T: Clone + Eq + Hash> Sets<T> {
    pub(super) fn new() -> Self {
        let empty: Box<[u32]> = Box::default();
        Self {
            rows: Numbers::U8(Vec::new()),
            terms: Vec::new(),
            terms_by_value: HashMap::new(),
            combinations: vec![empty.clone()],
            numbers: HashMap::from([(empty, 0)]),
        }
    }

    pub(super) fn resize(&mut self, rows: usize) {
        self.rows.resize(rows);
    }

    pub(super) fn set(&mut self, row: usize, values: impl Iterator<Item = T>) {
        let mut terms: Vec<u32> = values.map(|value| self.term(value)).collect();
        terms.sort_unstable();
        terms.dedup();
        let number = if let Some(number) = self.numbers.get(terms.as_slice()) {
            *number
        } else {
            let number = self.combinations.len() as u32;
            let terms = terms.into_boxed_slice();
            self.combinations.push(terms.clone());
            self.numbers.insert(terms, number);
            number
        };
        self.rows.set(row, number);
    }

    fn term(&mut self, value: T) -> u32 {
        if let Some(number) = self.terms_by_value.get(&value) {
            return *number;
        }
        let number = self.terms.len() as u32;
        self.terms.push(value.clone());
        self.terms_by_value.insert(value, number);
        number
    }

    /// The values of a row.
    pub(super) fn values(&self, row: usize) -> impl Iterator<Item = &T> {
        self.combinations[self.rows.get(row) as usize].iter().map(|term| &self.terms[*term as usize])
    }

    /// For each set, whether one of its terms passes. Terms are tested once each.
    pub(super) fn accepted(&self, test: impl Fn(&T) -> bool) -> Accepted {
        let terms: Vec<bool> = self.terms.iter().map(test).collect();
        let mut accepted: Vec<u8> =
            self.combinations.iter().map(|set| u8::from(set.iter().any(|term| terms[*term as usize]))).collect();
        // Padded to what a number of the column's width can be, so that looking up needs no bounds check.
        match &self.rows {
            Numbers::U8(_) => accepted.resize(1 << 8, 0),
            Numbers::U16(_) => accepted.resize(1 << 16, 0),
            Numbers::U32(_) => {}
        }
        Accepted(accepted)
    }

    /// For each set, whether it has any term.
    pub(super) fn present(&self) -> Accepted {
        self.accepted(|_| true)
    }

    /// The rows of a block whose set is accepted.
    pub(super) fn scan(&self, block: usize, accepted: &Accepted) -> Block {
        self.rows.scan(block, &accepted.0)
    }

    pub(super) fn memory(&self) -> usize {
        let terms = self.combinations.iter().map(|set| set.len() * 4).sum::<usize>();
        self.rows.memory() + 2 * (terms + self.combinations.len() * 24) + self.terms.len() * 2 * (size_of::<T>() + 16)
    }
}

/// A table over the sets of a column.
#[derive(Clone, Debug)]
pub(super) struct Accepted(Vec<u8>);

/// Numbers of as many bytes as the greatest needs.
#[derive(Clone, Debug)]
enum Numbers {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Numbers {
    fn resize(&mut self, len: usize) {
        match self {
            Self::U8(numbers) => numbers.resize(len, 0),
            Self::U16(numbers) => numbers.resize(len, 0),
            Self::U32(numbers) => numbers.resize(len, 0),
        }
    }

    fn get(&self, at: usize) -> u32 {
        match self {
            Self::U8(numbers) => numbers[at].into(),
            Self::U16(numbers) => numbers[at].into(),
            Self::U32(numbers) => numbers[at],
        }
    }

    fn set(&mut self, at: usize, number: u32) {
        match self {
            Self::U8(numbers) => {
                if let Ok(number) = u8::try_from(number) {
                    numbers[at] = number;
                } else {
                    *self = Self::U16(numbers.iter().map(|n| u16::from(*n)).collect());
                    self.set(at, number);
                }
            }
            Self::U16(numbers) => {
                if let Ok(number) = u16::try_from(number) {
                    numbers[at] = number;
                } else {
                    *self = Self::U32(numbers.iter().map(|n| u32::from(*n)).collect());
                    self.set(at, number);
                }
            }
            Self::U32(numbers) => numbers[at] = number,
        }
    }

    fn scan(&self, block: usize, accepted: &[u8]) -> Block {
        match self {
            Self::U8(numbers) => match accepted.first_chunk::<{ 1 << 8 }>() {
                Some(accepted) => scan(numbers, block, |number| accepted[usize::from(number)]),
                None => EMPTY,
            },
            Self::U16(numbers) => match accepted.first_chunk::<{ 1 << 16 }>() {
                Some(accepted) => scan(numbers, block, |number| accepted[usize::from(number)]),
                None => EMPTY,
            },
            Self::U32(numbers) => scan(numbers, block, |number| accepted[number as usize]),
        }
    }

    fn memory(&self) -> usize {
        match self {
            Self::U8(numbers) => numbers.capacity(),
            Self::U16(numbers) => numbers.capacity() * 2,
            Self::U32(numbers) => numbers.capacity() * 4,
        }
    }
}

/// One bit for each number of a block. `test` gives 0 or 1.
pub(super) fn scan<N: Copy>(numbers: &[N], block: usize, test: impl Fn(N) -> u8) -> Block {
    let mut bits = EMPTY;
    let from = block * BLOCK_ROWS;
    let until = numbers.len().min(from + BLOCK_ROWS);
    for (word, numbers) in bits.iter_mut().zip(numbers[from..until].chunks(64)) {
        // Bytes first, then bits: so both steps become vector instructions.
        let mut passed = [0_u8; 64];
        for (passed, number) in passed.iter_mut().zip(numbers) {
            *passed = test(*number);
        }
        *word = pack(&passed);
    }
    bits
}

/// The lowest bits of 64 bytes.
fn pack(bytes: &[u8; 64]) -> u64 {
    let mut word = 0;
    for (at, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
        // Moves the lowest bit of each byte to the top byte, in order.
        let byte = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word |= byte << (at * 8);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing() {
        for pattern in [0_u64, 1, 1 << 63, 0xdead_beef_0bad_f00d, u64::MAX] {
            let mut bytes = [0_u8; 64];
            for (at, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::from(pattern >> at & 1 == 1);
            }
            assert_eq!(pack(&bytes), pattern);
        }
    }

    #[test]
    fn columns_grow_with_their_vocabulary() {
        let mut column = Sets::<u32>::new();
        let rows = 70_000_usize;
        column.resize(rows);
        for row in 0..rows {
            column.set(row, [row as u32, 7].into_iter());
        }
        for row in [0, 7, 255, 256, 257, 65_535, 65_536, rows - 1] {
            let mut values: Vec<u32> = column.values(row).copied().collect();
            values.sort_unstable();
            let mut want = vec![7, row as u32];
            want.sort_unstable();
            want.dedup();
            assert_eq!(values, want);
        }
        let accepted = column.accepted(|value| value % 3 == 0);
        let count: u32 =
            (0..rows.div_ceil(BLOCK_ROWS)).flat_map(|block| column.scan(block, &accepted)).map(u64::count_ones).sum();
        assert_eq!(count as usize, rows.div_ceil(3));
    }
}
