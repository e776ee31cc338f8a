//! SMPP 3.4: direct connections to mobile operators.

pub mod codec;
