//! Templates: text with identifiers (`@contact.name`) and expressions (`@(1 + 2)`) in it.

use std::sync::Arc;

use super::ast::{Node, Step};
use super::error::{Error, Result};
use super::eval::{Problem, Scope};
use super::fold::fold;
use super::parse::{continues_name, parse, text_length};
use super::value::Value;

/// The names that an identifier in a template may start with; any other `@name` is plain text.
pub const ROOTS: [&str; 16] = [
    "child",
    "contact",
    "fields",
    "globals",
    "input",
    "legacy_extra",
    "locals",
    "node",
    "parent",
    "results",
    "resume",
    "run",
    "ticket",
    "trigger",
    "urns",
    "webhook",
];

/// Most characters of the text that a template gives.
pub const MAX_CHARACTERS: usize = 10_000;

/// A stretch of a template's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'s> {
    /// Plain text.
    Text(&'s str),
    /// `@@`, which stands for one `@`.
    Escape,
    /// An identifier, without its `@`.
    Identifier(&'s str),
    /// An expression, without `@(` and `)`.
    Expression(&'s str),
}

/// Splits a template into its pieces. An identifier counts only when `is_root` accepts its first name in lower case.
pub(crate) fn pieces<'s>(source: &'s str, is_root: &dyn Fn(&str) -> bool) -> Vec<Piece<'s>> {
    let mut found = Vec::new();
    let mut text_from = 0;
    let mut at = 0;
    while let Some(offset) = source[at..].find('@') {
        let sign = at + offset;
        let rest = &source[sign + 1..];
        let (piece, length) = if rest.starts_with('@') {
            (Piece::Escape, 1)
        } else if rest.starts_with('(') {
            // An expression that isn't closed goes on to the end, and is plain text.
            let Some(length) = expression_length(rest) else { break };
            (Piece::Expression(&rest[1..length - 1]), length)
        } else {
            let length = identifier_length(rest);
            let identifier = &rest[..length];
            let root = identifier.split('.').next().unwrap_or_default();
            if length == 0 || !is_root(&root.to_lowercase()) {
                at = sign + 1;
                continue;
            }
            (Piece::Identifier(identifier), length)
        };
        if text_from < sign {
            found.push(Piece::Text(&source[text_from..sign]));
        }
        found.push(piece);
        at = sign + 1 + length;
        text_from = at;
    }
    if text_from < source.len() {
        found.push(Piece::Text(&source[text_from..]));
    }
    found
}

/// The bytes of `( ... )` at the start of `source`, if the parenthesis is closed.
fn expression_length(source: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut open = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'(' => open += 1,
            b')' if open == 1 => return Some(at + 1),
            b')' => open -= 1,
            b'"' => at += text_length(&source[at..])? - 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The bytes of the identifier at the start of `source`; dots belong to it only when a name goes on after them.
fn identifier_length(source: &str) -> usize {
    let mut length = 0;
    let mut characters = source.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let goes_on = continues_name(c)
            || (c == '.' && at > 0 && characters.peek().is_some_and(|(_, next)| continues_name(*next)));
        if !goes_on {
            break;
        }
        length = at + c.len_utf8();
    }
    length
}

/// A template, parsed once and evaluated many times.
#[derive(Clone, Debug)]
pub struct Template {
    source: Arc<str>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Expression { source: String, node: Result<Node> },
}

impl Template {
    /// Parses a template. What can't be parsed becomes an error when it is evaluated.
    pub fn parse(source: &str) -> Self {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let flush = |plain: &mut String, parts: &mut Vec<Part>| {
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(plain)));
            }
        };
        for piece in pieces(source, &|root| ROOTS.contains(&root)) {
            match piece {
                Piece::Text(text) => plain.push_str(text),
                Piece::Escape => plain.push('@'),
                Piece::Identifier(identifier) => {
                    flush(&mut plain, &mut parts);
                    let node = Ok(identifier_node(identifier));
                    parts.push(Part::Expression { source: format!("@{identifier}"), node });
                }
                Piece::Expression(expression) => {
                    flush(&mut plain, &mut parts);
                    let mut node = parse(expression);
                    if let Ok(node) = &mut node {
                        fold(node);
                    }
                    parts.push(Part::Expression { source: format!("@({expression})"), node });
                }
            }
        }
        flush(&mut plain, &mut parts);
        Self { source: source.into(), parts }
    }

    /// The text it was parsed from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it has neither identifiers nor expressions, so that it always gives the same text.
    pub fn is_constant(&self) -> bool {
        matches!(self.parts.as_slice(), [] | [Part::Text(_)])
    }

    /// The text it gives, cut to [`MAX_CHARACTERS`]. A part with an error adds nothing and is reported in
    /// `scope.errors`.
    pub fn text(&self, scope: &mut Scope) -> String {
        truncate(self.text_uncut(scope), MAX_CHARACTERS)
    }

    /// The text it gives, whatever its length, as for the body of a request.
    pub fn text_uncut(&self, scope: &mut Scope) -> String {
        self.write(scope, None)
    }

    /// The text it gives, cut to [`MAX_CHARACTERS`], with each inserted value passed through `escape`.
    pub fn text_escaped(&self, scope: &mut Scope, escape: &dyn Fn(&str) -> String) -> String {
        truncate(self.write(scope, Some(escape)), MAX_CHARACTERS)
    }

    fn write(&self, scope: &mut Scope, escape: Option<&dyn Fn(&str) -> String>) -> String {
        scope.begin();
        let mut out = String::with_capacity(self.source.len());
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expression { source, node } => {
                    let start = out.len();
                    let written = match told(scope, node) {
                        Some(text) => {
                            out.push_str(&text);
                            Ok(())
                        }
                        None => evaluate(scope, node).write_text(&mut out),
                    };
                    match written {
                        Ok(()) => {
                            if let Some(escape) = escape {
                                let escaped = escape(&out[start..]);
                                out.truncate(start);
                                out.push_str(&escaped);
                            }
                        }
                        Err(error) => {
                            out.truncate(start);
                            report(scope, source, &error);
                        }
                    }
                }
            }
        }
        out
    }

    /// The value it gives: typed when it is one identifier or expression with nothing but space around it, else the
    /// text. An error is reported in `scope.errors` too.
    pub fn value(&self, scope: &mut Scope) -> Value {
        match self.single() {
            Some((source, node)) => {
                scope.begin();
                let value = evaluate(scope, node);
                if let Value::Error(error) = &value {
                    report(scope, source, error);
                }
                value
            }
            None => Value::from(self.text(scope)),
        }
    }

    /// The only identifier or expression of the template, if there is nothing else but space.
    fn single(&self) -> Option<(&str, &Result<Node>)> {
        let blank = |part: &Part| matches!(part, Part::Text(text) if text.trim().is_empty());
        let mut rest = self.parts.iter().filter(|part| !blank(part));
        match (rest.next(), rest.next()) {
            // Space between two expressions would be a text; with one expression it can only be around it.
            (Some(Part::Expression { source, node }), None) => Some((source, node)),
            _ => None,
        }
    }
}

/// The text of a root or of its property, if the context can tell it without their value.
fn told(scope: &Scope, node: &Result<Node>) -> Option<String> {
    match node.as_ref().ok()? {
        Node::Name(root) => scope.context.text(root, None),
        Node::Postfix(base, steps) => match (&**base, steps.as_slice()) {
            (Node::Name(root), [Step::Property(property)]) => scope.context.text(root, Some(property)),
            _ => None,
        },
        _ => None,
    }
}

fn evaluate(scope: &mut Scope, node: &Result<Node>) -> Value {
    match node {
        Ok(node) => scope.evaluate(node),
        Err(error) => Value::Error(error.clone()),
    }
}

fn report(scope: &mut Scope, source: &str, error: &Error) {
    scope.errors.push(Problem {
        text: format!("Error evaluating expression: {error}"),
        code: if error.is_too_complex() { "expression:too_complex" } else { "expression" },
        expression: source.to_owned(),
    });
}

/// The tree of an identifier such as `contact.name`.
pub(crate) fn identifier_node(identifier: &str) -> Node {
    let mut names = identifier.split('.').map(|name| Arc::<str>::from(name.to_lowercase()));
    let root = Node::Name(names.next().unwrap_or_else(|| "".into()));
    let steps: Vec<Step> = names.map(Step::Property).collect();
    if steps.is_empty() { root } else { Node::Postfix(Box::new(root), steps) }
}

/// Cuts a template's result to `limit` characters; what is cut ends in `...`.
pub fn truncate(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let Some((cut, _)) = text.char_indices().nth(limit) else { return text };
    let keep = text.char_indices().nth(limit.saturating_sub(3)).map_or(cut, |(at, _)| at);
    format!("{}...", &text[..keep])
}
