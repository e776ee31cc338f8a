//! Commands beside a running server: what a command asks is a [`Request`], which the process that holds the data
//! directory carries out. With no server running the command is that process itself; otherwise the request goes to
//! the server over a socket in the data directory, one JSON line each way, with lines of progress between.

use crate::cmd::{Ctx, block_on};
use crate::output::{self, Hint as _};
use crate::runtime::{self, DataLock};
use anyhow::{Context as _, anyhow};
use app::App;
use app::flows::Dependencies;
use app::import::File;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

/// The socket in the data directory; only its owner may use it.
const SOCKET: &str = "socket";
/// How long a request line may be, in bytes.
const LINE: usize = 64 * 1024 * 1024;

/// What a command asks of the process that holds the data directory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Request {
    ImportWorkers { source: String, files: Vec<PathBuf>, mapping: Option<String> },
    Workers { query: Option<String>, limit: usize },
    Problems { all: bool, limit: usize },
    AudienceParse { query: String },
    AudienceCount { query: String },
    AudienceList { query: String, limit: usize },
    ImportFlows { text: String },
    ExportFlows { site: String, flows: Vec<String>, dependencies: Dependencies },
    ExportFloip { flows: Vec<String> },
    FlowResults { flow: String, folder: PathBuf, below: bool },
    Flows,
    Preview { flow: String, to: String },
    StartCampaign { flow: String, to: String },
    CampaignStatus { campaign: Option<String> },
    Campaigns,
    CampaignState { campaign: Option<String>, state: String },
    Audit,
    Messages,
    Backup { folder: Option<PathBuf> },
}

/// How far a request is.
type Told = Arc<dyn Fn(&'static str, u64, u64) + Send + Sync>;

#[derive(Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    Progress { what: String, done: u64, total: u64 },
    Done { result: Value },
    Failed { error: String },
}

/// Where files go.
#[derive(Clone, Debug)]
struct Folders {
    data: PathBuf,
    backups: PathBuf,
}

/// Carries out a request.
async fn carry_out(app: &Arc<App>, request: Request, folders: &Folders, told: Told) -> anyhow::Result<Value> {
    Ok(match request {
        Request::ImportWorkers { source, files, mapping } => {
            let mut read = Vec::with_capacity(files.len());
            for path in files {
                let open = || -> std::io::Result<_> {
                    let file = std::fs::File::open(&path)?;
                    let about = file.metadata()?;
                    if about.is_dir() { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok((file, about.len())) }
                };
                let (file, length) = open().with_context(|| format!("cannot read {}", path.display()))?;
                let name = path
                    .file_name()
                    .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
                read.push(File { name, length, content: Box::new(file) });
            }
            let mapping = mapping.map(|text| registry::Mapping::parse(&text)).transpose()?;
            let spool = app::import::temporary(&folders.data)
                .with_context(|| format!("cannot make a temporary file in {}", folders.data.display()))?;
            serde_json::to_value(app.import_workers(&source, read, mapping, spool, told).await?)?
        }
        Request::Workers { query, limit } => {
            let mut rows = Vec::new();
            match query {
                None => rows = app.store.workers(None, limit).await?,
                Some(query) => {
                    let audience = app.audience(&query).await?;
                    let mut found = Vec::new();
                    app.each_member(&audience, |candidate| found.push(candidate.contact)).await?;
                    for contact in found {
                        rows.extend(app.store.worker_of_contact(contact).await?);
                    }
                    rows.sort_by(|a, b| a.name.cmp(&b.name));
                    rows.truncate(limit);
                }
            }
            serde_json::to_value(rows)?
        }
        Request::Problems { all, limit } => serde_json::to_value(app.store.problems(all, limit).await?)?,
        Request::AudienceParse { query } => json!({ "query": app.audience(&query).await?.query.to_string() }),
        Request::AudienceCount { query } => {
            let audience = app.audience(&query).await?;
            let mut count = 0_usize;
            app.each_member(&audience, |_| count += 1).await?;
            json!({ "query": audience.query.to_string(), "count": count })
        }
        Request::AudienceList { query, limit } => {
            let audience = app.audience(&query).await?;
            let mut rows = Vec::new();
            app.each_member(&audience, |candidate| {
                rows.push(json!({
                    "contact": candidate.contact, "name": candidate.name, "urns": candidate.urns,
                    "cadre": candidate.attributes.report_cadre, "place": candidate.attributes.report_place,
                    "facility": candidate.attributes.facility.first(), "status": candidate.status,
                }));
            })
            .await?;
            let name = |row: &Value| row["name"].as_str().unwrap_or_default().to_owned();
            rows.sort_by_key(name);
            let count = rows.len();
            rows.truncate(limit);
            json!({ "query": audience.query.to_string(), "count": count, "contacts": rows })
        }
        Request::ImportFlows { text } => serde_json::to_value(app.import_flows(&text).await?)?,
        Request::ExportFlows { site, flows, dependencies } => app.export_flows(&site, &flows, dependencies).await?,
        Request::Audit => serde_json::to_value(app.store.audit().await?)?,
        Request::Messages => serde_json::to_value(app.store.messages().await?)?,
        Request::ExportFloip { flows } => serde_json::to_value(app.export_floip(&flows).await?)?,
        Request::FlowResults { flow, folder, below } => {
            serde_json::to_value(app.write_results(&flow, &folder, below).await?)?
        }
        Request::Flows => {
            let flows = app.store.flows().await?.into_iter().map(|flow| {
                json!({ "uuid": flow.id, "name": flow.name, "type": flow.kind, "revision": flow.revision,
                        "modified_on": flow.modified_on.to_string() })
            });
            Value::Array(flows.collect())
        }
        Request::Preview { flow, to } => serde_json::to_value(app.preview(&flow, &to).await?.0)?,
        Request::StartCampaign { flow, to } => {
            let (id, preview) = app.start_campaign(&flow, &to).await?;
            json!({ "id": id, "preview": preview })
        }
        Request::CampaignStatus { campaign } => serde_json::to_value(app.campaign_report(campaign.as_deref()).await?)?,
        Request::Campaigns => {
            let starts = app.store.starts().await?.into_iter().map(|start| {
                json!({ "id": start.id, "name": start.name, "state": start.state, "query": start.query,
                        "started_on": start.created_on })
            });
            Value::Array(starts.collect())
        }
        Request::CampaignState { campaign, state } => {
            let start = app.find_start(campaign.as_deref()).await?;
            if !app.store.set_start_state(start.id, &state).await? {
                return Err(anyhow!("the campaign \"{}\" is {} and cannot become {state}", start.name, start.state));
            }
            app.bells.outbox.ring();
            app.bells.fanout.ring();
            serde_json::to_value(app.campaign_report(Some(&start.id.to_string())).await?)?
        }
        Request::Backup { folder } => {
            let folder = folder.unwrap_or_else(|| folders.backups.clone());
            serde_json::to_value(app.store.backup(&folder, app.now()).await?)?
        }
    })
}

/// Has a request carried out, here or by the running server, and shows its progress.
pub(crate) fn ask<T: DeserializeOwned>(ctx: &Ctx, request: Request) -> anyhow::Result<T> {
    let config = ctx.config()?;
    let bar: Mutex<Option<(String, indicatif::ProgressBar)>> = Mutex::new(None);
    let show = move |what: &str, done: u64, total: u64| {
        let mut bar = bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if bar.as_ref().is_none_or(|(of, _)| of != what) {
            if let Some((_, bar)) = bar.take() {
                bar.finish_and_clear();
            }
            *bar = Some((what.to_owned(), output::progress(total, what.to_owned())));
        }
        if let Some((_, bar)) = &*bar {
            bar.set_length(total);
            bar.set_position(done);
        }
    };
    let value = block_on(async {
        match DataLock::take(ctx.data())? {
            Some(_lock) => {
                let store = runtime::open_store(&config, ctx.data()).await?;
                let app = runtime::app(store, runtime::settings(&config)?)?;
                app.reload().await?;
                let told: Told = Arc::new(show);
                let folders = Folders { data: ctx.data().to_owned(), backups: config.backup.folder.clone() };
                let result = carry_out(&app, request, &folders, told).await;
                app.store.close().await;
                result
            }
            None => over_socket(ctx.data(), &request, &show).await,
        }
    })?;
    Ok(serde_json::from_value(value)?)
}

async fn over_socket(data: &Path, request: &Request, show: &(dyn Fn(&str, u64, u64) + Sync)) -> anyhow::Result<Value> {
    let path = data.join(SOCKET);
    let stream = UnixStream::connect(&path)
        .await
        .with_context(|| format!("another mhero process uses {} and does not answer", data.display()))
        .hint("wait until it has ended, or is up")?;
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    write.write_all(line.as_bytes()).await?;
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line)? {
            Line::Progress { what, done, total } => show(&what, done, total),
            Line::Done { result } => return Ok(result),
            Line::Failed { error } => return Err(anyhow!(error)),
        }
    }
    Err(anyhow!("the server ended before it answered")).hint("ask again; what was asked may or may not have been done")
}

/// Takes requests of commands until the app stops. The socket is made anew: a former one belongs to a process that
/// ended, for this one holds the lock.
pub(crate) async fn serve(app: Arc<App>, data: PathBuf, backups: PathBuf) -> anyhow::Result<()> {
    let path = data.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace {}", path.display()));
        }
        _ => {}
    }
    let folders = Folders { data, backups };
    let listener = UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
    crate::cmd::own_only(&path, 0o600)?;
    let mut stop = app.stopping();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let (app, folders) = (Arc::clone(&app), folders.clone());
                    tokio::spawn(async move {
                        if let Err(error) = answer(&app, stream, &folders).await {
                            tracing::debug!(%error, "a command went away");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a command could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = async { drop(stop.wait_for(|stop| *stop).await) } => break,
        }
    }
    drop(std::fs::remove_file(&path));
    Ok(())
}

async fn answer(app: &Arc<App>, stream: UnixStream, folders: &Folders) -> anyhow::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(tokio::io::AsyncReadExt::take(read, LINE as u64));
    read.read_line(&mut line).await?;
    let request: Request = serde_json::from_str(&line)?;
    let (tell, mut told) = mpsc::unbounded_channel();
    let progress: Told = Arc::new(move |what, done, total| {
        drop(tell.send(Line::Progress { what: what.to_owned(), done, total }));
    });
    let work = carry_out(app, request, folders, progress);
    tokio::pin!(work);
    let last = loop {
        tokio::select! {
            line = told.recv() => {
                if let Some(line) = line {
                    send(&mut write, &line).await?;
                }
            }
            result = &mut work => break match result {
                Ok(result) => Line::Done { result },
                Err(error) => Line::Failed { error: format!("{error:#}") },
            },
        }
    };
    send(&mut write, &last).await
}

async fn send(write: &mut (impl tokio::io::AsyncWrite + Unpin), line: &Line) -> anyhow::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    write.write_all(text.as_bytes()).await?;
    Ok(())
}
