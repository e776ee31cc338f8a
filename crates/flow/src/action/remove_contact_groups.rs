//! `remove_contact_groups`: takes the contact out of groups, or out of all manual ones.

use super::variable::{Variable, group_reference};
use super::{Kind, Result};
use crate::definition::fields::{Fields, Item};
use crate::definition::{AllowedIn, DefinitionError};
use crate::engine::{Execution, Halt};
use crate::inspect::Findings;
use crate::modifier::{GroupsChange, Modifier};

#[derive(Clone, Debug)]
pub(super) struct RemoveContactGroups {
    groups: Vec<Variable>,
    all: bool,
}

impl Kind for RemoveContactGroups {
    const TYPE: &'static str = "remove_contact_groups";
    const ALLOWED: AllowedIn = AllowedIn::Any;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        let groups = Variable::read_list(fields, "groups")?;
        let all = fields.flag("all_groups")?;
        if all && !groups.is_empty() {
            return Err(DefinitionError::new("can't specify specific groups when all_groups=true"));
        }
        Ok(Self { groups, all })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let groups = if self.all {
            let manual = ex.state.assets.groups().iter().filter(|g| g.query.is_empty());
            manual.map(crate::assets::Group::reference).collect()
        } else {
            ex.groups(&self.groups)
        };
        if !groups.is_empty() {
            ex.modify(&Modifier::Groups { groups, modification: GroupsChange::Remove })?;
        }
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        self.groups.iter().for_each(|g| g.inspect(found.at("groups"), group_reference));
    }
}
