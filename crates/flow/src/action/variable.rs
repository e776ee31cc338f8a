//! References that may be variable: groups and labels by name, users by e-mail address.

use crate::assets::User;
use crate::definition::DefinitionError;
use crate::definition::fields::{Fields, MAX_TEMPLATE};
use crate::engine::Execution;
use crate::expression::Template;
use crate::inspect::Findings;
use crate::reference::{GroupRef, LabelRef, Reference, UserRef};
use uuid::Uuid;

/// A reference to something fixed, or a template that gives what to look for.
#[derive(Clone, Debug)]
pub(super) enum Variable {
    Fixed(Uuid, String),
    Named(Template),
}

impl Variable {
    /// `{"uuid", "name"}` or `{MEMBER: template}`.
    pub(super) fn read(fields: &Fields<'_>, member: &str, max_name: usize) -> Result<Self, DefinitionError> {
        if fields.text(member, MAX_TEMPLATE)?.is_empty() {
            let (uuid, name) = fields.reference(max_name)?;
            return Ok(Self::Fixed(uuid, name));
        }
        Ok(Self::Named(fields.template(member, MAX_TEMPLATE)?))
    }

    pub(super) fn read_list(fields: &Fields<'_>, key: &str) -> Result<Vec<Self>, DefinitionError> {
        fields.objects(key, 100)?.iter().map(|f| Self::read(f, "name_match", 64)).collect()
    }

    pub(super) fn inspect(&self, found: &mut Findings<'_>, reference: fn(Uuid, String) -> Reference) {
        match self {
            Self::Fixed(uuid, name) => found.reference(&reference(*uuid, name.clone())),
            Self::Named(template) => found.template(template),
        }
    }
}

pub(super) fn group_reference(uuid: Uuid, name: String) -> Reference {
    GroupRef { uuid, name }.reference()
}

pub(super) fn label_reference(uuid: Uuid, name: String) -> Reference {
    LabelRef { uuid, name }.reference()
}

pub(super) fn user_reference(uuid: Uuid, name: String) -> Reference {
    UserRef { uuid, name }.reference()
}

impl Execution<'_> {
    /// The groups that there are; the others make error events.
    pub(super) fn groups(&mut self, variables: &[Variable]) -> Vec<GroupRef> {
        let assets = self.state.assets;
        let mut groups: Vec<GroupRef> = Vec::with_capacity(variables.len());
        for variable in variables {
            match variable {
                Variable::Fixed(uuid, name) => match assets.group(uuid) {
                    Some(group) => groups.push(group.reference()),
                    None => self.missing(&group_reference(*uuid, name.clone())),
                },
                Variable::Named(template) => {
                    let (name, fine) = self.text(template);
                    if !fine {
                        continue;
                    }
                    match assets.group_named(name.trim()) {
                        Some(group) => groups.push(group.reference()),
                        None => self.error_with(
                            format!("No such group with name '{name}'"),
                            "group:missing",
                            &[("name", &name)],
                        ),
                    }
                }
            }
        }
        groups
    }

    /// The labels that there are; the others make error events.
    pub(super) fn labels(&mut self, variables: &[Variable]) -> Vec<LabelRef> {
        let assets = self.state.assets;
        let mut labels = Vec::with_capacity(variables.len());
        for variable in variables {
            match variable {
                Variable::Fixed(uuid, name) => match assets.label(uuid) {
                    Some(label) => labels.push(label.reference()),
                    None => self.missing(&label_reference(*uuid, name.clone())),
                },
                Variable::Named(template) => {
                    let (name, fine) = self.text(template);
                    if !fine {
                        continue;
                    }
                    match assets.label_named(name.trim()) {
                        Some(label) => labels.push(label.reference()),
                        None => self.error_with(
                            format!("No such label with name '{name}'"),
                            "label:missing",
                            &[("name", &name)],
                        ),
                    }
                }
            }
        }
        labels
    }

    /// The user, if there is one; otherwise an error event.
    pub(super) fn user(&mut self, variable: &Variable) -> Option<UserRef> {
        let assets = self.state.assets;
        match variable {
            Variable::Fixed(uuid, name) => {
                let user = assets.user(uuid).map(User::reference);
                if user.is_none() {
                    self.missing(&user_reference(*uuid, name.clone()));
                }
                user
            }
            Variable::Named(template) => {
                let (email, fine) = self.text(template);
                if !fine {
                    return None;
                }
                let user = assets.user_with_email(&email).map(User::reference);
                if user.is_none() {
                    self.error_with(format!("No such user with email '{email}'"), "user:missing", &[("email", &email)]);
                }
                user
            }
        }
    }
}
