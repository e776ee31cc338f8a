//! What an import changes, by the hashes of its records.

use std::collections::{BTreeMap, HashSet};

use crate::model::Hash;

/// What has become of the records of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Positions in the import of records that were not there before.
    pub new: Vec<usize>,
    /// Positions of records with other content than before.
    pub changed: Vec<usize>,
    /// How many are as before.
    pub unchanged: usize,
    /// Ids that were there before and are not in the import, in order. Whether they have left or were only not part
    /// of a partial import, the caller knows.
    pub gone: Vec<String>,
}

/// Compares the stored hashes by source id with those of an import, in its order. Of an id that occurs twice in the
/// import the first counts.
pub fn changes<'a>(old: &BTreeMap<String, Hash>, new: impl IntoIterator<Item = (&'a str, Hash)>) -> Changes {
    let mut changes = Changes::default();
    let mut seen = HashSet::new();
    for (at, (id, hash)) in new.into_iter().enumerate() {
        if !seen.insert(id) {
            continue;
        }
        match old.get(id) {
            None => changes.new.push(at),
            Some(before) if *before == hash => changes.unchanged += 1,
            Some(_) => changes.changed.push(at),
        }
    }
    changes.gone = old.keys().filter(|id| !seen.contains(id.as_str())).cloned().collect();
    changes
}
