//! Characters of the GSM alphabet in place of those that would force UCS-2 and more than halve a segment.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{Encoding, encoding, is_gsm7};

/// A text with its proposals carried out. Nothing is sent so unless a person or a setting says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Substitution {
    /// The text after the replacements, in Unicode's composed form (NFC).
    pub text: String,
    /// What was replaced, each character once, in the order met.
    pub replaced: Vec<Replacement>,
    /// Characters without a substitute, each once, in the order met. While there is one, the text stays UCS-2.
    pub left: Vec<char>,
}

/// One character and what stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The character that GSM-7 cannot write.
    pub from: char,
    /// Its substitute, perhaps nothing (for invisible characters).
    pub to: String,
    /// How often it occurs.
    pub count: usize,
}

impl Substitution {
    /// The encoding that the text needs now.
    pub fn encoding(&self) -> Encoding {
        encoding(&self.text)
    }
}

/// Proposes characters of the GSM alphabet for all that have a near one: `Ê` becomes `E`, `’` becomes `'`, `…`
/// becomes `...`. What GSM-7 can write stays as it is.
pub fn substitute(text: &str) -> Substitution {
    let mut out = Substitution { text: String::with_capacity(text.len()), replaced: Vec::new(), left: Vec::new() };
    let mut buffer = String::new();
    for from in text.nfc() {
        if is_gsm7(from) {
            out.text.push(from);
            continue;
        }
        buffer.clear();
        if !near(from, &mut buffer) {
            out.text.push(from);
            if !out.left.contains(&from) {
                out.left.push(from);
            }
            continue;
        }
        out.text.push_str(&buffer);
        match out.replaced.iter_mut().find(|replacement| replacement.from == from) {
            Some(replacement) => replacement.count += 1,
            None => out.replaced.push(Replacement { from, to: buffer.clone(), count: 1 }),
        }
    }
    out
}

/// Writes what stands for a character that GSM-7 cannot write; false where nothing does.
fn near(c: char, into: &mut String) -> bool {
    into.push_str(match c {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' | '\u{2032}' | '\u{2bc}' | '´' | '`' => "'",
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '«' | '»' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2022}' | '·' => "-",
        '\u{2026}' => "...",
        '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{2028}' | '\u{2029}' => "\n",
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => "",
        'œ' => "oe",
        'Œ' => "OE",
        'ł' => "l",
        'Ł' => "L",
        'đ' | 'ɗ' => "d",
        'Đ' | 'Ɗ' => "D",
        'ɓ' => "b",
        'Ɓ' => "B",
        'ƙ' => "k",
        'Ƙ' => "K",
        'ƴ' => "y",
        'Ƴ' => "Y",
        'ŋ' => "ng",
        'Ŋ' => "NG",
        'ɲ' => "ny",
        'Ɲ' => "NY",
        'ɛ' => "e",
        'Ɛ' => "E",
        'ɔ' | '°' => "o",
        'Ɔ' => "O",
        'ı' => "i",
        '₣' => "F",
        '₦' => "N",
        '₵' => "GHS",
        '→' => "->",
        '←' => "<-",
        '≤' => "<=",
        '≥' => ">=",
        '©' => "(c)",
        '®' => "(r)",
        '™' => "(tm)",
        c => {
            if is_combining_mark(c) {
                return true;
            }
            // The letter under the accents, or the plain form of a compatibility character.
            let start = into.len();
            into.extend(std::iter::once(c).nfkd().filter(|part| !is_combining_mark(*part)));
            let found = into.len() > start && into[start..].chars().all(is_gsm7);
            if !found {
                into.truncate(start);
            }
            return found;
        }
    });
    true
}
