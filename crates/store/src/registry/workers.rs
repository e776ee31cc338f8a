//! Workers with their contacts: what an import changes of them.

use super::attributes::Attributes;
use super::chunk::Chunk;
use super::places::Places;
use super::{CHUNK, corrupt, spool};
use crate::query::{Column, Rows, Unit, any_of};
use crate::{Store, StoreResult, params};
use ::registry::{Hash, Import, Left, PhoneState, Status, Worker};
use base::{ContactId, IdMaker, Millis, Part, WorkerId};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A worker as stored before the import.
pub(super) struct Before {
    pub(super) id: WorkerId,
    pub(super) contact: ContactId,
    /// Of what the source said; none where its record is missing.
    pub(super) hash: Option<Hash>,
}

impl Store {
    /// The workers of a source by its ids.
    pub(super) async fn workers_of(&self, source: &str) -> StoreResult<HashMap<String, Before>> {
        let sql = "SELECT w.source_id, w.id, w.contact, r.hash FROM worker w
            LEFT JOIN source_record r ON r.source = w.source AND r.kind = 'worker' AND r.source_id = w.source_id
            WHERE w.source = $1";
        self.query_each(sql, params![source], HashMap::new(), |all, row| {
            let before =
                Before { id: row.get(1)?, contact: row.get(2)?, hash: row.get::<Option<[u8; 32]>>(3)?.map(Hash) };
            all.insert(row.get(0)?, before);
            Ok(())
        })
        .await
    }

    /// Takes numbers from contacts whose workers no longer have them, before anybody is given one: a number may move
    /// from one worker to another in one import. Gives the numbers.
    pub(super) async fn release(
        &self,
        import: &Import,
        changed: &[usize],
        before: &HashMap<String, Before>,
    ) -> StoreResult<HashSet<String>> {
        let mut released = HashSet::new();
        for chunk in changed.chunks(CHUNK) {
            let mut known: Vec<(Worker, ContactId)> = Vec::new();
            for worker in chunk.iter().map(|at| import.worker(*at)) {
                let worker = worker.map_err(spool)?;
                known.extend(
                    before.get(&worker.source_id).map(|before| before.contact).map(|contact| (worker, contact)),
                );
            }
            let contacts: Vec<ContactId> = known.iter().map(|(_, contact)| *contact).collect();
            let stored = self.stored_contacts(&contacts).await?;
            let mut gone =
                Rows::delete("urn", &[Column::Int("part"), Column::Text("address"), Column::Bytes("contact")]);
            for (worker, contact) in &known {
                let Some(stored) = stored.get(contact) else { continue };
                let wanted = usable(worker);
                for urn in &stored.urns {
                    let address = crate::identity(urn);
                    if address.starts_with("tel:") && !wanted.iter().any(|wanted| wanted == address) {
                        gone.push(params![Part::of_address(address), address, *contact]);
                        released.insert(address.to_owned());
                    }
                }
            }
            let mut unit = Unit::new();
            unit.rows(gone);
            self.run(unit).await?;
        }
        Ok(released)
    }

    /// Writes one chunk of workers with their contacts; gives the keys of the problems with numbers that are taken.
    pub(super) async fn commit_workers(
        &self,
        source: &str,
        workers: Vec<Worker>,
        before: &HashMap<String, Before>,
        places: &Places,
        ids: &mut IdMaker,
        now: Millis,
    ) -> StoreResult<Vec<String>> {
        let addresses: BTreeSet<String> = workers.iter().flat_map(usable).collect();
        let mut holders = self.holders(&addresses).await?;
        let mut people = Vec::with_capacity(workers.len());
        let mut adopted = HashSet::new();
        for worker in workers {
            let known = before.get(&*worker.source_id);
            let contact = known.map_or_else(
                || {
                    // Somebody who wrote before the register knew them keeps their conversation.
                    let theirs = usable(&worker).into_iter().find_map(|address| {
                        let holder = holders.get(&address)?;
                        (!holder.is_worker && adopted.insert(holder.contact)).then_some(holder.contact)
                    });
                    theirs.unwrap_or_else(|| ids.next(now))
                },
                |before| before.contact,
            );
            let id = known.map_or_else(|| ids.next(now), |before| before.id);
            people.push((worker, id, contact, known.is_some()));
        }
        let stored: Vec<ContactId> = people
            .iter()
            .filter(|(_, _, contact, known)| *known || adopted.contains(contact))
            .map(|(_, _, contact, _)| *contact)
            .collect();
        let mut stored = self.stored_contacts(&stored).await?;
        let mut plan = Chunk::new(source, now);
        for (mut worker, id, contact, _) in people {
            plan.worker(&mut worker, id, contact, stored.remove(&contact), places, &mut holders)?;
        }
        let taken = plan.taken.iter().map(|problem| problem.key.clone()).collect();
        self.run(plan.unit()).await?;
        Ok(taken)
    }

    /// Brings the attributes of all workers up to date with the place tree, but of those who were just written: of other
    /// sources too, whose places have other positions now.
    pub(super) async fn place_workers(
        &self,
        source: &str,
        written: &HashSet<String>,
        places: &Places,
        now: Millis,
    ) -> StoreResult<()> {
        let mut after = WorkerId(uuid::Uuid::nil());
        loop {
            let sql = "SELECT id, source, contact, source_id, document FROM worker WHERE id > $1 ORDER BY id LIMIT $2";
            let rows = self.query(sql, params![after, CHUNK]).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.get(0)?;
            let mut workers = Vec::with_capacity(rows.len());
            for row in &rows {
                if row.text(1)? != source || !written.contains(row.text(3)?) {
                    let worker: Worker = serde_json::from_str(row.text(4)?).map_err(corrupt)?;
                    workers.push((row.get(0)?, row.get::<String>(1)?, row.get::<ContactId>(2)?, worker));
                }
            }
            let contacts: Vec<ContactId> = workers.iter().map(|(_, _, contact, _)| *contact).collect();
            let stored = self.stored_contacts(&contacts).await?;
            let mut plan = Chunk::new("", now);
            for (id, source, contact, worker) in workers {
                let Some(old) = stored.get(&contact).map(|stored| &stored.attributes) else { continue };
                let new = places.attributes(&source, &worker, id);
                if *old != new {
                    plan.placed(contact, old, &new)?;
                }
            }
            self.run(plan.unit()).await?;
        }
    }

    /// The workers whom the source has deleted, as they were but left; who is in the import too stays.
    pub(super) async fn deleted_workers(
        &self,
        source: &str,
        import: &Import,
        before: &HashMap<String, Before>,
    ) -> StoreResult<Vec<Worker>> {
        let mut gone = Vec::new();
        for (_, id) in import.deleted.iter().filter(|(kind, _)| kind == "Practitioner") {
            if !before.contains_key(id) || import.contains(id) {
                continue;
            }
            let sql = "SELECT w.document, r.raw FROM worker w
                LEFT JOIN source_record r ON r.source = w.source AND r.kind = 'worker' AND r.source_id = w.source_id
                WHERE w.source = $1 AND w.source_id = $2 AND w.status = 'active'";
            let Some(row) = self.query_one(sql, params![source, id]).await? else { continue };
            let mut worker: Worker = serde_json::from_str(row.text(0)?).map_err(corrupt)?;
            worker.raw = row.get::<Option<String>>(1)?.unwrap_or_default();
            worker.status = Status::Left;
            worker.left = Some(worker.left.unwrap_or(Left { on: None, reason: Some("deleted at the source".into()) }));
            // Of no record: should the source have the worker again, that is a change.
            worker.hash = Hash::default();
            gone.push(worker);
        }
        Ok(gone)
    }

    /// Who has each of the addresses.
    async fn holders(&self, addresses: &BTreeSet<String>) -> StoreResult<HashMap<String, Holder>> {
        let mut holders = HashMap::new();
        for chunk in addresses.iter().collect::<Vec<_>>().chunks(KEYS) {
            let (condition, values) = any_of(
                ["u.part", "u.address"],
                chunk.iter().map(|address| (Part::of_address(address), address.as_str())),
            );
            let sql = format!(
                "SELECT u.address, u.contact, CASE WHEN c.worker IS NULL THEN 0 ELSE 1 END AS is_worker
                 FROM urn u JOIN contact c ON c.part = u.contact_part AND c.id = u.contact WHERE {condition}"
            );
            for row in self.query(&sql, values).await? {
                holders.insert(row.get(0)?, Holder { contact: row.get(1)?, is_worker: row.get(2)? });
            }
        }
        Ok(holders)
    }

    async fn stored_contacts(&self, contacts: &[ContactId]) -> StoreResult<HashMap<ContactId, Stored>> {
        let mut stored = HashMap::with_capacity(contacts.len());
        for chunk in contacts.chunks(KEYS) {
            let (condition, values) = any_of(["part", "id"], chunk.iter().map(|contact| (contact.part(), *contact)));
            let sql = format!("SELECT id, urns, attributes FROM contact WHERE {condition}");
            for row in self.query(&sql, values).await? {
                let contact = Stored {
                    urns: serde_json::from_str(row.text(1)?).map_err(corrupt)?,
                    attributes: serde_json::from_str(row.text(2)?).map_err(corrupt)?,
                };
                stored.insert(row.get(0)?, contact);
            }
        }
        Ok(stored)
    }
}

/// How many keys one statement looks up.
const KEYS: usize = 100;

/// Who has an address.
pub(super) struct Holder {
    pub(super) contact: ContactId,
    pub(super) is_worker: bool,
}

/// A contact as stored before.
pub(super) struct Stored {
    pub(super) urns: Vec<String>,
    pub(super) attributes: Attributes,
}

/// The addresses of a worker that may be written to, the preferred one first, each once.
pub(super) fn usable(worker: &Worker) -> Vec<String> {
    let mut seen = HashSet::new();
    worker
        .phones
        .iter()
        .filter(|phone| phone.state == PhoneState::Active)
        .map(|phone| phone.urn().identity().to_owned())
        .filter(|address| seen.insert(address.clone()))
        .collect()
}
