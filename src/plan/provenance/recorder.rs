//! Watches a config grow, layer by layer and stage by stage.

use super::locate::{self, Spread};
use super::{Mark, Place, Provenance, Trail};
use crate::plan::merge::get;
use crate::yaml::Node;
use serde_json::Value;

/// Where what a layer writes comes from.
#[derive(Clone, Copy)]
pub(in crate::plan) enum Source<'a> {
    /// Nowhere that can be pointed at: the command line.
    Nowhere,
    /// One place in a file.
    At(&'a Place),
    /// A whole file, or a part of one, laid from its root.
    File(&'a str, &'a Node, Spread),
    /// Another part of the config, which has a history of its own.
    Part(&'a [&'a str]),
}

/// Keeps the history of a config that others make.
#[derive(Debug, Default)]
pub(in crate::plan) struct Recorder {
    layers: Vec<String>,
    root: Trail,
    seen: Value,
}

impl Recorder {
    /// `layer` wrote `written` at `path`, and the config became `config`. A value counts as set by it also where it was
    /// the same before.
    pub(in crate::plan) fn wrote(
        &mut self,
        layer: &str,
        source: Source,
        path: &[String],
        written: &Value,
        config: &Value,
    ) {
        let layer = self.layer(layer);
        let mut leaves = Vec::new();
        leaves_of(written, &mut path.to_vec(), &mut leaves);
        for (whole, leaf) in leaves {
            let (path, value) = up_to_list(config, &whole);
            let Some(value) = value else { continue };
            // Null and an empty map leave a value alone.
            let had_effect = value == leaf && (!leaf.is_null() || get_at(&self.seen, path).is_none());
            if path.len() == whole.len() && !had_effect {
                continue;
            }
            let (place, parts) = self.place(source, path);
            self.mark(path, layer, place, parts, value);
        }
        self.notice(layer, config);
    }

    /// A stage is over: what it changed is its own doing.
    pub(in crate::plan) fn stage(&mut self, layer: &str, config: &Value) {
        if self.seen != *config {
            let layer = self.layer(layer);
            self.notice(layer, config);
        }
    }

    /// What was under `from` is laid over `to` now, with its history.
    pub(in crate::plan) fn moved(&mut self, from: &[&str], to: &str) {
        let Some((last, parents)) = from.split_last() else {
            return;
        };
        let taken = parents
            .iter()
            .try_fold(&mut self.root, |trail, key| trail.below.get_mut(*key))
            .and_then(|parent| parent.below.remove(*last));
        if let Some(taken) = taken {
            self.root.below.entry(to.to_owned()).or_default().append(taken);
        }
    }

    /// The whole history of what became `config`.
    pub(in crate::plan) fn finish(self, config: &Value) -> Provenance {
        Provenance {
            config: config.clone(),
            layers: self.layers,
            root: self.root,
        }
    }

    fn layer(&mut self, name: &str) -> usize {
        if self.layers.last().is_none_or(|last| last != name) {
            self.layers.push(name.to_owned());
        }
        self.layers.len() - 1
    }

    fn place(&self, source: Source, path: &[String]) -> (Option<Place>, Vec<(Vec<String>, Place)>) {
        match source {
            Source::Nowhere => (None, Vec::new()),
            Source::At(place) => (Some(place.clone()), Vec::new()),
            Source::File(file, root, spread) => match locate::find(file, root, spread, path) {
                Some((place, node)) => (Some(place), locate::parts(file, node)),
                None => (None, Vec::new()),
            },
            Source::Part(from) => {
                let from = from
                    .iter()
                    .copied()
                    .chain(path.iter().skip(1).map(String::as_str));
                let trail = from
                    .into_iter()
                    .try_fold(&self.root, |trail, key| trail.below.get(key));
                match trail.and_then(|trail| trail.marks.last()) {
                    Some(mark) => (mark.place.clone(), mark.parts.clone()),
                    None => (None, Vec::new()),
                }
            }
        }
    }

    fn mark(
        &mut self,
        path: &[String],
        layer: usize,
        place: Option<Place>,
        parts: Vec<(Vec<String>, Place)>,
        value: &Value,
    ) {
        let mut trail = &mut self.root;
        for key in path {
            trail = trail.below.entry(key.clone()).or_default();
        }
        // A map that was here is gone with all that was in it.
        trail.below.clear();
        let again = trail.marks.last().is_some_and(|last| {
            self.layers.get(last.layer) == self.layers.get(layer)
                && last.place == place
                && last.value == *value
        });
        if !again {
            trail.marks.push(Mark {
                layer,
                place,
                parts,
                value: value.clone(),
            });
        }
    }

    /// Give `layer` every change that nobody has told of.
    fn notice(&mut self, layer: usize, config: &Value) {
        if self.seen == *config {
            return;
        }
        let mut changes = Vec::new();
        changed(Some(&self.seen), config, &mut Vec::new(), &mut changes);
        for path in changes {
            match get_at(config, &path) {
                Some(value) => {
                    let value = value.clone();
                    if self.last(&path) != Some(&value) {
                        self.mark(&path, layer, None, Vec::new(), &value);
                    }
                }
                None => self.mark(&path, layer, None, Vec::new(), &Value::Null),
            }
        }
        self.seen.clone_from(config);
    }

    fn last(&self, path: &[String]) -> Option<&Value> {
        let trail = path
            .iter()
            .try_fold(&self.root, |trail, key| trail.below.get(key))?;
        trail.marks.last().map(|mark| &mark.value)
    }
}

impl Trail {
    /// Put a newer history on top of this one.
    fn append(&mut self, newer: Self) {
        if !newer.marks.is_empty() && newer.below.is_empty() {
            self.below.clear();
        }
        self.marks.extend(newer.marks);
        for (key, trail) in newer.below {
            self.below.entry(key).or_default().append(trail);
        }
    }
}

fn get_at<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    get(value, &path)
}

/// As much of `path` as leads through maps, and what is there. An override may lead into a list.
fn up_to_list<'a, 'v>(config: &'v Value, path: &'a [String]) -> (&'a [String], Option<&'v Value>) {
    let mut value = config;
    for (depth, key) in path.iter().enumerate() {
        if value.is_array() {
            return (path.get(..depth).unwrap_or(path), Some(value));
        }
        match value.get(key) {
            Some(next) => value = next,
            None => return (path, None),
        }
    }
    (path, Some(value))
}

fn leaves_of<'a>(value: &'a Value, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, &'a Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                path.push(key.clone());
                leaves_of(value, path, leaves);
                path.pop();
            }
        }
        _ => leaves.push((path.clone(), value)),
    }
}

/// The paths of all leaves that are new, different or gone.
fn changed(before: Option<&Value>, after: &Value, path: &mut Vec<String>, changes: &mut Vec<Vec<String>>) {
    if before == Some(after) {
        return;
    }
    let (Value::Object(after), Some(Value::Object(before))) = (after, before) else {
        add_leaves(after, path, changes);
        return;
    };
    if after.is_empty() {
        changes.push(path.clone());
        return;
    }
    for (key, value) in after {
        path.push(key.clone());
        changed(before.get(key), value, path, changes);
        path.pop();
    }
    for (key, value) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        path.push(key.clone());
        add_leaves(value, path, changes);
        path.pop();
    }
}

fn add_leaves(value: &Value, path: &mut Vec<String>, changes: &mut Vec<Vec<String>>) {
    let mut leaves = Vec::new();
    leaves_of(value, path, &mut leaves);
    changes.extend(leaves.into_iter().map(|(path, _)| path));
}
