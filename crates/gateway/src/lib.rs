//! Channels to mobile operators.
//!
//! The loop sees every channel, whatever its protocol, as a [`Link`] to hand messages to and a stream of batches of
//! [`Event`]s; the channel's own task runs between the two. The types here are that border:
//! - [`Outgoing`] goes in, at most [`Link::free_window`] at a time; exactly one [`Report`] comes back for each;
//! - [`Inbound`] comes out and is answered to the operator only by its [`Ack`], so that the loop can commit first;
//! - [`Evidence`] says which of these answers the operator has certainly received;
//! - [`StateChange`]s and [`Stats`] say how the channel is.
//!
//! `smpp` is a direct connection to an operator; `throttle` is what channels share.

mod event;
mod link;
pub mod operator_sim;
pub mod smpp;
pub mod throttle;

pub use event::{
    Ack, Answer, Event, Evidence, Inbound, Late, LinkState, Outgoing, Receipt, ReceiptState, Refused, Report, Segment,
    SegmentState, SendOptions, StateChange, Submitted, Verdict,
};
pub use link::{BindStatus, Credit, Lane, LaneDriver, Link, LinkDriver, Stats, link};
