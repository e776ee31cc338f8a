//! Constant folding: what doesn't depend on a scope is computed once, when a template is parsed.

use std::sync::Arc;

use super::ast::{Node, Step};
use super::convert::to_number;
use super::eval::binary;
use super::value::Value;

/// Replaces operators whose operands are all literals by what they give. What gives an error stays, so that the error
/// is met where it always was.
pub(super) fn fold(node: &mut Node) {
    let folded = match node {
        Node::Literal(..) | Node::Name(_) | Node::Function(_) | Node::Lambda(_) => None,
        Node::Paren(inner) => {
            fold(inner);
            literal(inner).cloned()
        }
        Node::Negate(count, operand) => {
            fold(operand);
            let number = literal(operand).and_then(|value| to_number(value).ok());
            number.map(|number| Value::Number(if *count % 2 == 1 { -number } else { number }))
        }
        Node::Chain(first, rest) => {
            fold(first);
            for (_, operand) in rest.iter_mut() {
                fold(operand);
            }
            let left = literal(first).cloned();
            left.and_then(|left| {
                rest.iter().try_fold(left, |left, (operator, right)| binary(*operator, &left, literal(right)?).ok())
            })
        }
        Node::Postfix(base, steps) => {
            fold(base);
            for step in steps {
                match step {
                    Step::Property(_) => {}
                    Step::Lookup(index) => fold(index),
                    Step::Call(arguments) => arguments.iter_mut().for_each(fold),
                }
            }
            None
        }
    };
    if let Some(value) = folded {
        *node = Node::Literal(value, Arc::from(""));
    }
}

fn literal(node: &Node) -> Option<&Value> {
    match node {
        Node::Literal(value, _) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::parse;

    #[test]
    fn only_what_is_constant_and_sound_is_folded() {
        let check = |source: &str, expected: &str| {
            let mut node = parse(source).unwrap();
            fold(&mut node);
            let given = if let Some(value) = literal(&node) {
                value.to_text().unwrap().to_string()
            } else {
                let mut out = String::new();
                node.write(&mut out);
                out
            };
            assert_eq!(given, expected, "{source}");
        };
        check("(1 + 2) * -3", "-9");
        check("\"a\" & 1 = 1", "atrue");
        check("1 / 0", "1 / 0");
        check("-\"x\"", "-\"x\"");
        check("1 + 2 + fields.age", "1 + 2 + fields.age");
        check("-(-(2)) ^ 2", "4");
        check("null = \"\"", "true");
    }
}
