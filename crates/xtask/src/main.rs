//! `cargo xtask`: everything that is done with this repository, each with all of its own set-up.
//!
//! Each command is a module. They are written in Rust rather than as shell scripts so that they fail when a step
//! fails and read the same everywhere.

mod bench;
mod chaos;
mod ci;
mod conformance;
mod demo;
mod deny;
mod docs;
mod node;
mod postgres;
mod project;
mod test;
mod tidy;

use anyhow::Result;
use clap::{Parser, Subcommand};
use project::Project;
use std::process::ExitCode;

/// Everything that is done with the repository of mhero, each with all of its own set-up
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the mhero binary
    Build {
        /// Optimised, as it is installed
        #[arg(long)]
        release: bool,
    },
    /// Build mhero and run its demonstration: a country's health workers reached by SMS, answering, and counted
    Demo {
        /// Arguments of `mhero demo`, such as --once --json
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run all tests, on both stores
    Test {
        /// Arguments of `cargo test`, such as --package store or the name of a test
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Measure the program with its own benchmarks
    Bench {
        /// Arguments of `mhero bench`, such as loop --json --store postgres
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Kill processes at random while messages flow, and compare what phones saw with what the store says
    Chaos(chaos::Args),
    /// Run the flow conformance kit against the binary
    Conformance {
        /// Against the optimised binary
        #[arg(long)]
        release: bool,
    },
    /// Run every check that a change must pass
    Ci,
    /// Check the rules of the repository that the compiler does not know
    Tidy,
    /// Check licences, sources and use of all dependencies
    Deny,
    /// Build the documentation of the code, and the manual where mdbook is installed
    Docs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let project = Project::find()?;
    match command {
        Command::Build { release } => demo::build(&project, release).map(|binary| println!("{}", binary.display())),
        Command::Demo { args } => demo::run(&project, &args),
        Command::Test { args } => test::run(&project, &args).map(|_| ()),
        Command::Bench { args } => bench::run(&project, &args),
        Command::Chaos(args) => chaos::run(&project, &args),
        Command::Conformance { release } => conformance::run(&project, release),
        Command::Ci => ci::run(&project),
        Command::Tidy => tidy::run(&project),
        Command::Deny => deny::run(&project),
        Command::Docs => docs::run(&project),
    }
}
