//! The engine: definitions, sessions, modifiers, migrations.

mod actions;
mod canon;
mod context;
mod conversations;
mod definitions;
mod families;
mod inspection;
mod messages;
mod migrations;
mod modifiers;
mod mutations;
mod samples;
mod sessions;
mod stage;
