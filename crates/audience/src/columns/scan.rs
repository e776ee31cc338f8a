//! A plan made ready for the columns: tables instead of texts.

use roaring::RoaringBitmap;

use super::bits::{BLOCK_ROWS, Bits, Block, EMPTY, and, is_empty, ones, or, without};
use super::sets::{Accepted, Sets};
use super::times::{Times, second};
use super::{Columns, Others, TEXTS};
use crate::plan::{Plan, Predicate, Test};
use crate::property::{Attribute, Property, WorkerAttribute};
use crate::subject::{Subject, Value};

/// A plan over columns.
pub(super) struct Scan<'a> {
    columns: &'a Columns,
    plan: &'a Plan,
    root: Step<'a>,
    /// Whether the columns hold all that the plan asks for.
    exact: bool,
}

enum Step<'a> {
    And(Vec<Step<'a>>),
    Or(Vec<Step<'a>>),
    Not(Box<Step<'a>>),
    Texts(&'a Sets<Box<str>>, Accepted),
    Places(&'a Sets<u32>, Accepted),
    Time(&'a Times, i64, i64),
    HasTime(&'a Times),
    Rows(Bits),
    Name(&'a Test),
    Nothing,
    /// The columns do not know.
    Unknown,
}

impl<'a> Scan<'a> {
    pub(super) fn new(columns: &'a Columns, plan: &'a Plan) -> Self {
        let root = step(columns, plan);
        let exact = root.is_exact();
        Self { columns, plan, root, exact }
    }

    /// The rows of a block that the columns do not rule out.
    pub(super) fn possible(&self, block: usize) -> Block {
        let living = self.columns.living.block(block);
        and(&living, &self.root.run(self.columns, block, &living, true))
    }

    /// The rows of a block that pass.
    pub(super) fn block(&self, block: usize, others: Others<'_>) -> Block {
        let possible = self.possible(block);
        if self.exact || is_empty(&possible) {
            return possible;
        }
        let mut passed = and(&possible, &self.root.run(self.columns, block, &possible, false));
        for at in ones(&without(&possible, &passed)) {
            if self.confirm((block * BLOCK_ROWS + at) as u32, others) {
                passed[at / 64] |= 1 << (at % 64);
            }
        }
        passed
    }

    /// Whether a possible row passes.
    pub(super) fn confirm(&self, row: u32, others: Others<'_>) -> bool {
        self.exact || self.plan.matches(&RowSubject { columns: self.columns, row, others })
    }
}

/// A row as a contact: what the columns hold from them, the rest from the caller.
struct RowSubject<'a> {
    columns: &'a Columns,
    row: u32,
    others: Others<'a>,
}

impl Subject for RowSubject<'_> {
    fn each(&self, property: &Property, visit: &mut dyn FnMut(Value<'_>)) {
        let (columns, row) = (self.columns, self.row as usize);
        let time = |column: &Times, visit: &mut dyn FnMut(Value<'_>)| {
            column.get(row).into_iter().for_each(|at| visit(Value::Time(at)));
        };
        if let Some(column) = TEXTS.iter().position(|held| held == property) {
            return columns.texts[column].values(row).for_each(|text| visit(Value::Text(text)));
        }
        match property {
            Property::Worker(WorkerAttribute::Within) => {
                columns.within.values(row).for_each(|place| visit(Value::Place(*place)));
            }
            Property::Attribute(Attribute::CreatedOn) => time(&columns.created_on, visit),
            Property::Attribute(Attribute::LastSeenOn) => time(&columns.last_seen_on, visit),
            Property::Attribute(Attribute::Group) => {
                let groups = columns.groups.iter().filter(|(_, rows)| rows.contains(self.row));
                groups.for_each(|(uuid, _)| visit(Value::Text(uuid)));
            }
            Property::Attribute(Attribute::Name) => {
                let name = columns.names.get(row);
                if !name.is_empty() {
                    visit(Value::Text(name));
                }
            }
            property => (self.others)(self.row, property, visit),
        }
    }
}

fn step<'a>(columns: &'a Columns, plan: &'a Plan) -> Step<'a> {
    let members = |plans: &'a [Plan]| {
        let mut steps: Vec<Step<'a>> = plans.iter().map(|plan| step(columns, plan)).collect();
        // What is cheap first: it leaves fewer rows for the rest.
        steps.sort_by_key(Step::cost);
        steps
    };
    match plan {
        Plan::And(plans) => Step::And(members(plans)),
        Plan::Or(plans) => Step::Or(members(plans)),
        Plan::Not(plan) => Step::Not(Box::new(step(columns, plan))),
        Plan::Is(predicate) => leaf(columns, predicate),
    }
}

fn leaf<'a>(columns: &'a Columns, Predicate { property, test }: &'a Predicate) -> Step<'a> {
    if let Some(column) = TEXTS.iter().position(|held| held == property) {
        let column = &columns.texts[column];
        return Step::Texts(column, column.accepted(|text| test.accepts_text(text)));
    }
    match (property, test) {
        (Property::Worker(WorkerAttribute::Within), Test::Present) => {
            Step::Places(&columns.within, columns.within.present())
        }
        (Property::Worker(WorkerAttribute::Within), Test::Within(ranges)) => {
            let inside = |place: &u32| ranges.iter().any(|(left, right)| (left..=right).contains(&place));
            Step::Places(&columns.within, columns.within.accepted(inside))
        }
        (Property::Attribute(Attribute::CreatedOn), test) => time(&columns.created_on, test),
        (Property::Attribute(Attribute::LastSeenOn), test) => time(&columns.last_seen_on, test),
        (Property::Attribute(Attribute::Group), test) => {
            let groups = columns.groups.iter().filter(|(uuid, _)| test.accepts_text(uuid));
            rows(columns.rows, groups.map(|(_, rows)| rows))
        }
        (Property::Attribute(Attribute::Name), test) => Step::Name(test),
        _ => Step::Unknown,
    }
}

fn time<'a>(column: &'a Times, test: &Test) -> Step<'a> {
    match test {
        Test::Present => Step::HasTime(column),
        Test::Time { from, until } => Step::Time(column, from.map_or(i64::MIN, second), until.map_or(i64::MAX, second)),
        _ => Step::Nothing,
    }
}

fn rows<'a>(count: usize, groups: impl Iterator<Item = &'a RoaringBitmap>) -> Step<'a> {
    let mut bits = Bits::default();
    bits.resize(count);
    for group in groups {
        for row in group {
            bits.set(row as usize, true);
        }
    }
    Step::Rows(bits)
}

impl Step<'_> {
    fn is_exact(&self) -> bool {
        match self {
            Self::And(steps) | Self::Or(steps) => steps.iter().all(Self::is_exact),
            Self::Not(step) => step.is_exact(),
            Self::Unknown => false,
            _ => true,
        }
    }

    fn cost(&self) -> u8 {
        match self {
            Self::And(steps) | Self::Or(steps) => steps.iter().map(Self::cost).max().unwrap_or(0).max(1),
            Self::Not(step) => step.cost(),
            Self::Name(_) => 2,
            Self::Unknown => 3,
            _ => 0,
        }
    }

    /// The rows of a block that pass, right for the rows in `wanted` and anything for others. Where the columns do
    /// not know, a row passes if `possible` is asked for and does not if it is certainty.
    fn run(&self, columns: &Columns, block: usize, wanted: &Block, possible: bool) -> Block {
        match self {
            Self::And(steps) => {
                let mut passed = *wanted;
                for step in steps {
                    if is_empty(&passed) {
                        break;
                    }
                    passed = and(&passed, &step.run(columns, block, &passed, possible));
                }
                passed
            }
            Self::Or(steps) => {
                let mut passed = EMPTY;
                for step in steps {
                    let rest = without(wanted, &passed);
                    if is_empty(&rest) {
                        break;
                    }
                    passed = or(&passed, &and(&rest, &step.run(columns, block, &rest, possible)));
                }
                passed
            }
            Self::Not(step) => without(wanted, &step.run(columns, block, wanted, !possible)),
            Self::Texts(column, accepted) => column.scan(block, accepted),
            Self::Places(column, accepted) => column.scan(block, accepted),
            Self::Time(column, from, until) => column.scan(block, *from, *until),
            Self::HasTime(column) => column.present(block),
            Self::Rows(rows) => rows.block(block),
            Self::Name(test) => {
                let mut passed = EMPTY;
                for at in ones(wanted) {
                    if has_name(columns, block * BLOCK_ROWS + at, test) {
                        passed[at / 64] |= 1 << (at % 64);
                    }
                }
                passed
            }
            Self::Unknown if possible => *wanted,
            Self::Nothing | Self::Unknown => EMPTY,
        }
    }
}

/// Whether the row's name passes; an empty one is none.
fn has_name(columns: &Columns, row: usize, test: &Test) -> bool {
    if let Test::Words(prefixes) = test
        && let Some(known) = columns.names.begins(row, prefixes)
    {
        return known;
    }
    let name = columns.names.get(row);
    !name.is_empty() && test.accepts_text(name)
}
