//! The server over real connections.

mod operations;
mod peer;
