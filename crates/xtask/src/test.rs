//! `test`: all tests, on both stores, with the peers that they speak to.

use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use crate::node;
use crate::postgres::{self, Server};
use crate::project::{self, Project};

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

/// Sets up what tests need and runs them; `args` go to `cargo test`. Fails when one test fails, or when none ran.
pub(crate) fn run(project: &Project, args: &[String]) -> Result<Counts> {
    node::install_judges(project)?;
    let server = Server::start(project)?;
    let counts = with(project, &server, args)?;
    drop(server);
    println!("\n{} passed, {} failed", counts.passed, counts.failed);
    Ok(counts)
}

/// Runs `cargo test` beside a server, passing its output on and counting.
fn with(project: &Project, server: &Server, args: &[String]) -> Result<Counts> {
    let mut command = project.cargo(["test"]);
    if !args.iter().any(|arg| arg == "-p" || arg == "--package" || arg.starts_with("--package=")) {
        command.arg("--workspace");
    }
    command.args(args).env(postgres::VARIABLE, &server.url).stdout(Stdio::piped());
    eprintln!("+ {}", project::show(&command));
    let mut process = command.spawn().context("cannot run cargo test")?;
    let mut counts = Counts::default();
    if let Some(output) = process.stdout.take() {
        let mut to = std::io::stdout().lock();
        // Tests print what they like: a line need not be UTF-8.
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            counts.add(&String::from_utf8_lossy(&line));
            to.write_all(&line)?;
            to.write_all(b"\n")?;
        }
    }
    let status = process.wait()?;
    if !status.success() {
        bail!("cargo test: {status}; {} passed, {} failed", counts.passed, counts.failed);
    }
    if counts.passed == 0 {
        bail!("no test ran");
    }
    Ok(counts)
}

impl Counts {
    /// Adds a line as libtest ends with: `test result: ok. 5 passed; 0 failed; 1 ignored; ...`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.split_once("test result: ").and_then(|(_, rest)| rest.split_once(". ")) else {
            return;
        };
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_summed_and_other_lines_are_not() {
        let mut counts = Counts::default();
        for line in [
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.02s",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
            "running 5 tests",
            "test result",
        ] {
            counts.add(line);
        }
        assert_eq!(counts, Counts { passed: 7, failed: 1, ignored: 1 });
    }
}
