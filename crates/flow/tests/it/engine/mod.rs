//! The engine: definitions, sessions, modifiers, migrations.

mod canon;
mod conversations;
mod definitions;
mod families;
mod modifiers;
mod mutations;
mod samples;
