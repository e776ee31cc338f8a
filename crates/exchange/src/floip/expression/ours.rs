//! From ours to FLOIP.

use super::foreign::SAME;
use super::parse::{MAX_OPERATORS, parse_ours};
use super::print::Dialect;
use super::template::{Piece, Printed, join, joined, split};
use super::{Block, Expr, Kind, Operator};

/// The translation of the expressions of one of our flows.
pub(in crate::floip) struct ToFloip<'a> {
    /// The results of the flow.
    pub(in crate::floip) blocks: &'a [Block],
}

/// Names that `contact` has itself, so that a field of this name is written with `properties` before it.
const RESERVED: [&str; 14] = [
    "created_at",
    "created_on",
    "first_name",
    "groups",
    "id",
    "language",
    "name",
    "phone",
    "properties",
    "tel",
    "tel_e164",
    "timezone",
    "urns",
    "uuid",
];

type Result<T> = std::result::Result<T, String>;

impl ToFloip<'_> {
    /// A text with expressions in it.
    pub(in crate::floip) fn template(&self, source: &str) -> Result<String> {
        Ok(join(self.pieces(source)?, Dialect::Floip))
    }

    /// A template as one expression, with its `@( )`.
    pub(in crate::floip) fn value(&self, source: &str) -> Result<String> {
        Ok(test(&self.single(source)?))
    }

    /// A template as one expression.
    pub(in crate::floip) fn single(&self, source: &str) -> Result<Expr> {
        let pieces = self.pieces(source)?;
        if pieces.len() > MAX_OPERATORS {
            return Err(format!("it is put together from more than {MAX_OPERATORS} parts"));
        }
        Ok(joined(pieces))
    }

    fn pieces(&self, source: &str) -> Result<Vec<Printed>> {
        split(source, Dialect::Ours)
            .into_iter()
            .map(|piece| {
                Ok(match piece {
                    Piece::Text(text) => Printed::Text(text),
                    Piece::Name(name) => {
                        let path = name.split('.').map(str::to_lowercase).collect();
                        let expr = self.expr(Expr::Path(path)).map_err(|error| format!("@{name}: {error}"))?;
                        Printed::Value { expr, bare: true }
                    }
                    Piece::Expression(source) => {
                        let expr = parse_ours(source).and_then(|expr| self.expr(expr));
                        Printed::Value { expr: expr.map_err(|error| format!("@({source}): {error}"))?, bare: false }
                    }
                })
            })
            .collect()
    }

    fn expr(&self, expr: Expr) -> Result<Expr> {
        // `default(x, "") = ""` is how a test for null is written here.
        if let Expr::Binary(operator @ (Operator::Equal | Operator::NotEqual), left, right) = &expr
            && let (Expr::Call(name, arguments), Expr::Text(text)) = (&**left, &**right)
            && let [tested, Expr::Text(alternative)] = arguments.as_slice()
            && name == "default"
            && text.is_empty()
            && alternative.is_empty()
        {
            return Ok(Expr::binary(*operator, self.expr(tested.clone())?, Expr::Null));
        }
        // A text that changes when another is taken out of it contains that.
        if let Expr::Binary(Operator::NotEqual, left, text) = &expr
            && let Expr::Call(name, arguments) = &**left
            && let [within, needle, Expr::Text(with)] = arguments.as_slice()
            && name == "replace"
            && with.is_empty()
            && *within == **text
        {
            return Ok(Expr::call("contains", [self.expr(needle.clone())?, self.expr(within.clone())?]));
        }
        match expr {
            Expr::Path(path) => self.path(&path),
            Expr::Call(name, arguments) => self.call(name, arguments),
            Expr::Negate(inner) => Ok(Expr::Negate(Box::new(self.expr(*inner)?))),
            Expr::Binary(Operator::Add, left, right) if *right == Expr::Number("1".to_owned()) => match *left {
                // Days of the week are counted from 1 there.
                Expr::Call(name, arguments) if name == "weekday" => Ok(Expr::Call(name, self.all(arguments)?)),
                left => Ok(Expr::binary(Operator::Add, self.expr(left)?, *right)),
            },
            Expr::Binary(operator, left, right) => {
                let left = self.expr(*left)?;
                Ok(Expr::binary(operator, left, self.expr(*right)?))
            }
            leaf => Ok(leaf),
        }
    }

    fn all(&self, exprs: Vec<Expr>) -> Result<Vec<Expr>> {
        exprs.into_iter().map(|expr| self.expr(expr)).collect()
    }

    fn path(&self, path: &[String]) -> Result<Expr> {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        Ok(match parts.as_slice() {
            ["results", key, rest @ ..] => {
                let block = self.blocks.iter().find(|block| block.result.eq_ignore_ascii_case(key));
                let name = block.map_or(*key, |block| block.name.as_str());
                let one = block.is_some_and(|block| matches!(block.kind, Kind::One(_)));
                let many = block.is_some_and(|block| block.kind == Kind::Many);
                match rest {
                    ["category" | "category_localized"] if one => Expr::path(&format!("flow.{name}")),
                    ["input"] if many => Expr::path(&format!("flow.{name}")),
                    [] | ["value"] => Expr::path(&format!("flow.{name}")),
                    ["category" | "category_localized"] => Expr::path(&format!("flow.{name}.exit")),
                    ["input"] => Expr::path(&format!("flow.{name}.response")),
                    ["created_on"] => Expr::path(&format!("flow.{name}.exited_at")),
                    _ => return Err(format!("'{}' of a result has no name there", rest.join("."))),
                }
            }
            ["contact"] => Expr::path("contact"),
            ["contact", "uuid" | "ref"] => Expr::path("contact.id"),
            ["contact", "created_on"] => Expr::path("contact.created_at"),
            ["contact", name @ ("name" | "first_name" | "language" | "timezone" | "groups" | "urns")] => {
                Expr::path(&format!("contact.{name}"))
            }
            ["contact", "fields", key] | ["fields", key] if RESERVED.contains(key) => {
                Expr::path(&format!("contact.properties.{key}"))
            }
            ["contact", "fields", key] | ["fields", key] => Expr::path(&format!("contact.{key}")),
            [run @ ("parent" | "child"), "results", key] => Expr::path(&format!("{run}.results.{key}")),
            [run @ ("parent" | "child"), "results", key, "category"] => {
                Expr::path(&format!("{run}.results.{key}.exit"))
            }
            [run @ ("parent" | "child"), "results", key, "input"] => {
                Expr::path(&format!("{run}.results.{key}.response"))
            }
            _ => return Err(format!("'{}' has no name there", path.join("."))),
        })
    }

    fn call(&self, name: String, arguments: Vec<Expr>) -> Result<Expr> {
        let urn = Expr::call("urn_parts", [Expr::path("urns.tel")]);
        if name == ".path" && arguments == [urn] {
            return Ok(Expr::path("contact.phone"));
        }
        if let ("if", [Expr::Call(wrong, number), Expr::Bool(false), Expr::Bool(true)]) =
            (name.as_str(), &arguments[..])
            && let ("is_error", [Expr::Call(number, of)]) = (wrong.as_str(), &number[..])
            && number == "number"
        {
            return Ok(Expr::Call("isnumber".to_owned(), self.all(of.clone())?));
        }
        let count = arguments.len();
        let mut given = self.all(arguments)?;
        if let Some((floip, ..)) =
            SAME.iter().find(|(_, ours, (least, most))| *ours == name && (*least..=*most).contains(&count))
        {
            return Ok(Expr::Call((*floip).to_owned(), given));
        }
        Ok(match (name.as_str(), count) {
            ("boolean", 1) => given.remove(0),
            ("contains", 2) => {
                given.reverse();
                Expr::Call("in".to_owned(), given)
            }
            ("text_slice", 3) if given[1] == Expr::Number("0".to_owned()) => {
                given.remove(1);
                Expr::Call("left".to_owned(), given)
            }
            ("text_slice", 2) => match given.remove(1) {
                Expr::Negate(length) => Expr::call("right", [given.remove(0), *length]),
                _ => return Err("text_slice with a start has no words there".to_owned()),
            },
            ("word", 2) => match &given[1] {
                Expr::Number(n) => {
                    let n: i64 = n.parse().map_err(|_| "the place of a word is not a whole number".to_owned())?;
                    Expr::call("word", [given.remove(0), Expr::Number((n + 1).to_string())])
                }
                Expr::Negate(_) => Expr::Call(name, given),
                _ => return Err("a computed place of a word has no words there".to_owned()),
            },
            ("format_date", 2) => match &given[1] {
                Expr::Text(format) if format == "YYYY" => Expr::call("year", [given.remove(0)]),
                Expr::Text(format) if format == "M" => Expr::call("month", [given.remove(0)]),
                Expr::Text(format) if format == "D" => Expr::call("day", [given.remove(0)]),
                _ => return Err("format_date has no words there".to_owned()),
            },
            ("format_datetime", 2) => match &given[1] {
                Expr::Text(format) if format == "tt" => Expr::call("hour", [given.remove(0)]),
                Expr::Text(format) if format == "m" => Expr::call("minute", [given.remove(0)]),
                Expr::Text(format) if format == "s" => Expr::call("second", [given.remove(0)]),
                _ => return Err("format_datetime has no words there".to_owned()),
            },
            ("datetime_add", 3) if given[2] == Expr::Text("M".to_owned()) => {
                given.pop();
                Expr::Call("edate".to_owned(), given)
            }
            _ => return Err(format!("the function {name} has no name there")),
        })
    }
}

/// A test as it is written in an exit.
pub(in crate::floip) fn test(expr: &Expr) -> String {
    format!("@({})", expr.print(Dialect::Floip))
}
