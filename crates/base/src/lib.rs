//! The vocabulary of mhero: ids, phone numbers, languages, places, clock readings, secrets and SMS texts.
//!
//! Everything here is pure: no input or output, no clock, no randomness, no environment.

pub mod clock;
pub mod id;

pub use clock::Millis;
pub use id::{
    CampaignId, ChannelId, ContactId, FlowId, GroupId, IdMaker, MessageId, Part, ProblemId, RunId, SessionId, StartId,
    WorkerId,
};
