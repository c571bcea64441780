//! Scenarios: what to deploy, as layers over the defaults. One entry of a scenario is a stack.

use super::base_dir::Document;
use super::merge::{get, merge};
use super::remark::Remark;
use crate::diagnostic::{Finding, Span};
use crate::yaml;
use serde_json::{Map, Value};

/// Sections of the deploy methods, which may own part of what `common` says.
const METHOD_SECTIONS: [&str; 4] = ["decode", "prefill", "standalone", "fma"];

/// Sections that may be written inside `modelservice`, though everything reads them at the root.
const HOISTED: [&str; 9] = [
    "common",
    "gateway",
    "router",
    "routing",
    "httpRoute",
    "inferenceExtension",
    "prefill",
    "decode",
    "multinode",
];

/// One entry of a scenario, laid over the defaults.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stack {
    /// Names it for `--stack` and `--set`.
    pub(super) name: String,
    /// Defaults ← shared ← stack, with the sections where everything looks for them.
    pub(super) config: Value,
}

/// Read `scenario` and lay each of its stacks over `defaults`.
pub(super) fn stacks(scenario: &Document, defaults: &Value) -> Result<Vec<Stack>, Vec<Remark>> {
    let refuse = |message: String| Remark::within(scenario, Finding::error(Span::default(), message));
    let document =
        yaml::from_str(&scenario.text).map_err(|finding| vec![Remark::within(scenario, finding)])?;
    let entries = match document.get("scenario") {
        Some(Value::Array(entries)) if !entries.is_empty() => entries,
        Some(Value::Array(_)) => return Err(vec![refuse("the scenario has no stacks".to_owned())]),
        Some(_) => return Err(vec![refuse("scenario is not a list of stacks".to_owned())]),
        None => {
            let remark = refuse("there is no key scenario".to_owned());
            return Err(vec![
                remark.with_help("a scenario is a list of stacks under the key scenario"),
            ]);
        }
    };
    let shared = document.get("shared").unwrap_or(&Value::Null);
    let mut remarks = Vec::new();
    let shared = match expand(shared, "shared", defaults) {
        Ok(shared) => shared,
        Err(message) => {
            remarks.push(refuse(message));
            Value::Null
        }
    };
    let mut stacks = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match stack(entry, index, &shared, defaults) {
            Ok(stack) => stacks.push(stack),
            Err(message) => remarks.push(refuse(message)),
        }
    }
    if remarks.is_empty() {
        Ok(stacks)
    } else {
        Err(remarks)
    }
}

fn stack(entry: &Value, index: usize, shared: &Value, defaults: &Value) -> Result<Stack, String> {
    let place = format!("stack {}", index + 1);
    let layer = expand(entry, &place, defaults)?;
    let name = match entry.get("name") {
        Some(Value::String(name)) if !name.trim().is_empty() => name.clone(),
        _ => return Err(format!("{place} has no name")),
    };
    let mut config = defaults.clone();
    merge(&mut config, shared);
    merge(&mut config, &layer);
    hoist(&mut config);
    Ok(Stack { name, config })
}

/// The layer with its section `common` spread over the root and over the method sections that own a part of it.
fn expand(layer: &Value, place: &str, defaults: &Value) -> Result<Value, String> {
    let mut layer = match layer {
        Value::Null => Map::new(),
        Value::Object(map) => map.clone(),
        _ => return Err(format!("{place} is not a mapping")),
    };
    let common = match layer.shift_remove("common") {
        None | Some(Value::Null) => return Ok(Value::Object(layer)),
        Some(Value::Object(common)) => common,
        Some(_) => return Err(format!("{place}: common is not a mapping")),
    };
    for section in METHOD_SECTIONS {
        for (key, value) in common.iter().filter(|(key, _)| *key != "enabled") {
            if let Some(owned) = get(defaults, &[section, key]) {
                seed(&mut layer, section, key, value, owned);
            }
        }
    }
    // The image of vLLM has another name in the section of the standalone method.
    if let Some(image) = common.get("images").and_then(|images| images.get("vllmOpenai"))
        && image.is_object()
    {
        let owned = get(defaults, &["standalone", "image"])
            .cloned()
            .unwrap_or_default();
        seed(&mut layer, "standalone", "image", image, &owned);
    }
    let mut layer = Value::Object(layer);
    merge(&mut layer, &Value::Object(common));
    Ok(layer)
}

/// Give a method section what `common` says, unless the layer says it itself; of maps only what the section knows.
fn seed(layer: &mut Map<String, Value>, section: &str, key: &str, value: &Value, owned: &Value) {
    let inherited = match (value, owned) {
        (Value::Object(value), Value::Object(owned)) => {
            let known: Map<String, Value> = value
                .iter()
                .filter(|(name, _)| owned.contains_key(*name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            if known.is_empty() {
                return;
            }
            Value::Object(known)
        }
        (value, _) => value.clone(),
    };
    let block = layer.entry(section).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(block) = block {
        block.entry(key).or_insert(inherited);
    }
}

fn hoist(config: &mut Value) {
    let Some(Value::Object(modelservice)) = config.get_mut("modelservice") else {
        return;
    };
    let nested: Vec<(&str, Value)> = HOISTED
        .iter()
        .filter_map(|key| Some((*key, modelservice.shift_remove(*key)?)))
        .collect();
    let Value::Object(root) = config else {
        return;
    };
    for (key, value) in nested {
        let block = root.entry(key).or_insert(Value::Null);
        if !block.is_object() {
            *block = Value::Object(Map::new());
        }
        if value.is_object() {
            merge(block, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn defaults() -> Value {
        json!({
            "model": {"name": "small", "maxModelLen": 1},
            "decode": {"enabled": true, "replicas": 1, "monitoring": {"podmonitor": false}, "resources": {"cpu": 1}},
            "prefill": {"enabled": false, "replicas": 0},
            "standalone": {"enabled": false, "image": {"repository": "r", "tag": "t"}, "resources": {"cpu": 1}},
            "modelservice": {"enabled": true},
        })
    }

    fn read(text: &str) -> Result<Vec<Stack>, String> {
        let document = Document {
            name: "scenario.yaml".to_owned(),
            text: text.into(),
        };
        stacks(&document, &defaults())
            .map_err(|remarks| remarks.iter().map(|r| r.finding.message.clone() + "\n").collect())
    }

    #[test]
    fn layers_merge_in_the_references_order() {
        let stacks = read(
            "shared: {model: {name: shared, maxModelLen: 2}, common: {release: r}}
scenario:
  - name: one
    model: {name: own}
    modelservice: {decode: {replicas: 2}, prefill: {enabled: true}}
    decode: {replicas: 3}
  - {name: two, model: {name: null}}
",
        )
        .unwrap();
        let one = &stacks[0].config;
        assert_eq!(one["model"], json!({"name": "own", "maxModelLen": 2}));
        assert_eq!(one["decode"]["replicas"], 2, "the nested spelling wins");
        assert_eq!(one["prefill"], json!({"enabled": true, "replicas": 0}));
        assert_eq!(one["modelservice"], json!({"enabled": true}));
        assert_eq!(one["release"], "r");
        assert_eq!(
            stacks[1].config["model"]["name"], "shared",
            "null never overrides"
        );
    }

    #[test]
    fn common_reaches_the_sections_that_own_a_key() {
        let stacks = read(
            "scenario:
  - name: one
    common:
      enabled: false
      resources: {cpu: 8, gpu: 1}
      monitoring: {podmonitor: true, other: 1}
      images: {vllmOpenai: {tag: new, pullPolicy: Always}}
    standalone: {resources: {cpu: 2}}
",
        )
        .unwrap();
        let config = &stacks[0].config;
        assert_eq!(config["decode"]["enabled"], true, "`enabled` is not inherited");
        assert_eq!(config["decode"]["resources"], json!({"cpu": 8}));
        assert_eq!(config["decode"]["monitoring"], json!({"podmonitor": true}));
        assert_eq!(
            config["standalone"]["resources"],
            json!({"cpu": 2}),
            "its own value wins"
        );
        assert_eq!(
            config["standalone"]["image"],
            json!({"repository": "r", "tag": "new"})
        );
        assert_eq!(config["resources"], json!({"cpu": 8, "gpu": 1}));
        assert!(config["prefill"].get("resources").is_none());
    }

    #[test]
    fn what_is_no_scenario_is_refused() {
        for (text, part) in [
            ("a: 1", "no key scenario"),
            ("scenario: {}", "not a list"),
            ("scenario: []", "no stacks"),
            (
                "scenario: [1, {name: x, common: 3}]",
                "stack 1 is not a mapping\nstack 2: common is not",
            ),
            ("scenario: [{}]", "stack 1 has no name"),
            ("shared: 3\nscenario: [{name: x}]", "shared is not a mapping"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
