//! A column of instants, to the second: bounds of queries are whole seconds, so no more is needed.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::bits::{BLOCK_ROWS, Block};
use super::sets::scan;

/// Marks a row without an instant.
const NONE: u32 = u32::MAX;
/// Marks a row whose instant is outside 1970 to 2106 and kept apart.
const FAR: u32 = u32::MAX - 1;

/// Whole seconds since 1970, rounded down, also before 1970.
pub(super) fn second(at: Timestamp) -> i64 {
    let seconds = at.as_second();
    if at.subsec_nanosecond() < 0 { seconds - 1 } else { seconds }
}

/// Seconds since 1970 in four bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    rows: Vec<u32>,
    far: BTreeMap<usize, i64>,
}

impl Times {
    pub(super) fn resize(&mut self, rows: usize) {
        self.rows.resize(rows, NONE);
    }

    pub(super) fn set(&mut self, row: usize, at: Option<Timestamp>) {
        self.far.remove(&row);
        self.rows[row] = match at.map(second) {
            None => NONE,
            Some(seconds) => match u32::try_from(seconds) {
                Ok(near) if near < FAR => near,
                _ => {
                    self.far.insert(row, seconds);
                    FAR
                }
            },
        };
    }

    pub(super) fn get(&self, row: usize) -> Option<Timestamp> {
        let seconds = match self.rows[row] {
            NONE => return None,
            FAR => *self.far.get(&row)?,
            near => near.into(),
        };
        Timestamp::from_second(seconds).ok()
    }

    /// The rows of a block with an instant.
    pub(super) fn present(&self, block: usize) -> Block {
        scan(&self.rows, block, |second| u8::from(second != NONE))
    }

    /// The rows of a block from one second on and before another.
    pub(super) fn scan(&self, block: usize, from: i64, until: i64) -> Block {
        let near = |second: i64| u32::try_from(second.clamp(0, FAR.into())).unwrap_or(FAR);
        let (first, end) = (near(from), near(until));
        let mut bits = scan(&self.rows, block, |second| u8::from(second >= first && second < end));
        let rows = block * BLOCK_ROWS..(block + 1) * BLOCK_ROWS;
        for (row, second) in self.far.range(rows) {
            if (from..until).contains(second) {
                let at = row % BLOCK_ROWS;
                bits[at / 64] |= 1 << (at % 64);
            }
        }
        bits
    }

    pub(super) fn memory(&self) -> usize {
        self.rows.capacity() * 4 + self.far.len() * 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_near_and_far() {
        let texts = [
            "1969-12-31T23:59:59.5Z",
            "1970-01-01T00:00:00Z",
            "2026-11-23T09:00:00.999Z",
            "2106-02-07T06:28:13Z",
            "2106-02-07T06:28:14Z",
            "2106-02-07T06:28:15Z",
            "1492-10-12T00:00:00Z",
            "9999-12-30T00:00:00Z",
        ];
        let times: Vec<Timestamp> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let mut column = Times::default();
        column.resize(times.len() + 1);
        for (row, time) in times.iter().enumerate() {
            column.set(row, Some("2100-01-01T00:00:00Z".parse().unwrap()));
            column.set(row, Some(*time));
            assert_eq!(column.get(row).map(second), Some(second(*time)));
        }
        assert_eq!(column.present(0)[0].count_ones() as usize, times.len());
        let bounds = times.iter().map(|time| second(*time)).chain([i64::MIN, i64::MAX]);
        for (from, until) in bounds.clone().flat_map(|from| bounds.clone().map(move |until| (from, until))) {
            let want = times.iter().enumerate().filter(|(_, time)| (from..until).contains(&second(**time)));
            let want: u64 = want.map(|(row, _)| 1 << row).sum();
            assert_eq!(column.scan(0, from, until)[0], want, "{from} to {until}");
        }
        assert_eq!(second(times[0]), -1);
    }
}
