//! A text of which only a part is held: what was passed is dropped, what comes is read when it is looked at.

use std::io;

use super::encoding::Decoder;

/// How much is passed before it is dropped, so that what remains is not moved too often.
const PASSED: usize = 1 << 20;

/// A part of a text. Places are counted in bytes from the beginning of the whole text.
pub(crate) struct Window<'a> {
    input: Decoder<'a>,
    text: String,
    /// Where the part begins in the whole text.
    base: usize,
    /// What lies before is not looked at again.
    kept: usize,
    ended: bool,
    failed: Option<io::Error>,
}

impl<'a> Window<'a> {
    pub(super) fn new(input: Decoder<'a>) -> Self {
        Self { input, text: String::new(), base: 0, kept: 0, ended: false, failed: None }
    }

    /// Where the part that is held begins.
    pub(super) fn start(&self) -> usize {
        self.base
    }

    /// Where the part that is held ends: the end of the text once [`Window::byte`] has given none.
    pub(super) fn end(&self) -> usize {
        self.base + self.text.len()
    }

    /// A byte of the text; none behind its end.
    pub(super) fn byte(&mut self, at: usize) -> Option<u8> {
        loop {
            if let Some(byte) = self.text.as_bytes().get(at.checked_sub(self.base)?) {
                return Some(*byte);
            }
            if self.ended {
                return None;
            }
            self.more();
        }
    }

    /// A piece of the part that is held; empty where it is cut within a character.
    pub(super) fn slice(&self, from: usize, to: usize) -> &str {
        let within = |at: usize| at.saturating_sub(self.base).min(self.text.len());
        self.text.get(within(from)..within(to)).unwrap_or_default()
    }

    /// How many line feeds there are from one place to another, and where the line after the last begins.
    pub(super) fn lines(&self, from: usize, to: usize) -> (u32, Option<usize>) {
        let within = |at: usize| at.saturating_sub(self.base).min(self.text.len());
        let bytes = self.text.as_bytes().get(within(from)..within(to)).unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n').count().saturating_sub(1);
        (lines as u32, bytes.iter().rposition(|byte| *byte == b'\n').map(|at| from + at + 1))
    }

    /// What lies before `at`, but for the last byte, may be dropped.
    pub(super) fn keep_from(&mut self, at: usize) {
        self.kept = at.saturating_sub(1);
    }

    /// The decoder, which knows how far the reading is.
    pub(super) fn decoder(&self) -> &Decoder<'a> {
        &self.input
    }

    /// The whole text, read to its end.
    pub(super) fn whole(&mut self) -> &str {
        while !self.ended {
            self.more();
        }
        &self.text
    }

    /// Why the text could not be read to its end.
    pub(super) fn failed(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    fn more(&mut self) {
        let passed = self.kept.saturating_sub(self.base);
        if passed >= PASSED && self.text.is_char_boundary(passed) {
            self.text.drain(..passed);
            self.base += passed;
        }
        match self.input.decode(&mut self.text) {
            Ok(more) => self.ended = !more,
            Err(error) => {
                self.ended = true;
                self.failed = Some(error);
            }
        }
    }
}
