//! The flow engine: RapidPro flow definitions, pure and deterministic.
//!
//! A [`Definition`] is read once (migrated, validated, compiled) and shared. [`Assets`] are what definitions refer to.
//! [`Engine::start`] and [`Engine::resume`] run one sprint of a [`Session`]: from a [`Trigger`] or a [`Resume`] to the
//! next wait or the end. What happened is a list of [`Event`]s in a [`Sprint`].
//!
//! There is no input or output here. The clock, the ids and chance are [`Sources`]; what is needed from outside (a
//! webhook, airtime...) comes back as [`Outcome::Need`]: get the answer, then make the same call again with all answers
//! so far. The same arguments give the same sprint, byte for byte.
//!
//! ```
//! use flow::{Assets, Contact, Definition, Engine, Environment, Outcome, Sources, Stamp, Trigger, TriggerType};
//! use std::sync::Arc;
//!
//! let definition = Definition::read(&serde_json::json!({
//!     "uuid": "0192f3a0-0000-7000-8000-000000000001", "name": "Greeting", "spec_version": "14.4.2",
//!     "language": "eng", "type": "messaging",
//!     "nodes": [{
//!         "uuid": "0192f3a0-0000-7000-8000-000000000002",
//!         "actions": [{"uuid": "0192f3a0-0000-7000-8000-000000000003", "type": "send_msg", "text": "Hello @contact.name"}],
//!         "exits": [{"uuid": "0192f3a0-0000-7000-8000-000000000004"}]
//!     }]
//! }))?;
//! let reference = definition.reference();
//! let assets = Assets::default().with_flows([Arc::new(definition)]);
//! let now = "2026-11-23T09:00:00Z".parse()?;
//! let mut contact = Contact::new("0192f3a0-0000-7000-8000-000000000005".parse()?, Stamp::utc(now));
//! contact.name = "Ama".to_owned();
//! let sources = Sources::new(now, base::IdMaker::from_u64(1));
//! let trigger = Trigger::new(TriggerType::Manual, reference, Stamp::utc(now));
//! let outcome = Engine::default().start(&assets, &Environment::default(), contact, None, trigger, sources, &[])?;
//! let Outcome::Done(sprint) = outcome else { panic!("nothing is needed") };
//! assert_eq!(sprint.messages().next().map(|(_, msg)| msg.text.as_str()), Some("Hello Ama"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
pub mod assets;
pub mod contact;
pub mod definition;
pub mod engine;
pub mod environment;
pub mod event;
pub mod export;
pub mod expression;
pub mod inspect;
pub mod message;
pub mod migrate;
pub mod modifier;
pub mod pairs;
pub mod query;
pub mod reference;
pub mod resume;
pub mod router;
pub mod session;
pub mod simulate;
pub mod stamp;
pub mod trigger;

pub use action::action_types;
pub use assets::Assets;
pub use contact::Contact;
pub use definition::{Definition, DefinitionError, FlowType};
pub use engine::{Answer, Engine, Options, Outcome, Request, ResumeError, Sources, Sprint, StartError};
pub use environment::Environment;
pub use event::{Event, EventKind};
pub use inspect::{Inspection, Issue};
pub use modifier::{Modified, Modifier};
pub use resume::Resume;
pub use session::Session;
pub use stamp::Stamp;
pub use trigger::{Trigger, TriggerType};
