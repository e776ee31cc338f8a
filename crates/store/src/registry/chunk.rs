//! What is written of a chunk of workers.

use super::attributes::{Attributes, word};
use super::corrupt;
use super::places::Places;
use super::rows::{
    audience_rows, contact_place_gone, contact_place_rows, contact_rows, contact_term_gone, contact_term_rows,
    record_rows, term_rows, worker_rows,
};
use super::workers::{Holder, Stored, usable};
use crate::ops::NewProblem;
use crate::query::{Column, Rows, Unit};
use crate::{StoreResult, params};
use ::registry::{Status, Worker};
use base::{ContactId, Millis, Part, WorkerId};
use std::collections::{BTreeSet, HashMap, HashSet};

/// What a chunk writes.
pub(super) struct Chunk<'a> {
    source: &'a str,
    now: Millis,
    workers: Rows,
    records: Rows,
    contacts: Rows,
    urns: Rows,
    urns_gone: Rows,
    audience: Rows,
    terms: HashMap<(&'static str, String), String>,
    contact_terms: Rows,
    contact_terms_gone: Rows,
    places: Rows,
    places_gone: Rows,
    /// Numbers that somebody else has.
    pub(super) taken: Vec<NewProblem>,
    /// Unknown senders who are known now.
    found_out: Rows,
    /// Attributes alone.
    attributes: Rows,
    /// Who is in other audiences now.
    touched: Rows,
}

impl<'a> Chunk<'a> {
    pub(super) fn new(source: &'a str, now: Millis) -> Self {
        let contact = [Column::Int("part"), Column::Bytes("id")];
        Self {
            source,
            now,
            workers: worker_rows(),
            records: record_rows(),
            contacts: contact_rows(),
            urns: Rows::insert(
                "urn",
                &[Column::Int("part"), Column::Text("address"), Column::Int("contact_part"), Column::Bytes("contact")],
                "ON CONFLICT (part, address) DO NOTHING",
            ),
            urns_gone: Rows::delete("urn", &[Column::Int("part"), Column::Text("address"), Column::Bytes("contact")]),
            audience: audience_rows(),
            terms: HashMap::new(),
            contact_terms: contact_term_rows(),
            contact_terms_gone: contact_term_gone(),
            places: contact_place_rows(),
            places_gone: contact_place_gone(),
            taken: Vec::new(),
            found_out: Rows::update(
                "problem",
                &[Column::Text("kind"), Column::Text("key")],
                &[Column::Text("state"), Column::Int("modified_on")],
            ),
            attributes: Rows::update("contact", &contact, &[Column::Text("attributes")]),
            touched: Rows::update(
                "audience",
                &[Column::Int("part"), Column::Bytes("contact")],
                &[Column::Int("changed_on")],
            ),
        }
    }

    pub(super) fn worker(
        &mut self,
        worker: &mut Worker,
        id: WorkerId,
        contact: ContactId,
        stored: Option<Stored>,
        places: &Places,
        holders: &mut HashMap<String, Holder>,
    ) -> StoreResult<()> {
        let (source, now, part) = (self.source, self.now, contact.part());
        let status = word(worker.status);
        // What the source said is kept once: in its record, not in the document too.
        let raw = std::mem::take(&mut worker.raw);
        self.records.push(params![source, "worker", &worker.source_id, worker.hash.0, raw, now]);
        for post in worker.posts.iter_mut().filter(|post| !post.raw.is_empty()) {
            let raw = std::mem::take(&mut post.raw);
            self.records.push(params![source, "post", &post.source_id, worker.hash.0, raw, now]);
        }
        let document = serde_json::to_string(worker).map_err(corrupt)?;
        self.workers.push(params![id, source, &worker.source_id, contact, &worker.name, &status, document, now]);
        let wanted = usable(worker);
        let mut urns = Vec::with_capacity(wanted.len());
        for address in &wanted {
            match holders.get(address) {
                Some(holder) if holder.contact != contact => {
                    // The number stays with whoever had it first. Who has left needs it no more.
                    if worker.status == Status::Active {
                        self.taken.push(crate::problem::phone_taken(source, &worker.source_id, &worker.name, address));
                    }
                    continue;
                }
                Some(holder) => {
                    if !holder.is_worker {
                        self.found_out.push(params!["unknown_sender", address, "resolved", now]);
                    }
                }
                None => {
                    holders.insert(address.clone(), Holder { contact, is_worker: true });
                    self.urns.push(params![Part::of_address(address), address, part, contact]);
                }
            }
            urns.push(address.clone());
        }
        let (old_urns, old) = stored.map(|stored| (stored.urns, stored.attributes)).unwrap_or_default();
        for urn in old_urns {
            let address = crate::identity(&urn);
            if !address.starts_with("tel:") {
                // Not the registry's to take away.
                urns.push(urn);
            } else if !wanted.iter().any(|wanted| wanted == address) {
                self.urns_gone.push(params![Part::of_address(address), address, contact]);
            }
        }
        let attributes = places.attributes(source, worker, id);
        let language = worker.language.as_ref().map(|language| language.as_str().to_owned());
        let folded = base::text::fold(&worker.name);
        self.contacts.push(params![
            part,
            contact,
            id,
            &worker.name,
            &folded,
            language.clone(),
            now,
            None::<Millis>,
            serde_json::to_string(&urns).map_err(corrupt)?,
            "[]",
            serde_json::to_string(&attributes).map_err(corrupt)?
        ]);
        let gender = Some(attributes.gender.clone()).filter(|gender| !gender.is_empty());
        self.audience.push(params![
            part,
            contact,
            &folded,
            gender,
            &status,
            language,
            "active",
            now,
            None::<Millis>,
            now
        ]);
        self.chosen_by(contact, &old, &attributes);
        Ok(())
    }

    /// Attributes that follow from the places, of a worker who is as before.
    pub(super) fn placed(&mut self, contact: ContactId, old: &Attributes, new: &Attributes) -> StoreResult<()> {
        self.attributes.push(params![contact.part(), contact, serde_json::to_string(new).map_err(corrupt)?]);
        self.touched.push(params![contact.part(), contact, self.now]);
        self.chosen_by(contact, old, new);
        Ok(())
    }

    /// Words and places by which a contact is found.
    fn chosen_by(&mut self, contact: ContactId, old: &Attributes, new: &Attributes) {
        let part = contact.part();
        let (before, after) = (old.terms(), new.terms());
        let key = |terms: &BTreeSet<(&'static str, String, &str)>| -> HashSet<(&'static str, String)> {
            terms.iter().map(|(kind, folded, _)| (*kind, folded.clone())).collect()
        };
        let (had, has) = (key(&before), key(&after));
        for (kind, folded, label) in &after {
            self.terms.entry((kind, folded.clone())).or_insert_with(|| (*label).to_owned());
        }
        for (kind, folded) in has.difference(&had) {
            self.contact_terms.push(params![*kind, folded, part, contact]);
        }
        for (kind, folded) in had.difference(&has) {
            self.contact_terms_gone.push(params![*kind, folded, part, contact]);
        }
        for low in new.within.iter().filter(|low| !old.within.contains(low)) {
            self.places.push(params![*low, part, contact]);
        }
        for low in old.within.iter().filter(|low| !new.within.contains(low)) {
            self.places_gone.push(params![*low, part, contact]);
        }
    }

    pub(super) fn unit(self) -> Unit {
        let mut terms = term_rows();
        for ((kind, folded), label) in self.terms {
            terms.push(params![kind, folded, label]);
        }
        let mut unit = Unit::new();
        for rows in [
            self.workers,
            self.records,
            self.contacts,
            self.urns_gone,
            self.urns,
            self.audience,
            terms,
            self.contact_terms_gone,
            self.contact_terms,
            self.places_gone,
            self.places,
            self.found_out,
            self.attributes,
            self.touched,
            crate::problem::rows(&self.taken, self.now),
        ] {
            unit.rows(rows);
        }
        unit
    }
}
