//! Provenance: which layer set each value of a resolved config, where it stands, and what it replaced.
//!
//! Nothing in the chain of stages is written for this. A [`Recorder`] is told by layers that come from somewhere what
//! they wrote, and looks itself at what each stage changed.

mod lines;
mod locate;
mod recorder;
mod replay;

pub use lines::ConfigLine;
pub(super) use locate::Spread;
pub(super) use recorder::{Recorder, Source};

use super::merge::set;
use super::secret::redacted;
use crate::experiment::PathSegment;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as messages call it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// `scenario.yaml:14:3`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Who set a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The layer: `defaults`, `shared`, `stack`, `--set`, `setup treatment tp2`, or the name of a rule.
    pub layer: String,
    /// Where it stands, when it stands in a file.
    pub place: Option<Place>,
    /// What it was set to, without secrets; null where a rule took the key away. Of a map, the part that the layer set.
    pub value: Value,
}

/// The history of every value of one resolved config.
#[derive(Debug, Clone, Default)]
pub struct Provenance {
    config: Value,
    layers: Vec<String>,
    root: Trail,
}

/// What happened at a key and below it.
#[derive(Debug, Clone, Default)]
struct Trail {
    /// Values it had, oldest first.
    marks: Vec<Mark>,
    below: BTreeMap<String, Trail>,
}

/// A value that a layer set. Lists are values: layers replace them whole.
#[derive(Debug, Clone, PartialEq)]
struct Mark {
    /// Position among the layers.
    layer: usize,
    place: Option<Place>,
    /// Places of a list's parts, where it stands in a file.
    parts: Vec<(Vec<String>, Place)>,
    value: Value,
}

impl Provenance {
    /// Who set the value at `path`, oldest first; the last one is in effect. Of a map: who set something in it. Empty
    /// where nothing ever was.
    pub fn of(&self, path: &[PathSegment]) -> Vec<Origin> {
        let path: Vec<&str> = path.iter().map(PathSegment::text).collect();
        let mut trail = &self.root;
        for (depth, key) in path.iter().enumerate() {
            match trail.below.get(*key) {
                Some(next) => trail = next,
                None => return self.of_part(&trail.marks, path.get(depth..).unwrap_or_default()),
            }
        }
        if trail.below.is_empty() {
            self.origins(path.last().copied().unwrap_or_default(), &trail.marks)
        } else {
            self.of_map(trail)
        }
    }

    /// The resolved config that this is about, without secrets.
    pub fn config(&self) -> Value {
        redacted("", &self.config)
    }

    fn origin(&self, key: &str, mark: &Mark) -> Origin {
        Origin {
            layer: self.layers.get(mark.layer).cloned().unwrap_or_default(),
            place: mark.place.clone(),
            value: redacted(key, &mark.value),
        }
    }

    fn origins(&self, key: &str, marks: &[Mark]) -> Vec<Origin> {
        marks.iter().map(|mark| self.origin(key, mark)).collect()
    }

    /// The layers that set something below, each with all that it set.
    fn of_map(&self, trail: &Trail) -> Vec<Origin> {
        let mut by_layer: BTreeMap<usize, Mark> = BTreeMap::new();
        gather(trail, &mut Vec::new(), &mut by_layer);
        by_layer.values().map(|mark| self.origin("", mark)).collect()
    }

    /// The history of a part of a list: of those lists that had it, without those that took it over as it was.
    fn of_part(&self, marks: &[Mark], part: &[&str]) -> Vec<Origin> {
        let mut found: Vec<Mark> = Vec::new();
        let mut part: Vec<String> = part.iter().map(|key| (*key).to_owned()).collect();
        // From the newest list back: what a rule inserts moves the others to other positions.
        for (at, mark) in marks.iter().enumerate().rev() {
            let Some(value) = reach(&mark.value, &part) else {
                break;
            };
            let older = at.checked_sub(1).and_then(|at| marks.get(at));
            let kept = older
                .filter(|_| mark.place.is_none())
                .and_then(|older| counterpart(&older.value, &mark.value, &part));
            if let Some(kept) = kept {
                part = kept;
                continue;
            }
            let place = mark.parts.iter().find(|(path, _)| *path == part);
            found.push(Mark {
                layer: mark.layer,
                place: place
                    .map(|(_, place)| place.clone())
                    .or_else(|| mark.place.clone()),
                parts: Vec::new(),
                value: value.clone(),
            });
        }
        found.reverse();
        // A variable's secret is told by the name beside it.
        let secret = |mark: &Mark, newest: &Value| -> Value {
            let shown = redacted("", newest);
            match reach(&shown, &part) {
                Some(value) if reach(newest, &part) == Some(&mark.value) => value.clone(),
                _ => redacted(part.last().map_or("", String::as_str), &mark.value),
            }
        };
        let newest = marks.last().map_or(Value::Null, |mark| mark.value.clone());
        found
            .iter()
            .map(|mark| Origin {
                value: secret(mark, &newest),
                ..self.origin("", mark)
            })
            .collect()
    }
}

/// Collect what each layer set below a key into one value per layer, at the place of the first of them.
fn gather(trail: &Trail, path: &mut Vec<String>, by_layer: &mut BTreeMap<usize, Mark>) {
    for mark in &trail.marks {
        let whole = by_layer.entry(mark.layer).or_insert_with(|| Mark {
            layer: mark.layer,
            place: mark.place.clone(),
            parts: Vec::new(),
            value: Value::Object(Map::new()),
        });
        if let Some(place) = &mark.place
            && whole.place.as_ref().is_none_or(|first| place < first)
        {
            whole.place = Some(place.clone());
        }
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        set(&mut whole.value, &path, mark.value.clone());
    }
    for (key, below) in &trail.below {
        path.push(key.clone());
        gather(below, path, by_layer);
        path.pop();
    }
}

/// The value at a path that may lead through lists.
fn reach<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        value => value.get(key),
    })
}

/// Where an older list had the same part: in the element at the same position, or in an equal one.
fn counterpart(older: &Value, newer: &Value, part: &[String]) -> Option<Vec<String>> {
    let value = reach(newer, part)?;
    if reach(older, part) == Some(value) {
        return Some(part.to_vec());
    }
    let (index, rest) = part.split_first()?;
    let element = newer.as_array()?.get(index.parse::<usize>().ok()?)?;
    let at = older.as_array()?.iter().position(|one| one == element)?;
    let mut moved = vec![at.to_string()];
    moved.extend_from_slice(rest);
    Some(moved)
}

#[cfg(test)]
mod tests;
