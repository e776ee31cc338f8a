//! A register of made-up contacts, for benchmarks: written past the import, which is measured apart.

use crate::query::{Column, Rows, Unit};
use crate::registry::Attributes;
use crate::registry::rows::{
    audience_rows, contact_place_rows, contact_rows, contact_term_rows, place_rows, term_rows,
};
use crate::{Store, StoreError, StoreResult, params};
use base::{ContactId, GroupId, IdMaker, Millis};
use uuid::Uuid;

/// How many contacts one transaction writes.
const CHUNK: u64 = 5_000;
/// Counties, each with districts, each with facilities.
const SHAPE: [usize; 3] = [15, 8, 8];
const CADRES: [&str; 12] = [
    "Nurse",
    "Midwife",
    "Community health worker",
    "Physician assistant",
    "Physician",
    "Laboratory technician",
    "Pharmacist",
    "Dispenser",
    "Environmental health technician",
    "Vaccinator",
    "Data clerk",
    "Receptionist",
];
const SKILLS: [&str; 8] = [
    "Obstetric care",
    "Emergency obstetrics",
    "Surgery",
    "Infection prevention",
    "Nutrition",
    "Immunization",
    "Mental health",
    "Tuberculosis",
];

/// A facility of the made-up country.
struct Facility {
    low: i64,
    name: String,
    county: usize,
}

impl Store {
    /// Writes `count` contacts with cadre, facility, skills, language and the day they were last heard of, spread over a
    /// country of fifteen counties (`County 1`...), and a group `Sample` that three in ten belong to.
    ///
    /// # Errors
    /// The store's. The store must be empty.
    pub async fn fill_with_samples(
        &self,
        count: u64,
        seed: u64,
        now: Millis,
        mut progress: impl FnMut(u64),
    ) -> StoreResult<()> {
        let mut ids = IdMaker::from_u64(seed);
        let group: GroupId = ids.next(now);
        let facilities = self.sample_places(&mut ids, group, now).await?;
        let mut done = 0;
        while done < count {
            let chunk = CHUNK.min(count - done);
            self.run(contacts(chunk, group, &facilities, &mut ids, now)?).await?;
            done += chunk;
            progress(done);
        }
        if let Self::Postgres(_) = self {
            self.execute("ANALYZE", params![]).await?;
        }
        Ok(())
    }

    async fn sample_places(&self, ids: &mut IdMaker, group: GroupId, now: Millis) -> StoreResult<Vec<Facility>> {
        let mut rows = place_rows();
        let mut facilities = Vec::new();
        let mut low = 0_i64;
        let mut place = |name: &str, parent: Option<Uuid>, below: i64, path: &[&str], kind: &str| {
            low += 1;
            let id = ids.uuid(now);
            let path = base::place::join_path(path);
            rows.push(params![
                id,
                "sample",
                low.to_string(),
                kind,
                "",
                name,
                base::text::fold(name),
                parent,
                low,
                low + below,
                path
            ]);
            (id, low)
        };
        let [counties, districts, clinics] = SHAPE.map(|n| n as i64);
        for county in 1..=counties {
            let county_name = format!("County {county}");
            let below = districts * (clinics + 1);
            let (county_id, _) = place(&county_name, None, below, &[&county_name], "jurisdiction");
            for district in 1..=districts {
                let name = format!("District {county}.{district}");
                let (id, _) = place(&name, Some(county_id), clinics, &[&county_name, &name], "jurisdiction");
                for clinic in 1..=clinics {
                    let clinic = format!("Clinic {county}.{district}.{clinic}");
                    let (_, low) = place(&clinic, Some(id), 0, &[&county_name, &name, &clinic], "facility");
                    facilities.push(Facility { low, name: clinic, county: county as usize });
                }
            }
        }
        let mut terms = term_rows();
        for (kind, labels) in [("cadre", CADRES.as_slice()), ("skill", SKILLS.as_slice())] {
            for label in labels {
                terms.push(params![kind, base::text::fold(label), *label]);
            }
        }
        let mut unit = Unit::new();
        unit.rows(rows);
        unit.rows(terms);
        unit.add(
            "INSERT INTO contact_group(id, name, name_folded, created_on) VALUES ($1, 'Sample', 'sample', $2)",
            params![group, now],
        );
        self.run(unit).await?;
        Ok(facilities)
    }
}

fn contacts(count: u64, group: GroupId, facilities: &[Facility], ids: &mut IdMaker, now: Millis) -> StoreResult<Unit> {
    let (mut contacts, mut audience) = (contact_rows(), audience_rows());
    let (mut terms, mut places) = (contact_term_rows(), contact_place_rows());
    let member = [Column::Bytes("contact_group"), Column::Int("part"), Column::Bytes("contact")];
    let mut members = Rows::insert("group_member", &member, "");
    for _ in 0..count {
        let contact: ContactId = ids.next(now);
        let part = contact.part();
        let cadre = CADRES[pick(ids, CADRES.len())];
        let skill = SKILLS[pick(ids, SKILLS.len())];
        let facility = &facilities[pick(ids, facilities.len())];
        let (gender, language) = (["female", "male"][pick(ids, 2)], ["eng", "fra", "swa"][pick(ids, 3)]);
        let name = format!("Worker {:06}", pick(ids, 1_000_000));
        let folded = base::text::fold(&name);
        let seen = (pick(ids, 3) > 0).then(|| Millis(now.0 - pick(ids, 400) as i64 * 86_400_000));
        let attributes = Attributes {
            cadre: vec![cadre.into()],
            facility: vec![facility.name.clone()],
            within: vec![facility.low as u32],
            skill: vec![skill.into()],
            gender: gender.into(),
            status: "active".into(),
            report_cadre: cadre.into(),
            report_place: format!("County {}", facility.county),
            ..Attributes::default()
        };
        let attributes = serde_json::to_string(&attributes).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let groups = if pick(ids, 10) < 3 {
            members.push(params![group, part, contact]);
            format!("[\"{group}\"]")
        } else {
            "[]".to_owned()
        };
        contacts.push(params![
            part,
            contact,
            None::<Uuid>,
            name,
            &folded,
            language,
            now,
            seen,
            "[]",
            groups,
            attributes
        ]);
        audience.push(params![part, contact, &folded, gender, "active", language, "active", now, seen, now]);
        terms.push(params!["cadre", base::text::fold(cadre), part, contact]);
        terms.push(params!["skill", base::text::fold(skill), part, contact]);
        places.push(params![facility.low, part, contact]);
    }
    let mut unit = Unit::new();
    for rows in [contacts, audience, terms, places, members] {
        unit.rows(rows);
    }
    Ok(unit)
}

fn pick(ids: &mut IdMaker, choices: usize) -> usize {
    (ids.unit() * choices as f64) as usize
}
