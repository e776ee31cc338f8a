//! `mhero flow import` and `mhero flow list`: the flows of the store.

use super::Ctx;
use crate::local::{Request, ask};
use crate::output::{Report, moment, table, write_table};
use crate::runtime;
use anyhow::Context as _;
use app::flows::Imported;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Imports a file of flows.
pub(crate) fn import(ctx: &Ctx, file: &Path) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let imported: Vec<Imported> =
        ask(ctx, Request::ImportFlows { text }).with_context(|| format!("{}", file.display()))?;
    ctx.out.print(&Import(imported))?;
    Ok(ExitCode::SUCCESS)
}

/// Lists the flows.
pub(crate) fn list(ctx: &Ctx) -> anyhow::Result<ExitCode> {
    let zone = runtime::settings(&ctx.config()?)?.timezone;
    ctx.out.print(&Flows { flows: ask(ctx, Request::Flows)?, zone })?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Import(Vec<Imported>);

impl Report for Import {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(to, "the file has no flows");
        }
        for flow in &self.0 {
            let keywords = match flow.keywords.as_slice() {
                [] => String::new(),
                words => format!(", started by the word {}", words.join(" or ")),
            };
            writeln!(to, "{}: {}{keywords}", flow.name, flow.result)?;
            for note in &flow.notes {
                writeln!(to, "  {note}")?;
            }
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Flow {
    uuid: uuid::Uuid,
    name: String,
    r#type: String,
    revision: i64,
    modified_on: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Flows {
    flows: Vec<Flow>,
    #[serde(skip)]
    zone: TimeZone,
}

impl Report for Flows {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        if self.flows.is_empty() {
            return writeln!(to, "no flows; import some with: mhero flow import FILE");
        }
        let mut rows = table(["NAME", "TYPE", "REVISION", "CHANGED", "ID"]);
        for flow in &self.flows {
            let (revision, uuid) = (flow.revision.to_string(), flow.uuid.to_string());
            let changed = flow.modified_on.parse::<jiff::Timestamp>();
            let changed = changed.map_or(flow.modified_on.clone(), |at| moment(at.into(), &self.zone));
            rows.add_row([flow.name.as_str(), &flow.r#type, &revision, &changed, &uuid]);
        }
        write_table(&rows, to)
    }
}
