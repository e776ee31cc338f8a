//! Reading and renaming the context paths of templates, for inspection and migrations.

use std::sync::Arc;

use super::ast::{Lambda, Node, Step};
use super::parse::parse;
use super::template::{Piece, ROOTS, identifier_node, pieces};
use super::value::Value;

fn is_root(name: &str) -> bool {
    ROOTS.contains(&name)
}

/// The context paths that a template reads, such as `["contact", "fields", "age"]`, in order. Lookups with a literal
/// text (`fields["age"]`) count as properties; a path ends at anything else.
pub fn template_paths(source: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for piece in pieces(source, &is_root) {
        let node = match piece {
            Piece::Identifier(identifier) => identifier_node(identifier),
            Piece::Expression(expression) => match parse(expression) {
                Ok(node) => node,
                Err(_) => continue,
            },
            Piece::Text(_) | Piece::Escape => continue,
        };
        collect(&node, &mut Vec::new(), &mut found);
    }
    found
}

fn collect(node: &Node, hidden: &mut Vec<Arc<str>>, found: &mut Vec<Vec<String>>) {
    match node {
        Node::Literal(..) | Node::Function(_) => {}
        Node::Name(name) => {
            if !hidden.contains(name) {
                found.push(vec![name.to_string()]);
            }
        }
        Node::Paren(inner) | Node::Negate(_, inner) => collect(inner, hidden, found),
        Node::Chain(first, rest) => {
            collect(first, hidden, found);
            for (_, operand) in rest {
                collect(operand, hidden, found);
            }
        }
        Node::Lambda(lambda) => {
            let outside = hidden.len();
            hidden.extend(lambda.parameters.iter().cloned());
            collect(&lambda.body, hidden, found);
            hidden.truncate(outside);
        }
        Node::Postfix(base, steps) => {
            if let Node::Name(name) = &**base
                && !hidden.contains(name)
            {
                let mut path = vec![name.to_string()];
                path.extend(steps.iter().map_while(property).map(|name| name.to_string()));
                found.push(path);
            } else {
                collect(base, hidden, found);
            }
            for step in steps {
                match step {
                    Step::Property(_) => {}
                    Step::Lookup(index) => collect(index, hidden, found),
                    Step::Call(arguments) => {
                        for argument in arguments {
                            collect(argument, hidden, found);
                        }
                    }
                }
            }
        }
    }
}

fn property(step: &Step) -> Option<Arc<str>> {
    match step {
        Step::Property(name) => Some(Arc::clone(name)),
        Step::Lookup(Node::Literal(Value::Text(name), _)) => Some(name.to_lowercase().into()),
        _ => None,
    }
}

/// A template with its context paths renamed. `rename` is given each path, as far as it is made of `.name` steps, and
/// tells whether it changed it. An expression in which something changed is printed canonically; everything else,
/// expressions that can't be parsed included, stays as it is.
pub fn rewrite(source: &str, rename: &mut dyn FnMut(&mut Vec<String>) -> bool) -> String {
    let mut out = String::with_capacity(source.len());
    for piece in pieces(source, &is_root) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Escape => out.push_str("@@"),
            Piece::Identifier(identifier) => {
                let mut path: Vec<String> = identifier.split('.').map(str::to_lowercase).collect();
                out.push('@');
                if rename(&mut path) {
                    out.push_str(&path.join("."));
                } else {
                    out.push_str(identifier);
                }
            }
            Piece::Expression(expression) => {
                out.push_str("@(");
                let mut changed = None;
                if let Ok(mut node) = parse(expression)
                    && renamed(&mut node, &mut Vec::new(), rename)
                {
                    changed = Some(node);
                }
                match changed {
                    Some(node) => node.write(&mut out),
                    None => out.push_str(expression),
                }
                out.push(')');
            }
        }
    }
    out
}

fn renamed(node: &mut Node, hidden: &mut Vec<Arc<str>>, rename: &mut dyn FnMut(&mut Vec<String>) -> bool) -> bool {
    match node {
        Node::Literal(..) | Node::Function(_) => false,
        Node::Name(name) => {
            if hidden.contains(name) {
                return false;
            }
            let mut path = vec![name.to_string()];
            let changed = rename(&mut path);
            if changed {
                *node = path_node(path, Vec::new());
            }
            changed
        }
        Node::Paren(inner) | Node::Negate(_, inner) => renamed(inner, hidden, rename),
        Node::Chain(first, rest) => {
            let mut changed = renamed(first, hidden, rename);
            for (_, operand) in rest {
                changed |= renamed(operand, hidden, rename);
            }
            changed
        }
        Node::Lambda(lambda) => {
            let outside = hidden.len();
            hidden.extend(lambda.parameters.iter().cloned());
            let mut body = lambda.body.clone();
            let changed = renamed(&mut body, hidden, rename);
            hidden.truncate(outside);
            if changed {
                *lambda = Arc::new(Lambda { parameters: lambda.parameters.clone(), body });
            }
            changed
        }
        Node::Postfix(base, steps) => {
            let mut changed = false;
            for step in steps.iter_mut() {
                match step {
                    Step::Property(_) => {}
                    Step::Lookup(index) => changed |= renamed(index, hidden, rename),
                    Step::Call(arguments) => {
                        for argument in arguments {
                            changed |= renamed(argument, hidden, rename);
                        }
                    }
                }
            }
            if let Node::Name(name) = &**base {
                if hidden.contains(name) {
                    return changed;
                }
                let properties = steps.iter().take_while(|step| matches!(step, Step::Property(_))).count();
                let mut path = vec![name.to_string()];
                path.extend(steps[..properties].iter().filter_map(property).map(|name| name.to_string()));
                if rename(&mut path) {
                    *node = path_node(path, steps.split_off(properties));
                    return true;
                }
                return changed;
            }
            renamed(base, hidden, rename) || changed
        }
    }
}

fn path_node(path: Vec<String>, rest: Vec<Step>) -> Node {
    let mut names = path.into_iter().map(Arc::<str>::from);
    let root = Node::Name(names.next().unwrap_or_else(|| "".into()));
    let steps: Vec<Step> = names.map(Step::Property).chain(rest).collect();
    if steps.is_empty() { root } else { Node::Postfix(Box::new(root), steps) }
}
