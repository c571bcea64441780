//! What differs between two values, as their readers would see it: by key, not by line.
//!
//! The order of keys, quoting, folding and comments do not matter. Lists of maps that carry a name (or a mount path, a
//! port, …) are matched by it, documents of Kubernetes by kind and name, other lists by their longest common
//! subsequence. Texts that hold a YAML or JSON document are compared as what they hold; other long texts line by line or
//! word by word.

mod list;
mod path;
#[cfg(test)]
mod tests;
mod text;

use crate::yaml;
use path::Step;
use serde_json::{Map, Value};

/// One place where two values differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where, for people: `decode.replicas`, `containers[vllm].args[2]`, `data."plugins.yaml" > plugins[queue].weight`,
    /// `command line 3 word 7 (--port)`. A number in brackets counts from 0, in the first value; of something that only
    /// the second value has, there. Lines and words count from 1.
    pub path: String,
    /// What the first value has there; `None` where it has nothing.
    pub before: Option<Value>,
    /// What the second value has there; `None` where it has nothing.
    pub after: Option<Value>,
    steps: Vec<Step>,
}

/// The changes that lead from `a` to `b`, in the order of `a`, with what only `b` has behind it; none where both mean
/// the same.
///
/// A named list in another order is one change, with the names in both orders.
pub fn difference(a: &Value, b: &Value) -> Vec<Change> {
    let mut changes = Changes::default();
    changes.compare(a, b);
    changes.found
}

/// The changes between two files as they were rendered: by document, where both are YAML, else by line.
pub(super) fn file_difference(a: &str, b: &str) -> Vec<Change> {
    let mut changes = Changes::default();
    match (yaml::documents(a), yaml::documents(b)) {
        (Ok(a), Ok(b)) => match (&filled(a)[..], &filled(b)[..]) {
            ([a], [b]) => changes.compare(a, b),
            (a, b) => changes.lists(a, b),
        },
        _ => changes.texts(a, b),
    }
    changes.found
}

/// Without what a template leaves where it is turned off.
fn filled(documents: Vec<Value>) -> Vec<Value> {
    documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect()
}

/// The changes so far, and where we are.
#[derive(Default)]
struct Changes {
    found: Vec<Change>,
    at: Vec<Step>,
}

impl Changes {
    fn compare(&mut self, a: &Value, b: &Value) {
        if a == b {
            return;
        }
        match (a, b) {
            (Value::Object(a), Value::Object(b)) => self.maps(a, b),
            (Value::Array(a), Value::Array(b)) => self.lists(a, b),
            (Value::String(a), Value::String(b)) => self.texts(a, b),
            (a, b) => self.note(Some(a.clone()), Some(b.clone())),
        }
    }

    fn maps(&mut self, a: &Map<String, Value>, b: &Map<String, Value>) {
        for (key, before) in a {
            self.within(Step::Key(key.clone()), |changes| match b.get(key) {
                Some(after) => changes.compare(before, after),
                None => changes.note(Some(before.clone()), None),
            });
        }
        for (key, after) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
            self.within(Step::Key(key.clone()), |changes| {
                changes.note(None, Some(after.clone()));
            });
        }
    }

    fn within(&mut self, step: Step, then: impl FnOnce(&mut Self)) {
        self.at.push(step);
        then(self);
        self.at.pop();
    }

    fn note(&mut self, before: Option<Value>, after: Option<Value>) {
        self.found.push(Change {
            path: path::text(&self.at),
            before,
            after,
            steps: self.at.clone(),
        });
    }
}
