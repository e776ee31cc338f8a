//! One file in, its records out.

mod csv;
mod encoding;
mod json;
mod sheet;
mod table;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::columns::Mapping;
use crate::fhir;
use crate::finding::{Code, Finding, Origin};

pub use crate::fhir::SourceRecord;
pub(crate) use table::Row;

/// How a file is read.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// The name of the source, kept with each record.
    pub source: &'a str,
    /// The country (ISO 3166-1 alpha-2) of phone numbers without a country code.
    pub region: Option<&'a str>,
    /// The day of the import: posts that ended before it are over.
    pub today: Date,
    /// Which columns of a table mean what, beside the usual headers.
    pub mapping: Option<&'a Mapping>,
}

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// FHIR R4 JSON: bundles, bare resources, arrays or lines of them (NDJSON).
    Fhir,
    /// A text with separators.
    Csv,
    /// A workbook: XLSX, and also XLS, XLSB and ODS.
    Workbook,
}

/// What was read from one file.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The name of the file.
    pub file: Arc<str>,
    /// What kind of file it is; none where it is not one that can be read.
    pub format: Option<Format>,
    /// The text encoding, such as `UTF-8` or `windows-1252`; none for workbooks.
    pub encoding: Option<&'static str>,
    /// The records, in the order of the file.
    pub records: Vec<SourceRecord>,
    /// What could not be used.
    pub findings: Vec<Finding>,
}

/// Told how many units of how many are done: bytes for FHIR and CSV, rows for workbooks.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Reads one file. `name` is what findings call it; the format is told by the content. Nothing stops the reading
/// but the end of the file: what is broken is left out and found.
pub fn read(name: &str, bytes: &[u8], options: &Options<'_>, progress: Progress<'_>) -> Batch {
    let mut batch =
        Batch { file: Arc::from(name), format: None, encoding: None, records: Vec::new(), findings: Vec::new() };
    let top = Origin { file: Arc::clone(&batch.file), line: 1, column: 0, path: String::new() };
    // ZIP (XLSX, XLSB, ODS) and compound files (XLS).
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        batch.format = Some(Format::Workbook);
        sheet::read(bytes, &top, options, &mut batch, progress);
        return batch;
    }
    let (text, encoding) = encoding::decode(bytes);
    batch.encoding = Some(encoding.name);
    if !encoding.certain {
        batch.findings.push(Finding::new(
            Code::Encoding,
            top.clone(),
            format!("the file is not UTF-8 and was read as {}", encoding.name),
        ));
    }
    match text.trim_start().chars().next() {
        Some('{' | '[') => {
            batch.format = Some(Format::Fhir);
            let mut reader = fhir::Reader::new(options, &mut batch, text.len());
            json::scan(&text, &mut |item| reader.take(item, progress));
            reader.finish(progress);
        }
        Some('<') => batch.findings.push(
            Finding::new(Code::UnknownFormat, top, "the file is XML")
                .remedy("export FHIR as JSON, or the table as CSV or XLSX"),
        ),
        None => batch.findings.push(Finding::new(Code::UnknownFormat, top, "the file is empty")),
        Some(_) if text.starts_with("%PDF") || binary(&text) => {
            batch.findings.push(Finding::new(
                Code::UnknownFormat,
                top,
                "the file is neither JSON, a table nor a workbook",
            ));
        }
        Some(_) => {
            batch.format = Some(Format::Csv);
            csv::read(&text, &top, options, &mut batch, progress);
        }
    }
    batch
}

/// Whether a text has control characters that no table has; U+0000 alone is forgiven.
fn binary(text: &str) -> bool {
    let sample = text.chars().take(4_096);
    sample.filter(|c| c.is_control() && !matches!(c, '\0' | '\t' | '\n' | '\r' | '\u{c}' | '\u{1a}')).count() > 8
}

pub(crate) use json::{Broken, Item, Place as JsonPlace};
