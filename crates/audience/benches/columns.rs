//! Counting and paging over a million workers on one core: `cargo bench -p audience`.

use std::sync::LazyLock;

use audience::columns::{Columns, Row, no_others};
use audience::{Compiled, Environment, Names, Reference, parse};
use base::place::Span;
use jiff::Timestamp;

/// Workers.
const WORKERS: u32 = 1_000_000;
/// Places: a country, 15 counties, 10 districts in each.
const COUNTIES: u32 = 15;
const DISTRICTS: u32 = 10;

static COLUMNS: LazyLock<Columns> = LazyLock::new(build);

/// A well mixed number for each seed.
fn mix(seed: u64) -> u64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn build() -> Columns {
    let cadres = ["Registered Nurse", "Midwife", "Physician Assistant", "Community Health Worker", "Laboratory Aide"];
    let skills = ["Obstetric care", "Vaccination", "Malaria case management", "HIV counselling", "Triage", "Surgery"];
    let firsts = ["Ama", "Benedict", "Comfort", "Dao", "Esther", "Flomo", "Garmai", "Hawa", "Ishmael", "Korto"];
    let lasts = ["Kollie", "Johnson", "Sumo", "Weah", "Toe", "Flomo", "Cooper", "Dolo", "Gaye", "Mulbah"];
    let start = "2026-01-01T00:00:00Z".parse::<Timestamp>().expect("a timestamp").as_second();
    let began = std::time::Instant::now();
    let columns = Columns::load((0..WORKERS).map(|row| {
        let draw = mix(row.into());
        let pick = |shift: u32, of: usize| (draw >> shift) as usize % of;
        let facility = pick(0, 4_000);
        let place = 1 + facility as u32 % (COUNTIES * (DISTRICTS + 1));
        let skill = [skills[pick(12, 6)], skills[pick(16, 6)]];
        let owned = Owned {
            name: format!("{} {} {:x}", firsts[pick(20, 10)], lasts[pick(24, 10)], row % 997),
            facility: format!("Facility {facility}"),
            place: format!("Place {place}"),
            within: place,
            cadre: cadres[pick(28, 5)],
            skill,
            created_on: Timestamp::from_second(start + (draw >> 32) as i64 % 20_000_000).expect("in range"),
            last_seen_on: (!draw.is_multiple_of(3))
                .then(|| Timestamp::from_second(start + (draw >> 33) as i64 % 28_000_000).expect("in range")),
            tester: draw.is_multiple_of(10),
        };
        (row, owned)
    }));
    println!(
        "{} workers loaded in {:.1?}, {:.1} bytes each",
        columns.len(),
        began.elapsed(),
        columns.memory() as f64 / columns.len() as f64
    );
    columns
}

/// A row that owns its texts while it is loaded.
struct Owned {
    name: String,
    facility: String,
    place: String,
    within: u32,
    cadre: &'static str,
    skill: [&'static str; 2],
    created_on: Timestamp,
    last_seen_on: Option<Timestamp>,
    tester: bool,
}

impl audience::Subject for Owned {
    fn each(&self, property: &audience::Property, visit: &mut dyn FnMut(audience::Value<'_>)) {
        Row {
            name: &self.name,
            status: "active",
            language: "eng",
            groups: if self.tester { &["9a1c"] } else { &[] },
            created_on: Some(self.created_on),
            last_seen_on: self.last_seen_on,
            cadres: &[self.cadre],
            facilities: &[&self.facility],
            places: &[&self.place],
            within: &[self.within],
            skills: &self.skill,
            gender: if self.within.is_multiple_of(2) { "female" } else { "male" },
            worker_status: "active",
        }
        .each(property, visit);
    }
}

fn compile(text: &str) -> Compiled {
    let env = Environment::new("2026-11-23T09:00:00Z".parse().expect("a timestamp"));
    let mut names = Names::default().with_groups([Reference { uuid: "9a1c".to_owned(), name: "Testers".to_owned() }]);
    for county in 0..COUNTIES {
        let left = 1 + county * (DISTRICTS + 1);
        let span = Span { left, right: left + DISTRICTS, depth: 1 };
        names =
            names.with_places([(format!("C{county}").as_str(), format!("Country > County {county}").as_str(), span)]);
    }
    parse(text, &env, &names).and_then(|query| query.compile(&env)).unwrap_or_else(|e| panic!("{}", e.render(text)))
}

const QUERIES: [(&str, &str); 7] = [
    ("cadre_within", "cadre = midwife AND within = C3"),
    ("skill_contains", "skill ~ obstetric"),
    (
        "nested_or_not",
        "(cadre ~ nurse OR skill = triage) AND within != C3 AND (gender = female OR last_seen_on > 2026-06-01)",
    ),
    ("last_seen", "last_seen_on > 2026-08-01 AND last_seen_on < 2026-09-01"),
    ("group", "group = testers AND status = active"),
    ("facility", "facility ~ \"facility 12\""),
    ("name", "kollie hawa"),
];

#[divan::bench(args = QUERIES.map(|(name, _)| name))]
fn count(bencher: divan::Bencher, name: &str) {
    let query = query(name);
    LazyLock::force(&COLUMNS);
    bencher.bench(|| COLUMNS.count(&query, &no_others));
}

#[divan::bench(args = QUERIES.map(|(name, _)| name))]
fn page(bencher: divan::Bencher, name: &str) {
    let query = query(name);
    LazyLock::force(&COLUMNS);
    bencher.bench(|| COLUMNS.page(&query, None, 50, &no_others));
}

#[divan::bench]
fn set(bencher: divan::Bencher) {
    let mut columns = COLUMNS.clone();
    let mut row = 0;
    bencher.bench_local(|| {
        row = (row + 7_919) % WORKERS;
        columns.set(row, &Row { name: "Zoe Weah", cadres: &["Midwife"], ..Row::default() });
    });
}

/// One contact against 300 smart groups, as after a step of a conversation.
#[divan::bench]
fn smart_groups(bencher: divan::Bencher) {
    let groups: Vec<Compiled> = (0..300)
        .map(|n| compile(&format!("cadre ~ \"nurse {n}\" OR within = C{} AND last_seen_on > 2026-01-01", n % COUNTIES)))
        .collect();
    let (cadres, within) = (["Registered Nurse"], [5]);
    let contact = Row { name: "Ama Kollie", cadres: &cadres, within: &within, ..Row::default() };
    bencher.bench(|| groups.iter().filter(|group| group.matches(&contact)).count());
}

#[divan::bench]
fn parse_and_compile(bencher: divan::Bencher) {
    bencher.bench(|| compile("cadre = midwife AND within = C3 AND (last_seen_on > 2026-08-01 OR name ~ ama)"));
}

fn query(name: &str) -> Compiled {
    let (_, text) = QUERIES.iter().find(|(known, _)| *known == name).expect("a known query");
    compile(text)
}

fn main() {
    println!("{} workers match cadre_within", COLUMNS.count(&query("cadre_within"), &no_others));
    divan::main();
}
