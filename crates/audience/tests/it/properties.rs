//! What holds for every query and every contact.

use audience::{Attribute, Condition, Environment, FieldType, Node, Operator, Property, Unchecked, WorkerAttribute};
use audience::{Lookup, Resolver, parse};
use jiff::Timestamp;
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::model::{Contact, Datum, environment, names};

/// The flow specification's words on evaluation (section 14.6), written down a second time and without any
/// preparation, to hold the product's against.
struct Oracle {
    env: Environment,
}

impl Oracle {
    fn holds(&self, node: &Node, contact: &Contact) -> bool {
        match node {
            Node::And(members) => members.iter().all(|member| self.holds(member, contact)),
            Node::Or(members) => members.iter().any(|member| self.holds(member, contact)),
            Node::Condition(condition) => self.condition(condition, contact),
        }
    }

    fn condition(&self, condition: &Condition, contact: &Contact) -> bool {
        let values = contact.values(condition.property());
        match (condition.operator(), condition.value()) {
            (Operator::Equal, "") => values.is_empty(),
            (Operator::NotEqual, "") => !values.is_empty(),
            (Operator::NotEqual, _) => values.iter().all(|value| self.value(condition, value)),
            _ => values.iter().any(|value| self.value(condition, value)),
        }
    }

    fn value(&self, condition: &Condition, value: &Datum) -> bool {
        match value {
            Datum::Text(value) => Self::text(condition, value),
            Datum::Number(value) => {
                let number: Decimal = condition.value().trim().parse().unwrap();
                compare(condition.operator(), value.cmp(&number))
            }
            Datum::Time(value) => {
                // Comparing whole days is comparing their dates.
                let day = value.to_zoned(self.env.timezone.clone()).date();
                compare(condition.operator(), day.cmp(&condition.value().parse().unwrap()))
            }
            Datum::Place(place) => {
                let Lookup::Known(found) = names().places(condition.value()) else { unreachable!() };
                let inside = found.iter().any(|found| (found.span.left..=found.span.right).contains(place));
                inside == (condition.operator() == Operator::Equal)
            }
        }
    }

    fn text(condition: &Condition, value: &str) -> bool {
        let prepare = |text: &str| match condition.property() {
            Property::Worker(_) => base::text::fold(text),
            Property::Attribute(Attribute::Group | Attribute::Flow | Attribute::History) => {
                let found = match names().group(text) {
                    Lookup::Unknown => names().flow(text),
                    found => found,
                };
                match found {
                    Lookup::Known(reference) => reference.uuid,
                    _ => text.to_lowercase(),
                }
            }
            _ => text.to_lowercase().trim().to_owned(),
        };
        let (value, wanted) = (prepare(value), prepare(condition.value()));
        match condition.operator() {
            Operator::Equal => value == wanted,
            Operator::NotEqual => value != wanted,
            _ if *condition.property() == Property::Attribute(Attribute::Name) => {
                let words = |text: &str| -> Vec<String> {
                    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1);
                    words.map(|word| word.chars().take(8).collect()).collect()
                };
                words(&wanted).iter().any(|prefix| words(&value).iter().any(|word| word.starts_with(prefix.as_str())))
            }
            _ => value.contains(&wanted),
        }
    }
}

fn compare(operator: Operator, ordering: std::cmp::Ordering) -> bool {
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Contains => unreachable!(),
    }
}

/// A few texts that meet each other often, in several spellings.
const TEXTS: [&str; 8] = ["Ama", "ama ", "Bén", "BEN", "Old  Town", "old town", "ama ben", "Zoé"];
const DATES: [&str; 4] = ["2026-03-07", "2026-03-08", "2026-11-01", "2026-11-02"];
const TIMES: [&str; 6] = [
    "2026-03-08T04:59:59.999Z",
    "2026-03-08T05:00:00Z",
    "2026-03-09T03:59:59Z",
    "2026-11-02T04:59:59Z",
    "2026-11-02T05:00:00Z",
    "2026-11-01T04:00:00Z",
];
const PLACE_NAMES: [&str; 5] = ["Bong", "NI", "liberia", "Bong > Old Town", "ganta"];
const TEXT_PROPERTIES: [&str; 9] = [
    "name",
    "urn",
    "urns.tel",
    "fields.nickname",
    "fields.home",
    "worker.cadre",
    "worker.facility",
    "worker.skill",
    "worker.gender",
];

fn condition() -> impl Strategy<Value = String> {
    let one_of = |texts: &'static [&'static str]| prop::sample::select(texts);
    prop_oneof![
        4 => (one_of(&TEXT_PROPERTIES), one_of(&["=", "!=", "~"]), one_of(&TEXTS)).prop_map(|(p, o, v)| {
                let o = if p.starts_with("fields") && o == "~" { "=" } else { o };
                format!("{p} {o} \"{v}\"")
            }),
        1 => (one_of(&TEXT_PROPERTIES), one_of(&["=", "!="])).prop_map(|(p, o)| format!("{p} {o} \"\"")),
        2 => (one_of(&["tickets", "age"]), one_of(&["=", "!=", "<", "<=", ">", ">="]), 0..4).prop_map(|(p, o, v)| format!("{p} {o} {v}")),
        2 => (one_of(&["created_on", "last_seen_on", "joined"]), one_of(&["=", "!=", "<", "<=", ">", ">="]), one_of(&DATES))
            .prop_map(|(p, o, v)| format!("{p} {o} {v}")),
        2 => (one_of(&["=", "!="]), one_of(&PLACE_NAMES)).prop_map(|(o, v)| format!("within {o} \"{v}\"")),
        1 => one_of(&["group = testers", "group != \"night shift\"", "group != \"\"", "flow = Registration", "history != registration"])
            .prop_map(str::to_owned),
        1 => one_of(&TEXTS).prop_map(|v| format!("\"{v}\"")),
    ]
}

pub(crate) fn query() -> impl Strategy<Value = String> {
    condition().prop_recursive(4, 24, 4, |inner| {
        (prop::collection::vec(inner, 2..4), prop::sample::select(&[" AND ", " OR ", " "][..]))
            .prop_map(|(members, word)| format!("({})", members.join(word)))
    })
}

pub(crate) fn contact() -> impl Strategy<Value = Contact> {
    let text = || prop::sample::select(&TEXTS[..]).prop_map(Datum::from);
    let number = || (0..4_i64).prop_map(|n| Datum::Number(n.into()));
    let time = || prop::sample::select(&TIMES[..]).prop_map(|t| Datum::Time(t.parse::<Timestamp>().unwrap()));
    let many = |datum: BoxedStrategy<Datum>| prop::collection::vec(datum, 0..3).boxed();
    let at_most_one = |datum: BoxedStrategy<Datum>| prop::collection::vec(datum, 0..2).boxed();
    let mut properties: Vec<BoxedStrategy<(&'static str, Vec<Datum>)>> = Vec::new();
    for property in ["urn", "urns.tel", "worker.cadre", "worker.facility", "worker.skill"] {
        properties.push(many(text().boxed()).prop_map(move |values| (property, values)).boxed());
    }
    for property in ["name", "fields.nickname", "fields.home", "worker.gender"] {
        properties.push(at_most_one(text().boxed()).prop_map(move |values| (property, values)).boxed());
    }
    for property in ["tickets", "fields.age"] {
        properties.push(at_most_one(number().boxed()).prop_map(move |values| (property, values)).boxed());
    }
    for property in ["created_on", "last_seen_on", "fields.joined"] {
        properties.push(at_most_one(time().boxed()).prop_map(move |values| (property, values)).boxed());
    }
    let place = (0..7_u32).prop_map(Datum::Place).boxed();
    properties.push(many(place).prop_map(|values| ("worker.within", values)).boxed());
    let group = prop::sample::select(&["9a1c", "9A1D"][..]).prop_map(Datum::from).boxed();
    properties.push(many(group).prop_map(|values| ("group", values)).boxed());
    let flow = prop::sample::select(&["f10a", "f10b"][..]).prop_map(Datum::from).boxed();
    properties.push(at_most_one(flow.clone()).prop_map(|values| ("flow", values)).boxed());
    properties.push(many(flow).prop_map(|values| ("history", values)).boxed());
    properties.prop_map(|properties| {
        let set = properties.into_iter().filter(|(_, values)| !values.is_empty());
        Contact(set.map(|(property, values)| (property.to_owned(), values)).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// What the product answers is what the specification says.
    #[test]
    fn evaluation_follows_the_specification(query in query(), contacts in prop::collection::vec(contact(), 8)) {
        let env = environment();
        let query = parse(&query, &env, &names()).unwrap();
        let compiled = query.compile(&env).unwrap();
        let oracle = Oracle { env };
        for contact in contacts {
            prop_assert_eq!(compiled.matches(&contact), oracle.holds(query.root(), &contact), "{} on {:?}", query, contact);
        }
    }

    /// The normal form of a query is a query with the same meaning and the same normal form.
    #[test]
    fn normal_form_is_stable(query in query()) {
        let env = environment();
        let parsed = parse(&query, &env, &names()).unwrap();
        let normal = parsed.to_string();
        let again = parse(&normal, &env, &names()).unwrap();
        prop_assert_eq!(&again, &parsed);
        prop_assert_eq!(again.to_string(), normal);
    }

    /// So it is for any value, whatever is in it, in any place of a query.
    #[test]
    fn any_value_survives_quoting(a in any::<String>(), b in ".*[\\\\\"]*") {
        let env = environment();
        for text in [format!("fields.x = {a:?} AND fields.y = {b:?}"), format!("\"{a}\" OR x = \"{b}\"")] {
            if let Ok(parsed) = parse(&text, &env, &Unchecked) {
                let normal = parsed.to_string();
                prop_assert_eq!(parse(&normal, &env, &Unchecked).map(|again| again.to_string()), Ok(normal));
            }
        }
    }

    /// No text makes the parser panic, and an error always points into the text and can be shown.
    #[test]
    fn no_text_is_too_strange(
        text in prop_oneof![
            any::<String>(),
            "[ a-z0-9()\"\\\\=!~<>.+\n-]{0,80}",
            prop::collection::vec(
                prop::sample::select(&["(", ")", " and ", " or ", "name", "=", "!=", "~", ">", "\"", "\\", " ", "é", "1", "within", "\n", "tel:"][..]),
                0..40,
            ).prop_map(|parts| parts.concat()),
        ],
    ) {
        let env = environment();
        for result in [parse(&text, &env, &names()), parse(&text, &env, &Unchecked)] {
            match result {
                Ok(query) => {
                    let normal = query.to_string();
                    prop_assert!(query.compile(&env).is_ok() || parse(&normal, &env, &Unchecked).is_ok());
                }
                Err(error) => {
                    prop_assert!(text.get(error.span.clone()).is_some(), "{:?}", error);
                    prop_assert!(error.render(&text).contains('^'));
                    prop_assert!(error.position(&text).0 >= 1);
                }
            }
        }
    }
}

#[test]
fn names_of_attributes_come_back() {
    for attribute in Attribute::ALL {
        assert_eq!(Attribute::from_name(attribute.as_str()), Some(*attribute));
    }
    for attribute in WorkerAttribute::ALL {
        assert_eq!(WorkerAttribute::from_name(attribute.as_str()), Some(*attribute));
    }
    assert_eq!(names().field("age"), Lookup::Known(FieldType::Number));
}
