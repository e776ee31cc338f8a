//! From tokens to a query: a Pratt parser. `AND` binds tighter than terms side by side, which bind tighter than
//! `OR`; combinations of one kind are flattened as they are made.

use std::ops::Range;

use crate::environment::{Environment, Resolver};
use crate::error::{Code, QueryError};
use crate::lex::{Kind, Token, tokens};
use crate::property::Property;
use crate::query::{Condition, Node, Operand, Operator, Query};
use crate::{literal, resolve, text};

/// Longest query, in characters.
pub const MAX_CHARS: usize = 10_000;
/// Deepest nesting of brackets.
pub const MAX_DEPTH: usize = 100;
/// Most conditions in a query.
pub const MAX_CONDITIONS: usize = 250;

/// Binding powers.
const OR: u8 = 1;
const SIDE_BY_SIDE: u8 = 2;
const AND: u8 = 3;

/// Reads a query, checks it against the definitions that `resolver` knows, and brings it into normal form.
///
/// Never panics, and takes time in proportion to the text. The error is the first in the order: text, then names
/// and values from left to right.
pub fn parse(query: &str, env: &Environment, resolver: &dyn Resolver) -> Result<Query, QueryError> {
    let trimmed = query.trim();
    let offset = query.len() - query.trim_start().len();
    let whole = offset..offset + trimmed.len();
    if trimmed.len() > MAX_CHARS && trimmed.chars().count() > MAX_CHARS {
        return Err(QueryError::new(Code::TooComplex, whole, "query is too complex")
            .hint(format!("a query may have {MAX_CHARS} characters")));
    }
    if !env.redact_urns
        && let Some(number) = literal::phone_number(trimmed, env.default_country.as_deref())
    {
        let property = Property::Urn("tel".to_owned());
        let mut condition = Condition {
            property,
            operator: Operator::Equal,
            value: number,
            operand: Operand::Unresolved,
            name_span: whole.clone(),
            value_span: whole,
        };
        resolve::check(&mut condition, env, resolver)?;
        return Ok(Query { root: Node::Condition(condition) });
    }

    let tokens = tokens(trimmed, offset)?;
    let mut parser =
        Parser { query, tokens: &tokens, at: 0, depth: 0, end: whole.end, env, resolver, first_error: None };
    let mut root = parser.expression(0)?;
    if let Some(token) = parser.peek() {
        return Err(parser.unexpected(token));
    }
    if let Some(error) = parser.first_error {
        return Err(error);
    }
    let mut conditions = 0;
    let mut surplus = None;
    root.each_condition(&mut |condition| {
        conditions += 1;
        if conditions == MAX_CONDITIONS + 1 {
            surplus = Some(condition.span());
        }
    });
    if let Some(span) = surplus {
        return Err(QueryError::new(Code::TooComplex, span, "query is too complex")
            .hint(format!("a query may have {MAX_CONDITIONS} conditions")));
    }
    check_all(&mut root, env, resolver)?;
    Ok(Query { root })
}

fn check_all(node: &mut Node, env: &Environment, resolver: &dyn Resolver) -> Result<(), QueryError> {
    match node {
        Node::Condition(condition) => resolve::check(condition, env, resolver),
        Node::And(members) | Node::Or(members) => {
            members.iter_mut().try_for_each(|member| check_all(member, env, resolver))
        }
    }
}

struct Parser<'a> {
    query: &'a str,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    /// Where the query ends, for errors.
    end: usize,
    env: &'a Environment,
    resolver: &'a dyn Resolver,
    /// A bad prefix is reported only if the rest of the query is well formed.
    first_error: Option<QueryError>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn text(&self, token: &Token) -> &'a str {
        &self.query[token.span.clone()]
    }

    fn expression(&mut self, least: u8) -> Result<Node, QueryError> {
        let mut left = self.term()?;
        while let Some(token) = self.peek() {
            let power = match token.kind {
                Kind::And => AND,
                Kind::Or => OR,
                Kind::Open | Kind::Property | Kind::Text | Kind::String => SIDE_BY_SIDE,
                Kind::Close | Kind::Operator(_) => break,
            };
            if power <= least {
                break;
            }
            if power != SIDE_BY_SIDE {
                self.at += 1;
            }
            let right = self.expression(power)?;
            left = combine(left, right, power == OR);
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Node, QueryError> {
        let Some(token) = self.peek() else {
            return Err(self.missing("something to look for"));
        };
        match token.kind {
            Kind::Open => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(QueryError::new(Code::TooComplex, token.span.clone(), "query is too complex")
                        .hint(format!("brackets may be nested {MAX_DEPTH} deep")));
                }
                self.at += 1;
                let inner = self.expression(0)?;
                match self.peek() {
                    Some(close) if close.kind == Kind::Close => self.at += 1,
                    Some(other) => return Err(self.unexpected(other)),
                    None => {
                        return Err(QueryError::new(Code::Syntax, token.span.clone(), "unclosed bracket")
                            .hint("add ')' where the group ends"));
                    }
                }
                self.depth -= 1;
                Ok(inner)
            }
            Kind::Property | Kind::Text | Kind::String => {
                self.at += 1;
                match self.peek().map(|next| next.kind) {
                    Some(Kind::Operator(operator)) if token.kind == Kind::Property => self.condition(token, operator),
                    _ => Ok(self.bare(token)),
                }
            }
            Kind::Close | Kind::And | Kind::Or | Kind::Operator(_) => Err(self.unexpected(token)),
        }
    }

    fn condition(&mut self, name: &Token, operator: Operator) -> Result<Node, QueryError> {
        self.at += 1;
        let value = match self.peek() {
            Some(token) if matches!(token.kind, Kind::Property | Kind::Text | Kind::String) => token,
            Some(token) if matches!(token.kind, Kind::And | Kind::Or | Kind::Operator(_)) => {
                let word = self.text(token);
                return Err(self.unexpected(token).hint(format!("write \"{word}\" in quotes to look for it")));
            }
            Some(token) => return Err(self.unexpected(token)),
            None => return Err(self.missing("a value to compare with")),
        };
        self.at += 1;
        let property = resolve::property(self.text(name), name.span.clone(), self.resolver).unwrap_or_else(|error| {
            self.first_error.get_or_insert(error);
            Property::Field(String::new())
        });
        Ok(Node::Condition(Condition {
            property,
            operator,
            value: self.value(value),
            operand: Operand::Unresolved,
            name_span: name.span.clone(),
            value_span: value.span.clone(),
        }))
    }

    fn bare(&self, token: &Token) -> Node {
        let (property, operator, value) = literal::condition(self.value(token), self.env);
        Node::Condition(Condition {
            property,
            operator,
            value,
            operand: Operand::Unresolved,
            name_span: token.span.clone(),
            value_span: token.span.clone(),
        })
    }

    fn value(&self, token: &Token) -> String {
        let written = self.text(token);
        if token.kind == Kind::String { text::unquote(written) } else { written.to_owned() }
    }

    fn missing(&self, what: &str) -> QueryError {
        let span: Range<usize> = self.end..self.end;
        QueryError::new(Code::Syntax, span, format!("the query ends where {what} should be"))
    }

    fn unexpected(&self, token: &Token) -> QueryError {
        let error = QueryError::new(Code::Syntax, token.span.clone(), format!("unexpected '{}'", self.text(token)));
        match token.kind {
            Kind::Operator(_) => error.hint("before a comparison comes the name of a property, without quotes"),
            Kind::Close => error.hint("there is no '(' for it"),
            _ => error,
        }
    }
}

/// Joins two nodes; members of the same kind move up.
fn combine(left: Node, right: Node, or: bool) -> Node {
    let mut members = Vec::new();
    for node in [left, right] {
        match node {
            Node::Or(inner) if or => append(&mut members, inner),
            Node::And(inner) if !or => append(&mut members, inner),
            node => members.push(node),
        }
    }
    if or { Node::Or(members) } else { Node::And(members) }
}

/// Keeps the first list instead of copying it, so that a chain takes linear time.
fn append(members: &mut Vec<Node>, inner: Vec<Node>) {
    if members.is_empty() {
        *members = inner;
    } else {
        members.extend(inner);
    }
}
