//! `mhero bench audience`: how fast an audience is counted and paged through while somebody types. The columns in memory
//! answer, as they do in a server; they are loaded from the store once, which is told apart.

use crate::cmd::{Ctx, block_on};
use crate::config;
use crate::output::{Report, progress, table, write_table};
use crate::runtime;
use anyhow::{Context as _, ensure};
use serde::Serialize;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;
use store::audience::Index;

/// Name and query of what is measured.
const QUERIES: [(&str, &str); 5] = [
    ("cadre_within", "cadre = nurse AND within = \"County 3\""),
    ("skill_contains", "skill ~ obstetric"),
    ("nested_or_not", "(cadre = nurse OR skill ~ surgery) AND within != \"County 3\" AND language != fra"),
    ("last_seen", "last_seen_on > \"100 days ago\""),
    ("smart_group", "group = Sample"),
];
/// How often each is asked; the median counts.
const TIMES: usize = 21;
/// How long a page is.
const PAGE: usize = 50;

/// Arguments of `mhero bench audience`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many workers there are
    #[arg(long, default_value_t = 1_000_000)]
    workers: u64,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Measured {
    count_ms: BTreeMap<&'static str, f64>,
    page_ms: BTreeMap<&'static str, f64>,
    counts: BTreeMap<&'static str, u64>,
    workers: u64,
    store: &'static str,
    fill_seconds: f64,
    load_seconds: f64,
    index_mb: usize,
}

impl Report for Measured {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut rows = table(["QUERY", "CONTACTS", "COUNT ms", "PAGE ms"]);
        for (name, count) in &self.counts {
            let ms = |of: &BTreeMap<&str, f64>| of.get(name).map_or_else(String::new, |ms| format!("{ms:.2}"));
            rows.add_row([(*name).to_owned(), count.to_string(), ms(&self.count_ms), ms(&self.page_ms)]);
        }
        write_table(&rows, to)?;
        writeln!(
            to,
            "{} workers on {}; the columns were loaded in {:.1} s and take {} MB",
            self.workers, self.store, self.load_seconds, self.index_mb
        )
    }
}

/// Runs the benchmark.
pub(crate) fn run(ctx: &Ctx, args: &Args) -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("mhero-bench-").tempdir_in(std::env::current_dir()?)?;
    let measured = block_on(async {
        std::fs::write(folder.path().join(config::FILE), "region = \"LR\"\n")?;
        let mut configured = config::load(folder.path(), &BTreeMap::new())?;
        if let Some(store) = ctx.global.store {
            configured.store = store;
        }
        configured.postgres.url = ctx.global.postgres.clone().map(base::Secret::new);
        let store = runtime::open_store(&configured, folder.path()).await?;
        let kind = if matches!(store, store::Store::Sqlite(_)) { "sqlite" } else { "postgres" };
        let app = runtime::app(store, runtime::settings(&configured)?)?;
        let bar = progress(args.workers, "writing workers");
        let began = Instant::now();
        app.store.fill_with_samples(args.workers, 1, app.now(), |done| bar.set_position(done)).await?;
        let fill_seconds = began.elapsed().as_secs_f64();
        bar.finish_and_clear();
        let began = Instant::now();
        let index = Index::load(&app.store, app.now()).await?;
        let load_seconds = began.elapsed().as_secs_f64();
        ensure!(index.len() == args.workers, "{} of {} workers are in the columns", index.len(), args.workers);
        let mut measured = Measured {
            count_ms: BTreeMap::new(),
            page_ms: BTreeMap::new(),
            counts: BTreeMap::new(),
            workers: args.workers,
            store: kind,
            fill_seconds,
            load_seconds,
            index_mb: index.memory() / 1_000_000,
        };
        for (name, query) in QUERIES {
            let audience = app.audience(query).await?;
            let count = index.count(&audience.compiled).context("the columns cannot answer")?;
            measured.counts.insert(name, count);
            measured.count_ms.insert(name, median(|| _ = black_box(index.count(&audience.compiled))));
            measured.page_ms.insert(name, median(|| _ = black_box(index.page(&audience.compiled, None, PAGE))));
        }
        app.store.close().await;
        Ok(measured)
    })?;
    ctx.out.print_line(&measured)?;
    Ok(ExitCode::SUCCESS)
}

/// The median time of a question in milliseconds, once it is warm.
fn median(mut ask: impl FnMut()) -> f64 {
    ask();
    let mut times: Vec<f64> = (0..TIMES)
        .map(|_| {
            let began = Instant::now();
            ask();
            began.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[TIMES / 2]
}
