//! What no text file may have: blanks at the ends of lines, the paths of somebody's machine.

use super::{Breaches, SourceFile};

/// Extensions of files that are checked.
const TEXTS: &[&str] =
    &["css", "html", "js", "json", "md", "mjs", "rs", "sh", "sql", "toml", "ts", "tsx", "txt", "yaml", "yml"];

/// Paths that exist on one machine only. In pieces, so that this file is no breach.
const MACHINE: &[&str] = &[concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/t", "mp/")];

pub(super) fn check(files: &[SourceFile], breaches: &mut Breaches) {
    for file in files {
        let known = TEXTS.iter().any(|extension| file.is(extension)) || file.path == ".ci/run";
        let (true, Some(text)) = (known, &file.text) else { continue };
        let markdown = file.is("md");
        for (at, line) in text.lines().enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                breaches.add(&file.path, at + 1, "ends in a blank");
            }
            if line.contains('\t') && !markdown && !file.path.ends_with("package-lock.json") && file.is("rs") {
                breaches.add(&file.path, at + 1, "has a tab: write \\t or spaces");
            }
            if !file.is_test() {
                for path in MACHINE.iter().filter(|path| line.contains(**path)) {
                    breaches.add(&file.path, at + 1, format!("names {path}, a path of somebody's machine"));
                }
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            breaches.add(&file.path, 0, "does not end in a line feed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::breaches_of;

    #[test]
    fn blanks_and_machine_paths_are_found() {
        let machine = format!("let a = \"{}x\";\n", MACHINE[0]);
        let cases: &[(&str, &str, usize)] = &[
            ("a.md", "one \ntwo\n", 1),
            ("a.md", "one\ntwo", 1),
            ("a.png", "one ", 0),
            ("crates/a/src/a.rs", &machine, 1),
            ("crates/a/tests/it/a.rs", &machine, 0),
            ("crates/a/src/a.rs", "\tlet a = 1;\n", 1),
        ];
        for (path, text, expected) in cases {
            assert_eq!(breaches_of(check, &[(path, text)]).len(), *expected, "{path}: {text:?}");
        }
    }
}
