//! Reading the chapter: headings and blocks.

use super::sample::chapter;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// An example, with what stands before and behind it.
pub(super) struct Block {
    /// Page and line, for people.
    pub(super) place: String,
    /// The name in the heading above it.
    pub(super) section: String,
    /// What it is.
    pub(super) kind: String,
    /// What else stands beside the fence.
    pub(super) option: String,
    /// What it says.
    pub(super) text: String,
    /// What differs from the sample.
    pub(super) given: Value,
    /// The events that it makes.
    pub(super) events: Option<String>,
    /// What expressions give after it.
    pub(super) after: String,
}

/// A page of the chapter.
pub(super) struct Page {
    pub(super) name: String,
    /// The code in headings of the third level: `upper(text)`.
    pub(super) headings: Vec<String>,
    pub(super) blocks: Vec<Block>,
}

/// The pages of the chapter, by path: its first page, and those in its folder.
pub(super) fn pages() -> Vec<Page> {
    let entries = std::fs::read_dir(chapter()).expect("the manual is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.push(chapter().with_extension("md"));
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a page");
        page(path.file_name().expect("a name").to_string_lossy().into_owned(), &text)
    };
    paths.into_iter().map(read).collect()
}

/// All blocks of a kind.
pub(super) fn blocks(kind: &str) -> Vec<Block> {
    let found: Vec<Block> = pages().into_iter().flat_map(|p| p.blocks).filter(|b| b.kind == kind).collect();
    assert!(!found.is_empty(), "no {kind} in the manual");
    found
}

fn page(name: String, text: &str) -> Page {
    let mut page = Page { name, headings: Vec::new(), blocks: Vec::new() };
    let mut given = None;
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(heading) = line.strip_prefix("### `").and_then(|rest| rest.split('`').next()) {
            page.headings.push(heading.to_owned());
        }
        let Some(info) = line.strip_prefix("```") else { continue };
        let place = format!("{}:{}", page.name, at + 1);
        let inside: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let text = inside.join("\n");
        let (kind, option) = info.split_once(',').unwrap_or((info, ""));
        match kind {
            "text" => {}
            "given" => given = Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{place}: {e}"))),
            "events" | "after" => {
                let block = page.blocks.last_mut().unwrap_or_else(|| panic!("{place}: nothing before it"));
                if kind == "events" { block.events = Some(text) } else { block.after = text }
            }
            "expression" | "test" | "action" | "trigger" | "conversation" => page.blocks.push(Block {
                place,
                section: page.headings.last().cloned().unwrap_or_default(),
                kind: kind.to_owned(),
                option: option.to_owned(),
                text,
                given: given.take().unwrap_or_else(|| Value::Object(Map::new())),
                events: None,
                after: String::new(),
            }),
            other => panic!("{place}: a block '{other}' is not run; use text for what is no example"),
        }
    }
    assert!(given.is_none(), "{}: nothing follows a 'given'", page.name);
    page
}

/// The two sides of each line of examples.
pub(super) fn arrows(place: &str, text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (left, right) = line.rsplit_once(" → ").unwrap_or_else(|| panic!("{place}: no arrow in {line}"));
            (left.trim().to_owned(), right.trim().to_owned())
        })
        .collect()
}
