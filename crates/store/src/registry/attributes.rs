//! What audiences and reports know of a worker.

use super::places::Places;
use ::audience::{Value, WorkerAttribute};
use ::registry::{Status, Worker};
use base::WorkerId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};

/// What audiences and reports know of the worker behind a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    /// The worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerId>,
    /// Labels and codes of the cadres of the posts held.
    pub cadre: Vec<String>,
    /// Names of the facilities of the posts held.
    pub facility: Vec<String>,
    /// Names of the places that these lie directly in, and of the posts' own places.
    pub place: Vec<String>,
    /// Positions in the place tree of the facilities and places of the posts held.
    pub within: Vec<u32>,
    /// Labels and codes of qualifications and specialities.
    pub skill: Vec<String>,
    /// FHIR's word.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gender: String,
    /// `active` or `left`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// The cadre that reports count by: the label of the first post's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub report_cadre: String,
    /// The place that reports count by: the first post's, at the level below the country.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub report_place: String,
}

impl Attributes {
    /// Calls `visit` with each value of an attribute; none is an empty text.
    pub fn each(&self, attribute: WorkerAttribute, visit: &mut dyn FnMut(Value<'_>)) {
        let mut texts = |texts: &[String]| {
            texts.iter().filter(|text| !text.is_empty()).for_each(|text| visit(Value::Text(text)));
        };
        match attribute {
            WorkerAttribute::Cadre => texts(&self.cadre),
            WorkerAttribute::Facility => texts(&self.facility),
            WorkerAttribute::Place => texts(&self.place),
            WorkerAttribute::Skill => texts(&self.skill),
            WorkerAttribute::Gender => texts(std::slice::from_ref(&self.gender)),
            WorkerAttribute::Status => texts(std::slice::from_ref(&self.status)),
            WorkerAttribute::Within => self.within.iter().for_each(|at| visit(Value::Place(*at))),
        }
    }

    /// Each term with its kind, folded.
    pub(super) fn terms(&self) -> BTreeSet<(&'static str, String, &str)> {
        let lists =
            [("cadre", &self.cadre), ("facility", &self.facility), ("place", &self.place), ("skill", &self.skill)];
        lists
            .into_iter()
            .flat_map(|(kind, texts)| texts.iter().map(move |text| (kind, base::text::fold(text), text.as_str())))
            .collect()
    }
}

impl Places {
    /// What the registry knows of a worker, for audiences and reports.
    pub(super) fn attributes(&self, source: &str, worker: &Worker, id: WorkerId) -> Attributes {
        let mut all = Attributes { worker: Some(id), ..Attributes::default() };
        let held = worker.posts.iter().filter(|post| post.active || worker.status == Status::Left);
        for post in held {
            if let Some(cadre) = &post.cadre {
                if all.report_cadre.is_empty() {
                    all.report_cadre.clone_from(&cadre.label);
                }
                all.cadre.extend([cadre.label.clone(), cadre.code.clone()]);
            }
            for reference in [&post.facility_ref, &post.place_ref].into_iter().flatten() {
                let Some(place) = self.get(source, reference) else { continue };
                all.within.push(place.low);
                let path: Vec<&str> = base::place::split_path(&place.path).collect();
                let above = if place.facility { path.len().saturating_sub(1) } else { path.len() };
                if place.facility {
                    all.facility.push(place.name.clone());
                }
                all.place.extend(path[..above].last().map(|name| (*name).to_owned()));
                if all.report_place.is_empty() {
                    all.report_place = self.report_place(place);
                }
            }
        }
        for skill in &worker.skills {
            all.skill.extend([skill.label.clone(), skill.code.clone()]);
        }
        all.gender = worker.gender.map(word).unwrap_or_default();
        all.status = word(worker.status);
        for list in [&mut all.cadre, &mut all.facility, &mut all.place, &mut all.skill] {
            let mut seen = HashSet::new();
            list.retain(|text| !text.is_empty() && seen.insert(text.clone()));
        }
        all.within.sort_unstable();
        all.within.dedup();
        all
    }
}

/// The word that a unit variant serialises to.
pub(super) fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
