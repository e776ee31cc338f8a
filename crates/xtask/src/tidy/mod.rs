//! `tidy`: the rules of the repository that the compiler does not know. Every breach is said with its file and line.

mod crates;
mod links;
mod source;
mod text;

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

use crate::project::Project;

/// Folders that are not ours, or are made.
const SKIPPED: &[&str] = &[".git", "node_modules", "target", "mhero-data"];

/// A file of the repository.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Relative to the root, with forward slashes.
    path: String,
    /// `None` if it is not UTF-8.
    text: Option<String>,
}

impl SourceFile {
    fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// Whether the whole file is part of tests only.
    fn is_test(&self) -> bool {
        let in_tests = self.path.split('/').any(|folder| matches!(folder, "tests" | "benches"));
        in_tests || self.path.ends_with("/tests.rs") || self.path.starts_with("judges/")
    }
}

/// What is wrong, as `file:line: what`.
#[derive(Debug, Default)]
pub(crate) struct Breaches(Vec<String>);

impl Breaches {
    /// Line 0 stands for the whole file.
    fn add(&mut self, file: &str, line: usize, what: impl AsRef<str>) {
        let what = what.as_ref();
        self.0.push(if line == 0 { format!("{file}: {what}") } else { format!("{file}:{line}: {what}") });
    }
}

/// Checks everything; prints all breaches, then fails if there is one.
pub(crate) fn run(project: &Project) -> Result<()> {
    let files = files(&project.root)?;
    let mut breaches = Breaches::default();
    crates::check(&files, &mut breaches);
    source::check(&files, &mut breaches);
    text::check(&files, &mut breaches);
    links::check(&files, &mut breaches);
    for breach in &breaches.0 {
        eprintln!("{breach}");
    }
    match breaches.0.len() {
        0 => Ok(()),
        count => bail!("tidy: {count} breaches"),
    }
}

/// All files of the repository, by path.
fn files(root: &Path) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let absolute = root.join(&folder);
        for entry in std::fs::read_dir(&absolute).with_context(|| format!("cannot read {}", absolute.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            let path = folder.join(&name);
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if !SKIPPED.iter().any(|skipped| name == *skipped) && path != Path::new("docs/book") {
                    folders.push(path);
                }
            } else if kind.is_file() {
                let text = String::from_utf8(std::fs::read(entry.path())?).ok();
                files.push(SourceFile { path: path.to_string_lossy().into_owned(), text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// What `check` says of one file, for the tests of the rules.
#[cfg(test)]
fn breaches_of(check: fn(&[SourceFile], &mut Breaches), files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<SourceFile> = files
        .iter()
        .map(|(path, text)| SourceFile { path: (*path).to_owned(), text: Some((*text).to_owned()) })
        .collect();
    let mut breaches = Breaches::default();
    check(&files, &mut breaches);
    breaches.0
}
