//! Values as JSON and from JSON, numbers with all their digits.

use std::fmt::Write;
use std::sync::Arc;

use super::decimal::Decimal;
use super::error::{Error, Result};
use super::value::{Object, Value};

/// Deepest nesting of arrays and objects that is read.
const MAX_NESTING: usize = 128;

impl Value {
    /// Appends the value as JSON: members sorted by name, functions and errors as null, dates and times as text.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Self::Null | Self::Function(_) | Self::Error(_) => out.push_str("null"),
            Self::Text(text) => write_string(out, text),
            Self::Number(_) | Self::Bool(_) => _ = self.write_text(out),
            Self::DateTime(_) | Self::Date(_) | Self::Time(_) => {
                out.push('"');
                _ = self.write_text(out);
                out.push('"');
            }
            Self::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Self::Object(object) => {
                out.push('{');
                for (i, (name, value)) in object.members().into_iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(out, &name);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// The value as JSON text.
    pub fn to_json_text(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    /// The value as a JSON document. Numbers are kept as close as JSON numbers there can be; [`Self::to_json_text`] has
    /// all digits.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::from_str(&self.to_json_text()).unwrap_or_default()
    }

    /// A value from a JSON document.
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::String(text) => Self::from(text.as_str()),
            serde_json::Value::Number(number) => read_number(&number.to_string()),
            serde_json::Value::Array(items) => Self::array(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(members) => {
                Self::object(members.iter().map(|(name, value)| (name.as_str(), Self::from_json(value))))
            }
        }
    }

    /// A value from JSON text; `None` when it isn't valid JSON.
    pub fn parse_json(text: &str) -> Option<Self> {
        let mut reader = Reader { text, at: 0, nesting: 0 };
        let value = reader.value()?;
        reader.space();
        (reader.at == text.len()).then_some(value)
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => _ = write!(out, "\\u{:04x}", u32::from(control)),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// A JSON number, which may have an exponent.
fn read_number(text: &str) -> Value {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let number = || -> Result<Decimal> {
        let digits: Decimal = digits.parse()?;
        let exponent = exponent.strip_prefix('+').unwrap_or(exponent).parse::<i32>();
        digits.shift(exponent.map_err(|_| Error::new("number value out of range"))?)
    };
    number().into()
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    nesting: usize,
}

impl Reader<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        self.text[self.at..].starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self) -> Option<Value> {
        self.space();
        match self.byte()? {
            b'n' => self.word("null", Value::Null),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'"' => self.string().map(Value::from),
            b'[' => {
                self.at += 1;
                self.nesting += 1;
                let mut items = Vec::new();
                if self.nesting > MAX_NESTING {
                    return None;
                }
                if !self.eat(b']') {
                    loop {
                        items.push(self.value()?);
                        if self.eat(b']') {
                            break;
                        }
                        self.eat(b',').then_some(())?;
                    }
                }
                self.nesting -= 1;
                Some(Value::array(items))
            }
            b'{' => {
                self.at += 1;
                self.nesting += 1;
                let mut members: Vec<(Arc<str>, Value)> = Vec::new();
                if self.nesting > MAX_NESTING {
                    return None;
                }
                if !self.eat(b'}') {
                    loop {
                        self.space();
                        let name = self.string()?;
                        self.eat(b':').then_some(())?;
                        members.push((name.into(), self.value()?));
                        if self.eat(b'}') {
                            break;
                        }
                        self.eat(b',').then_some(())?;
                    }
                }
                self.nesting -= 1;
                Some(Value::from(Object::new(members)))
            }
            _ => self.number(),
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.byte().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.byte() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return None;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return None;
            }
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return None;
            }
        }
        Some(read_number(&self.text[start..self.at]))
    }

    fn string(&mut self) -> Option<String> {
        if self.byte() != Some(b'"') {
            return None;
        }
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ')?;
            out.push_str(&rest[..plain]);
            self.at += plain + 1;
            match rest.as_bytes()[plain] {
                b'"' => return Some(out),
                b'\\' => {}
                _ => return None,
            }
            let kind = self.byte()?;
            self.at += 1;
            out.push(match kind {
                b'"' | b'\\' | b'/' => char::from(kind),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => {
                    let high = self.hex()?;
                    let pair = (0xD800..0xDC00).contains(&high) && self.text[self.at..].starts_with("\\u");
                    if pair {
                        let back = self.at;
                        self.at += 2;
                        let low = self.hex()?;
                        if (0xDC00..0xE000).contains(&low) {
                            char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
                        } else {
                            self.at = back;
                            None
                        }
                    } else {
                        char::from_u32(high)
                    }
                    .unwrap_or(char::REPLACEMENT_CHARACTER)
                }
                _ => return None,
            });
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}
