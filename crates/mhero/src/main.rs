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

/// The conversation loop makes and drops many small values on several threads, at which this allocator is much better
/// than the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cmd::run(cli) {
        Ok(code) => code,
        Err(error) => output::fail(&error),
    }
}
