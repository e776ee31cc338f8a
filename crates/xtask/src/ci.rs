//! `ci`: every check that a change must pass, cheapest first, all of them even if one fails.
//!
//! Everything is built in one profile, `dev` (dependencies without debug information, ours with line tables, SQLite
//! optimised). A second profile would build every dependency twice. Tests that run the program take the one that
//! cargo built with them.

use anyhow::{Result, bail};
use std::fmt::Write as _;
use std::time::Instant;

use crate::project::{self, Project};
use crate::{conformance, deny, docs, test, tidy};

/// A check.
type Step = fn(&Project) -> Result<()>;

/// In the order they run: what is cheap and often wrong comes first, what needs the longest build last.
const STEPS: &[(&str, Step)] = &[
    ("format", |project| project::run(&mut project.cargo(["fmt", "--all", "--check"]))),
    ("tidy", tidy::run),
    ("deny", deny::run),
    ("clippy", clippy),
    ("docs", docs::run),
    ("tests", tests),
    ("conformance", |project| conformance::run(project, false)),
    ("chaos", chaos),
];

/// Runs all checks and says how each ended and how long it took.
pub(crate) fn run(project: &Project) -> Result<()> {
    let mut summary = String::new();
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        eprintln!("\n== {name}");
        let started = Instant::now();
        let result = step(project);
        let seconds = started.elapsed().as_secs();
        let state = if result.is_ok() { "ok" } else { "FAILED" };
        let _ = writeln!(summary, "{name:<12} {state:<8} {seconds:>5} s");
        if let Err(error) = result {
            eprintln!("error: {error:#}");
            failed.push(*name);
        }
    }
    eprintln!("\n{summary}");
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn clippy(project: &Project) -> Result<()> {
    project::run(&mut project.cargo(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

/// All tests on both stores. `CI` tells tests that what they need must be there: none may skip itself.
fn tests(project: &Project) -> Result<()> {
    let counts = test::run(project, &["--locked".into(), "--no-fail-fast".into()])?;
    if counts.ignored > 0 {
        bail!("{} tests are ignored", counts.ignored);
    }
    Ok(())
}

/// The crash tests in short, on both stores, and a control run on each, which must find faults.
fn chaos(project: &Project) -> Result<()> {
    let variants: [&[&str]; 4] = [
        &["--store", "sqlite"],
        &["--store", "postgres"],
        &["--store", "sqlite", "--control"],
        &["--store", "postgres", "--control"],
    ];
    for variant in variants {
        let mut command = project.command(std::env::current_exe()?);
        command.args(["chaos", "--debug", "--json", "--kills", "6", "--workers", "200", "--seed", "7"]);
        project::run(command.args(variant))?;
    }
    Ok(())
}
