//! The vocabulary as other crates see it.

mod phone;
mod place;
mod sms;
mod urn;
