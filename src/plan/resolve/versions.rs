//! Versions that are `auto`: the newest one a registry has. Who asked the registries brings the answers.

use super::{Context, Notes};
use crate::plan::merge::{get, set, text, truthy};
use serde_json::Value;
use std::collections::BTreeMap;

/// Answers of registries: the key of a version that is `auto`, as a plan lists it, and the version.
pub type Versions = BTreeMap<String, String>;

/// Put answers in; list what nobody has answered.
pub(super) fn answer(config: &mut Value, context: &Context, notes: &mut Notes) {
    let nok8s = context.plan.flags.asks_for("nok8s") || truthy(get(config, &["nok8s", "enabled"]));
    for path in open(config, nok8s) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let key = path.join(".");
        match context.plan.versions.get(&key) {
            Some(version) => set(config, &path, version.as_str().into()),
            None => notes.unresolved(key, "the newest version in the registry tells it"),
        }
    }
}

/// Where versions are `auto`. Without Kubernetes no chart is installed.
fn open(config: &Value, nok8s: bool) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut add = |path: &[&str]| {
        if text(config, path) == "auto" {
            paths.push(path.iter().map(|key| (*key).to_owned()).collect());
        }
    };
    let keys = |section: &str| -> Vec<String> {
        let map = config.get(section).and_then(Value::as_object);
        map.into_iter().flatten().map(|(key, _)| key.clone()).collect()
    };
    for key in keys("images") {
        add(&["images", &key, "tag"]);
    }
    add(&["standalone", "image", "tag"]);
    if !nok8s {
        add(&["wva", "image", "tag"]);
        for key in keys("chartVersions") {
            add(&["chartVersions", &key]);
        }
        add(&["gateway", "version"]);
    }
    paths
}
