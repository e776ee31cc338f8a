//! Finds the resources in a JSON text without reading them, so that a broken one costs no other and a bundle of a
//! hundred thousand needs no tree in memory. Of the text, only what is looked at is held.

use super::window::Window;

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A resource at the top: alone, in an array or on a line of its own; which one, from 0.
    Top(usize),
    /// An entry of a bundle, from 0.
    Entry(usize),
    /// The `link` of a bundle.
    Link,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) place: Place,
    /// The JSON value, verbatim.
    pub(crate) text: &'a str,
    /// The byte offset in the file's text.
    pub(crate) at: usize,
    /// The line, from 1.
    pub(crate) line: u32,
    /// The column, from 1, in bytes.
    pub(crate) column: u32,
    /// Set where no value could be made out.
    pub(crate) broken: Option<Broken>,
}

/// Why no value could be made out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The text ends within the value, which starts at this item's place.
    Truncated,
    /// Something else stands where a value or a separator should be.
    Unexpected,
}

/// How deep values may lie within each other.
const DEPTH: usize = 127;

/// How an entry of a bundle starts.
const ENTRY: &[&[u8]] = &[b"\"fullUrl\"", b"\"resource\"", b"\"request\""];

/// Gives every item of the text in order. `take` says whether it was JSON: one that was not may have swallowed those
/// after it.
pub(crate) fn scan(text: &mut Window<'_>, take: &mut dyn FnMut(Item<'_>) -> bool) {
    let mut scanner = Scanner { at: text.start(), counted: text.start(), line: 1, line_start: 0, text, take };
    scanner.all();
}

struct Scanner<'a, 'w, 't> {
    text: &'a mut Window<'w>,
    at: usize,
    counted: usize,
    line: u32,
    line_start: usize,
    take: &'t mut dyn FnMut(Item<'_>) -> bool,
}

impl Scanner<'_, '_, '_> {
    fn all(&mut self) {
        let mut top = 0;
        loop {
            self.skip_space();
            self.passed();
            match self.peek() {
                None => return,
                Some(b'{') => {
                    self.object(Place::Top(top));
                    top += 1;
                }
                Some(b'[') if top == 0 => {
                    self.at += 1;
                    let (elements, closed) = self.array(Place::Top, 0);
                    top += elements + 1;
                    if !closed {
                        self.give(Place::Top(top), self.at, self.at, Some(Broken::Truncated));
                    }
                }
                Some(b',' | 0) => self.at += 1,
                Some(_) => {
                    let start = self.at;
                    // The next line, or the next object, is the next chance.
                    while self.peek().is_some_and(|byte| !matches!(byte, b'\n' | b'{')) {
                        self.at += 1;
                    }
                    self.give(Place::Top(top), start, self.at, Some(Broken::Unexpected));
                    top += 1;
                }
            }
        }
    }

    /// A resource at the top: a bundle is opened, anything else is given whole.
    fn object(&mut self, place: Place) {
        let start = self.at;
        self.at += 1;
        let mut entries = None;
        if self.members(&mut entries) {
            if entries.is_none() {
                self.give(place, start, self.at, None);
                return;
            }
            // Behind a bundle nothing of it can follow, unless the brace that closed it was an entry's.
            self.skip_space();
            if !matches!(self.peek(), Some(b',' | b']')) {
                return;
            }
        }
        // Broken outside of the entries: where something looks like an entry, it goes on.
        while let Some(index) = entries {
            let reason = if self.peek().is_none() { Broken::Truncated } else { Broken::Unexpected };
            let after = self.after();
            self.give(place, self.at.min(after), after, Some(reason));
            let Some(next) = self.next_element(self.at, ENTRY) else { break };
            self.at = next;
            entries = Some(self.array(Place::Entry, index).0);
            if self.members(&mut entries) {
                return;
            }
        }
        if entries.is_none() {
            // A record that never closes has swallowed the lines after it: one that starts with a brace is the next.
            let next = self.next_line(start);
            let truncated = next.is_none() && self.peek().is_none();
            let stop = next.unwrap_or(usize::MAX).min(self.after());
            self.give(place, start, stop, Some(if truncated { Broken::Truncated } else { Broken::Unexpected }));
            self.at = next.unwrap_or(self.at).min(self.at);
        }
        // The next line is the next chance.
        while self.peek().is_some_and(|byte| byte != b'\n') && !self.is_line(self.at) {
            self.at += 1;
        }
    }

    /// Whether a line that starts with a brace starts here.
    fn is_line(&mut self, at: usize) -> bool {
        self.text.byte(at) == Some(b'{') && at > self.text.start() && self.text.byte(at - 1) == Some(b'\n')
    }

    /// The next line after `from` that starts with a brace.
    fn next_line(&mut self, from: usize) -> Option<usize> {
        let mut at = from + 1;
        while self.text.byte(at).is_some() {
            if self.is_line(at) {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    /// The members of an object up to and with its end; false where something is wrong. The elements of a bundle's
    /// `entry` are given, and counted in `entries`.
    fn members(&mut self, entries: &mut Option<usize>) -> bool {
        let mut kind: Option<String> = None;
        loop {
            self.skip_space();
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    return true;
                }
                Some(b',') => self.at += 1,
                Some(b'"') => {
                    let Some((from, to)) = self.string() else { return false };
                    let key = self.text.slice(from, to);
                    let (is_type, is_entry, is_link) = (key == "resourceType", key == "entry", key == "link");
                    self.skip_space();
                    if self.peek() != Some(b':') {
                        return false;
                    }
                    self.at += 1;
                    self.skip_space();
                    let may_be_bundle = kind.as_deref().is_none_or(|kind| kind == "Bundle");
                    if is_entry && may_be_bundle && self.peek() == Some(b'[') {
                        self.at += 1;
                        *entries = Some(self.array(Place::Entry, entries.unwrap_or(0)).0);
                        continue;
                    }
                    let from = self.at;
                    if !self.value() {
                        return false;
                    }
                    let value = self.text.slice(from, self.at);
                    if is_type && kind.is_none() {
                        kind = Some(value.trim_matches('"').to_owned());
                    } else if is_link && value.starts_with('[') && kind.as_deref() == Some("Bundle") {
                        self.give(Place::Link, from, self.at, None);
                    }
                }
                _ => return false,
            }
        }
    }

    /// Behind the sign at which the scanner stands, so that the parser sees it too.
    fn after(&mut self) -> usize {
        let mut at = self.at + 1;
        // The bytes of a character after its first.
        while self.text.byte(at).is_some_and(|byte| byte & 0xc0 == 0x80) {
            at += 1;
        }
        at.min(self.text.end())
    }

    /// The elements of an array whose bracket was read, numbered from `index`; gives the number after the last, and
    /// whether the array has an end.
    fn array(&mut self, place: fn(usize) -> Place, mut index: usize) -> (usize, bool) {
        loop {
            self.skip_space();
            self.passed();
            match self.peek() {
                // The caller, who opened the array, says that its end is missing.
                None => return (index, false),
                Some(b']') => {
                    self.at += 1;
                    return (index, true);
                }
                Some(b',') => self.at += 1,
                Some(_) => {
                    let start = self.at;
                    let keys: &[&[u8]] = match place(index) {
                        Place::Entry(_) => ENTRY,
                        _ => &[b"\"resourceType\""],
                    };
                    if self.value() {
                        let end = self.at;
                        if !self.give(place(index), start, end, None) {
                            // It was no JSON after all: what looks like an entry within it may be one.
                            self.at = self.next_element(start + 1, keys).filter(|next| *next < end).unwrap_or(end);
                        }
                    } else {
                        // An element that never closes has swallowed those after it: look for the next one.
                        let truncated = self.peek().is_none();
                        let next = self.next_element(start + 1, keys);
                        let reason = if truncated && next.is_none() { Broken::Truncated } else { Broken::Unexpected };
                        let stop = next.unwrap_or(self.text.end());
                        self.give(place(index), start, stop, Some(reason));
                        self.at = stop;
                    }
                    index += 1;
                }
            }
        }
    }

    /// The next object that starts with one of the keys, and is no value of another key.
    fn next_element(&mut self, from: usize, keys: &[&[u8]]) -> Option<usize> {
        let mut at = from;
        // The last sign before that is no white space.
        let mut before = b' ';
        let mut back = from;
        while before == b' ' && back > self.text.start() {
            back -= 1;
            before = self.text.byte(back).filter(|byte| !byte.is_ascii_whitespace()).unwrap_or(b' ');
        }
        loop {
            let byte = self.text.byte(at)?;
            // The resource of the broken entry itself is not the next entry.
            if byte == b'{' && before != b':' {
                let mut key = at + 1;
                while self.text.byte(key)?.is_ascii_whitespace() {
                    key += 1;
                }
                let starts = |start: &&[u8]| (key..).zip(*start).all(|(at, byte)| self.text.byte(at) == Some(*byte));
                if keys.iter().any(starts) {
                    return Some(at);
                }
            }
            if !byte.is_ascii_whitespace() {
                before = byte;
            }
            at += 1;
        }
    }

    /// Passes one value; false where the text ends within it or no value starts here.
    fn value(&mut self) -> bool {
        match self.peek() {
            Some(b'"') => self.string().is_some(),
            Some(b'{' | b'[') => {
                let mut open: Vec<u8> = Vec::with_capacity(16);
                while let Some(byte) = self.peek() {
                    match byte {
                        b'"' => {
                            if self.string().is_none() {
                                return false;
                            }
                            continue;
                        }
                        // The parser goes no deeper either.
                        b'{' | b'[' if open.len() >= DEPTH => return false,
                        b'{' => open.push(b'}'),
                        b'[' => open.push(b']'),
                        b'}' | b']' if open.pop() != Some(byte) => return false,
                        _ => {}
                    }
                    self.at += 1;
                    if open.is_empty() {
                        return true;
                    }
                }
                false
            }
            Some(b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => {
                while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte)) {
                    self.at += 1;
                }
                true
            }
            _ => false,
        }
    }

    /// Passes a string and gives where the text between its quotes is; none where the text or the line ends before: no
    /// string of JSON goes over lines.
    fn string(&mut self) -> Option<(usize, usize)> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            match self.text.byte(at) {
                None | Some(b'\n') => {
                    self.at = at.min(self.text.end());
                    return None;
                }
                Some(b'"') => {
                    self.at = at + 1;
                    return Some((start, at));
                }
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
            }
        }
    }

    fn peek(&mut self) -> Option<u8> {
        self.text.byte(self.at)
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// What lies before the scanner is not needed any more.
    fn passed(&mut self) {
        self.count_lines(self.at);
        self.text.keep_from(self.at);
    }

    /// Counts the lines that begin before `to`.
    fn count_lines(&mut self, to: usize) {
        if to <= self.counted {
            return;
        }
        let (lines, start) = self.text.lines(self.counted, to);
        self.line += lines;
        self.line_start = start.unwrap_or(self.line_start);
        self.counted = to;
    }

    fn give(&mut self, place: Place, start: usize, end: usize, broken: Option<Broken>) -> bool {
        self.count_lines(start);
        let column = (start.saturating_sub(self.line_start) + 1) as u32;
        (self.take)(Item { place, text: self.text.slice(start, end), at: start, line: self.line, column, broken })
    }
}
