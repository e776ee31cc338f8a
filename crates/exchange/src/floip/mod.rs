//! FLOIP: the Flow Interoperability Project's flow specification 1.0.0-rc4 and Flow Results 1.0.0-rc1.
//!
//! A *container* holds *flows*; a flow has *blocks*, joined by their *exits*; texts are *resources*, one value for each
//! language, mode and kind of content. [`import()`] reads containers leniently: drafts back to the first, contexts of
//! the reference runner, single flows and Viamo's trees, and gives an export file of RapidPro flows. What cannot be
//! carried over is a [`Problem`] that names its block. [`export()`] writes a container strictly, and refuses what the
//! specification has no words for. [`results`] describes and writes what contacts answered.
//!
//! | block | nodes |
//! |---|---|
//! | `MobilePrimitives.Message` | a node with `send_msg` |
//! | `MobilePrimitives.*Response`, `SmartDevices.*Response` | a node with `send_msg` (the prompt), then one that waits |
//! | `Core.Case` | a switch whose cases are the tests of the exits |
//! | `Core.RunFlow` | a node with `enter_flow` and a switch on how it ended |
//! | `Core.Output`, `Core.SetContactProperty`, `Core.SetGroupMembership`, `Core.Log` | a node with the action |

mod export;
mod expression;
mod ids;
mod import;
mod model;
pub mod results;
mod shape;
mod viamo;

pub use export::{Exported, Options, Refused, Unexpressible, export};
pub use import::{FloipError, Imported, Problem, import};
pub use model::is_floip;

/// The version of the specification that is written.
pub const SPECIFICATION_VERSION: &str = "1.0.0-rc4";
