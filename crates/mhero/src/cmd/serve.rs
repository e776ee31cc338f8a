//! `mhero serve`: the server.

use super::{Ctx, block_on};
use crate::{local, logs, runtime};
use anyhow::Context as _;
use app::App;
use server::{Check, Readiness};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// Arguments of `mhero serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Take a message that is delivered again for a new one. For control runs of the crash tests alone: they must then
    /// find doubled messages, or they are blind
    #[arg(long, hide = true)]
    without_dedupe: bool,

    /// Let this process write to parts that another one has taken over (PostgreSQL). For control runs of the crash
    /// tests alone
    #[arg(long, hide = true)]
    without_fence: bool,
}

/// Whether the store answers and has the schema of this build.
struct Ready(Arc<App>);

impl Readiness for Ready {
    fn checks(&self) -> Pin<Box<dyn Future<Output = Vec<Check>> + Send + '_>> {
        Box::pin(async move {
            let version = self.0.store.schema_version().await;
            let store = Check {
                name: "store".into(),
                ok: version.is_ok(),
                detail: version.as_ref().map_or_else(ToString::to_string, |_| "it answers".into()),
            };
            let schema = Check {
                name: "schema".into(),
                ok: version.as_ref().is_ok_and(|version| *version == store::latest()),
                detail: format!("version {} of {}", version.unwrap_or(0), store::latest()),
            };
            vec![store, schema]
        })
    }
}

/// Runs the server until it is told to end.
pub(crate) fn run(ctx: &Ctx, args: Args) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    logs::init_for_server(&config.log, ctx.global.verbose);
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let _lock = runtime::lock(ctx)?;
    block_on(async {
        let metrics = server::operations::install_metrics()?;
        if args.without_dedupe || args.without_fence {
            warn!("a safeguard is switched off: messages will be doubled or lost");
        }
        let store = runtime::open_store_fenced(&config, ctx.data(), !args.without_fence).await?;
        let mut settings = runtime::settings(&config)?;
        settings.without_dedupe = args.without_dedupe;
        let app = runtime::app(store, settings)?;
        let listener = TcpListener::bind(config.http.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.http.listen))?;
        let address = listener.local_addr()?;
        let channels = runtime::channels(&app, &config).await?;
        if channels.is_empty() {
            warn!("no channel is configured: nothing can be sent or received; add a [[channels]] block");
        }
        let service = app.run(channels).await?;
        let commands =
            tokio::spawn(local::serve(Arc::clone(&app), ctx.data().to_owned(), config.backup.folder.clone()));
        let http = server::Settings {
            body_limit: config.http.body_limit_kb as usize * 1024,
            timeout: std::time::Duration::from_secs(config.http.timeout_seconds.into()),
            operations_token: config.metrics_token()?,
            ..server::Settings::default()
        };
        let mut stopping = app.stopping();
        let web = tokio::spawn(server::serve(listener, http, Arc::new(Ready(Arc::clone(&app))), metrics, async move {
            drop(stopping.wait_for(|stop| *stop).await);
        }));
        info!(%address, "ready");
        told_to_end().await?;
        info!("ending: what is out is waited for");
        service.stop().await;
        web.await??;
        commands.await??;
        info!("ended");
        Ok(ExitCode::SUCCESS)
    })
}

/// Ends at the first SIGTERM or SIGINT.
pub(crate) async fn told_to_end() -> anyhow::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
