//! The place tree: what an import changes of it, and where each place lies.

use super::Imported;
use super::rows::{place_rows, record_rows};
use crate::query::{Column, Rows, Unit};
use crate::{Store, StoreResult, params};
use ::registry::{Hash, Import, Place};
use base::place::PlaceTree;
use base::{IdMaker, Millis};
use std::collections::HashMap;
use uuid::Uuid;

/// The place tree as it is stored.
#[derive(Clone, Debug, Default)]
pub struct Places {
    pub(super) rows: HashMap<(String, String), PlaceRow>,
    by_id: HashMap<Uuid, (String, String)>,
    /// Whether one jurisdiction contains all others.
    only_top: bool,
}

/// One place of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRow {
    /// Its id.
    pub id: Uuid,
    /// The source's id of it.
    pub source_id: String,
    /// Its name.
    pub name: String,
    /// Whether it is a facility.
    pub facility: bool,
    /// The level (country, district...) or the type of facility, as the source calls it.
    pub level: String,
    /// The first position of its subtree, its own.
    pub low: u32,
    /// The last position of its subtree.
    pub high: u32,
    /// The names from the top, joined as [`base::place::join_path`] does.
    pub path: String,
    pub(super) parent: Option<Uuid>,
}

impl Places {
    /// A place by the source's id.
    pub fn get(&self, source: &str, source_id: &str) -> Option<&PlaceRow> {
        self.rows.get(&(source.to_owned(), source_id.to_owned()))
    }

    /// All places, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &PlaceRow> {
        self.rows.values()
    }
}

impl Store {
    /// The whole place tree.
    pub async fn places(&self) -> StoreResult<Places> {
        let sql = "SELECT source, source_id, id, name, kind, parent, low, high, path, level FROM place";
        let mut places = self
            .query_each(sql, params![], Places::default(), |all, row| {
                let key: (String, String) = (row.get(0)?, row.get(1)?);
                let place = PlaceRow {
                    id: row.get(2)?,
                    source_id: key.1.clone(),
                    name: row.get(3)?,
                    facility: row.text(4)? == "facility",
                    parent: row.get(5)?,
                    low: row.get(6)?,
                    high: row.get(7)?,
                    path: row.get(8)?,
                    level: row.get(9)?,
                };
                all.by_id.insert(place.id, key.clone());
                all.rows.insert(key, place);
                Ok(())
            })
            .await?;
        places.only_top = places.rows.values().filter(|row| !row.facility && row.parent.is_none()).count() == 1;
        Ok(places)
    }

    async fn place_hashes(&self, source: &str) -> StoreResult<HashMap<String, Hash>> {
        let sql = "SELECT source_id, hash FROM source_record WHERE source = $1 AND kind = 'place'";
        self.query_each(sql, params![source], HashMap::new(), |all, row| {
            all.insert(row.get(0)?, Hash(row.get(1)?));
            Ok(())
        })
        .await
    }

    /// Writes new and changed places and numbers the tree anew; tells whether a place that was there lies or is called
    /// otherwise.
    pub(super) async fn commit_places(
        &self,
        source: &str,
        import: &Import,
        ids: &mut IdMaker,
        now: Millis,
        done: &mut Imported,
    ) -> StoreResult<(Places, bool)> {
        let mut places = self.places().await?;
        let hashes = self.place_hashes(source).await?;
        let changed: Vec<&Place> =
            import.places.iter().filter(|place| hashes.get(&place.source_id) != Some(&place.hash)).collect();
        done.places = changed.len();
        if changed.is_empty() {
            return Ok((places, false));
        }
        for place in &changed {
            let key = (source.to_owned(), place.source_id.clone());
            let id = places.rows.get(&key).map_or_else(|| ids.uuid(now), |row| row.id);
            let row = PlaceRow {
                id,
                source_id: place.source_id.clone(),
                name: place.name.clone(),
                facility: place.kind == ::registry::PlaceKind::Facility,
                level: place.level.as_ref().map(|level| level.label.clone()).unwrap_or_default(),
                low: 0,
                high: 0,
                path: String::new(),
                parent: None,
            };
            places.by_id.insert(id, key.clone());
            places.rows.insert(key, row);
        }
        for place in &changed {
            let parent = place.parent.as_ref().and_then(|parent| places.get(source, parent)).map(|row| row.id);
            if let Some(row) = places.rows.get_mut(&(source.to_owned(), place.source_id.clone())) {
                row.parent = parent;
            }
        }
        let moved = places.number();
        let (mut rows, mut records) = (place_rows(), record_rows());
        for place in changed {
            let Some(row) = places.get(source, &place.source_id) else { continue };
            let kind = if row.facility { "facility" } else { "jurisdiction" };
            let folded = base::text::fold(&place.name);
            rows.push(params![
                row.id,
                source,
                &place.source_id,
                kind,
                &row.level,
                &place.name,
                folded,
                row.parent,
                row.low,
                row.high,
                &row.path
            ]);
            records.push(params![source, "place", &place.source_id, place.hash.0, &place.raw, now]);
            if let Some(organization) = &place.raw_organization {
                records.push(params![source, "organization", &place.source_id, place.hash.0, organization, now]);
            }
        }
        let mut positions = Rows::update(
            "place",
            &[Column::Bytes("id")],
            &[Column::Int("low"), Column::Int("high"), Column::Text("path")],
        );
        for row in places.rows.values() {
            positions.push(params![row.id, row.low, row.high, &row.path]);
        }
        let mut unit = Unit::new();
        unit.rows(rows);
        unit.rows(records);
        unit.rows(positions);
        // Smart groups of flows name places.
        unit.add(crate::flows::REVISION, params![]);
        self.run(unit).await?;
        Ok((places, moved))
    }
}

impl Places {
    /// Numbers the tree; tells whether a place that had a position has another now.
    fn number(&mut self) -> bool {
        let mut pairs: Vec<(Uuid, Option<Uuid>)> = self.rows.values().map(|row| (row.id, row.parent)).collect();
        pairs.sort_unstable();
        let (tree, _) = PlaceTree::build(pairs);
        self.only_top = self.rows.values().filter(|row| !row.facility && row.parent.is_none()).count() == 1;
        let mut moved = false;
        let names: HashMap<Uuid, String> = self.rows.values().map(|row| (row.id, row.name.clone())).collect();
        for row in self.rows.values_mut() {
            let Some(span) = tree.span(&row.id) else { continue };
            let mut path: Vec<&str> =
                tree.upwards(&row.id).filter_map(|id| names.get(id)).map(String::as_str).collect();
            path.reverse();
            if path.last() != Some(&row.name.as_str()) {
                path.push(&row.name);
            }
            let path = base::place::join_path(path);
            let known = row.high != 0 || row.low != 0;
            moved |= known && (row.low, row.high, &row.path) != (span.left, span.right, &path);
            (row.low, row.high, row.path) = (span.left, span.right, path);
        }
        moved
    }

    /// The place that reports count a place under: of those it lies within, the highest that is not a country. Where the
    /// source gives no levels, the country is the only place at the top.
    pub(super) fn report_place(&self, place: &PlaceRow) -> String {
        let mut chain = Vec::new();
        let mut next = Some(place);
        // A circle was cut when the tree was numbered, not where it is stored.
        while let Some(place) = next.filter(|_| chain.len() < 64) {
            if !place.facility {
                chain.push(place);
            }
            next = place.parent.and_then(|id| self.rows.get(self.by_id.get(&id)?));
        }
        let top = chain.pop();
        let is_country = |place: &PlaceRow| match place.level.as_str() {
            "" => self.only_top,
            level => base::text::fold(level) == "country",
        };
        let below = top.filter(|top| is_country(top)).and_then(|_| chain.pop());
        below.or(top).map(|place| place.name.clone()).unwrap_or_default()
    }
}
