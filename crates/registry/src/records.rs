//! The records of an import while its files are read: people and posts in a spool, with a small index of them in
//! memory; places, which are few, as they are.

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::fhir::{Keys, PlaceRecord, SourceRecord};
use crate::finding::Origin;
use crate::read::{Row, Step};
use crate::spool::{Slot, Spool, Values};

/// A name by which records refer to each other, as the beginning of its SHA-256: long enough that no two are equal,
/// and of one size.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 16]);

impl Key {
    pub(crate) fn of(name: &str) -> Self {
        let mut key = [0; 16];
        key.copy_from_slice(&Sha256::digest(name)[..16]);
        Self(key)
    }
}

/// What is known in memory of a person, a role or a row.
pub(crate) struct Entry {
    pub(crate) id: Box<str>,
    /// Of a person or a role: `meta.lastUpdated` and `meta.versionId`.
    pub(crate) version: Version,
    /// Of a person the names, of a role the practitioner.
    pub(crate) keys: Box<[Key]>,
    pub(crate) slot: Slot,
}

/// The later of two records with one id wins.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(Box<str>, u64, Box<str>);

impl From<&Keys> for Version {
    fn from(keys: &Keys) -> Self {
        let (updated, version) = &keys.version;
        Self(updated.as_str().into(), version.parse().unwrap_or(0), version.as_str().into())
    }
}

/// A place named by a row, and where it was named first.
pub(crate) struct RowPlace {
    pub(crate) step: Step,
    pub(crate) parent: Option<String>,
    pub(crate) origin: Origin,
}

/// All records of the files that were read.
pub(crate) struct Records {
    pub(crate) values: Values,
    pub(crate) people: Vec<Entry>,
    pub(crate) roles: Vec<Entry>,
    pub(crate) rows: Vec<Entry>,
    pub(crate) locations: Vec<PlaceRecord>,
    pub(crate) organizations: Vec<PlaceRecord>,
    pub(crate) row_places: BTreeMap<String, RowPlace>,
    pub(crate) deleted: BTreeSet<(String, String)>,
    /// Why a record could not be laid down.
    failed: Option<io::Error>,
}

impl Records {
    pub(crate) fn new(spool: Box<dyn Spool>) -> Self {
        Self {
            values: Values::new(spool),
            people: Vec::new(),
            roles: Vec::new(),
            rows: Vec::new(),
            locations: Vec::new(),
            organizations: Vec::new(),
            row_places: BTreeMap::new(),
            deleted: BTreeSet::new(),
            failed: None,
        }
    }

    /// Why a record could not be laid down; the first time.
    pub(crate) fn failed(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    pub(crate) fn push(&mut self, record: SourceRecord) {
        if self.failed.is_none() {
            self.failed = self.add(record).err();
        }
    }

    fn add(&mut self, record: SourceRecord) -> io::Result<()> {
        match record {
            SourceRecord::Practitioner(person) => {
                let (slot, _) = self.values.put(&person)?;
                self.people.push(Entry {
                    id: person.worker.source_id.as_str().into(),
                    version: Version::from(&person.keys),
                    keys: person.keys.names.iter().map(|name| Key::of(name)).collect(),
                    slot,
                });
            }
            SourceRecord::Role(role) => {
                let (slot, _) = self.values.put(&role)?;
                self.roles.push(Entry {
                    id: role.post.source_id.as_str().into(),
                    version: Version::from(&role.keys),
                    keys: role.practitioner.iter().map(|reference| Key::of(&reference.key)).collect(),
                    slot,
                });
            }
            SourceRecord::Location(place) => self.locations.push(place),
            SourceRecord::Organization(place) => self.organizations.push(place),
            SourceRecord::Row(row) => self.row(row)?,
            SourceRecord::Deleted { kind, id } => {
                self.deleted.insert((kind, id));
            }
        }
        Ok(())
    }

    fn row(&mut self, mut row: Row) -> io::Result<()> {
        let mut parent = None;
        for step in std::mem::take(&mut row.places) {
            let id = step.id.clone();
            // Of two rows that name a place differently the first counts.
            self.row_places.entry(id.clone()).or_insert_with(|| RowPlace {
                step,
                parent: parent.take(),
                origin: row.origin.clone(),
            });
            parent = Some(id);
        }
        let (slot, _) = self.values.put(&row)?;
        self.rows.push(Entry {
            id: row.worker.source_id.as_str().into(),
            version: Version::default(),
            keys: Box::default(),
            slot,
        });
        Ok(())
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records")
            .field("people", &self.people.len())
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}
