//! Administrative places that people name in messages: country, states, districts, wards.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::OnceLock;

use super::Environment;

/// A level of the hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The country.
    Country = 0,
    /// A state, or whatever the largest part of the country is called.
    State = 1,
    /// A district.
    District = 2,
    /// A ward.
    Ward = 3,
}

/// A location: its level, its names, its place in the hierarchy.
#[derive(Clone, Debug)]
pub struct Location {
    /// Its level.
    pub level: u8,
    /// Its name.
    pub name: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Names from the country down to it: `Country > State > District`.
    pub path: String,
    parent: Option<usize>,
}

/// The locations of a workspace, in one hierarchy.
#[derive(Clone, Debug, Default)]
pub struct Locations {
    all: Vec<Location>,
    by_path: HashMap<String, usize>,
    /// Places of names and aliases as they are compared, one index per collation, made when first used.
    by_name: [OnceLock<Index>; 3],
}

#[derive(Serialize, Deserialize)]
struct Node {
    name: String,
    #[serde(default)]
    aliases: Option<Vec<String>>,
    #[serde(default)]
    children: Option<Vec<Node>>,
}

/// Places by level and name.
type Index = HashMap<(u8, String), Vec<usize>>;

/// Between the names of a path.
const SEPARATOR: &str = " > ";

impl Locations {
    /// Reads a hierarchy, `{"name", "aliases", "children"}`, or a list of them, of which the first counts.
    pub fn read(json: &serde_json::Value) -> Result<Self, serde_json::Error> {
        let root = match json {
            serde_json::Value::Array(list) => match list.first() {
                Some(first) => first,
                None => return Ok(Self::default()),
            },
            serde_json::Value::Null => return Ok(Self::default()),
            other => other,
        };
        let root = Node::deserialize(root)?;
        let mut locations = Self::default();
        locations.add(root, None, 0);
        Ok(locations)
    }

    fn add(&mut self, node: Node, parent: Option<usize>, level: u8) {
        let path = match parent {
            Some(parent) => format!("{}{SEPARATOR}{}", self.all[parent].path, node.name),
            None => node.name.clone(),
        };
        let place = self.all.len();
        self.by_path.insert(path.to_lowercase(), place);
        self.all.push(Location { level, name: node.name, aliases: node.aliases.unwrap_or_default(), path, parent });
        for child in node.children.unwrap_or_default() {
            self.add(child, Some(place), level.saturating_add(1));
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The location with a path, which is normalised first: trailing periods off, spaces single.
    pub fn lookup_path(&self, path: &str) -> Option<&Location> {
        let names = path.trim().trim_end_matches('.').split('>').map(|name| {
            let words: Vec<&str> = name.split_whitespace().collect();
            words.join(" ")
        });
        let path = names.collect::<Vec<_>>().join(SEPARATOR).to_lowercase();
        self.by_path.get(&path).map(|place| &self.all[*place])
    }

    /// The locations at a level with a name or alias, directly or not within `parent` if that is given.
    fn named(&self, env: &Environment, level: Level, name: &str, parent: Option<&Location>) -> Vec<&Location> {
        let name = env.collate(name.trim());
        let index = self.by_name[env.input_collation as usize].get_or_init(|| {
            let mut index = Index::new();
            for (place, location) in self.all.iter().enumerate() {
                for name in std::iter::once(&location.name).chain(&location.aliases) {
                    let places = index.entry((location.level, env.collate(name))).or_default();
                    if places.last() != Some(&place) {
                        places.push(place);
                    }
                }
            }
            index
        });
        let found = index.get(&(level as u8, name)).into_iter().flatten().map(|place| &self.all[*place]);
        found.filter(|location| parent.is_none_or(|parent| self.within(location, parent))).collect()
    }

    fn within(&self, location: &Location, parent: &Location) -> bool {
        let mut at = location.parent;
        while let Some(place) = at {
            if self.all[place].path == parent.path {
                return true;
            }
            at = self.all[place].parent;
        }
        false
    }

    /// The locations at a level that a text names, within `parent` if one is given.
    ///
    /// A text with `>` is a path. Otherwise the whole text is tried, then the text without punctuation and spaces, then
    /// each word, then each pair of neighbouring words; the first try that names anything decides.
    pub fn find(&self, env: &Environment, level: Level, text: &str, parent: Option<&Location>) -> Vec<&Location> {
        if text.contains('>') {
            let found = self.lookup_path(text).filter(|l| l.level == level as u8);
            return found.into_iter().collect();
        }
        let found = self.named(env, level, text, parent);
        if !found.is_empty() {
            return found;
        }
        let squeezed: String = text.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
        let found = self.named(env, level, &squeezed, parent);
        if !found.is_empty() {
            return found;
        }
        let words: Vec<&str> = crate::expression::words::words(text).collect();
        let found: Option<Vec<&Location>> =
            words.iter().map(|word| self.named(env, level, word, parent)).find(|found| !found.is_empty());
        if let Some(found) = found {
            return found;
        }
        words
            .windows(2)
            .map(|pair| self.named(env, level, &pair.join(" "), parent))
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }
}
