//! SMPP 3.4: direct connections to mobile operators.
//!
//! [`start`] runs the binds of a channel and gives a [`Link`](crate::Link). Below it, each layer stands alone:
//! [`codec`] reads and writes PDUs, [`text`] their texts, [`session`] is one bind as a state machine without input or
//! output, and the client moves octets between it and a socket and connects again.

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
