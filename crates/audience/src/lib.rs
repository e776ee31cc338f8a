//! Audiences: a query language over contacts and the workers behind them.
//!
//! ```text
//! cadre = nurse AND within = "Bong" AND skill ~ obstetric AND last_seen_on > 2026-01-01
//! ```
//!
//! It is RapidPro's contact query language as the flow specification describes it (section 14): the same grammar, the
//! same normal form, the same refusals. It adds
//!
//! - worker attributes (`worker.cadre`, `facility`, `place`, `skill`, `gender`, `status`, `within`), which also go by
//!   their bare names where those are no attribute, URN scheme or field; texts are compared without case and
//!   accents, and `~` looks anywhere in them;
//! - `within`, a place and all that lies in it;
//! - days relative to the clock: `last_seen_on < "30 days ago"`, `created_on = today`.
//!
//! A query is [parsed](parse()) into a [`Query`], whose `Display` is the normal form; [`Query::inspect`] tells what
//! it uses; [`Query::compile`] makes it ready to run, on one contact in memory ([`Compiled::matches`]) or by a store
//! ([`Compiled::plan`]).
//!
//! ```
//! use audience::{Attribute, Environment, Names, Property, Subject, Value, WorkerAttribute, parse};
//! use base::place::Span;
//!
//! let env = Environment::new("2026-11-23T09:00:00Z".parse()?);
//! let bong = Span { left: 1, right: 14, depth: 1 };
//! let names = Names::default().with_places([("LR-BG", "Liberia > Bong", bong)]);
//!
//! let query = parse("Cadre is NURSE within=bong", &env, &names)?;
//! assert_eq!(query.to_string(), r#"worker.cadre = "NURSE" AND worker.within = "bong""#);
//! assert!(query.inspect().allow_as_group);
//!
//! struct Ama;
//! impl Subject for Ama {
//!     fn each(&self, property: &Property, visit: &mut dyn FnMut(Value<'_>)) {
//!         match property {
//!             Property::Worker(WorkerAttribute::Cadre) => visit(Value::Text("Nurse")),
//!             Property::Worker(WorkerAttribute::Within) => visit(Value::Place(9)),
//!             Property::Attribute(Attribute::Name) => visit(Value::Text("Ama Kollie")),
//!             _ => {}
//!         }
//!     }
//! }
//! assert!(query.compile(&env)?.matches(&Ama));
//!
//! let text = "cadre = nurse AND wihtin = bong";
//! let error = parse(text, &env, &names).unwrap_err();
//! assert_eq!(error.code.as_str(), "unknown_property");
//! assert_eq!(
//!     error.render(text),
//!     "cadre = nurse AND wihtin = bong\n                  \
//!      ^^^^^^ can't resolve 'wihtin' to attribute, scheme or field\nhint: did you mean within?"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything here is pure: the clock, the time zone and the definitions are arguments.

pub mod columns;
mod compile;
mod date;
mod definitions;
mod environment;
mod error;
mod inspect;
mod lex;
mod literal;
mod number;
mod parse;
mod plan;
mod property;
mod query;
mod resolve;
mod subject;
pub mod text;

pub use compile::Compiled;
pub use definitions::{Definitions, EnvironmentDefinition, FieldDefinition, Names};
pub use environment::{DateFormat, Environment, Lookup, NoProject, PlaceMatch, Resolver, Unchecked};
pub use error::{Code, QueryError};
pub use inspect::Inspection;
pub use parse::{MAX_CHARS, MAX_CONDITIONS, MAX_DEPTH, parse};
pub use plan::{Plan, Predicate, Test};
pub use property::{Attribute, FieldType, Property, WorkerAttribute};
pub use query::{Condition, Node, Operator, Query, Reference};
pub use subject::{Subject, Value};
