//! SMPP 3.4: direct connections to mobile operators.

mod address;
pub mod codec;
pub mod config;
mod receipt;
pub mod text;

pub use config::Config;
