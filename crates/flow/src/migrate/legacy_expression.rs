//! Expressions of legacy definitions (versions 10 and 11), rewritten in today's language.
//!
//! The old language had eight roots, names with dots in them, `<>` for `!=` and a doubled quote inside texts; dates could
//! be added to. Each expression is translated while it is parsed. One that can't be parsed stays as it is.

use crate::expression::{ROOTS, quote};

mod functions;
mod names;

/// The names that an identifier in a legacy template could start with.
const OLD_ROOTS: [&str; 8] = ["channel", "child", "contact", "date", "extra", "flow", "parent", "step"];
/// Deepest nesting of brackets that is translated.
const MAX_NESTING: usize = 100;

/// How a template is translated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Dates stay dates rather than being formatted as text, for comparing.
    pub raw_dates: bool,
    /// Each value is encoded for a URL.
    pub url_encode: bool,
    /// An expression with an error gives its own text, as it did.
    pub default_to_self: bool,
}

/// A template in today's language.
pub fn migrate(template: &str, options: &Options) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('@') {
        out.push_str(before);
        if let Some(tail) = after.strip_prefix('@') {
            out.push_str("@@");
            rest = tail;
            continue;
        }
        let length = if after.starts_with('(') { closing(after) } else { identifier(after) };
        let Some(length) = length else {
            out.push('@');
            rest = after;
            continue;
        };
        let (source, tail) = after.split_at(length);
        rest = tail;
        let inner = source.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(source);
        if let Some(translated) = translate(inner, *options) {
            write(&mut out, &translated, source, *options);
        } else {
            out.push('@');
            out.push_str(source);
        }
    }
    out.push_str(rest);
    out
}

/// The bytes of a parenthesised expression, if it is closed. Texts in it have no escapes.
fn closing(source: &str) -> Option<usize> {
    let (mut open, mut quoted) = (0_usize, false);
    for (at, byte) in source.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'(' if !quoted => open += 1,
            b')' if !quoted && open == 1 => return Some(at + 1),
            b')' if !quoted => open -= 1,
            _ => {}
        }
    }
    None
}

/// The bytes of an identifier that starts with an old root; dots at its end don't belong to it.
fn identifier(source: &str) -> Option<usize> {
    let end = source.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(source.len());
    // A doubled dot ends it too.
    let end = source[..end].find("..").unwrap_or(end);
    let name = source[..end].trim_end_matches('.');
    let root = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    OLD_ROOTS.contains(&root.as_str()).then_some(name.len())
}

/// Appends a translated expression in its shortest form.
fn write(out: &mut String, translated: &str, source: &str, options: Options) {
    if translated == "\"\"" {
        return;
    }
    let wrapped = if options.default_to_self {
        let own = quote(&format!("@{source}"));
        Some(format!("if(is_error({translated}), {own}, {translated})"))
    } else if options.url_encode {
        Some(format!("url_encode({translated})"))
    } else {
        None
    };
    let translated = wrapped.as_deref().unwrap_or(translated);
    out.push('@');
    if is_path(translated) {
        out.push_str(translated);
    } else {
        out.push('(');
        out.push_str(translated);
        out.push(')');
    }
}

/// Whether an expression is a plain path that may stand in a template without parentheses.
fn is_path(expression: &str) -> bool {
    let names = || expression.split('.');
    names().all(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        && names().next().is_some_and(|root| ROOTS.contains(&root))
}

/// What is known of an expression's type, which decides how sums are translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    DateTime,
    Date,
    Time,
    Unknown,
}

/// A translated expression.
#[derive(Clone, Debug)]
struct Translated {
    text: String,
    kind: Kind,
    /// How tightly its outermost operator binds; see [`LEVELS`].
    level: usize,
}

/// The level of what needs no parentheses anywhere.
const ATOM: usize = 7;
/// The level of a minus sign.
const NEGATION: usize = 6;

impl Translated {
    fn atom(text: impl Into<String>, kind: Kind) -> Self {
        Self { text: text.into(), kind, level: ATOM }
    }

    /// The text as an operand at a level.
    fn operand(&self, level: usize) -> String {
        if self.level < level { format!("({})", self.text) } else { self.text.clone() }
    }

    /// The number that it literally is.
    fn literal(&self) -> Option<i64> {
        self.text.parse().ok()
    }
}

/// Operators by level, loosest first, each with what it has become; longer symbols before their beginnings.
const LEVELS: [&[(&str, &str)]; 6] = [
    &[("&", "&")],
    &[("<>", "!="), ("=", "=")],
    &[("<=", "<="), (">=", ">="), ("<", "<"), (">", ">")],
    &[("+", "+"), ("-", "-")],
    &[("*", "*"), ("/", "/")],
    &[("^", "^")],
];
const SUMS: usize = 3;

/// An expression in today's language, or `None` when it can't be parsed.
fn translate(source: &str, options: Options) -> Option<String> {
    let mut parser = Parser { source, at: 0, nesting: 0, options };
    let translated = parser.level(0)?;
    parser.space();
    (parser.at == source.len()).then_some(translated.text)
}

struct Parser<'s> {
    source: &'s str,
    at: usize,
    nesting: usize,
    options: Options,
}

impl<'s> Parser<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, symbol: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(symbol);
        self.at += if found { symbol.len() } else { 0 };
        found
    }

    fn run(&mut self, accept: impl Fn(char) -> bool) -> &'s str {
        let rest = self.rest();
        let length = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn level(&mut self, level: usize) -> Option<Translated> {
        let Some(operators) = LEVELS.get(level) else { return self.negation() };
        let mut left = self.level(level + 1)?;
        loop {
            self.space();
            // What looks like a comparison may be the beginning of a not-equal sign of another level.
            let found = operators.iter().find(|(symbol, _)| self.rest().starts_with(symbol));
            let Some((symbol, operator)) = found.filter(|_| level != 2 || !self.rest().starts_with("<>")) else {
                return Some(left);
            };
            self.at += symbol.len();
            let right = self.level(level + 1)?;
            left = if level == SUMS {
                add(&left, &right, *operator == "-", self.options)
            } else {
                let text = format!("{} {operator} {}", left.operand(level), right.operand(level + 1));
                Translated { text, kind: Kind::Unknown, level }
            };
        }
    }

    fn negation(&mut self) -> Option<Translated> {
        let mut count = 0;
        while self.eat("-") {
            count += 1;
        }
        let operand = self.atom()?;
        if count == 0 {
            return Some(operand);
        }
        let kind = if operand.kind == Kind::Number { Kind::Number } else { Kind::Unknown };
        Some(Translated { text: format!("{}{}", "-".repeat(count), operand.operand(ATOM)), kind, level: NEGATION })
    }

    fn atom(&mut self) -> Option<Translated> {
        self.space();
        match self.rest().chars().next()? {
            '(' => {
                self.at += 1;
                self.nesting += 1;
                if self.nesting > MAX_NESTING {
                    return None;
                }
                let inner = self.level(0)?;
                self.nesting -= 1;
                self.eat(")").then(|| Translated::atom(format!("({})", inner.text), Kind::Unknown))
            }
            '"' => self.text().map(|text| Translated::atom(quote(&text), Kind::Unknown)),
            '0'..='9' => {
                let number = self.run(|c| c.is_ascii_digit() || c == '.');
                let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
                let valid = !whole.is_empty() && !decimals.is_empty() && !decimals.contains('.');
                valid.then(|| Translated::atom(number, Kind::Number))
            }
            first if first.is_ascii_alphabetic() => {
                let name = self.run(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.').to_ascii_lowercase();
                if self.eat("(") {
                    let arguments = self.arguments()?;
                    return functions::call(&name, &arguments);
                }
                match name.as_str() {
                    "true" | "false" => Some(Translated::atom(name, Kind::Unknown)),
                    _ if name.ends_with('.') || name.contains("..") => None,
                    _ => Some(names::lookup(&name, self.options)),
                }
            }
            _ => None,
        }
    }

    fn arguments(&mut self) -> Option<Vec<Translated>> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return None;
        }
        let mut arguments = Vec::new();
        if !self.eat(")") {
            loop {
                arguments.push(self.level(0)?);
                if self.eat(")") {
                    break;
                }
                if !self.eat(",") {
                    return None;
                }
            }
        }
        self.nesting -= 1;
        Some(arguments)
    }

    /// A text, in which a doubled quote stands for one.
    fn text(&mut self) -> Option<String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let (part, _) = self.rest().split_once('"')?;
            text.push_str(part);
            self.at += part.len() + 1;
            if !self.rest().starts_with('"') {
                return Some(text);
            }
            text.push('"');
            self.at += 1;
        }
    }
}

/// A sum or difference. Dates take days, datetimes also times of day; where nothing is known of a side, a function
/// decides when the flow runs.
fn add(left: &Translated, right: &Translated, minus: bool, options: Options) -> Translated {
    let sign = if minus { "-" } else { "" };
    let days = |date: &Translated, number: &Translated| {
        let added = format!("datetime_add({}, {sign}{}, \"D\")", date.text, number.operand(NEGATION));
        if date.kind == Kind::Date && !options.raw_dates {
            Translated::atom(format!("format_date({added})"), Kind::Date)
        } else {
            Translated::atom(added, date.kind)
        }
    };
    match (left.kind, right.kind) {
        (Kind::Number, Kind::Number) => {
            let operator = if minus { "-" } else { "+" };
            let text = format!("{} {operator} {}", left.operand(SUMS), right.operand(SUMS + 1));
            Translated { text, kind: Kind::Number, level: SUMS }
        }
        (Kind::DateTime | Kind::Date, Kind::Number) => days(left, right),
        (Kind::Number, Kind::DateTime | Kind::Date) if !minus => days(right, left),
        (Kind::DateTime, Kind::Time) => {
            let time = &right.text;
            let minutes = format!("format_time({time}, \"tt\") * 60 + format_time({time}, \"m\")");
            let minutes = if minus { format!("-({minutes})") } else { minutes };
            Translated::atom(format!("datetime_add({}, {minutes}, \"m\")", left.text), Kind::DateTime)
        }
        (_, Kind::Time) if !minus => {
            Translated::atom(format!("replace_time({}, {})", left.text, right.text), Kind::DateTime)
        }
        _ => {
            let right = if minus { format!("-{}", right.operand(NEGATION)) } else { right.text.clone() };
            Translated::atom(format!("legacy_add({}, {right})", left.text), Kind::Unknown)
        }
    }
}
