//! One file in, its records out.

mod csv;
mod encoding;
mod json;
mod sheet;
mod table;
mod window;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::io::{self, Read};
use std::sync::Arc;

use crate::columns::Mapping;
use crate::fhir;
use crate::fhir::SourceRecord;
use crate::finding::{Code, Finding, Origin};
use crate::records::Records;
use encoding::Decoder;
use window::Window;

pub(crate) use table::{Row, Step};

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

/// What is read from one file.
pub(crate) struct Batch<'a> {
    /// The name of the file.
    pub(crate) file: Arc<str>,
    /// What kind of file it is; none where it is not one that can be read.
    pub(crate) format: Option<Format>,
    /// The text encoding, such as `UTF-8` or `windows-1252`; none for workbooks.
    pub(crate) encoding: Option<&'static str>,
    /// How many records it has.
    pub(crate) count: usize,
    /// Where the records go.
    pub(crate) records: &'a mut Records,
    /// What could not be used.
    pub(crate) findings: &'a mut Vec<Finding>,
}

impl Batch<'_> {
    pub(crate) fn push(&mut self, record: SourceRecord) {
        self.count += 1;
        self.records.push(record);
    }
}

/// Told how many bytes of a file were read, or of a workbook how many rows.
pub type Progress<'a> = &'a mut dyn FnMut(u64);

/// Reads one file; the format is told by the content. Nothing stops the reading but the end of the file: what is broken
/// is left out and found. Of FHIR, no more than a record and some blocks are in memory at once.
pub(crate) fn read(
    input: &mut dyn Read,
    options: &Options<'_>,
    batch: &mut Batch<'_>,
    progress: Progress<'_>,
) -> io::Result<()> {
    let top = Origin { file: Arc::clone(&batch.file), line: 1, column: 0, path: String::new() };
    let decoder = Decoder::new(input)?;
    // ZIP (XLSX, XLSB, ODS) and compound files (XLS).
    if decoder.head().starts_with(b"PK\x03\x04") || decoder.head().starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        batch.format = Some(Format::Workbook);
        sheet::read(&decoder.into_bytes()?, &top, options, batch, progress);
        return Ok(());
    }
    let mut text = Window::new(decoder);
    let mut at = 0;
    while text.byte(at).is_some_and(|byte| byte.is_ascii_whitespace()) {
        at += 1;
    }
    match text.byte(at) {
        Some(b'{' | b'[') => {
            batch.format = Some(Format::Fhir);
            let mut reader = fhir::Reader::new(options, batch);
            json::scan(&mut text, &mut |item| reader.take(item, progress));
            reader.finish();
        }
        Some(b'<') => batch.findings.push(
            Finding::new(Code::UnknownFormat, top.clone(), "the file is XML")
                .remedy("export FHIR as JSON, or the table as CSV or XLSX"),
        ),
        None => batch.findings.push(Finding::new(Code::UnknownFormat, top.clone(), "the file is empty")),
        Some(_) => {
            let text = text.whole();
            if text.starts_with("%PDF") || binary(text) {
                let message = "the file is neither JSON, a table nor a workbook";
                batch.findings.push(Finding::new(Code::UnknownFormat, top.clone(), message));
            } else {
                batch.format = Some(Format::Csv);
                csv::read(text, &top, options, batch, progress);
            }
        }
    }
    text.failed()?;
    let decoder = text.decoder();
    batch.encoding = Some(decoder.name);
    if !decoder.certain {
        let message = format!("the file is not UTF-8 and was read as {}", decoder.name);
        batch.findings.push(Finding::new(Code::Encoding, top, message));
    }
    Ok(())
}

/// Whether a text has control characters that no table has; U+0000 alone is forgiven.
fn binary(text: &str) -> bool {
    let sample = text.chars().take(4_096);
    sample.filter(|c| c.is_control() && !matches!(c, '\0' | '\t' | '\n' | '\r' | '\u{c}' | '\u{1a}')).count() > 8
}

pub(crate) use json::{Broken, Item, Place as JsonPlace};
