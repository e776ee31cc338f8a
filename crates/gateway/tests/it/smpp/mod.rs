//! The SMPP client against operators: one of another make, one that writes octets by hand, and the simulated one.

mod client;
mod judge;
mod with_bytes;
mod with_judge;
mod with_sim;
