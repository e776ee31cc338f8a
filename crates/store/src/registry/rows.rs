//! The columns that the registry writes.

use crate::query::{Column, Rows};

/// Places: id, source, source's id, kind, level, name, folded name, parent, first and last position, path.
pub(crate) fn place_rows() -> Rows {
    Rows::insert(
        "place",
        &[
            Column::Bytes("id"),
            Column::Text("source"),
            Column::Text("source_id"),
            Column::Text("kind"),
            Column::Text("level"),
            Column::Text("name"),
            Column::Text("name_folded"),
            Column::Bytes("parent"),
            Column::Int("low"),
            Column::Int("high"),
            Column::Text("path"),
        ],
        "ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, level = excluded.level, name = excluded.name,
           name_folded = excluded.name_folded, parent = excluded.parent",
    )
}

/// What a source said: source, kind of record, its id, hash, the record, when it was imported.
pub(crate) fn record_rows() -> Rows {
    Rows::insert(
        "source_record",
        &[
            Column::Text("source"),
            Column::Text("kind"),
            Column::Text("source_id"),
            Column::Bytes("hash"),
            Column::Text("raw"),
            Column::Int("imported_on"),
        ],
        "ON CONFLICT (source, kind, source_id) DO UPDATE SET hash = excluded.hash, raw = excluded.raw,
           imported_on = excluded.imported_on",
    )
}

/// Workers: id, source, source's id, contact, name, status, document, when they changed.
pub(crate) fn worker_rows() -> Rows {
    Rows::insert(
        "worker",
        &[
            Column::Bytes("id"),
            Column::Text("source"),
            Column::Text("source_id"),
            Column::Bytes("contact"),
            Column::Text("name"),
            Column::Text("status"),
            Column::Text("document"),
            Column::Int("changed_on"),
        ],
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status,
           document = excluded.document, changed_on = excluded.changed_on",
    )
}

/// Contacts: part, id, worker, name, folded name, language, when created, when last seen, URNs, groups, attributes. Of
/// those that are there, what the registry does not know stays.
pub(crate) fn contact_rows() -> Rows {
    Rows::insert(
        "contact",
        &[
            Column::Int("part"),
            Column::Bytes("id"),
            Column::Bytes("worker"),
            Column::Text("name"),
            Column::Text("name_folded"),
            Column::Text("language"),
            Column::Int("created_on"),
            Column::Int("last_seen_on"),
            Column::Text("urns"),
            Column::Text("groups"),
            Column::Text("attributes"),
        ],
        "ON CONFLICT (part, id) DO UPDATE SET worker = excluded.worker, name = excluded.name,
           name_folded = excluded.name_folded, language = COALESCE(excluded.language, contact.language),
           urns = excluded.urns, attributes = excluded.attributes",
    )
}

/// What audiences are chosen by: part, contact, folded name, gender, worker's status, language, contact's status, when
/// created, when last seen, when changed. Of those that are there, what the registry does not know stays.
pub(crate) fn audience_rows() -> Rows {
    Rows::insert(
        "audience",
        &[
            Column::Int("part"),
            Column::Bytes("contact"),
            Column::Text("name_folded"),
            Column::Text("gender"),
            Column::Text("worker_status"),
            Column::Text("language"),
            Column::Text("status"),
            Column::Int("created_on"),
            Column::Int("last_seen_on"),
            Column::Int("changed_on"),
        ],
        "ON CONFLICT (part, contact) DO UPDATE SET name_folded = excluded.name_folded,
           gender = excluded.gender, worker_status = excluded.worker_status,
           language = COALESCE(excluded.language, audience.language), changed_on = excluded.changed_on",
    )
}

/// The words of the registry: kind, folded, as they are shown first.
pub(crate) fn term_rows() -> Rows {
    let columns = [Column::Text("kind"), Column::Text("folded"), Column::Text("label")];
    Rows::insert("term", &columns, "ON CONFLICT (kind, folded) DO NOTHING")
}

const CONTACT_TERM: [Column; 4] =
    [Column::Text("kind"), Column::Text("folded"), Column::Int("part"), Column::Bytes("contact")];
const CONTACT_PLACE: [Column; 3] = [Column::Int("low"), Column::Int("part"), Column::Bytes("contact")];

/// Who has a word: kind, folded, part, contact.
pub(crate) fn contact_term_rows() -> Rows {
    Rows::insert("contact_term", &CONTACT_TERM, "ON CONFLICT (kind, folded, part, contact) DO NOTHING")
}

/// Who has a word no more.
pub(crate) fn contact_term_gone() -> Rows {
    Rows::delete("contact_term", &CONTACT_TERM)
}

/// Who has a post where: position, part, contact.
pub(crate) fn contact_place_rows() -> Rows {
    Rows::insert("contact_place", &CONTACT_PLACE, "ON CONFLICT (low, part, contact) DO NOTHING")
}

/// Who has a post there no more.
pub(crate) fn contact_place_gone() -> Rows {
    Rows::delete("contact_place", &CONTACT_PLACE)
}
