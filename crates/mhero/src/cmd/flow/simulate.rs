//! A conversation with a flow in the terminal.

use super::{read_assets, read_flows, read_text};
use crate::cmd::Ctx;
use anyhow::{Context as _, anyhow};
use flow::simulate::{Conversation, Reply, ServiceOptions, Services};
use flow::{Assets, Contact, Definition, Environment, EventKind, Stamp};
use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// The arguments of `mhero flow simulate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A definition, or a RapidPro export or FLOIP container with several
    file: PathBuf,
    /// The flow to start when there are several: its name or UUID; the first if not given
    #[arg(long)]
    flow: Option<String>,
    /// Channels, fields, groups and so on
    #[arg(long, value_name = "FILE")]
    assets: Option<PathBuf>,
    /// The contact, as JSON
    #[arg(long, value_name = "FILE")]
    contact: Option<PathBuf>,
    /// The contact's language (ISO 639-3)
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// Write the conversation to a file, for mhero flow replay
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Seed of ids and chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The time, as 2026-01-31T08:00:00Z; that of the machine if not given
    #[arg(long, value_name = "TIME")]
    now: Option<jiff::Timestamp>,
}

const HELP: &str = "\
:contact   show the contact        :results   show what was recorded
:timeout   let the wait time out   :expire    let the run expire
:quit      end                     anything else is a reply";

fn assets_with_flows(args: &Args) -> anyhow::Result<(Assets, Vec<Arc<Definition>>)> {
    let source = read_flows(&args.file)?;
    let assets = args.assets.as_deref().map(read_assets).transpose()?.unwrap_or_default();
    let flows = if source.get("flows").is_some() {
        let export =
            flow::export::read(source.to_string().as_bytes()).map_err(|e| anyhow!("{}: {e}", args.file.display()))?;
        let assets = if args.assets.is_none() { export.assets()? } else { assets };
        let flows: Vec<Arc<Definition>> = export.flows.into_iter().map(|f| f.definition).collect();
        return Ok((assets.with_flows(flows.iter().cloned()), flows));
    } else {
        vec![Arc::new(Definition::read(&source).map_err(|e| anyhow!("{}: {e}", args.file.display()))?)]
    };
    Ok((assets.with_flows(flows.iter().cloned()), flows))
}

pub(super) fn run(ctx: &Ctx, args: Args) -> anyhow::Result<ExitCode> {
    let (assets, flows) = assets_with_flows(&args)?;
    let chosen = match &args.flow {
        None => flows.first(),
        Some(wanted) => flows.iter().find(|f| f.name() == wanted || f.uuid().to_string() == *wanted),
    };
    let flow = chosen.ok_or_else(|| {
        let names: Vec<&str> = flows.iter().map(|f| f.name()).collect();
        anyhow!("no such flow; there are: {}", names.join(", "))
    })?;
    let clock = args.now;
    let now = || clock.unwrap_or_else(jiff::Timestamp::now);
    let mut contact = match &args.contact {
        Some(path) => serde_json::from_str::<Contact>(&read_text(path)?)
            .with_context(|| format!("{} is no contact", path.display()))?,
        None => flow::simulate::sample_contact(Stamp::utc(now())),
    };
    let mut environment = Environment { default_country: Some("LR".to_owned()), ..Environment::default() };
    environment.allowed_languages = std::iter::once(flow.language().to_owned())
        .chain(flow.languages().filter(|l| *l != flow.language()).map(str::to_owned))
        .collect();
    if let Some(language) = args.language {
        contact.language = language;
    }
    contact.drop_missing(&assets);
    let mut services = Services::new(&ServiceOptions::default(), std::collections::BTreeMap::new());
    services.lenient = true;
    let engine = services.engine();
    let mut conversation = Conversation::new(engine, assets, environment, contact, args.seed);
    let json = ctx.out.is_json();
    let mut answer = |request| services.answer(request);
    let mut events = conversation.start(flow, now(), &mut answer)?;
    let prompt = io::stdin().is_terminal() && !json;
    let mut out = io::stdout();
    if prompt {
        writeln!(out, "{} (:help for commands)", flow.name())?;
    }
    let mut lines = io::stdin().lock().lines();
    loop {
        for event in &events {
            show(&mut out, event, json)?;
        }
        if let Some(record) = &args.record {
            let text = serde_json::to_string_pretty(conversation.recorded())?;
            std::fs::write(record, text + "\n").with_context(|| format!("unable to write {}", record.display()))?;
        }
        events = Vec::new();
        if !conversation.is_waiting() {
            if !json {
                writeln!(out, "-- the conversation has ended")?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        if prompt {
            write!(out, "> ")?;
            out.flush()?;
        }
        let Some(line) = lines.next() else { return Ok(ExitCode::SUCCESS) };
        let line = line?;
        let reply = match line.trim() {
            ":quit" => return Ok(ExitCode::SUCCESS),
            ":help" => {
                writeln!(out, "{HELP}")?;
                continue;
            }
            ":contact" => {
                writeln!(out, "{}", serde_json::to_string_pretty(conversation.contact())?)?;
                continue;
            }
            ":results" => {
                for (name, result) in conversation.results() {
                    writeln!(out, "{name}: {} ({})", result.value, result.category)?;
                }
                continue;
            }
            ":timeout" => Reply::Timeout,
            ":expire" => Reply::Expire,
            text if text.starts_with(':') => {
                writeln!(out, "unknown command {text}\n{HELP}")?;
                continue;
            }
            _ => Reply::Text(line),
        };
        match conversation.reply(reply, now(), &mut answer) {
            Ok(new) => events = new,
            Err(problem) => writeln!(out, "-- {problem}")?,
        }
    }
}

fn show(out: &mut impl Write, event: &flow::Event, json: bool) -> io::Result<()> {
    if json {
        return writeln!(out, "{}", serde_json::to_string(event).unwrap_or_default());
    }
    match &event.kind {
        EventKind::MsgCreated { msg } | EventKind::IvrCreated { msg } => {
            writeln!(out, "< {}", msg.text)?;
            for attachment in &msg.attachments {
                writeln!(out, "  [{attachment}]")?;
            }
            if !msg.quick_replies.is_empty() {
                let texts: Vec<&str> = msg.quick_replies.iter().map(|q| q.text.as_str()).collect();
                writeln!(out, "  [{}]", texts.join("] ["))?;
            }
            Ok(())
        }
        EventKind::RunResultChanged { name, value, category, .. } => writeln!(out, "-- {name} = {value} ({category})"),
        EventKind::Error { text, .. } => writeln!(out, "-- error: {text}"),
        EventKind::Warning { text, .. } => writeln!(out, "-- warning: {text}"),
        EventKind::Failure { text } => writeln!(out, "-- failure: {text}"),
        EventKind::WebhookCalled { url, status, .. } => writeln!(out, "-- webhook {url}: {status} (simulated)"),
        _ => Ok(()),
    }
}
