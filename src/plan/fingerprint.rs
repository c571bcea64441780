//! Fingerprints: hashes of all that a treatment's outcome depends on, so that a resume after an edit keeps the cells
//! that did not change.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Raised when what we make of the same inputs changes, so that old cells are not taken for new ones.
const SCHEMA: &str = "2";

/// Config keys that say where and under which name something runs, or what for: the outcome does not depend on them.
const IRRELEVANT: [&[&str]; 9] = [
    &["namespace"],
    &["harness", "namespace"],
    &["wva", "namespace"],
    &["gateway", "namespace"],
    &["description"],
    &["workDir"],
    &["scenarioName"],
    &["stackIndex"],
    &["sharedInfraStackIndex"],
];

/// Fingerprint of a resolved config. The order of keys does not matter.
pub(super) fn of_config(config: &Value) -> String {
    let mut hasher = Sha256::new();
    hasher.update(SCHEMA);
    let feeding = Feeding {
        skip: &IRRELEVANT,
        // It has the namespace in it, and is a part of many names.
        label: config
            .get("model_id_label")
            .and_then(Value::as_str)
            .unwrap_or_default(),
    };
    feed(&mut hasher, config, &mut Vec::new(), &feeding);
    hex(&hasher.finalize())
}

/// Fingerprint of a workload: the profile with the treatment's values, who runs it, and how often at once.
pub(super) fn of_run(harness: &str, profile: &Value, parallelism: u32) -> String {
    let mut hasher = Sha256::new();
    for part in [SCHEMA, harness, &parallelism.to_string()] {
        hasher.update(part);
        hasher.update([0]);
    }
    let feeding = Feeding { skip: &[], label: "" };
    feed(&mut hasher, profile, &mut Vec::new(), &feeding);
    hex(&hasher.finalize())
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What about a value does not count.
struct Feeding<'a> {
    /// Paths that are left out.
    skip: &'a [&'a [&'a str]],
    /// Text that is the same as any other in its place; none where empty.
    label: &'a str,
}

/// Feed a value so that different values feed different bytes, whatever the order of their keys.
fn feed<'a>(hasher: &mut Sha256, value: &'a Value, path: &mut Vec<&'a str>, feeding: &Feeding) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&str> = map.keys().map(String::as_str).collect();
            keys.sort_unstable();
            hasher.update("{");
            for key in keys {
                path.push(key);
                if !feeding.skip.contains(&path.as_slice())
                    && let Some(value) = map.get(key)
                {
                    feed_text(hasher, key);
                    feed(hasher, value, path, feeding);
                }
                path.pop();
            }
            hasher.update("}");
        }
        Value::Array(items) => {
            hasher.update("[");
            for item in items {
                // Nothing inside of a list is left out.
                feed(hasher, item, &mut vec![""], feeding);
            }
            hasher.update("]");
        }
        Value::String(text) if !feeding.label.is_empty() && text.contains(feeding.label) => {
            feed_text(hasher, &text.replace(feeding.label, "<label>"));
        }
        Value::String(text) => feed_text(hasher, text),
        Value::Number(number) => {
            hasher.update("n");
            feed_text(hasher, &number.to_string());
        }
        Value::Bool(true) => hasher.update("t"),
        Value::Bool(false) => hasher.update("f"),
        Value::Null => hasher.update("0"),
    }
}

fn feed_text(hasher: &mut Sha256, text: &str) {
    hasher.update("s");
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_matters_changes_a_fingerprint() {
        let config = |text: &str| of_config(&serde_json::from_str(text).unwrap());
        let one = config(
            r#"{"scenarioName": "a", "decode": {"replicas": 1, "name": "x"}, "namespace": {"name": "n"}}"#,
        );
        assert_eq!(
            one,
            config(r#"{"decode": {"name": "x", "replicas": 1}, "scenarioName": "b"}"#)
        );
        assert_ne!(one, config(r#"{"decode": {"name": "y", "replicas": 1}}"#));
        assert_ne!(one, config(r#"{"decode": {"name": "x", "replicas": "1"}}"#));
        assert_ne!(config(r#"{"a": ["x", "y"]}"#), config(r#"{"a": ["xy"]}"#));
        assert_ne!(
            config(r#"{"a": [{"name": 1}]}"#),
            config(r#"{"a": [{"name": 2}]}"#)
        );
    }

    #[test]
    fn a_workload_is_told_by_profile_harness_and_parallelism() {
        let profile = json!({"max-concurrency": 1});
        let one = of_run("builtin", &profile, 1);
        assert_eq!(one, of_run("builtin", &profile, 1));
        assert_ne!(one, of_run("guidellm", &profile, 1));
        assert_ne!(one, of_run("builtin", &profile, 2));
        assert_ne!(one, of_run("builtin", &json!({"max-concurrency": 2}), 1));
        assert_eq!(one.len(), 64);
    }
}
