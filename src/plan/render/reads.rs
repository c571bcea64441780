//! What a rendering depended on.

use super::context::{Node, Tree};
use minijinja::value::Value;
use std::sync::Arc;

/// The parts of a config that a rendering looked at. Another config that has the same parts renders to the same text,
/// because a template can do nothing but look.
#[derive(Debug)]
pub(super) enum Seen {
    Leaf(Value),
    /// All its items; those that were looked at with what was seen in them.
    List(Vec<Option<Seen>>),
    Map {
        /// Which keys there are, and in which order, mattered too.
        listed: bool,
        /// Keys that were not there.
        absent: Vec<String>,
        entries: Vec<(Arc<str>, Option<Seen>)>,
    },
}

impl Seen {
    /// Whether `tree` has the same parts.
    pub(super) fn is_in(&self, tree: &Tree) -> bool {
        self.is_at(tree, 0)
    }

    fn is_at(&self, tree: &Tree, index: usize) -> bool {
        let same =
            |seen: &Option<Self>, index: usize| seen.as_ref().is_none_or(|seen| seen.is_at(tree, index));
        match (self, tree.node(index)) {
            (Self::Leaf(seen), Some(Node::Leaf(value))) => alike(seen, value),
            (Self::List(seen), Some(Node::List(items))) => {
                seen.len() == items.len() && seen.iter().zip(items).all(|(seen, index)| same(seen, *index))
            }
            (
                Self::Map {
                    listed,
                    absent,
                    entries,
                },
                Some(Node::Map(map)),
            ) => {
                let in_order = || entries.iter().map(|(key, _)| key).eq(map.keys());
                (!listed || (entries.len() == map.len() && in_order()))
                    && absent.iter().all(|key| !map.contains_key(key.as_str()))
                    && entries
                        .iter()
                        .all(|(key, seen)| map.get(key).is_some_and(|index| same(seen, *index)))
            }
            _ => false,
        }
    }
}

/// Equal, and printed alike: 1, 1.0 and true are equal to each other.
fn alike(a: &Value, b: &Value) -> bool {
    a.kind() == b.kind() && a.is_integer() == b.is_integer() && a == b
}
