//! Links inside the repository's documents lead somewhere, and the manual's table of contents has all its chapters.

use super::{Breaches, SourceFile};
use std::collections::{BTreeMap, BTreeSet};

/// The manual's table of contents.
const SUMMARY: &str = "docs/src/SUMMARY.md";

pub(super) fn check(files: &[SourceFile], breaches: &mut Breaches) {
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let documents: BTreeMap<&str, &str> = files
        .iter()
        .filter(|file| file.is("md"))
        .filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
        .collect();
    let mut listed = BTreeSet::new();
    for (path, text) in &documents {
        for (line, target) in links(text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let wanted = if file.is_empty() { Some((*path).to_owned()) } else { resolve(path, file) };
            let Some(wanted) = wanted else {
                breaches.add(path, line, format!("the link {target} leaves the repository"));
                continue;
            };
            let is_folder = paths
                .range(format!("{wanted}/").as_str()..)
                .next()
                .is_some_and(|next| next.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('/')));
            if !paths.contains(wanted.as_str()) && !is_folder {
                breaches.add(path, line, format!("the link {target} leads nowhere"));
            } else if !anchor.is_empty()
                && let Some(text) = documents.get(wanted.as_str())
                && !anchors(text).contains(anchor)
            {
                breaches.add(path, line, format!("{wanted} has no heading #{anchor}"));
            }
            if *path == SUMMARY {
                listed.insert(wanted);
            }
        }
    }
    if documents.contains_key(SUMMARY) {
        for path in documents.keys().filter(|path| path.starts_with("docs/src/") && **path != SUMMARY) {
            if !listed.contains(*path) {
                breaches.add(path, 0, format!("is not in {SUMMARY}"));
            }
        }
    }
}

/// The targets of `[text](target)` with their lines, code left out.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut code = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        if code {
            continue;
        }
        // Every second piece between backticks is code.
        for piece in line.split('`').step_by(2) {
            for (start, _) in piece.match_indices("](") {
                let rest = &piece[start + 2..];
                if let Some(end) = rest.find(')') {
                    found.push((at + 1, rest[..end].split(' ').next().unwrap_or_default()));
                }
            }
        }
    }
    found
}

/// The path that a relative link means, from the root; `None` if it leaves the repository.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.trim_end_matches('/').split('/') {
        match part {
            "." | "" => {}
            ".." => _ = parts.pop()?,
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

/// The anchors that headings get.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        code ^= line.trim_start().starts_with("```");
        let title = line.trim_start_matches('#');
        if !code && title.len() < line.len() && title.starts_with(' ') {
            found.insert(
                title
                    .trim()
                    .chars()
                    .filter_map(|c| match c {
                        ' ' => Some('-'),
                        '-' | '_' => Some(c),
                        c if c.is_alphanumeric() => Some(c.to_ascii_lowercase()),
                        _ => None,
                    })
                    .collect(),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::breaches_of;

    #[test]
    fn links_lead_to_files_and_headings() {
        let files = [
            ("README.md", "[a](docs/src/a.md#two-words) [b](docs/src) [c](gone.md) [d](../x.md)\n`[e](gone.md)`\n"),
            ("docs/src/SUMMARY.md", "[a](a.md)\n"),
            ("docs/src/a.md", "# Two words\n[`x`](#gone) [site](https://example.org/x)\n```\n[f](gone.md)\n```\n"),
            ("docs/src/b.md", "# B\n"),
        ];
        assert_eq!(
            breaches_of(check, &files),
            [
                "README.md:1: the link gone.md leads nowhere",
                "README.md:1: the link ../x.md leaves the repository",
                "docs/src/a.md:2: docs/src/a.md has no heading #gone",
                "docs/src/b.md: is not in docs/src/SUMMARY.md",
            ]
        );
    }
}
