//! Rows of a table, wherever they come from, to source records.

use base::Lang;
use base::text::{collapse, fold, strip_nul};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Batch, Options};
use crate::columns::{Columns, Field, Level};
use crate::fhir::{SourceRecord, words};
use crate::finding::{Code, Finding, Origin};
use crate::model::{Address, Coded, Gender, Hash, Left, PartialDate, PhoneState, Post, Status, Worker};
use crate::phones::{PhoneText, read_phones};

/// A row: a worker with at most one post, and the places that it names.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) origin: Origin,
    pub(crate) worker: Worker,
    /// From the top down; the last may be the facility.
    #[serde(skip)]
    pub(crate) places: Vec<Step>,
}

/// A place named by a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The folded path, or the facility's own id.
    pub(crate) id: String,
    pub(crate) name: String,
    /// None for a facility.
    pub(crate) level: Option<Level>,
}

/// Between the names in a place's id.
const ID_SEPARATOR: &str = " > ";

/// How many rows are looked at for the headers.
pub(super) const HEADER_ROWS: usize = 12;

/// Reads rows under one row of headers.
pub(super) struct Table<'a> {
    pub(super) columns: Columns,
    options: &'a Options<'a>,
    top: Origin,
}

impl<'a> Table<'a> {
    /// Finds the headers among the first rows (each with its line): the one that the mapping names, else the first
    /// that has what is needed. Gives the table and the line of the headers; none (and a finding) where columns are
    /// missing.
    pub(super) fn start(
        rows: &[(u32, Vec<String>)],
        top: &Origin,
        options: &'a Options<'a>,
        findings: &mut Vec<Finding>,
    ) -> Option<(Self, u32)> {
        let columns: Vec<Columns> = rows
            .iter()
            .map(|(_, cells)| Columns::of(&cells.iter().map(String::as_str).collect::<Vec<_>>(), options.mapping))
            .collect();
        let at = match options.mapping.and_then(|mapping| mapping.header_row) {
            Some(named) => rows.iter().position(|(line, _)| *line == named),
            None => columns.iter().position(|columns| columns.missing().is_empty()),
        };
        // Without such a row, the first with the most known headers shows best what is missing.
        let at = at.or_else(|| (0..rows.len()).rev().max_by_key(|at| columns[*at].known()))?;
        let line = rows[at].0;
        let origin = Origin { line, ..top.clone() };
        let columns = columns.into_iter().nth(at)?;
        let missing = columns.missing();
        if !missing.is_empty() {
            let shown = columns.headers.iter().map(String::as_str).filter(|header| !header.is_empty()).take(20);
            let shown = shown.collect::<Vec<_>>().join(", ");
            let message = format!("no column for {}; the columns are: {shown}", missing.join(" and "));
            findings.push(Finding::new(Code::MissingColumn, origin, message));
            return None;
        }
        let unknown: Vec<&str> = columns
            .headers
            .iter()
            .zip(&columns.fields)
            .filter(|(header, field)| field.is_none() && !header.is_empty())
            .map(|(header, _)| header.as_str())
            .collect();
        if !unknown.is_empty() {
            let message = format!("columns that are not used: {}", unknown.join(", "));
            findings.push(Finding::new(Code::UnknownColumn, origin, message));
        }
        Some((Self { columns, options, top: top.clone() }, line))
    }

    /// Takes one row.
    pub(super) fn row(&self, line: u32, cells: &[&str], batch: &mut Batch<'_>) {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return;
        }
        let origin = Origin { line, ..self.top.clone() };
        let width = self.columns.headers.len();
        if cells.len() > width && cells[width..].iter().any(|cell| !cell.trim().is_empty()) {
            let message = format!("the row has {} cells, the header {width}", cells.len());
            batch.findings.push(Finding::new(Code::RowTooLong, origin, message));
            return;
        }
        let reader = RowReader { table: self, cells, origin };
        if let Some(row) = reader.read(batch.findings) {
            batch.push(SourceRecord::Row(row));
        }
    }
}

struct RowReader<'a> {
    table: &'a Table<'a>,
    cells: &'a [&'a str],
    origin: Origin,
}

impl RowReader<'_> {
    /// The cells of a field, with their headers, those that are empty left out.
    fn cells(&self, field: Field) -> impl Iterator<Item = (&str, String)> {
        let fields = self.table.columns.fields.iter().zip(&self.table.columns.headers);
        fields.zip(self.cells).filter(move |((known, _), _)| **known == Some(field)).filter_map(
            |((_, header), cell)| {
                let text = strip_nul(cell);
                let text = collapse(&text);
                (!text.is_empty()).then(|| (header.as_str(), text.into_owned()))
            },
        )
    }

    fn text(&self, field: Field) -> Option<String> {
        self.cells(field).next().map(|(_, text)| text)
    }

    fn header(&self, field: Field) -> &str {
        let columns = &self.table.columns;
        columns.fields.iter().position(|known| *known == Some(field)).map_or("", |at| columns.headers[at].as_str())
    }

    fn find(&self, findings: &mut Vec<Finding>, code: Code, field: Field, message: String) {
        findings.push(Finding::new(code, self.origin.at(self.header(field)), message));
    }

    fn read(&self, findings: &mut Vec<Finding>) -> Option<Row> {
        if self.cells.iter().any(|cell| cell.contains('\0')) {
            let message = "the character U+0000 was removed";
            findings.push(Finding::new(Code::NulRemoved, self.origin.clone(), message));
        }
        let options = self.table.options;
        let given = self.text(Field::Given);
        let family = self.text(Field::Family);
        let name = self.text(Field::Name).or_else(|| {
            let parts: Vec<&str> = [given.as_deref(), family.as_deref()].into_iter().flatten().collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        });
        let Some(name) = name else {
            self.find(findings, Code::EmptyName, Field::Name, "the row has no name".to_owned());
            return None;
        };
        let id = self.text(Field::Id);
        let from = findings.len();
        let mut fields: Vec<(String, String)> =
            self.cells(Field::Phone).map(|(header, text)| (header.to_owned(), text)).collect();
        // Line breaks separate numbers, and were collapsed above.
        for ((known, header), cell) in self.table.columns.fields.iter().zip(&self.table.columns.headers).zip(self.cells)
        {
            if *known == Some(Field::Phone)
                && cell.trim().contains(['\n', '\t'])
                && let Some(field) = fields.iter_mut().find(|(of, _)| of == header)
            {
                field.1 = strip_nul(cell).into_owned();
            }
        }
        let texts = fields
            .iter()
            .enumerate()
            .map(|(at, (header, text))| PhoneText {
                text,
                rank: Some(at as u32 + 1),
                mobile: true,
                state: PhoneState::Active,
                origin: self.origin.at(header),
            })
            .collect();
        let phones = read_phones("", texts, options.region, findings);
        let source_id = id.unwrap_or_else(|| match phones.first() {
            Some(phone) => format!("{}|{}", fold(&name), phone.number.number),
            None => fold(&name),
        });
        for finding in &mut findings[from..] {
            finding.worker = Some(source_id.clone());
        }
        if phones.is_empty() && fields.is_empty() {
            let message = format!("'{name}' has no phone");
            let finding = Finding::new(Code::NoPhone, self.origin.at(self.header(Field::Phone)), message);
            findings.push(finding.of(&source_id));
        }
        let places = self.places();
        let post = self.post(&source_id, &places, findings);
        let (inactive, left) = self.status(post.as_ref(), findings);
        let language = self.text(Field::Language).and_then(|text| {
            let first = text.split([',', ';', '/']).next().unwrap_or(&text);
            let language = Lang::parse(first);
            if let Err(error) = &language {
                self.find(findings, Code::BadLanguage, Field::Language, error.to_string());
            }
            language.ok()
        });
        let worker = Worker {
            source: options.source.to_owned(),
            source_id,
            name,
            given: given.map_or_else(Vec::new, |given| given.split(' ').map(str::to_owned).collect()),
            family,
            gender: self.gender(findings),
            language,
            birth_date: self.date(Field::BirthDate, findings),
            phones,
            emails: self.cells(Field::Email).map(|(_, text)| text).collect(),
            posts: post.into_iter().collect(),
            skills: self.skills(),
            address: Address::default(),
            identifiers: Vec::new(),
            status: if inactive { Status::Left } else { Status::Active },
            left,
            raw: self.raw(),
            hash: Hash::default(),
        };
        Some(Row { origin: self.origin.clone(), worker, places })
    }

    /// The cells as a JSON object by header; columns without a header by their number, and a header that occurs
    /// again with its number.
    fn raw(&self) -> String {
        let mut object = serde_json::Map::new();
        for (at, cell) in self.cells.iter().enumerate() {
            if cell.is_empty() {
                continue;
            }
            let header = self.table.columns.headers.get(at).map_or("", String::as_str);
            let key = if header.is_empty() || object.contains_key(header) {
                format!("{header} #{}", at + 1).trim_start().to_owned()
            } else {
                header.to_owned()
            };
            object.insert(strip_nul(&key).into_owned(), Value::String(strip_nul(cell).into_owned()));
        }
        Value::Object(object).to_string()
    }

    /// The places from the top down, each with the path to it as its id.
    fn places(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let mut add = |name: &str, level: Level| {
            let above = steps.last().map(|step| step.id.as_str());
            let folded = fold(name);
            // `Bong` under county and `Liberia > Bong` under place are the same place.
            if folded.is_empty() || steps.iter().any(|step| fold(&step.name) == folded) {
                return;
            }
            let id = above.map_or_else(|| folded.clone(), |above| format!("{above}{ID_SEPARATOR}{folded}"));
            steps.push(Step { id, name: name.to_owned(), level: Some(level) });
        };
        for level in
            [Level::Country, Level::Region, Level::County, Level::District, Level::Subdistrict, Level::Community]
        {
            if let Some(name) = self.text(Field::At(level)) {
                add(&name, level);
            }
        }
        if let Some(path) = self.text(Field::At(Level::Place)) {
            for name in base::place::split_path(&path) {
                add(name, Level::Place);
            }
        }
        if let Some(name) = self.text(Field::Facility) {
            let folded = fold(&name);
            let path = match steps.last() {
                Some(above) => format!("{}{ID_SEPARATOR}{folded}", above.id),
                None => folded,
            };
            let id = self.text(Field::FacilityId).unwrap_or(path);
            steps.push(Step { id, name, level: None });
        }
        steps
    }

    fn post(&self, worker: &str, places: &[Step], findings: &mut Vec<Finding>) -> Option<Post> {
        let options = self.table.options;
        let label = self.text(Field::Cadre);
        let code = self.text(Field::CadreCode).or_else(|| {
            let mapping = options.mapping?;
            mapping.cadre(label.as_deref()?).map(str::to_owned)
        });
        let cadre = match (label, code) {
            (Some(label), Some(code)) => Some(Coded { system: None, code, label }),
            (Some(label), None) => Some(words(&label)),
            (None, Some(code)) => Some(Coded { system: None, label: code.clone(), code }),
            (None, None) => None,
        };
        let facility_ref = places.last().filter(|step| step.level.is_none()).map(|step| step.id.clone());
        let place_ref = if facility_ref.is_some() { None } else { places.last().map(|step| step.id.clone()) };
        let period_start = self.date(Field::StartDate, findings);
        let period_end = self.date(Field::EndDate, findings);
        if cadre.is_none() && places.is_empty() && period_start.is_none() && period_end.is_none() {
            return None;
        }
        let over = period_end.as_ref().and_then(PartialDate::last_day).is_some_and(|last| last < options.today);
        // The id must not hold the row, which moves when rows are added.
        let place = facility_ref.as_ref().or(place_ref.as_ref()).map_or("", String::as_str);
        let job = cadre.as_ref().map_or("", |cadre| cadre.code.as_str());
        Some(Post {
            source_id: format!("{worker}|{job}|{place}"),
            codes: cadre.iter().cloned().collect(),
            cadre,
            facility_ref,
            place_ref,
            period_start,
            period_end,
            active: !over,
            employment: None,
            departure: self.text(Field::Reason).map(|reason| words(&reason)),
            raw: String::new(),
        })
    }

    /// Whether the row says that the worker has left, and when.
    fn status(&self, post: Option<&Post>, findings: &mut Vec<Finding>) -> (bool, Option<Left>) {
        let said = self.text(Field::Status).map(|text| (status(&text), text));
        if let Some((None, text)) = &said {
            self.find(findings, Code::BadStatus, Field::Status, format!("'{text}' is no status"));
        }
        let said = said.and_then(|(status, _)| status);
        let over = post.is_some_and(|post| !post.active);
        let inactive = said.map_or(over, |status| status == Status::Left || over);
        let left = inactive.then(|| Left {
            on: post.and_then(|post| post.period_end.clone()),
            reason: self.text(Field::Reason).or_else(|| {
                let text = self.text(Field::Status)?;
                matches!(
                    fold(&text).as_str(),
                    "retired"
                        | "deceased"
                        | "dead"
                        | "resigned"
                        | "transferred"
                        | "retraite"
                        | "decede"
                        | "demissionne"
                )
                .then_some(text)
            }),
        });
        (inactive, left)
    }

    fn gender(&self, findings: &mut Vec<Finding>) -> Option<Gender> {
        let text = self.text(Field::Gender)?;
        let gender = match fold(&text).trim_end_matches('.') {
            "m" | "male" | "man" | "h" | "homme" | "masculin" | "masc" => Gender::Male,
            "f" | "female" | "woman" | "femme" | "feminin" | "fem" => Gender::Female,
            "o" | "other" | "autre" | "x" => Gender::Other,
            "u" | "unknown" | "inconnu" | "?" => Gender::Unknown,
            _ => {
                self.find(findings, Code::BadGender, Field::Gender, format!("'{text}' is no gender"));
                return None;
            }
        };
        Some(gender)
    }

    fn skills(&self) -> Vec<Coded> {
        let mut skills: Vec<Coded> = Vec::new();
        for (_, cell) in self.cells(Field::Skills) {
            for label in cell.split([',', ';', '|']).map(str::trim).filter(|label| !label.is_empty()) {
                let skill = words(label);
                if skills.iter().all(|known| known.code != skill.code) {
                    skills.push(skill);
                }
            }
        }
        skills
    }

    fn date(&self, field: Field, findings: &mut Vec<Finding>) -> Option<PartialDate> {
        let text = self.text(field)?;
        match date(&text) {
            Ok(date) => Some(date),
            Err(message) => {
                self.find(findings, Code::BadDate, field, message);
                None
            }
        }
    }
}

/// Active or left, in English and French words.
fn status(text: &str) -> Option<Status> {
    Some(match fold(text).as_str() {
        "active" | "actif" | "active duty" | "employed" | "yes" | "oui" | "true" | "1" | "y" | "o" | "current"
        | "en service" | "on duty" | "en poste" => Status::Active,
        "left" | "inactive" | "inactif" | "no" | "non" | "false" | "0" | "n" | "retired" | "deceased" | "dead"
        | "resigned" | "dismissed" | "transferred" | "former" | "parti" | "retraite" | "decede" | "demissionne"
        | "terminated" => Status::Left,
        _ => return None,
    })
}

/// A date as people write it: year first, or day, month and year where only one of both orders is a date.
fn date(text: &str) -> Result<PartialDate, String> {
    let plain = text.replace(['/', '.'], "-");
    let plain = plain.split_once([' ', 'T']).map_or(plain.as_str(), |(date, _)| date);
    if let Some(date) = PartialDate::parse(plain) {
        return Ok(date);
    }
    let bad = || format!("'{text}' is no date");
    let mut parts = Vec::with_capacity(3);
    for part in plain.split('-') {
        if part.is_empty() || part.len() > 4 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        parts.push((part.len(), part.parse::<i16>().map_err(|_| bad())?));
    }
    let (one, two, year) = match parts.as_slice() {
        // `2026-3-1`
        [(4, year), (_, month), (_, day)] => {
            return Date::new(*year, *month as i8, *day as i8).map(PartialDate::from).map_err(|_| bad());
        }
        [(_, one), (_, two), (4, year)] => (*one, *two, *year),
        _ => return Err(bad()),
    };
    if one > 31 || two > 31 {
        return Err(bad());
    }
    let day_first = Date::new(year, two as i8, one as i8);
    let month_first = Date::new(year, one as i8, two as i8);
    match (day_first, month_first) {
        (Ok(date), Ok(other)) if date != other => Err(format!("'{text}' can be {date} or {other}")),
        (Ok(date), _) | (_, Ok(date)) => Ok(date.into()),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_people_write_them() {
        for (text, expected) in [
            ("1979", Ok("1979")),
            ("1979-03", Ok("1979-03")),
            ("1979-03-31", Ok("1979-03-31")),
            ("1979/3/1", Ok("1979-03-01")),
            ("31/03/1979", Ok("1979-03-31")),
            ("3.31.1979", Ok("1979-03-31")),
            ("5/5/1979", Ok("1979-05-05")),
            ("2020-02-30", Err("'2020-02-30' is no date")),
            ("03/04/1979", Err("'03/04/1979' can be 1979-04-03 or 1979-03-04")),
            ("soon", Err("'soon' is no date")),
            ("2026-11-23T10:00:00Z", Ok("2026-11-23")),
            ("23-11-2026 10:00", Ok("2026-11-23")),
        ] {
            let read = date(text);
            assert_eq!(read.as_ref().map(PartialDate::as_str).map_err(String::as_str), expected, "{text:?}");
        }
    }
}
