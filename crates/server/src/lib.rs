//! The HTTP side of mhero.
