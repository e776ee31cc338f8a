//! `build` and `demo`.

use anyhow::{Result, bail};
use std::path::PathBuf;

use crate::project::{self, Project};

/// Builds the binary and returns its path.
///
/// The whole workspace is selected and the binary picked from it, so that dependencies have the same features, and
/// are built once, whatever is built.
pub(crate) fn build(project: &Project, release: bool) -> Result<PathBuf> {
    let mut command = project.cargo(["build", "--workspace", "--bin", "mhero", "--bin", "mhero-allocations"]);
    if release {
        command.arg("--release");
    }
    project::run(&mut command)?;
    Ok(project.target.join(if release { "release" } else { "debug" }).join("mhero"))
}

/// Builds the binary and runs its demonstration.
pub(crate) fn run(project: &Project, args: &[String]) -> Result<()> {
    let binary = build(project, true)?;
    let status = project.command(&binary).arg("demo").args(args).status()?;
    if !status.success() {
        bail!("mhero demo: {status}");
    }
    Ok(())
}
