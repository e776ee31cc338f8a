//! The scenario of the demo: the pilot in Liberia in 2014, with invented people.
//!
//! 482 health workers in four counties, as a bundle that iHRIS could have exported (FHIR R4 in the shape of mCSD);
//! the flow that they are asked, and the operator that reaches 289 of them. Counties and districts are real; people,
//! facilities and numbers (+231 990 ...) are not. The same seed gives the same bundle.

use base::IdMaker;
use serde_json::{Value, json};

/// The validation flow, a RapidPro export.
pub(crate) const FLOW: &str = include_str!("../../../../../demo/staff_validation.json");

/// The name of the flow in [`FLOW`].
pub(crate) const FLOW_NAME: &str = "Staff and facility validation";

/// The operator's configuration.
pub(crate) const OPERATOR: &str = include_str!("../../../../../demo/operator.toml");

/// A county: name, number block, workers, districts.
struct County {
    name: &'static str,
    code: &'static str,
    /// The number of its first worker, without +231; the others follow.
    first: u32,
    workers: u32,
    facilities: usize,
    districts: &'static [&'static str],
}

const COUNTIES: [County; 4] = [
    County {
        name: "Bong",
        code: "bong",
        first: 990_110_001,
        workers: 110,
        facilities: 14,
        districts: &["Fuamah", "Jorquelleh", "Kokoyah", "Panta", "Salala", "Sanoyea", "Suakoko", "Zota"],
    },
    County {
        name: "Lofa",
        code: "lofa",
        first: 990_120_001,
        workers: 80,
        facilities: 11,
        districts: &["Foya", "Kolahun", "Salayea", "Vahun", "Voinjama", "Zorzor"],
    },
    County {
        name: "Montserrado",
        code: "montserrado",
        first: 990_130_001,
        workers: 190,
        facilities: 18,
        districts: &[
            "Bushrod Island",
            "Careysburg",
            "Central Monrovia",
            "Commonwealth",
            "Saint Paul River",
            "Somalia Drive",
            "Todee",
        ],
    },
    County {
        name: "Nimba",
        code: "nimba",
        first: 990_140_001,
        workers: 102,
        facilities: 13,
        districts: &["Gbehlay-Geh", "Saclepea-Mah", "Sanniquellie-Mah", "Tappita", "Yarwein-Mehnsonoh", "Zoe-Geh"],
    },
];

/// A cadre: code, label, job code (after ISCO-08), job, weight, skills.
struct Cadre {
    code: &'static str,
    label: &'static str,
    job: (&'static str, &'static str),
    weight: f64,
    skills: &'static [Skill],
}

type Skill = (&'static str, &'static str);

const INFECTION: Skill = ("infection-prevention", "Infection prevention and control");
const OBSTETRIC: Skill = ("obstetric-emergency", "Emergency obstetric and newborn care");
const VACCINATION: Skill = ("vaccination", "Vaccination");
const CASES: Skill = ("case-management", "Case management of fever");
const TRACING: Skill = ("contact-tracing", "Contact tracing");
const LABORATORY: Skill = ("laboratory", "Laboratory diagnosis");
const SURGERY: Skill = ("minor-surgery", "Minor surgery");

const CADRES: [Cadre; 8] = [
    Cadre {
        code: "nurse",
        label: "Nurse",
        job: ("2221", "Registered nurse"),
        weight: 31.0,
        skills: &[INFECTION, VACCINATION, CASES],
    },
    Cadre {
        code: "midwife",
        label: "Midwife",
        job: ("2222", "Certified midwife"),
        weight: 16.0,
        skills: &[OBSTETRIC, INFECTION],
    },
    Cadre {
        code: "physician-assistant",
        label: "Physician assistant",
        job: ("2240", "Physician assistant"),
        weight: 12.0,
        skills: &[CASES, SURGERY, INFECTION],
    },
    Cadre {
        code: "community-health-worker",
        label: "Community health worker",
        job: ("3253", "General community health volunteer"),
        weight: 23.0,
        skills: &[TRACING, VACCINATION],
    },
    Cadre {
        code: "laboratory-technician",
        label: "Laboratory technician",
        job: ("3212", "Laboratory technician"),
        weight: 7.0,
        skills: &[LABORATORY],
    },
    Cadre { code: "pharmacist", label: "Pharmacist", job: ("3213", "Dispenser"), weight: 4.0, skills: &[] },
    Cadre {
        code: "environmental-health",
        label: "Environmental health technician",
        job: ("3257", "Environmental health technician"),
        weight: 4.0,
        skills: &[TRACING, INFECTION],
    },
    Cadre {
        code: "doctor",
        label: "Medical doctor",
        job: ("2211", "Medical officer"),
        weight: 3.0,
        skills: &[SURGERY, CASES],
    },
];

const GIVEN: [(&str, &str); 32] = [
    ("Adela", "female"),
    ("Amara", "female"),
    ("Belina", "female"),
    ("Cordia", "female"),
    ("Delma", "female"),
    ("Efua", "female"),
    ("Fenda", "female"),
    ("Garma", "female"),
    ("Helina", "female"),
    ("Irena", "female"),
    ("Jenneh", "female"),
    ("Karuma", "female"),
    ("Lusana", "female"),
    ("Marvi", "female"),
    ("Nowai", "female"),
    ("Oletha", "female"),
    ("Patria", "female"),
    ("Ruvina", "female"),
    ("Alpha", "male"),
    ("Bedel", "male"),
    ("Corvin", "male"),
    ("Dorley", "male"),
    ("Emric", "male"),
    ("Flomo", "male"),
    ("Garsu", "male"),
    ("Hadric", "male"),
    ("Isaku", "male"),
    ("Jallo", "male"),
    ("Kerku", "male"),
    ("Lomax", "male"),
    ("Momor", "male"),
    ("Nuah", "male"),
];

const FAMILY: [&str; 31] = [
    "Abendu", "Ballawo", "Corvanyi", "Dahmeh", "Edokpo", "Fallawen", "Gbanjeh", "Harwolo", "Innisbel", "Jorkoli",
    "Kamawu", "Larbelee", "Menyonga", "Nagbeh", "Orlanwo", "Pewulo", "Quiawon", "Rowando", "Saywolo", "Tarnueh",
    "Ulvando", "Varfelee", "Wolobah", "Yarkpeh", "Zangai", "Bowuteh", "Dolokeh", "Kpanwolo", "Gaywolu", "Siaffawo",
    "Teahwon",
];

const FACILITY_NAMES: [&str; 28] = [
    "Cotton Tree",
    "Riverside",
    "Palm Grove",
    "New Hope",
    "Iron Hill",
    "Red Earth",
    "Old Bridge",
    "Sweetwater",
    "Market Road",
    "Mango Corner",
    "High Bush",
    "Three Roads",
    "Sunrise",
    "Clearwater",
    "Rock Spring",
    "Kola Tree",
    "Rubber Road",
    "Long Street",
    "Green Valley",
    "Blue Lake",
    "Morning Star",
    "Quarry Road",
    "Water Side",
    "Plum Tree",
    "Breadfruit",
    "Lone Star",
    "Station Road",
    "Ferry Landing",
];

/// Type, its code, and how many workers it draws.
const FACILITY_TYPES: [(&str, &str, f64); 3] =
    [("Hospital", "HOSP", 6.0), ("Health Center", "PC", 2.5), ("Clinic", "OF", 1.0)];

const MCSD: &str = "http://ihe.net/fhir/StructureDefinition/IHE.mCSD";
const MCSD_TYPE: &str = "urn:ihe:iti:mcsd:2019";
const IHRIS: &str = "http://ihris.org/fhir";
const ROLE_CODES: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
const PHYSICAL_TYPES: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";

/// The bundle, a transaction that puts each resource under its id. Each worker's first phone that can be read is one of
/// the operator's; some have others, which cannot be read, or are shared, or are no phone of the operator's.
pub(crate) fn bundle(seed: u64) -> Value {
    let mut writer = Writer { draw: IdMaker::from_u64(seed), entries: Vec::new() };
    writer.jurisdiction("lr", "Liberia", "country", None);
    let mut number = 0;
    for county in &COUNTIES {
        let county_id = format!("lr-{}", county.code);
        writer.jurisdiction(&county_id, county.name, "county", Some("lr"));
        for district in county.districts {
            writer.jurisdiction(&district_id(county, district), district, "district", Some(&county_id));
        }
        let facilities = writer.facilities(county);
        for i in 0..county.workers {
            writer.worker(number, county.first + i, &facilities);
            number += 1;
        }
    }
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": writer.entries })
}

fn district_id(county: &County, district: &str) -> String {
    format!("lr-{}-{}", county.code, district.to_lowercase().replace(' ', "-"))
}

/// A facility's id, and how many workers it draws.
type Drawing = (String, f64);

struct Writer {
    draw: IdMaker,
    entries: Vec<Value>,
}

impl Writer {
    fn put(&mut self, resource: Value) {
        let url =
            format!("{}/{}", resource["resourceType"].as_str().unwrap_or(""), resource["id"].as_str().unwrap_or(""));
        self.entries.push(json!({ "resource": resource, "request": { "method": "PUT", "url": url } }));
    }

    /// A number from 0 to `below - 1`.
    fn below(&mut self, below: usize) -> usize {
        (self.draw.unit() * below as f64) as usize
    }

    fn chance(&mut self, share: f64) -> bool {
        self.draw.unit() < share
    }

    /// The index of one of several weights.
    fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut left = self.draw.unit() * weights.clone().sum::<f64>();
        let count = weights.clone().count();
        for (i, weight) in weights.enumerate() {
            left -= weight;
            if left < 0.0 {
                return i;
            }
        }
        count.saturating_sub(1)
    }

    fn jurisdiction(&mut self, id: &str, name: &str, level: &str, parent: Option<&str>) {
        let mut place = json!({
            "resourceType": "Location",
            "id": id,
            "meta": { "profile": [format!("{MCSD}.Location"), format!("{MCSD}.JurisdictionLocation")] },
            "status": "active",
            "name": name,
            "type": [
                { "coding": [{ "system": "urn:ietf:rfc:3986", "code": format!("{MCSD_TYPE}:jurisdiction") }] },
                { "coding": [{ "system": format!("{IHRIS}/CodeSystem/ihris-jurisdiction"), "code": level }] },
            ],
            "physicalType": { "coding": [{ "system": PHYSICAL_TYPES, "code": "jdn", "display": "Jurisdiction" }] },
            "managingOrganization": { "reference": format!("Organization/{id}") },
        });
        let mut organization = json!({
            "resourceType": "Organization",
            "id": id,
            "meta": { "profile": [format!("{MCSD}.Organization"), format!("{MCSD}.JurisdictionOrganization")] },
            "active": true,
            "name": name,
            "type": [{ "coding": [{ "system": "urn:ietf:rfc:3986", "code": format!("{MCSD_TYPE}:jurisdiction") }] }],
        });
        if let Some(parent) = parent {
            place["partOf"] = json!({ "reference": format!("Location/{parent}") });
            organization["partOf"] = json!({ "reference": format!("Organization/{parent}") });
        }
        self.put(place);
        self.put(organization);
    }

    /// The facilities of a county: one hospital, some health centers, clinics, in its districts.
    fn facilities(&mut self, county: &County) -> Vec<Drawing> {
        let shift = self.below(FACILITY_NAMES.len());
        (0..county.facilities)
            .map(|i| {
                let (kind, code, draws) = FACILITY_TYPES[match i {
                    0 => 0,
                    1..4 => 1,
                    _ => 2,
                }];
                let name = format!("{} {kind}", FACILITY_NAMES[(shift + i) % FACILITY_NAMES.len()]);
                let id = format!("lr-{}-f{:02}", county.code, i + 1);
                let district = district_id(county, county.districts[i % county.districts.len()]);
                self.facility(&id, &name, kind, code, &district);
                (id, draws)
            })
            .collect()
    }

    fn facility(&mut self, id: &str, name: &str, kind: &str, code: &str, district: &str) {
        let types = json!([
            { "coding": [{ "system": "urn:ietf:rfc:3986", "code": format!("{MCSD_TYPE}:facility") }] },
            { "coding": [{ "system": ROLE_CODES, "code": code }], "text": kind },
        ]);
        self.put(json!({
            "resourceType": "Location",
            "id": id,
            "meta": { "profile": [format!("{MCSD}.Location"), format!("{MCSD}.FacilityLocation")] },
            "status": "active",
            "name": name,
            "type": types,
            "physicalType": { "coding": [{ "system": PHYSICAL_TYPES, "code": "bu", "display": "Building" }] },
            "managingOrganization": { "reference": format!("Organization/{id}") },
            "partOf": { "reference": format!("Location/{district}") },
        }));
        self.put(json!({
            "resourceType": "Organization",
            "id": id,
            "meta": { "profile": [format!("{MCSD}.Organization"), format!("{MCSD}.FacilityOrganization")] },
            "active": true,
            "name": name,
            "type": types,
            "partOf": { "reference": format!("Organization/{district}") },
        }));
    }

    fn worker(&mut self, number: usize, phone: u32, facilities: &[Drawing]) {
        let id = format!("lr-w{:03}", number + 1);
        // Both lengths have no common factor, so that no name occurs twice.
        let (given, gender) = GIVEN[number % GIVEN.len()];
        let family = FAMILY[number % FAMILY.len()];
        let cadre = &CADRES[self.weighted(CADRES.iter().map(|cadre| cadre.weight))];
        let facility = facilities[self.weighted(facilities.iter().map(|(_, draws)| *draws))].0.clone();
        let skills: Vec<Value> = cadre
            .skills
            .iter()
            .filter(|_| self.chance(0.6))
            .map(|(code, label)| {
                let coding =
                    json!({ "system": format!("{IHRIS}/CodeSystem/ihris-training"), "code": code, "display": label });
                json!({ "code": { "coding": [coding], "text": label } })
            })
            .collect();
        let telecom: Vec<Value> = self
            .typed_phones(number, phone)
            .into_iter()
            .map(|value| json!({ "system": "phone", "use": "mobile", "value": value }))
            .collect();
        let birth_year = 1952 + self.below(40);
        let since = 2000 + self.below(14);
        self.put(json!({
            "resourceType": "Practitioner",
            "id": id,
            "meta": {
                "profile": [format!("{MCSD}.Practitioner"), format!("{IHRIS}/StructureDefinition/ihris-practitioner")]
            },
            "active": true,
            "name": [{ "use": "official", "text": format!("{given} {family}"), "family": family, "given": [given] }],
            "telecom": telecom,
            "gender": gender,
            "birthDate": birth_year.to_string(),
            "qualification": skills,
            "communication": [{ "coding": [{ "system": "urn:ietf:bcp:47", "code": "en" }] }],
        }));
        let (job, job_label) = cadre.job;
        self.put(json!({
            "resourceType": "PractitionerRole",
            "id": format!("lr-r{:03}", number + 1),
            "meta": {
                "profile": [
                    format!("{MCSD}.PractitionerRole"),
                    format!("{IHRIS}/StructureDefinition/ihris-practitioner-role"),
                ]
            },
            "active": true,
            "period": { "start": format!("{since}-01-01") },
            "practitioner": { "reference": format!("Practitioner/{id}") },
            "organization": { "reference": format!("Organization/{facility}") },
            "code": [
                {
                    "coding": [
                        { "system": format!("{IHRIS}/CodeSystem/ihris-job"), "code": job, "display": job_label },
                    ],
                    "text": job_label,
                },
                {
                    "coding": [
                        { "system": format!("{IHRIS}/CodeSystem/ihris-cadre"), "code": cadre.code, "display": cadre.label },
                    ],
                    "text": cadre.label,
                },
            ],
            "location": [{ "reference": format!("Location/{facility}") }],
        }));
    }

    /// A worker's phones as somebody typed them. `phone` is the one that can be reached; the others are the mistakes
    /// of real registries, on numbers that no phone of the operator has.
    fn typed_phones(&mut self, number: usize, phone: u32) -> Vec<String> {
        let text = phone.to_string();
        let (a, b, c) = (&text[..3], &text[3..6], &text[6..]);
        let second = 990_600_000 + number;
        let clean = format!("+231{text}");
        // A few mistakes stand at fixed places, so that each occurs whatever the seed.
        match number {
            17 | 303 => return vec!["ask the OIC".to_owned(), clean],
            58 | 221 => return vec![clean, format!("0{text}{c}{c}{c}")],
            97 => return vec!["9.9010E+08".to_owned(), clean],
            140 | 141 | 388 => return vec![clean, "+231 990 700 001".to_owned()],
            260 => return vec![clean, "same as husband".to_owned()],
            _ => {}
        }
        let typed = match self.weighted([60.0, 10.0, 8.0, 6.0, 5.0, 4.0, 4.0, 3.0].into_iter()) {
            0 => clean,
            1 => format!("0{text}"),
            2 => format!("0{a}-{b}-{c}"),
            3 => format!("00231{text}"),
            4 => format!("0{text}/0{second}"),
            5 => format!("+2310{text}"),
            6 => format!("(+231) 0{a}-{b}-{c}"),
            _ => format!("{a} {b} {c}"),
        };
        vec![typed]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::operator_sim::Config;
    use gateway::operator_sim::phone::{Owner, Script};
    use registry::{Assembly, Code, Import, Known, Options, PlaceKind, Worker};
    use std::collections::{BTreeMap, HashSet};

    const WORKERS: usize = 482;

    fn import(seed: u64) -> Import {
        let bytes = serde_json::to_vec(&bundle(seed)).unwrap();
        let today = "2014-09-01".parse().unwrap();
        let options = Options { source: "demo", region: Some("LR"), today, mapping: None };
        let mut assembly = Assembly::new(options, Known::default(), Box::new(Vec::new()));
        assembly.read("demo.json", &mut bytes.as_slice(), &mut |_| {}).unwrap();
        assembly.finish().unwrap()
    }

    fn numbers(worker: &Worker) -> Vec<u64> {
        worker.phones.iter().filter_map(|phone| phone.number.number.trim_start_matches('+').parse().ok()).collect()
    }

    #[test]
    fn all_workers_are_imported_and_can_be_reached() {
        let operator: Config = OPERATOR.parse().unwrap();
        let population = operator.phones.population().unwrap();
        assert_eq!(population.len(), WORKERS);
        for seed in [1, 2014] {
            let workers: Vec<Worker> = import(seed).workers().collect::<Result<_, _>>().unwrap();
            assert_eq!(workers.len(), WORKERS);
            let firsts: HashSet<u64> = workers.iter().map(|worker| numbers(worker)[0]).collect();
            assert_eq!(firsts, population.iter().copied().collect(), "the first phone is the operator's");
            let names: HashSet<&str> = workers.iter().map(|worker| worker.name.as_str()).collect();
            assert_eq!(names.len(), WORKERS);
            for worker in &workers {
                assert!(numbers(worker).iter().all(|n| (231_990_000_000..231_991_000_000).contains(n)), "{worker:?}");
                assert_eq!(worker.posts.len(), 1);
                assert!(worker.posts[0].facility_ref.is_some() && worker.posts[0].cadre.is_some(), "{worker:?}");
            }
        }
    }

    #[test]
    fn the_work_list_has_rows_and_nothing_else_is_wrong() {
        let import = import(2014);
        let mut codes: BTreeMap<String, usize> = BTreeMap::new();
        for finding in &import.findings {
            *codes.entry(finding.code.to_string()).or_default() += 1;
        }
        let expected = [(Code::UnreadablePhone.to_string(), 6), (Code::SharedPhone.to_string(), 3)];
        assert_eq!(codes, expected.into_iter().collect(), "{:#?}", import.findings);
    }

    #[test]
    fn the_places_are_four_counties_with_districts_and_facilities() {
        let import = import(2014);
        let facilities = import.places.iter().filter(|place| place.kind == PlaceKind::Facility).count();
        assert_eq!(facilities, COUNTIES.iter().map(|county| county.facilities).sum::<usize>());
        let districts: usize = COUNTIES.iter().map(|county| county.districts.len()).sum();
        assert_eq!(import.places.len() - facilities, 1 + COUNTIES.len() + districts);
        assert_eq!(COUNTIES.iter().map(|county| county.workers as usize).sum::<usize>(), WORKERS);
    }

    #[test]
    fn the_same_seed_gives_the_same_bundle() {
        assert_eq!(bundle(7).to_string(), bundle(7).to_string());
        assert_ne!(bundle(7).to_string(), bundle(8).to_string());
    }

    /// All texts that the flow says: in its own language, then in the others.
    fn texts() -> Vec<String> {
        let export: Value = serde_json::from_str(FLOW).unwrap();
        let flow = &export["flows"][0];
        assert_eq!(flow["name"], FLOW_NAME);
        let actions = flow["nodes"].as_array().unwrap().iter().flat_map(|node| node["actions"].as_array().unwrap());
        let own = actions.map(|action| &action["text"]);
        let french = flow["localization"]["fra"].as_object().unwrap().values();
        let french = french.filter_map(|item| item.get("text")).map(|texts| &texts[0]);
        own.chain(french).map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_phones_know_every_question() {
        let operator: Config = OPERATOR.parse().unwrap();
        let script = Script::new(operator.seed, &operator.phones).unwrap();
        let population = operator.phones.population().unwrap();
        let mut phones = population.iter().filter_map(|number| script.phone(*number));
        let mut phone = phones.find(|phone| phone.owner() == Owner::Completes).unwrap();
        let texts = texts();
        assert_eq!(texts.len(), 2 * (15 * 2 + 1), "each question once and once again, and a good-bye; two languages");
        for text in texts {
            let answer = phone.receive(&script, &text, false).map(|answer| answer.text);
            if text.contains("/15 ") {
                assert!(answer.is_some_and(|answer| answer != "ok"), "no rule for: {text}");
            } else {
                assert_eq!(answer, None, "an answer to: {text}");
            }
        }
    }

    #[test]
    fn questions_are_cheap() {
        for text in texts() {
            let segments = base::sms::segments(&text);
            assert_eq!((segments.count, segments.encoding), (1, base::sms::Encoding::Gsm7), "{text}");
        }
    }

    #[test]
    fn the_flow_is_sound() {
        let export = flow::export::read(FLOW.as_bytes()).unwrap();
        assert!(export.assets().is_ok());
        let triggers = export.keyword_triggers();
        assert_eq!(triggers.len(), 1);
    }

    #[test]
    fn every_cadre_occurs() {
        let workers: Vec<Worker> = import(2014).workers().collect::<Result<_, _>>().unwrap();
        let cadres: HashSet<&str> =
            workers.iter().filter_map(|w| w.posts[0].cadre.as_ref()).map(|cadre| cadre.code.as_str()).collect();
        assert_eq!(cadres.len(), CADRES.len());
    }
}
