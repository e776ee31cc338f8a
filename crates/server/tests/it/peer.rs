//! A server on a free port, and a client that says exactly what a test wants said.

use base::Secret;
use server::{Check, Readiness, Settings};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running server; [`Peer::stop`] stops it.
pub(crate) struct Peer {
    pub(crate) at: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Settings of tests: small and quick.
pub(crate) fn settings() -> Settings {
    Settings {
        body_limit: 1024,
        timeout: Duration::from_millis(500),
        header_timeout: Duration::from_millis(300),
        grace: Duration::from_millis(200),
        operations_token: Some(Secret::new("t0ken".to_owned())),
    }
}

/// A readiness that always finds this.
pub(crate) fn found(ok: bool) -> Arc<dyn Readiness> {
    Arc::new(move || -> Pin<Box<dyn Future<Output = Vec<Check>> + Send>> {
        Box::pin(async move { vec![Check { name: "store".into(), ok, detail: "sqlite".into() }] })
    })
}

impl Peer {
    pub(crate) async fn start(settings: Settings, readiness: Arc<dyn Readiness>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(server::serve(listener, settings, readiness, || "up 1\n".into(), async move {
            let _ = stopped.await;
        }));
        Self { at, stop, server }
    }

    /// Sends one request as it is written and reads the answer to its end.
    pub(crate) async fn say(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        read(&mut stream).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &str) -> Answer {
        self.say(&format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n")).await
    }

    /// Tells the server to stop and waits for its end.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.server.await.unwrap().unwrap();
    }
}

/// Reads until the server closes.
pub(crate) async fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}
