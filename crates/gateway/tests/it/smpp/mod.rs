//! The SMPP client against an operator of another make.

mod judge;
mod with_judge;
