//! The work list: what could not be processed, why, what to do.

use crate::ops::NewProblem;
use crate::params;
use crate::query::{Column, Rows};
use base::{ContactId, MessageId, Millis, ProblemId};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The id of a problem, which follows from what makes it the same problem when it is found again (UUID version 8).
pub(crate) fn id_of(kind: &str, key: &str) -> ProblemId {
    let digest: [u8; 32] = Sha256::new().chain_update(kind).chain_update([0]).chain_update(key).finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    ProblemId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Somebody wrote whom no worker's number leads to.
pub(crate) fn unknown_sender(address: &str, contact: ContactId) -> NewProblem {
    NewProblem {
        kind: "unknown_sender".into(),
        key: address.to_owned(),
        subject: contact.to_string(),
        message: format!("{address} wrote to us and belongs to no worker"),
        remedy: "Add the number to the worker who has it at the source and import again.".into(),
    }
}

/// A long message of which not all parts came.
pub(crate) fn incomplete(message: MessageId, contact: ContactId, address: &str, came: usize, total: u8) -> NewProblem {
    NewProblem {
        kind: "message_incomplete".into(),
        key: message.to_string(),
        subject: contact.to_string(),
        message: format!("{came} of {total} parts of a long message from {address} came"),
        remedy: "Ask the sender to send the message again if what came is not enough.".into(),
    }
}

/// An address that a flow gave to a contact and that another one has.
pub(crate) fn urn_taken(address: &str, contact: ContactId) -> NewProblem {
    NewProblem {
        kind: "urn_taken".into(),
        key: format!("{address} {contact}"),
        subject: contact.to_string(),
        message: format!("{address} was given to this contact and belongs to another one"),
        remedy: "Find out who has the number now and correct it at the source.".into(),
    }
}

/// A number that a worker's source names and that another contact has.
pub(crate) fn phone_taken(source: &str, worker: &str, name: &str, address: &str) -> NewProblem {
    let number = address.strip_prefix("tel:").unwrap_or(address);
    NewProblem {
        kind: "phone_taken".into(),
        key: format!("{source} {worker} {number}"),
        subject: worker.to_owned(),
        message: format!("{name} should have the number {number}, which somebody else has already"),
        remedy: "Ask whose number it is and take it from the other one at the source; then import again.".into(),
    }
}

/// A statement that writes problems, each once; the same one found again is open again.
pub(crate) fn rows(found: &[NewProblem], at: Millis) -> Rows {
    let columns = [
        Column::Bytes("id"),
        Column::Text("kind"),
        Column::Text("key"),
        Column::Text("subject"),
        Column::Text("message"),
        Column::Text("remedy"),
        Column::Int("created_on"),
        Column::Int("modified_on"),
    ];
    let conflict = "ON CONFLICT (kind, key) DO UPDATE SET times = problem.times + 1, state = 'open',
        message = excluded.message, remedy = excluded.remedy, modified_on = excluded.modified_on";
    let mut rows = Rows::insert("problem", &columns, conflict);
    let mut distinct: BTreeMap<(&str, &str), &NewProblem> = BTreeMap::new();
    for problem in found {
        distinct.entry((&problem.kind, &problem.key)).or_insert(problem);
    }
    for problem in distinct.into_values() {
        let NewProblem { kind, key, subject, message, remedy } = problem;
        rows.push(params![id_of(kind, key), kind, key, subject, message, remedy, at, at]);
    }
    rows
}
