//! Configuration: `mhero.toml` in the data directory, every key also as `MHERO_*` in the environment.
//!
//! The environment wins over the file and the command line over both. A file with an unknown key is refused with the
//! line and the nearest known key; an unknown `MHERO_*` variable is a warning only, because platforms put variables of
//! their own there (Kubernetes names some after a service called `mhero`).

mod keys;

use anyhow::{Context as _, bail};
use base::Secret;
use base::optout::{Wish, Words};
use gateway::smpp;
use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::{DeTable, DeValue};

use crate::cli::StoreKind;
use crate::output::Hint as _;
pub(crate) use keys::{CHANNEL_KEYS, KEYS, Key, Kind};

/// The name of the file in the data directory.
pub(crate) const FILE: &str = "mhero.toml";

/// How the names of our variables start.
const PREFIX: &str = "MHERO_";

/// Variables with our prefix that are no configuration keys.
const OTHER_VARIABLES: &[&str] = &["MHERO_DATA", "MHERO_TEST_POSTGRES"];

/// The whole configuration, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Where local phone numbers belong: ISO 3166-1 alpha-2.
    pub(crate) region: Option<String>,
    pub(crate) store: StoreKind,
    pub(crate) ministry: Ministry,
    pub(crate) http: Http,
    pub(crate) postgres: Postgres,
    pub(crate) log: Log,
    pub(crate) gate: Gate,
    pub(crate) backup: Backup,
    pub(crate) channels: Vec<Channel>,
    /// What is odd but no error: said by `doctor` and at the start of `serve`.
    #[serde(skip)]
    pub(crate) warnings: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: None,
            store: StoreKind::Sqlite,
            ministry: Ministry::default(),
            http: Http::default(),
            postgres: Postgres::default(),
            log: Log::default(),
            gate: Gate::default(),
            backup: Backup::default(),
            channels: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// Whose system this is.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Ministry {
    pub(crate) name: String,
    /// ISO 639-3, the default first.
    pub(crate) languages: Vec<String>,
    /// IANA name; UTC when `None`.
    pub(crate) timezone: Option<String>,
}

impl Default for Ministry {
    fn default() -> Self {
        Self { name: "Ministry of Health".into(), languages: vec!["eng".into()], timezone: None }
    }
}

/// The web server.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    pub(crate) listen: SocketAddr,
    pub(crate) body_limit_kb: u32,
    pub(crate) timeout_seconds: u32,
    /// A file, relative to the data directory.
    pub(crate) metrics_token_file: Option<PathBuf>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            body_limit_kb: 1024,
            timeout_seconds: 30,
            metrics_token_file: None,
        }
    }
}

/// The PostgreSQL server, where the store is one.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Postgres {
    pub(crate) url: Option<Secret<String>>,
    pub(crate) url_file: Option<PathBuf>,
    pub(crate) connections: u16,
}

impl Default for Postgres {
    fn default() -> Self {
        Self { url: None, url_file: None, connections: 12 }
    }
}

/// What the log looks like.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    /// A level, or directives as [`tracing_subscriber::EnvFilter`] reads them.
    pub(crate) level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".into() }
    }
}

/// For people or for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The conditions that a message passes on its way out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Gate {
    pub(crate) quiet_hours: QuietHours,
    /// Calling codes, such as `231`; all countries when empty.
    pub(crate) countries: Vec<String>,
    pub(crate) per_contact_cap: Cap,
    pub(crate) opt_out: OptOut,
}

/// When messages that nobody waits for stay in; off unless both ends are set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct QuietHours {
    pub(crate) from: Option<TimeOfDay>,
    pub(crate) to: Option<TimeOfDay>,
    /// IANA name; the ministry's when `None`.
    pub(crate) timezone: Option<String>,
}

/// A time of the day, read from `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeOfDay(pub(crate) jiff::civil::Time);

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        jiff::civil::Time::strptime("%H:%M", &text)
            .map(Self)
            .map_err(|_| serde::de::Error::custom(format!("\"{text}\" is no time of the day: write it as \"21:00\"")))
    }
}

/// The most messages per contact; none unless both are set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cap {
    pub(crate) messages: Option<u32>,
    pub(crate) per: Option<Period>,
}

/// A length of time, read from `30m`, `24h`, `7d`; a day has 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period(pub(crate) Duration);

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse::<jiff::Span>()
            .and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()))
            .ok()
            .and_then(|length| Duration::try_from(length).ok())
            .filter(|length| !length.is_zero())
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("\"{text}\" is no length of time: write 30m, 24h or 7d")))
    }
}

/// Opt-out words.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OptOut {
    pub(crate) enabled: bool,
    /// Words that stop, beside the built-in ones.
    pub(crate) added: Vec<String>,
    /// Built-in words that shall not count.
    pub(crate) removed: Vec<String>,
    /// Words that start again, beside the built-in ones.
    pub(crate) start_added: Vec<String>,
}

impl Default for OptOut {
    fn default() -> Self {
        Self { enabled: true, added: Vec::new(), removed: Vec::new(), start_added: Vec::new() }
    }
}

impl OptOut {
    /// The words that messages are compared with.
    pub(crate) fn words(&self) -> Words {
        if !self.enabled {
            return Words::none();
        }
        let words = self.removed.iter().fold(Words::default(), |words, word| words.without(word));
        let words = self.added.iter().fold(words, |words, word| words.with(word, Wish::OptOut));
        self.start_added.iter().fold(words, |words, word| words.with(word, Wish::OptIn))
    }
}

/// Where backups go.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Backup {
    /// Relative to the data directory.
    pub(crate) folder: PathBuf,
    /// 0: `doctor` does not look.
    pub(crate) every_hours: u32,
}

impl Default for Backup {
    fn default() -> Self {
        Self { folder: "backups".into(), every_hours: 24 }
    }
}

/// A way in and out.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) tariff: Option<Tariff>,
    pub(crate) kind: ChannelKind,
}

/// What a channel is, with its own settings.
#[derive(Debug, Clone)]
pub(crate) enum ChannelKind {
    /// A direct connection to an operator (SMPP 3.4).
    Smpp(Box<smpp::Config>),
}

impl<'de> Deserialize<'de> for Channel {
    /// The keys that every channel has are taken out; the kind reads the rest, and knows what it does not know.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Kind {
            Smpp,
        }
        #[derive(Deserialize)]
        struct Common {
            name: String,
            kind: Kind,
            tariff: Option<Tariff>,
            #[serde(flatten)]
            settings: toml::Table,
        }
        let Common { name, kind: Kind::Smpp, tariff, settings } = Common::deserialize(from)?;
        let settings = settings.try_into::<smpp::Config>().map_err(|error| {
            let message = error.message().lines().next().unwrap_or_default().trim().to_owned();
            serde::de::Error::custom(format!("the channel \"{name}\": {message}"))
        })?;
        Ok(Self { name, tariff, kind: ChannelKind::Smpp(Box::new(settings)) })
    }
}

/// What a message costs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tariff {
    /// A decimal number, kept as text so that nothing is rounded.
    pub(crate) per_segment: String,
    /// ISO 4217.
    pub(crate) currency: String,
}

/// The variables of this process that start with `MHERO_`.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

/// Reads the configuration of a data directory, and `environment` over it.
pub(crate) fn load(data: &Path, environment: &BTreeMap<String, String>) -> anyhow::Result<Config> {
    let path = data.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(anyhow::anyhow!("{} is no data directory: it has no {FILE}", data.display()))
                .hint("make one with `mhero init DIR`, or name another with --data DIR or MHERO_DATA");
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let mut config = parse(&text, data, environment).with_context(|| format!("{}", path.display()))?;
    config.resolve(data)?;
    Ok(config)
}

/// Reads a configuration text, and `environment` (names that start with [`PREFIX`]) over it, and checks it. Files that
/// it names are looked for in `data`.
pub(crate) fn parse(text: &str, data: &Path, environment: &BTreeMap<String, String>) -> anyhow::Result<Config> {
    let file = match DeTable::parse(text) {
        Ok(file) => file,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            // The key alone: the value may be a secret.
            let source = text.lines().nth(line - 1).unwrap_or_default();
            let key = source.split_once('=').map_or("", |(key, _)| key).trim();
            let at = if key.is_empty() { String::new() } else { format!(" at {key}") };
            bail!("line {line}: {}{at}", error.message().trim_end());
        }
    };
    let unknown = unknown_keys(text, file.get_ref());
    if !unknown.is_empty() {
        bail!("{}", unknown.join("; "));
    }
    let mut table: toml::Table = toml::from_str(text)?;
    let warnings = overlay(&mut table, environment)?;
    read_passwords(&mut table, data)?;
    let mut config: Config =
        serde_path_to_error::deserialize(toml::Value::Table(table).into_deserializer()).map_err(|error| {
            let path = error.path().to_string();
            let message = error.inner().message().trim_end().to_owned();
            match span_of(file.get_ref(), &path) {
                Some(at) => anyhow::anyhow!("line {}: {path}: {message}", line_of(text, at)),
                None => anyhow::anyhow!("{path}: {message}"),
            }
        })?;
    config.warnings = warnings;
    let problems = config.problems();
    if !problems.is_empty() {
        bail!("{}", problems.join("; "));
    }
    Ok(config)
}

/// The number of the line that byte `at` is in, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

/// Every key of the file that is not ours, as `line 7: unknown key "gate.quite_hours": did you mean ...?`.
fn unknown_keys(text: &str, file: &DeTable<'_>) -> Vec<String> {
    let mut found = Vec::new();
    walk(file, "", &mut |path, at, leaf| {
        // What a channel's kind knows is checked by that kind.
        if path == "channels" || path.starts_with("channels.") {
            return;
        }
        let known = KEYS.iter().any(|key| {
            key.path == path || (!leaf && key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
        });
        let parent_known = path.rsplit_once('.').is_none_or(|(parent, _)| is_section(parent));
        if !known && parent_known {
            let mut message = format!("line {}: unknown key \"{path}\"", line_of(text, at));
            if let Some(near) = nearest(path, KEYS.iter().flat_map(|key| prefixes(key.path)).chain(["channels"])) {
                let _ = write!(message, ": did you mean \"{near}\"?");
            }
            found.push(message);
        }
    });
    found
}

/// Whether `path` is a table that has known keys.
fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// `a`, `a.b` and `a.b.c` of `a.b.c`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('.').map(|(at, _)| &path[..at]).chain([path])
}

/// The known name that is closest to what was written, if any is close.
fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| {
            // The last word alone may be right, under a forgotten section.
            let last = name.rsplit('.').next().unwrap_or(name);
            (strsim::jaro_winkler(written, name).max(strsim::jaro_winkler(written, last) * 0.97), name)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Calls `visit(path, byte offset, is no table)` for every key of a table, outermost first.
fn walk(table: &DeTable<'_>, prefix: &str, visit: &mut impl FnMut(&str, usize, bool)) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
        let inner = value.get_ref().as_table();
        visit(&path, key.span().start, inner.is_none());
        if let Some(inner) = inner {
            walk(inner, &path, visit);
        }
    }
}

/// Where the value is that a path of `serde_path_to_error` (`channels[0].kind`) names; the innermost part of the path
/// that the file has.
fn span_of(file: &DeTable<'_>, path: &str) -> Option<usize> {
    let mut at = None;
    let mut table = file;
    let mut array = None;
    for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
        let value = match array.take() {
            Some(items) => {
                let items: &toml::de::DeArray<'_> = items;
                items.get(step.parse::<usize>().ok()?)
            }
            None => table.iter().find(|(key, _)| key.get_ref() == step).map(|(key, value)| {
                at = Some(key.span().start);
                value
            }),
        };
        match value.map(|value| (value.span().start, value.get_ref())) {
            Some((_, DeValue::Table(inner))) => table = inner,
            Some((start, DeValue::Array(items))) => {
                at = at.or(Some(start));
                array = Some(items);
            }
            _ => break,
        }
    }
    at
}

/// Puts the values of the environment over those of the file; what the environment has beside our keys is returned as
/// warnings.
fn overlay(table: &mut toml::Table, environment: &BTreeMap<String, String>) -> anyhow::Result<Vec<String>> {
    let mut warnings = Vec::new();
    let names: Vec<String> = KEYS.iter().map(Key::variable).collect();
    for (name, value) in environment {
        if let Some(at) = names.iter().position(|known| known == name) {
            let value = from_variable(KEYS[at].kind, value).with_context(|| name.clone())?;
            set(table, KEYS[at].path, value);
        } else if channel_variable(table, name, value)? || OTHER_VARIABLES.contains(&name.as_str()) {
        } else if let Some(near) = nearest(&name[PREFIX.len()..], names.iter().map(|known| &known[PREFIX.len()..])) {
            warnings.push(format!("the variable {name} is no configuration key: did you mean {PREFIX}{near}?"));
        } else {
            warnings.push(format!("the variable {name} is no configuration key"));
        }
    }
    Ok(warnings)
}

/// Sets a key of a channel from `MHERO_CHANNELS_<NAME>_<KEY>`; false if the variable names no channel of the file.
fn channel_variable(table: &mut toml::Table, variable: &str, value: &str) -> anyhow::Result<bool> {
    let Some(rest) = variable.strip_prefix("MHERO_CHANNELS_") else { return Ok(false) };
    let Some(toml::Value::Array(channels)) = table.get_mut("channels") else { return Ok(false) };
    for channel in channels.iter_mut().filter_map(toml::Value::as_table_mut) {
        let Some(name) = channel.get("name").and_then(toml::Value::as_str) else { continue };
        let name: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        let Some(key) = rest.strip_prefix(&name).and_then(|rest| rest.strip_prefix('_')) else { continue };
        let key = key.to_lowercase();
        let (path, kind) = match CHANNEL_KEYS.iter().find(|known| known.path.replace('.', "_") == key) {
            Some(known) => (known.path, known.kind),
            None => (key.as_str(), kind_of_setting(&key)),
        };
        let value = from_variable(kind, value).with_context(|| variable.to_owned())?;
        set(channel, path, value);
        return Ok(true);
    }
    Ok(false)
}

/// The kind of value that a channel's own key takes, as its default shows.
fn kind_of_setting(key: &str) -> Kind {
    let defaults = toml::Table::try_from(smpp::Config::default()).unwrap_or_default();
    match defaults.get(key) {
        Some(toml::Value::Boolean(_)) => Kind::Bool,
        Some(toml::Value::String(_)) => Kind::Text,
        // What has no default is a number of something per second or of seconds.
        _ => Kind::Number,
    }
}

/// Puts the content of every channel's `password_file` in the place of its password.
fn read_passwords(table: &mut toml::Table, data: &Path) -> anyhow::Result<()> {
    let Some(toml::Value::Array(channels)) = table.get_mut("channels") else { return Ok(()) };
    for channel in channels.iter_mut().filter_map(toml::Value::as_table_mut) {
        if let Some(file) = channel.remove("password_file") {
            let path = data.join(file.as_str().context("channels.password_file: a path is expected")?);
            let password = read_secret(&path).context("channels.password_file")?;
            channel.insert("password".into(), toml::Value::String(password.expose().clone()));
        }
    }
    Ok(())
}

/// A variable's text as a value of its key.
fn from_variable(kind: Kind, text: &str) -> anyhow::Result<toml::Value> {
    Ok(match kind {
        Kind::Text => toml::Value::String(text.to_owned()),
        Kind::Number => match text.trim().parse() {
            Ok(number) => toml::Value::Integer(number),
            Err(_) => bail!("not a whole number"),
        },
        Kind::Bool => match text.trim() {
            "true" | "1" | "yes" | "on" => toml::Value::Boolean(true),
            "false" | "0" | "no" | "off" => toml::Value::Boolean(false),
            _ => bail!("neither true nor false"),
        },
        Kind::List => toml::Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| toml::Value::String(item.to_owned()))
                .collect(),
        ),
    })
}

/// Sets the value at a dotted path, making the tables on the way.
fn set(table: &mut toml::Table, path: &str, value: toml::Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let toml::Value::Table(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

impl Config {
    /// Makes paths relative to the data directory absolute in it, and reads the files that hold secrets.
    fn resolve(&mut self, data: &Path) -> anyhow::Result<()> {
        self.backup.folder = data.join(&self.backup.folder);
        self.http.metrics_token_file = self.http.metrics_token_file.as_ref().map(|file| data.join(file));
        if let Some(file) = &self.postgres.url_file {
            self.postgres.url = Some(read_secret(&data.join(file)).context("postgres.url_file")?);
        }
        Ok(())
    }

    /// The token that opens `/metrics` to other machines.
    pub(crate) fn metrics_token(&self) -> anyhow::Result<Option<Secret<String>>> {
        self.http.metrics_token_file.as_deref().map(read_secret).transpose().context("http.metrics_token_file")
    }

    /// What is wrong with the values, each as `key: what: remedy`.
    fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut check = |ok: bool, message: &dyn Fn() -> String| {
            if !ok {
                found.push(message());
            }
        };
        check(self.region.as_deref().is_none_or(base::phone::is_region), &|| {
            "region: the two letters of a country are expected, such as \"LR\"".into()
        });
        for code in &self.gate.countries {
            check((1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit()), &|| {
                format!("gate.countries: \"{code}\" is no calling code: write \"231\"")
            });
        }
        check(!self.ministry.languages.is_empty(), &|| "ministry.languages: name at least one, such as \"eng\"".into());
        for code in &self.ministry.languages {
            check(base::Lang::parse(code).is_ok_and(|known| known.as_str() == code), &|| {
                format!("ministry.languages: \"{code}\" is no language code: write \"eng\", \"fra\", \"swa\"")
            });
        }
        for (key, zone) in [
            ("ministry.timezone", &self.ministry.timezone),
            ("gate.quiet_hours.timezone", &self.gate.quiet_hours.timezone),
        ] {
            check(zone.as_ref().is_none_or(|zone| jiff::tz::TimeZone::get(zone).is_ok()), &|| {
                let zone = zone.as_deref().unwrap_or_default();
                format!("{key}: \"{zone}\" is no time zone: write an IANA name, such as \"Africa/Monrovia\"")
            });
        }
        let quiet = &self.gate.quiet_hours;
        check(quiet.from.is_some() == quiet.to.is_some(), &|| {
            "gate.quiet_hours: set both from and to, or neither".into()
        });
        check(quiet.from.is_none() || quiet.from != quiet.to, &|| {
            "gate.quiet_hours: from and to are the same time: no message would ever be quiet or all would".into()
        });
        let cap = &self.gate.per_contact_cap;
        check(cap.messages.is_some() == cap.per.is_some(), &|| {
            "gate.per_contact_cap: set both messages and per, or neither".into()
        });
        check(cap.messages != Some(0), &|| "gate.per_contact_cap.messages: at least 1".into());
        check(self.http.body_limit_kb > 0, &|| "http.body_limit_kb: at least 1".into());
        check(self.http.timeout_seconds > 0, &|| "http.timeout_seconds: at least 1".into());
        check(self.postgres.connections >= 2, &|| "postgres.connections: at least 2".into());
        check(tracing_subscriber::EnvFilter::try_new(&self.log.level).is_ok(), &|| {
            format!("log.level: \"{}\" is not understood: write error, warn, info, debug or trace", self.log.level)
        });
        let mut names = Vec::new();
        for channel in &self.channels {
            let name = &channel.name;
            check(!name.is_empty(), &|| "channels.name: a channel needs a name".into());
            check(!names.contains(&name), &|| format!("channels.name: two channels are called \"{name}\""));
            names.push(name);
            let ChannelKind::Smpp(settings) = &channel.kind;
            let checked = settings.check();
            check(checked.is_ok(), &|| {
                let problem = checked.as_ref().err().map(ToString::to_string).unwrap_or_default();
                format!("the channel \"{name}\": {problem}")
            });
            if let Some(tariff) = &channel.tariff {
                let currency = &tariff.currency;
                check(currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()), &|| {
                    format!("channels.tariff.currency: \"{currency}\" is no currency: write \"USD\"")
                });
                check(is_price(&tariff.per_segment), &|| {
                    format!("channels.tariff.per_segment: \"{}\" is no price: write \"0.012\"", tariff.per_segment)
                });
            }
        }
        found
    }
}

/// Whether a text is a decimal number without sign or exponent.
fn is_price(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    [whole, fraction].iter().all(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The first line of a file that holds a secret.
fn read_secret(path: &Path) -> anyhow::Result<Secret<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        bail!("{} is empty", path.display());
    }
    Ok(Secret::new(line.to_owned()))
}

/// The commented file that `mhero init` writes: every key with its meaning, all commented out but those in `set`
/// (path and TOML value).
pub(crate) fn commented(set: &[(&str, String)]) -> String {
    let mut text = String::from(
        "# The configuration of mhero. A line that starts with # is a comment: take the # away to set a key; what is\n\
         # shown is the default or an example. Every key can also be set in the environment: MHERO_REGION for region,\n\
         # MHERO_HTTP_LISTEN for listen under [http]. `mhero doctor` checks the file.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (parent, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if parent != section {
            let _ = write!(text, "\n[{parent}]\n");
            section = parent;
        }
        text.push('\n');
        comment(&mut text, key.about);
        match set.iter().find(|(path, _)| *path == key.path) {
            Some((_, value)) => _ = writeln!(text, "{name} = {value}"),
            None => _ = writeln!(text, "# {name} = {}", key.shown),
        }
    }
    text.push_str("\n# A connection to a mobile operator; repeat the block for each. The manual has all its keys.\n");
    text.push_str("# [[channels]]\n");
    for key in CHANNEL_KEYS {
        text.push('\n');
        comment(&mut text, key.about);
        let _ = writeln!(text, "# {} = {}", key.path, key.shown);
    }
    text
}

/// Adds a comment, folded at 100 characters.
fn comment(text: &mut String, about: &str) {
    let mut width = 0;
    for word in about.split_whitespace() {
        if width == 0 || width + 1 + word.len() > 98 {
            let _ = write!(text, "{}# {word}", if width == 0 { "" } else { "\n" });
            width = word.len();
        } else {
            let _ = write!(text, " {word}");
            width += 1 + word.len();
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests;
