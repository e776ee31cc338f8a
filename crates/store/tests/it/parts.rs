//! Every statement of the loop on a hot table names `part`, the key that queues, leases and shards go by.

use std::path::Path;

/// The tables whose primary keys begin with `part`.
const HOT: &[&str] = &[
    "contact",
    "urn",
    "session",
    "run",
    "message",
    "inbox",
    "outbox",
    "timer",
    "dedupe",
    "segment",
    "receipt",
    "recipient",
    "count",
    "fanout",
    "audience",
];

/// The string literals of a Rust source, with the line that each begins in.
fn literals(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, line) in source.lines().enumerate() {
        // Comments have apostrophes and quotation marks of their own.
        if line.trim_start().starts_with("//") {
            continue;
        }
        found.push((at + 1, line));
    }
    let mut all = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in found {
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match (&mut open, c) {
                (None, '"') => open = Some((number, String::new())),
                (None, _) => {}
                (Some(_), '"') => all.extend(open.take()),
                (Some((_, text)), '\\') => text.extend(chars.next()),
                (Some((_, text)), c) => text.push(c),
            }
        }
        if let Some((_, text)) = &mut open {
            text.push('\n');
        }
    }
    assert!(open.is_none(), "a literal is not closed");
    all
}

/// The hot tables that a statement reads or writes.
fn tables(sql: &str) -> Vec<&'static str> {
    let words: Vec<&str> =
        sql.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
    let opens = ["FROM", "INTO", "UPDATE", "JOIN"];
    words
        .windows(2)
        .filter(|pair| opens.contains(&pair[0]))
        .filter_map(|pair| HOT.iter().find(|table| **table == pair[1]))
        .copied()
        .collect()
}

/// Whether `part` is compared, or is the first column that is inserted.
fn names_part(sql: &str) -> bool {
    let compact: String = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    ["part = ", "part >= ", "(part, ", "part, g.", "part IN "].iter().any(|form| compact.contains(form))
}

#[test]
fn every_statement_of_the_loop_names_part() {
    let mut checked = 0;
    for engine in ["sqlite", "postgres"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(engine).join("hot");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let source = std::fs::read_to_string(&path).unwrap();
            for (line, sql) in literals(&source) {
                let tables = tables(&sql);
                if !tables.is_empty() {
                    assert!(names_part(&sql), "{}:{line} touches {tables:?} without part: {sql}", path.display());
                    checked += 1;
                }
            }
            // Statements for many rows have their columns in a list, which begins with the part.
            for (at, _) in source.match_indices("Rows::") {
                let call = &source[at..];
                let Some(table) = call.split('"').nth(1).filter(|table| HOT.contains(table)) else { continue };
                let before = &source[at.saturating_sub(700)..(at + 200).min(source.len())];
                let listed =
                    before.contains("Int(\"part\")") || before.contains("&MESSAGE") || before.contains("&OUTBOX");
                assert!(listed, "{}: rows of {table} without part", path.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 80, "only {checked} statements were found");
    assert!(!names_part("SELECT id FROM inbox WHERE contact = $1 ORDER BY id"));
    assert_eq!(tables("DELETE FROM outbox USING x"), ["outbox"]);
}
