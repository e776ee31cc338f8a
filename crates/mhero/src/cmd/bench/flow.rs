//! `mhero bench flow`: conversations and templates per second of CPU time, without any store.
//!
//! One conversation is a start and a resume; between them the session is written as JSON and read back, as a host does
//! that stores it. Before anything is measured, the JSON is compared with what `mhero flow replay` prints.

use crate::cmd::Ctx;
use crate::output::{Report, table, write_table};
use anyhow::{Context as _, bail, ensure};
use flow::Assets;
use flow::engine::Evaluator;
use flow::expression::Template;
use flow::simulate::sample::{Size, sample};
use flow::simulate::{Case, Prepared};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::hint::black_box;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// Templates for any conversation, from plain to costly.
const TEMPLATES: [&str; 6] = [
    "Hello @contact.first_name",
    "@input.text",
    "Dear @contact.name, you are in @(count(contact.groups)) groups and write @contact.language",
    "@(if(contact.name = \"\", \"friend\", upper(contact.name)))",
    "@(format_date(today(), \"DD-MM-YYYY\")) @(10 * 3 + text_length(contact.name))",
    "@(join(foreach(contact.groups, extract, \"name\"), \", \")) @results",
];

/// Arguments of `mhero bench flow`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Flows, channels, fields and so on; a conversation of our own if not given
    #[arg(long, value_name = "FILE", requires = "case")]
    assets: Option<PathBuf>,

    /// Contact, trigger, resumes and webhook answers, as `mhero flow replay` takes them
    #[arg(long, value_name = "FILE", requires = "assets")]
    case: Option<PathBuf>,

    /// What there is much of around our own conversation
    #[arg(long, value_enum, conflicts_with = "assets")]
    shape: Option<Shape>,

    /// How much: 2000 nodes, 200 fields or 1000 groups if not given
    #[arg(long, requires = "shape")]
    size: Option<usize>,

    /// How long to measure each figure, in seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
}

/// What there is much of.
#[derive(Clone, Copy, Debug, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    /// Nodes, in flows of at most 1,000
    Nodes,
    /// Fields of the contact
    Fields,
    /// Groups, three in ten of them smart
    Groups,
}

/// What was measured of one template.
#[derive(Debug, Serialize)]
struct MeasuredTemplate {
    template: String,
    cold_per_cpu_second: f64,
    compiled_per_cpu_second: f64,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Measured {
    start_per_cpu_second: f64,
    /// None when the conversation never waits.
    start_resume_per_cpu_second: Option<f64>,
    /// All templates together: their number by the time they take.
    template_cold_per_cpu_second: f64,
    template_compiled_per_cpu_second: f64,
    /// Of start and resume, the session's JSON included; none without the program that counts them.
    allocations_per_sprint: Option<f64>,
    bytes_per_sprint: Option<f64>,
    session_bytes: usize,
    /// Reading and compiling the assets.
    read_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<Shape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
    templates: Vec<MeasuredTemplate>,
}

impl Report for Measured {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut rows = table(["PER SECOND OF CPU", "COLD", "COMPILED"]);
        for measured in &self.templates {
            let rate = |rate: f64| format!("{rate:.0}");
            let (cold, compiled) = (rate(measured.cold_per_cpu_second), rate(measured.compiled_per_cpu_second));
            rows.add_row([measured.template.clone(), cold, compiled]);
        }
        write_table(&rows, to)?;
        writeln!(to, "{:.0} starts", self.start_per_cpu_second)?;
        if let Some(rate) = self.start_resume_per_cpu_second {
            writeln!(
                to,
                "{rate:.0} starts with a resume, the session as {} bytes of JSON between",
                self.session_bytes
            )?;
        }
        if let (Some(allocations), Some(bytes)) = (self.allocations_per_sprint, self.bytes_per_sprint) {
            writeln!(to, "{allocations:.0} allocations and {bytes:.0} bytes for each of them")?;
        }
        writeln!(to, "{:.1} ms to read and compile what they run on", self.read_ms)
    }
}

/// CPU time of this thread, in seconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// How often something is done per second of CPU time.
fn rate(seconds: f64, mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let warm_up = Instant::now();
    let mut batch = 0_u64;
    while batch < 20 || warm_up.elapsed().as_secs_f64() < seconds / 10.0 {
        work()?;
        batch += 1;
    }
    let batch = batch.min(1_000);
    let (began, mut done) = (cpu(), 0);
    loop {
        for _ in 0..batch {
            work()?;
        }
        done += batch;
        let spent = cpu() - began;
        if spent >= seconds {
            return Ok(done as f64 / spent);
        }
    }
}

/// Runs the benchmark.
pub(crate) fn run(ctx: &Ctx, args: &Args) -> anyhow::Result<ExitCode> {
    ensure!(args.seconds > 0.0, "--seconds must be more than 0");
    let size = size(args);
    let began = cpu();
    let (assets, case) = match (&args.assets, &args.case) {
        (Some(assets), Some(case)) => {
            let read = |path: &PathBuf| {
                std::fs::read_to_string(path).with_context(|| format!("unable to read {}", path.display()))
            };
            (Assets::read(&serde_json::from_str(&read(assets)?)?)?, Case::read(&read(case)?)?)
        }
        _ => sample(size)?,
    };
    let prepared = case.prepare(&assets)?;
    let session_bytes = verify(&assets, &case, &prepared)?;
    let read_ms = (cpu() - began) * 1_000.0;

    // Services are copied beforehand only where they hold answers, which are used up; mostly there is nothing to copy.
    let services = prepared.services();
    let start_per_cpu_second = rate(args.seconds, || {
        black_box(prepared.start(&mut services.clone())?);
        Ok(())
    })?;
    let trips = || {
        rate(args.seconds, || {
            black_box(prepared.round_trip(&mut services.clone())?);
            Ok(())
        })
    };
    let start_resume_per_cpu_second = (prepared.resumes() > 0).then(trips).transpose()?;

    let replayed = case.run(&assets)?;
    let mut evaluator = case.evaluator(&assets, &replayed, None);
    let mut templates = Vec::with_capacity(TEMPLATES.len());
    for template in TEMPLATES {
        templates.push(measure_template(&mut evaluator, template, args.seconds / TEMPLATES.len() as f64)?);
    }
    let together = |each: fn(&MeasuredTemplate) -> f64| {
        templates.len() as f64 / templates.iter().map(|t| 1.0 / each(t)).sum::<f64>()
    };
    let sprints = if prepared.resumes() > 0 { 2.0 } else { 1.0 };
    let counted = count_allocations(args, size)?;
    let measured = Measured {
        start_per_cpu_second,
        start_resume_per_cpu_second,
        template_cold_per_cpu_second: together(|t| t.cold_per_cpu_second),
        template_compiled_per_cpu_second: together(|t| t.compiled_per_cpu_second),
        allocations_per_sprint: counted.as_ref().map(|c| c.allocations / sprints),
        bytes_per_sprint: counted.as_ref().map(|c| c.bytes / sprints),
        session_bytes,
        read_ms,
        shape: args.shape,
        size: args.shape.map(|shape| amount(shape, args.size)),
        templates,
    };
    ctx.out.print_line(&measured)?;
    Ok(ExitCode::SUCCESS)
}

fn amount(shape: Shape, size: Option<usize>) -> usize {
    size.unwrap_or(match shape {
        Shape::Nodes => 2_000,
        Shape::Fields => 200,
        Shape::Groups => 1_000,
    })
}

fn size(args: &Args) -> Size {
    let mut size = Size::default();
    if let Some(shape) = args.shape {
        let amount = amount(shape, args.size);
        match shape {
            Shape::Nodes => size.nodes = amount,
            Shape::Fields => size.fields = amount,
            Shape::Groups => size.groups = amount,
        }
    }
    size
}

fn measure_template(evaluator: &mut Evaluator<'_>, source: &str, seconds: f64) -> anyhow::Result<MeasuredTemplate> {
    let cold_per_cpu_second = rate(seconds / 2.0, || {
        black_box(evaluator.text(&Template::parse(black_box(source))));
        Ok(())
    })?;
    let template = Template::parse(source);
    let compiled_per_cpu_second = rate(seconds / 2.0, || {
        black_box(evaluator.text(black_box(&template)));
        Ok(())
    })?;
    Ok(MeasuredTemplate { template: source.to_owned(), cold_per_cpu_second, compiled_per_cpu_second })
}

/// Makes sure that what is measured does what `replay` does: the sessions of the first two sprints, as JSON. Gives the
/// bytes of the session that goes through JSON.
fn verify(assets: &Assets, case: &Case, prepared: &Prepared<'_>) -> anyhow::Result<usize> {
    let replayed = serde_json::to_value(&case.run(assets)?.report)?;
    let mut services = prepared.services();
    let mut sprint = prepared.start(&mut services)?;
    sprint.session.compact();
    let first = sprint.session.to_json();
    let same = |place: usize, json: &str| -> anyhow::Result<()> {
        let session: Value = serde_json::from_str(json)?;
        if replayed["outputs"][place]["session"] != session {
            bail!("the session after sprint {} is not what replay prints", place + 1);
        }
        Ok(())
    };
    same(0, &first)?;
    let mut last = prepared.round_trip(&mut prepared.services())?.session;
    last.compact();
    same(usize::from(prepared.resumes() > 0), &last.to_json())?;
    Ok(first.len())
}

/// What the program that counts allocations prints.
#[derive(Deserialize)]
struct Counted {
    allocations: f64,
    bytes: f64,
}

/// Lets the program beside this one count; none if it isn't there.
fn count_allocations(args: &Args, size: Size) -> anyhow::Result<Option<Counted>> {
    let program = std::env::current_exe()?.with_file_name("mhero-allocations");
    if !program.is_file() {
        return Ok(None);
    }
    let mut command = Command::new(&program);
    match (&args.assets, &args.case) {
        (Some(assets), Some(case)) => command.args([assets, case]),
        _ => command.args([size.nodes, size.fields, size.groups].map(|n| n.to_string())),
    };
    let output = command.output().with_context(|| format!("unable to run {}", program.display()))?;
    ensure!(
        output.status.success(),
        "{} failed: {}",
        program.display(),
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(Some(serde_json::from_slice(&output.stdout)?))
}
