//! All contacts of a register in memory, by column, to count and page through audiences while somebody types.
//!
//! A million workers take some 50 bytes each and are counted in milliseconds: texts from small vocabularies are
//! tested once for each distinct value, and rows are then looked up in tables, in blocks of 4,096. What the columns
//! do not hold (URNs, fields, tickets, flows, UUIDs) is asked of the caller row by row, for the rows that the rest
//! of the query leaves open.
//!
//! The caller numbers the rows, densely from 0, and tells of every change. When the tree of places is numbered anew,
//! so are the places of all rows: the caller loads them again.

mod bits;
mod names;
mod scan;
mod sets;
mod times;

use std::collections::HashMap;

use jiff::Timestamp;
use roaring::RoaringBitmap;

use crate::compile::Compiled;
use crate::property::{Attribute, Property, WorkerAttribute};
use crate::subject::{Subject, Value};
use crate::text;
use bits::{BLOCK_ROWS, Bits};
use names::Names;
use scan::Scan;
use sets::Sets;
use times::Times;

/// Text columns, in the order of [`Columns::texts`].
const TEXTS: [Property; 8] = [
    Property::Attribute(Attribute::Status),
    Property::Attribute(Attribute::Language),
    Property::Worker(WorkerAttribute::Cadre),
    Property::Worker(WorkerAttribute::Facility),
    Property::Worker(WorkerAttribute::Place),
    Property::Worker(WorkerAttribute::Skill),
    Property::Worker(WorkerAttribute::Gender),
    Property::Worker(WorkerAttribute::Status),
];

/// Gives the values of a row's property that the columns do not hold, as [`Subject::each`] does.
pub type Others<'a> = &'a dyn Fn(u32, &Property, &mut dyn FnMut(Value<'_>));

/// For callers whose queries ask for nothing but what the columns hold: other properties are not set.
pub fn no_others(_: u32, _: &Property, _: &mut dyn FnMut(Value<'_>)) {}

/// A contact for [`Columns::set`], from plain data. Any [`Subject`] does as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row<'a> {
    /// Full name; empty for none. So are the other texts.
    pub name: &'a str,
    /// The contact's status.
    pub status: &'a str,
    /// ISO 639-3 code.
    pub language: &'a str,
    /// UUIDs of groups.
    pub groups: &'a [&'a str],
    /// When the contact was created.
    pub created_on: Option<Timestamp>,
    /// When the contact was last heard.
    pub last_seen_on: Option<Timestamp>,
    /// Labels and codes of cadres.
    pub cadres: &'a [&'a str],
    /// Names and codes of facilities.
    pub facilities: &'a [&'a str],
    /// Names of places.
    pub places: &'a [&'a str],
    /// Numbers of the places in their tree.
    pub within: &'a [u32],
    /// Labels and codes of skills.
    pub skills: &'a [&'a str],
    /// The worker's gender.
    pub gender: &'a str,
    /// The worker's status.
    pub worker_status: &'a str,
}

impl Subject for Row<'_> {
    fn each(&self, property: &Property, visit: &mut dyn FnMut(Value<'_>)) {
        let one = |text: &str, visit: &mut dyn FnMut(Value<'_>)| {
            if !text.is_empty() {
                visit(Value::Text(text));
            }
        };
        let many = |texts: &[&str], visit: &mut dyn FnMut(Value<'_>)| texts.iter().for_each(|text| one(text, visit));
        match property {
            Property::Attribute(Attribute::Name) => one(self.name, visit),
            Property::Attribute(Attribute::Status) => one(self.status, visit),
            Property::Attribute(Attribute::Language) => one(self.language, visit),
            Property::Attribute(Attribute::Group) => many(self.groups, visit),
            Property::Attribute(Attribute::CreatedOn) => {
                self.created_on.into_iter().for_each(|at| visit(Value::Time(at)));
            }
            Property::Attribute(Attribute::LastSeenOn) => {
                self.last_seen_on.into_iter().for_each(|at| visit(Value::Time(at)));
            }
            Property::Worker(WorkerAttribute::Cadre) => many(self.cadres, visit),
            Property::Worker(WorkerAttribute::Facility) => many(self.facilities, visit),
            Property::Worker(WorkerAttribute::Place) => many(self.places, visit),
            Property::Worker(WorkerAttribute::Within) => self.within.iter().for_each(|at| visit(Value::Place(*at))),
            Property::Worker(WorkerAttribute::Skill) => many(self.skills, visit),
            Property::Worker(WorkerAttribute::Gender) => one(self.gender, visit),
            Property::Worker(WorkerAttribute::Status) => one(self.worker_status, visit),
            _ => {}
        }
    }
}

/// Where a page ends and the next begins. It stays good when rows change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    name: String,
    row: u32,
}

impl Cursor {
    /// From its parts, as [`Cursor::name`] and [`Cursor::row`] gave them.
    pub fn new(name: impl Into<String>, row: u32) -> Self {
        Self { name: name.into(), row }
    }

    /// The name of the last row.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the last row.
    pub fn row(&self) -> u32 {
        self.row
    }
}

/// A page of an audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows by name (folded), then by number.
    pub rows: Vec<u32>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Cursor>,
}

/// Contacts by column; see the [module](self).
#[derive(Clone, Debug)]
pub struct Columns {
    rows: usize,
    living: Bits,
    texts: [Sets<Box<str>>; TEXTS.len()],
    within: Sets<u32>,
    created_on: Times,
    last_seen_on: Times,
    groups: HashMap<Box<str>, RoaringBitmap>,
    names: Names,
    count: u64,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            rows: 0,
            living: Bits::default(),
            texts: std::array::from_fn(|_| Sets::new()),
            within: Sets::new(),
            created_on: Times::default(),
            last_seen_on: Times::default(),
            groups: HashMap::new(),
            names: Names::default(),
            count: 0,
        }
    }
}

impl Columns {
    /// From many rows at once, which is much faster than one by one.
    pub fn load<S: Subject>(subjects: impl IntoIterator<Item = (u32, S)>) -> Self {
        let mut columns = Self::default();
        for (row, subject) in subjects {
            columns.fill(row, &subject);
        }
        let living = (0..columns.rows as u32).filter(|row| columns.living.get(*row as usize)).collect();
        columns.names.sort(living);
        columns
    }

    /// Adds a row, or replaces what is known of it.
    pub fn set<S: Subject + ?Sized>(&mut self, row: u32, subject: &S) {
        let at = row as usize;
        let mut name = String::new();
        subject.each(&Property::Attribute(Attribute::Name), &mut |value| {
            if let Value::Text(text) = value {
                name = text::normal(text).into_owned();
            }
        });
        // Most changes leave the name as it is, and with it the order.
        let moves = !self.living.get(at) || self.names.get(at) != name;
        if moves && self.living.get(at) {
            self.names.leave(row);
        }
        self.fill(row, subject);
        if moves {
            self.names.enter(row);
        }
    }

    /// Takes a row out. Its number can be used again.
    pub fn remove(&mut self, row: u32) {
        let at = row as usize;
        if !self.living.get(at) {
            return;
        }
        self.names.leave(row);
        self.fill(row, &Row::default());
        self.living.set(at, false);
        self.count -= 1;
    }

    /// Notes that a contact was heard, without touching anything else. Rows that are not there stay so.
    pub fn heard(&mut self, row: u32, at: Timestamp) {
        if self.living.get(row as usize) {
            self.last_seen_on.set(row as usize, Some(at));
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many rows are in the audience.
    pub fn count(&self, query: &Compiled, others: Others<'_>) -> u64 {
        let scan = Scan::new(self, query.plan());
        (0..self.blocks()).map(|block| bits::count(&scan.block(block, others))).sum()
    }

    /// The rows in the audience.
    pub fn rows(&self, query: &Compiled, others: Others<'_>) -> RoaringBitmap {
        let scan = Scan::new(self, query.plan());
        let mut rows = RoaringBitmap::new();
        for block in 0..self.blocks() {
            let from = (block * BLOCK_ROWS) as u32;
            rows.extend(bits::ones(&scan.block(block, others)).map(|at| from + at as u32));
        }
        rows
    }

    /// Up to `limit` rows of the audience in the order of their names, after `after`. What the columns do not hold
    /// is asked only for rows as they come.
    pub fn page(&self, query: &Compiled, after: Option<&Cursor>, limit: usize, others: Others<'_>) -> Page {
        let scan = Scan::new(self, query.plan());
        let mut open = Bits::default();
        for block in 0..self.blocks() {
            open.push_block(&scan.possible(block));
        }
        let mut rows = Vec::new();
        for row in self.names.after(after.map(|cursor| (cursor.name.as_str(), cursor.row))) {
            if rows.len() == limit {
                break;
            }
            if open.get(*row as usize) && scan.confirm(*row, others) {
                rows.push(*row);
            }
        }
        let last = rows.last().filter(|_| rows.len() == limit);
        let next = last.map(|row| Cursor::new(self.names.get(*row as usize), *row));
        Page { rows, next }
    }

    /// About how many bytes this takes.
    pub fn memory(&self) -> usize {
        let groups: usize = self.groups.values().map(RoaringBitmap::serialized_size).sum();
        self.living.memory()
            + self.texts.iter().map(Sets::memory).sum::<usize>()
            + self.within.memory()
            + self.created_on.memory()
            + self.last_seen_on.memory()
            + groups
            + self.names.memory()
    }

    fn blocks(&self) -> usize {
        self.rows.div_ceil(BLOCK_ROWS)
    }

    /// Sets all columns of a row, and its name without its place in the order.
    fn fill<S: Subject + ?Sized>(&mut self, row: u32, subject: &S) {
        let at = row as usize;
        if at >= self.rows {
            self.resize(at + 1);
        }
        if !self.living.get(at) {
            self.living.set(at, true);
            self.count += 1;
        }
        let mut prepared: Vec<Box<str>> = Vec::new();
        for (column, property) in self.texts.iter_mut().zip(&TEXTS) {
            subject.each(property, &mut |value| {
                if let Value::Text(text) = value {
                    prepared.push(text::comparable(property, text).into());
                }
            });
            column.set(at, prepared.drain(..));
        }
        let mut places = Vec::new();
        subject.each(&Property::Worker(WorkerAttribute::Within), &mut |value| {
            if let Value::Place(place) = value {
                places.push(place);
            }
        });
        self.within.set(at, places.into_iter());
        for (column, attribute) in
            [(&mut self.created_on, Attribute::CreatedOn), (&mut self.last_seen_on, Attribute::LastSeenOn)]
        {
            let mut time = None;
            subject.each(&Property::Attribute(attribute), &mut |value| {
                if let Value::Time(at) = value {
                    time = Some(at);
                }
            });
            column.set(at, time);
        }
        self.groups.values_mut().for_each(|rows| {
            rows.remove(row);
        });
        subject.each(&Property::Attribute(Attribute::Group), &mut |value| {
            if let Value::Text(text) = value {
                self.groups.entry(text::normal(text).into()).or_default().insert(row);
            }
        });
        let mut name = None;
        subject.each(&Property::Attribute(Attribute::Name), &mut |value| {
            if let Value::Text(text) = value {
                name = Some(text::normal(text).into_owned());
            }
        });
        let name = name.unwrap_or_default();
        if self.names.get(at) != name {
            self.names.set(at, &name);
        }
    }

    fn resize(&mut self, rows: usize) {
        self.rows = rows;
        self.living.resize(rows);
        self.texts.iter_mut().for_each(|column| column.resize(rows));
        self.within.resize(rows);
        self.created_on.resize(rows);
        self.last_seen_on.resize(rows);
        self.names.resize(rows);
    }
}
