//! Regular expressions in RE2's syntax, always without case and with `^` and `$` at each line.
//!
//! The engine is the `regex` crate, whose syntax differs in a few places; patterns are rewritten there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex::{Regex, RegexBuilder};

/// How many compiled patterns a thread keeps.
const KEEP: usize = 256;
/// Largest compiled size of a pattern in bytes.
const MAX_SIZE: usize = 1 << 20;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Option<Rc<Regex>>>> = RefCell::new(HashMap::new());
}

/// The compiled pattern, shared because copies of it would each warm up their own caches, or `None` when it is no valid regular expression. Compiling happens once per thread and pattern.
pub fn compile(pattern: &str) -> Option<Rc<Regex>> {
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(known) = compiled.get(pattern) {
            return known.clone();
        }
        let regex = translate(pattern).and_then(|translated| {
            RegexBuilder::new(&translated)
                .case_insensitive(true)
                .multi_line(true)
                .size_limit(MAX_SIZE)
                .build()
                .ok()
                .map(Rc::new)
        });
        if compiled.len() >= KEEP {
            compiled.clear();
        }
        compiled.insert(pattern.to_owned(), regex.clone());
        regex
    })
}

/// The pattern in the syntax of the `regex` crate; `None` for what RE2 refuses and that crate would not.
fn translate(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    let mut in_class = false;
    // Whether what stands before is already repeated.
    let mut repeated = false;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let was_repeated = std::mem::take(&mut repeated);
        match c {
            '\\' => {
                let kind = after.chars().next()?;
                rest = &after[kind.len_utf8()..];
                if kind == 'Q' && !in_class {
                    let (literal, tail) = rest.split_once("\\E").unwrap_or((rest, ""));
                    out.push_str(&regex::escape(literal));
                    rest = tail;
                } else {
                    escape(kind, in_class, &mut out, &mut rest)?;
                }
                continue;
            }
            '[' if in_class => {
                if after.starts_with(':')
                    && let Some(end) = after.find(":]")
                {
                    out.push_str(&rest[..end + 3]);
                    rest = &rest[end + 3..];
                    continue;
                }
                out.push_str("\\[");
            }
            '[' => {
                in_class = true;
                out.push('[');
                rest = after;
                if let Some(tail) = rest.strip_prefix('^') {
                    out.push('^');
                    rest = tail;
                }
                if let Some(tail) = rest.strip_prefix(']') {
                    out.push_str("\\]");
                    rest = tail;
                }
                continue;
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            _ if in_class => out.push(c),
            '*' | '+' | '?' | '{' => {
                let length = if c == '{' { repeat_length(rest) } else { Some(1) };
                let Some(length) = length else {
                    out.push_str("\\{");
                    rest = after;
                    continue;
                };
                if was_repeated {
                    return None;
                }
                out.push_str(&rest[..length]);
                rest = &rest[length..];
                if let Some(tail) = rest.strip_prefix('?') {
                    out.push('?');
                    rest = tail;
                }
                repeated = true;
                continue;
            }
            '(' if after.starts_with('?') => {
                // Flags of the crate that RE2 doesn't have.
                let flags = &after[1..after.find([')', ':', '<', 'P']).unwrap_or(after.len())];
                if flags.contains(['x', 'u', 'R']) {
                    return None;
                }
                out.push('(');
            }
            other => out.push(other),
        }
        rest = after;
    }
    (!in_class).then_some(out)
}

/// The bytes of a counted repetition `{n}`, `{n,}` or `{n,m}`; any other brace stands for itself.
fn repeat_length(text: &str) -> Option<usize> {
    let end = text.find('}')?;
    let (from, to) = text[1..end].split_once(',').unwrap_or((&text[1..end], ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (!from.is_empty() && digits(from) && digits(to)).then_some(end + 1)
}

/// Classes and boundaries know ASCII only; an escaped sign stands for itself.
fn escape(kind: char, in_class: bool, out: &mut String, rest: &mut &str) -> Option<()> {
    match kind {
        'd' | 'w' | 's' => {
            let class = match kind {
                'd' => "0-9",
                'w' => "0-9A-Za-z_",
                _ => r"\t\n\x0C\r ",
            };
            if in_class {
                out.push_str(class);
            } else {
                out.extend(["[", class, "]"]);
            }
        }
        'D' => out.push_str("[^0-9]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'S' => out.push_str(r"[^\t\n\x0C\r ]"),
        'b' if !in_class => out.push_str(r"(?-u:\b)"),
        'B' if !in_class => out.push_str(r"\B"),
        'A' | 'z' if !in_class => out.extend(['\\', kind]),
        'a' | 'f' | 't' | 'n' | 'r' | 'v' | 'x' | 'p' | 'P' => {
            out.extend(['\\', kind]);
            if kind != 'x' {
                return Some(());
            }
            // The digits that follow belong to it.
            let length = if rest.starts_with('{') { rest.find('}')? + 1 } else { 2 };
            out.push_str(rest.get(..length)?);
            *rest = &rest[length..];
        }
        '0'..='7' => {
            let digits: String =
                std::iter::once(kind).chain(rest.chars().take(2).take_while(|c| ('0'..='7').contains(c))).collect();
            if kind != '0' && digits.len() < 2 {
                return None;
            }
            *rest = &rest[digits.len() - 1..];
            let code = u32::from_str_radix(&digits, 8).ok()?;
            out.extend(["\\x{", &format!("{code:x}"), "}"]);
        }
        sign if sign.is_ascii_punctuation() => out.push_str(&escape_sign(sign)),
        _ => return None,
    }
    Some(())
}

fn escape_sign(sign: char) -> String {
    if "<>".contains(sign) { sign.to_string() } else { format!("\\{sign}") }
}
