//! What Rust files may not have.

use super::crates::PURE;
use super::{Breaches, SourceFile};

/// The most lines that a file may have.
const MOST_LINES: usize = 1000;

/// What code that does not do its work yet, or says too much, looks like. In pieces, so that this file is no breach.
const UNFINISHED: &[&str] =
    &[concat!("to", "do!"), concat!("unimpl", "emented!"), concat!("db", "g!"), concat!("#[ig", "nore")];

/// What a pure crate does not name: input and output, clocks, randomness, the environment.
const IMPURE: &[&str] = &[
    "Instant",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "getrandom",
    "reqwest",
    "rusqlite",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "thread_rng",
    "tokio",
    "tokio_postgres",
];

pub(super) fn check(files: &[SourceFile], breaches: &mut Breaches) {
    for file in files.iter().filter(|file| file.is("rs")) {
        let Some(text) = &file.text else {
            breaches.add(&file.path, 0, "is not UTF-8");
            continue;
        };
        let count = text.lines().count();
        if count > MOST_LINES {
            breaches.add(&file.path, 0, format!("has {count} lines: divide what is over {MOST_LINES}"));
        }
        let name = file.path.strip_prefix("crates/").and_then(|path| path.split('/').next()).unwrap_or_default();
        let pure = PURE.contains(&name) && !file.is_test();
        let mut tests = false;
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if line.starts_with("//") {
                continue;
            }
            for word in UNFINISHED.iter().filter(|word| has_word(line, word)) {
                breaches.add(&file.path, at + 1, format!("has {word}"));
            }
            // The tests of a file are its last part.
            tests |= line == "#[cfg(test)]";
            if pure && !tests {
                for word in IMPURE.iter().filter(|word| has_word(line, word)) {
                    breaches.add(&file.path, at + 1, format!("{name} is pure and may not name {word}"));
                }
            }
        }
    }
}

/// Whether a line has `word` where it is not a part of a longer word.
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(part) && (word.ends_with(|c| !part(c)) || !line[at + word.len()..].starts_with(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::breaches_of;

    #[test]
    fn pure_crates_name_no_clock_and_no_file() {
        let cases: &[(&str, &str, usize)] = &[
            ("crates/flow/src/a.rs", "use std::fs;\nlet now = jiff::Timestamp::now();\n", 2),
            ("crates/flow/src/a.rs", "// tokio is not used\nlet instants = Instantly;\n", 0),
            ("crates/flow/src/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests { use std::fs; }\n", 0),
            ("crates/flow/tests/it/main.rs", "use std::fs;\n", 0),
            ("crates/store/src/a.rs", "use std::fs;\n", 0),
        ];
        for (path, text, expected) in cases {
            assert_eq!(breaches_of(check, &[(path, text)]).len(), *expected, "{path}: {text}");
        }
    }

    #[test]
    fn unfinished_code_is_a_breach_everywhere() {
        for word in UNFINISHED {
            let text = format!("fn a() {{ {word}() }}\n");
            assert_eq!(breaches_of(check, &[("crates/store/tests/a.rs", &text)]).len(), 1, "{word}");
        }
    }

    #[test]
    fn long_files_are_flagged() {
        let text = "\n".repeat(MOST_LINES + 1);
        assert_eq!(
            breaches_of(check, &[("crates/store/src/a.rs", &text)]),
            ["crates/store/src/a.rs: has 1001 lines: divide what is over 1000"]
        );
    }
}
