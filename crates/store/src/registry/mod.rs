//! The registry: what an import of one source changes, and what is read back.
//!
//! A worker has a contact, its messaging side, whose id is fixed when the worker is first seen. What audiences are
//! chosen by (terms, places, the `audience` row and the contact's `attributes`) is derived from the worker's document
//! here and nowhere else, in the transaction that writes the document.

mod attributes;
mod chunk;
mod findings;
mod places;
pub(crate) mod rows;
mod workers;

pub use attributes::Attributes;
pub use places::{PlaceRow, Places};

use crate::{Store, StoreError, StoreResult, params};
use ::registry::{Import, Status, Worker};
use base::{ContactId, IdMaker, Millis, WorkerId};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

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
    /// Workers whom the source has deleted, and who have left therefore.
    #[serde(default)]
    pub deleted: usize,
    /// Places that are new or changed.
    pub places: usize,
    /// Rows on the work list because of this import.
    pub problems: usize,
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

impl Store {
    /// Writes what an import changed, in chunks; `progress` is told how many workers of how many are done. A chunk is
    /// whole or not at all, and importing again goes on where an interrupted import ended.
    ///
    /// # Errors
    /// The store's, and [`StoreError::Spool`].
    pub async fn commit_import(
        &self,
        source: &str,
        import: &Import,
        ids: &mut IdMaker,
        now: Millis,
        mut progress: impl FnMut(usize, usize),
    ) -> StoreResult<Imported> {
        let mut done = Imported::default();
        let (places, moved) = self.commit_places(source, import, ids, now, &mut done).await?;
        let before = self.workers_of(source).await?;
        let mut changed = Vec::new();
        for (at, (id, hash)) in import.ids().enumerate() {
            match before.get(id) {
                None => done.new += 1,
                Some(known) if known.hash == Some(hash) => {
                    done.unchanged += 1;
                    continue;
                }
                Some(_) => done.changed += 1,
            }
            changed.push(at);
        }
        done.absent = before.keys().filter(|id| !import.contains(id)).count();
        let mut deleted = self.deleted_workers(source, import, &before).await?;
        done.deleted = deleted.len();
        done.absent -= deleted.len();
        let released = self.release(import, &changed, &before).await?;
        if !released.is_empty() {
            // Whoever is as before but wanted one of these numbers gets it now.
            let chosen: HashSet<usize> = changed.iter().copied().collect();
            for at in (0..import.len()).filter(|at| !chosen.contains(at)) {
                let worker = import.worker(at).map_err(spool)?;
                if workers::usable(&worker).iter().any(|one| released.contains(one)) {
                    changed.push(at);
                }
            }
        }
        let total = changed.len() + deleted.len();
        let mut written = HashSet::with_capacity(total);
        let mut taken = HashSet::new();
        progress(0, total);
        // Who has left comes last, and takes no number from somebody at work.
        changed.sort_by_key(|at| import.status(*at) == Some(Status::Left));
        for chunk in changed.chunks(CHUNK) {
            let workers: Vec<Worker> =
                chunk.iter().map(|at| import.worker(*at)).collect::<Result<_, _>>().map_err(spool)?;
            written.extend(workers.iter().map(|worker| worker.source_id.clone()));
            taken.extend(self.commit_workers(source, workers, &before, &places, ids, now).await?);
            progress(written.len(), total);
        }
        written.extend(deleted.iter().map(|worker| worker.source_id.clone()));
        while !deleted.is_empty() {
            let chunk = deleted.split_off(deleted.len().saturating_sub(CHUNK));
            taken.extend(self.commit_workers(source, chunk, &before, &places, ids, now).await?);
        }
        progress(total, total);
        if moved {
            self.place_workers(source, &written, &places, now).await?;
        }
        self.resolve_taken(source, &written, &taken, now).await?;
        done.problems = taken.len() + self.commit_findings(source, import, ids, now).await?;
        Ok(done)
    }

    /// The source's ids of the places that the store has of it.
    pub async fn place_ids(&self, source: &str) -> StoreResult<HashSet<String>> {
        let sql = "SELECT source_id FROM place WHERE source = $1";
        self.query_each(sql, params![source], HashSet::new(), |all, row| {
            all.insert(row.get(0)?);
            Ok(())
        })
        .await
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

/// A temporary file of an import cannot be read.
fn spool(error: std::io::Error) -> StoreError {
    StoreError::Spool(error.to_string())
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
