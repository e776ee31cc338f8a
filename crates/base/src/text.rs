//! Texts made comparable and storable.

use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The form in which texts are searched and compared: lower case, without accents, white space as single spaces and
/// none at the ends. `"  Hôpital  de GBARNGA"` becomes `hopital de gbarnga`. Folding twice changes nothing.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return collapse(&text.to_ascii_lowercase()).into_owned();
    }
    // Lower-casing may bring marks (İ) and decomposing may bring capitals (compatibility signs): both come first.
    let lower: String = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    let mut folded = String::with_capacity(lower.len());
    for c in lower.nfkd().filter(|c| !is_combining_mark(*c)) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ɖ' => folded.push('d'),
            'ı' => folded.push('i'),
            '\u{2018}' | '\u{2019}' | '\u{2bc}' => folded.push('\''),
            c => folded.push(c),
        }
    }
    collapse(&folded).into_owned()
}

/// White space as single spaces, none at the ends; borrowed where nothing changes.
pub fn collapse(text: &str) -> Cow<'_, str> {
    let mut last_was_space = true;
    let clean = text.chars().all(|c| {
        let ok = !c.is_whitespace() || (c == ' ' && !last_was_space);
        last_was_space = c.is_whitespace();
        ok
    }) && !text.ends_with(' ');
    if clean {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    Cow::Owned(out)
}

/// The text without U+0000, which PostgreSQL cannot hold; borrowed where there is none.
pub fn strip_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds() {
        for (text, folded) in [
            ("", ""),
            ("  Hôpital\u{a0} de\tGBARNGA\n", "hopital de gbarnga"),
            ("Œuvre Straße Ærø", "oeuvre strasse aero"),
            ("N\u{2019}Djaména", "n'djamena"),
            ("e\u{301}", "e"),
            ("İstanbul", "istanbul"),
            ("ﬁne", "fine"),
        ] {
            assert_eq!(fold(text), folded, "{text:?}");
            assert_eq!(fold(folded), folded, "{folded:?} folded again");
        }
    }

    #[test]
    fn collapses_and_strips() {
        assert!(matches!(collapse("a b"), Cow::Borrowed("a b")));
        assert_eq!(collapse(" a  b "), "a b");
        assert_eq!(collapse("a\tb"), "a b");
        assert!(matches!(strip_nul("ab"), Cow::Borrowed(_)));
        assert_eq!(strip_nul("a\0b\0"), "ab");
    }
}
