//! `groups`, and the re-evaluation of smart groups.

use super::{GroupsChange, Target};
use crate::contact::ContactStatus;
use crate::event::EventKind;
use crate::reference::GroupRef;
use uuid::Uuid;

/// The groups' UUIDs, to be searched: a contact may be in hundreds of groups, and there may be hundreds of smart ones.
fn sorted(groups: &[GroupRef]) -> Vec<Uuid> {
    let mut uuids: Vec<Uuid> = groups.iter().map(|g| g.uuid).collect();
    uuids.sort_unstable();
    uuids
}

impl Target<'_, '_> {
    pub(super) fn change_groups(&mut self, groups: &[GroupRef], change: GroupsChange) -> bool {
        if change == GroupsChange::Add && matches!(self.contact.status, ContactStatus::Blocked | ContactStatus::Stopped)
        {
            self.error("Can't add blocked or stopped contacts to groups", None, &[]);
            return false;
        }
        let mut changed = Vec::new();
        for reference in groups {
            let Some(group) = self.assets.group(&reference.uuid) else { continue };
            let what = if change == GroupsChange::Add { "add contacts to" } else { "remove contacts from" };
            if !group.query.is_empty() {
                self.error(format!("Can't {what} the query based group '{}'", group.name), None, &[]);
                continue;
            }
            if self.contact.in_group(&group.uuid) == (change == GroupsChange::Add) {
                continue;
            }
            match change {
                GroupsChange::Add => self.contact.groups.push(group.reference()),
                GroupsChange::Remove => self.contact.groups.retain(|g| g.uuid != group.uuid),
            }
            changed.push(group.reference());
        }
        if changed.is_empty() {
            return false;
        }
        self.event(match change {
            GroupsChange::Add => EventKind::ContactGroupsChanged { groups_added: changed, groups_removed: Vec::new() },
            GroupsChange::Remove => {
                EventKind::ContactGroupsChanged { groups_added: Vec::new(), groups_removed: changed }
            }
        });
        true
    }

    /// Brings membership of smart groups in line with the contact; one that isn't active belongs to none and, if
    /// `modified`, loses its manual groups too.
    pub(crate) fn reevaluate_groups(&mut self, modified: bool) {
        let active = self.contact.status == ContactStatus::Active;
        if !self.assets.has_smart_groups() && (active || !modified) {
            return;
        }
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        let own = sorted(&self.contact.groups);
        for (group, qualifies) in self.assets.smart_groups(self.contact, self.env, self.sources.now) {
            match (qualifies && active, own.binary_search(&group.uuid).is_ok()) {
                (true, false) => added.push(group.reference()),
                (false, true) => removed.push(group.reference()),
                _ => {}
            }
        }
        if !active && modified {
            let manual = |g: &&GroupRef| self.assets.group(&g.uuid).is_none_or(|g| g.query.is_empty());
            removed.extend(self.contact.groups.iter().filter(manual).cloned());
        }
        if added.is_empty() && removed.is_empty() {
            return;
        }
        let left = sorted(&removed);
        self.contact.groups.retain(|g| left.binary_search(&g.uuid).is_err());
        self.contact.groups.extend(added.iter().cloned());
        self.event(EventKind::ContactGroupsChanged { groups_added: added, groups_removed: removed });
    }
}
