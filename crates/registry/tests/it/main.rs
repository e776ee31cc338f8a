//! The registry as other crates see it: files in, workers and places out.

mod fhir;
mod ihris;
mod properties;
mod strange;
mod table;
mod template;

use jiff::civil::{Date, date};
use registry::{Assembly, Code, Finding, Known, LoosePost, Mapping, Options, Place, SharedNumber, Summary, Worker};

/// The day of all imports of these tests.
pub(crate) const TODAY: Date = date(2026, 11, 23);

/// Reads files with region LR and no mapping.
pub(crate) fn import(files: &[(&str, &[u8])]) -> Import {
    import_with(files, Some("LR"), None)
}

/// An import with its workers out of the spool.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) places: Vec<Place>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) loose_posts: Vec<LoosePost>,
    pub(crate) shared: Vec<SharedNumber>,
    pub(crate) deleted: Vec<(String, String)>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) summary: Summary,
}

/// Reads files.
pub(crate) fn import_with(files: &[(&str, &[u8])], region: Option<&str>, mapping: Option<&Mapping>) -> Import {
    let options = Options { source: "test", region, today: TODAY, mapping };
    let mut assembly = Assembly::new(options, Known::default(), Box::new(Vec::new()));
    for (name, bytes) in files {
        assembly.read(name, &mut &**bytes, &mut |_| {}).unwrap();
    }
    taken_out(assembly.finish().unwrap())
}

/// The import with its workers out of the spool.
pub(crate) fn taken_out(import: registry::Import) -> Import {
    let workers: Vec<Worker> = import.workers().collect::<Result<_, _>>().unwrap();
    let ids: Vec<_> = workers.iter().map(|worker| (worker.source_id.as_str(), worker.hash)).collect();
    assert!(import.ids().eq(ids.iter().copied()) && ids.is_sorted_by_key(|(id, _)| *id));
    Import {
        loose_posts: import.loose_posts().collect::<Result<_, _>>().unwrap(),
        workers,
        places: import.places,
        shared: import.shared,
        deleted: import.deleted,
        findings: import.findings,
        summary: import.summary,
    }
}

/// The findings as `code place`, in order.
pub(crate) fn found(import: &Import) -> Vec<String> {
    import.findings.iter().map(|finding| format!("{} {}", finding.code, finding.place)).collect()
}

/// How many findings are of a kind.
pub(crate) fn count(import: &Import, code: Code) -> usize {
    import.findings.iter().filter(|finding| finding.code == code).count()
}

/// The workers as `id name: numbers`, in order.
pub(crate) fn workers(import: &Import) -> Vec<String> {
    import
        .workers
        .iter()
        .map(|worker| {
            let numbers: Vec<&str> = worker.phones.iter().map(|phone| phone.number.number.as_str()).collect();
            format!("{} {}: {}", worker.source_id, worker.name, numbers.join(" "))
        })
        .collect()
}
