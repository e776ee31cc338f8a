//! The tree of jurisdictions and facilities, numbered so that "lies within" is a test of a range.
//!
//! Each place has a `left` and a `right` number; a place lies within another exactly if its `left` lies in the
//! other's range. The store keeps both numbers beside each place, so that `within = "Bong"` needs no recursion.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::hash::Hash;

/// Between the names of a path.
const SEPARATOR: &str = " > ";

/// `Liberia > Bong > Suakoko`, from the names from the top down; empty names are left out.
pub fn join_path<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let mut path = String::new();
    for name in names {
        let name = name.as_ref().trim();
        if name.is_empty() {
            continue;
        }
        if !path.is_empty() {
            path.push_str(SEPARATOR);
        }
        path.push_str(name);
    }
    path
}

/// The names in a path such as `Liberia > Bong`, trimmed, from the top down.
pub fn split_path(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('>').map(str::trim).filter(|name| !name.is_empty())
}

/// Where a place stands in the tree: it covers the numbers from `left` to `right`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Its own number, counted from 0 in depth-first order.
    pub left: u32,
    /// The greatest number of a place within it; its own for a leaf.
    pub right: u32,
    /// How many places it lies within.
    pub depth: u32,
}

impl Span {
    /// Whether `other` is this place or lies within it.
    pub fn covers(&self, other: &Self) -> bool {
        (self.left..=self.right).contains(&other.left)
    }
}

/// What was wrong with the pairs a tree was built from. The tree is usable all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault<Id> {
    /// The parent is not among the places: the place was put at the top.
    #[error("its parent is not known")]
    Orphan {
        /// The place.
        place: Id,
        /// The parent that is missing.
        parent: Id,
    },
    /// The place lies within itself, by way of the others: the first of them was put at the top.
    #[error("it lies within itself")]
    Cycle {
        /// The places of the circle, each within the next, the last within the first.
        places: Vec<Id>,
    },
    /// The place occurred twice with different parents: the first one counts.
    #[error("it has two parents")]
    TwoParents {
        /// The place.
        place: Id,
        /// The parent that was left out.
        ignored: Option<Id>,
    },
}

/// A numbered tree; several places may be at the top. The same pairs give the same numbers in whatever order.
#[derive(Clone, Debug, Default)]
pub struct PlaceTree<Id> {
    index: HashMap<Id, usize>,
    nodes: Vec<Node<Id>>,
    by_left: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Node<Id> {
    id: Id,
    parent: Option<usize>,
    span: Span,
}

impl<Id: Clone + Eq + Hash + Ord> PlaceTree<Id> {
    /// Builds the tree from pairs of a place and its parent. Brothers stand in the order of their ids.
    pub fn build(pairs: impl IntoIterator<Item = (Id, Option<Id>)>) -> (Self, Vec<Fault<Id>>) {
        let mut faults = Vec::new();
        let mut parents: HashMap<Id, Option<Id>> = HashMap::new();
        let mut ids = Vec::new();
        for (id, parent) in pairs {
            match parents.get(&id) {
                None => {
                    ids.push(id.clone());
                    parents.insert(id, parent);
                }
                Some(known) if *known != parent => faults.push(Fault::TwoParents { place: id, ignored: parent }),
                Some(_) => {}
            }
        }
        ids.sort_unstable();
        let index: HashMap<Id, usize> = ids.iter().cloned().enumerate().map(|(at, id)| (id, at)).collect();
        let mut parent: Vec<Option<usize>> = Vec::with_capacity(ids.len());
        for id in &ids {
            parent.push(parents.get(id).and_then(Option::as_ref).and_then(|above| {
                let found = index.get(above).copied();
                if found.is_none() {
                    faults.push(Fault::Orphan { place: id.clone(), parent: above.clone() });
                }
                found
            }));
        }
        break_cycles(&ids, &mut parent, &mut faults);
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); ids.len()];
        for (at, above) in parent.iter().enumerate() {
            if let Some(above) = above {
                children[*above].push(at);
            }
        }
        let none = Span { left: 0, right: 0, depth: 0 };
        let mut nodes: Vec<Node<Id>> =
            ids.into_iter().zip(parent).map(|(id, parent)| Node { id, parent, span: none }).collect();
        let mut by_left = Vec::with_capacity(nodes.len());
        let mut stack: Vec<(usize, bool)> =
            (0..nodes.len()).rev().filter(|at| nodes[*at].parent.is_none()).map(|at| (at, false)).collect();
        while let Some((at, done)) = stack.pop() {
            if done {
                nodes[at].span.right = by_left.len() as u32 - 1;
                continue;
            }
            let depth = nodes[at].parent.map_or(0, |above| nodes[above].span.depth + 1);
            nodes[at].span = Span { left: by_left.len() as u32, right: 0, depth };
            by_left.push(at);
            stack.push((at, true));
            stack.extend(children[at].iter().rev().map(|child| (*child, false)));
        }
        (Self { index, nodes, by_left }, faults)
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The numbers of a place.
    pub fn span(&self, place: &Id) -> Option<Span> {
        self.index.get(place).map(|at| self.nodes[*at].span)
    }

    /// Whether `place` is `above` or lies within it; false where either is unknown.
    pub fn within(&self, place: &Id, above: &Id) -> bool {
        match (self.span(place), self.span(above)) {
            (Some(place), Some(above)) => above.covers(&place),
            _ => false,
        }
    }

    /// The place that this one lies directly within, as the tree has it (none for orphans).
    pub fn parent(&self, place: &Id) -> Option<&Id> {
        let at = *self.index.get(place)?;
        self.nodes[at].parent.map(|above| &self.nodes[above].id)
    }

    /// The places that this one lies within, from itself upwards; nothing where it is unknown.
    pub fn upwards(&self, place: &Id) -> impl Iterator<Item = &Id> {
        let mut next = self.index.get(place).copied();
        std::iter::from_fn(move || {
            let node = &self.nodes[next?];
            next = node.parent;
            Some(&node.id)
        })
    }

    /// All places with their numbers, each after the one it lies within.
    pub fn iter(&self) -> impl Iterator<Item = (&Id, Span)> {
        self.by_left.iter().map(|at| (&self.nodes[*at].id, self.nodes[*at].span))
    }

    /// The place and all that lies within it, in the order of their numbers.
    pub fn subtree(&self, place: &Id) -> impl Iterator<Item = &Id> {
        let range = self.span(place).map_or(0..0, |span| span.left as usize..span.right as usize + 1);
        self.by_left[range].iter().map(|at| &self.nodes[*at].id)
    }
}

/// Cuts every circle above its first place and reports it.
fn break_cycles<Id: Clone>(ids: &[Id], parent: &mut [Option<usize>], faults: &mut Vec<Fault<Id>>) {
    // 0: not seen; otherwise one more than the place from which it was first reached.
    let mut seen = vec![0_usize; ids.len()];
    for start in 0..ids.len() {
        let mut at = start;
        while seen[at] == 0 {
            seen[at] = start + 1;
            let Some(above) = parent[at] else { break };
            if seen[above] == start + 1 {
                let mut circle = vec![above];
                let mut next = parent[above];
                while let Some(place) = next.filter(|place| *place != above) {
                    circle.push(place);
                    next = parent[place];
                }
                let first = circle.iter().enumerate().min_by_key(|(_, place)| **place).map_or(0, |(at, _)| at);
                circle.rotate_left(first);
                parent[circle[0]] = None;
                faults.push(Fault::Cycle { places: circle.into_iter().map(|place| ids[place].clone()).collect() });
                break;
            }
            at = above;
        }
    }
}
