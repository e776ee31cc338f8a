//! `mhero audience`: whom a query means.

use super::Ctx;
use crate::local::{Request, ask};
use crate::output::{Output, Report, or_dash, table, write_table};
use anyhow::Context as _;
use audience::{Definitions, Names};
use base::ContactId;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Find people by cadre, place, skill and what they did
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AudienceCommand {
    /// Check a query and print its normal form
    Parse {
        /// The query, such as: cadre = nurse AND within = "Bong" AND skill ~ obstetric
        query: String,
        /// Read the query with the fields, groups and flows of this file (JSON) in place of the data directory's
        #[arg(long, value_name = "FILE")]
        fields: Option<PathBuf>,
    },
    /// Count the contacts whom a query means
    Count {
        /// The query
        query: String,
    },
    /// List the contacts whom a query means
    List {
        /// The query
        query: String,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}

/// Runs a subcommand.
pub(crate) fn run(ctx: &Ctx, command: AudienceCommand) -> anyhow::Result<ExitCode> {
    match command {
        // Definitions from a file are for programs: they get JSON without asking for it.
        AudienceCommand::Parse { query, fields: Some(file) } => Output::new(true).print(&parse(&query, &file)?)?,
        // Without a data directory there is nothing to resolve names by.
        AudienceCommand::Parse { query, fields: None } if !ctx.data().join(crate::config::FILE).exists() => {
            let environment = audience::Environment::new(jiff::Timestamp::now());
            let parsed = audience::parse(&query, &environment, &audience::NoProject)
                .map_err(|error| anyhow::anyhow!("the query cannot be used:\n{}", error.render(&query)))?;
            ctx.out.print(&Parsed { query: parsed.to_string() })?;
        }
        AudienceCommand::Parse { query, fields: None } => {
            ctx.out.print(&ask::<Parsed>(ctx, Request::AudienceParse { query })?)?;
        }
        AudienceCommand::Count { query } => ctx.out.print(&ask::<Counted>(ctx, Request::AudienceCount { query })?)?,
        AudienceCommand::List { query, limit } => {
            ctx.out.print(&ask::<Listed>(ctx, Request::AudienceList { query, limit })?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(query: &str, file: &PathBuf) -> anyhow::Result<Parsed> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let definitions: Definitions =
        serde_json::from_str(&text).with_context(|| format!("{} cannot be read", file.display()))?;
    let environment = definitions.environment.environment(jiff::Timestamp::now(), jiff::tz::TimeZone::UTC);
    let names: Names = definitions.names();
    let parsed = audience::parse(query, &environment, &names)
        .map_err(|error| anyhow::anyhow!("the query cannot be used:\n{}", error.render(query)))?;
    Ok(Parsed { query: parsed.to_string() })
}

#[derive(Serialize, Deserialize)]
struct Parsed {
    query: String,
}

impl Report for Parsed {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        writeln!(to, "{}", self.query)
    }
}

#[derive(Serialize, Deserialize)]
struct Counted {
    query: String,
    count: usize,
}

impl Report for Counted {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        writeln!(to, "{}  ({})", self.count, self.query)
    }
}

#[derive(Serialize, Deserialize)]
struct Listed {
    query: String,
    count: usize,
    contacts: Vec<Person>,
}

#[derive(Serialize, Deserialize)]
struct Person {
    contact: ContactId,
    name: Option<String>,
    urns: Vec<String>,
    cadre: String,
    place: String,
    facility: Option<String>,
    status: String,
}

impl Report for Listed {
    fn text(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut rows = table(["NAME", "CADRE", "FACILITY", "PLACE", "PHONE", "STATUS"]);
        for contact in &self.contacts {
            let phone = contact.urns.first().map_or("-", |urn| urn.split_once(':').map_or(urn, |(_, path)| path));
            rows.add_row([
                contact.name.as_deref().unwrap_or("-"),
                or_dash(&contact.cadre),
                contact.facility.as_deref().unwrap_or("-"),
                or_dash(&contact.place),
                phone,
                &contact.status,
            ]);
        }
        if !self.contacts.is_empty() {
            write_table(&rows, to)?;
        }
        writeln!(to, "{} of {}  ({})", self.contacts.len(), self.count, self.query)
    }
}
