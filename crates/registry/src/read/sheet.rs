//! Workbooks.

use calamine::{Data, Reader};
use std::io::Cursor;

use super::table::{HEADER_ROWS, Table};
use super::{Batch, Options, Progress};
use crate::columns::Columns;
use crate::finding::{Code, Finding, Origin};

/// Reads one sheet: the one that the mapping names, else the first whose columns are known, else the first.
pub(super) fn read(bytes: &[u8], top: &Origin, options: &Options<'_>, batch: &mut Batch<'_>, progress: Progress<'_>) {
    let mut workbook = match calamine::open_workbook_auto_from_rs(Cursor::new(bytes)) {
        Ok(workbook) => workbook,
        Err(error) => {
            let message = format!("the workbook cannot be opened: {error}");
            let finding = Finding::new(Code::Syntax, top.clone(), message);
            batch.findings.push(finding.remedy("open it in a spreadsheet program and save it again as XLSX or CSV"));
            return;
        }
    };
    let names = workbook.sheet_names();
    let wanted = options.mapping.and_then(|mapping| mapping.sheet.as_deref());
    if let Some(wanted) = wanted
        && !names.iter().any(|name| name == wanted)
    {
        let message = format!("there is no sheet '{wanted}'; the sheets are: {}", names.join(", "));
        batch.findings.push(
            Finding::new(Code::MissingColumn, top.clone(), message).remedy("correct 'sheet' in the mapping file"),
        );
        return;
    }
    let mut best: Option<Sheet> = None;
    for name in names.iter().filter(|name| wanted.is_none_or(|wanted| *name == wanted)) {
        let range = match workbook.worksheet_range(name) {
            Ok(range) => range,
            Err(error) => {
                let message = format!("the sheet '{name}' cannot be read: {error}");
                batch.findings.push(Finding::new(Code::Syntax, top.clone(), message));
                continue;
            }
        };
        let Some((first, _)) = range.start() else { continue };
        let head: Vec<(u32, Vec<String>)> = range
            .rows()
            .take(head_rows(options, first))
            .zip(first + 1..)
            .map(|(row, number)| (number, row.iter().map(cell).collect()))
            .collect();
        let known = head
            .iter()
            .map(|(_, row)| {
                let cells: Vec<&str> = row.iter().map(String::as_str).collect();
                let columns = Columns::of(&cells, options.mapping);
                (columns.missing().is_empty(), columns.known())
            })
            .max()
            .unwrap_or_default();
        if best.as_ref().is_none_or(|best| known.0 && !best.known.0) {
            best = Some(Sheet { name: name.clone(), first, head, known, range });
        }
    }
    let Some(sheet) = best else {
        let finding = Finding::new(Code::UnknownFormat, top.clone(), "the workbook has no sheet with rows");
        batch.findings.push(finding);
        return;
    };
    let top = if names.len() > 1 { Origin { path: sheet.name, ..top.clone() } } else { top.clone() };
    let Some((table, header)) = Table::start(&sheet.head, &top, options, batch.findings) else { return };
    for (at, row) in sheet.range.rows().enumerate() {
        let number = sheet.first + at as u32 + 1;
        if number <= header {
            continue;
        }
        let cells: Vec<String> = row.iter().map(cell).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        table.row(number, &cells, batch);
        if at % 512 == 511 {
            progress(at as u64 + 1);
        }
    }
}

struct Sheet {
    name: String,
    /// The number of its first row that is not empty, from 0.
    first: u32,
    /// Its first rows with their numbers, from 1.
    head: Vec<(u32, Vec<String>)>,
    /// Whether all that is needed is there, and how many columns are known.
    known: (bool, usize),
    range: calamine::Range<Data>,
}

fn head_rows(options: &Options<'_>, first: u32) -> usize {
    let named = options.mapping.and_then(|mapping| mapping.header_row).unwrap_or(0).saturating_sub(first);
    HEADER_ROWS.max(named as usize)
}

/// A cell as its text: whole numbers without a fraction, dates in ISO 8601, errors (`#N/A`) as nothing.
fn cell(data: &Data) -> String {
    match data {
        Data::Empty | Data::Error(_) => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(truth) => truth.to_string(),
        Data::Int(number) => number.to_string(),
        // Every whole number that a cell can hold exactly.
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => {
            format!("{number:.0}")
        }
        Data::Float(number) => number.to_string(),
        Data::DateTime(date) if date.is_datetime() => {
            let (year, month, day, ..) = date.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        Data::DateTime(date) => date.as_f64().to_string(),
    }
}
