//! Records by their ids, and workers with their posts.

use base::text::fold;
use std::collections::{BTreeMap, HashMap};
use std::io;

use super::places::{Places, outside};
use super::{Known, LoosePost};
use crate::fhir::{PersonRecord, PlaceRecord, Reference, RoleRecord};
use crate::finding::{Code, Finding, Origin};
use crate::model::{Left, PartialDate, Phone, PlaceKind, Post, Status, Worker};
use crate::read::Row;
use crate::records::{Entry, Key, Records, Version};
use crate::spool::{Slot, Values};

/// Finds that a record is there twice with different content.
fn twice(name: &str, before: &Origin, again: &Origin) -> Finding {
    let message = format!("{name} is there twice with different content, before at {before}");
    Finding::new(Code::DuplicateId, again.clone(), message)
}

/// Each id once, in order: the later version of a record; of two without versions the one that comes later. `content`
/// gives what tells whether two records are the same, and where a record stands.
fn each_once(
    mut entries: Vec<Entry>,
    kind: &str,
    findings: &mut Vec<Finding>,
    content: impl Fn(Slot) -> io::Result<(String, Origin)>,
) -> io::Result<Vec<Entry>> {
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    let mut once: Vec<Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(before) = once.last_mut().filter(|before| before.id == entry.id) else {
            once.push(entry);
            continue;
        };
        if before.version == entry.version {
            let (old, new) = (content(before.slot)?, content(entry.slot)?);
            if old.0 != new.0 {
                findings.push(twice(&format!("{kind}/{}", entry.id), &old.1, &new.1));
            }
        }
        if entry.version >= before.version {
            *before = entry;
        }
    }
    Ok(once)
}

/// Places by their ids, each once, as [`each_once`].
pub(super) fn places_by_id(
    records: Vec<PlaceRecord>,
    kind: &str,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, PlaceRecord> {
    let mut by_id: BTreeMap<String, PlaceRecord> = BTreeMap::new();
    for record in records {
        let id = record.place.source_id.trim_start_matches("Organization/").to_owned();
        if let Some(before) = by_id.get(&id) {
            let (old, new) = (Version::from(&before.keys), Version::from(&record.keys));
            if old == new && before.place.raw != record.place.raw {
                findings.push(twice(&format!("{kind}/{id}"), &before.origin, &record.origin));
            }
            if new < old {
                continue;
            }
        }
        by_id.insert(id, record);
    }
    by_id
}

/// A worker while posts are added.
struct Draft {
    worker: Worker,
    origin: Origin,
    /// What the source says of the worker as a whole.
    active: bool,
    /// Whether the posts have a say in that.
    by_posts: bool,
}

/// What becomes of the records.
pub(super) struct Linking<'a> {
    pub(super) places: &'a Places,
    pub(super) known: &'a Known,
    pub(super) findings: &'a mut Vec<Finding>,
    /// Takes each worker, in the order of the source's ids.
    pub(super) worker: &'a mut dyn FnMut(Worker, Origin, &mut Values) -> io::Result<()>,
    /// Takes each post of nobody in the import, in the order of their ids.
    pub(super) loose: &'a mut dyn FnMut(LoosePost, &mut Values) -> io::Result<()>,
}

impl Linking<'_> {
    /// Links posts to their workers, and gives all of them.
    pub(super) fn run(mut self, records: &mut Records) -> io::Result<()> {
        let values = &mut records.values;
        let people = each_once(std::mem::take(&mut records.people), "Practitioner", self.findings, |slot| {
            values.get(slot).map(|person: PersonRecord| (person.worker.raw, person.origin))
        })?;
        let roles = each_once(std::mem::take(&mut records.roles), "PractitionerRole", self.findings, |slot| {
            values.get(slot).map(|role: RoleRecord| (role.post.raw, role.origin))
        })?;
        let mut rows = std::mem::take(&mut records.rows);
        rows.sort_by(|a, b| a.id.cmp(&b.id));

        let mut by_key: HashMap<Key, usize> = HashMap::with_capacity(people.len() * 2);
        for (at, person) in people.iter().enumerate() {
            for key in &person.keys {
                by_key.entry(*key).or_insert(at);
            }
        }
        // Person and role.
        let mut owned: Vec<(usize, Slot)> = Vec::with_capacity(roles.len());
        for role in &roles {
            match role.keys.first().and_then(|key| by_key.get(key)) {
                Some(owner) => owned.push((*owner, role.slot)),
                None => self.loose(role.slot, values)?,
            }
        }
        drop((by_key, roles));
        owned.sort_by_key(|(owner, _)| *owner);

        let (mut people, mut owned, mut rows) =
            (people.into_iter().enumerate().peekable(), owned.into_iter().peekable(), rows.into_iter().peekable());
        loop {
            // People and rows may have the same ids.
            let id = match (people.peek(), rows.peek()) {
                (None, None) => return Ok(()),
                (Some((_, person)), None) => person.id.clone(),
                (None, Some(row)) => row.id.clone(),
                (Some((_, person)), Some(row)) => person.id.clone().min(row.id.clone()),
            };
            let mut drafts = BTreeMap::new();
            if let Some((at, person)) = people.next_if(|(_, person)| person.id == id) {
                let mut draft = self.person(values.get(person.slot)?);
                while let Some((_, slot)) = owned.next_if(|(owner, _)| *owner == at) {
                    self.post(&mut draft.worker, values.get(slot)?);
                }
                drafts.insert(draft.worker.source_id.clone(), draft);
            }
            while let Some(row) = rows.next_if(|row| row.id == id) {
                add_row(values.get(row.slot)?, &mut drafts, self.findings);
            }
            for draft in drafts.into_values() {
                let origin = draft.origin.clone();
                (self.worker)(finished(draft), origin, values)?;
            }
        }
    }

    fn person(&mut self, record: PersonRecord) -> Draft {
        let PersonRecord { origin, mut worker, active, residence, keys: _ } = record;
        worker.address.residence_ref =
            residence.map(|reference| self.place(&reference, &origin, &worker.name, &worker.source_id));
        Draft { worker, origin, active, by_posts: true }
    }

    fn post(&mut self, worker: &mut Worker, role: RoleRecord) {
        worker.posts.push(self.located(&role, &worker.source_id));
        add_phones(worker, role.phones);
        for skill in role.specialties {
            if !worker.skills.contains(&skill) {
                worker.skills.push(skill);
            }
        }
    }

    /// A post of nobody in the import.
    fn loose(&mut self, slot: Slot, values: &mut Values) -> io::Result<()> {
        let role: RoleRecord = values.get(slot)?;
        let worker = role.practitioner.as_ref().map(|reference| reference.id().to_owned());
        let id = &role.post.source_id;
        let finding = match (&role.practitioner, &worker) {
            (Some(reference), Some(worker)) => {
                let message = format!("the post '{id}' is of {}, who is not part of the import", reference.key);
                let origin = role.origin.at(&reference.path);
                Finding::new(Code::UnresolvedReference, origin, message).of(worker)
            }
            _ => Finding::new(Code::NoWorker, role.origin.clone(), format!("the role '{id}' has no practitioner")),
        };
        self.findings.push(finding);
        let post = self.located(&role, worker.as_deref().unwrap_or_default());
        (self.loose)(LoosePost { worker, post }, values)
    }

    /// The id of the place that a reference means; one that nobody knows is found, and kept all the same.
    fn place(&mut self, reference: &Reference, origin: &Origin, what: &str, worker: &str) -> String {
        if let Some(id) = self.places.resolve(reference) {
            return id.to_owned();
        }
        let id = outside(reference);
        if !self.known.places.contains(&id) {
            let message = format!("'{what}' refers to {}, which is not part of the import", reference.key);
            let finding = Finding::new(Code::UnresolvedReference, origin.at(&reference.path), message);
            self.findings.push(if worker.is_empty() { finding } else { finding.of(worker) });
        }
        id
    }

    /// The post with its facility, or the jurisdiction if it has none. Locations come before the organization.
    fn located(&mut self, role: &RoleRecord, worker: &str) -> Post {
        let mut post = role.post.clone();
        for reference in role.locations.iter().chain(&role.organization) {
            let is_location = reference.path.starts_with("location");
            // The employer of somebody whose location is known says nothing more.
            if !is_location && (post.facility_ref.is_some() || post.place_ref.is_some()) {
                break;
            }
            let id = self.place(reference, &role.origin, &post.source_id, worker);
            let target = if self.places.kind(&id) == Some(PlaceKind::Jurisdiction) {
                &mut post.place_ref
            } else {
                &mut post.facility_ref
            };
            target.get_or_insert(id);
        }
        if post.facility_ref.is_some() {
            post.place_ref = None;
        }
        post
    }
}

/// Adds phones behind those that the worker has.
fn add_phones(worker: &mut Worker, phones: Vec<Phone>) {
    for mut phone in phones {
        if worker.phones.iter().all(|known| known.number.number != phone.number.number) {
            phone.rank = u16::try_from(worker.phones.len() + 1).unwrap_or(u16::MAX);
            worker.phones.push(phone);
        }
    }
}

/// Adds a row: a new worker, or one more post of one who is there already.
fn add_row(row: Row, drafts: &mut BTreeMap<String, Draft>, findings: &mut Vec<Finding>) {
    let mut new = row.worker;
    let mut id = new.source_id.clone();
    if let Some(before) = drafts.get(&id)
        && fold(&before.worker.name) != fold(&new.name)
    {
        let message = format!("'{}' and '{}' have the same id '{id}'", before.worker.name, new.name);
        let finding = Finding::new(Code::DuplicateId, row.origin.clone(), message).of(&id);
        findings.push(finding.remedy("give each worker an id of their own at the source; both were kept"));
        id = format!("{id}|{}", fold(&new.name));
        new.source_id.clone_from(&id);
    }
    let active = new.status == Status::Active;
    let Some(before) = drafts.get_mut(&id) else {
        drafts.insert(id, Draft { active, by_posts: false, origin: row.origin, worker: new });
        return;
    };
    let message = format!("'{}' is there more than once, before on line {}", new.name, before.origin.line);
    findings.push(Finding::new(Code::SameWorker, row.origin, message).of(&id));
    before.active |= active;
    let worker = &mut before.worker;
    for post in new.posts {
        if worker.posts.iter().all(|known| known.source_id != post.source_id) {
            worker.posts.push(post);
        }
    }
    add_phones(worker, new.phones);
    for skill in new.skills {
        if !worker.skills.contains(&skill) {
            worker.skills.push(skill);
        }
    }
    worker.gender = worker.gender.or(new.gender);
    worker.language = worker.language.or(new.language);
    worker.birth_date = worker.birth_date.take().or(new.birth_date);
    worker.left = worker.left.take().or(new.left);
    for email in new.emails {
        if !worker.emails.contains(&email) {
            worker.emails.push(email);
        }
    }
    // Both rows are the source's record of this worker: one JSON object a line.
    if worker.raw != new.raw {
        worker.raw.push('\n');
        worker.raw.push_str(&new.raw);
    }
}

/// Posts in order, status and departure.
fn finished(draft: Draft) -> Worker {
    let mut worker = draft.worker;
    worker.posts.sort_by(|a, b| {
        let key = |post: &Post| (post.active, post.period_start.clone());
        key(b).cmp(&key(a)).then_with(|| a.source_id.cmp(&b.source_id))
    });
    let over = draft.by_posts && !worker.posts.is_empty() && worker.posts.iter().all(|post| !post.active);
    if draft.active && !over {
        worker.status = Status::Active;
        worker.left = None;
        return worker;
    }
    worker.status = Status::Left;
    let mut left: Left = worker.left.take().unwrap_or_default();
    let last = worker.posts.iter().max_by_key(|post| post.period_end.as_ref().and_then(PartialDate::last_day));
    if let Some(last) = last {
        left.on = left.on.or_else(|| last.period_end.clone());
        left.reason = left.reason.or_else(|| last.departure.as_ref().map(|reason| reason.label.clone()));
    }
    worker.left = Some(left);
    worker
}
