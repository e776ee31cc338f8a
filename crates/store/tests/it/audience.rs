//! A query means the same contacts in SQL, in the columns in memory, and on one contact.

use crate::registry::table;
use crate::support::{NOW, on_both};
use audience::{Attribute, Compiled, Environment, Names, Property, Reference, Subject, Value, WorkerAttribute};
use base::place::Span;
use base::{ContactId, GroupId, IdMaker, Millis, Part};
use std::collections::BTreeSet;
use std::fmt::Write;
use store::audience::Index;
use store::contact::Candidate;
use store::{GroupRow, Store, params};

/// A contact as a query sees it, from what the store reads of it.
struct Seen<'a>(&'a Candidate);

impl Subject for Seen<'_> {
    fn each(&self, property: &Property, visit: &mut dyn FnMut(Value<'_>)) {
        let (contact, worker) = (self.0, &self.0.attributes);
        let mut all = |texts: &[String]| texts.iter().filter(|t| !t.is_empty()).for_each(|t| visit(Value::Text(t)));
        match property {
            Property::Attribute(Attribute::Uuid) => all(&[contact.contact.to_string()]),
            Property::Attribute(Attribute::Name) => all(&[contact.name.clone().unwrap_or_default()]),
            Property::Attribute(Attribute::Language) => all(&[contact.language.clone().unwrap_or_default()]),
            Property::Attribute(Attribute::Status) => all(std::slice::from_ref(&contact.status)),
            Property::Attribute(Attribute::Group) => {
                all(&contact.groups.iter().map(ToString::to_string).collect::<Vec<_>>());
            }
            Property::Attribute(Attribute::CreatedOn) => visit(Value::Time(contact.created_on.timestamp())),
            Property::Attribute(Attribute::LastSeenOn) => {
                contact.last_seen_on.iter().for_each(|at| visit(Value::Time(at.timestamp())));
            }
            Property::Urn(scheme) => {
                let prefix = format!("{scheme}:");
                let paths = contact.urns.iter().filter_map(|urn| urn.strip_prefix(&prefix));
                all(&paths.map(str::to_owned).collect::<Vec<_>>());
            }
            Property::Worker(WorkerAttribute::Cadre) => all(&worker.cadre),
            Property::Worker(WorkerAttribute::Facility) => all(&worker.facility),
            Property::Worker(WorkerAttribute::Place) => all(&worker.place),
            Property::Worker(WorkerAttribute::Skill) => all(&worker.skill),
            Property::Worker(WorkerAttribute::Gender) => all(std::slice::from_ref(&worker.gender)),
            Property::Worker(WorkerAttribute::Status) => all(std::slice::from_ref(&worker.status)),
            Property::Worker(WorkerAttribute::Within) => {
                worker.within.iter().for_each(|place| visit(Value::Place(*place)));
            }
            Property::Attribute(_) | Property::Field(_) => {}
        }
    }
}

/// A register with some of everything missing.
fn register(workers: usize) -> String {
    let mut dice = IdMaker::from_u64(11);
    let mut pick = |choices: &[&str]| choices[(dice.unit() * choices.len() as f64) as usize].to_owned();
    let mut csv = "id,name,phone,cadre,facility,county,district,skills,gender,language,status\n".to_owned();
    for n in 0..workers {
        let given = pick(&["Ama", "Zoë", "Éric", "Bob", "Marie-Claire", "ama"]);
        let family = pick(&["Kollie", "Flomo", "N'Dri", "Dré"]);
        let cadre = pick(&["Midwife", "Registered Nurse", "Enrolled nurse", "Physician", ""]);
        let (facility, county, district) = match pick(&["a", "b", "c", "d", ""]).as_str() {
            "a" => ("Suakoko Clinic", "Bong", "Suakoko"),
            "b" => ("Gbarnga Hospital", "Bong", "Jorquelleh"),
            "c" => ("Ganta Hospital", "Nimba", "Saclepea"),
            "d" => ("Tappita Clinic", "Nimba", "Tappita"),
            _ => ("", "", ""),
        };
        let skills = pick(&["", "Emergency obstetric care", "Vaccination; Obstetrics", "Malaria"]);
        let gender = pick(&["female", "male", "", "other"]);
        let language = pick(&["English", "fra", ""]);
        let status = pick(&["active", "active", "left"]);
        let _ = writeln!(
            csv,
            "{n},{given} {family},099{n:07},{cadre},{facility},{county},{district},{skills},{gender},{language},{status}"
        );
    }
    csv
}

const CONDITIONS: &[&str] = &[
    "worker.cadre = midwife",
    "worker.cadre = \"registered nurse\"",
    "worker.cadre ~ nurse",
    "worker.cadre != \"\"",
    "worker.cadre = nobody",
    "worker.facility ~ hospital",
    "worker.facility != \"ganta hospital\"",
    "worker.place = bong",
    "worker.skill ~ obstetric",
    "worker.skill = \"\"",
    "worker.skill = malaria",
    "worker.gender = female",
    "worker.gender ~ male",
    "worker.gender != male",
    "worker.status = left",
    "worker.within = Bong",
    "worker.within = \"Nimba > Tappita\"",
    "worker.within != Bong",
    "worker.within = \"\"",
    "name = \"zoë kollie\"",
    "name = \"zoe kollie\"",
    "name != \"bob flomo\"",
    "name ~ kol",
    "name ~ \"dré ér\"",
    "name = \"\"",
    "language = eng",
    "language = \"\"",
    "language != fra",
    "status = active",
    "status != active",
    "group = Testers",
    "group != Testers",
    "group = \"\"",
    "created_on > 2020-01-01",
    "created_on = 2026-11-23",
    "last_seen_on > 2026-11-10",
    "last_seen_on <= 2026-11-10",
    "last_seen_on = 2026-11-12",
    "last_seen_on = \"\"",
    "last_seen_on != \"\"",
    "tel = +231990000007",
    "tel ~ 99000",
    "urns.tel = \"\"",
];

fn group() -> GroupId {
    GroupId(uuid::Uuid::from_u128(9))
}

async fn prepare(store: &Store) -> (Environment, Names, Vec<ContactId>) {
    let mut ids = IdMaker::from_u64(5);
    store.commit_import("payroll", &table(&register(160)), &mut ids, NOW, |_, _| {}).await.unwrap();
    let row = GroupRow { id: group(), name: "Testers".into(), query: None };
    store.ensure_group(&row, NOW).await.unwrap();
    let contacts: Vec<ContactId> = store
        .query("SELECT part, id FROM contact ORDER BY part, id", params![])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(1).unwrap())
        .collect();
    for (n, contact) in contacts.iter().enumerate() {
        let part = contact.part();
        if n % 3 == 0 {
            let at = NOW.0 - (n as i64) * 43_200_000;
            for table in ["contact", "audience"] {
                let key = if table == "contact" { "id" } else { "contact" };
                let sql = format!("UPDATE {table} SET last_seen_on = $3 WHERE part = $1 AND {key} = $2");
                store.execute(&sql, params![part, *contact, at]).await.unwrap();
            }
        }
        if n % 4 == 0 {
            let sql = "INSERT INTO group_member(contact_group, part, contact) VALUES ($1, $2, $3)";
            store.execute(sql, params![group(), part, *contact]).await.unwrap();
            let sql = "UPDATE contact SET groups = $3 WHERE part = $1 AND id = $2";
            store.execute(sql, params![part, *contact, format!("[\"{}\"]", group())]).await.unwrap();
        }
        if n % 10 == 0 {
            for (table, key) in [("contact", "id"), ("audience", "contact")] {
                let sql = format!("UPDATE {table} SET status = 'blocked' WHERE part = $1 AND {key} = $2");
                store.execute(&sql, params![part, *contact]).await.unwrap();
            }
        }
    }
    let places = store.places().await.unwrap();
    let names = Names::default()
        .with_fields(std::iter::empty())
        .with_groups([Reference { uuid: group().to_string(), name: "Testers".into() }])
        .with_places(places.iter().map(|place| {
            let depth = base::place::split_path(&place.path).count() as u32 - 1;
            (place.source_id.as_str(), place.path.as_str(), Span { left: place.low, right: place.high, depth })
        }));
    (Environment::new(NOW.timestamp()), names, contacts)
}

/// Every contact, as it is looked at one by one.
async fn everybody(store: &Store) -> Vec<Candidate> {
    let mut all = Vec::new();
    for part in Part::all() {
        all.extend(store.candidates(part, None, 1_000).await.unwrap());
    }
    all
}

/// The contacts whom a query means, by looking at each.
fn by_looking(everybody: &[Candidate], query: &Compiled) -> BTreeSet<ContactId> {
    everybody.iter().filter(|one| query.matches(&Seen(one))).map(|one| one.contact).collect()
}

#[test]
fn a_query_means_the_same_everywhere() {
    on_both(|store| async move {
        let (environment, names, contacts) = prepare(&store).await;
        let index = Index::load(&store, NOW).await.unwrap();
        let all = everybody(&store).await;
        assert_eq!(index.len(), contacts.len() as u64);
        let mut queries: Vec<String> = CONDITIONS.iter().map(|&condition| condition.to_owned()).collect();
        let mut dice = IdMaker::from_u64(7);
        let mut pick = || CONDITIONS[(dice.unit() * CONDITIONS.len() as f64) as usize];
        for n in 0..60 {
            let (a, b, c) = (pick(), pick(), pick());
            queries.push(match n % 4 {
                0 => format!("{a} AND {b}"),
                1 => format!("{a} OR {b}"),
                2 => format!("({a} AND {b}) OR {c}"),
                _ => format!("({a} OR {b}) AND {c}"),
            });
        }
        let (mut exact, mut some) = (0, 0);
        for text in &queries {
            let query = audience::parse(text, &environment, &names).unwrap_or_else(|error| panic!("{text}: {error}"));
            let query = query.compile(&environment).unwrap();
            let meant = by_looking(&all, &query);
            some += usize::from(!meant.is_empty());
            let filter = store.audience_filter(&query).await.unwrap();
            let mut passed = BTreeSet::new();
            let mut named: Vec<(String, ContactId)> = Vec::new();
            loop {
                let after = named.last().map(|(name, contact)| (name.as_str(), *contact));
                let page = store.page_filtered(&filter, after, 37).await.unwrap();
                if page.is_empty() {
                    break;
                }
                named.extend(page);
            }
            assert!(named.is_sorted(), "{text}");
            passed.extend(named.iter().map(|(_, contact)| *contact));
            assert_eq!(passed.len(), named.len(), "{text}: each once");
            assert_eq!(store.count_filtered(&filter).await.unwrap(), passed.len() as u64, "{text}");
            if filter.is_exact() {
                exact += 1;
                assert_eq!(passed, meant, "{text}");
            } else {
                assert!(passed.is_superset(&meant), "{text}");
            }
            let part = contacts[contacts.len() / 2].part();
            let of_part = store.candidates_filtered(&filter, part, None, 100).await.unwrap();
            let of_part: BTreeSet<ContactId> = of_part.iter().map(|one| one.contact).collect();
            assert_eq!(of_part, passed.iter().copied().filter(|one| one.part() == part).collect(), "{text}");
            if let Some(count) = index.count(&query) {
                assert_eq!(count, meant.len() as u64, "{text}");
                let mut paged = BTreeSet::new();
                let mut after = None;
                loop {
                    let page = index.page(&query, after.as_ref(), 29).unwrap();
                    paged.extend(page.contacts);
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(paged, meant, "{text}");
            }
        }
        assert!(exact > 40 && some > 60, "{exact} exact and {some} with contacts of {}", queries.len());
    });
}

#[test]
fn the_columns_follow_the_store() {
    on_both(|store| async move {
        let (environment, names, _) = prepare(&store).await;
        let mut index = Index::load(&store, NOW).await.unwrap();
        let query = |text: &str| audience::parse(text, &environment, &names).unwrap().compile(&environment).unwrap();
        let midwives = query("worker.cadre = midwife");
        let before = index.count(&midwives).unwrap();
        let csv = register(160).replace("Physician", "Midwife") + "999,Zed New,0991999999,Midwife,,,,,,,active\n";
        let mut ids = IdMaker::from_u64(6);
        let later = Millis(NOW.0 + 120_000);
        store.commit_import("payroll", &table(&csv), &mut ids, later, |_, _| {}).await.unwrap();
        let changed = index.refresh(&store, later).await.unwrap();
        assert!(changed > 1 && changed < 161, "{changed}");
        let after = index.count(&midwives).unwrap();
        assert!(after > before);
        assert_eq!(after as usize, by_looking(&everybody(&store).await, &midwives).len());
        let page = index.page(&query("name ~ zed"), None, 10).unwrap();
        assert_eq!(page.contacts.len(), 1);
    });
}
