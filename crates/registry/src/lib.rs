//! Health workers, posts, facilities and jurisdictions: from the bytes of a source to records that can be stored.
//!
//! [`read()`] takes one file (FHIR R4 JSON, CSV or a workbook) and gives [`SourceRecord`]s; an [`Assembly`] takes the
//! records of all files of an import, links them and gives [`Worker`]s and [`Place`]s in an order that depends on
//! nothing but their content. Whatever could not be used is a [`Finding`] with its place and its remedy; one broken
//! record never hides another. Nothing here does input or output or reads a clock.

pub mod assembly;
pub mod columns;
pub mod diff;
mod fhir;
pub mod finding;
pub mod model;
mod phones;
pub mod read;
pub mod template;

pub use assembly::{Assembly, Import, Known, LoosePost, SharedNumber, Summary};
pub use columns::{Field, Mapping, MappingError};
pub use diff::{Changes, changes};
pub use finding::{Code, Finding, Origin, Severity};
pub use model::{
    Address, Coded, Gender, Hash, Left, PartialDate, Phone, PhoneState, Place, PlaceKind, Position, Post, Status,
    Worker,
};
pub use read::{Batch, Format, Options, SourceRecord, read};
pub use template::{TemplateFormat, TemplateLanguage, template};
