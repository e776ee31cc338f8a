//! `field`: another value of a field.

use super::Target;
use crate::assets::{Field, FieldType};
use crate::contact::FieldValue;
use crate::environment::{Level, Location};
use crate::event::EventKind;
use crate::message::cut;
use crate::reference::FieldRef;
use crate::stamp::Stamp;

impl Target<'_, '_> {
    pub(super) fn set_field(&mut self, reference: &FieldRef, value: &str) -> bool {
        let Some(field) = self.assets.field(&reference.key) else { return false };
        let parsed = self.parse_field(field, value);
        if self.contact.fields.get(&field.key) == parsed.as_ref() {
            return false;
        }
        match &parsed {
            Some(value) => self.contact.fields.set(&field.key, value.clone()),
            None => _ = self.contact.fields.remove(&field.key),
        }
        self.event(EventKind::ContactFieldChanged { field: field.reference(), value: parsed });
        true
    }

    fn parse_field(&self, field: &Field, value: &str) -> Option<FieldValue> {
        if value.is_empty() {
            return None;
        }
        let text = cut(value, self.engine.options().max_field_chars).to_owned();
        let at = self.env.parse_datetime(value, self.sources.now, true);
        let mut parsed = FieldValue {
            number: self.env.parse_number(value),
            datetime: at.map(|at| Stamp { at: at.timestamp(), offset: at.offset() }),
            text,
            ..FieldValue::default()
        };
        if let Some(location) = self.find_location(field, value) {
            let path = &location.path;
            let upto = |levels: usize| path.split(" > ").take(levels).collect::<Vec<_>>().join(" > ");
            match location.level {
                1 => parsed.state = upto(2),
                2 => (parsed.state, parsed.district) = (upto(2), upto(3)),
                3 => (parsed.state, parsed.district, parsed.ward) = (upto(2), upto(3), upto(4)),
                _ => {}
            }
        }
        Some(parsed)
    }

    /// A path with `>` is looked up as it is; anything else is searched at the field's level, within the place of the
    /// contact's first field of the level above.
    fn find_location(&self, field: &Field, value: &str) -> Option<&Location> {
        let locations = self.assets.locations()?;
        if value.contains('>') {
            return locations.lookup_path(value);
        }
        let first = |kind: FieldType, path: fn(&FieldValue) -> &str| {
            let fields = self.assets.fields().iter().filter(|f| f.kind == kind);
            let values = fields.filter_map(|f| self.contact.fields.get(&f.key));
            values.map(path).find(|p| !p.is_empty()).and_then(|p| locations.lookup_path(p))
        };
        let (level, parent) = match field.kind {
            FieldType::State => (Level::State, None),
            FieldType::District => (Level::District, Some(first(FieldType::State, |v| &v.state)?)),
            FieldType::Ward => (Level::Ward, Some(first(FieldType::District, |v| &v.district)?)),
            _ => return None,
        };
        locations.find(self.env, level, value, parent).into_iter().next()
    }
}
