//! Bits for rows, in blocks that fit the processor's nearest cache.

/// Words of a block.
pub(super) const BLOCK_WORDS: usize = 64;
/// Rows of a block.
pub(super) const BLOCK_ROWS: usize = BLOCK_WORDS * 64;

/// One bit for each of [`BLOCK_ROWS`] rows.
pub(super) type Block = [u64; BLOCK_WORDS];

/// No row.
pub(super) const EMPTY: Block = [0; BLOCK_WORDS];

pub(super) fn is_empty(block: &Block) -> bool {
    block.iter().all(|word| *word == 0)
}

pub(super) fn count(block: &Block) -> u64 {
    block.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// The rows of `a` that are in `b` too.
pub(super) fn and(a: &Block, b: &Block) -> Block {
    std::array::from_fn(|at| a[at] & b[at])
}

/// The rows of `a` that are not in `b`.
pub(super) fn without(a: &Block, b: &Block) -> Block {
    std::array::from_fn(|at| a[at] & !b[at])
}

/// The rows of `a` and of `b`.
pub(super) fn or(a: &Block, b: &Block) -> Block {
    std::array::from_fn(|at| a[at] | b[at])
}

/// The places of the bits in a block, in order.
pub(super) fn ones(block: &Block) -> impl Iterator<Item = usize> {
    block.iter().enumerate().flat_map(|(at, word)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            (bit < 64).then_some(at * 64 + bit)
        })
    })
}

/// A growing row of bits.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn resize(&mut self, rows: usize) {
        self.0.resize(rows.div_ceil(64), 0);
    }

    pub(super) fn set(&mut self, row: usize, on: bool) {
        let mask = 1 << (row % 64);
        if on {
            self.0[row / 64] |= mask;
        } else {
            self.0[row / 64] &= !mask;
        }
    }

    pub(super) fn get(&self, row: usize) -> bool {
        self.0.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    pub(super) fn block(&self, block: usize) -> Block {
        let words = &self.0[(block * BLOCK_WORDS).min(self.0.len())..];
        std::array::from_fn(|at| words.get(at).copied().unwrap_or(0))
    }

    pub(super) fn push_block(&mut self, block: &Block) {
        self.0.extend_from_slice(block);
    }

    pub(super) fn memory(&self) -> usize {
        self.0.capacity() * 8
    }
}
