//! What comes from other systems and goes to them.

mod floip;
