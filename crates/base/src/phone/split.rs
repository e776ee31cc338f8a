//! From the text of a field to pieces that should be one number each.

use super::{Piece, Reason, Unreadable};

/// Words that say that there is no number.
const NONE: &[&str] =
    &["n/a", "na", "n.a", "n.a.", "none", "nil", "no", "null", "nan", "unknown", "aucun", "neant", "néant", "hakuna"];

/// Digit zero of the decimal digits (Unicode general category Nd) of scripts that appear in registries.
const ZEROS: &[char] = &[
    '٠', '۰', '߀', '०', '০', '੦', '૦', '୦', '௦', '౦', '೦', '൦', '๐', '໐', '༠', '၀', '០', '᠐', '０', '𞥐', '𝟎', '𝟘', '𝟢',
    '𝟬', '𝟶',
];

/// The ASCII digit that a decimal digit of any script stands for.
fn ascii_digit(c: char) -> Option<char> {
    if c.is_ascii_digit() {
        return Some(c);
    }
    ZEROS.iter().find_map(|zero| {
        let value = (c as u32).checked_sub(*zero as u32).filter(|value| *value < 10)?;
        char::from_digit(value, 10)
    })
}

/// The field in plain ASCII signs: every digit, gap, dash, plus and separator in its usual form.
fn plain(text: &str) -> String {
    text.chars()
        .filter_map(|c| {
            Some(match c {
                '0'..='9' | 'a'..='z' | 'A'..='Z' | ' ' => c,
                '\''
                | '"'
                | '`'
                | '´'
                | '\u{2018}'..='\u{201f}'
                | '«'
                | '»'
                | '\0'
                | '\u{ad}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}' => return None,
                '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
                '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
                '＋' | '﹢' | '⁺' => '+',
                '／' | '⁄' | '∕' | '\\' => '/',
                '，' | '،' | '、' => ',',
                '；' | '؛' => ';',
                '（' | '[' | '{' => '(',
                '）' | ']' | '}' => ')',
                '：' => ':',
                '．' | '·' | '•' => '.',
                '＃' => '#',
                '＊' | '×' => '*',
                c if c.is_whitespace() => ' ',
                c => ascii_digit(c).unwrap_or(c),
            })
        })
        .collect()
}

/// `8.8661E+08`, also with a decimal comma.
fn is_scientific(text: &str) -> bool {
    let text = text.trim().trim_start_matches('=');
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let mut parts = mantissa.splitn(2, ['.', ',']);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.next().is_some_and(|whole| whole.len() == 1 && digits(whole))
        && parts.next().is_none_or(digits)
        && (1..=2).contains(&exponent.len())
        && digits(exponent)
}

/// `886,609,940`: a number that a spreadsheet shows with thousands separators.
fn is_grouped_by_commas(text: &str) -> bool {
    let mut parts = text.trim().split(',');
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    parts.next().is_some_and(|first| (1..=3).contains(&first.len()) && digits(first))
        && text.matches(',').count() >= 2
        && parts.all(|part| part.len() == 3 && digits(part))
}

/// The pieces of a field, each one number or the reason why it is none. Pieces without digits are what people write
/// beside numbers (`mobile`, `or`, a name) and are left out, unless the field holds nothing else.
pub(super) fn pieces(text: &str) -> Vec<Result<Piece, Unreadable>> {
    // RFC 3966's parameter is no second number.
    let plain = plain(text).replace(";ext=", " ext ");
    let trimmed = plain.trim();
    if !trimmed.bytes().any(|byte| byte.is_ascii_digit()) {
        let nothing = !trimmed.chars().any(char::is_alphanumeric) && !trimmed.contains('*')
            || NONE.contains(&trimmed.to_lowercase().as_str());
        return if nothing {
            Vec::new()
        } else {
            vec![Err(Unreadable { text: trimmed.to_owned(), reason: Reason::NoDigits })]
        };
    }
    let mut pieces = Vec::new();
    for part in plain.split(['/', ';', '|', '\n', '&']) {
        if is_scientific(part) {
            pieces.push(Err(Unreadable { text: part.trim().to_owned(), reason: Reason::ScientificNotation }));
        } else if is_grouped_by_commas(part) {
            part_pieces(&part.replace(',', " "), &mut pieces);
        } else {
            for part in part.split(',') {
                part_pieces(part, &mut pieces);
            }
        }
    }
    pieces
}

/// The pieces of a part that holds no separator but words, plus signs and gaps.
fn part_pieces(part: &str, into: &mut Vec<Result<Piece, Unreadable>>) {
    let part = part.trim();
    if !part.bytes().any(|byte| byte.is_ascii_digit()) {
        return;
    }
    if is_scientific(part) {
        into.push(Err(Unreadable { text: part.to_owned(), reason: Reason::ScientificNotation }));
        return;
    }
    let (body, extension) = take_extension(part);
    let start = into.len();
    for (from, to) in spans(body) {
        into.push(piece(&body[from..to]));
    }
    if let Some(extension) = extension {
        match into[start..].last_mut() {
            Some(Ok(piece)) => {
                piece.extension = Some(extension);
                part.clone_into(&mut piece.text);
            }
            _ => into.push(Err(Unreadable { text: part.to_owned(), reason: Reason::NoDigits })),
        }
    }
}

/// Cuts `ext. 12`, `poste 12`, `x12` and `#12` off the end of a number.
fn take_extension(part: &str) -> (&str, Option<String>) {
    let head = part.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &part[head.len()..];
    if digits.is_empty() || digits.len() > 7 {
        return (part, None);
    }
    let mark = head.trim_end_matches([' ', '.', ':', '-']);
    let lower = mark.to_ascii_lowercase();
    let Some(word) = ["extension", "extn", "ext", "poste", "x", "#"].into_iter().find(|word| lower.ends_with(word))
    else {
        return (part, None);
    };
    let body = &part[..mark.len() - word.len()];
    let apart = !body.ends_with(|c: char| c.is_alphabetic());
    // A number must stand before its extension: seven digits is the shortest that is no short code.
    if apart && body.bytes().filter(u8::is_ascii_digit).count() >= 3 {
        (body.trim_end(), Some(digits.to_owned()))
    } else {
        (part, None)
    }
}

/// Where the numbers stand: words that stand alone and plus signs after digits separate them.
fn spans(text: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut start = 0;
    let mut has_digit = false;
    let mut word: Option<usize> = None;
    let bytes = text.as_bytes();
    let beside_digit = |from: usize, to: usize| {
        (from > 0 && bytes[from - 1].is_ascii_digit()) || bytes.get(to).is_some_and(u8::is_ascii_digit)
    };
    let mut cut = |start: &mut usize, at: usize, next: usize, has_digit: &mut bool| {
        if *has_digit {
            spans.push((*start, at));
        }
        *start = next;
        *has_digit = false;
    };
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if c.is_alphabetic() {
            word.get_or_insert(at);
            continue;
        }
        if let Some(from) = word.take() {
            let length = text[from..at].chars().count();
            // A letter or two that touch a digit are a typing mistake within the number; a word is a label.
            if !beside_digit(from, at) || length > 2 {
                cut(&mut start, from, at, &mut has_digit);
            } else {
                has_digit = true;
            }
        }
        if c == '+' && has_digit {
            cut(&mut start, at, at, &mut has_digit);
        }
        has_digit |= c.is_ascii_digit();
    }
    cut(&mut start, text.len(), text.len(), &mut has_digit);
    spans
}

/// One piece from the text of one number.
fn piece(text: &str) -> Result<Piece, Unreadable> {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '+' | '(' | ')' | '*' | '#'));
    let refuse = |reason| Err(Unreadable { text: text.to_owned(), reason });
    let mut body = text;
    // A number column that was read as a decimal.
    if let Some((whole, fraction)) = text.split_once('.')
        && whole.len() >= 7
        && !fraction.is_empty()
        && whole.bytes().all(|byte| byte.is_ascii_digit())
        && fraction.bytes().all(|byte| byte == b'0')
    {
        body = whole;
    }
    let mut piece =
        Piece { text: text.to_owned(), plus: false, digits: String::new(), groups: Vec::new(), extension: None };
    let (mut group, mut gap) = (0, 0_u8);
    for c in body.chars() {
        match c {
            '0'..='9' => {
                if group > 0 && gap > 0 {
                    piece.groups.push((group, gap > 1));
                    group = 0;
                }
                gap = 0;
                group += 1;
                piece.digits.push(c);
            }
            '+' if piece.digits.is_empty() => piece.plus = true,
            '*' => return refuse(Reason::Star),
            c if c.is_alphabetic() => return refuse(Reason::Letter { letter: c }),
            // `0990000001 - 0990000002` has a wide gap, `0990-000-001` has not.
            ' ' => gap = gap.saturating_add(1),
            _ => gap = gap.max(1),
        }
    }
    piece.groups.push((group, false));
    Ok(piece)
}
