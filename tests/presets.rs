//! The embedded defaults: complete, consistent, and those of llm-d-benchmark.
//!
//! The comparison needs a checkout of it: `LLMDBENCH_REFERENCE_CHECKOUT=DIR cargo test --test presets -- --ignored`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests too"
)]

use llmdbenchmark::{plan::BaseDir, yaml};
use serde_json::Value;
use std::path::PathBuf;

const VALUES: &str = "config/templates/values";

fn embedded(file: &str) -> Value {
    let document = BaseDir::embedded()
        .read(&format!("{VALUES}/{file}"))
        .unwrap()
        .unwrap();
    yaml::from_str(&document.text).unwrap_or_else(|finding| panic!("{file}: {finding:?}"))
}

fn reference(file: &str) -> Value {
    let checkout = PathBuf::from(std::env::var_os("LLMDBENCH_REFERENCE_CHECKOUT").expect("a checkout"));
    let text = std::fs::read_to_string(checkout.join(VALUES).join(file)).unwrap();
    yaml::from_str(&text).unwrap()
}

/// Every place where the two are not equal: `key: ours | theirs`.
fn differences(ours: &Value, theirs: &Value, path: &str, found: &mut Vec<String>) {
    if let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) {
        for key in ours
            .keys()
            .chain(theirs.keys().filter(|key| !ours.contains_key(*key)))
        {
            let path = format!("{path}.{key}");
            match (ours.get(key), theirs.get(key)) {
                (Some(ours), Some(theirs)) => differences(ours, theirs, &path, found),
                (Some(_), None) => found.push(format!("{path} is ours alone")),
                (None, _) => found.push(format!("{path} is theirs alone")),
            }
        }
    } else if ours != theirs {
        found.push(format!("{path} differs"));
    }
}

#[test]
#[ignore = "needs LLMDBENCH_REFERENCE_CHECKOUT"]
fn the_defaults_are_those_of_the_reference() {
    let mut theirs = reference("defaults.yaml");
    // A shelf for anchors, read by nothing.
    theirs.as_object_mut().unwrap().shift_remove("_anchors");
    let mut found = Vec::new();
    differences(&embedded("defaults.yaml"), &theirs, "", &mut found);
    // Each has its reason in a comment of the file.
    assert_eq!(
        found,
        [
            ".local is ours alone",
            ".accelerator.runtimePreamble differs",
            ".harness.name differs",
            ".harness.failureLimit is ours alone",
        ]
    );
}

#[test]
#[ignore = "needs LLMDBENCH_REFERENCE_CHECKOUT"]
fn the_overlay_is_that_of_the_reference() {
    let file = "overlays/intel-xpu.yaml";
    let mut found = Vec::new();
    differences(&embedded(file), &reference(file), "", &mut found);
    assert_eq!(found, [""; 0]);
}

/// Leaves of `optional` that have a default already, where an example would be another truth.
fn doubled(defaults: &Value, optional: &Value, path: &str, found: &mut Vec<String>) {
    match (defaults, optional) {
        (Value::Object(defaults), Value::Object(optional)) => {
            for (key, example) in optional {
                if let Some(default) = defaults.get(key) {
                    doubled(default, example, &format!("{path}.{key}"), found);
                }
            }
        }
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn a_key_has_a_default_or_an_example() {
    let mut found = Vec::new();
    doubled(
        &embedded("defaults.yaml"),
        &embedded("optional.yaml"),
        "",
        &mut found,
    );
    assert_eq!(found, [""; 0]);
}

#[test]
fn every_key_that_an_old_name_stands_for_is_known() {
    let document = BaseDir::embedded().read("legacy-names.yaml").unwrap().unwrap();
    let names = yaml::from_str(&document.text).unwrap();
    let known = [embedded("defaults.yaml"), embedded("optional.yaml")];
    // Whether the key is there, or the map above it takes any.
    let is_known = |key: &str| {
        known.iter().any(|known| {
            let mut value = known;
            key.split('.').all(|part| match value.get(part) {
                Some(next) => {
                    value = next;
                    true
                }
                None => value.as_object().is_some_and(serde_json::Map::is_empty),
            })
        })
    };
    let mut unknown = Vec::new();
    for (name, entry) in names.as_object().unwrap() {
        for list in ["sets", "standalone", "modelservice"] {
            for key in entry.get(list).and_then(Value::as_array).into_iter().flatten() {
                if !is_known(key.as_str().unwrap()) {
                    unknown.push(format!("{name}: {key}"));
                }
            }
        }
    }
    assert_eq!(unknown, [""; 0]);
}
