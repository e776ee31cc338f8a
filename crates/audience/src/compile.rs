//! From a query to a plan: every value folded and every day turned into instants, once.

use std::ops::Bound;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::environment::Environment;
use crate::error::{Code, QueryError};
use crate::plan::{Plan, Predicate, Test};
use crate::property::{Attribute, Property};
use crate::query::{Condition, Node, Operand, Operator, Query};
use crate::subject::Subject;
use crate::text;

/// A query made ready to run: on one contact in memory with [`Compiled::matches`], or over a store by its
/// [`Compiled::plan`]. Both are the same tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    plan: Plan,
}

impl Query {
    /// Makes the query ready to run in `env`: its time zone bounds the days, its clock fixes relative ones. For
    /// another time zone or day, compile again.
    ///
    /// Errors with [`Code::Unresolved`] when the query was parsed without the definitions that it needs.
    pub fn compile(&self, env: &Environment) -> Result<Compiled, QueryError> {
        Ok(Compiled { plan: node(&self.root, env)? })
    }
}

impl Compiled {
    /// Whether the contact is in the audience.
    pub fn matches<S: Subject + ?Sized>(&self, subject: &S) -> bool {
        self.plan.matches(subject)
    }

    /// The tree of predicates, for a store to turn into its own language.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

fn node(node: &Node, env: &Environment) -> Result<Plan, QueryError> {
    let (members, or) = match node {
        Node::Condition(condition) => return leaf(condition, env),
        Node::And(members) => (members, false),
        Node::Or(members) => (members, true),
    };
    let plans = members.iter().map(|member| self::node(member, env)).collect::<Result<Vec<_>, _>>()?;
    let mut plans = merge(plans, or);
    Ok(match (plans.len(), or) {
        (1, _) => plans.swap_remove(0),
        (_, true) => Plan::Or(plans),
        (_, false) => Plan::And(plans),
    })
}

fn leaf(condition: &Condition, env: &Environment) -> Result<Plan, QueryError> {
    use Operator::{Contains, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let Condition { property, operator, value, operand, name_span, value_span: _ } = condition;
    let test = match operand {
        Operand::Unresolved => {
            let message = format!("there is no definition of '{property}' here, so the query cannot be evaluated");
            return Err(QueryError::new(Code::Unresolved, name_span.clone(), message)
                .hint("parse it with the definitions of its project"));
        }
        // "not set" is the negation; the operators are swapped below.
        Operand::Set => Test::Present,
        Operand::Number(number) => match operator {
            Greater => Test::Number(Bound::Excluded(*number), Bound::Unbounded),
            GreaterOrEqual => Test::Number(Bound::Included(*number), Bound::Unbounded),
            Less => Test::Number(Bound::Unbounded, Bound::Excluded(*number)),
            LessOrEqual => Test::Number(Bound::Unbounded, Bound::Included(*number)),
            Equal | NotEqual | Contains => Test::Number(Bound::Included(*number), Bound::Included(*number)),
        },
        Operand::Day(day) => {
            let (from, until) = day.bounds(env);
            match operator {
                Greater => Test::Time { from: Some(until), until: None },
                GreaterOrEqual => Test::Time { from: Some(from), until: None },
                Less => Test::Time { from: None, until: Some(from) },
                LessOrEqual => Test::Time { from: None, until: Some(until) },
                Equal | NotEqual | Contains => Test::Time { from: Some(from), until: Some(until) },
            }
        }
        Operand::Reference(reference) => Test::In(vec![reference.uuid.to_lowercase()]),
        Operand::Place(span) => Test::Within(vec![(span.left, span.right)]),
        Operand::Text => {
            let folded = text::comparable(property, value);
            match operator {
                Contains if *property == Property::Attribute(Attribute::Name) => {
                    Test::Words(sorted(text::words(value)))
                }
                Contains => Test::Contains(folded.into_owned()),
                _ => Test::In(vec![folded.into_owned()]),
            }
        }
    };
    let negated = match operand {
        Operand::Set => *operator == Equal,
        _ => *operator == NotEqual,
    };
    let plan = Plan::Is(Predicate { property: property.clone(), test });
    Ok(if negated { Plan::Not(Box::new(plan)) } else { plan })
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts.dedup();
    texts
}

/// Brings together what one index look-up can answer: alternatives of one property become one set, and bounds on a
/// property with a single value one range.
fn merge(plans: Vec<Plan>, or: bool) -> Vec<Plan> {
    let mut merged: Vec<Plan> = Vec::with_capacity(plans.len());
    for plan in plans {
        if !merged.iter_mut().any(|other| absorb(other, &plan, or)) {
            merged.push(plan);
        }
    }
    merged
}

/// Takes `plan` into `other` if one predicate can stand for both.
fn absorb(other: &mut Plan, plan: &Plan, or: bool) -> bool {
    match (other, plan) {
        (Plan::Is(a), Plan::Is(b)) if a.property == b.property => match (&mut a.test, &b.test) {
            (Test::In(into), Test::In(from)) | (Test::Words(into), Test::Words(from)) if or => {
                unite(into, from);
                true
            }
            (Test::Within(into), Test::Within(from)) if or => {
                into.extend(from);
                *into = join_spans(std::mem::take(into));
                true
            }
            (Test::Time { from, until }, Test::Time { from: from_b, until: until_b }) if !or && single(&a.property) => {
                *from = (*from).max(*from_b);
                *until = least(*until, *until_b);
                true
            }
            (Test::Number(from, until), Test::Number(from_b, until_b)) if !or && single(&a.property) => {
                *from = narrower(*from, *from_b, |a, b| a > b);
                *until = narrower(*until, *until_b, |a, b| a < b);
                true
            }
            (a, b) => a == b,
        },
        // No value is x and no value is y: no value is one of them.
        (Plan::Not(a), Plan::Not(b)) if !or => match (&mut **a, &**b) {
            (Plan::Is(a), Plan::Is(b)) if a.property == b.property => match (&mut a.test, &b.test) {
                (Test::In(into), Test::In(from)) => {
                    unite(into, from);
                    true
                }
                (a, b) => a == b,
            },
            (a, b) => a == b,
        },
        (a, b) => a == b,
    }
}

fn unite(into: &mut Vec<String>, from: &[String]) {
    for text in from {
        if let Err(at) = into.binary_search(text) {
            into.insert(at, text.clone());
        }
    }
}

fn join_spans(mut spans: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    spans.sort_unstable();
    let mut joined: Vec<(u32, u32)> = Vec::with_capacity(spans.len());
    for (left, right) in spans {
        match joined.last_mut() {
            Some(last) if left <= last.1.saturating_add(1) => last.1 = last.1.max(right),
            _ => joined.push((left, right)),
        }
    }
    joined
}

fn least(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The bound that lets less through; `inner` says which of two numbers is further in.
fn narrower(a: Bound<Decimal>, b: Bound<Decimal>, inner: impl Fn(Decimal, Decimal) -> bool) -> Bound<Decimal> {
    match (a, b) {
        (Bound::Unbounded, bound) | (bound, Bound::Unbounded) => bound,
        (Bound::Included(x) | Bound::Excluded(x), Bound::Included(y) | Bound::Excluded(y)) => {
            if x == y {
                if matches!(a, Bound::Excluded(_)) { a } else { b }
            } else if inner(x, y) {
                a
            } else {
                b
            }
        }
    }
}

/// Properties of which a contact has at most one value.
fn single(property: &Property) -> bool {
    match property {
        Property::Attribute(Attribute::CreatedOn | Attribute::LastSeenOn | Attribute::Tickets) | Property::Field(_) => {
            true
        }
        Property::Attribute(_) | Property::Urn(_) | Property::Worker(_) => false,
    }
}
