//! Our side: a link with its events, one at a time.

use super::judge::SOON;
use base::{IdMaker, Millis};
use gateway::smpp::Config;
use gateway::{Event, Inbound, Link, LinkState, Outgoing, Report, SendOptions, Submitted};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// Our side.
pub(crate) struct Client {
    pub(crate) link: Link,
    pub(crate) events: Receiver<Vec<Event>>,
    waiting: VecDeque<Event>,
    ids: IdMaker,
    token: u64,
}

pub(crate) fn config(port: u16) -> Config {
    Config {
        host: "127.0.0.1".into(),
        port,
        system_id: "ministry".into(),
        password: "secret".to_owned().into(),
        source_address: "4321".into(),
        reconnect_first: Duration::from_millis(20),
        reconnect_most: Duration::from_millis(100),
        confirm_within: Duration::from_millis(20),
        ..Config::default()
    }
}

impl Client {
    pub(crate) async fn up(config: Config) -> Self {
        let mut client = Self::start(config);
        client.until(LinkState::Up).await;
        client
    }

    pub(crate) fn start(config: Config) -> Self {
        let (link, events) = gateway::smpp::start(config, 1, 100).unwrap();
        Self { link, events, waiting: VecDeque::new(), ids: IdMaker::from_u64(1), token: 0 }
    }

    /// The next event, or `None` when there will be none.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        while self.waiting.is_empty() {
            let batch = timeout(SOON, self.events.recv()).await.expect("an event in time")?;
            self.waiting.extend(batch);
        }
        self.waiting.pop_front()
    }

    pub(crate) async fn until(&mut self, state: LinkState) -> Option<String> {
        loop {
            if let Event::State(change) = self.event().await.unwrap()
                && change.state == state
            {
                return change.reason;
            }
        }
    }

    pub(crate) async fn report(&mut self) -> Report {
        loop {
            if let Event::Submitted(report) = self.event().await.unwrap() {
                return report;
            }
        }
    }

    pub(crate) async fn inbound(&mut self) -> Inbound {
        loop {
            if let Event::Inbound(inbound) = self.event().await.unwrap() {
                return *inbound;
            }
        }
    }

    /// Hands one message over when the window has room for it.
    pub(crate) async fn send(&mut self, text: &str) -> u64 {
        let mut changed = self.link.watch();
        timeout(SOON, async {
            while self.link.free_window() == 0 {
                changed.changed().await.unwrap();
            }
        })
        .await
        .expect("room in time");
        let outgoing = self.outgoing(text);
        let token = outgoing.token;
        assert!(self.link.submit(vec![outgoing]).is_empty());
        token
    }

    /// A message to the next phone.
    pub(crate) fn outgoing(&mut self, text: &str) -> Outgoing {
        self.token += 1;
        Outgoing {
            token: self.token,
            message: self.ids.next(Millis(1)),
            to: format!("+23199000{:04}", self.token),
            from: None,
            text: text.to_owned(),
            reference: self.token as u16,
            options: SendOptions::default(),
        }
    }

    pub(crate) async fn end(mut self) {
        self.link.stop();
        while self.event().await.is_some() {}
    }
}

pub(crate) fn accepted(ids: &[&str]) -> Submitted {
    Submitted::Accepted { message_ids: (1..).zip(ids.iter().map(|id| (*id).to_owned())).collect() }
}
