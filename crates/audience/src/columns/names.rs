//! Names of all rows in one buffer, and the rows in the order of their names.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::text;

/// Ends a name in the buffer; no name has it inside.
const END: u8 = 0;

#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    buffer: Vec<u8>,
    /// Where each row's name begins.
    starts: Vec<u32>,
    /// Living rows, by folded name, then by row.
    order: Vec<u32>,
    /// Bytes of the buffer that no row uses any more.
    waste: usize,
}

impl Names {
    pub(super) fn resize(&mut self, rows: usize) {
        if self.buffer.is_empty() {
            self.buffer.push(END);
        }
        self.starts.resize(rows, 0);
    }

    /// The row's name as [`text::normal`] prepares it; empty when it has none.
    pub(super) fn get(&self, row: usize) -> &str {
        let rest = &self.buffer[self.starts[row] as usize..];
        let len = rest.iter().position(|byte| *byte == END).unwrap_or(rest.len());
        // The buffer is filled from whole texts only.
        std::str::from_utf8(&rest[..len]).unwrap_or_default()
    }

    /// Whether a word of the row's name begins with one of the prefixes, as far as can be told without splitting the
    /// name into words, which is what costs.
    pub(super) fn begins(&self, row: usize, prefixes: &[String]) -> Option<bool> {
        let rest = &self.buffer[self.starts[row] as usize..];
        let mut open = false;
        for prefix in prefixes.iter().map(String::as_bytes) {
            let first = prefix.first()?;
            // Letters and digits are never parted, and after a space a word begins.
            let plain = prefix.iter().all(u8::is_ascii_alphanumeric);
            let mut last = b' ';
            for (at, byte) in rest.iter().take_while(|byte| **byte != END).enumerate() {
                if byte == first && rest[at..].starts_with(prefix) {
                    if plain && last == b' ' {
                        return Some(true);
                    }
                    open = true;
                }
                last = *byte;
            }
        }
        if open { None } else { Some(false) }
    }

    /// Replaces a name without looking after the order; see [`Self::sort`], [`Self::enter`] and [`Self::leave`].
    pub(super) fn set(&mut self, row: usize, name: &str) {
        let old = self.get(row).len();
        if self.starts[row] != 0 {
            self.waste += old + 1;
        }
        if name.is_empty() {
            self.starts[row] = 0;
            return;
        }
        if self.waste > 4_096 && self.waste > self.buffer.len() / 2 {
            self.starts[row] = 0;
            self.compact();
        }
        let Ok(start) = u32::try_from(self.buffer.len()) else {
            // Four gigabytes of names: the row keeps its place among the nameless.
            self.starts[row] = 0;
            return;
        };
        self.starts[row] = start;
        self.buffer.extend(name.bytes().filter(|byte| *byte != END));
        self.buffer.push(END);
    }

    fn compact(&mut self) {
        let mut buffer = Vec::with_capacity(self.buffer.len() - self.waste);
        buffer.push(END);
        for row in 0..self.starts.len() {
            if self.starts[row] != 0 {
                let start = buffer.len() as u32;
                buffer.extend_from_slice(self.get(row).as_bytes());
                buffer.push(END);
                self.starts[row] = start;
            }
        }
        self.buffer = buffer;
        self.waste = 0;
    }

    /// Orders these rows, and no others.
    pub(super) fn sort(&mut self, rows: Vec<u32>) {
        let mut keyed: Vec<(u64, u32)> = rows.into_iter().map(|row| (prefix(&self.key(row)), row)).collect();
        keyed.sort_unstable_by(|(prefix_a, a), (prefix_b, b)| {
            prefix_a.cmp(prefix_b).then_with(|| self.key(*a).cmp(&self.key(*b))).then(a.cmp(b))
        });
        self.order = keyed.into_iter().map(|(_, row)| row).collect();
    }

    /// Puts a row where its name belongs.
    pub(super) fn enter(&mut self, row: u32) {
        let at = self.position(&self.key(row), row).unwrap_or_else(|at| at);
        self.order.insert(at, row);
    }

    /// Takes a row out, before its name changes.
    pub(super) fn leave(&mut self, row: u32) {
        if let Ok(at) = self.position(&self.key(row), row) {
            self.order.remove(at);
        }
    }

    /// The rows in order, from the first after `name` and `row` on, or from the beginning.
    pub(super) fn after(&self, after: Option<(&str, u32)>) -> &[u32] {
        let from =
            after.map_or(0, |(name, row)| self.position(&text::fold(name), row).map_or_else(|at| at, |at| at + 1));
        &self.order[from..]
    }

    fn position(&self, key: &str, row: u32) -> Result<usize, usize> {
        self.order.binary_search_by(|other| match (*self.key(*other)).cmp(key) {
            Ordering::Equal => other.cmp(&row),
            ordering => ordering,
        })
    }

    fn key(&self, row: u32) -> Cow<'_, str> {
        text::fold(self.get(row as usize))
    }

    pub(super) fn memory(&self) -> usize {
        self.buffer.capacity() + (self.starts.capacity() + self.order.capacity()) * 4
    }
}

/// The first eight bytes, in the order of texts.
fn prefix(text: &str) -> u64 {
    let mut bytes = [0; 8];
    for (byte, from) in bytes.iter_mut().zip(text.bytes()) {
        *byte = from;
    }
    u64::from_be_bytes(bytes)
}
