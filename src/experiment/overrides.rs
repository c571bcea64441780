//! Writing the values of a treatment into a config or a profile.

use super::conflicts::describe;
use super::design::{Override, OverrideTarget, PathSegment};
use super::nearest::{did_you_mean, nearest};
use super::path::format_path;
use crate::diagnostic::{Finding, Span};
use serde_json::{Map, Value};

/// First segments of keys that belong to the deployment, for a hint where one is written into a profile.
const DEPLOYMENT: [&str; 16] = [
    "decode",
    "prefill",
    "standalone",
    "modelservice",
    "fma",
    "kustomize",
    "router",
    "vllmCommon",
    "model",
    "scheduler",
    "schedulerName",
    "gateway",
    "routing",
    "storage",
    "wva",
    "huggingface",
];

/// Set each override in `document`, in order; `what` names the document in messages (`the config`).
///
/// An override whose parent does not exist is an error and changes nothing. A key that is new under an existing parent,
/// and a bare name that is found several times or never, are warnings.
pub fn apply_overrides(document: &mut Value, overrides: &[Override], what: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for item in overrides {
        let finding = match &item.target {
            OverrideTarget::EveryKey(name) => set_every(document, name, item, what),
            OverrideTarget::Path(path) => set_path(document, path, item, what, false),
            OverrideTarget::Known(path) => set_path(document, path, item, what, true),
        };
        findings.extend(finding);
    }
    findings
}

fn set_path(
    document: &mut Value,
    path: &[PathSegment],
    item: &Override,
    what: &str,
    make_parents: bool,
) -> Option<Finding> {
    let (leaf, parents) = path.split_last()?;
    let mut place = document;
    for (depth, segment) in parents.iter().enumerate() {
        let here = path.get(..=depth).unwrap_or(path);
        open_up(place);
        if make_parents && let Value::Object(map) = &mut *place {
            map.entry(segment.text())
                .or_insert_with(|| Value::Object(Map::new()));
        }
        // Looked at before the step, because a failed step must still be able to say what there was.
        if step(place, segment).is_none() {
            return Some(no_parent(place, here, item, what));
        }
        place = step(place, segment)?;
    }
    open_up(place);
    set_leaf(place, leaf, path, item, what, make_parents)
}

/// A key without a value is an empty map to whoever wants to put something into it.
fn open_up(place: &mut Value) {
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
}

fn step<'v>(place: &'v mut Value, segment: &PathSegment) -> Option<&'v mut Value> {
    match place {
        Value::Object(map) => map.get_mut(segment.text()),
        Value::Array(list) => {
            let index = index(segment, list.len())?;
            list.get_mut(index)
        }
        _ => None,
    }
}

/// A position in a list of `len` elements; negative ones count from the end.
fn index(segment: &PathSegment, len: usize) -> Option<usize> {
    let PathSegment::Key(text) = segment else {
        return None;
    };
    let number: i64 = text.parse().ok()?;
    let from_end = if number < 0 { i64::try_from(len).ok()? } else { 0 };
    usize::try_from(number.checked_add(from_end)?)
        .ok()
        .filter(|index| *index < len)
}

fn set_leaf(
    place: &mut Value,
    leaf: &PathSegment,
    path: &[PathSegment],
    item: &Override,
    what: &str,
    known: bool,
) -> Option<Finding> {
    let target = format_path(path);
    match place {
        Value::Object(map) => {
            let finding = match map.get(leaf.text()) {
                None if known || map.is_empty() => None,
                None => Some(new_key(map, leaf.text(), &target, item.span, what)),
                Some(Value::Object(old)) if !item.value.is_object() && !old.is_empty() => {
                    Some(Finding::warning(
                        item.span,
                        format!("`{target}` is a map in {what}; the single value replaces all of it"),
                    ))
                }
                Some(_) => None,
            };
            map.insert(leaf.text().to_owned(), item.value.clone());
            finding
        }
        Value::Array(list) => {
            let Some(index) = index(leaf, list.len()) else {
                return Some(no_element(list.len(), path, item.span, what));
            };
            if let Some(element) = list.get_mut(index) {
                *element = item.value.clone();
            }
            None
        }
        other => Some(not_a_map(other, path, item.span, what)),
    }
}

fn new_key(map: &Map<String, Value>, key: &str, target: &str, span: Span, what: &str) -> Finding {
    let finding = Finding::warning(span, format!("`{target}` is not in {what}; it is added"));
    match did_you_mean(key, map.keys().map(String::as_str)) {
        Some(help) => finding.with_help(help),
        None => finding,
    }
}

/// The error for a path that ends at `place`, before its segment `here.last()`.
fn no_parent(place: &Value, here: &[PathSegment], item: &Override, what: &str) -> Finding {
    match place {
        Value::Object(map) => {
            let missing = format_path(here);
            let target = describe(&item.target);
            let message = format!("`{target}` cannot be set: there is no `{missing}` in {what}");
            Finding::error(item.span, message).with_help(parent_help(map, here))
        }
        Value::Array(list) => no_element(list.len(), here, item.span, what),
        other => not_a_map(other, here, item.span, what),
    }
}

fn parent_help(map: &Map<String, Value>, here: &[PathSegment]) -> String {
    const MOST: usize = 8;
    let wrong = here.last().map_or("", PathSegment::text);
    let names = nearest(wrong, map.keys().map(String::as_str));
    if let Some(help) = did_you_mean(wrong, names) {
        return help;
    }
    if here.len() == 1 && DEPLOYMENT.contains(&wrong) {
        return "keys of the deployment belong into the treatments of `setup`".to_owned();
    }
    let there: Vec<String> = map.keys().take(MOST).map(|key| format!("`{key}`")).collect();
    let more = if map.len() > MOST { ", …" } else { "" };
    if there.is_empty() {
        return "nothing is there".to_owned();
    }
    format!("there are {}{more}", there.join(", "))
}

fn no_element(len: usize, path: &[PathSegment], span: Span, what: &str) -> Finding {
    let (last, before) = path
        .split_last()
        .map_or(("", path), |(last, before)| (last.text(), before));
    let holder = format_path(before);
    let place = if holder.is_empty() {
        what.to_owned()
    } else {
        format!("`{holder}`")
    };
    let message = format!(
        "`{}` cannot be set: {place} is a list and has no element `{last}`",
        format_path(path)
    );
    let help = match len {
        0 => "the list is empty".to_owned(),
        len => format!("its elements are 0 to {}", len - 1),
    };
    Finding::error(span, message).with_help(help)
}

fn not_a_map(value: &Value, path: &[PathSegment], span: Span, what: &str) -> Finding {
    let before = path.split_last().map_or(path, |(_, before)| before);
    let place = if before.is_empty() {
        what.to_owned()
    } else {
        format!("`{}`", format_path(before))
    };
    let kind = match value {
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        _ => "text",
    };
    Finding::error(
        span,
        format!(
            "`{}` cannot be set: {place} is {kind}, not a map",
            format_path(path)
        ),
    )
    .with_help("set that key itself, or another path")
}

/// Set every key of exactly this name, at any depth; where there is none, at the top level.
fn set_every(document: &mut Value, name: &str, item: &Override, what: &str) -> Option<Finding> {
    let mut places = Vec::new();
    set_below(document, name, &item.value, "", &mut places);
    match places.as_slice() {
        [_] => None,
        [] => {
            open_up(document);
            let Value::Object(map) = document else {
                return Some(not_a_map(
                    document,
                    &[PathSegment::Key(name.to_owned())],
                    item.span,
                    what,
                ));
            };
            let finding = Finding::warning(
                item.span,
                format!("there is no `{name}` in {what}; it is set at the top level"),
            );
            let help = did_you_mean(name, map.keys().map(String::as_str));
            map.insert(name.to_owned(), item.value.clone());
            Some(match help {
                Some(help) => finding.with_help(help),
                None => finding,
            })
        }
        several => {
            const MOST: usize = 5;
            let shown: Vec<String> = several
                .iter()
                .take(MOST)
                .map(|place| format!("`{place}`"))
                .collect();
            let more = if several.len() > MOST { ", …" } else { "" };
            let message = format!("`{name}` is in {what} {} times, and all are set", several.len());
            let help = format!("to set one, write its whole path: {}{more}", shown.join(", "));
            Some(Finding::warning(item.span, message).with_help(help))
        }
    }
}

fn set_below(place: &mut Value, name: &str, value: &Value, path: &str, places: &mut Vec<String>) {
    let join = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match place {
        Value::Object(map) => {
            for (key, inner) in map {
                if key == name {
                    *inner = value.clone();
                    places.push(join(key));
                } else {
                    set_below(inner, name, value, &join(key), places);
                }
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter_mut().enumerate() {
                set_below(inner, name, value, &join(&index.to_string()), places);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
