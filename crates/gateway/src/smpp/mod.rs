//! SMPP 3.4: direct connections to mobile operators.
//!
//! [`start`] runs the binds of a channel and gives a [`Link`](crate::Link). Below it, each layer stands alone:
//! [`codec`] reads and writes PDUs, [`text`] their texts, [`session`] is one bind as a state machine without input or
//! output, and the client moves octets between it and a socket and connects again.
//!
//! ```no_run
//! # async fn example(config: gateway::smpp::Config, mut queue: Vec<gateway::Outgoing>) -> Option<()> {
//! use gateway::Event;
//!
//! let (link, mut events) = gateway::smpp::start(config, 1, 1).ok()?;
//! let mut changed = link.watch();
//! loop {
//!     // Mark as wired, and hand over, what can be submitted now.
//!     let room = link.free_window().min(queue.len());
//!     link.submit(queue.drain(..room).collect());
//!     tokio::select! {
//!         batch = events.recv() => for event in batch? {
//!             match event {
//!                 Event::Submitted(report) => println!("{}: {:?}", report.message, report.outcome),
//!                 // After the commit:
//!                 Event::Inbound(inbound) => inbound.ack.accept(),
//!                 _ => {}
//!             }
//!         },
//!         // Room comes without an event, too: after a pause, or with the next token of the rate.
//!         _ = changed.changed() => {}
//!     }
//! }
//! # }
//! ```

mod address;
pub mod bench;
mod client;
pub mod codec;
pub mod config;
mod receipt;
pub mod session;
pub mod text;

pub use client::start;
pub use config::{Config, ConfigError};
