//! What a query uses.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::date::Day;
use crate::property::{Attribute, Property, WorkerAttribute};
use crate::query::{Operand, Query, Reference};

/// What a query uses; each list is sorted and names everything once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Attributes of the contact.
    pub attributes: Vec<Attribute>,
    /// URN schemes.
    pub schemes: Vec<String>,
    /// Keys of fields.
    pub fields: Vec<String>,
    /// Groups; parsed without group definitions, as written and without a UUID.
    pub groups: Vec<Reference>,
    /// Flows, of `flow` and of `history`; parsed without flow definitions, as written and without a UUID.
    pub flows: Vec<Reference>,
    /// Attributes of the worker.
    pub worker: Vec<WorkerAttribute>,
    /// Whether the answer can change with the clock alone: the query compares with a day such as `"7 days ago"`.
    pub depends_on_time: bool,
    /// Whether the query may define a smart group: it uses none of `id`, `ref`, `group`, `flow`, `history` and
    /// `status`.
    pub allow_as_group: bool,
}

impl Query {
    /// What the query uses.
    pub fn inspect(&self) -> Inspection {
        let mut attributes = BTreeSet::new();
        let mut schemes = BTreeSet::new();
        let mut fields = BTreeSet::new();
        let mut groups = BTreeSet::new();
        let mut flows = BTreeSet::new();
        let mut worker = BTreeSet::new();
        let mut depends_on_time = false;
        self.root.each_condition(&mut |condition| {
            let reference = || match &condition.operand {
                Operand::Reference(reference) => Some(reference.clone()),
                Operand::Set => None,
                _ => Some(Reference { uuid: String::new(), name: condition.value.clone() }),
            };
            match &condition.property {
                Property::Attribute(attribute) => {
                    attributes.insert(*attribute);
                    match attribute {
                        Attribute::Group => groups.extend(reference()),
                        Attribute::Flow | Attribute::History => flows.extend(reference()),
                        _ => {}
                    }
                }
                Property::Urn(scheme) => {
                    schemes.insert(scheme.clone());
                }
                Property::Field(key) => {
                    fields.insert(key.clone());
                }
                Property::Worker(attribute) => {
                    worker.insert(*attribute);
                }
            }
            depends_on_time |= matches!(condition.operand, Operand::Day(Day::Relative(_)));
        });
        let barred =
            [Attribute::Id, Attribute::Ref, Attribute::Group, Attribute::Flow, Attribute::History, Attribute::Status];
        Inspection {
            allow_as_group: !attributes.iter().any(|attribute| barred.contains(attribute)),
            attributes: attributes.into_iter().collect(),
            schemes: schemes.into_iter().collect(),
            fields: fields.into_iter().collect(),
            groups: groups.into_iter().collect(),
            flows: flows.into_iter().collect(),
            worker: worker.into_iter().collect(),
            depends_on_time,
        }
    }
}
