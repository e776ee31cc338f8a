//! From tokens to a query: one function for each line of the grammar (flow specification, sections 14.1 and 14.2),
//! from what binds loosest to what binds tightest. Combinations of one kind are flattened as they are made.

use std::ops::Range;

use crate::environment::{Environment, Resolver};
use crate::error::{Code, QueryError};
use crate::lex::{self, Kind, Token, tokens};
use crate::property::Property;
use crate::query::{Condition, Node, Operand, Operator, Query};
use crate::{literal, resolve};

/// Longest query, in characters.
pub const MAX_CHARS: usize = 10_000;
/// Deepest nesting of brackets.
pub const MAX_DEPTH: usize = 100;
/// Most conditions in a query.
pub const MAX_CONDITIONS: usize = 250;

/// Reads a query, checks it against the definitions that `resolver` knows, and brings it into normal form.
///
/// Never panics, and takes time in proportion to the text. The error is the first from left to right, except that a
/// character that belongs nowhere comes before all others.
pub fn parse(query: &str, env: &Environment, resolver: &dyn Resolver) -> Result<Query, QueryError> {
    let trimmed = query.trim();
    let offset = query.len() - query.trim_start().len();
    let whole = offset..offset + trimmed.len();
    if trimmed.len() > MAX_CHARS && trimmed.chars().count() > MAX_CHARS {
        return Err(too_complex(whole, format!("a query may have {MAX_CHARS} characters")));
    }
    let phone = if env.redact_urns { None } else { literal::phone_number(trimmed, env.default_country.as_deref()) };
    let tokens = if phone.is_some() { Vec::new() } else { tokens(trimmed, offset)? };
    let mut parser = Parser { query, tokens: &tokens, at: 0, depth: 0, conditions: 0, end: whole.end, env, resolver };
    let root = if let Some(number) = phone {
        parser.condition(Property::Urn("tel".to_owned()), Operator::Equal, number, whole.clone(), whole)?
    } else {
        parser.whole()?
    };
    Ok(Query { root })
}

fn too_complex(span: Range<usize>, hint: String) -> QueryError {
    QueryError::new(Code::TooComplex, span, "query is too complex").hint(hint)
}

struct Parser<'a> {
    query: &'a str,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    conditions: usize,
    /// Where the query ends, for errors.
    end: usize,
    env: &'a Environment,
    resolver: &'a dyn Resolver,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    /// Steps over the next token if it is of this kind.
    fn take(&mut self, kind: Kind) -> bool {
        let found = self.peek().is_some_and(|token| token.kind == kind);
        self.at += usize::from(found);
        found
    }

    fn text(&self, token: &Token) -> &'a str {
        &self.query[token.span.clone()]
    }

    fn whole(&mut self) -> Result<Node, QueryError> {
        let root = self.alternatives()?;
        self.peek().map_or(Ok(root), |token| Err(self.unexpected(token)))
    }

    /// `expr OR expr`.
    fn alternatives(&mut self) -> Result<Node, QueryError> {
        let mut members = Vec::new();
        loop {
            let member = self.side_by_side()?;
            if let Node::Or(inner) = member {
                members.extend(inner);
            } else {
                members.push(member);
            }
            if !self.take(Kind::Or) {
                return Ok(one_or(members, Node::Or));
            }
        }
    }

    /// `expr expr`, which is AND too.
    fn side_by_side(&mut self) -> Result<Node, QueryError> {
        let mut members = Vec::new();
        loop {
            self.joined(&mut members)?;
            let begins = |token: &Token| matches!(token.kind, Kind::Open | Kind::Property | Kind::Text | Kind::String);
            if !self.peek().is_some_and(begins) {
                return Ok(one_or(members, Node::And));
            }
        }
    }

    /// `expr AND expr`, added to `members`.
    fn joined(&mut self, members: &mut Vec<Node>) -> Result<(), QueryError> {
        loop {
            let member = self.term()?;
            if let Node::And(inner) = member {
                members.extend(inner);
            } else {
                members.push(member);
            }
            if !self.take(Kind::And) {
                return Ok(());
            }
        }
    }

    /// `( expr )`, `PROPERTY OP literal` or `literal`.
    fn term(&mut self) -> Result<Node, QueryError> {
        let Some(token) = self.peek() else {
            return Err(self.missing("something to look for"));
        };
        self.at += 1;
        match token.kind {
            Kind::Open => self.brackets(token),
            Kind::Property | Kind::Text | Kind::String => match self.peek().map(|next| next.kind) {
                Some(Kind::Operator(operator)) if token.kind == Kind::Property => self.comparison(token, operator),
                _ => {
                    let (property, operator, value) = literal::condition(self.value(token), self.env);
                    self.condition(property, operator, value, token.span.clone(), token.span.clone())
                }
            },
            Kind::Close | Kind::And | Kind::Or | Kind::Operator(_) => Err(self.unexpected(token)),
        }
    }

    fn brackets(&mut self, open: &Token) -> Result<Node, QueryError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_complex(open.span.clone(), format!("brackets may be nested {MAX_DEPTH} deep")));
        }
        let inner = self.alternatives()?;
        self.depth -= 1;
        match self.peek() {
            _ if self.take(Kind::Close) => Ok(inner),
            Some(other) => Err(self.unexpected(other)),
            None => Err(QueryError::new(Code::Syntax, open.span.clone(), "unclosed bracket")
                .hint("add ')' where the group ends")),
        }
    }

    fn comparison(&mut self, name: &Token, operator: Operator) -> Result<Node, QueryError> {
        self.at += 1;
        let Some(value) = self.peek() else {
            return Err(self.missing("a value to compare with"));
        };
        self.at += 1;
        match value.kind {
            Kind::Property | Kind::Text | Kind::String => {
                let property = resolve::property(self.text(name), name.span.clone(), self.resolver)?;
                self.condition(property, operator, self.value(value), name.span.clone(), value.span.clone())
            }
            Kind::And | Kind::Or | Kind::Operator(_) => {
                let word = self.text(value);
                Err(self.unexpected(value).hint(format!("write \"{word}\" in quotes to look for it")))
            }
            Kind::Open | Kind::Close => Err(self.unexpected(value)),
        }
    }

    fn condition(
        &mut self,
        property: Property,
        operator: Operator,
        value: String,
        name_span: Range<usize>,
        value_span: Range<usize>,
    ) -> Result<Node, QueryError> {
        let mut condition =
            Condition { property, operator, value, operand: Operand::Unresolved, name_span, value_span };
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            return Err(too_complex(condition.span(), format!("a query may have {MAX_CONDITIONS} conditions")));
        }
        condition.operand = resolve::operand(&condition, self.env, self.resolver)?;
        Ok(Node::Condition(condition))
    }

    fn value(&self, token: &Token) -> String {
        let written = self.text(token);
        if token.kind == Kind::String { lex::unquote(written) } else { written.to_owned() }
    }

    fn missing(&self, what: &str) -> QueryError {
        QueryError::new(Code::Syntax, self.end..self.end, format!("the query ends where {what} should be"))
    }

    fn unexpected(&self, token: &Token) -> QueryError {
        let error = QueryError::new(Code::Syntax, token.span.clone(), format!("unexpected '{}'", self.text(token)));
        match token.kind {
            Kind::Operator(_) => error.hint("before a comparison comes the name of a property, without quotes"),
            Kind::Close if self.depth == 0 => error.hint("there is no '(' for it"),
            _ => error,
        }
    }
}

/// The only member, or a combination of several.
fn one_or(mut members: Vec<Node>, combine: fn(Vec<Node>) -> Node) -> Node {
    if members.len() == 1 { members.swap_remove(0) } else { combine(members) }
}
