//! mhero: one binary that puts a ministry of health in two-way contact with its health workers.

mod cli;
mod cmd;
mod config;
mod local;
mod logs;
mod output;
mod runtime;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cmd::run(cli) {
        Ok(code) => code,
        Err(error) => output::fail(&error),
    }
}
