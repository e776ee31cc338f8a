//! Ids for what has none of its own, which follow from what they belong to: the same document gives the same flow.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The id of a part of something that has an id (UUID version 8).
pub(super) fn part_of(owner: Uuid, part: &str) -> Uuid {
    uuid::Builder::from_custom_bytes(digest(owner.as_bytes(), part)).into_uuid()
}

/// The id of something that is known by a name only (UUID version 8).
pub(super) fn of_name(kind: &str, name: &str) -> Uuid {
    uuid::Builder::from_custom_bytes(digest(kind.as_bytes(), name)).into_uuid()
}

/// An id in the form of version 4, for those who accept no other.
pub(super) fn version_4(owner: Uuid, part: &str) -> Uuid {
    uuid::Builder::from_random_bytes(digest(owner.as_bytes(), part)).into_uuid()
}

/// A UUID as it is written in documents: with hyphens. Nothing else counts as one.
pub(super) fn read(text: &str) -> Option<Uuid> {
    let text = text.trim();
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}

fn digest(first: &[u8], second: &str) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::new().chain_update(first).chain_update([0]).chain_update(second).finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes
}
