//! The registry as other crates see it: files in, workers and places out.

mod fhir;
mod ihris;
mod properties;
mod table;
mod template;

use jiff::civil::{Date, date};
use registry::{Assembly, Code, Import, Known, Mapping, Options, read};

/// The day of all imports of these tests.
pub(crate) const TODAY: Date = date(2026, 11, 23);

/// Reads files with region LR and no mapping.
pub(crate) fn import(files: &[(&str, &[u8])]) -> Import {
    import_with(files, Some("LR"), None)
}

/// Reads files.
pub(crate) fn import_with(files: &[(&str, &[u8])], region: Option<&str>, mapping: Option<&Mapping>) -> Import {
    let options = Options { source: "test", region, today: TODAY, mapping };
    let mut assembly = Assembly::new("test", Known::default());
    for (name, bytes) in files {
        assembly.add(read(name, bytes, &options, &mut |_, _| {}));
    }
    assembly.finish()
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
