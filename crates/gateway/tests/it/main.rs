//! Tests of the channels through their public surface.

mod operator_sim;
mod smpp;
