//! FLOIP containers and Flow Results.

mod conversations;
mod export;
mod import;
mod property;
mod results;
mod sample;
mod schema;
mod shared;
mod talk;
