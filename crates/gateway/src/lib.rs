//! Channels to mobile operators.

pub mod smpp;
