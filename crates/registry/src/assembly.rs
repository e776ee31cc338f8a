//! Links the records of one import: posts to their workers and places, places to those they lie within.

mod link;
mod places;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read};

use crate::finding::{Code, Finding, Origin, Severity};
use crate::model::{Hash, Phone, PhoneState, Place, PlaceKind, Post, Status, Worker};
use crate::read::{Batch, Format, Options, Progress, read};
use crate::records::Records;
use crate::spool::{Slot, Spool, Values};

/// What the store has of this source already: references to it are no findings.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// [`Place::source_id`]s.
    pub places: HashSet<String>,
}

/// Takes the files of an import, in any order.
#[derive(Debug)]
pub struct Assembly<'a> {
    options: Options<'a>,
    known: Known,
    records: Records,
    findings: Vec<Finding>,
    files: Vec<File>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name.
    pub name: String,
    /// What kind it is.
    pub format: Option<Format>,
    /// Its text encoding.
    pub encoding: Option<String>,
    /// How many records it has.
    pub records: usize,
}

/// Everything that an import gives. Workers are read from its spool one by one.
#[derive(Debug)]
pub struct Import {
    /// Places, each after the one it lies within, brothers in the order of their ids.
    pub places: Vec<Place>,
    /// Numbers that several workers have, in order. Nothing is taken from anybody.
    pub shared: Vec<SharedNumber>,
    /// Resources that the source has deleted (type, id), in order.
    pub deleted: Vec<(String, String)>,
    /// What could not be used, in the order of the files and of the places in them.
    pub findings: Vec<Finding>,
    /// Figures.
    pub summary: Summary,
    workers: Vec<Entry>,
    loose: Vec<Slot>,
    values: Values,
}

/// A worker in the spool.
#[derive(Debug)]
struct Entry {
    id: Box<str>,
    hash: Hash,
    status: Status,
    worker: Slot,
    origin: Slot,
}

impl Import {
    /// How many workers there are.
    pub fn len(&self) -> usize {
        self.workers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    /// [`Worker::source_id`] and [`Worker::hash`] of the workers, in the order of their ids.
    pub fn ids(&self) -> impl Iterator<Item = (&str, Hash)> {
        self.workers.iter().map(|entry| (&*entry.id, entry.hash))
    }

    /// Whether there is a worker with this [`Worker::source_id`].
    pub fn contains(&self, id: &str) -> bool {
        self.workers.binary_search_by(|entry| (*entry.id).cmp(id)).is_ok()
    }

    /// Whether the worker at a position in that order is at work; none behind the last.
    pub fn status(&self, at: usize) -> Option<Status> {
        self.workers.get(at).map(|entry| entry.status)
    }

    /// The worker at a position in that order, with posts.
    ///
    /// # Errors
    /// Those of the spool; [`io::ErrorKind::NotFound`] where there is none.
    pub fn worker(&self, at: usize) -> io::Result<Worker> {
        let entry = self.workers.get(at).ok_or(io::ErrorKind::NotFound)?;
        Ok(Worker { hash: entry.hash, ..self.values.get(entry.worker)? })
    }

    /// All workers, in the order of their ids.
    pub fn workers(&self) -> impl Iterator<Item = io::Result<Worker>> {
        (0..self.len()).map(|at| self.worker(at))
    }

    /// Posts of workers who are not part of the import, in the order of their ids.
    pub fn loose_posts(&self) -> impl Iterator<Item = io::Result<LoosePost>> {
        self.loose.iter().map(|slot| self.values.get(*slot))
    }
}

/// A post without its worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoosePost {
    /// [`Worker::source_id`], where the source names one.
    pub worker: Option<String>,
    /// The post.
    pub post: Post,
}

/// A number that several workers have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedNumber {
    /// E.164 or a short code.
    pub number: String,
    /// Their ids, in order.
    pub workers: Vec<String>,
}

/// The figures of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The files, in the order given.
    pub files: Vec<File>,
    /// Workers.
    pub workers: usize,
    /// Of these, how many have left.
    pub left: usize,
    /// Of these, how many have no number that can be used.
    pub without_phone: usize,
    /// Posts of the workers.
    pub posts: usize,
    /// Facilities.
    pub facilities: usize,
    /// Jurisdictions.
    pub jurisdictions: usize,
    /// Numbers, each worker's own count.
    pub phones: usize,
    /// Of these, how many are in no range that their country has handed out, or known to be out of use.
    pub doubtful_phones: usize,
    /// Findings of severity error.
    pub errors: usize,
    /// Findings of severity warning.
    pub warnings: usize,
}

impl<'a> Assembly<'a> {
    /// An empty one; `known` is what the store has of this source, `spool` an empty one.
    pub fn new(options: Options<'a>, known: Known, spool: Box<dyn Spool>) -> Self {
        Self { options, known, records: Records::new(spool), findings: Vec::new(), files: Vec::new() }
    }

    /// Reads a file. `name` is what findings call it; the format is told by the content. `progress` is told how far the
    /// reading is.
    ///
    /// # Errors
    /// Those of the file and the spool. What is wrong in the file is a finding.
    pub fn read(&mut self, name: &str, input: &mut dyn Read, progress: Progress<'_>) -> io::Result<()> {
        let mut batch = Batch {
            file: name.into(),
            format: None,
            encoding: None,
            count: 0,
            records: &mut self.records,
            findings: &mut self.findings,
        };
        read(input, &self.options, &mut batch, progress)?;
        let Batch { format, encoding, count, .. } = batch;
        self.files.push(File { name: name.to_owned(), format, encoding: encoding.map(str::to_owned), records: count });
        self.records.failed()
    }

    /// Links everything. The result does not depend on the order of the files, but for records with one id and the
    /// same version, of which the later one wins.
    ///
    /// # Errors
    /// Those of the spool.
    pub fn finish(self) -> io::Result<Import> {
        let Self { options, known, mut records, mut findings, files } = self;
        let places = places::build(&mut records, options.source, &known, &mut findings);
        let mut summary = Summary { files, ..Summary::default() };
        let mut workers: Vec<Entry> = Vec::new();
        let mut numbers: Vec<(Box<str>, usize)> = Vec::new();
        let mut loose = Vec::new();
        let linking = link::Linking {
            places: &places,
            known: &known,
            findings: &mut findings,
            worker: &mut |worker, origin, values| {
                summary.add(&worker);
                let used = worker.phones.iter().filter(|phone| phone.state == PhoneState::Active);
                if worker.status == Status::Active {
                    numbers.extend(used.map(|phone| (phone.number.number.as_str().into(), workers.len())));
                }
                let (slot, bytes) = values.put(&worker)?;
                let hash = Hash::of(bytes);
                let (origin, _) = values.put(&origin)?;
                workers.push(Entry { id: worker.source_id.into(), hash, status: worker.status, worker: slot, origin });
                Ok(())
            },
            loose: &mut |post, values| {
                let (slot, _) = values.put(&post)?;
                loose.push(slot);
                Ok(())
            },
        };
        linking.run(&mut records)?;
        let shared = shared(numbers, &workers, &records.values, &mut findings)?;
        // Somebody whose id had to be made different is out of order.
        workers.sort_by(|a, b| a.id.cmp(&b.id));
        let mut places = places.all;
        for place in &mut places {
            place.hash = Hash::of_value(&*place);
        }
        let order: BTreeMap<&str, usize> =
            summary.files.iter().enumerate().map(|(at, file)| (file.name.as_str(), at)).collect();
        findings.sort_by(|a, b| {
            let key = |finding: &Finding| {
                (order.get(&*finding.place.file).copied(), finding.place.line, finding.place.column)
            };
            key(a).cmp(&key(b)).then_with(|| a.cmp(b))
        });
        findings.dedup();
        let of_kind = |kind: PlaceKind| places.iter().filter(|place| place.kind == kind).count();
        let of = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
        summary.facilities = of_kind(PlaceKind::Facility);
        summary.jurisdictions = of_kind(PlaceKind::Jurisdiction);
        summary.errors = of(Severity::Error);
        summary.warnings = of(Severity::Warning);
        let deleted = std::mem::take(&mut records.deleted).into_iter().collect();
        Ok(Import { places, shared, deleted, findings, summary, workers, loose, values: records.values })
    }
}

impl Summary {
    fn add(&mut self, worker: &Worker) {
        self.workers += 1;
        self.left += usize::from(worker.status == Status::Left);
        self.without_phone += usize::from(worker.phones.iter().all(|phone| phone.state != PhoneState::Active));
        self.posts += worker.posts.len();
        self.phones += worker.phones.len();
        let doubtful = |phone: &&Phone| !phone.number.valid || phone.state == PhoneState::Old;
        self.doubtful_phones += worker.phones.iter().filter(doubtful).count();
    }
}

/// How many others a finding about a shared number names.
const NAMED: usize = 5;

/// Finds numbers that several workers have who are at work: one who left keeps no number from another. `numbers` has
/// each number with the position of the worker.
fn shared(
    mut numbers: Vec<(Box<str>, usize)>,
    workers: &[Entry],
    values: &Values,
    findings: &mut Vec<Finding>,
) -> io::Result<Vec<SharedNumber>> {
    numbers.sort_unstable();
    numbers.dedup();
    let mut shared = Vec::new();
    for holders in numbers.chunk_by(|a, b| a.0 == b.0).filter(|holders| holders.len() > 1) {
        let number = &holders[0].0;
        let mut named = Vec::with_capacity(NAMED + 1);
        for (_, at) in holders.iter().take(NAMED + 1) {
            let worker: Worker = values.get(workers[*at].worker)?;
            named.push((*at, format!("{} ({})", worker.name, worker.source_id)));
        }
        for (_, at) in holders {
            let worker: Worker = values.get(workers[*at].worker)?;
            let others = named.iter().filter(|(other, _)| other != at).take(NAMED);
            let others: Vec<&str> = others.map(|(_, name)| name.as_str()).collect();
            let more = match holders.len() - 1 - others.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!("'{}' has the number {number}, and so has {}{more}", worker.name, others.join(", "));
            let origin: Origin = values.get(workers[*at].origin)?;
            findings.push(Finding::new(Code::SharedPhone, origin, message).of(&worker.source_id));
        }
        shared.push(SharedNumber {
            number: number.to_string(),
            workers: holders.iter().map(|(_, at)| workers[*at].id.to_string()).collect(),
        });
    }
    Ok(shared)
}
