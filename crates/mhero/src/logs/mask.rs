//! What is masked in a log, and how.

/// As many digits as a phone number has at least, its country code or not.
pub(super) const PHONE_DIGITS: usize = 7;

/// Fields that hold what people are called, what they write, where they are reached, and what opens doors.
const PRIVATE: &[&str] = &[
    "address",
    "authorization",
    "body",
    "content",
    "first_name",
    "last_name",
    "msisdn",
    "name",
    "password",
    "phone",
    "secret",
    "short_message",
    "text",
    "token",
    "urn",
];

/// Endings of the names of fields whose numbers are measures.
const UNITS: &[&str] = &["_ms", "_us", "_ns", "_s", "_at", "_bytes", "_kb", "_mb", "_count", "count", "rows", "epoch"];

/// Whether a field is masked whole: by its name, unless its value is an address of the internet.
pub(super) fn is_private(field: &str, value: &str) -> bool {
    PRIVATE.contains(&field) && value.parse::<std::net::SocketAddr>().is_err()
}

/// Whether the name of a field says that its number is a measure.
pub(super) fn has_unit(field: &str) -> bool {
    UNITS.iter().any(|unit| field.ends_with(unit))
}

/// What stands for a text that is masked whole.
pub(super) fn hidden(text: &str) -> String {
    format!("[{} characters]", text.chars().count())
}

/// A text without phone numbers, and without the private fields of structs in debug form.
pub(super) fn text(text: &str) -> String {
    phones(&debug_fields(text))
}

/// Masks the quoted values of private fields in a debug form or in JSON: `text: "..."`, `"text":"..."`.
fn debug_fields(text: &str) -> String {
    if !text.contains('"') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(colon) = rest.find(':') {
        let (before, after) = rest.split_at(colon + 1);
        out.push_str(before);
        rest = after;
        let name = before[..colon].trim_end_matches(['"', '\\']);
        let name = &name[name.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1)..];
        let value = after.trim_start_matches(' ');
        let value = value.strip_prefix("Some(").unwrap_or(value);
        if PRIVATE.contains(&name)
            && let Some(quoted) = value.strip_prefix('"')
        {
            let end = end_of_quoted(quoted);
            out.push_str(" \"");
            out.push_str(&hidden(&quoted[..end]));
            rest = &quoted[end..];
        }
    }
    out.push_str(rest);
    out
}

/// Where the quote is that closes a quoted text; its length if none does.
fn end_of_quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    text.len()
}

/// Masks what may be a phone number.
fn phones(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let starts_word = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        if starts_word && let Some(length) = harmless(&text[at..]) {
            out.push_str(&text[at..at + length]);
            at += length;
        } else if c.is_ascii_digit() {
            let (length, digits) = number(&text[at..]);
            let found = &text[at..at + length];
            if digits >= PHONE_DIGITS {
                let last: String = found.chars().filter(char::is_ascii_digit).skip(digits - 2).collect();
                while out.ends_with(['+', '(']) {
                    out.pop();
                }
                out.push_str("***");
                out.push_str(&last);
            } else {
                out.push_str(found);
            }
            at += length;
        } else {
            out.push(c);
            at += c.len_utf8();
        }
    }
    out
}

/// The length of digits and separators that belong together, and how many digits. At most two separators stand side
/// by side, and the last character is a digit.
fn number(text: &str) -> (usize, usize) {
    let (mut length, mut digits, mut separators) = (0, 0, 0);
    for (at, c) in text.char_indices() {
        if c.is_ascii_digit() {
            (length, digits, separators) = (at + 1, digits + 1, 0);
        } else if matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}') && separators < 2 {
            separators += 1;
        } else {
            break;
        }
    }
    (length, digits)
}

/// The length of a UUID, a date with or without its time, an IPv4 address, or a decimal with a unit of time, at the
/// start of a text.
fn harmless(text: &str) -> Option<usize> {
    shape(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
        .or_else(|| timestamp(text))
        .or_else(|| ipv4(text))
        .or_else(|| duration(text))
}

/// The length of `2026-11-23`, `2026-11-23T08:00:00.123456Z` and what is between.
fn timestamp(text: &str) -> Option<usize> {
    let date = shape(text, "dddd-dd-dd")?;
    let (year, month, day) = (&text[..4], &text[5..7], &text[8..10]);
    if !(("1900".."2200").contains(&year) && ("01".."13").contains(&month) && ("01".."32").contains(&day)) {
        return None;
    }
    let Some(time) = text[date..].strip_prefix(['T', ' ']).and_then(|rest| prefix(rest, "dd:dd:dd")) else {
        return Some(date);
    };
    let mut length = date + 1 + time;
    if let Some(fraction) = text[length..].strip_prefix('.') {
        length += 1 + fraction.bytes().take_while(u8::is_ascii_digit).count();
    }
    Some(length)
}

/// The length of `192.168.100.200`.
fn ipv4(text: &str) -> Option<usize> {
    let length = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let address = text[..length].trim_end_matches('.');
    address.parse::<std::net::Ipv4Addr>().ok().map(|_| address.len())
}

/// The length of `1.234567891s`, as the debug form of a duration writes it.
fn duration(text: &str) -> Option<usize> {
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text[whole..].strip_prefix('.')?;
    let fraction = rest.bytes().take_while(u8::is_ascii_digit).count();
    let unit = &rest[fraction..];
    (1..PHONE_DIGITS).contains(&whole).then_some(())?;
    ["ms", "µs", "ns", "s"]
        .iter()
        .find(|known| unit.strip_prefix(**known).is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric())))
        .map(|known| whole + 1 + fraction + known.len())
}

/// As [`prefix`], where no letter or digit follows.
fn shape(text: &str, pattern: &str) -> Option<usize> {
    let length = prefix(text, pattern)?;
    let ends = !text[length..].starts_with(|c: char| c.is_ascii_digit() || (c.is_ascii_alphabetic() && c != 'T'));
    ends.then_some(length)
}

/// The length of the pattern if the text starts with it: `x` is a hexadecimal digit, `d` a decimal one.
fn prefix(text: &str, pattern: &str) -> Option<usize> {
    let head = text.as_bytes().get(..pattern.len())?;
    let fits = head.iter().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
        b'x' => byte.is_ascii_hexdigit(),
        b'd' => byte.is_ascii_digit(),
        other => *byte == other,
    });
    fits.then_some(pattern.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_in_every_spelling_are_masked() {
        let cases = [
            ("+231990000001", "***01"),
            ("tel:+231990000001 left", "tel:***01 left"),
            ("0886609940/0770875423", "***23"),
            ("(+231) 0886-609-940", "***40"),
            ("call 0886 609 940, now", "call ***40, now"),
            ("0886.609.940", "***40"),
            ("x231990000001y", "x***01y"),
            ("1234567", "***67"),
            ("123456", "123456"),
            ("port 8080, 200 OK", "port 8080, 200 OK"),
            ("at 2026-11-23 08:15:00.123456Z from 10.0.0.1:8080", "at 2026-11-23 08:15:00.123456Z from 10.0.0.1:8080"),
            ("2026-11-23", "2026-11-23"),
            ("2026-11-2309", "***09"),
            ("192.168.100.200", "192.168.100.200"),
            ("took 1.234567891s", "took 1.234567891s"),
            ("0192f3a0-0000-7000-8000-000000000001", "0192f3a0-0000-7000-8000-000000000001"),
            ("é 0886609940 é", "é ***40 é"),
            ("1-800", "1-800"),
        ];
        for (given, expected) in cases {
            assert_eq!(text(given), expected, "{given}");
        }
    }

    #[test]
    fn private_fields_of_debug_forms_are_masked() {
        let cases = [
            (r#"Out { text: "I am \"ill\"", to: 3 }"#, r#"Out { text: "[12 characters]", to: 3 }"#),
            (r#"Out { text: Some("ill"), to: 3 }"#, r#"Out { text: "[3 characters]"), to: 3 }"#),
            (r#"{"name":"Comfort","age":30}"#, r#"{"name": "[7 characters]","age":30}"#),
            (r#"context: "shown", text: "cut"#, r#"context: "shown", text: "[3 characters]"#),
            ("no quote: here", "no quote: here"),
        ];
        for (given, expected) in cases {
            assert_eq!(text(given), expected, "{given}");
        }
    }
}
