//! Health workers, posts, facilities and jurisdictions: from the bytes of a source to records that can be stored.
//!
//! An [`Assembly`] reads the files of an import (FHIR R4 JSON, CSV or workbooks), links their records and gives an
//! [`Import`]: [`Worker`]s and [`Place`]s in an order that depends on nothing but their content. Workers lie in a
//! [`Spool`] and are taken out one by one, so an import of a hundred thousand takes little memory. Whatever could not
//! be used is a [`Finding`] with its place and its remedy; one broken record never hides another. Nothing here does
//! input or output of its own or reads a clock: streams and the spool are arguments.

pub mod assembly;
pub mod columns;
mod fhir;
pub mod finding;
pub mod model;
mod phones;
mod read;
mod records;
mod spool;
pub mod template;

pub use assembly::{Assembly, File, Import, Known, LoosePost, SharedNumber, Summary};
pub use columns::{Field, Mapping, MappingError};
pub use finding::{Code, Finding, Origin, Severity};
pub use model::{
    Address, Coded, Gender, Hash, Left, PartialDate, Phone, PhoneState, Place, PlaceKind, Position, Post, Status,
    Worker,
};
pub use read::{Format, Options, Progress};
pub use spool::Spool;
pub use template::{TemplateFormat, TemplateLanguage, template};
