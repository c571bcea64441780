//! Checks of rendered manifests: what an API server would refuse is found before anything is deployed.
//!
//! Every document of a file is looked at three times: as YAML; as an object of its kind, with the types of
//! `k8s-openapi` where they know the kind; and by the rules that the types cannot say (names, selectors, volumes that
//! exist). A document that is no object of Kubernetes (values of a chart, a list of releases) is only read.
//!
//! An error is what an API server refuses. A warning is what it takes, though hardly as it was meant.

mod access;
mod container;
mod cursor;
mod decode;
mod kinds;
mod names;
mod object;
mod pod;
mod quantity;
mod storage;
mod workload;

use crate::diagnostic::{Finding, Findings};
use crate::yaml::{self, Limits, Node};
use cursor::{Cursor, Report};
use std::collections::{HashMap, HashSet};

/// A file that is rendered once more when a harness starts, which is when its pod gets a name.
const RENDERED_AGAIN: &str = "20_harness_pod";

/// Check the file called `file` that was rendered as `text`. Lines and columns are those of `text`.
///
/// Files that do not end like YAML or JSON are not looked at: they are not for an API server.
pub fn check(file: &str, text: &str) -> Vec<Finding> {
    if ![".yaml", ".yml", ".json"]
        .iter()
        .any(|ending| file.ends_with(ending))
    {
        return Vec::new();
    }
    let stream = yaml::parse_documents(text.as_bytes(), Limits::default());
    let mut findings = Findings::default();
    // What a reader of YAML 1.2 would make of a value matters to none of the tools that read manifests; and of a key
    // that is given twice more can be said below.
    findings.extend(stream.findings.into_iter().filter(Finding::is_error));
    let mut seen = HashMap::new();
    for root in &stream.roots {
        document(root, file, &mut seen, &mut findings);
    }
    findings.into_sorted()
}

/// Tell of every key that its map has already.
fn repeated_keys(cursor: &Cursor<'_>, tell: fn(&Cursor<'_>)) {
    let mut seen = HashSet::new();
    for field in cursor.fields() {
        if !seen.insert(field.name()) {
            tell(&field);
        }
        repeated_keys(&field, tell);
    }
    for item in cursor.items() {
        repeated_keys(&item, tell);
    }
}

/// Where each object of a file was first seen, by kind, namespace and name.
type Seen = HashMap<(String, String, String), u32>;

fn document(root: &Node, file: &str, seen: &mut Seen, findings: &mut Findings) {
    if root.is_null() {
        return;
    }
    if root.pairs().is_none() {
        if root.items().is_none() {
            let message = format!("a document must be a map or a list, and is {}", root.kind_name());
            findings.push(Finding::error(root.span, message));
        }
        return;
    }
    let Some(identity) = object::Identity::of(root) else {
        let report = Report::new(String::new());
        let cursor = Cursor::root(root, &report);
        object::without_identity(&cursor);
        repeated_keys(&cursor, |key| {
            key.warning("the same key stands above already; this one counts");
        });
        findings.extend(report.into_findings());
        return;
    };
    if let ("v1", "List", Some(items)) = (
        identity.api_version,
        identity.kind,
        root.get("items").and_then(Node::items),
    ) {
        for item in items {
            document(item, file, seen, findings);
        }
        return;
    }
    let stem = file.rsplit('/').next().unwrap_or(file);
    let report = Report::new(identity.shown())
        .of_secret(identity.kind == "Secret")
        .maybe_unnamed(stem.starts_with(RENDERED_AGAIN));
    let cursor = Cursor::root(root, &report);
    kinds::check(&cursor, &identity);
    repeated_keys(&cursor, |key| key.error("the same key stands above already"));
    findings.extend(report.into_findings());
    twice(root, &identity, seen, findings);
}

/// Tell of an object that the same file has already: applied one after the other, the first would be lost.
fn twice(root: &Node, identity: &object::Identity<'_>, seen: &mut Seen, findings: &mut Findings) {
    let (Some(name), namespace) = (identity.name, identity.namespace.unwrap_or_default()) else {
        return;
    };
    let group = identity
        .api_version
        .rsplit_once('/')
        .map_or("", |(group, _)| group);
    let key = (
        format!("{group}/{}", identity.kind),
        namespace.to_owned(),
        name.to_owned(),
    );
    if let Some(line) = seen.get(&key) {
        let place = root
            .get("metadata")
            .and_then(|metadata| metadata.get("name"))
            .map_or(root.span, |name| name.span);
        let message = format!("{}: the same object is in line {line} already", identity.shown());
        findings.push(Finding::error(place, message).with_help("rename or remove one of the two"));
    } else {
        seen.insert(key, root.span.line);
    }
}

#[cfg(test)]
mod tests;
