//! From the configuration to a running app: the lock of the data directory, the store, the settings, the channels.

use crate::cli::StoreKind;
use crate::cmd::{Ctx, LOCK_FILE};
use crate::config::{ChannelKind, Config};
use crate::output::Hint as _;
use anyhow::{Context as _, bail};
use app::settings::{Cap, QuietHours, Settings, Tariff};
use app::{App, Channel};
use base::ChannelId;
use gateway::Event;
use gateway::smpp::config::UnknownPolicy;
use jiff::tz::TimeZone;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{ChannelRow, Postgres, Sqlite, Store};
use tokio::sync::mpsc;

/// The database file of a SQLite store in its data directory.
pub(crate) const DATABASE: &str = "mhero.sqlite";

/// Holds a data directory for this process as long as it lives.
pub(crate) struct DataLock(#[allow(dead_code, reason = "the lock is held by the open file")] File);

impl DataLock {
    /// Takes the lock; `None` when another process has it.
    pub(crate) fn take(data: &Path) -> anyhow::Result<Option<Self>> {
        let path = data.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Some(Self(file)))
    }
}

/// Thirty-two bytes of the operating system's randomness.
pub(crate) fn seed() -> anyhow::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("the system gives no randomness: {error}"))?;
    Ok(seed)
}

/// Opens the store that the configuration names and brings its schema up to date.
pub(crate) async fn open_store(config: &Config, data: &Path) -> anyhow::Result<Store> {
    open_store_fenced(config, data, true).await
}

/// The same; `fence` is false in control runs of the crash tests alone: see [`store::postgres::Options::fence`].
pub(crate) async fn open_store_fenced(config: &Config, data: &Path, fence: bool) -> anyhow::Result<Store> {
    let store = connect_fenced(config, data, fence).await?;
    store.migrate(&config.backup.folder, app::machine_clock()()).await?;
    Ok(store)
}

/// Opens the store that the configuration names, as it is.
pub(crate) async fn connect(config: &Config, data: &Path) -> anyhow::Result<Store> {
    connect_fenced(config, data, true).await
}

async fn connect_fenced(config: &Config, data: &Path, fence: bool) -> anyhow::Result<Store> {
    Ok(match config.store {
        StoreKind::Sqlite => Store::Sqlite(Sqlite::open(&data.join(DATABASE))?),
        StoreKind::Postgres => {
            let Some(url) = &config.postgres.url else {
                return Err(anyhow::anyhow!("the store is PostgreSQL and no server is named"))
                    .hint("set MHERO_POSTGRES_URL, or `url_file` under [postgres] in the configuration");
            };
            let owner = i64::from_be_bytes(*seed()?.first_chunk::<8>().unwrap_or(&[1; 8])) & i64::MAX;
            let options = store::postgres::Options {
                connections: usize::from(config.postgres.connections),
                fence,
                ..store::postgres::Options::default()
            };
            Store::Postgres(Postgres::open(url.expose(), owner, options).await?)
        }
    })
}

/// The ministry's decisions, from the configuration.
pub(crate) fn settings(config: &Config) -> anyhow::Result<Settings> {
    let zone = |name: &Option<String>| match name {
        Some(name) => TimeZone::get(name).with_context(|| format!("the time zone {name}")),
        None => Ok(TimeZone::UTC),
    };
    let timezone = zone(&config.ministry.timezone)?;
    let quiet = &config.gate.quiet_hours;
    let quiet_hours = match (quiet.from, quiet.to) {
        (Some(from), Some(to)) => {
            let timezone = if quiet.timezone.is_some() { zone(&quiet.timezone)? } else { timezone.clone() };
            Some(QuietHours { from: from.0, to: to.0, timezone })
        }
        _ => None,
    };
    let cap = match (config.gate.per_contact_cap.messages, config.gate.per_contact_cap.per) {
        (Some(messages), Some(per)) => Some(Cap { messages: messages as usize, per: per.0 }),
        _ => None,
    };
    let tariff = config.channels.iter().find_map(|channel| channel.tariff.as_ref()).map(|tariff| Tariff {
        // The configuration has been checked: it is a decimal number.
        per_segment: tariff.per_segment.parse().unwrap_or_default(),
        currency: tariff.currency.clone(),
    });
    let defaults = Settings::default();
    let resend_after = config.channels.first().map_or(defaults.resend_after, |channel| {
        let ChannelKind::Smpp(smpp) = &channel.kind;
        match smpp.unknown {
            UnknownPolicy::ResendAfter(seconds) => Some(Duration::from_secs(seconds)),
            UnknownPolicy::Hold => None,
        }
    });
    Ok(Settings {
        region: config.region.clone(),
        languages: config.ministry.languages.clone(),
        timezone,
        quiet_hours,
        countries: config.gate.countries.clone(),
        cap,
        words: config.gate.opt_out.words(),
        tariff,
        resend_after,
        ..defaults.named(&config.ministry.name)
    })
}

/// An app over an open store.
pub(crate) fn app(store: Store, settings: Settings) -> anyhow::Result<Arc<App>> {
    Ok(App::new(store, settings, app::machine_clock(), seed()?))
}

/// A channel of the configuration, running.
pub(crate) type Running = (Channel, mpsc::Receiver<Vec<Event>>);

/// Starts the channels of the configuration.
pub(crate) async fn channels(app: &App, config: &Config) -> anyhow::Result<Vec<Running>> {
    let mut running = Vec::new();
    for channel in &config.channels {
        let ChannelKind::Smpp(smpp) = &channel.kind;
        let row = ChannelRow {
            id: app.with_ids(|ids| ids.next::<ChannelId>(app.now())),
            name: channel.name.clone(),
            kind: "smpp".into(),
            address: smpp.source_address.clone(),
        };
        let id = app.store.ensure_channel(&row, app.now()).await?;
        let spread = u64::from_be_bytes(*seed()?.first_chunk::<8>().unwrap_or(&[1; 8]));
        let receipts = smpp.registered_delivery != 0;
        let (link, events) = gateway::smpp::start((**smpp).clone(), spread, 1)
            .with_context(|| format!("the channel {}", channel.name))?;
        running.push((Channel { id, name: channel.name.clone(), link, receipts }, events));
    }
    Ok(running)
}

/// The lock of the data directory, or an error that says who has it.
pub(crate) fn lock(ctx: &Ctx) -> anyhow::Result<DataLock> {
    match DataLock::take(ctx.data())? {
        Some(lock) => Ok(lock),
        None => bail!("another mhero process uses {}", ctx.data().display()),
    }
}
