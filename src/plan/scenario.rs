//! Scenarios: what to deploy, as layers over the defaults. One entry of a scenario is a stack.

use super::base_dir::Document;
use super::merge::{get, merge, text, truthy};
use super::remark::Remark;
use crate::diagnostic::{Finding, Span};
use crate::yaml::{self, Node};
use serde_json::{Map, Value};

/// Sections of the deploy methods, which may own part of what `common` says.
pub(super) const METHOD_SECTIONS: [&str; 4] = ["decode", "prefill", "standalone", "fma"];

/// Sections that may be written inside `modelservice`, though everything reads them at the root.
pub(super) const HOISTED: [&str; 9] = [
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
    /// Names it for `--stack` and `--set`, and its folder of the plan.
    pub(super) name: String,
    /// Defaults ← shared ← stack, with the sections where everything looks for them.
    pub(super) config: Value,
    /// The model the scenario gives it; empty where it gives none.
    pub(super) model: String,
    /// Whether the scenario deploys it as plain servers.
    pub(super) standalone: bool,
}

/// Read `scenario` and lay each of its stacks over `defaults`.
pub(super) fn stacks(scenario: &Document, defaults: &Value) -> Result<Vec<Stack>, Vec<Remark>> {
    let root = read(scenario).map_err(|remark| vec![remark])?;
    let refuse = |span, message: String| Remark::within(scenario, Finding::error(span, message));
    let (list, entries) = match root.get("scenario").map(|list| (list, list.items())) {
        Some((list, Some(entries))) if !entries.is_empty() => (list, entries),
        Some((list, Some(_))) => {
            return Err(vec![refuse(list.span, "the scenario has no stacks".to_owned())]);
        }
        Some((list, None)) => {
            let message = format!("scenario is a list of stacks, and this is {}", list.kind_name());
            return Err(vec![refuse(list.span, message)]);
        }
        None => {
            let remark = refuse(Span::default(), "there is no key scenario".to_owned());
            return Err(vec![
                remark.with_help("a scenario is a list of stacks under the key scenario"),
            ]);
        }
    };
    let nothing = Value::Null;
    let mut remarks = Vec::new();
    let shared_span = root.get("shared").map_or(list.span, |shared| shared.span);
    let shared = root.get("shared").map_or(nothing, Node::to_value);
    if let Err(message) = check_layer(&shared, "shared") {
        return Err(vec![refuse(shared_span, message)]);
    }
    let layered = Layered {
        defaults,
        flat: expand(&shared, &Value::Null),
        shared: expand(&shared, defaults),
    };
    let mut stacks: Vec<Stack> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match layered.stack(&entry.to_value(), index) {
            Ok(stack) if stacks.iter().any(|other| other.name == stack.name) => {
                let message = format!("there are several stacks called {}", stack.name);
                remarks.push(
                    refuse(entry.span, message).with_help("their names tell their folders and flags apart"),
                );
            }
            Ok(stack) => stacks.push(stack),
            Err(message) => remarks.push(refuse(entry.span, message)),
        }
    }
    if remarks.is_empty() {
        Ok(stacks)
    } else {
        Err(remarks)
    }
}

/// A scenario with the places of all it says.
pub(super) fn read(document: &Document) -> Result<Node, Remark> {
    let parsed = yaml::parse(document.text.as_bytes(), yaml::Limits::default());
    let error = parsed.findings.into_iter().find(Finding::is_error);
    match (error, parsed.root) {
        (None, Some(root)) => Ok(root),
        (Some(error), _) => Err(Remark::within(document, error)),
        (None, None) => {
            let finding = Finding::error(Span::default(), "the scenario is empty");
            Err(Remark::within(document, finding))
        }
    }
}

/// Whether a layer can be spread.
fn check_layer(layer: &Value, place: &str) -> Result<(), String> {
    match layer {
        Value::Null => Ok(()),
        Value::Object(map) => match map.get("common") {
            None | Some(Value::Null | Value::Object(_)) => Ok(()),
            Some(_) => Err(format!("{place}: common is not a map")),
        },
        _ => Err(format!("{place} is not a map")),
    }
}

/// What all stacks of a scenario lie upon.
struct Layered<'a> {
    defaults: &'a Value,
    shared: Value,
    /// `shared` with `common` spread over its root alone.
    flat: Value,
}

impl Layered<'_> {
    fn stack(&self, entry: &Value, index: usize) -> Result<Stack, String> {
        let place = format!("stack {}", index + 1);
        check_layer(entry, &place)?;
        let name = match entry.get("name") {
            Some(Value::String(name)) if is_folder(name) => name.clone(),
            Some(Value::String(name)) if !name.is_empty() => {
                return Err(format!("{place}: the name `{name}` cannot name a folder"));
            }
            Some(other @ (Value::Bool(_) | Value::Number(_))) => {
                return Err(format!("{place}: the name {other} is no text; put it in quotes"));
            }
            _ => return Err(format!("{place} has no name")),
        };
        let mut layer = expand(entry, self.defaults);
        if let Value::Object(map) = &mut layer {
            map.shift_remove("name");
        }
        let mut config = self.defaults.clone();
        merge(&mut config, &self.shared);
        merge(&mut config, &layer);
        hoist(&mut config);
        let mut flat = self.flat.clone();
        merge(&mut flat, &expand(entry, &Value::Null));
        Ok(Stack {
            name,
            config,
            model: text(&flat, &["model", "name"]),
            standalone: truthy(get(&flat, &["standalone", "enabled"])),
        })
    }
}

/// Whether a name can be that of a folder, and stays inside of its own.
fn is_folder(name: &str) -> bool {
    !name.trim().is_empty()
        && name.len() <= 200
        && !matches!(name, "." | "..")
        && !name.contains(|c: char| c == '/' || c == '\\' || c.is_control())
}

/// The layer with its section `common` spread over the root and over the method sections that own a part of it.
///
/// What has to be a map was checked before; what is none counts for nothing.
pub(super) fn expand(layer: &Value, defaults: &Value) -> Value {
    let Value::Object(layer) = layer else {
        return Value::Object(Map::new());
    };
    let mut layer = layer.clone();
    let Some(Value::Object(common)) = layer.shift_remove("common") else {
        return Value::Object(layer);
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
        && let Some(owned) = get(defaults, &["standalone", "image"])
        && image.is_object()
    {
        seed(&mut layer, "standalone", "image", image, owned);
    }
    let mut layer = Value::Object(layer);
    merge(&mut layer, &Value::Object(common));
    layer
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

/// Put what is written inside of `modelservice` where everything looks for it.
pub(super) fn hoist(config: &mut Value) {
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
            ("scenario: {}", "this is a map"),
            ("scenario: []", "no stacks"),
            (
                "scenario: [1, {name: x, common: 3}]",
                "stack 1 is not a map\nstack 2: common is not",
            ),
            ("scenario: [{}]", "stack 1 has no name"),
            ("scenario: [{name: ../x}]", "cannot name a folder"),
            ("scenario: [{name: x}, {name: x}]", "several stacks called x"),
            ("", "empty"),
            ("shared: 3\nscenario: [{name: x}]", "shared is not a map"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
