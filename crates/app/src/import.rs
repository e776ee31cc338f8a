//! Importing workers: files of one source become the registry.

use crate::{App, AppError};
use base::IdMaker;
use registry::{Assembly, Finding, Import, Known, Mapping, Options, Spool, Summary};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use store::registry::Imported;

/// A file to import.
pub struct File {
    /// What findings call it.
    pub name: String,
    /// How many bytes it has, for the progress.
    pub length: u64,
    /// What is in it.
    pub content: Box<dyn Read + Send>,
}

/// How much is written to a temporary file at once.
const BLOCK: usize = 256 * 1024;

/// A temporary file in `folder` that no other process can open and that goes away with this value: between reading and
/// writing, an import keeps the workers there.
///
/// # Errors
/// Where the folder cannot be written to.
pub fn temporary(folder: &Path) -> io::Result<Box<dyn Spool>> {
    Ok(Box::new(Temporary { file: tempfile::tempfile_in(folder)?, written: 0, pending: Vec::with_capacity(BLOCK) }))
}

struct Temporary {
    file: std::fs::File,
    written: u64,
    /// What comes behind what is written.
    pending: Vec<u8>,
}

impl Spool for Temporary {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= BLOCK {
            self.file.write_all(&self.pending)?;
            self.written += self.pending.len() as u64;
            self.pending.clear();
        }
        Ok(())
    }

    fn get(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        match at.checked_sub(self.written) {
            // What one call appended is never cut.
            Some(at) => Spool::get(&self.pending, at, into),
            None => self.file.read_exact_at(into, at),
        }
    }
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
    /// Imports files of a source: reads all, links them, and writes what changed. `spool` is an empty one: see
    /// [`temporary`].
    ///
    /// What cannot be read is a finding of the report and a row of the work list, never an error.
    ///
    /// # Errors
    /// The store's; [`AppError::Import`] when a file or the spool breaks off.
    pub async fn import_workers(
        &self,
        source: &str,
        files: Vec<File>,
        mapping: Option<Mapping>,
        spool: Box<dyn Spool>,
        progress: Progress,
    ) -> Result<ImportReport, AppError> {
        let now = self.now();
        let known = Known { places: self.store.place_ids(source).await? };
        let today = self.settings.timezone.to_datetime(now.timestamp()).date();
        let (name, region, reading) = (source.to_owned(), self.settings.region.clone(), Arc::clone(&progress));
        let read = move || -> io::Result<Import> {
            let options = Options { source: &name, region: region.as_deref(), today, mapping: mapping.as_ref() };
            let mut assembly = Assembly::new(options, known, spool);
            for mut file in files {
                assembly.read(&file.name, &mut file.content, &mut |done| {
                    reading("reading", done.min(file.length), file.length);
                })?;
                reading("reading", file.length, file.length);
            }
            assembly.finish()
        };
        let import = tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| AppError::Broken(format!("the import's thread ended: {error}")))??;
        let mut ids = self.with_ids(IdMaker::fork);
        let changes = self
            .store
            .commit_import(source, &import, &mut ids, now, |done, total| {
                progress("writing", done as u64, total as u64);
            })
            .await?;
        let Import { summary, findings, .. } = import;
        Ok(ImportReport { source: source.to_owned(), summary, changes, findings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_file_gives_what_was_laid_down() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = temporary(folder.path()).unwrap();
        let piece = |at: usize| vec![at as u8; 1 + at * 997 % 5_000];
        let mut places = vec![0_u64];
        for at in 0..300 {
            spool.put(&piece(at)).unwrap();
            places.push(places[at] + piece(at).len() as u64);
        }
        for at in (0..300).rev() {
            let mut found = vec![0; piece(at).len()];
            spool.get(places[at], &mut found).unwrap();
            assert_eq!(found, piece(at));
        }
        assert!(spool.get(places[300], &mut [0]).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nobody else can open it");
    }
}
