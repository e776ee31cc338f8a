//! The syntax tree of an expression, and its canonical text.
//!
//! Chains of operators of one level, and of lookups and calls, are flat lists: how deep a tree nests is bounded by how
//! deep brackets nest, whatever the length of an expression.

use std::sync::Arc;

use super::function::Native;
use super::value::Value;

/// An expression.
#[derive(Clone, Debug)]
pub enum Node {
    /// A literal, with its source text.
    Literal(Value, Arc<str>),
    /// A name, in lower case.
    Name(Arc<str>),
    /// The name of a function.
    Function(&'static Native),
    /// A parenthesised expression.
    Paren(Box<Node>),
    /// A name, parenthesis or call with what follows it.
    Postfix(Box<Node>, Vec<Step>),
    /// An operand with minus signs before it.
    Negate(usize, Box<Node>),
    /// Operands joined by operators of one level, from left to right.
    Chain(Box<Node>, Vec<(Operator, Node)>),
    /// An anonymous function.
    Lambda(Arc<Lambda>),
}

/// An anonymous function: `(x, y) => body`.
#[derive(Debug)]
pub struct Lambda {
    /// Names of the parameters, in lower case.
    pub parameters: Vec<Arc<str>>,
    /// What it evaluates to.
    pub body: Node,
}

/// What follows a name, a parenthesis, a call or a lookup.
#[derive(Clone, Debug)]
pub enum Step {
    /// `.name` or `.0`; names in lower case.
    Property(Arc<str>),
    /// `[expression]`
    Lookup(Node),
    /// `(arguments)`
    Call(Vec<Node>),
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `&`
    Concatenate,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `^`
    Power,
}

impl Operator {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Concatenate => "&",
            Self::Equal => "=",
            Self::NotEqual => "!=",
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

impl Node {
    /// The root name and the properties after it, when the expression is nothing but such a path.
    pub fn path(&self) -> Option<Vec<Arc<str>>> {
        match self {
            Self::Name(name) => Some(vec![Arc::clone(name)]),
            Self::Postfix(base, steps) => {
                let Self::Name(name) = &**base else { return None };
                let mut path = vec![Arc::clone(name)];
                for step in steps {
                    let Step::Property(property) = step else { return None };
                    path.push(Arc::clone(property));
                }
                Some(path)
            }
            _ => None,
        }
    }

    /// Writes the expression canonically: one space around operators, `, ` between arguments, names in lower case.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Literal(_, source) => out.push_str(source),
            Self::Name(name) => out.push_str(name),
            Self::Function(native) => out.push_str(native.name),
            Self::Paren(inner) => {
                out.push('(');
                inner.write(out);
                out.push(')');
            }
            Self::Postfix(base, steps) => {
                base.write(out);
                for step in steps {
                    match step {
                        Step::Property(name) => {
                            out.push('.');
                            out.push_str(name);
                        }
                        Step::Lookup(index) => {
                            out.push('[');
                            index.write(out);
                            out.push(']');
                        }
                        Step::Call(arguments) => {
                            out.push('(');
                            for (i, argument) in arguments.iter().enumerate() {
                                if i > 0 {
                                    out.push_str(", ");
                                }
                                argument.write(out);
                            }
                            out.push(')');
                        }
                    }
                }
            }
            Self::Negate(count, operand) => {
                out.extend(std::iter::repeat_n('-', *count));
                operand.write(out);
            }
            Self::Chain(first, rest) => {
                first.write(out);
                for (operator, operand) in rest {
                    out.push(' ');
                    out.push_str(operator.symbol());
                    out.push(' ');
                    operand.write(out);
                }
            }
            Self::Lambda(lambda) => {
                out.push('(');
                out.push_str(&lambda.parameters.join(", "));
                out.push_str(") => ");
                lambda.body.write(out);
            }
        }
    }
}
