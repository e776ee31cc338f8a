//! Texts with separators (RFC 4180 and what spreadsheets make of it).

use super::table::{HEADER_ROWS, Table};
use super::{Batch, Options, Progress};
use crate::columns::Columns;
use crate::finding::{Code, Finding, Origin};

/// Reads all rows. A quotation mark that is opened and never closed would swallow the rest of the file: such a row is
/// left out and reading goes on at its next line.
pub(super) fn read(text: &str, top: &Origin, options: &Options<'_>, batch: &mut Batch<'_>, progress: Progress<'_>) {
    let mut start = 0;
    let mut first_line = 1;
    let mut delimiter = options.mapping.and_then(|mapping| mapping.delimiter);
    // Excel's own hint.
    if let Some(hint) = text.lines().next().and_then(|line| line.trim().strip_prefix("sep=")) {
        delimiter = delimiter.or(hint.bytes().next());
        start = text.find('\n').map_or(text.len(), |at| at + 1);
        first_line = 2;
    }
    let delimiter = delimiter.unwrap_or_else(|| find_delimiter(&text[start..], options));
    let mut rows = Rows { text, at: start, line: first_line, delimiter, width: None };
    let named = options.mapping.and_then(|mapping| mapping.header_row).unwrap_or(0);
    let mut head: Vec<(u32, Vec<String>)> = Vec::new();
    while head.len() < HEADER_ROWS || rows.line <= named {
        match rows.next() {
            Some(Ok((line, record))) => head.push((line, record.iter().map(str::to_owned).collect())),
            Some(Err(line)) => head.push((line, Vec::new())),
            None => break,
        }
    }
    let Some((table, header)) = Table::start(&head, top, options, batch.findings) else { return };

    rows = Rows { text, at: start, line: first_line, delimiter, width: Some(table.columns.headers.len()) };
    let mut count = 0_u32;
    while let Some(row) = rows.next() {
        match row {
            Ok((line, _)) | Err(line) if line <= header => {}
            Ok((line, record)) => {
                let cells: Vec<&str> = record.iter().collect();
                table.row(line, &cells, batch);
            }
            Err(line) => {
                let origin = Origin { line, ..top.clone() };
                let message = "a quotation mark is opened and not closed";
                let remedy = "close it or remove it, and import the file again; the other rows were read";
                batch.findings.push(Finding::new(Code::Syntax, origin, message).remedy(remedy));
            }
        }
        count += 1;
        if count.is_multiple_of(512) {
            progress(rows.at as u64);
        }
    }
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes())
}

/// A cell of more lines than this is a mark that was never closed.
const MAX_LINES: u32 = 1_000;

/// The rows of a text, with the line on which each starts; an error is the line of a row that cannot be read.
struct Rows<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    delimiter: u8,
    /// How many cells a row of several lines has to have, where that is known.
    width: Option<usize>,
}

impl Rows<'_> {
    fn next(&mut self) -> Option<Result<(u32, csv::StringRecord), u32>> {
        // Empty lines are no rows.
        loop {
            let rest = self.text.get(self.at..)?;
            let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
            if end == 0 {
                return None;
            }
            if !rest[..end].trim().is_empty() {
                break;
            }
            self.at += end;
            self.line += 1;
        }
        let rest = &self.text[self.at..];
        let line = self.line;
        let first_end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let first = &rest[..first_end];
        // Most rows are one line that closes its quotation marks. Where one is open, the row ends on the line that
        // closes it; it has to have as many cells as the header then.
        let (mut length, mut open) = (first_end, is_open(first, self.delimiter, false));
        let one_line = !open;
        let mut lines = 1;
        while open && length < rest.len() && lines < MAX_LINES {
            lines += 1;
            let next = rest[length..].find('\n').map_or(rest.len(), |at| length + at + 1);
            open = is_open(&rest[length..next], self.delimiter, true);
            length = next;
        }
        let whole = if open { None } else { record(&rest[..length], self.delimiter) };
        let sound = |record: &csv::StringRecord| one_line || self.width.is_none_or(|width| record.len() == width);
        let Some(record) = whole.filter(sound) else {
            self.at += first_end;
            self.line += 1;
            return Some(Err(line));
        };
        self.line += rest[..length].bytes().filter(|byte| *byte == b'\n').count() as u32;
        self.at += length;
        Some(Ok((line, record)))
    }
}

/// Whether a line ends within quotation marks. A mark opens a cell only at its start.
fn is_open(line: &str, delimiter: u8, mut open: bool) -> bool {
    let mut at_start = !open;
    for byte in line.bytes() {
        if open {
            open = byte != b'"';
            // The second mark of a doubled one opens again.
            at_start = !open;
        } else if byte == b'"' && at_start {
            open = true;
        } else {
            at_start = byte == delimiter;
        }
    }
    open
}

fn record(text: &str, delimiter: u8) -> Option<csv::StringRecord> {
    let mut record = csv::StringRecord::new();
    reader(text, delimiter).read_record(&mut record).ok()?.then_some(record)
}

/// The delimiter under which most columns are known, else the one that makes most columns.
fn find_delimiter(text: &str, options: &Options<'_>) -> u8 {
    let score = |delimiter: u8| {
        let rows = reader(text, delimiter).into_records().take(HEADER_ROWS).flatten();
        rows.map(|record| {
            let cells: Vec<&str> = record.iter().collect();
            let columns = Columns::of(&cells, options.mapping);
            (columns.missing().is_empty(), columns.known(), cells.len())
        })
        .max()
        .unwrap_or_default()
    };
    [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|delimiter| score(*delimiter)).unwrap_or(b',')
}
