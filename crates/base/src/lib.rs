//! The vocabulary of mhero: ids, phone numbers, addresses, languages, places, clock readings, secrets and SMS texts.
//!
//! Everything here is pure: no input or output, no clock, no randomness, no environment.

pub mod clock;
pub mod id;
pub mod lang;
pub mod optout;
pub mod phone;
pub mod place;
pub mod secret;
pub mod sms;
pub mod text;
pub mod urn;

pub use clock::Millis;
pub use id::{
    CampaignId, ChannelId, ContactId, FlowId, GroupId, IdMaker, MessageId, Part, ProblemId, RunId, SessionId, StartId,
    WorkerId,
};
pub use lang::Lang;
pub use phone::PhoneNumber;
pub use place::PlaceTree;
pub use secret::Secret;
pub use urn::{Scheme, Urn};
