//! The registry: what an import of one source changes, and what is read back.
//!
//! A worker has a contact, its messaging side, whose id is fixed when the worker is first seen. What audiences are
//! chosen by (terms, places, the `audience` row and the contact's `attributes`) is derived from the worker's document
//! here and nowhere else, in the transaction that writes the document.

use crate::ops::NewProblem;
use crate::query::{Column, Rows, Unit, any_of};
use crate::{Store, StoreError, StoreResult, params};
use ::audience::{Value, WorkerAttribute};
use ::registry::{Finding, Hash, Import, PhoneState, Severity, Status, Worker};
use base::place::PlaceTree;
use base::{ContactId, IdMaker, Millis, Part, WorkerId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// How many workers one transaction writes.
const CHUNK: usize = 1_000;

/// What an import changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Workers that were not there.
    pub new: usize,
    /// Workers that changed.
    pub changed: usize,
    /// Workers that are as before.
    pub unchanged: usize,
    /// Workers of this source that the import does not mention. They stay as they are.
    pub absent: usize,
    /// Places that are new or changed.
    pub places: usize,
    /// Rows on the work list because of this import.
    pub problems: usize,
}

/// What audiences and reports know of the worker behind a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    /// The worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerId>,
    /// Labels and codes of the cadres of the posts held.
    pub cadre: Vec<String>,
    /// Names of the facilities of the posts held.
    pub facility: Vec<String>,
    /// Names of the places that these lie directly in, and of the posts' own places.
    pub place: Vec<String>,
    /// Positions in the place tree of the facilities and places of the posts held.
    pub within: Vec<u32>,
    /// Labels and codes of qualifications and specialities.
    pub skill: Vec<String>,
    /// FHIR's word.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gender: String,
    /// `active` or `left`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// The cadre that reports count by: the label of the first post's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub report_cadre: String,
    /// The place that reports count by: the first post's, at the level below the country.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub report_place: String,
}

impl Attributes {
    /// Calls `visit` with each value of an attribute; none is an empty text.
    pub fn each(&self, attribute: WorkerAttribute, visit: &mut dyn FnMut(Value<'_>)) {
        let mut texts = |texts: &[String]| {
            texts.iter().filter(|text| !text.is_empty()).for_each(|text| visit(Value::Text(text)));
        };
        match attribute {
            WorkerAttribute::Cadre => texts(&self.cadre),
            WorkerAttribute::Facility => texts(&self.facility),
            WorkerAttribute::Place => texts(&self.place),
            WorkerAttribute::Skill => texts(&self.skill),
            WorkerAttribute::Gender => texts(std::slice::from_ref(&self.gender)),
            WorkerAttribute::Status => texts(std::slice::from_ref(&self.status)),
            WorkerAttribute::Within => self.within.iter().for_each(|at| visit(Value::Place(*at))),
        }
    }

    /// Each term with its kind, folded.
    fn terms(&self) -> BTreeSet<(&'static str, String, &str)> {
        let lists =
            [("cadre", &self.cadre), ("facility", &self.facility), ("place", &self.place), ("skill", &self.skill)];
        lists
            .into_iter()
            .flat_map(|(kind, texts)| texts.iter().map(move |text| (kind, base::text::fold(text), text.as_str())))
            .collect()
    }
}

/// The place tree as it is stored.
#[derive(Clone, Debug, Default)]
pub struct Places {
    rows: HashMap<(String, String), PlaceRow>,
    by_id: HashMap<Uuid, (String, String)>,
    /// Whether one jurisdiction contains all others.
    only_top: bool,
}

/// One place of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRow {
    /// Its id.
    pub id: Uuid,
    /// The source's id of it.
    pub source_id: String,
    /// Its name.
    pub name: String,
    /// Whether it is a facility.
    pub facility: bool,
    /// The level (country, district...) or the type of facility, as the source calls it.
    pub level: String,
    /// The first position of its subtree, its own.
    pub low: u32,
    /// The last position of its subtree.
    pub high: u32,
    /// The names from the top, joined as [`base::place::join_path`] does.
    pub path: String,
    parent: Option<Uuid>,
}

impl Places {
    /// A place by the source's id.
    pub fn get(&self, source: &str, source_id: &str) -> Option<&PlaceRow> {
        self.rows.get(&(source.to_owned(), source_id.to_owned()))
    }

    /// All places, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &PlaceRow> {
        self.rows.values()
    }
}

/// A worker in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRow {
    /// The worker.
    pub id: WorkerId,
    /// The contact.
    pub contact: ContactId,
    /// The name.
    pub name: String,
    /// `active` or `left`.
    pub status: String,
    /// What is known of cadre, place and skills.
    pub attributes: Attributes,
    /// URNs, the preferred one first.
    pub urns: Vec<String>,
    /// The language.
    pub language: Option<String>,
}

/// A worker as stored before the import.
struct Before {
    id: WorkerId,
    contact: ContactId,
}

impl Store {
    /// Writes what an import changed, in chunks; `progress` is told how many workers of how many are done. A chunk is
    /// whole or not at all, and importing again goes on where an interrupted import ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn commit_import(
        &self,
        source: &str,
        import: &Import,
        ids: &mut IdMaker,
        now: Millis,
        mut progress: impl FnMut(usize, usize),
    ) -> StoreResult<Imported> {
        let mut done = Imported::default();
        let hashes = self.source_hashes(source).await?;
        let (places, moved) = self.commit_places(source, import, &hashes, ids, now, &mut done).await?;
        let before = self.workers_of(source).await?;
        let mut changed = Vec::new();
        for worker in &import.workers {
            match hashes.get(&("worker".to_owned(), worker.source_id.clone())) {
                None => done.new += 1,
                Some(hash) if *hash == worker.hash => {
                    done.unchanged += 1;
                    if !moved {
                        continue;
                    }
                }
                Some(_) => done.changed += 1,
            }
            changed.push(worker);
        }
        let named: HashSet<&str> = import.workers.iter().map(|worker| worker.source_id.as_str()).collect();
        done.absent = before.keys().filter(|id| !named.contains(id.as_str())).count();
        let released = self.release(&changed, &before).await?;
        if !released.is_empty() {
            // Whoever is as before but wanted one of these numbers gets it now.
            let chosen: HashSet<&str> = changed.iter().map(|worker| worker.source_id.as_str()).collect();
            let waited = |worker: &&Worker| {
                !chosen.contains(worker.source_id.as_str()) && usable(worker).iter().any(|one| released.contains(one))
            };
            let waited: Vec<&Worker> = import.workers.iter().filter(waited).collect();
            changed.extend(waited);
        }
        let total = changed.len();
        let mut written = 0;
        let mut taken = HashSet::new();
        progress(0, total);
        for chunk in changed.chunks(CHUNK) {
            taken.extend(self.commit_workers(source, chunk, &before, &places, ids, now).await?);
            written += chunk.len();
            progress(written, total);
        }
        let written: HashSet<&str> = changed.iter().map(|worker| worker.source_id.as_str()).collect();
        self.resolve_taken(source, &written, &taken, now).await?;
        done.problems = taken.len() + self.commit_findings(source, import, ids, now).await?;
        Ok(done)
    }

    /// The hash of each record of a source, by kind and id.
    pub async fn source_hashes(&self, source: &str) -> StoreResult<HashMap<(String, String), Hash>> {
        let sql = "SELECT kind, source_id, hash FROM source_record WHERE source = $1";
        self.query_each(sql, params![source], HashMap::new(), |all, row| {
            all.insert((row.get(0)?, row.get(1)?), Hash(row.get(2)?));
            Ok(())
        })
        .await
    }

    async fn workers_of(&self, source: &str) -> StoreResult<HashMap<String, Before>> {
        let sql = "SELECT source_id, id, contact FROM worker WHERE source = $1";
        self.query_each(sql, params![source], HashMap::new(), |all, row| {
            all.insert(row.get(0)?, Before { id: row.get(1)?, contact: row.get(2)? });
            Ok(())
        })
        .await
    }

    /// The whole place tree.
    pub async fn places(&self) -> StoreResult<Places> {
        let sql = "SELECT source, source_id, id, name, kind, parent, low, high, path, level FROM place";
        let mut places = self
            .query_each(sql, params![], Places::default(), |all, row| {
                let key: (String, String) = (row.get(0)?, row.get(1)?);
                let place = PlaceRow {
                    id: row.get(2)?,
                    source_id: key.1.clone(),
                    name: row.get(3)?,
                    facility: row.text(4)? == "facility",
                    parent: row.get(5)?,
                    low: row.get(6)?,
                    high: row.get(7)?,
                    path: row.get(8)?,
                    level: row.get(9)?,
                };
                all.by_id.insert(place.id, key.clone());
                all.rows.insert(key, place);
                Ok(())
            })
            .await?;
        places.only_top = places.rows.values().filter(|row| !row.facility && row.parent.is_none()).count() == 1;
        Ok(places)
    }

    /// Writes new and changed places and numbers the tree anew; tells whether positions moved.
    async fn commit_places(
        &self,
        source: &str,
        import: &Import,
        hashes: &HashMap<(String, String), Hash>,
        ids: &mut IdMaker,
        now: Millis,
        done: &mut Imported,
    ) -> StoreResult<(Places, bool)> {
        let mut places = self.places().await?;
        let changed: Vec<_> = import
            .places
            .iter()
            .filter(|place| hashes.get(&("place".to_owned(), place.source_id.clone())) != Some(&place.hash))
            .collect();
        done.places = changed.len();
        if changed.is_empty() {
            return Ok((places, false));
        }
        for place in &changed {
            let key = (source.to_owned(), place.source_id.clone());
            let id = places.rows.get(&key).map_or_else(|| ids.uuid(now), |row| row.id);
            let row = PlaceRow {
                id,
                source_id: place.source_id.clone(),
                name: place.name.clone(),
                facility: place.kind == ::registry::PlaceKind::Facility,
                level: place.level.as_ref().map(|level| level.label.clone()).unwrap_or_default(),
                low: 0,
                high: 0,
                path: String::new(),
                parent: None,
            };
            places.by_id.insert(id, key.clone());
            places.rows.insert(key, row);
        }
        for place in &changed {
            let parent = place.parent.as_ref().and_then(|parent| places.get(source, parent)).map(|row| row.id);
            if let Some(row) = places.rows.get_mut(&(source.to_owned(), place.source_id.clone())) {
                row.parent = parent;
            }
        }
        let moved = places.number();
        let mut rows = Rows::insert(
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
        );
        let mut records = records();
        for place in changed {
            let Some(row) = places.get(source, &place.source_id) else { continue };
            let kind = if row.facility { "facility" } else { "jurisdiction" };
            let folded = base::text::fold(&place.name);
            rows.push(params![
                row.id,
                source,
                &place.source_id,
                kind,
                &row.level,
                &place.name,
                folded,
                row.parent,
                row.low,
                row.high,
                &row.path
            ]);
            records.push(params![source, "place", &place.source_id, place.hash.0, &place.raw, now]);
            if let Some(organization) = &place.raw_organization {
                records.push(params![source, "organization", &place.source_id, place.hash.0, organization, now]);
            }
        }
        let mut positions = Rows::update(
            "place",
            &[Column::Bytes("id")],
            &[Column::Int("low"), Column::Int("high"), Column::Text("path")],
        );
        for row in places.rows.values() {
            positions.push(params![row.id, row.low, row.high, &row.path]);
        }
        let mut unit = Unit::new();
        unit.rows(rows);
        unit.rows(records);
        unit.rows(positions);
        self.run(unit).await?;
        Ok((places, moved))
    }

    /// Takes numbers from contacts whose workers no longer have them, before anybody is given one: a number may move
    /// from one worker to another in one import. Gives the numbers.
    async fn release(&self, changed: &[&Worker], before: &HashMap<String, Before>) -> StoreResult<HashSet<String>> {
        let mut released = HashSet::new();
        let known: Vec<(&Worker, ContactId)> =
            changed.iter().filter_map(|worker| Some((*worker, before.get(&worker.source_id)?.contact))).collect();
        for chunk in known.chunks(CHUNK) {
            let contacts: Vec<ContactId> = chunk.iter().map(|(_, contact)| *contact).collect();
            let stored = self.stored_contacts(&contacts).await?;
            let mut gone =
                Rows::delete("urn", &[Column::Int("part"), Column::Text("address"), Column::Bytes("contact")]);
            for (worker, contact) in chunk {
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
    async fn commit_workers(
        &self,
        source: &str,
        workers: &[&Worker],
        before: &HashMap<String, Before>,
        places: &Places,
        ids: &mut IdMaker,
        now: Millis,
    ) -> StoreResult<Vec<String>> {
        let addresses: BTreeSet<String> = workers.iter().flat_map(|worker| usable(worker)).collect();
        let mut holders = self.holders(&addresses).await?;
        let mut people = Vec::with_capacity(workers.len());
        let mut adopted = HashSet::new();
        for worker in workers {
            let known = before.get(&worker.source_id);
            let contact = known.map_or_else(
                || {
                    // Somebody who wrote before the register knew them keeps their conversation.
                    let theirs = usable(worker).into_iter().find_map(|address| {
                        let holder = holders.get(&address)?;
                        (!holder.is_worker && adopted.insert(holder.contact)).then_some(holder.contact)
                    });
                    theirs.unwrap_or_else(|| ids.next(now))
                },
                |before| before.contact,
            );
            let id = known.map_or_else(|| ids.next(now), |before| before.id);
            people.push((*worker, id, contact, known.is_some()));
        }
        let stored: Vec<ContactId> = people
            .iter()
            .filter(|(_, _, contact, known)| *known || adopted.contains(contact))
            .map(|(_, _, contact, _)| *contact)
            .collect();
        let mut stored = self.stored_contacts(&stored).await?;
        let mut plan = Chunk::new(source, now);
        for (worker, id, contact, _) in people {
            plan.worker(worker, id, contact, stored.remove(&contact), places, &mut holders)?;
        }
        let taken = plan.taken.iter().map(|problem| problem.key.clone()).collect();
        self.run(plan.unit()).await?;
        Ok(taken)
    }

    /// Resolves the problems of workers who were written and got the numbers that had been taken, or want them no more.
    async fn resolve_taken(
        &self,
        source: &str,
        written: &HashSet<&str>,
        taken: &HashSet<String>,
        now: Millis,
    ) -> StoreResult<()> {
        let sql = "SELECT key, subject FROM problem
            WHERE kind = 'phone_taken' AND state = 'open' AND key >= $1 AND key < $2";
        let mut resolved = Rows::update(
            "problem",
            &[Column::Text("kind"), Column::Text("key")],
            &[Column::Text("state"), Column::Int("modified_on")],
        );
        for row in self.query(sql, params![format!("{source} "), format!("{source}!")]).await? {
            if written.contains(row.text(1)?) && !taken.contains(row.text(0)?) {
                resolved.push(params!["phone_taken", row.text(0)?, "resolved", now]);
            }
        }
        let mut unit = Unit::new();
        unit.rows(resolved);
        self.run(unit).await.map(drop)
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

    /// Turns errors and warnings into rows of the work list; rows about workers of this import that are not found again
    /// are resolved.
    async fn commit_findings(
        &self,
        source: &str,
        import: &Import,
        ids: &mut IdMaker,
        now: Millis,
    ) -> StoreResult<usize> {
        let mut found: HashMap<(String, String), &Finding> = HashMap::new();
        for finding in import.findings.iter().filter(|finding| finding.severity != Severity::Info) {
            let subject = finding.worker.clone().unwrap_or_else(|| finding.place.to_string());
            let key = format!("{source} {subject} {}", finding.message);
            found.entry((finding.code.to_string(), key)).or_insert(finding);
        }
        let mut rows = Rows::insert(
            "problem",
            &[
                Column::Bytes("id"),
                Column::Text("kind"),
                Column::Text("key"),
                Column::Text("subject"),
                Column::Text("message"),
                Column::Text("remedy"),
                Column::Int("created_on"),
                Column::Int("modified_on"),
            ],
            "ON CONFLICT (kind, key) DO UPDATE SET state = 'open', message = excluded.message,
               remedy = excluded.remedy, modified_on = excluded.modified_on",
        );
        let mut keys: Vec<_> = found.keys().cloned().collect();
        keys.sort_unstable();
        for (kind, key) in &keys {
            let Some(finding) = found.get(&(kind.clone(), key.clone())) else { continue };
            let subject = finding.worker.clone().unwrap_or_else(|| finding.place.to_string());
            rows.push(params![ids.uuid(now), kind, key, subject, &finding.message, &finding.remedy, now, now]);
        }
        let workers: HashSet<&str> = import.workers.iter().map(|worker| worker.source_id.as_str()).collect();
        let sql = "SELECT kind, key, subject FROM problem
            WHERE state = 'open' AND kind <> 'phone_taken' AND key >= $1 AND key < $2";
        let open = self.query(sql, params![format!("{source} "), format!("{source}!")]).await?;
        let mut unit = Unit::new();
        unit.rows(rows);
        for row in open {
            let key = (row.get::<String>(0)?, row.get::<String>(1)?);
            if !found.contains_key(&key) && workers.contains(row.text(2)?) {
                unit.add(
                    "UPDATE problem SET state = 'resolved', modified_on = $3 WHERE kind = $1 AND key = $2",
                    params![key.0, key.1, now],
                );
            }
        }
        self.run(unit).await?;
        Ok(keys.len())
    }

    /// Workers by name from `after` on, at most `limit`.
    pub async fn workers(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<WorkerRow>> {
        let sql = "SELECT w.id, w.contact, w.name, w.status, c.attributes, c.urns, c.language
            FROM worker w JOIN contact c ON c.id = w.contact WHERE w.name > $1 ORDER BY w.name, w.id LIMIT $2";
        self.query(sql, params![after.unwrap_or_default(), limit]).await?.iter().map(worker_row).collect()
    }

    /// The worker behind a contact, if there is one.
    pub async fn worker_of_contact(&self, contact: ContactId) -> StoreResult<Option<WorkerRow>> {
        let sql = "SELECT w.id, w.contact, w.name, w.status, c.attributes, c.urns, c.language
            FROM contact c JOIN worker w ON w.contact = c.id WHERE c.part = $1 AND c.id = $2";
        self.query_one(sql, params![contact.part(), contact]).await?.as_ref().map(worker_row).transpose()
    }
}

fn corrupt(error: serde_json::Error) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

fn worker_row(row: &crate::query::Row) -> StoreResult<WorkerRow> {
    Ok(WorkerRow {
        id: row.get(0)?,
        contact: row.get(1)?,
        name: row.get(2)?,
        status: row.get(3)?,
        attributes: serde_json::from_str(row.text(4)?).map_err(corrupt)?,
        urns: serde_json::from_str(row.text(5)?).map_err(corrupt)?,
        language: row.get(6)?,
    })
}

/// How many keys one statement looks up.
const KEYS: usize = 100;

/// Who has an address.
struct Holder {
    contact: ContactId,
    is_worker: bool,
}

/// A contact as stored before.
struct Stored {
    urns: Vec<String>,
    attributes: Attributes,
}

/// The addresses of a worker that may be written to, the preferred one first, each once.
fn usable(worker: &Worker) -> Vec<String> {
    let mut seen = HashSet::new();
    worker
        .phones
        .iter()
        .filter(|phone| phone.state == PhoneState::Active)
        .map(|phone| phone.urn().identity().to_owned())
        .filter(|address| seen.insert(address.clone()))
        .collect()
}

fn records() -> Rows {
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

impl Places {
    /// Numbers the tree; tells whether a place that had a position has another now.
    fn number(&mut self) -> bool {
        let mut pairs: Vec<(Uuid, Option<Uuid>)> = self.rows.values().map(|row| (row.id, row.parent)).collect();
        pairs.sort_unstable();
        let (tree, _) = PlaceTree::build(pairs);
        self.only_top = self.rows.values().filter(|row| !row.facility && row.parent.is_none()).count() == 1;
        let mut moved = false;
        let names: HashMap<Uuid, String> = self.rows.values().map(|row| (row.id, row.name.clone())).collect();
        for row in self.rows.values_mut() {
            let Some(span) = tree.span(&row.id) else { continue };
            let mut path: Vec<&str> =
                tree.upwards(&row.id).filter_map(|id| names.get(id)).map(String::as_str).collect();
            path.reverse();
            if path.last() != Some(&row.name.as_str()) {
                path.push(&row.name);
            }
            let path = base::place::join_path(path);
            let known = row.high != 0 || row.low != 0;
            moved |= known && (row.low, row.high, &row.path) != (span.left, span.right, &path);
            (row.low, row.high, row.path) = (span.left, span.right, path);
        }
        moved
    }

    /// The place that reports count a place under: of those it lies within, the highest that is not a country. Where the
    /// source gives no levels, the country is the only place at the top.
    fn report_place(&self, place: &PlaceRow) -> String {
        let mut chain = Vec::new();
        let mut next = Some(place);
        // A circle was cut when the tree was numbered, not where it is stored.
        while let Some(place) = next.filter(|_| chain.len() < 64) {
            if !place.facility {
                chain.push(place);
            }
            next = place.parent.and_then(|id| self.rows.get(self.by_id.get(&id)?));
        }
        let top = chain.pop();
        let is_country = |place: &PlaceRow| match place.level.as_str() {
            "" => self.only_top,
            level => base::text::fold(level) == "country",
        };
        let below = top.filter(|top| is_country(top)).and_then(|_| chain.pop());
        below.or(top).map(|place| place.name.clone()).unwrap_or_default()
    }

    /// What the registry knows of a worker, for audiences and reports.
    fn attributes(&self, source: &str, worker: &Worker, id: WorkerId) -> Attributes {
        let mut all = Attributes { worker: Some(id), ..Attributes::default() };
        let held = worker.posts.iter().filter(|post| post.active || worker.status == Status::Left);
        for post in held {
            if let Some(cadre) = &post.cadre {
                if all.report_cadre.is_empty() {
                    all.report_cadre.clone_from(&cadre.label);
                }
                all.cadre.extend([cadre.label.clone(), cadre.code.clone()]);
            }
            for reference in [&post.facility_ref, &post.place_ref].into_iter().flatten() {
                let Some(place) = self.get(source, reference) else { continue };
                all.within.push(place.low);
                let path: Vec<&str> = base::place::split_path(&place.path).collect();
                let above = if place.facility { path.len().saturating_sub(1) } else { path.len() };
                if place.facility {
                    all.facility.push(place.name.clone());
                }
                all.place.extend(path[..above].last().map(|name| (*name).to_owned()));
                if all.report_place.is_empty() {
                    all.report_place = self.report_place(place);
                }
            }
        }
        for skill in &worker.skills {
            all.skill.extend([skill.label.clone(), skill.code.clone()]);
        }
        all.gender = worker.gender.map(word).unwrap_or_default();
        all.status = word(worker.status);
        for list in [&mut all.cadre, &mut all.facility, &mut all.place, &mut all.skill] {
            let mut seen = HashSet::new();
            list.retain(|text| !text.is_empty() && seen.insert(text.clone()));
        }
        all.within.sort_unstable();
        all.within.dedup();
        all
    }
}

/// The word that a unit variant serialises to.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// What a chunk writes.
struct Chunk<'a> {
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
    taken: Vec<NewProblem>,
    /// Unknown senders who are known now.
    found_out: Rows,
}

impl<'a> Chunk<'a> {
    fn new(source: &'a str, now: Millis) -> Self {
        let term = [Column::Text("kind"), Column::Text("folded"), Column::Int("part"), Column::Bytes("contact")];
        let place = [Column::Int("low"), Column::Int("part"), Column::Bytes("contact")];
        Self {
            source,
            now,
            workers: Rows::insert(
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
            ),
            records: records(),
            contacts: Rows::insert(
                "contact",
                &[
                    Column::Int("part"),
                    Column::Bytes("id"),
                    Column::Bytes("worker"),
                    Column::Text("name"),
                    Column::Text("name_folded"),
                    Column::Text("language"),
                    Column::Int("created_on"),
                    Column::Text("urns"),
                    Column::Text("attributes"),
                ],
                "ON CONFLICT (part, id) DO UPDATE SET worker = excluded.worker, name = excluded.name,
                   name_folded = excluded.name_folded, language = COALESCE(excluded.language, contact.language),
                   urns = excluded.urns, attributes = excluded.attributes",
            ),
            urns: Rows::insert(
                "urn",
                &[Column::Int("part"), Column::Text("address"), Column::Int("contact_part"), Column::Bytes("contact")],
                "ON CONFLICT (part, address) DO NOTHING",
            ),
            urns_gone: Rows::delete("urn", &[Column::Int("part"), Column::Text("address"), Column::Bytes("contact")]),
            audience: Rows::insert(
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
                    Column::Int("changed_on"),
                ],
                "ON CONFLICT (part, contact) DO UPDATE SET name_folded = excluded.name_folded,
                   gender = excluded.gender, worker_status = excluded.worker_status,
                   language = COALESCE(excluded.language, audience.language), changed_on = excluded.changed_on",
            ),
            terms: HashMap::new(),
            contact_terms: Rows::insert("contact_term", &term, "ON CONFLICT (kind, folded, part, contact) DO NOTHING"),
            contact_terms_gone: Rows::delete("contact_term", &term),
            places: Rows::insert("contact_place", &place, "ON CONFLICT (low, part, contact) DO NOTHING"),
            places_gone: Rows::delete("contact_place", &place),
            taken: Vec::new(),
            found_out: Rows::update(
                "problem",
                &[Column::Text("kind"), Column::Text("key")],
                &[Column::Text("state"), Column::Int("modified_on")],
            ),
        }
    }

    fn worker(
        &mut self,
        worker: &Worker,
        id: WorkerId,
        contact: ContactId,
        stored: Option<Stored>,
        places: &Places,
        holders: &mut HashMap<String, Holder>,
    ) -> StoreResult<()> {
        let (source, now, part) = (self.source, self.now, contact.part());
        let document = serde_json::to_string(worker).map_err(corrupt)?;
        let status = word(worker.status);
        self.workers.push(params![id, source, &worker.source_id, contact, &worker.name, &status, document, now]);
        self.records.push(params![source, "worker", &worker.source_id, worker.hash.0, &worker.raw, now]);
        for post in worker.posts.iter().filter(|post| !post.raw.is_empty()) {
            self.records.push(params![source, "post", &post.source_id, worker.hash.0, &post.raw, now]);
        }
        let wanted = usable(worker);
        let mut urns = Vec::with_capacity(wanted.len());
        for address in &wanted {
            match holders.get(address) {
                Some(holder) if holder.contact != contact => {
                    // The number stays with whoever had it first.
                    self.taken.push(crate::problem::phone_taken(source, &worker.source_id, &worker.name, address));
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
            serde_json::to_string(&urns).map_err(corrupt)?,
            serde_json::to_string(&attributes).map_err(corrupt)?
        ]);
        let gender = Some(attributes.gender.clone()).filter(|gender| !gender.is_empty());
        self.audience.push(params![part, contact, &folded, gender, &status, language, "active", now, now]);
        let (before, after) = (old.terms(), attributes.terms());
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
        for low in attributes.within.iter().filter(|low| !old.within.contains(low)) {
            self.places.push(params![*low, part, contact]);
        }
        for low in old.within.iter().filter(|low| !attributes.within.contains(low)) {
            self.places_gone.push(params![*low, part, contact]);
        }
        Ok(())
    }

    fn unit(self) -> Unit {
        let mut terms = Rows::insert(
            "term",
            &[Column::Text("kind"), Column::Text("folded"), Column::Text("label")],
            "ON CONFLICT (kind, folded) DO NOTHING",
        );
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
            crate::problem::rows(&self.taken, self.now),
        ] {
            unit.rows(rows);
        }
        unit
    }
}
