//! An operator's handle for another process: lines of JSON over TCP, one answer a line.
//!
//! | line | what | answer |
//! |---|---|---|
//! | `{"report":true}` | the report so far | the report |
//! | `{"history":true}` | what passed at each phone, with `judge.history` | `[{"phone":..,"texts":[..],..}]` |
//! | `{"next":"submit"}` | waits for the next submit (or `"delivery"`) on any bind | `{"system_id":"mhero"}` |
//! | `{"settled":{"idle":"500ms","timeout":"30s"}}` | waits until nothing is on its way | `{"settled":true}` |
//! | `{"drop":true}` | closes all connections | `{"ok":true}` |
//! | `{"stall":"2s"}` | reads nothing for so long | `{"ok":true}` |
//! | `{"throttle":100}` | submits a second, 0 for no limit | `{"ok":true}` |
//! | `{"restart_load_measure":true}` | what the load measured so far is forgotten | `{"ok":true}` |
//!
//! Anything else is answered with `{"error":"..."}`.

use super::config::Span;
use super::server::Handle;
use super::smsc::Moment;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{Framed, LinesCodec};

/// No line that we know is longer.
const LONGEST_LINE: usize = 4_096;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    Report(True),
    History(True),
    Next(Moment),
    Settled {
        #[serde(default = "half_a_second")]
        idle: Span,
        #[serde(default = "half_a_minute")]
        timeout: Span,
    },
    Drop(True),
    Stall(Span),
    Throttle(f64),
    RestartLoadMeasure(True),
}

/// The word `true`.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(value: bool) -> Result<Self, Self::Error> {
        if value { Ok(Self) } else { Err("only `true` asks for something") }
    }
}

fn half_a_second() -> Span {
    Span::millis(500)
}

fn half_a_minute() -> Span {
    Span::seconds(30)
}

/// Serves the control connections that come to `listener`, which should be on the loopback interface: who can reach
/// it may do as he likes with the operator. Ends with an error of the listener.
pub async fn serve(listener: TcpListener, operator: Arc<Handle>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(converse(stream, Arc::clone(&operator)));
    }
}

async fn converse(stream: TcpStream, operator: Arc<Handle>) {
    let mut lines = Framed::new(stream, LinesCodec::new_with_max_length(LONGEST_LINE));
    while let Some(line) = lines.next().await {
        let answer = match line {
            Ok(line) => answer(&line, &operator).await,
            Err(error) => json!({ "error": error.to_string() }),
        };
        if lines.send(answer.to_string()).await.is_err() {
            return;
        }
    }
}

async fn answer(line: &str, operator: &Handle) -> Value {
    let ok = json!({ "ok": true });
    match serde_json::from_str(line) {
        Ok(Request::Report(True)) => {
            serde_json::to_value(operator.report()).unwrap_or_else(|error| json!({ "error": error.to_string() }))
        }
        Ok(Request::History(True)) => {
            serde_json::to_value(operator.history()).unwrap_or_else(|error| json!({ "error": error.to_string() }))
        }
        Ok(Request::Next(moment)) => json!({ "system_id": operator.next(moment).await }),
        Ok(Request::Settled { idle, timeout }) => {
            json!({ "settled": operator.wait_settled(idle.0, timeout.0).await })
        }
        Ok(Request::Drop(True)) => {
            operator.drop_all();
            ok
        }
        Ok(Request::Stall(time)) => {
            operator.stall(time.0);
            ok
        }
        Ok(Request::Throttle(rate)) => {
            operator.throttle(rate);
            ok
        }
        Ok(Request::RestartLoadMeasure(True)) => {
            operator.restart_load_measure();
            ok
        }
        Err(error) => json!({ "error": error.to_string() }),
    }
}
