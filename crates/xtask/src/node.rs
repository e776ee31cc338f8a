//! The peers of the tests that are written in JavaScript: each folder of `judges/` is an npm package of its own.

use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Stdio;

use crate::project::{self, Project};

/// Installs the modules of every judge whose lock file is newer than its modules.
pub(crate) fn install_judges(project: &Project) -> Result<()> {
    for folder in judges(project)? {
        let modified = |name: &str| folder.join(name).metadata().and_then(|meta| meta.modified()).ok();
        // npm writes this file last.
        let installed = modified("node_modules/.package-lock.json");
        if installed.is_some() && installed >= modified("package-lock.json") {
            continue;
        }
        if !project::has("npm") {
            bail!("missing: npm. Install Node.js 20 or later, which brings it, then try again");
        }
        project::run(
            project
                .command("npm")
                .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
                .current_dir(&folder)
                .stdin(Stdio::null()),
        )?;
    }
    Ok(())
}

/// The folders of `judges/` that have a lock file.
fn judges(project: &Project) -> Result<Vec<PathBuf>> {
    let all = project.root.join("judges");
    if !all.is_dir() {
        return Ok(Vec::new());
    }
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(all)? {
        let folder = entry?.path();
        if folder.join("package-lock.json").is_file() {
            folders.push(folder);
        }
    }
    folders.sort();
    Ok(folders)
}
