//! Exchange with other systems, one folder for each: what they send becomes ours, what is ours is written as they
//! read it.

pub mod floip;
