//! Templates: text with `@name`, `@FUNCTION(...)` and `@(expression)` in it. `@@` stands for one `@`.

use super::parse::name_length;
use super::print::Dialect;
use super::{Expr, Operator, parse};

/// A stretch of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece<'a> {
    /// Plain text, with single signs.
    Text(String),
    /// A dotted name, without its sign.
    Name(&'a str),
    /// An expression, without its sign and, if it has such, its brackets.
    Expression(&'a str),
}

/// Splits a template of one of the languages. FLOIP knows calls without brackets around them, too.
pub(super) fn split(source: &str, dialect: Dialect) -> Vec<Piece<'_>> {
    let floip = dialect == Dialect::Floip;
    let is_root = |root: &str| {
        if floip { FLOIP_ROOTS.contains(&root) } else { flow::expression::ROOTS.contains(&root) }
    };
    let mut found = Vec::new();
    let mut text = String::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once('@') {
        text.push_str(before);
        let (piece, length) = if after.starts_with('@') {
            text.push('@');
            (None, 1)
        } else if after.starts_with('(') {
            match closing(after, dialect) {
                Some(end) => (Some(Piece::Expression(&after[1..end - 1])), end),
                None if floip => (None, 0),
                // What isn't closed goes on to the end.
                None => {
                    text.push('@');
                    rest = after;
                    break;
                }
            }
        } else {
            let length = name_length(after);
            let name = &after[..length];
            let root = name.split('.').next().unwrap_or_default().to_lowercase();
            match after[length..].starts_with('(').then(|| closing(&after[length..], dialect)).flatten() {
                Some(end) if floip && length > 0 && !name.contains('.') => {
                    (Some(Piece::Expression(&after[..length + end])), length + end)
                }
                _ if length > 0 && is_root(&root) => (Some(Piece::Name(name)), length),
                _ => (None, 0),
            }
        };
        if piece.is_none() && length == 0 {
            text.push('@');
        }
        if let Some(piece) = piece {
            if !text.is_empty() {
                found.push(Piece::Text(std::mem::take(&mut text)));
            }
            found.push(piece);
        }
        rest = &after[length..];
    }
    text.push_str(rest);
    if !text.is_empty() {
        found.push(Piece::Text(text));
    }
    found
}

/// The length of a bracketed expression, if it is closed. Brackets within texts don't count; ours are in double quotes
/// and have escapes.
fn closing(source: &str, dialect: Dialect) -> Option<usize> {
    let floip = dialect == Dialect::Floip;
    let (mut open, mut quote) = (0_usize, None);
    let mut chars = source.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') if !floip => drop(chars.next()),
            (Some(end), c) if c == end => quote = None,
            (None, '"') => quote = Some(c),
            (None, '\'') if floip => quote = Some(c),
            (None, '\u{2018}') if floip => quote = Some('\u{2019}'),
            (None, '\u{201c}') if floip => quote = Some('\u{201d}'),
            (None, '(') => open += 1,
            (None, ')') if open == 1 => return Some(at + 1),
            (None, ')') => open = open.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The names that a template of FLOIP may start with.
pub(super) const FLOIP_ROOTS: [&str; 11] =
    ["block", "channel", "child", "contact", "date", "flow", "parent", "results", "run", "session", "steps"];

/// A text in which nothing is evaluated by us.
pub(in crate::floip) fn literal(text: &str) -> String {
    let escaped = before_more(text);
    match escaped.strip_suffix("@@") {
        // A sign at the end means itself.
        Some(start) if !start.ends_with('@') => format!("{start}@"),
        _ => escaped,
    }
}

/// A text in which nothing is evaluated by us, whatever follows it.
fn before_more(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        out.push_str(before);
        let root = after[..name_length(after)].split('.').next().unwrap_or_default().to_lowercase();
        let means = after.starts_with(['@', '(']) || flow::expression::ROOTS.contains(&root.as_str());
        out.push_str(if means || after.is_empty() { "@@" } else { "@" });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What a template of ours says when nothing in it is evaluated.
pub(in crate::floip) fn literal_of(template: &str) -> Option<String> {
    match split(template, Dialect::Ours).as_slice() {
        [] => Some(String::new()),
        [Piece::Text(text)] => Some(text.clone()),
        _ => None,
    }
}

/// Whether `next` would be read as part of a name that stands before it.
pub(super) fn continues_name(next: &str) -> bool {
    let mut chars = next.chars();
    match chars.next() {
        Some('.') => chars.next().is_some_and(|c| c.is_alphanumeric() || c == '_'),
        Some('(') => true,
        Some(c) => c.is_alphanumeric() || c == '_',
        None => false,
    }
}

/// A value that is an expression by its place, though it may be written as a template or as a bare text.
pub(super) enum Written<'a> {
    Template(&'a str),
    Expression(Expr),
    Literal(&'a str),
}

/// How a value is written. A bare word, or a sentence, is a text; an expression must have something of one.
pub(super) fn written(source: &str) -> Written<'_> {
    if source.contains('@') {
        return Written::Template(source);
    }
    match parse(source) {
        Ok(expr) if tells(&expr) => Written::Expression(expr),
        _ => Written::Literal(source),
    }
}

fn tells(expr: &Expr) -> bool {
    match expr {
        Expr::Path(path) => {
            path.len() > 1 && FLOIP_ROOTS.contains(&path[0].to_lowercase().as_str()) || path[0] == "block"
        }
        Expr::Text(_) | Expr::Call(..) => true,
        Expr::Negate(inner) => tells(inner),
        Expr::Binary(_, left, right) => tells(left) || tells(right),
        _ => false,
    }
}

/// The text of pieces that are printed already: `(is an expression, text)`, with names bare where they may be.
pub(super) fn join(pieces: Vec<Printed>, dialect: Dialect) -> String {
    let mut out = String::new();
    let count = pieces.len();
    let mut pieces = pieces.into_iter().peekable();
    while let Some(piece) = pieces.next() {
        match piece {
            Printed::Text(text) if dialect == Dialect::Ours => {
                let last = pieces.peek().is_none();
                out.push_str(&if last { literal(&text) } else { before_more(&text) });
            }
            Printed::Text(text) => out.push_str(&text.replace('@', "@@")),
            Printed::Value { expr, bare } => {
                let text = expr.print(dialect);
                let next = match pieces.peek() {
                    Some(Printed::Text(next)) => continues_name(next),
                    _ => false,
                };
                let constant = dialect == Dialect::Ours && count == 1;
                match &expr {
                    Expr::Text(text) | Expr::Number(text) if constant => out.push_str(&literal(text)),
                    Expr::Path(_) if bare && !next => {
                        out.push('@');
                        out.push_str(&text);
                    }
                    _ => {
                        out.push_str("@(");
                        out.push_str(&text);
                        out.push(')');
                    }
                }
            }
        }
    }
    out
}

/// Pieces as one expression.
pub(super) fn joined(pieces: Vec<Printed>) -> Expr {
    let exprs = pieces.into_iter().map(|piece| match piece {
        Printed::Text(text) => Expr::Text(text),
        Printed::Value { expr, .. } => expr,
    });
    let all = exprs.reduce(|left, right| Expr::binary(Operator::Concatenate, left, right));
    all.unwrap_or_else(|| Expr::Text(String::new()))
}

/// A piece after its translation.
pub(super) enum Printed {
    Text(String),
    Value {
        expr: Expr,
        /// Whether it was a bare name.
        bare: bool,
    },
}
