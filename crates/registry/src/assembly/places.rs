//! The places of an import: Locations, the Organizations that run them, and those named by rows of tables.

use base::place::{Fault, PlaceTree};
use std::collections::{BTreeMap, HashMap};

use super::Known;
use super::link::places_by_id;
use crate::fhir::{PlaceRecord, Reference};
use crate::finding::{Code, Finding, Origin};
use crate::model::{Coded, Hash, Place, PlaceKind};
use crate::records::{Records, RowPlace};

/// The places, and by which names records refer to them.
pub(super) struct Places {
    /// In the order of the tree.
    pub(super) all: Vec<Place>,
    /// Every key of a Location or Organization to the id of its place.
    by_key: HashMap<String, String>,
    kinds: HashMap<String, PlaceKind>,
}

impl Places {
    /// The id of the place that a reference means.
    pub(super) fn resolve(&self, reference: &Reference) -> Option<&str> {
        self.by_key.get(&reference.key).map(String::as_str)
    }

    /// What kind of place it is, where it is part of the import.
    pub(super) fn kind(&self, id: &str) -> Option<PlaceKind> {
        self.kinds.get(id).copied()
    }
}

/// The id of the place that a reference to something outside the import would have.
pub(super) fn outside(reference: &Reference) -> String {
    if reference.key.starts_with("Organization/") { reference.key.clone() } else { reference.id().to_owned() }
}

type ById = BTreeMap<String, PlaceRecord>;

/// Joins Locations and Organizations, adds the places of rows, and puts them in the order of the tree.
pub(super) fn build(records: &mut Records, source: &str, known: &Known, findings: &mut Vec<Finding>) -> Places {
    let mut locations = places_by_id(std::mem::take(&mut records.locations), "Location", findings);
    let organizations = places_by_id(std::mem::take(&mut records.organizations), "Organization", findings);
    let pairs = pair(&locations, &organizations);
    let mut by_key: HashMap<String, String> = HashMap::new();
    for record in locations.values() {
        for name in &record.keys.names {
            by_key.entry(name.clone()).or_insert_with(|| record.place.source_id.clone());
        }
    }
    for (id, record) in &organizations {
        let place = pairs.get(id).map_or(&record.place.source_id, |location| location);
        for name in &record.keys.names {
            by_key.entry(name.clone()).or_insert_with(|| place.clone());
        }
    }
    let mut all: BTreeMap<String, (Origin, Place, Option<Reference>)> = BTreeMap::new();
    for (id, mut record) in organizations {
        match pairs.get(&id).and_then(|location| locations.get_mut(location)) {
            Some(location) => {
                location.place.raw_organization = Some(record.place.raw);
                location.place.identifiers.append(&mut record.place.identifiers);
                location.parent = location.parent.take().or(record.parent);
            }
            None => {
                all.insert(record.place.source_id.clone(), (record.origin, record.place, record.parent));
            }
        }
    }
    for record in locations.into_values() {
        all.insert(record.place.source_id.clone(), (record.origin, record.place, record.parent));
    }
    for (origin, place, parent) in all.values_mut() {
        let Some(reference) = parent.take() else { continue };
        let target = by_key.get(&reference.key).cloned();
        if target.is_none() && !known.places.contains(&outside(&reference)) {
            let message = format!("'{}' lies within {}, which is not part of the import", place.name, reference.key);
            findings.push(Finding::new(Code::UnresolvedReference, origin.at(&reference.path), message));
        }
        place.parent = Some(target.unwrap_or_else(|| outside(&reference)));
    }
    for (id, named) in std::mem::take(&mut records.row_places) {
        all.entry(id).or_insert_with(|| of_row(named, source));
    }
    let (tree, faults) = PlaceTree::build(all.iter().map(|(id, (_, place, _))| (id.clone(), place.parent.clone())));
    for fault in faults {
        // Orphans have been found above, with the reference that is to blame.
        if let Fault::Cycle { places } = fault
            && let Some((origin, place, _)) = places.first().and_then(|first| all.get_mut(first))
        {
            place.parent = None;
            let message = format!("the place '{}' lies within itself: {}", place.name, places.join(" > "));
            findings.push(Finding::new(Code::PlaceCycle, origin.clone(), message));
        }
    }
    let places: Vec<Place> = tree.iter().filter_map(|(id, _)| all.remove(id).map(|(_, place, _)| place)).collect();
    let kinds = places.iter().map(|place| (place.source_id.clone(), place.kind)).collect();
    Places { all: places, by_key, kinds }
}

/// Which Location each Organization stands for, by their ids: the only one that names it as its managing
/// organization, or the one with the same id. An Organization that runs several Locations is none of them.
fn pair(locations: &ById, organizations: &ById) -> BTreeMap<String, String> {
    let mut by_key: HashMap<&str, &str> = HashMap::new();
    for (id, record) in organizations {
        for name in &record.keys.names {
            by_key.entry(name).or_insert(id);
        }
    }
    let mut named: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, record) in locations {
        if let Some(organization) =
            record.organization.as_ref().and_then(|reference| by_key.get(reference.key.as_str()))
        {
            named.entry(organization).or_default().push(id);
        }
    }
    let mut pairs = BTreeMap::new();
    for id in organizations.keys() {
        let by_name = named.get(id.as_str()).map_or(&[][..], Vec::as_slice);
        let location = match by_name {
            [only] => Some(*only),
            [] => locations
                .get_key_value(id)
                .filter(|(_, record)| record.organization.is_none())
                .map(|(id, _)| id.as_str()),
            several => several.iter().find(|location| *location == id).copied(),
        };
        if let Some(location) = location {
            pairs.insert(id.clone(), location.to_owned());
        }
    }
    pairs
}

/// A place named by a row.
fn of_row(named: RowPlace, source: &str) -> (Origin, Place, Option<Reference>) {
    let RowPlace { step, parent, origin } = named;
    let place = Place {
        source: source.to_owned(),
        source_id: step.id,
        name: step.name,
        kind: if step.level.is_some() { PlaceKind::Jurisdiction } else { PlaceKind::Facility },
        level: step.level.map(|level| Coded {
            system: None,
            code: level.code().to_owned(),
            label: level.code().to_owned(),
        }),
        parent,
        position: None,
        active: true,
        identifiers: Vec::new(),
        raw: String::new(),
        raw_organization: None,
        hash: Hash::default(),
    };
    (origin, place, None)
}
