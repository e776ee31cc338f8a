//! The register in memory, to count and page through audiences while somebody types.

use crate::query::any_of;
use crate::registry::Attributes;
use crate::{Store, StoreError, StoreResult, params};
use ::audience::columns::{Columns, Cursor, no_others};
use ::audience::{Attribute, Compiled, Plan, Property, Subject, Value};
use base::{ContactId, Millis};
use std::collections::HashMap;

/// How long a change may take to become visible after its stamp: an import stamps all that it writes with the time it
/// began, and the clocks of processes differ. What was stamped since is looked at again.
const OVERLAP_MILLIS: i64 = 15 * 60 * 1_000;

/// How many changed contacts are read at a time.
const KEYS: usize = 200;

/// Rows that travel from the reader to the columns at a time.
const CHUNK: usize = 1_024;

const ROWS: &str = "SELECT c.id, c.name, c.language, c.status, c.created_on, c.last_seen_on, c.groups, c.attributes,
    a.changed_on FROM audience a JOIN contact c ON c.part = a.part AND c.id = a.contact";

/// A page of an audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The contacts by their folded names.
    pub contacts: Vec<ContactId>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Cursor>,
}

/// The register by column; a million workers take some hundred megabytes.
#[derive(Debug, Default)]
pub struct Index {
    columns: Columns,
    contacts: Vec<ContactId>,
    rows: HashMap<ContactId, u32>,
    /// The stamp of what is known of each row.
    stamps: Vec<i64>,
    /// When the store was read last.
    read_on: Millis,
}

/// A contact on its way into the columns.
struct Loaded {
    contact: ContactId,
    name: Option<String>,
    language: Option<String>,
    status: String,
    created_on: Millis,
    last_seen_on: Option<Millis>,
    groups: String,
    attributes: String,
    changed_on: i64,
}

/// The same with its JSON read.
struct Parsed {
    loaded: Loaded,
    groups: Vec<String>,
    attributes: Attributes,
}

impl Loaded {
    fn read(row: &crate::query::Row) -> StoreResult<Self> {
        Ok(Self {
            contact: row.get(0)?,
            name: row.get(1)?,
            language: row.get(2)?,
            status: row.get(3)?,
            created_on: row.get(4)?,
            last_seen_on: row.get(5)?,
            groups: row.get(6)?,
            attributes: row.get(7)?,
            changed_on: row.get(8)?,
        })
    }

    fn parse(self) -> StoreResult<Parsed> {
        let corrupt = |error: serde_json::Error| StoreError::Corrupt(format!("contact {}: {error}", self.contact));
        let groups =
            if self.groups == "[]" { Vec::new() } else { serde_json::from_str(&self.groups).map_err(corrupt)? };
        let attributes = if self.attributes == "{}" {
            Attributes::default()
        } else {
            serde_json::from_str(&self.attributes).map_err(corrupt)?
        };
        Ok(Parsed { groups, attributes, loaded: self })
    }
}

impl Subject for Parsed {
    fn each(&self, property: &Property, visit: &mut dyn FnMut(Value<'_>)) {
        let mut one = |text: &str| {
            if !text.is_empty() {
                visit(Value::Text(text));
            }
        };
        let contact = &self.loaded;
        match property {
            Property::Attribute(Attribute::Name) => contact.name.iter().for_each(|name| one(name)),
            Property::Attribute(Attribute::Language) => contact.language.iter().for_each(|language| one(language)),
            Property::Attribute(Attribute::Status) => one(&contact.status),
            Property::Attribute(Attribute::Group) => self.groups.iter().for_each(|group| one(group)),
            Property::Attribute(Attribute::CreatedOn) => visit(Value::Time(contact.created_on.timestamp())),
            Property::Attribute(Attribute::LastSeenOn) => {
                contact.last_seen_on.iter().for_each(|at| visit(Value::Time(at.timestamp())));
            }
            Property::Worker(attribute) => self.attributes.each(*attribute, visit),
            _ => {}
        }
    }
}

impl Index {
    /// Reads the whole register: some seconds for a million contacts.
    ///
    /// # Errors
    /// The store's.
    pub async fn load(store: &Store, now: Millis) -> StoreResult<Self> {
        let (sender, receiver) = std::sync::mpsc::sync_channel::<Vec<Loaded>>(64);
        let columns = tokio::task::spawn_blocking(move || {
            let mut index = Self { read_on: now, ..Self::default() };
            let mut failed = None;
            let loaded = receiver.into_iter().flatten().map_while(|loaded| match loaded.parse() {
                Ok(parsed) => Some(parsed),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            });
            let (contacts, stamps) = (&mut index.contacts, &mut index.stamps);
            index.columns = Columns::load(loaded.map(|parsed| {
                contacts.push(parsed.loaded.contact);
                stamps.push(parsed.loaded.changed_on);
                ((contacts.len() - 1) as u32, parsed)
            }));
            index.rows = (0_u32..).zip(&index.contacts).map(|(row, contact)| (*contact, row)).collect();
            failed.map_or(Ok(index), Err)
        });
        let read = store
            .query_each(ROWS, params![], (sender, Vec::with_capacity(CHUNK)), |(sender, chunk), row| {
                chunk.push(Loaded::read(row)?);
                if chunk.len() == CHUNK {
                    // The other end stops early only with an error of its own, which is told below.
                    sender.send(std::mem::replace(chunk, Vec::with_capacity(CHUNK))).map_err(|_| StoreError::Closed)?;
                }
                Ok(())
            })
            .await;
        let read = read.map(|(sender, chunk)| drop(sender.send(chunk)));
        let index = columns.await.map_err(|error| StoreError::Panicked(error.to_string()))??;
        read.map(|()| index)
    }

    /// Reads what has changed since the last time; gives how many contacts that were.
    ///
    /// # Errors
    /// The store's; what was read until then is kept.
    pub async fn refresh(&mut self, store: &Store, now: Millis) -> StoreResult<usize> {
        let sql = "SELECT a.contact, a.changed_on FROM audience a WHERE a.changed_on >= $1";
        let since = Millis(self.read_on.0 - OVERLAP_MILLIS);
        let mut changed: Vec<ContactId> = Vec::new();
        for row in store.query(sql, params![since]).await? {
            let contact = row.get(0)?;
            let known = self.rows.get(&contact).and_then(|row| self.stamps.get(*row as usize));
            if known != Some(&row.get(1)?) {
                changed.push(contact);
            }
        }
        for chunk in changed.chunks(KEYS) {
            let (condition, values) =
                any_of(["a.part", "a.contact"], chunk.iter().map(|contact| (contact.part(), *contact)));
            for row in store.query(&format!("{ROWS} WHERE {condition}"), values).await? {
                self.set(Loaded::read(&row)?.parse()?);
            }
        }
        self.read_on = now;
        Ok(changed.len())
    }

    fn set(&mut self, parsed: Parsed) {
        let (contact, stamp) = (parsed.loaded.contact, parsed.loaded.changed_on);
        let next = self.contacts.len() as u32;
        let row = *self.rows.entry(contact).or_insert(next);
        if row == next {
            self.contacts.push(contact);
            self.stamps.push(stamp);
        }
        self.stamps[row as usize] = stamp;
        self.columns.set(row, &parsed);
    }

    /// How many contacts there are.
    pub fn len(&self) -> u64 {
        self.columns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// About how many bytes this takes.
    pub fn memory(&self) -> usize {
        self.columns.memory() + self.contacts.capacity() * 24 + self.rows.capacity() * 24
    }

    /// How many contacts the query means; `None` when it asks for what is not in memory (fields, URNs, flows).
    pub fn count(&self, query: &Compiled) -> Option<u64> {
        holds(query.plan()).then(|| self.columns.count(query, &no_others))
    }

    /// Up to `limit` contacts whom the query means, by name, after `after`; `None` as for [`Index::count`].
    pub fn page(&self, query: &Compiled, after: Option<&Cursor>, limit: usize) -> Option<Page> {
        holds(query.plan()).then(|| {
            let page = self.columns.page(query, after, limit, &no_others);
            let contacts = page.rows.iter().filter_map(|row| self.contacts.get(*row as usize)).copied().collect();
            Page { contacts, next: page.next }
        })
    }
}

/// Whether the columns have everything that a plan asks for.
fn holds(plan: &Plan) -> bool {
    let mut all = true;
    plan.each_predicate(&mut |predicate| {
        all &= match predicate.property {
            Property::Worker(_) => true,
            Property::Attribute(attribute) => matches!(
                attribute,
                Attribute::Name
                    | Attribute::Status
                    | Attribute::Language
                    | Attribute::Group
                    | Attribute::CreatedOn
                    | Attribute::LastSeenOn
            ),
            Property::Urn(_) | Property::Field(_) => false,
        };
    });
    all
}
