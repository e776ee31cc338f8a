//! Records by their ids, and workers with their posts.

use base::text::fold;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::places::{Places, outside};
use super::{Known, LoosePost};
use crate::fhir::{Keys, PersonRecord, PlaceRecord, Reference, RoleRecord};
use crate::finding::{Code, Finding, Origin};
use crate::model::{Left, PartialDate, Phone, PlaceKind, Post, Status, Worker};
use crate::read::{Row, SourceRecord};

/// Where each worker stands.
pub(super) type Origins = HashMap<String, Origin>;

/// The records of an import by kind and id, each id once. They stay in their boxes, so that moving a hundred
/// thousand from one collection to the next needs no second copy.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) locations: BTreeMap<String, Box<PlaceRecord>>,
    pub(super) organizations: BTreeMap<String, Box<PlaceRecord>>,
    people: BTreeMap<String, Box<PersonRecord>>,
    roles: BTreeMap<String, Box<RoleRecord>>,
    #[expect(clippy::vec_box, reason = "rows are large, and are moved on one by one")]
    pub(super) rows: Vec<Box<Row>>,
    pub(super) deleted: BTreeSet<(String, String)>,
    pub(super) origins: Origins,
}

/// What has an id, and may be there twice.
trait Record {
    fn keys(&self) -> &Keys;
    fn origin(&self) -> &Origin;
    fn raw(&self) -> &str;
}

macro_rules! record {
    ($($type:ty: $raw:ident . $text:ident;)*) => {$(
        impl Record for $type {
            fn keys(&self) -> &Keys { &self.keys }
            fn origin(&self) -> &Origin { &self.origin }
            fn raw(&self) -> &str { &self.$raw.$text }
        }
    )*};
}

record! {
    PersonRecord: worker.raw;
    RoleRecord: post.raw;
    PlaceRecord: place.raw;
}

/// Keeps the later version of a record; of two without versions the one that comes later.
fn put<R: Record>(into: &mut BTreeMap<String, Box<R>>, id: String, record: Box<R>, findings: &mut Vec<Finding>) {
    let Some(before) = into.get(&id) else {
        into.insert(id, record);
        return;
    };
    let version = |record: &R| {
        let (updated, version) = &record.keys().version;
        (updated.clone(), version.parse::<u64>().unwrap_or(0), version.clone())
    };
    let (old, new) = (version(before), version(&record));
    if old == new && before.raw() != record.raw() {
        let name = record.keys().names.first().map_or(id.as_str(), String::as_str);
        let message = format!("{name} is there twice with different content, before at {}", before.origin());
        findings.push(Finding::new(Code::DuplicateId, record.origin().clone(), message));
    }
    if new >= old {
        into.insert(id, record);
    }
}

impl Sorted {
    pub(super) fn of(records: Vec<SourceRecord>, findings: &mut Vec<Finding>) -> Self {
        let mut sorted = Self::default();
        for record in records {
            match record {
                SourceRecord::Practitioner(record) => {
                    put(&mut sorted.people, record.worker.source_id.clone(), record, findings);
                }
                SourceRecord::Role(record) => put(&mut sorted.roles, record.post.source_id.clone(), record, findings),
                SourceRecord::Location(record) => {
                    put(&mut sorted.locations, record.place.source_id.clone(), record, findings);
                }
                SourceRecord::Organization(record) => {
                    let id = record.place.source_id.trim_start_matches("Organization/").to_owned();
                    put(&mut sorted.organizations, id, record, findings);
                }
                SourceRecord::Row(row) => sorted.rows.push(row),
                SourceRecord::Deleted { kind, id } => {
                    sorted.deleted.insert((kind, id));
                }
            }
        }
        sorted
    }
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

/// Workers in the order of their ids, and posts of nobody among them.
pub(super) fn workers(
    sorted: &mut Sorted,
    places: &Places,
    known: &Known,
    findings: &mut Vec<Finding>,
) -> (Vec<Worker>, Vec<LoosePost>) {
    let mut by_key: HashMap<String, String> = HashMap::new();
    let mut drafts: BTreeMap<String, Box<Draft>> = BTreeMap::new();
    for (id, record) in std::mem::take(&mut sorted.people) {
        for name in record.keys.names {
            by_key.entry(name).or_insert_with(|| id.clone());
        }
        let mut worker = record.worker;
        worker.address.residence_ref = record
            .residence
            .as_ref()
            .map(|reference| place(reference, &record.origin, &worker.name, &id, places, known, findings));
        let draft = Draft { worker, origin: record.origin, active: record.active, by_posts: true };
        drafts.insert(id, Box::new(draft));
    }
    let mut loose = Vec::new();
    for role in std::mem::take(&mut sorted.roles).into_values() {
        let owner = role.practitioner.as_ref().and_then(|reference| by_key.get(&reference.key));
        let worker = match (owner, &role.practitioner) {
            (Some(owner), _) => Some(owner.clone()),
            (None, Some(reference)) => {
                let id = reference.id().to_owned();
                if !known.workers.contains(&id) {
                    let message = format!("the post is of {}, who is not part of the import", reference.key);
                    let finding = Finding::new(Code::UnresolvedReference, role.origin.at(&reference.path), message);
                    findings.push(finding.of(&id));
                }
                Some(id)
            }
            (None, None) => {
                let message = format!("the role '{}' has no practitioner", role.post.source_id);
                findings.push(Finding::new(Code::NoWorker, role.origin.clone(), message));
                None
            }
        };
        let post = located(&role, worker.as_deref().unwrap_or_default(), places, known, findings);
        match worker.as_deref().and_then(|worker| drafts.get_mut(worker)) {
            Some(draft) => {
                draft.worker.posts.push(post);
                add_phones(&mut draft.worker, role.phones);
                for skill in role.specialties {
                    if !draft.worker.skills.contains(&skill) {
                        draft.worker.skills.push(skill);
                    }
                }
            }
            None => loose.push(LoosePost { worker, post }),
        }
    }
    for row in std::mem::take(&mut sorted.rows) {
        add_row(*row, &mut drafts, findings);
    }
    let mut workers = Vec::with_capacity(drafts.len());
    for (id, draft) in drafts {
        sorted.origins.insert(id, draft.origin.clone());
        workers.push(finished(*draft));
    }
    (workers, loose)
}

/// The id of the place that a reference means; one that nobody knows is found, and kept all the same.
fn place(
    reference: &Reference,
    origin: &Origin,
    what: &str,
    worker: &str,
    places: &Places,
    known: &Known,
    findings: &mut Vec<Finding>,
) -> String {
    if let Some(id) = places.resolve(reference) {
        return id.to_owned();
    }
    let id = outside(reference);
    if !known.places.contains(&id) {
        let message = format!("'{what}' refers to {}, which is not part of the import", reference.key);
        let finding = Finding::new(Code::UnresolvedReference, origin.at(&reference.path), message);
        findings.push(if worker.is_empty() { finding } else { finding.of(worker) });
    }
    id
}

/// The post with its facility, or the jurisdiction if it has none. Locations come before the organization.
fn located(role: &RoleRecord, worker: &str, places: &Places, known: &Known, findings: &mut Vec<Finding>) -> Post {
    let mut post = role.post.clone();
    for reference in role.locations.iter().chain(&role.organization) {
        let is_location = reference.path.starts_with("location");
        // The employer of somebody whose location is known says nothing more.
        if !is_location && (post.facility_ref.is_some() || post.place_ref.is_some()) {
            break;
        }
        let id = place(reference, &role.origin, &post.source_id, worker, places, known, findings);
        let target = if places.kind(&id) == Some(PlaceKind::Jurisdiction) {
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
fn add_row(row: Row, drafts: &mut BTreeMap<String, Box<Draft>>, findings: &mut Vec<Finding>) {
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
        drafts.insert(id, Box::new(Draft { active, by_posts: false, origin: row.origin, worker: new }));
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
