//! Counts what the flow engine allocates, for `mhero bench flow`: a program of its own, because counting makes every
//! allocation slower and the server is not to pay for it.
//!
//! Takes the files of assets and a case, or the numbers of nodes, fields and groups of the sample conversation. Prints
//! `{"allocations": N, "bytes": N}`: those of one start and one resume with the session's JSON between them.

use anyhow::{Context as _, bail};
use flow::simulate::sample::{Size, sample};
use flow::simulate::{Case, Prepared};
use flow::{Assets, simulate::SimulateError};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static COUNTER: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often the conversation is run; what differs from run to run is averaged.
const TIMES: usize = 100;

fn count(prepared: &Prepared<'_>) -> Result<(f64, f64), SimulateError> {
    // What is made once, such as compiled queries, is no part of it.
    prepared.round_trip(&mut prepared.services())?;
    let mut services: Vec<_> = (0..TIMES).map(|_| prepared.services()).collect();
    let region = Region::new(COUNTER);
    for services in &mut services {
        prepared.round_trip(services)?;
    }
    let counted = region.change();
    let each = |total: usize| total as f64 / TIMES as f64;
    Ok((each(counted.allocations + counted.reallocations), each(counted.bytes_allocated)))
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (assets, case) = match arguments.as_slice() {
        [assets, case] => {
            let read = |path: &str| std::fs::read_to_string(path).with_context(|| format!("unable to read {path}"));
            (Assets::read(&serde_json::from_str(&read(assets)?)?)?, Case::read(&read(case)?)?)
        }
        [nodes, fields, groups] => {
            sample(Size { nodes: nodes.parse()?, fields: fields.parse()?, groups: groups.parse()? })?
        }
        _ => bail!("give the files of assets and a case, or three numbers: nodes, fields and groups"),
    };
    let (allocations, bytes) = count(&case.prepare(&assets)?)?;
    println!("{}", serde_json::json!({"allocations": allocations, "bytes": bytes}));
    Ok(())
}
