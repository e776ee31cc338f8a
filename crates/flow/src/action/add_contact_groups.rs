//! `add_contact_groups`: puts the contact into groups.

use super::variable::{Variable, group_reference};
use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Execution, Halt};
use crate::inspect::Findings;
use crate::modifier::{GroupsChange, Modifier};

#[derive(Clone, Debug)]
pub(super) struct AddContactGroups {
    groups: Vec<Variable>,
}

impl Kind for AddContactGroups {
    const TYPE: &'static str = "add_contact_groups";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        fields.filled_list("groups", 100)?;
        Ok(Self { groups: Variable::read_list(fields, "groups")? })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let groups = ex.groups(&self.groups);
        if !groups.is_empty() {
            ex.modify(&Modifier::Groups { groups, modification: GroupsChange::Add })?;
        }
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        self.groups.iter().for_each(|g| g.inspect(found.at("groups"), group_reference));
    }
}
