//! Channels to mobile operators.
