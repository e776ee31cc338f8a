//! FHIR R4 resources, and what systems write that is nearly FHIR, to source records.

mod element;
mod place;
mod worker;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use element::words;

use crate::finding::{Code, Finding, Origin};
use crate::model::{Place, Post, Worker};
use crate::read::{Batch, Broken, Item, JsonPlace, Options, Progress, Row};

/// One record of a source, mapped as far as one record alone allows.
pub(crate) enum SourceRecord {
    /// A FHIR Practitioner: a worker without posts.
    Practitioner(PersonRecord),
    /// A FHIR PractitionerRole: a post, and whose it is.
    Role(RoleRecord),
    /// A FHIR Location.
    Location(PlaceRecord),
    /// A FHIR Organization.
    Organization(PlaceRecord),
    /// A row of a table.
    Row(Row),
    /// A resource that the source has deleted.
    Deleted {
        /// The resource type.
        kind: String,
        /// The id in the source.
        id: String,
    },
}

/// Names by which other records can refer to this one.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// `Type/id`, full URL and `system|value` of identifiers.
    pub(crate) names: Vec<String>,
    /// `meta.lastUpdated` and `meta.versionId`: the later of two records wins.
    pub(crate) version: (String, String),
}

/// A FHIR Practitioner.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PersonRecord {
    pub(crate) origin: Origin,
    #[serde(skip)]
    pub(crate) keys: Keys,
    pub(crate) worker: Worker,
    pub(crate) active: bool,
    pub(crate) residence: Option<Reference>,
}

/// A FHIR PractitionerRole.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RoleRecord {
    pub(crate) origin: Origin,
    #[serde(skip)]
    pub(crate) keys: Keys,
    pub(crate) post: Post,
    pub(crate) practitioner: Option<Reference>,
    pub(crate) organization: Option<Reference>,
    pub(crate) locations: Vec<Reference>,
    pub(crate) specialties: Vec<crate::model::Coded>,
    pub(crate) phones: Vec<crate::model::Phone>,
}

/// A FHIR Location or Organization.
#[derive(Debug)]
pub(crate) struct PlaceRecord {
    pub(crate) origin: Origin,
    pub(crate) keys: Keys,
    pub(crate) place: Place,
    pub(crate) parent: Option<Reference>,
    /// The Organization that runs a Location.
    pub(crate) organization: Option<Reference>,
}

/// A reference as a resource has it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reference {
    /// What to look up: `Type/id`, a full URL, or `system|value`.
    pub(crate) key: String,
    /// Where it stands, below the resource.
    pub(crate) path: String,
}

impl Reference {
    /// The id in `Type/id`, for a target that is not part of the import.
    pub(crate) fn id(&self) -> &str {
        self.key.rsplit_once('/').map_or(self.key.as_str(), |(_, id)| id)
    }
}

/// Takes the items of a JSON text, one after the other.
pub(crate) struct Reader<'a, 'b> {
    options: &'a Options<'a>,
    batch: &'a mut Batch<'b>,
    ignored: BTreeMap<String, (usize, Origin)>,
    taken: u32,
    truncated: bool,
}

/// An entry of a bundle; its members are read leniently, each on its own.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default, rename = "fullUrl")]
    full_url: Option<&'a RawValue>,
    #[serde(borrow, default)]
    resource: Option<&'a RawValue>,
    #[serde(borrow, default)]
    request: Option<&'a RawValue>,
}

impl<'a, 'b> Reader<'a, 'b> {
    pub(crate) fn new(options: &'a Options<'a>, batch: &'a mut Batch<'b>) -> Self {
        Self { options, batch, ignored: BTreeMap::new(), taken: 0, truncated: false }
    }

    /// Takes one item; false where it is no JSON.
    pub(crate) fn take(&mut self, item: Item<'_>, progress: Progress<'_>) -> bool {
        self.taken += 1;
        if self.taken.is_multiple_of(256) {
            progress(item.at as u64);
        }
        let origin = Origin {
            file: Arc::clone(&self.batch.file),
            line: item.line,
            column: item.column,
            path: match item.place {
                JsonPlace::Top(_) => String::new(),
                JsonPlace::Entry(index) => format!("Bundle.entry[{index}]"),
                JsonPlace::Link => "Bundle.link".to_owned(),
            },
        };
        match item.broken {
            None => {}
            Some(Broken::Truncated) => {
                // The bundle around a truncated entry is truncated too: that is one finding.
                if !self.truncated {
                    let message = "the file ends in the middle of a record";
                    self.batch.findings.push(Finding::new(Code::Truncated, origin, message));
                }
                self.truncated = true;
                return false;
            }
            Some(Broken::Unexpected) => {
                // The parser knows better than the scanner what is wrong.
                let (place, message) = match serde_json::from_str::<serde::de::IgnoredAny>(item.text.trim_end()) {
                    Err(error) => locate(&origin, &error),
                    Ok(_) => (origin, "something else stands where a record should be".to_owned()),
                };
                self.batch.findings.push(Finding::new(Code::Syntax, place, message));
                return false;
            }
        }
        if !matches!(item.place, JsonPlace::Link) && !item.text.starts_with('{') {
            let message = "a record must be an object in braces";
            self.batch.findings.push(Finding::new(Code::Syntax, origin, message));
            return false;
        }
        match item.place {
            JsonPlace::Top(_) => self.resource(item.text, origin, None),
            JsonPlace::Entry(_) => self.entry(item.text, origin),
            JsonPlace::Link => {
                let links: Option<Value> = serde_json::from_str(item.text).ok();
                let next = links.as_ref().and_then(Value::as_array).is_some_and(|links| {
                    links.iter().any(|link| element::text(link, "relation").as_deref() == Some("next"))
                });
                if next {
                    let message = "the bundle is one page of a longer search result";
                    self.batch.findings.push(Finding::new(Code::Partial, origin, message));
                }
                true
            }
        }
    }

    /// Reports what was passed over.
    pub(crate) fn finish(self) {
        for (kind, (count, origin)) in self.ignored {
            let finding = if kind.is_empty() {
                let message =
                    format!("{count} {} no FHIR resource", if count == 1 { "record is" } else { "records are" });
                Finding::new(Code::NoType, origin, message)
            } else {
                let verb = if count == 1 { "resource is" } else { "resources are" };
                Finding::new(Code::NotUsed, origin, format!("{count} {kind} {verb} not used"))
            };
            self.batch.findings.push(finding);
        }
    }

    fn entry(&mut self, text: &str, origin: Origin) -> bool {
        let clean;
        let entry: Entry<'_> = match serde_json::from_str(text) {
            Ok(entry) => entry,
            // U+0000 may not stand in a JSON string as it is.
            Err(_) if text.contains('\0') => {
                clean = text.replace('\0', "");
                match serde_json::from_str(&clean) {
                    Ok(entry) => {
                        self.nul(&origin);
                        entry
                    }
                    Err(error) => return self.syntax(&origin, &error),
                }
            }
            Err(error) => return self.syntax(&origin, &error),
        };
        let full_url = entry.full_url.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        if let Some(resource) = entry.resource.filter(|raw| raw.get() != "null") {
            return self.resource(resource.get(), origin.at("resource"), full_url);
        }
        let request: Value = entry.request.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or(Value::Null);
        let url = element::text(&request, "url").unwrap_or_default();
        let target = element::key(&url, "");
        let target = target.split_once('/').filter(|(kind, id)| !kind.is_empty() && !id.is_empty());
        if let (Some("DELETE"), Some((kind, id))) = (element::text(&request, "method").as_deref(), target) {
            if kind != "Practitioner" {
                let message = format!("the source has deleted {kind}/{id}, which stays here");
                self.batch.findings.push(Finding::new(Code::Deleted, origin, message));
            }
            self.batch.push(SourceRecord::Deleted { kind: kind.to_owned(), id: id.to_owned() });
        } else {
            self.batch.findings.push(Finding::new(Code::BadField, origin, "the entry has no resource"));
        }
        true
    }

    fn resource(&mut self, text: &str, mut origin: Origin, full_url: Option<String>) -> bool {
        let mut value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(_) if text.contains('\0') => match serde_json::from_str(&text.replace('\0', "")) {
                Ok(value) => {
                    self.nul(&origin);
                    value
                }
                Err(error) => return self.syntax(&origin, &error),
            },
            Err(error) => return self.syntax(&origin, &error),
        };
        let raw = if text.contains("\\u0000") && element::strip_nul(&mut value) {
            self.nul(&origin);
            value.to_string()
        } else if text.contains('\0') {
            value.to_string()
        } else {
            minify(text)
        };
        let kind = element::text(&value, "resourceType").unwrap_or_default();
        if origin.path.is_empty() {
            origin.path.clone_from(&kind);
        }
        let id = element::text(&value, "id").or_else(|| {
            let url = full_url.as_deref()?;
            Some(url.rsplit(['/', ':']).next()?.to_owned())
        });
        if !matches!(kind.as_str(), "Practitioner" | "PractitionerRole" | "Location" | "Organization") {
            self.ignored.entry(kind).or_insert((0, origin)).0 += 1;
            return true;
        }
        let mut context = Context { options: self.options, origin, findings: &mut *self.batch.findings };
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            context.find(Code::NoId, "id", format!("the {kind} has no id"));
            return true;
        };
        let keys = element::keys(&value, &kind, &id, full_url);
        let record = match kind.as_str() {
            "Practitioner" => SourceRecord::Practitioner(worker::practitioner(&value, id, keys, raw, &mut context)),
            "PractitionerRole" => SourceRecord::Role(worker::role(&value, id, keys, raw, &mut context)),
            "Location" => SourceRecord::Location(place::location(&value, id, keys, raw, &mut context)),
            _ => SourceRecord::Organization(place::organization(&value, &id, keys, raw, &mut context)),
        };
        self.batch.push(record);
        true
    }

    fn nul(&mut self, origin: &Origin) {
        let message = "the character U+0000 was removed";
        self.batch.findings.push(Finding::new(Code::NulRemoved, origin.clone(), message));
    }

    fn syntax(&mut self, origin: &Origin, error: &serde_json::Error) -> bool {
        let (place, message) = locate(origin, error);
        self.batch.findings.push(Finding::new(Code::Syntax, place, message));
        false
    }
}

/// Where in the file an error in an item lies, and its message without its own line and column.
fn locate(origin: &Origin, error: &serde_json::Error) -> (Origin, String) {
    let line = error.line().max(1) as u32;
    let column = if line == 1 {
        origin.column.max(1) + (error.column() as u32).saturating_sub(1)
    } else {
        error.column() as u32
    };
    let place = Origin { line: origin.line + line - 1, column, ..origin.clone() };
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    (place, format!("not JSON: {message}"))
}

/// JSON without the white space between its tokens; everything else stays as it was written.
fn minify(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let start = at;
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(bytes.len());
                out.extend_from_slice(&bytes[start..at]);
            }
            byte => {
                if !byte.is_ascii_whitespace() {
                    out.push(byte);
                }
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// What the mapping of one resource needs to know and to tell.
pub(crate) struct Context<'a> {
    pub(crate) options: &'a Options<'a>,
    pub(crate) origin: Origin,
    pub(crate) findings: &'a mut Vec<Finding>,
}

impl Context<'_> {
    pub(crate) fn find(&mut self, code: Code, path: &str, message: impl Into<String>) {
        self.findings.push(Finding::new(code, self.origin.at(path), message));
    }
}
