//! The parser of expressions: recursive descent over the characters, one loop per level of binding.

use std::sync::Arc;

use super::ast::{Lambda, Node, Operator, Step};
use super::decimal::Decimal;
use super::error::{Error, Result};
use super::function;
use super::value::Value;

/// Deepest nesting of brackets and anonymous functions.
const MAX_NESTING: usize = 100;

/// Operators by level, loosest first; longer symbols before their beginnings.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("&", Operator::Concatenate)],
    &[("!=", Operator::NotEqual), ("=", Operator::Equal)],
    &[("<=", Operator::LessOrEqual), (">=", Operator::GreaterOrEqual), ("<", Operator::Less), (">", Operator::Greater)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
    &[("^", Operator::Power)],
];

/// Parses an expression, the text between `@(` and `)`.
pub fn parse(source: &str) -> Result<Node> {
    let mut parser = Parser { source, at: 0, nesting: 0, parameters: Vec::new() };
    let node = parser.expression()?;
    parser.space();
    if parser.at < source.len() {
        return Err(parser.syntax(parser.at));
    }
    Ok(node)
}

/// Whether a name may start with this character.
pub(crate) fn starts_name(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// Whether a name may go on with this character.
pub(crate) fn continues_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

struct Parser<'s> {
    source: &'s str,
    at: usize,
    nesting: usize,
    /// Parameters of the anonymous functions around this place; they hide functions of the same name.
    parameters: Vec<Arc<str>>,
}

impl<'s> Parser<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, symbol: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len();
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.eat(symbol) { Ok(()) } else { Err(self.syntax(self.at)) }
    }

    fn syntax(&self, at: usize) -> Error {
        let near: String = self.source[at..].chars().take(10).collect();
        Error::new(format!("syntax error at {near}"))
    }

    fn enter(&mut self) -> Result<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(Error::new("expression nesting too deep"));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.nesting -= 1;
    }

    fn expression(&mut self) -> Result<Node> {
        if let Some(parameters) = self.lambda_head() {
            self.enter()?;
            let outside = self.parameters.len();
            self.parameters.extend(parameters.iter().cloned());
            let body = self.expression()?;
            self.parameters.truncate(outside);
            self.leave();
            return Ok(Node::Lambda(Arc::new(Lambda { parameters, body })));
        }
        self.level(0)
    }

    /// The parameters when an anonymous function starts here; otherwise nothing is consumed.
    fn lambda_head(&mut self) -> Option<Vec<Arc<str>>> {
        let start = self.at;
        let parameters = self.try_lambda_head();
        if parameters.is_none() {
            self.at = start;
        }
        parameters
    }

    fn try_lambda_head(&mut self) -> Option<Vec<Arc<str>>> {
        if !self.eat("(") {
            return None;
        }
        let mut parameters = Vec::new();
        if !self.eat(")") {
            loop {
                self.space();
                parameters.push(Arc::from(self.name()?.to_lowercase()));
                if self.eat(")") {
                    break;
                }
                if !self.eat(",") {
                    return None;
                }
            }
        }
        self.eat("=>").then_some(parameters)
    }

    fn level(&mut self, level: usize) -> Result<Node> {
        let Some(operators) = LEVELS.get(level) else { return self.negation() };
        let first = self.level(level + 1)?;
        let mut rest = Vec::new();
        loop {
            self.space();
            // The arrow of an anonymous function is one sign, not a comparison.
            let ahead = if self.rest().starts_with("=>") { "" } else { self.rest() };
            let Some((symbol, operator)) = operators.iter().find(|(symbol, _)| ahead.starts_with(symbol)) else {
                break;
            };
            self.at += symbol.len();
            rest.push((*operator, self.level(level + 1)?));
        }
        Ok(if rest.is_empty() { first } else { Node::Chain(Box::new(first), rest) })
    }

    fn negation(&mut self) -> Result<Node> {
        let mut count = 0;
        while self.eat("-") {
            count += 1;
        }
        let operand = self.postfix()?;
        Ok(if count == 0 { operand } else { Node::Negate(count, Box::new(operand)) })
    }

    fn postfix(&mut self) -> Result<Node> {
        let base = self.atom()?;
        if matches!(base, Node::Literal(..)) {
            return Ok(base);
        }
        let mut steps = Vec::new();
        loop {
            self.space();
            match self.peek() {
                Some('.') => {
                    self.at += 1;
                    self.space();
                    // Unlike other names, those of properties may start with a digit.
                    let property = self.run(continues_name);
                    if property.is_empty() {
                        return Err(self.syntax(self.at));
                    }
                    steps.push(Step::Property(property.to_lowercase().into()));
                }
                Some('[') => {
                    self.at += 1;
                    self.enter()?;
                    let index = self.expression()?;
                    self.expect("]")?;
                    self.leave();
                    steps.push(Step::Lookup(index));
                }
                Some('(') => {
                    self.at += 1;
                    self.enter()?;
                    let mut arguments = Vec::new();
                    if !self.eat(")") {
                        loop {
                            arguments.push(self.expression()?);
                            if self.eat(")") {
                                break;
                            }
                            self.expect(",")?;
                        }
                    }
                    self.leave();
                    steps.push(Step::Call(arguments));
                }
                _ => break,
            }
        }
        Ok(if steps.is_empty() { base } else { Node::Postfix(Box::new(base), steps) })
    }

    fn atom(&mut self) -> Result<Node> {
        self.space();
        let start = self.at;
        match self.peek() {
            Some('(') => {
                self.at += 1;
                self.enter()?;
                let inner = self.expression()?;
                self.expect(")")?;
                self.leave();
                Ok(Node::Paren(Box::new(inner)))
            }
            Some('"') => {
                let length = text_length(self.rest()).ok_or_else(|| self.syntax(start))?;
                self.at += length;
                let source = &self.source[start..self.at];
                Ok(Node::Literal(Value::from(unquote(&source[1..length - 1])), source.into()))
            }
            Some('0'..='9') => {
                self.digits();
                let whole = self.at;
                if self.rest().starts_with('.') {
                    self.at += 1;
                    if self.digits().is_empty() {
                        self.at = whole;
                    }
                }
                let source = &self.source[start..self.at];
                let number: Decimal = source.parse()?;
                Ok(Node::Literal(Value::Number(number), source.into()))
            }
            _ => {
                let name = self.name().ok_or_else(|| self.syntax(start))?.to_lowercase();
                let value = match name.as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    "null" => Value::Null,
                    _ => {
                        let hidden = self.parameters.iter().any(|p| **p == *name);
                        return Ok(match function::find(&name).filter(|_| !hidden) {
                            Some(native) => Node::Function(native),
                            None => Node::Name(name.into()),
                        });
                    }
                };
                Ok(Node::Literal(value, name.into()))
            }
        }
    }

    fn name(&mut self) -> Option<&'s str> {
        self.rest().starts_with(starts_name).then(|| self.run(continues_name))
    }

    fn digits(&mut self) -> &'s str {
        self.run(|c| c.is_ascii_digit())
    }

    /// Takes characters as long as they are accepted.
    fn run(&mut self, accept: impl Fn(char) -> bool) -> &'s str {
        let rest = self.rest();
        let length = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }
}

/// The bytes of the quoted text at the start of `source`, its quotes included; `None` when it isn't closed.
pub(crate) fn text_length(source: &str) -> Option<usize> {
    let mut escaped = false;
    for (i, byte) in source.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(i + 1),
            _ => {}
        }
    }
    None
}

/// The text that a literal stands for: its escapes decoded, or as it is when one of them isn't known.
fn unquote(raw: &str) -> String {
    if raw.contains('\\') { decode(raw).unwrap_or_else(|| raw.to_owned()) } else { raw.to_owned() }
}

fn decode(raw: &str) -> Option<String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let kind = after.chars().next()?;
        rest = &after[kind.len_utf8()..];
        let digits = match kind {
            'n' | 't' | 'r' | '\\' | '"' => {
                out.push(match kind {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
                continue;
            }
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        let code = rest.get(..digits).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
        out.push(u32::from_str_radix(code, 16).ok().and_then(char::from_u32)?);
        rest = &rest[digits..];
    }
    out.push_str(rest);
    Some(out)
}

/// Writes a text as a literal.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
