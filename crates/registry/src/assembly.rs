//! Links the records of one import: posts to their workers and places, places to those they lie within.

mod link;
mod places;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::finding::{Finding, Severity};
use crate::model::{Place, Post, Worker};
use crate::read::{Batch, Format, SourceRecord};

/// What the store has of this source already: references to it are no findings.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// [`Place::source_id`]s.
    pub places: HashSet<String>,
    /// [`Worker::source_id`]s.
    pub workers: HashSet<String>,
}

/// Takes the records of all files of an import, in any order.
#[derive(Debug)]
pub struct Assembly {
    source: String,
    known: Known,
    records: Vec<SourceRecord>,
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

/// Everything that an import gives.
#[derive(Clone, Debug)]
pub struct Import {
    /// Places, each after the one it lies within, brothers in the order of their ids.
    pub places: Vec<Place>,
    /// Workers in the order of their ids, with their posts.
    pub workers: Vec<Worker>,
    /// Posts of workers who are not part of the import: of workers known before, or of nobody.
    pub loose_posts: Vec<LoosePost>,
    /// Numbers that several workers have, in order. Nothing is taken from anybody.
    pub shared: Vec<SharedNumber>,
    /// Resources that the source has deleted (type, id), in order.
    pub deleted: Vec<(String, String)>,
    /// What could not be used, in the order of the files and of the places in them.
    pub findings: Vec<Finding>,
    /// Figures.
    pub summary: Summary,
}

/// A post without its worker.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl Assembly {
    /// An empty one; `known` is what the store has of this source.
    pub fn new(source: &str, known: Known) -> Self {
        Self { source: source.to_owned(), known, records: Vec::new(), findings: Vec::new(), files: Vec::new() }
    }

    /// Adds what was read from a file.
    pub fn add(&mut self, batch: Batch) {
        self.files.push(File {
            name: batch.file.to_string(),
            format: batch.format,
            encoding: batch.encoding.map(str::to_owned),
            records: batch.records.len(),
        });
        self.records.extend(batch.records);
        self.findings.extend(batch.findings);
    }

    /// Links everything. The result does not depend on the order of the files, but for records with one id and the
    /// same version, of which the later one wins.
    pub fn finish(self) -> Import {
        let mut findings = self.findings;
        let mut sorted = link::Sorted::of(self.records, &mut findings);
        let places = places::build(&mut sorted, &self.source, &self.known, &mut findings);
        let (mut workers, loose_posts) = link::workers(&mut sorted, &places, &self.known, &mut findings);
        let shared = shared(&workers, &mut findings, &sorted.origins);
        for worker in &mut workers {
            worker.hash = crate::model::Hash::of(&*worker);
        }
        let mut places = places.all;
        for place in &mut places {
            place.hash = crate::model::Hash::of(&*place);
        }
        let order: BTreeMap<&str, usize> =
            self.files.iter().enumerate().map(|(at, file)| (file.name.as_str(), at)).collect();
        findings.sort_by(|a, b| {
            let key = |finding: &Finding| {
                (order.get(&*finding.place.file).copied(), finding.place.line, finding.place.column)
            };
            key(a).cmp(&key(b)).then_with(|| a.cmp(b))
        });
        findings.dedup();
        let summary = summary(self.files, &workers, &places, &findings);
        let deleted = std::mem::take(&mut sorted.deleted);
        Import { places, workers, loose_posts, shared, deleted: deleted.into_iter().collect(), findings, summary }
    }
}

/// Finds numbers that several workers have and who are at work: one who left keeps no number from another.
fn shared(workers: &[Worker], findings: &mut Vec<Finding>, origins: &link::Origins) -> Vec<SharedNumber> {
    let mut by_number: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (at, worker) in workers.iter().enumerate() {
        for phone in worker.phones.iter().filter(|phone| phone.state == crate::model::PhoneState::Active) {
            by_number.entry(&phone.number.number).or_default().insert(at);
        }
    }
    let mut shared = Vec::new();
    for (number, holders) in by_number.into_iter().filter(|(_, holders)| holders.len() > 1) {
        let holders: Vec<&Worker> = holders.into_iter().map(|at| &workers[at]).collect();
        for worker in &holders {
            let others: Vec<String> = holders
                .iter()
                .filter(|other| other.source_id != worker.source_id)
                .take(5)
                .map(|other| format!("{} ({})", other.name, other.source_id))
                .collect();
            let more = if holders.len() > 6 { format!(" and {} more", holders.len() - 6) } else { String::new() };
            let message = format!("'{}' has the number {number}, and so has {}{more}", worker.name, others.join(", "));
            let Some(origin) = origins.get(&worker.source_id) else { continue };
            findings
                .push(Finding::new(crate::finding::Code::SharedPhone, origin.clone(), message).of(&worker.source_id));
        }
        shared.push(SharedNumber {
            number: number.to_owned(),
            workers: holders.iter().map(|worker| worker.source_id.clone()).collect(),
        });
    }
    shared
}

fn summary(files: Vec<File>, workers: &[Worker], places: &[Place], findings: &[Finding]) -> Summary {
    use crate::model::{PhoneState, PlaceKind, Status};
    let usable = |worker: &Worker| worker.phones.iter().any(|phone| phone.state == PhoneState::Active);
    let phones = || workers.iter().flat_map(|worker| &worker.phones);
    let of = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    Summary {
        files,
        workers: workers.len(),
        left: workers.iter().filter(|worker| worker.status == Status::Left).count(),
        without_phone: workers.iter().filter(|worker| !usable(worker)).count(),
        posts: workers.iter().map(|worker| worker.posts.len()).sum(),
        facilities: places.iter().filter(|place| place.kind == PlaceKind::Facility).count(),
        jurisdictions: places.iter().filter(|place| place.kind == PlaceKind::Jurisdiction).count(),
        phones: phones().count(),
        doubtful_phones: phones().filter(|phone| !phone.number.valid || phone.state == PhoneState::Old).count(),
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
    }
}
