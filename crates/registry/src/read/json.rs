//! Finds the resources in a JSON text without reading them, so that a broken one costs no other and a bundle of a
//! hundred thousand needs no tree in memory.

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
pub(crate) fn scan<'a>(text: &'a str, take: &mut dyn FnMut(Item<'a>) -> bool) {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0, counted: 0, line: 1, line_start: 0, take };
    scanner.all();
}

struct Scanner<'a, 'b> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    counted: usize,
    line: u32,
    line_start: usize,
    take: &'b mut dyn FnMut(Item<'a>) -> bool,
}

impl<'a> Scanner<'a, '_> {
    fn all(&mut self) {
        let mut top = 0;
        loop {
            self.skip_space();
            match self.peek() {
                None => return,
                Some(b'{') => {
                    self.object(Place::Top(top));
                    top += 1;
                }
                Some(b'[') if top == 0 => {
                    self.at += 1;
                    top += self.array(Place::Top, 0) + 1;
                    if !self.bytes[..self.at].trim_ascii_end().ends_with(b"]") {
                        self.give(Place::Top(top), self.at, self.at, Some(Broken::Truncated));
                    }
                }
                Some(b',' | 0) => self.at += 1,
                Some(_) => {
                    let start = self.at;
                    // The next line, or the next object, is the next chance.
                    while self.at < self.bytes.len() && !matches!(self.bytes[self.at], b'\n' | b'{') {
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
            let reason = if self.at >= self.bytes.len() { Broken::Truncated } else { Broken::Unexpected };
            self.give(place, self.at.min(self.bytes.len()), self.after(), Some(reason));
            let Some(next) = self.next_element(self.at, ENTRY) else { break };
            self.at = next;
            entries = Some(self.array(Place::Entry, index));
            if self.members(&mut entries) {
                return;
            }
        }
        if entries.is_none() {
            // A record that never closes has swallowed the lines after it: one that starts with a brace is the next.
            let next = self.text[start..].find("\n{").map(|at| start + at + 1);
            let reason =
                if next.is_none() && self.at >= self.bytes.len() { Broken::Truncated } else { Broken::Unexpected };
            let stop = next.unwrap_or(self.bytes.len()).min(self.after());
            self.give(place, start, stop, Some(reason));
            self.at = next.unwrap_or(self.at).min(self.at);
        }
        // The next line is the next chance.
        while self.at < self.bytes.len() && self.bytes[self.at] != b'\n' && !self.is_line(self.at) {
            self.at += 1;
        }
    }

    /// Whether a line that starts with a brace starts here.
    fn is_line(&self, at: usize) -> bool {
        self.bytes.get(at) == Some(&b'{') && at > 0 && self.bytes[at - 1] == b'\n'
    }

    /// The members of an object up to and with its end; false where something is wrong. The elements of a bundle's
    /// `entry` are given, and counted in `entries`.
    fn members(&mut self, entries: &mut Option<usize>) -> bool {
        let mut kind: Option<&str> = None;
        loop {
            self.skip_space();
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    return true;
                }
                Some(b',') => self.at += 1,
                Some(b'"') => {
                    let Some(key) = self.string() else { return false };
                    self.skip_space();
                    if self.peek() != Some(b':') {
                        return false;
                    }
                    self.at += 1;
                    self.skip_space();
                    let is_bundle = kind.is_none_or(|kind| kind == "Bundle");
                    if key == "entry" && is_bundle && self.peek() == Some(b'[') {
                        self.at += 1;
                        *entries = Some(self.array(Place::Entry, entries.unwrap_or(0)));
                        continue;
                    }
                    let from = self.at;
                    if !self.value() {
                        return false;
                    }
                    let value = &self.text[from..self.at];
                    if key == "resourceType" && kind.is_none() {
                        kind = Some(value.trim_matches('"'));
                    } else if key == "link" && value.starts_with('[') && kind == Some("Bundle") {
                        self.give(Place::Link, from, self.at, None);
                    }
                }
                _ => return false,
            }
        }
    }

    /// Behind the sign at which the scanner stands, so that the parser sees it too.
    fn after(&self) -> usize {
        let next = (self.at + 1..self.bytes.len()).find(|at| self.text.is_char_boundary(*at));
        next.unwrap_or(self.bytes.len())
    }

    /// The elements of an array whose bracket was read, numbered from `index`; gives the number after the last.
    fn array(&mut self, place: fn(usize) -> Place, mut index: usize) -> usize {
        loop {
            self.skip_space();
            match self.peek() {
                // The caller, who opened the array, says that its end is missing.
                None => return index,
                Some(b']') => {
                    self.at += 1;
                    return index;
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
                        let truncated = self.at >= self.bytes.len();
                        let next = self.next_element(start + 1, keys);
                        let reason = if truncated && next.is_none() { Broken::Truncated } else { Broken::Unexpected };
                        let stop = next.unwrap_or(self.bytes.len());
                        self.give(place(index), start, stop, Some(reason));
                        self.at = stop;
                    }
                    index += 1;
                }
            }
        }
    }

    /// The next object that starts with one of the keys, and is no value of another key.
    fn next_element(&self, from: usize, keys: &[&[u8]]) -> Option<usize> {
        let mut at = from;
        loop {
            at += self.bytes.get(at..)?.iter().position(|byte| *byte == b'{')?;
            let rest = &self.bytes[at + 1..];
            let key = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
            if keys.iter().any(|start| rest[key..].starts_with(start))
                // The resource of the broken entry itself is not the next entry.
                && !self.bytes[..at].trim_ascii_end().ends_with(b":")
            {
                return Some(at);
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

    /// Passes a string and gives what is between its quotes, escapes and all; none where the text or the line ends
    /// before: no string of JSON goes over lines.
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            match self.bytes.get(at) {
                None | Some(b'\n') => {
                    self.at = at.min(self.bytes.len());
                    return None;
                }
                Some(b'"') => {
                    self.at = at + 1;
                    return Some(&self.text[start..at]);
                }
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn give(&mut self, place: Place, start: usize, end: usize, broken: Option<Broken>) -> bool {
        for (at, byte) in self.bytes[self.counted.min(start)..start].iter().enumerate() {
            if *byte == b'\n' {
                self.line += 1;
                self.line_start = self.counted + at + 1;
            }
        }
        self.counted = start.max(self.counted);
        let column = (start.saturating_sub(self.line_start) + 1) as u32;
        let text = self.text.get(start..end).unwrap_or_default();
        (self.take)(Item { place, text, at: start, line: self.line, column, broken })
    }
}
