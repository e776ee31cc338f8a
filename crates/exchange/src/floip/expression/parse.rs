//! Reading FLOIP's expressions, and ours through the engine's own parser.

use super::{Expr, Operator};
use flow::expression::{Node, Operator as Ours, Step, Value};

/// Deepest nesting of brackets and signs that is read.
const MAX_NESTING: usize = 90;
/// Most operators in one expression, which nest when it is read.
pub(super) const MAX_OPERATORS: usize = 200;

/// Reads an expression of FLOIP: without its `@( )`.
pub(in crate::floip) fn parse(source: &str) -> Result<Expr, String> {
    let tokens = tokens(source)?;
    if tokens.iter().filter(|token| matches!(token, Token::Operator(_))).count() > MAX_OPERATORS {
        return Err(format!("it has more than {MAX_OPERATORS} operators"));
    }
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let expr = parser.level(1)?;
    match parser.tokens.get(parser.at) {
        None => Ok(expr),
        Some(token) => Err(format!("{token} is not expected there")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Number(String),
    /// A dotted name.
    Name(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "the text '{text}'"),
            Self::Number(text) | Self::Name(text) => write!(f, "'{text}'"),
            Self::Operator(operator) => write!(f, "'{}'", operator.symbol()),
            Self::Open => f.write_str("'('"),
            Self::Close => f.write_str("')'"),
            Self::Comma => f.write_str("','"),
        }
    }
}

fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = source.trim_start();
    while let Some(c) = rest.chars().next() {
        let (token, length) = match c {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '"' | '\'' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => text(rest, c)?,
            '0'..='9' if !is_name(rest) => {
                let length = number_length(rest);
                (Token::Number(rest[..length].to_owned()), length)
            }
            c if c.is_alphanumeric() || c == '_' => {
                let length = name_length(rest);
                (Token::Name(rest[..length].to_owned()), length)
            }
            _ => operator(rest).ok_or_else(|| format!("'{c}' means nothing there"))?,
        };
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

/// A literal in single or double quotes, typographic ones included; a doubled quote stands for one.
fn text(rest: &str, quote: char) -> Result<(Token, usize), String> {
    let ends: &[char] = match quote {
        '"' => &['"'],
        '\'' => &['\''],
        '\u{2018}' | '\u{2019}' => &['\u{2019}'],
        _ => &['\u{201d}'],
    };
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if !ends.contains(&c) {
            out.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == c) {
            chars.next();
            out.push(c);
        } else {
            return Ok((Token::Text(out), at + c.len_utf8()));
        }
    }
    Err(format!("the text that begins at {} is not closed", rest.chars().take(10).collect::<String>()))
}

/// Names of blocks may begin with digits: `1570221906056_83`.
fn is_name(rest: &str) -> bool {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[end..].starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn number_length(rest: &str) -> usize {
    let whole = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let Some(fraction) = rest[whole..].strip_prefix('.') else { return whole };
    match fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len()) {
        0 => whole,
        digits => whole + 1 + digits,
    }
}

/// The length of a dotted name; a dot at its end doesn't belong to it.
pub(super) fn name_length(rest: &str) -> usize {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
    let end = rest[..end].find("..").unwrap_or(end);
    rest[..end].trim_end_matches('.').len()
}

fn operator(rest: &str) -> Option<(Token, usize)> {
    const SYMBOLS: [(&str, Operator); 15] = [
        ("<>", Operator::NotEqual),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("==", Operator::Equal),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("&", Operator::Concatenate),
        ("+", Operator::Add),
        ("-", Operator::Subtract),
        ("\u{2212}", Operator::Subtract),
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("^", Operator::Power),
    ];
    let (symbol, operator) = SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol))?;
    Some((Token::Operator(*operator), symbol.len()))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn expect(&mut self, expected: &Token) -> Result<(), String> {
        match self.next() {
            Some(token) if token == *expected => Ok(()),
            Some(token) => Err(format!("{expected} is missing before {token}")),
            None => Err(format!("{expected} is missing at the end")),
        }
    }

    /// Operands joined by operators of this level or tighter ones.
    fn level(&mut self, level: u8) -> Result<Expr, String> {
        if level > 5 {
            return self.operand();
        }
        let mut left = self.level(level + 1)?;
        while let Some(Token::Operator(operator)) = self.tokens.get(self.at) {
            if operator.level() != level {
                break;
            }
            let operator = *operator;
            self.at += 1;
            left = Expr::binary(operator, left, self.level(level + 1)?);
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err("it is nested too deep".to_owned());
        }
        let expr = match self.next() {
            Some(Token::Text(text)) => Expr::Text(text),
            Some(Token::Number(number)) => Expr::Number(number),
            Some(Token::Operator(Operator::Subtract)) => Expr::Negate(Box::new(self.operand()?)),
            Some(Token::Open) => {
                let inner = self.level(1)?;
                self.expect(&Token::Close)?;
                inner
            }
            Some(Token::Name(name)) if self.tokens.get(self.at) == Some(&Token::Open) => {
                self.at += 1;
                Expr::Call(name.to_lowercase(), self.arguments()?)
            }
            Some(Token::Name(name)) => match name.to_lowercase().as_str() {
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                "null" => Expr::Null,
                _ => Expr::path(&name),
            },
            Some(token) => return Err(format!("{token} is not expected there")),
            None => return Err("it ends too early".to_owned()),
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, String> {
        let mut arguments = Vec::new();
        if self.tokens.get(self.at) == Some(&Token::Close) {
            self.at += 1;
            return Ok(arguments);
        }
        loop {
            arguments.push(self.level(1)?);
            match self.next() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(arguments),
                Some(token) => return Err(format!("',' or ')' is missing before {token}")),
                None => return Err("')' is missing at the end".to_owned()),
            }
        }
    }
}

/// Reads an expression of ours: without its `@( )`.
pub(super) fn parse_ours(source: &str) -> Result<Expr, String> {
    let node = flow::expression::parse(source).map_err(|error| error.to_string())?;
    of_node(&node)
}

fn of_node(node: &Node) -> Result<Expr, String> {
    if let Some(path) = node.path() {
        return Ok(Expr::Path(path.iter().map(ToString::to_string).collect()));
    }
    Ok(match node {
        Node::Literal(Value::Text(text), _) => Expr::Text(text.to_string()),
        Node::Literal(_, source) => match source.to_lowercase().as_str() {
            "true" => Expr::Bool(true),
            "false" => Expr::Bool(false),
            "null" => Expr::Null,
            number => Expr::Number(number.to_owned()),
        },
        Node::Paren(inner) => of_node(inner)?,
        Node::Negate(count, inner) => {
            if *count > MAX_OPERATORS {
                return Err(format!("it has more than {MAX_OPERATORS} signs in a row"));
            }
            let mut expr = of_node(inner)?;
            for _ in 0..*count {
                expr = Expr::Negate(Box::new(expr));
            }
            expr
        }
        Node::Chain(_, rest) if rest.len() > MAX_OPERATORS => {
            return Err(format!("it has more than {MAX_OPERATORS} operators in a row"));
        }
        Node::Chain(first, rest) => {
            let mut expr = of_node(first)?;
            for (operator, operand) in rest {
                expr = Expr::binary(of_operator(*operator), expr, of_node(operand)?);
            }
            expr
        }
        Node::Postfix(base, steps) => match (&**base, steps.as_slice()) {
            (Node::Function(native), [Step::Call(arguments)]) => {
                Expr::Call(native.name.to_owned(), arguments.iter().map(of_node).collect::<Result<_, _>>()?)
            }
            (Node::Function(native), [Step::Call(arguments), Step::Property(property)]) => {
                let call = Expr::Call(native.name.to_owned(), arguments.iter().map(of_node).collect::<Result<_, _>>()?);
                Expr::Call(format!(".{property}"), vec![call])
            }
            _ => return Err("what is looked up in brackets has no words there".to_owned()),
        },
        Node::Lambda(_) => return Err("functions without a name have no words there".to_owned()),
        Node::Function(native) => return Err(format!("{} is used as a value", native.name)),
        Node::Name(name) => Expr::path(name),
    })
}

fn of_operator(operator: Ours) -> Operator {
    match operator {
        Ours::Concatenate => Operator::Concatenate,
        Ours::Equal => Operator::Equal,
        Ours::NotEqual => Operator::NotEqual,
        Ours::Less => Operator::Less,
        Ours::LessOrEqual => Operator::LessOrEqual,
        Ours::Greater => Operator::Greater,
        Ours::GreaterOrEqual => Operator::GreaterOrEqual,
        Ours::Add => Operator::Add,
        Ours::Subtract => Operator::Subtract,
        Ours::Multiply => Operator::Multiply,
        Ours::Divide => Operator::Divide,
        Ours::Power => Operator::Power,
    }
}
