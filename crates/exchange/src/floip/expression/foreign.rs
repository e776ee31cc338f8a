//! From FLOIP to ours.

use super::parse::MAX_OPERATORS;
use super::print::Dialect;
use super::template::{Piece, Printed, Written, join, joined, split, written};
use super::{Expr, Operator, parse};

/// What a block leaves behind for expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::floip) enum Kind {
    /// One of these choices, by their names.
    One(Vec<String>),
    /// Some of several choices, in the words of the contact.
    Many,
    /// A number, a text, what an output block computed.
    Value,
}

/// A block that other blocks may refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::floip) struct Block {
    /// Its name in the document.
    pub(in crate::floip) name: String,
    /// The name of its result in ours.
    pub(in crate::floip) result: String,
    pub(in crate::floip) kind: Kind,
}

impl Block {
    /// What `flow.name` and `flow.name.value` are in ours.
    fn value(&self) -> Expr {
        let key = self.result.to_lowercase();
        match self.kind {
            Kind::One(_) => Expr::path(&format!("results.{key}.category")),
            Kind::Many => Expr::path(&format!("results.{key}.input")),
            Kind::Value => Expr::path(&format!("results.{key}")),
        }
    }
}

/// The translation of the expressions of one flow.
pub(in crate::floip) struct ToOurs<'a> {
    /// The blocks of the flow that leave something behind.
    pub(in crate::floip) blocks: &'a [Block],
    /// The block that `block` is.
    pub(in crate::floip) current: Option<&'a Block>,
    /// What could not be carried over.
    pub(in crate::floip) problems: Vec<String>,
    /// Contact fields that are read.
    pub(in crate::floip) fields: Vec<String>,
}

impl<'a> ToOurs<'a> {
    pub(in crate::floip) fn new(blocks: &'a [Block], current: Option<&'a Block>) -> Self {
        Self { blocks, current, problems: Vec::new(), fields: Vec::new() }
    }

    /// A text with expressions in it.
    pub(in crate::floip) fn template(&mut self, source: &str) -> String {
        join(self.pieces(source), Dialect::Ours)
    }

    fn pieces(&mut self, source: &str) -> Vec<Printed> {
        split(source, Dialect::Floip)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Text(text) => Some(Printed::Text(text)),
                Piece::Name(name) => Some(Printed::Value { expr: self.expr(Expr::path(name)), bare: true }),
                Piece::Expression(source) => match parse(source) {
                    Ok(expr) => Some(Printed::Value { expr: self.expr(expr), bare: false }),
                    Err(error) => {
                        self.problems
                            .push(format!("the expression @({source}) cannot be read ({error}) and says nothing"));
                        None
                    }
                },
            })
            .collect()
    }

    /// A value that is an expression by its place: one expression, whatever it is written as.
    pub(in crate::floip) fn value(&mut self, source: &str) -> String {
        let expr = match written(source) {
            Written::Template(template) => {
                let mut pieces = self.pieces(template);
                if pieces.len() > MAX_OPERATORS {
                    self.problems
                        .push(format!("a value is put together from more than {MAX_OPERATORS} parts and is cut"));
                    pieces.truncate(MAX_OPERATORS);
                }
                joined(pieces)
            }
            Written::Expression(expr) => self.expr(expr),
            Written::Literal(text) => return super::literal(text),
        };
        let bare = matches!(expr, Expr::Path(_));
        join(vec![Printed::Value { expr, bare }], Dialect::Ours)
    }

    /// A test, as a template that is `true` or not.
    pub(in crate::floip) fn test(&mut self, test: Expr) -> String {
        let expr = self.expr(test);
        let truth = match &expr {
            Expr::Bool(_) => true,
            Expr::Binary(operator, ..) => operator.is_comparison(),
            Expr::Call(name, _) => ["and", "or", "boolean", "contains", "is_error"].contains(&name.as_str()),
            _ => false,
        };
        let expr = if truth { expr } else { Expr::call("boolean", [expr]) };
        format!("@({})", expr.print(Dialect::Ours))
    }

    fn expr(&mut self, expr: Expr) -> Expr {
        match expr {
            Expr::Path(path) => self.path(&path),
            Expr::Call(name, arguments) => self.call(name, arguments),
            Expr::Binary(operator @ (Operator::Equal | Operator::NotEqual), left, right) => {
                self.equality(operator, *left, *right)
            }
            other => other.map(&mut |inner| self.expr(inner)),
        }
    }

    fn block(&self, name: &str) -> Option<&'a Block> {
        self.blocks.iter().find(|block| block.name.to_lowercase() == name.to_lowercase())
    }

    fn path(&mut self, path: &[String]) -> Expr {
        let lower: Vec<String> = path.iter().map(|part| part.to_lowercase()).collect();
        let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["flow" | "results", name, rest @ ..] | ["run", "results", name, rest @ ..] => self.result(name, rest),
            ["block", rest @ ..] if self.current.is_some() => match self.current {
                Some(block) => self.of_block(block, rest),
                None => Expr::Null,
            },
            [run @ ("parent" | "child"), "results" | "flow", name, rest @ ..] => {
                let name = name.to_lowercase();
                let tail = match rest {
                    ["exit", ..] => ".category",
                    ["response"] => ".input",
                    _ => "",
                };
                Expr::path(&format!("{run}.results.{name}{tail}"))
            }
            ["contact"] => Expr::path("contact"),
            ["contact", "id" | "uuid"] => Expr::path("contact.uuid"),
            ["contact", "created_at" | "created_on"] => Expr::path("contact.created_on"),
            ["contact", name @ ("name" | "first_name" | "language" | "timezone" | "groups" | "urns")] => {
                Expr::path(&format!("contact.{name}"))
            }
            ["contact", "phone" | "tel" | "tel_e164"] => {
                Expr::call(".path", [Expr::call("urn_parts", [Expr::path("urns.tel")])])
            }
            ["contact", "properties", name] | ["contact", "properties", name, "value"] | ["contact", name] => {
                let key = field_key(name);
                if !self.fields.contains(&key) {
                    self.fields.push(key.clone());
                }
                Expr::path(&format!("fields.{key}"))
            }
            ["channel", "mode"] => Expr::Text("sms".to_owned()),
            ["date", "today"] => Expr::call("today", []),
            ["date", "now"] => Expr::call("now", []),
            [_] => {
                let word = path.concat();
                self.problems
                    .push(format!("'{word}' in an expression names nothing; it is read as the text \"{word}\""));
                Expr::Text(word)
            }
            _ => {
                self.problems.push(format!("there is nothing like '{}' here; it says nothing", path.join(".")));
                Expr::Text(String::new())
            }
        }
    }

    fn result(&mut self, name: &str, rest: &[&str]) -> Expr {
        if let Some(block) = self.block(name) {
            return self.of_block(block, rest);
        }
        let similar: Vec<&str> = self
            .blocks
            .iter()
            .map(|block| block.name.as_str())
            .filter(|other| similar(&other.to_lowercase(), name))
            .collect();
        let hint = if similar.is_empty() { String::new() } else { format!("; did it mean {}?", similar.join(" or ")) };
        self.problems.push(format!("no block of the flow is called '{name}': what refers to it says nothing{hint}"));
        Expr::path(&format!("results.{}", result_key(name)))
    }

    fn of_block(&mut self, block: &Block, rest: &[&str]) -> Expr {
        let key = block.result.to_lowercase();
        match rest {
            [] | ["value" | "__value__"] => block.value(),
            ["exit" | "exit_label" | "exit_name"] | ["exit", "name" | "label" | "tag"] => {
                Expr::path(&format!("results.{key}.category"))
            }
            ["response" | "input" | "text"] => Expr::path(&format!("results.{key}.input")),
            ["created_on" | "entered_at" | "exited_at"] => Expr::path(&format!("results.{key}.created_on")),
            _ => {
                self.problems.push(format!("'{}' of the block '{}' is not known here", rest.join("."), block.name));
                block.value()
            }
        }
    }

    /// The choices of the block whose choice a path names.
    fn choices(&self, expr: &Expr) -> Option<&'a [String]> {
        let Expr::Path(path) = expr else { return None };
        let lower: Vec<String> = path.iter().map(|part| part.to_lowercase()).collect();
        let block = match lower.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["flow" | "results", name] | ["flow" | "results", name, "value"] => self.block(name)?,
            ["block"] | ["block", "value"] => self.current?,
            _ => return None,
        };
        match &block.kind {
            Kind::One(choices) => Some(choices),
            _ => None,
        }
    }

    fn equality(&mut self, operator: Operator, left: Expr, right: Expr) -> Expr {
        let (left, right) = if left == Expr::Null { (right, left) } else { (left, right) };
        if right == Expr::Null {
            let left = self.expr(left);
            let known = Expr::call("default", [left, Expr::Text(String::new())]);
            return Expr::binary(operator, known, Expr::Text(String::new()));
        }
        // Drafts compared a choice by its number.
        let named = |chosen: Option<&[String]>, other: Expr| match (chosen, &other) {
            (Some(choices), Expr::Number(text) | Expr::Text(text)) if !choices.contains(text) => {
                let at = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                at.and_then(|at| choices.get(at)).map_or(other, |choice| Expr::Text(choice.clone()))
            }
            _ => other,
        };
        let (of_left, of_right) = (self.choices(&left), self.choices(&right));
        let (left, right) = (named(of_right, left), named(of_left, right));
        let (left, right) = (self.expr(left), self.expr(right));
        let (left, right) = fold_case(left, right);
        Expr::binary(operator, left, right)
    }

    fn call(&mut self, name: String, arguments: Vec<Expr>) -> Expr {
        let count = arguments.len();
        let mut given: Vec<Expr> = arguments.into_iter().map(|argument| self.expr(argument)).collect();
        if let Some((_, ours, _)) =
            SAME.iter().find(|(floip, _, (least, most))| *floip == name && (*least..=*most).contains(&count))
        {
            return Expr::Call((*ours).to_owned(), given);
        }
        let number = |n: i64| Expr::Number(n.to_string());
        let text = |text: &str| Expr::Text(text.to_owned());
        let joined = |given: Vec<Expr>, operator: Operator| {
            given.into_iter().reduce(|left, right| Expr::binary(operator, left, right)).unwrap_or(Expr::Null)
        };
        match (name.as_str(), count) {
            ("concatenate", 1..) => return joined(given, Operator::Concatenate),
            ("sum", 1..) => return joined(given, Operator::Add),
            ("power", 2) => return joined(given, Operator::Power),
            ("left", 2) => {
                given.insert(1, number(0));
                return Expr::Call("text_slice".to_owned(), given);
            }
            ("right", 2) => {
                let length = given.remove(1);
                return Expr::call("text_slice", [given.remove(0), Expr::Negate(Box::new(length))]);
            }
            ("first_word", 1) => return Expr::call("word", [given.remove(0), number(0)]),
            ("word", 2) => {
                // Words are counted from 1 there and from 0 here; from the end they are counted alike.
                if let Expr::Number(n) = &given[1]
                    && let Ok(n) = n.parse::<i64>()
                {
                    return Expr::call("word", [given.remove(0), number(n - 1)]);
                }
                if matches!(given[1], Expr::Negate(_)) {
                    return Expr::Call(name, given);
                }
            }
            ("year" | "month" | "day", 1) => {
                let format = match name.as_str() {
                    "year" => "YYYY",
                    "month" => "M",
                    _ => "D",
                };
                return Expr::call("format_date", [given.remove(0), text(format)]);
            }
            ("hour" | "minute" | "second", 1) => {
                let format = match name.as_str() {
                    "hour" => "tt",
                    "minute" => "m",
                    _ => "s",
                };
                return Expr::call("format_datetime", [given.remove(0), text(format)]);
            }
            ("edate", 2) => {
                given.push(text("M"));
                return Expr::Call("datetime_add".to_owned(), given);
            }
            ("weekday", 1) => {
                return Expr::binary(Operator::Add, Expr::Call(name, given), number(1));
            }
            ("not", 1) => return Expr::call("if", [given.remove(0), Expr::Bool(false), Expr::Bool(true)]),
            ("isnumber", 1) => {
                let wrong = Expr::call("is_error", [Expr::call("number", [given.remove(0)])]);
                return Expr::call("if", [wrong, Expr::Bool(false), Expr::Bool(true)]);
            }
            ("between", 3) => {
                let (value, least, most) = (given.remove(0), given.remove(0), given.remove(0));
                let above = Expr::binary(Operator::GreaterOrEqual, value.clone(), least);
                return Expr::call("and", [above, Expr::binary(Operator::LessOrEqual, value, most)]);
            }
            ("in", 2) => {
                given.reverse();
                return Expr::Call("contains".to_owned(), given);
            }
            ("contains", 2) => {
                let (needle, text) = (given.remove(0), given.remove(0));
                let without = Expr::call("replace", [text.clone(), needle, Expr::Text(String::new())]);
                return Expr::binary(Operator::NotEqual, without, text);
            }
            _ => {}
        }
        self.problems.push(format!(
            "the function {} with {count} arguments is not known here; it says nothing",
            name.to_uppercase()
        ));
        Expr::Text(String::new())
    }
}

/// Functions that differ in nothing but their names: FLOIP's, ours, fewest and most arguments.
pub(super) const SAME: &[(&str, &str, (usize, usize))] = &[
    ("abs", "abs", (1, 1)),
    ("and", "and", (1, 100)),
    ("array", "array", (0, 100)),
    ("char", "char", (1, 1)),
    ("clean", "clean", (1, 1)),
    ("code", "code", (1, 1)),
    ("count", "count", (1, 1)),
    ("date", "date_from_parts", (3, 3)),
    ("datevalue", "date", (1, 1)),
    ("fixed", "format_number", (1, 2)),
    ("if", "if", (3, 3)),
    ("len", "text_length", (1, 1)),
    ("lower", "lower", (1, 1)),
    ("max", "max", (1, 100)),
    ("min", "min", (1, 100)),
    ("now", "now", (0, 0)),
    ("or", "or", (1, 100)),
    ("percent", "percent", (1, 1)),
    ("proper", "title", (1, 1)),
    ("read_digits", "read_chars", (1, 1)),
    ("remove_first_word", "remove_first_word", (1, 1)),
    ("rept", "repeat", (2, 2)),
    ("substitute", "replace", (3, 3)),
    ("time", "time_from_parts", (3, 3)),
    ("timevalue", "time", (1, 1)),
    ("today", "today", (0, 0)),
    ("unichar", "char", (1, 1)),
    ("unicode", "code", (1, 1)),
    ("upper", "upper", (1, 1)),
    ("word_count", "word_count", (1, 1)),
];

/// Texts are equal there whatever their case; here only when they are the same.
fn fold_case(left: Expr, right: Expr) -> (Expr, Expr) {
    let cased = |expr: &Expr| matches!(expr, Expr::Call(name, _) if name == "lower" || name == "upper");
    let numeric = |expr: &Expr| match expr {
        Expr::Number(_) | Expr::Bool(_) | Expr::Null | Expr::Negate(_) => true,
        Expr::Binary(operator, ..) => *operator != Operator::Concatenate,
        Expr::Call(name, _) => {
            ["text_length", "count", "word_count", "number", "date", "today", "now"].contains(&name.as_str())
        }
        _ => false,
    };
    if numeric(&left) || numeric(&right) {
        return (left, right);
    }
    let fixed = |expr: &Expr| matches!(expr, Expr::Text(text) if text.to_lowercase() == text.to_uppercase());
    if fixed(&left) || fixed(&right) {
        return (left, right);
    }
    let upper = [&left, &right].iter().any(|expr| matches!(expr, Expr::Call(name, _) if name == "upper"));
    let fold = |expr: Expr| match expr {
        Expr::Text(text) if upper => Expr::Text(text.to_uppercase()),
        Expr::Text(text) => Expr::Text(text.to_lowercase()),
        expr if cased(&expr) => expr,
        expr => Expr::call(if upper { "upper" } else { "lower" }, [expr]),
    };
    (fold(left), fold(right))
}

/// The key of a contact field, from the name of a property.
pub(in crate::floip) fn field_key(name: &str) -> String {
    let key = result_key(name);
    let key = key.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let mut key: String = key.chars().take(36).collect();
    if key.is_empty() {
        "field".clone_into(&mut key);
    }
    key
}

fn result_key(name: &str) -> String {
    name.trim().to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

/// Whether two names may mean the same: one is part of the other, or they share their beginning.
fn similar(one: &str, other: &str) -> bool {
    let shared = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    one.contains(other) || other.contains(one) || shared >= 6
}
