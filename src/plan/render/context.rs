//! A config as templates see it: nothing is copied for a rendering, and what a template looked at is known afterwards.

use super::changing::Changing;
use super::reads::Seen;
use indexmap::IndexMap;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Nothing of a node was looked at.
const UNSEEN: u8 = 0;
/// The value of a leaf, or that there is a map or a list.
const SEEN: u8 = 1;
/// Also which keys it has, or how long it is.
const LISTED: u8 = 2;

/// A config, made once and read by all its renderings.
#[derive(Debug)]
pub(super) struct Tree {
    /// The first one is the root.
    nodes: Vec<Node>,
}

/// A value of the config; collections name their parts by index.
#[derive(Debug)]
pub(super) enum Node {
    Leaf(Value),
    List(Vec<usize>),
    Map(IndexMap<Arc<str>, usize>),
}

impl Tree {
    pub(super) fn new(config: &Json) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        tree.add(config);
        tree
    }

    fn add(&mut self, value: &Json) -> usize {
        let index = self.nodes.len();
        self.nodes.push(Node::Leaf(Value::UNDEFINED));
        let node = match value {
            Json::Object(map) => Node::Map(
                map.iter()
                    .map(|(key, value)| (key.as_str().into(), self.add(value)))
                    .collect(),
            ),
            Json::Array(items) => Node::List(items.iter().map(|item| self.add(item)).collect()),
            Json::Null => Node::Leaf(Value::from(())),
            Json::Bool(value) => Node::Leaf(Value::from(*value)),
            Json::String(text) => Node::Leaf(Value::from(text.as_str())),
            Json::Number(number) => Node::Leaf(match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Value::from(number),
                (None, Some(number)) => Value::from(number),
                (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
            }),
        };
        if let Some(place) = self.nodes.get_mut(index) {
            *place = node;
        }
        index
    }

    pub(super) fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }
}

/// One rendering's view of a config.
pub(super) struct View {
    tree: Arc<Tree>,
    /// What was looked at, by node.
    seen: Vec<AtomicU8>,
    /// Keys that were looked for and are not there.
    missed: Mutex<HashSet<(usize, String)>>,
    /// Collections that the template has changed for itself.
    changed: Mutex<HashMap<usize, Arc<Changing>>>,
}

impl View {
    pub(super) fn new(tree: &Arc<Tree>) -> Arc<Self> {
        Arc::new(Self {
            tree: tree.clone(),
            seen: tree.nodes.iter().map(|_| AtomicU8::new(UNSEEN)).collect(),
            missed: Mutex::default(),
            changed: Mutex::default(),
        })
    }

    /// The whole config, to render with.
    pub(super) fn root(self: &Arc<Self>) -> Value {
        self.hand_out(0)
    }

    /// Everything that was looked at so far: another config that agrees in it renders to the same text.
    pub(super) fn seen(&self) -> Seen {
        let missed = locked(&self.missed);
        let mut by_node: HashMap<usize, Vec<String>> = HashMap::new();
        for (node, key) in missed.iter() {
            by_node.entry(*node).or_default().push(key.clone());
        }
        self.seen_at(0, &mut by_node)
    }

    fn seen_at(&self, index: usize, missed: &mut HashMap<usize, Vec<String>>) -> Seen {
        let listed = self.level(index) == LISTED;
        let children = |parts: &mut dyn Iterator<Item = usize>, missed: &mut HashMap<usize, Vec<String>>| {
            parts
                .map(|part| (self.level(part) != UNSEEN).then(|| self.seen_at(part, missed)))
                .collect::<Vec<_>>()
        };
        match self.tree.node(index) {
            Some(Node::List(items)) => Seen::List(children(&mut items.iter().copied(), missed)),
            Some(Node::Map(map)) => {
                let absent = missed.remove(&index).unwrap_or_default();
                let values = children(&mut map.values().copied(), missed);
                let entries = map.keys().cloned().zip(values);
                Seen::Map {
                    listed,
                    absent,
                    entries: entries.filter(|(_, value)| listed || value.is_some()).collect(),
                }
            }
            Some(Node::Leaf(value)) => Seen::Leaf(value.clone()),
            None => Seen::Leaf(Value::UNDEFINED),
        }
    }

    fn level(&self, index: usize) -> u8 {
        self.seen
            .get(index)
            .map_or(UNSEEN, |seen| seen.load(Ordering::Relaxed))
    }

    fn note(&self, index: usize, level: u8) {
        if let Some(seen) = self.seen.get(index) {
            seen.fetch_max(level, Ordering::Relaxed);
        }
    }

    fn hand_out(self: &Arc<Self>, index: usize) -> Value {
        self.note(index, SEEN);
        match self.tree.node(index) {
            Some(Node::Leaf(value)) => value.clone(),
            Some(_) => Value::from_object(Branch {
                view: self.clone(),
                index,
            }),
            None => Value::UNDEFINED,
        }
    }
}

/// The lock is never held while anything can panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A map or a list of the config.
pub(super) struct Branch {
    view: Arc<View>,
    index: usize,
}

impl Branch {
    fn node(&self) -> Option<&Node> {
        self.view.tree.node(self.index)
    }

    /// What the template has made of this collection, where it has changed it.
    fn changed(&self) -> Option<Arc<Changing>> {
        locked(&self.view.changed).get(&self.index).cloned()
    }

    /// Its parts, all of them looked at.
    fn parts(&self) -> Vec<(Value, Value)> {
        self.view.note(self.index, LISTED);
        match self.node() {
            Some(Node::Map(map)) => map
                .iter()
                .map(|(key, value)| (Value::from(key.clone()), self.view.hand_out(*value)))
                .collect(),
            Some(Node::List(items)) => items
                .iter()
                .enumerate()
                .map(|(position, item)| (Value::from(position), self.view.hand_out(*item)))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn find(&self, key: &str) -> Option<Value> {
        let Some(Node::Map(map)) = self.node() else {
            return None;
        };
        if let Some(value) = map.get(key) {
            return Some(self.view.hand_out(*value));
        }
        locked(&self.view.missed).insert((self.index, key.to_owned()));
        None
    }
}

impl fmt::Debug for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part {} of the config", self.index)
    }
}

impl Object for Branch {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.node() {
            Some(Node::List(_)) => ObjectRepr::Seq,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(changed) = self.changed() {
            return changed.get_value(key);
        }
        match self.node() {
            // How long it is may decide what is found.
            Some(Node::List(items)) => {
                self.view.note(self.index, LISTED);
                Some(self.view.hand_out(*items.get(key.as_usize()?)?))
            }
            _ => match key.as_str() {
                Some(key) => self.find(key),
                // Keys that are numbers in a file are text here.
                None => self.find(&key.to_string()),
            },
        }
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match self.changed() {
            Some(changed) => changed.get_value(&Value::from(key)),
            None => self.find(key),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        if let Some(changed) = self.changed() {
            return changed.enumerate();
        }
        let parts = self.parts();
        match self.node() {
            Some(Node::List(_)) => Enumerator::Values(parts.into_iter().map(|(_, item)| item).collect()),
            _ => Enumerator::RevKeyValueIter(Box::new(parts.into_iter())),
        }
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        if let Some(changed) = self.changed() {
            return changed.enumerator_len();
        }
        self.view.note(self.index, LISTED);
        match self.node() {
            Some(Node::List(items)) => Some(items.len()),
            Some(Node::Map(map)) => Some(map.len()),
            _ => None,
        }
    }

    /// Python's methods that change a collection. The change is the template's own: in the reference it stays for the
    /// templates that follow, which depends on their order, and so the config has such values filled in beforehand.
    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        if !Changing::knows(method) {
            return Err(Error::from(ErrorKind::UnknownMethod));
        }
        let changing = match self.changed() {
            Some(changing) => changing,
            None => match self.node() {
                Some(Node::List(_)) => {
                    Changing::list(self.parts().into_iter().map(|(_, item)| item).collect())
                }
                _ => Changing::map(self.parts().into_iter().collect()),
            },
        };
        let result = changing.call_method(state, method, arguments);
        locked(&self.view.changed).insert(self.index, changing);
        result
    }
}
