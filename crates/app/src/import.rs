//! Importing workers: files of one source become the registry.

use crate::{App, AppError};
use base::IdMaker;
use registry::{Assembly, Finding, Import, Known, Mapping, Options, Summary};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::registry::Imported;

/// A file to import.
#[derive(Clone, Debug)]
pub struct File {
    /// What findings call it.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What an import read, changed and could not use.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportReport {
    /// The source.
    pub source: String,
    /// What was read.
    pub summary: Summary,
    /// What it changed.
    pub changes: Imported,
    /// What could not be used, or needs a look.
    pub findings: Vec<Finding>,
}

/// Tells how far an import is: what it does, how much of how much is done.
pub type Progress = Arc<dyn Fn(&'static str, u64, u64) + Send + Sync>;

impl App {
    /// Imports files of a source: reads all, links them, and writes what changed.
    ///
    /// What cannot be read is a finding of the report and a row of the work list, never an error.
    ///
    /// # Errors
    /// The store's.
    pub async fn import_workers(
        &self,
        source: &str,
        files: Vec<File>,
        mapping: Option<Mapping>,
        progress: Progress,
    ) -> Result<ImportReport, AppError> {
        let now = self.now();
        let known = self.known(source).await?;
        let today = self.settings.timezone.to_datetime(now.timestamp()).date();
        let (name, region, reading) = (source.to_owned(), self.settings.region.clone(), Arc::clone(&progress));
        let import: Import = tokio::task::spawn_blocking(move || {
            let mut assembly = Assembly::new(&name, known);
            let options = Options { source: &name, region: region.as_deref(), today, mapping: mapping.as_ref() };
            for file in files {
                let batch = registry::read(&file.name, &file.bytes, &options, &mut |done, total| {
                    reading("reading", done, total);
                });
                assembly.add(batch);
            }
            assembly.finish()
        })
        .await
        .map_err(|error| AppError::Broken(format!("the import's thread ended: {error}")))?;
        let mut ids = self.with_ids(IdMaker::fork);
        let changes = self
            .store
            .commit_import(source, &import, &mut ids, now, |done, total| {
                progress("writing", done as u64, total as u64);
            })
            .await?;
        Ok(ImportReport { source: source.to_owned(), summary: import.summary, changes, findings: import.findings })
    }

    async fn known(&self, source: &str) -> Result<Known, AppError> {
        let mut known = Known::default();
        for (kind, id) in self.store.source_hashes(source).await?.into_keys() {
            match kind.as_str() {
                "place" => known.places.insert(id),
                "worker" => known.workers.insert(id),
                _ => false,
            };
        }
        Ok(known)
    }
}
