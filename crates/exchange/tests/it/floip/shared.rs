//! The files that others wrote: read where they are, skipped where they are absent, which CI doesn't allow.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// A folder of shared files; `None`, with a note, when it isn't there.
pub(super) fn folder(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/standards/floip").join(name);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} must be there in CI", path.display());
    println!("skipped: {} is not there", path.display());
    None
}

/// The JSON documents of a folder with their names, in the order of these.
pub(super) fn documents(name: &str) -> Vec<(String, Value)> {
    let Some(folder) = folder(name) else { return Vec::new() };
    let mut found: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Every document that holds flows.
pub(super) fn flows() -> Vec<(String, Value)> {
    let all = documents("mhero-examples").into_iter().chain(documents("fixtures"));
    all.filter(|(_, document)| exchange::floip::is_floip(document))
        .filter(|(_, document)| !matches!(exchange::floip::import(document), Err(exchange::floip::FloipError::Results)))
        .collect()
}
