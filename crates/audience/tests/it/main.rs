//! Audience queries through the public surface.

mod columns;
mod conformance;
mod evaluation;
mod manual;
mod model;
mod parsing;
mod properties;
mod rows;
