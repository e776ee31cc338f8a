//! Which encoding a text file has, told while it is read.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::io::{self, Read};

/// How much is read at once.
const BLOCK: usize = 256 * 1024;

/// Turns bytes into text, without a byte order mark.
///
/// A byte order mark decides on the encoding; then zeros at every second byte (UTF-16); then whether the bytes are
/// UTF-8. At the first that are not, what was read until then decides: a few broken bytes in a text that is UTF-8
/// elsewhere become U+FFFD; a text that had nothing but ASCII is Windows-1252 from there on, which has all of
/// Latin-1's letters.
pub(super) struct Decoder<'a> {
    input: &'a mut dyn Read,
    /// Read and not decoded yet.
    pending: Vec<u8>,
    /// None while the text may be UTF-8.
    other: Option<encoding_rs::Decoder>,
    /// The name, as the WHATWG Encoding Standard writes it.
    pub(super) name: &'static str,
    /// False where the encoding was guessed.
    pub(super) certain: bool,
    /// How many characters beyond ASCII there were.
    sound: usize,
    /// How many bytes were read.
    pub(super) done: u64,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(input: &'a mut dyn Read) -> io::Result<Self> {
        let mut decoder =
            Self { input, pending: Vec::new(), other: None, name: UTF_8.name(), certain: true, sound: 0, done: 0 };
        decoder.fill()?;
        if let Some((encoding, length)) = Encoding::for_bom(&decoder.pending) {
            decoder.pending.drain(..length);
            if encoding != UTF_8 {
                decoder.set(encoding, true);
            }
        } else if let Some(encoding) = utf_16(&decoder.pending) {
            decoder.set(encoding, false);
        }
        Ok(decoder)
    }

    /// The first bytes, as they are.
    pub(super) fn head(&self) -> &[u8] {
        &self.pending
    }

    /// All bytes, as they are; only before anything was decoded.
    pub(super) fn into_bytes(mut self) -> io::Result<Vec<u8>> {
        self.input.read_to_end(&mut self.pending)?;
        Ok(self.pending)
    }

    /// Appends more of the text; false at its end.
    pub(super) fn decode(&mut self, into: &mut String) -> io::Result<bool> {
        let last = !self.fill()?;
        let Some(decoder) = &mut self.other else {
            let valid = match str::from_utf8(&self.pending) {
                Ok(text) => text.len(),
                Err(error) if error.error_len().is_none() && !last => error.valid_up_to(),
                // A cut through the last character is a truncated file, not another encoding.
                Err(error) if error.error_len().is_none() => {
                    into.push_str(&String::from_utf8_lossy(&self.pending));
                    self.pending.clear();
                    return Ok(false);
                }
                Err(_) => {
                    let text = String::from_utf8_lossy(&self.pending);
                    let broken = text.chars().filter(|c| *c == '\u{fffd}').count();
                    let sound = self.sound + text.chars().filter(|c| !c.is_ascii() && *c != '\u{fffd}').count();
                    self.set(if sound > broken * 4 { UTF_8 } else { WINDOWS_1252 }, false);
                    return self.decode(into);
                }
            };
            let text = str::from_utf8(&self.pending[..valid]).unwrap_or_default();
            self.sound += text.chars().filter(|c| !c.is_ascii()).count();
            into.push_str(text);
            self.pending.drain(..valid);
            return Ok(!last);
        };
        let needed = decoder.max_utf8_buffer_length(self.pending.len()).unwrap_or(4 * self.pending.len() + 16);
        into.reserve(needed);
        let (_, read, _) = decoder.decode_to_string(&self.pending, into, last);
        self.pending.drain(..read);
        Ok(!last)
    }

    fn set(&mut self, encoding: &'static Encoding, certain: bool) {
        self.other = Some(encoding.new_decoder_without_bom_handling());
        self.name = encoding.name();
        self.certain = certain;
    }

    /// Reads another block; false where there is no more.
    fn fill(&mut self) -> io::Result<bool> {
        let before = self.pending.len();
        (&mut *self.input).take(BLOCK as u64).read_to_end(&mut self.pending)?;
        let read = self.pending.len() - before;
        self.done += read as u64;
        Ok(read > 0)
    }
}

fn utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(1_024) & !1];
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let pairs = sample.len() / 2;
    if pairs < 2 {
        return None;
    }
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 10 >= pairs * 7 && even == 0 {
        Some(UTF_16LE)
    } else if even * 10 >= pairs * 7 && odd == 0 {
        Some(UTF_16BE)
    } else {
        None
    }
}
