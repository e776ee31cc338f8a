//! A simulated mobile operator: a real SMPP 3.4 server with phones behind it that read and answer.
//!
//! It stands in for an operator in the demo, in benchmarks and in crash tests, where its phones also judge: they
//! keep what they saw, and can tell a doubled, lost or misordered message without asking the product. It shares the
//! codec with the product and nothing else.
//!
//! - [`config`]: the TOML file, all quirks with their defaults;
//! - [`draw`]: every draw is a function of seed, phone and count, never of arrival order;
//! - [`phone`]: how the owners of phones behave (pure);
//! - [`judge`]: what the phones saw, judged (pure);
//! - `smsc`: the message centre as a state machine (pure);
//! - [`server`]: sockets and the clock; [`control`]: the same from another process.

pub mod config;
pub mod control;
pub mod draw;
pub mod judge;
pub mod phone;
pub mod report;
pub mod server;
mod smsc;

pub use config::{Config, ConfigError, EXAMPLE};
pub use judge::{Fault, Faults, History, Verdict};
pub use report::{Counts, LoadReport, Report};
pub use server::{Handle, Operator, StartError};
pub use smsc::Moment;
