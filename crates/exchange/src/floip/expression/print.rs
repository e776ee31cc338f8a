//! Printing: one space around operators, parentheses where they are needed or where the two languages bind differently.

use super::{Expr, Operator};

/// How a language writes what both have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Floip,
    Ours,
}

impl Operator {
    /// As FLOIP writes it.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Concatenate => "&",
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Power => "^",
        }
    }
}

impl Expr {
    /// The expression in one of the languages.
    pub(super) fn print(&self, dialect: Dialect) -> String {
        let mut out = String::new();
        self.write(dialect, &mut out);
        out
    }

    fn write(&self, dialect: Dialect, out: &mut String) {
        let floip = dialect == Dialect::Floip;
        match self {
            Self::Text(text) if floip => {
                out.push('"');
                out.push_str(&text.replace('"', "\"\""));
                out.push('"');
            }
            Self::Text(text) => out.push_str(&flow::expression::quote(text)),
            Self::Number(number) => out.push_str(number),
            Self::Bool(value) => out.push_str(match (value, floip) {
                (true, true) => "TRUE",
                (true, false) => "true",
                (false, true) => "FALSE",
                (false, false) => "false",
            }),
            Self::Null => out.push_str(if floip { "NULL" } else { "null" }),
            Self::Path(path) => out.push_str(&path.join(".")),
            Self::Call(name, arguments) => {
                if let Some(property) = name.strip_prefix('.') {
                    for argument in arguments {
                        argument.write(dialect, out);
                    }
                    out.push('.');
                    return out.push_str(property);
                }
                out.push_str(&if floip { name.to_uppercase() } else { name.clone() });
                out.push('(');
                for (at, argument) in arguments.iter().enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    argument.write(dialect, out);
                }
                out.push(')');
            }
            Self::Negate(inner) => {
                out.push('-');
                inner.operand(matches!(**inner, Self::Binary(..)), dialect, out);
            }
            Self::Binary(operator, left, right) => {
                left.operand(left.needs_brackets(*operator, false), dialect, out);
                out.push(' ');
                out.push_str(if *operator == Operator::NotEqual && !floip { "!=" } else { operator.symbol() });
                out.push(' ');
                right.operand(right.needs_brackets(*operator, true), dialect, out);
            }
        }
    }

    fn operand(&self, brackets: bool, dialect: Dialect, out: &mut String) {
        if brackets {
            out.push('(');
        }
        self.write(dialect, out);
        if brackets {
            out.push(')');
        }
    }

    fn needs_brackets(&self, within: Operator, right: bool) -> bool {
        let Self::Binary(inner, ..) = self else { return false };
        // Where `&` stands among the levels, and whether comparisons form a chain, is not the same in both languages.
        let loose = |operator: Operator| operator.is_comparison() || operator == Operator::Concatenate;
        if loose(within) || loose(*inner) {
            let chain = within == Operator::Concatenate && *inner == Operator::Concatenate && !right;
            return loose(*inner) && !chain;
        }
        inner.level() < within.level() || (right && inner.level() == within.level())
    }
}
