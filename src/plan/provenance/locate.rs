//! Where in a file a value stands that a layer brings.

use super::Place;
use crate::plan::scenario::METHOD_SECTIONS;
use crate::yaml::Node;

/// How a layer's file is spread before it is laid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plan) enum Spread {
    /// As it is.
    No,
    /// Its section `common` goes to the root and into the sections of the methods.
    Common,
}

/// The place of the value that comes to `path`, and its node.
pub(super) fn find<'a>(
    file: &str,
    root: &'a Node,
    spread: Spread,
    path: &[String],
) -> Option<(Place, &'a Node)> {
    let found = candidates(spread, path)
        .iter()
        .find_map(|candidate| step_to(root, candidate).filter(|(_, node)| !node.is_null()))
        .or_else(|| step_to(root, path))?;
    Some((place(file, found.0), found.1))
}

/// The places of all parts of a list, by their paths in it.
pub(super) fn parts(file: &str, list: &Node) -> Vec<(Vec<String>, Place)> {
    let mut found = Vec::new();
    below(file, list, &mut Vec::new(), &mut found);
    found
}

fn below(file: &str, node: &Node, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, Place)>) {
    for (index, item) in node.items().into_iter().flatten().enumerate() {
        path.push(index.to_string());
        found.push((path.clone(), place(file, item)));
        below(file, item, path, found);
        path.pop();
    }
    for (key, value) in node.pairs().into_iter().flatten() {
        path.push(key.raw().unwrap_or_default().to_owned());
        found.push((path.clone(), place(file, key)));
        below(file, value, path, found);
        path.pop();
    }
}

/// A key's place is where its value is looked for.
fn place(file: &str, node: &Node) -> Place {
    Place {
        file: file.to_owned(),
        line: node.span.line,
        column: node.span.column,
    }
}

/// Where the value at `path` may have come from, what beats the others first.
fn candidates(spread: Spread, path: &[String]) -> Vec<Vec<String>> {
    let joined = |prefix: &[&str], rest: &[String]| -> Vec<String> {
        let prefix = prefix.iter().map(|key| (*key).to_owned());
        prefix.chain(rest.iter().cloned()).collect()
    };
    if spread == Spread::No {
        return vec![path.to_vec()];
    }
    let mut candidates = vec![joined(&["common"], path), path.to_vec()];
    if let Some((section, rest)) = path.split_first()
        && METHOD_SECTIONS.contains(&section.as_str())
    {
        candidates.push(joined(&["common"], rest));
    }
    if let [section, image, rest @ ..] = path
        && section == "standalone"
        && image == "image"
    {
        candidates.push(joined(&["common", "images", "vllmOpenai"], rest));
    }
    candidates
}

/// The key and the value at a path of keys.
fn step_to<'a>(root: &'a Node, path: &[String]) -> Option<(&'a Node, &'a Node)> {
    let mut found = (root, root);
    for key in path {
        let pairs = found.1.pairs()?;
        let (name, value) = pairs.iter().find(|(name, _)| name.raw() == Some(key))?;
        found = (name, value);
    }
    Some(found)
}
