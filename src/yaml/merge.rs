//! The merge key `<<`.

use super::node::{Node, NodeKind};
use crate::diagnostic::{Finding, Findings};
use std::collections::HashMap;

/// Whether a map's key is the merge key (a quoted `<<` is an ordinary key).
fn is_merge(key: &Node) -> bool {
    matches!(&key.kind, NodeKind::Scalar { raw, plain: true, .. } if raw == "<<")
}

/// `pairs` with every `<<` replaced by the entries it brings, in PyYAML's order: merged entries first, each overridden
/// by the map's own; of a list of maps the first wins.
pub(super) fn merged(pairs: Vec<(Node, Node)>, findings: &mut Findings) -> Vec<(Node, Node)> {
    if !pairs.iter().any(|(key, _)| is_merge(key)) {
        return pairs;
    }
    let mut own = Vec::new();
    let mut brought = Vec::new();
    for (key, value) in pairs {
        if is_merge(&key) {
            bring(value, &mut brought, findings);
        } else {
            own.push((key, value));
        }
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut result: Vec<(Node, Node)> = Vec::new();
    for (key, value) in brought.into_iter().chain(own) {
        let name = key.raw().unwrap_or_default().to_owned();
        if let Some(place) = places.get(&name).and_then(|at| result.get_mut(*at)) {
            *place = (key, value);
        } else {
            places.insert(name, result.len());
            result.push((key, value));
        }
    }
    result
}

fn bring(value: Node, brought: &mut Vec<(Node, Node)>, findings: &mut Findings) {
    let span = value.span;
    match value.kind {
        NodeKind::Mapping(pairs) => brought.extend(pairs),
        NodeKind::Sequence(maps) => {
            for map in maps.into_iter().rev() {
                match map.kind {
                    NodeKind::Mapping(pairs) => brought.extend(pairs),
                    _ => findings.push(wrong(map.span)),
                }
            }
        }
        NodeKind::Scalar { .. } => findings.push(wrong(span)),
    }
}

fn wrong(span: crate::diagnostic::Span) -> Finding {
    Finding::error(span, "`<<` takes a map, or a list of maps")
        .with_help("give an alias of a map, as in `<<: *base`")
}
