//! Lists: matched by what their elements are called, else by what they have in common.

use super::Changes;
use super::path::Step;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Keys by which elements of a list are told apart, best first.
const NAMES: [&str; 8] = [
    "name",
    "mountPath",
    "containerPort",
    "pluginRef",
    "key",
    "type",
    "port",
    "id",
];
/// Beyond so many pairs of elements, lists are compared position by position: the time must stay bounded.
const MOST_PAIRS: usize = 1_000_000;

/// How one list becomes another.
pub(super) enum Edit {
    /// The element at the first position stays, or becomes that at the second.
    Pair(usize, usize),
    /// The element at this position of the first list goes.
    Removed(usize),
    /// The element at this position of the second list is new.
    Added(usize),
}

impl Changes {
    pub(super) fn lists(&mut self, a: &[Value], b: &[Value]) {
        match (names(a, b), names(b, a)) {
            (Some(ours), Some(theirs)) => self.named(a, &ours, b, &theirs),
            _ => self.unnamed(a, b),
        }
    }

    fn named(&mut self, a: &[Value], ours: &[String], b: &[Value], theirs: &[String]) {
        let partner = partners(a, ours, b, theirs);
        let taken: HashSet<usize> = partner.iter().flatten().copied().collect();
        for ((before, name), other) in a.iter().zip(ours).zip(&partner) {
            let after = other.and_then(|other| b.get(other));
            self.within(Step::Named(name.clone()), |changes| match after {
                Some(after) => changes.compare(before, after),
                None => changes.note(Some(before.clone()), None),
            });
        }
        for (_, (after, name)) in b
            .iter()
            .zip(theirs)
            .enumerate()
            .filter(|(index, _)| !taken.contains(index))
        {
            self.within(Step::Named(name.clone()), |changes| {
                changes.note(None, Some(after.clone()));
            });
        }
        let order: Vec<usize> = partner.into_iter().flatten().collect();
        if !order.is_sorted() {
            let list = |names: &[String]| Some(Value::from(names.to_vec()));
            self.within(Step::Order, |changes| changes.note(list(ours), list(theirs)));
        }
    }

    fn unnamed(&mut self, a: &[Value], b: &[Value]) {
        for edit in edits(a, b) {
            match edit {
                Edit::Pair(i, j) => {
                    if let (Some(before), Some(after)) = (a.get(i), b.get(j)) {
                        self.within(Step::Index(i), |changes| changes.compare(before, after));
                    }
                }
                Edit::Removed(i) => {
                    self.within(Step::Index(i), |changes| changes.note(a.get(i).cloned(), None));
                }
                Edit::Added(j) => {
                    self.within(Step::Index(j), |changes| changes.note(None, b.get(j).cloned()));
                }
            }
        }
    }
}

/// What the elements of `list` are called, if they are told apart in it and in `other` by the same key.
fn names(list: &[Value], other: &[Value]) -> Option<Vec<String>> {
    if list.is_empty() && other.is_empty() {
        return None;
    }
    let unique = |list: &[Value], name: &dyn Fn(&Map<String, Value>) -> Option<String>| {
        let names: Option<Vec<String>> = list.iter().map(|value| name(value.as_object()?)).collect();
        let names = names?;
        let mut seen = HashSet::new();
        names
            .iter()
            .all(|name| seen.insert(name.clone()))
            .then_some(names)
    };
    let named = |name: &dyn Fn(&Map<String, Value>) -> Option<String>| {
        unique(other, name)?;
        unique(list, name)
    };
    named(&object_name).or_else(|| NAMES.iter().find_map(|key| named(&|map| scalar(map.get(*key)?))))
}

/// `Deployment/vllm`, of a document of Kubernetes.
fn object_name(map: &Map<String, Value>) -> Option<String> {
    map.get("apiVersion")?;
    let kind = map.get("kind")?.as_str()?;
    let name = map.get("metadata")?.get("name")?.as_str()?;
    Some(format!("{kind}/{name}"))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// For each element of `a` the position in `b` of the one with its name; and, since names of Kubernetes objects may hold
/// the model's, for what is left the next object of its kind.
fn partners(a: &[Value], ours: &[String], b: &[Value], theirs: &[String]) -> Vec<Option<usize>> {
    let known: HashSet<&String> = ours.iter().collect();
    let positions: HashMap<&String, usize> = theirs.iter().zip(0..).collect();
    let mut left: Vec<usize> = theirs
        .iter()
        .enumerate()
        .filter_map(|(index, name)| (!known.contains(name)).then_some(index))
        .collect();
    let kind = |value: &Value| {
        value.get("apiVersion")?;
        value.get("kind")?.as_str().map(str::to_owned)
    };
    ours.iter()
        .zip(a)
        .map(|(name, value)| {
            positions.get(name).copied().or_else(|| {
                let wanted = Some(kind(value)?);
                let at = left
                    .iter()
                    .position(|index| b.get(*index).and_then(kind) == wanted)?;
                Some(left.remove(at))
            })
        })
        .collect()
}

/// How `a` becomes `b`: what both have in the same order stays; between those, elements are paired from the front.
pub(super) fn edits<T: PartialEq>(a: &[T], b: &[T]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (next_a, next_b) in common(a, b).into_iter().chain([(a.len(), b.len())]) {
        let paired = (next_a - i).min(next_b - j);
        edits.extend((0..paired).map(|k| Edit::Pair(i + k, j + k)));
        edits.extend((i + paired..next_a).map(Edit::Removed));
        edits.extend((j + paired..next_b).map(Edit::Added));
        (i, j) = (next_a + 1, next_b + 1);
    }
    edits
}

/// A longest sequence of equal elements, as positions in both lists.
pub(super) fn common<T: PartialEq>(a: &[T], b: &[T]) -> Vec<(usize, usize)> {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (a.get(head..).unwrap_or(&[]), b.get(head..).unwrap_or(&[]));
    let tail = rest_a
        .iter()
        .rev()
        .zip(rest_b.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let middle_a = rest_a.get(..rest_a.len() - tail).unwrap_or(&[]);
    let middle_b = rest_b.get(..rest_b.len() - tail).unwrap_or(&[]);
    let mut pairs: Vec<(usize, usize)> = (0..head).map(|k| (k, k)).collect();
    let between = longest(middle_a, middle_b);
    pairs.extend(between.into_iter().map(|(i, j)| (head + i, head + j)));
    let (end_a, end_b) = (a.len() - tail, b.len() - tail);
    pairs.extend((0..tail).map(|k| (end_a + k, end_b + k)));
    pairs
}

fn longest<T: PartialEq>(a: &[T], b: &[T]) -> Vec<(usize, usize)> {
    if a.len().saturating_mul(b.len()) > MOST_PAIRS {
        return Vec::new();
    }
    let width = b.len() + 1;
    // lengths[i * width + j]: the longest common sequence of what follows i in a and j in b.
    let mut lengths = vec![0_u32; (a.len() + 1) * width];
    let at = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, left) in a.iter().enumerate().rev() {
        for (j, right) in b.iter().enumerate().rev() {
            let length = if left == right {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(place) = lengths.get_mut(i * width + j) {
                *place = length;
            }
        }
    }
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while let (Some(left), Some(right)) = (a.get(i), b.get(j)) {
        if left == right {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}
