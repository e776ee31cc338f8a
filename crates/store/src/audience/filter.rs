//! A plan as a condition in SQL.

use crate::query::Value;
use crate::{Store, StoreResult, params};
use ::audience::{Attribute, Plan, Predicate, Property, Test, WorkerAttribute};
use base::Millis;
use std::collections::HashMap;
use std::fmt::Write;
use uuid::Uuid;

/// More words than this are not listed in a statement.
const MOST_WORDS: usize = 10_000;

/// A condition on rows `a` of `audience`.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The condition with a mark for each value; `None` lets everybody pass.
    pieces: Option<Vec<Piece>>,
    exact: bool,
}

/// What a condition is made of.
#[derive(Clone, Debug)]
enum Piece {
    Sql(&'static str),
    Value(Value),
}

/// A condition and whether it is exact; without one, everybody passes.
type Part = (Option<Vec<Piece>>, bool);

impl Filter {
    /// Everybody.
    pub fn everybody() -> Self {
        Self { pieces: None, exact: true }
    }

    pub(super) async fn of(store: &Store, plan: &Plan) -> StoreResult<Self> {
        let mut words = HashMap::new();
        let mut kinds = Vec::new();
        plan.each_predicate(&mut |predicate| {
            if let (Property::Worker(attribute), Test::Contains(_)) = (&predicate.property, &predicate.test)
                && let Some(kind) = term_kind(*attribute)
                && !kinds.contains(&kind)
            {
                kinds.push(kind);
            }
        });
        for kind in kinds {
            let rows = store.query("SELECT folded FROM term WHERE kind = $1 ORDER BY folded", params![kind]).await?;
            let folded = rows.iter().map(|row| Ok(row.get(0)?)).collect::<StoreResult<Vec<String>>>()?;
            words.insert(kind, folded);
        }
        let (pieces, exact) = node(plan, &words);
        Ok(Self { pieces, exact })
    }

    /// Whether those who pass are the audience. Otherwise the audience is among them.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// The condition, whose parameters follow `$taken`, and its values.
    pub(super) fn condition(&self, taken: usize) -> (String, Vec<Value>) {
        let Some(pieces) = &self.pieces else { return ("1 = 1".to_owned(), Vec::new()) };
        let (mut sql, mut values) = (String::new(), Vec::new());
        for piece in pieces {
            match piece {
                Piece::Sql(text) => sql.push_str(text),
                Piece::Value(value) => {
                    values.push(value.clone());
                    let _ = write!(sql, "${}", taken + values.len());
                }
            }
        }
        (sql, values)
    }
}

fn node(plan: &Plan, words: &HashMap<&str, Vec<String>>) -> Part {
    match plan {
        Plan::And(members) => {
            let parts: Vec<Part> = members.iter().map(|member| node(member, words)).collect();
            let exact = parts.iter().all(|(_, exact)| *exact);
            let pieces: Vec<_> = parts.into_iter().filter_map(|(pieces, _)| pieces).collect();
            (join(pieces, " AND "), exact)
        }
        Plan::Or(members) => {
            let parts: Vec<Part> = members.iter().map(|member| node(member, words)).collect();
            let exact = parts.iter().all(|(_, exact)| *exact);
            let all = parts.iter().all(|(pieces, _)| pieces.is_some());
            let pieces = parts.into_iter().filter_map(|(pieces, _)| pieces).collect();
            if all { (join(pieces, " OR "), exact) } else { (None, exact) }
        }
        Plan::Not(plan) => match node(plan, words) {
            (Some(mut pieces), true) => {
                pieces.insert(0, Piece::Sql("NOT ("));
                pieces.push(Piece::Sql(")"));
                (Some(pieces), true)
            }
            (None, true) => (Some(vec![Piece::Sql("1 = 0")]), true),
            // Too many would pass inside, so too few outside.
            (_, false) => (None, false),
        },
        Plan::Is(predicate) => leaf(predicate, words),
    }
}

fn join(members: Vec<Vec<Piece>>, word: &'static str) -> Option<Vec<Piece>> {
    if members.is_empty() {
        return None;
    }
    let mut joined = vec![Piece::Sql("(")];
    for (at, member) in members.into_iter().enumerate() {
        if at > 0 {
            joined.push(Piece::Sql(word));
        }
        joined.extend(member);
    }
    joined.push(Piece::Sql(")"));
    Some(joined)
}

/// `before ($1, $2...) after`, which nothing passes when the list is empty.
fn in_list(before: &'static str, values: Vec<Value>, after: &'static str) -> Part {
    if values.is_empty() {
        return nobody();
    }
    let mut pieces = vec![Piece::Sql(before)];
    for (at, value) in values.into_iter().enumerate() {
        pieces.push(Piece::Sql(if at == 0 { "(" } else { ", " }));
        pieces.push(Piece::Value(value));
    }
    pieces.push(Piece::Sql(")"));
    pieces.push(Piece::Sql(after));
    (Some(pieces), true)
}

fn nobody() -> Part {
    (Some(vec![Piece::Sql("1 = 0")]), true)
}

fn sql(text: &'static str) -> Part {
    (Some(vec![Piece::Sql(text)]), true)
}

/// The condition lets everybody pass: the caller looks at each.
const UNKNOWN: Part = (None, false);

fn texts(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| Value::from(text.as_str())).collect()
}

fn ids(texts: &[String]) -> Vec<Value> {
    texts.iter().filter_map(|text| Uuid::parse_str(text).ok()).map(Value::from).collect()
}

fn term_kind(attribute: WorkerAttribute) -> Option<&'static str> {
    match attribute {
        WorkerAttribute::Cadre => Some("cadre"),
        WorkerAttribute::Facility => Some("facility"),
        WorkerAttribute::Place => Some("place"),
        WorkerAttribute::Skill => Some("skill"),
        WorkerAttribute::Gender | WorkerAttribute::Status | WorkerAttribute::Within => None,
    }
}

fn leaf(predicate: &Predicate, words: &HashMap<&str, Vec<String>>) -> Part {
    let test = &predicate.test;
    match &predicate.property {
        Property::Attribute(attribute) => attribute_leaf(*attribute, test),
        Property::Worker(attribute) => worker_leaf(*attribute, test, words),
        // Digits are written in one way; other paths may differ in case from what the contact has.
        Property::Urn(scheme) if scheme == "tel" => match test {
            Test::In(paths) if paths.iter().all(|path| path.bytes().all(|b| b == b'+' || b.is_ascii_digit())) => {
                let addresses = paths.iter().map(|path| Value::from(format!("tel:{path}"))).collect();
                in_list(
                    "(a.part, a.contact) IN (SELECT u.contact_part, u.contact FROM urn u WHERE u.address IN ",
                    addresses,
                    ")",
                )
            }
            _ => UNKNOWN,
        },
        Property::Urn(_) | Property::Field(_) => UNKNOWN,
    }
}

fn attribute_leaf(attribute: Attribute, test: &Test) -> Part {
    match (attribute, test) {
        (Attribute::Uuid | Attribute::Status | Attribute::CreatedOn, Test::Present) => (None, true),
        (Attribute::Uuid, Test::In(uuids)) => in_list("a.contact IN ", ids(uuids), ""),
        (Attribute::Name, Test::In(names)) => {
            // Folding leaves out accents, which the query does not.
            let folded = names.iter().map(|name| Value::from(base::text::fold(name))).collect();
            (in_list("a.name_folded IN ", folded, "").0, false)
        }
        (Attribute::Status, Test::In(statuses)) => in_list("a.status IN ", texts(statuses), ""),
        (Attribute::Language, Test::Present) => sql("a.language IS NOT NULL"),
        (Attribute::Language, Test::In(languages)) => in_list("COALESCE(a.language, '') IN ", texts(languages), ""),
        (Attribute::Group, Test::Present) => {
            sql("(a.part, a.contact) IN (SELECT m.part, m.contact FROM group_member m)")
        }
        (Attribute::Group, Test::In(groups)) => in_list(
            "(a.part, a.contact) IN (SELECT m.part, m.contact FROM group_member m WHERE m.contact_group IN ",
            ids(groups),
            ")",
        ),
        (Attribute::Flow, Test::Present) => {
            sql("(a.part, a.contact) IN (SELECT s.part, s.contact FROM session s WHERE s.flow IS NOT NULL)")
        }
        (Attribute::Flow, Test::In(flows)) => {
            in_list("(a.part, a.contact) IN (SELECT s.part, s.contact FROM session s WHERE s.flow IN ", ids(flows), ")")
        }
        (Attribute::CreatedOn, Test::Time { from, until }) => time("a.created_on", *from, *until),
        (Attribute::LastSeenOn, Test::Present) => sql("a.last_seen_on IS NOT NULL"),
        (Attribute::LastSeenOn, Test::Time { from, until }) => time("a.last_seen_on", *from, *until),
        _ => UNKNOWN,
    }
}

fn time(column: &'static str, from: Option<jiff::Timestamp>, until: Option<jiff::Timestamp>) -> Part {
    let mut pieces = vec![Piece::Sql("("), Piece::Sql(column), Piece::Sql(" IS NOT NULL")];
    for (bound, operator) in [(from, " >= "), (until, " < ")] {
        if let Some(at) = bound {
            pieces.extend([Piece::Sql(" AND "), Piece::Sql(column), Piece::Sql(operator)]);
            pieces.push(Piece::Value(Millis::from(at).into()));
        }
    }
    pieces.push(Piece::Sql(")"));
    (Some(pieces), true)
}

fn worker_leaf(attribute: WorkerAttribute, test: &Test, words: &HashMap<&str, Vec<String>>) -> Part {
    let vocabulary = |column: &'static str, is_set: &'static str, all: &[&str]| match test {
        Test::Present => sql(is_set),
        test => {
            let accepted = all.iter().filter(|word| test.accepts_text(word)).map(|word| Value::from(*word)).collect();
            in_list(column, accepted, "")
        }
    };
    match attribute {
        WorkerAttribute::Gender => {
            let all = ["male", "female", "other", "unknown"];
            vocabulary("COALESCE(a.gender, '') IN ", "a.gender IS NOT NULL", &all)
        }
        WorkerAttribute::Status => {
            vocabulary("COALESCE(a.worker_status, '') IN ", "a.worker_status IS NOT NULL", &["active", "left"])
        }
        WorkerAttribute::Within => match test {
            Test::Within(ranges) => {
                let mut pieces =
                    vec![Piece::Sql("(a.part, a.contact) IN (SELECT p.part, p.contact FROM contact_place p WHERE ")];
                for (at, (left, right)) in ranges.iter().enumerate() {
                    pieces.push(Piece::Sql(if at == 0 { "p.low BETWEEN " } else { " OR p.low BETWEEN " }));
                    pieces.push(Piece::Value((*left).into()));
                    pieces.push(Piece::Sql(" AND "));
                    pieces.push(Piece::Value((*right).into()));
                }
                pieces.push(Piece::Sql(")"));
                if ranges.is_empty() { nobody() } else { (Some(pieces), true) }
            }
            Test::Present => sql("(a.part, a.contact) IN (SELECT p.part, p.contact FROM contact_place p)"),
            _ => nobody(),
        },
        WorkerAttribute::Cadre | WorkerAttribute::Facility | WorkerAttribute::Place | WorkerAttribute::Skill => {
            let kind = term_kind(attribute).unwrap_or_default();
            let accepted: Vec<Value> = match test {
                Test::Present => return with_term(kind, None),
                Test::In(folded) => texts(folded),
                test => {
                    let all = words.get(kind).map(Vec::as_slice).unwrap_or_default();
                    all.iter().filter(|word| test.accepts_text(word)).map(|word| Value::from(word.as_str())).collect()
                }
            };
            if accepted.len() > MOST_WORDS { UNKNOWN } else { with_term(kind, Some(accepted)) }
        }
    }
}

/// Those who have a term of a kind: any, or one of these.
fn with_term(kind: &'static str, folded: Option<Vec<Value>>) -> Part {
    let begin = [
        Piece::Sql("(a.part, a.contact) IN (SELECT t.part, t.contact FROM contact_term t WHERE t.kind = "),
        Piece::Value(kind.into()),
    ];
    let (rest, _) = match folded {
        None => sql(")"),
        Some(folded) if folded.is_empty() => return nobody(),
        Some(folded) => in_list(" AND t.folded IN ", folded, ")"),
    };
    (Some(begin.into_iter().chain(rest.unwrap_or_default()).collect()), true)
}
