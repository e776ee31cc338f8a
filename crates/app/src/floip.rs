//! Flows and results for other systems: FLOIP containers and Flow Results packages.

use crate::campaign::CampaignError;
use crate::{App, AppError};
use base::FlowId;
use exchange::floip::results::{About, Package, ResultsError, Run};
use exchange::floip::{Options, Refused};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use store::{FlowRow, StoreError};

/// The descriptor of a package, as Frictionless calls it.
const DESCRIPTOR: &str = "datapackage.json";
/// The rows of a package.
const ROWS: &str = "data.json";

/// A container, and what was left out of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Container {
    /// The container.
    pub container: Value,
    /// What others will not do as we do, one sentence each.
    pub left_out: Vec<String>,
}

/// What was written.
#[derive(Debug, Serialize, Deserialize)]
pub struct Written {
    /// The folder of the package.
    pub folder: PathBuf,
    /// The runs that recorded something.
    pub runs: u64,
    /// The answers.
    pub rows: u64,
}

/// Why flows or results cannot be given to others.
#[derive(Debug, thiserror::Error)]
pub enum FloipExportError {
    /// A flow cannot be found.
    #[error(transparent)]
    Flow(#[from] CampaignError),
    /// The flows cannot be said in FLOIP.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The results cannot be described.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// A file cannot be written.
    #[error("cannot write {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The store refused.
    #[error(transparent)]
    App(#[from] AppError),
}

impl From<StoreError> for FloipExportError {
    fn from(error: StoreError) -> Self {
        Self::App(error.into())
    }
}

/// A package that is being written.
struct Writing {
    package: Package,
    rows: BufWriter<File>,
    count: u64,
    runs: u64,
    failed: Option<FloipExportError>,
    path: PathBuf,
}

impl App {
    /// Flows, by name or id, as one FLOIP container.
    ///
    /// # Errors
    /// [`FloipExportError`]; a flow that says what FLOIP cannot is refused with the nodes and actions that do.
    pub async fn export_floip(&self, wanted: &[String]) -> Result<Container, FloipExportError> {
        let mut rows = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            rows.push(self.flow_row(wanted).await?);
        }
        let definitions = rows.iter().map(source).collect::<Result<Vec<_>, _>>()?;
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let modified = rows.iter().map(|row| row.modified_on).max().unwrap_or_else(|| self.now());
        let options = Options { name: names.join(", "), last_modified: modified.timestamp() };
        let exported = exchange::floip::export(&definitions, &options)?;
        let left_out = exported.left_out.iter().map(ToString::to_string).collect();
        Ok(Container { container: exported.container, left_out })
    }

    /// Writes what a flow's runs recorded as a Flow Results package: into `folder`, or, if `below`, into a folder in it
    /// that is named after the flow. The rows are read and written one by one; only their owner may read the files.
    ///
    /// # Errors
    /// [`FloipExportError`]. What was there before stays until the new rows are complete.
    pub async fn write_results(&self, flow: &str, folder: &Path, below: bool) -> Result<Written, FloipExportError> {
        let row = self.flow_row(flow).await?;
        let package = Package::of(&source(&row)?)?;
        let folder = if below { folder.join(package.name()) } else { folder.to_owned() };
        std::fs::create_dir_all(&folder).map_err(|error| FloipExportError::File { path: folder.clone(), error })?;
        let path = folder.join(format!("{ROWS}.new"));
        let rows = BufWriter::new(create(&path)?);
        let writing = Writing { package, rows, count: 0, runs: 0, failed: None, path };
        let created = self.store.flow_created_on(row.id).await?.unwrap_or(row.modified_on);
        let written = self.store.each_run_results(row.id, writing, |writing, run| {
            writing.add(&Run { id: run.run.0, contact: run.contact.0, session: run.session.0, results: &run.results });
            Ok(())
        });
        let written = written.await?.finish()?;
        let about =
            About { created: created.timestamp(), modified: row.modified_on.timestamp(), path: ROWS.to_owned() };
        let descriptor = written.package.descriptor(&about);
        let (from, to) = (&written.path, folder.join(ROWS));
        std::fs::rename(from, &to).map_err(|error| FloipExportError::File { path: to, error })?;
        let path = folder.join(DESCRIPTOR);
        let text = format!("{descriptor:#}\n");
        create(&path)?.write_all(text.as_bytes()).map_err(|error| FloipExportError::File { path, error })?;
        Ok(Written { folder, runs: written.runs, rows: written.count })
    }

    async fn flow_row(&self, wanted: &str) -> Result<FlowRow, FloipExportError> {
        let (id, _): (FlowId, String) = self.find_flow(wanted).await?;
        let found = self.store.flows().await?.into_iter().find(|row| row.id == id);
        Ok(found.ok_or_else(|| AppError::Broken(format!("the flow '{wanted}' has just been removed")))?)
    }
}

fn source(row: &FlowRow) -> Result<Value, AppError> {
    serde_json::from_str(&row.definition)
        .map_err(|error| AppError::Broken(format!("the stored flow '{}' is not JSON: {error}", row.name)))
}

/// A new file that only its owner may read: answers are personal data.
fn create(path: &Path) -> Result<File, FloipExportError> {
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.map_err(|error| FloipExportError::File { path: path.to_owned(), error })
}

impl Writing {
    fn add(&mut self, run: &Run<'_>) {
        if self.failed.is_none()
            && let Err(error) = self.try_add(run)
        {
            self.failed = Some(error);
        }
    }

    fn try_add(&mut self, run: &Run<'_>) -> Result<(), FloipExportError> {
        self.runs += 1;
        for row in self.package.rows(run)? {
            let start = if self.count == 0 { "[\n" } else { ",\n" };
            self.count += 1;
            write!(self.rows, "{start}{row}")
                .map_err(|error| FloipExportError::File { path: self.path.clone(), error })?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Self, FloipExportError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let end = if self.count == 0 { "[]\n" } else { "\n]\n" };
        let done = write!(self.rows, "{end}").and_then(|()| self.rows.flush());
        done.and_then(|()| self.rows.get_ref().sync_all())
            .map_err(|error| FloipExportError::File { path: self.path.clone(), error })?;
        Ok(self)
    }
}
