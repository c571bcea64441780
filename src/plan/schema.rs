//! The schema of configs: keys that nothing knows, and values of a type or size that cannot be meant, at the place of
//! the layer that wrote them. Warnings only: llm-d-benchmark takes such files, too.
//!
//! What is known is described by examples: the embedded defaults, the keys without defaults beside them, and the
//! defaults of the spec. An empty map takes any keys.

use super::base::Layer;
use super::base_dir::{BaseDir, Document};
use super::merge::get;
use super::remark::Remark;
use super::scenario::{HOISTED, METHOD_SECTIONS};
use super::set::Assignment;
use crate::diagnostic::{Finding, Span};
use crate::experiment::{OverrideTarget, PathSegment, SetupTreatment, did_you_mean, format_path};
use crate::yaml::{self, Node, NodeKind};
use serde_json::Value;
use std::collections::HashSet;

/// Beside the defaults: keys that have none, with examples.
const OPTIONAL: &str = "config/templates/values/optional.yaml";

/// Maps that take further keys beside those that are known: ends of paths, of which `*` is any key.
const OPEN: [&[&str]; 12] = [
    &["resources", "limits"],
    &["resources", "requests"],
    &["resourcePresets"],
    &["images"],
    &["labels"],
    &["annotations"],
    &["podLabels"],
    &["podSecurity"],
    &["helmRepositories"],
    &["chartVersions"],
    &["router"],
    &["flags"],
];

/// Bounds of numbers: ends of paths, the least value, the greatest one.
const RANGES: [(&str, f64, f64); 8] = [
    ("replicas", 0.0, f64::MAX),
    ("parallelism.data", 0.0, f64::MAX),
    ("parallelism.dataLocal", 0.0, f64::MAX),
    ("parallelism.tensor", 0.0, f64::MAX),
    ("parallelism.workers", 0.0, f64::MAX),
    ("gpuMemoryUtilization", 0.0, 1.0),
    ("waitTimeout", 0.0, f64::MAX),
    ("loadParallelism", 1.0, f64::MAX),
];

/// Everything that configs may say.
#[derive(Debug)]
pub(super) struct Schema {
    known: Value,
}

impl Schema {
    /// What `known` and the defaults of a spec show by example.
    pub(super) fn new(known: &Value, defaults: &Value) -> Self {
        let mut all = known.clone();
        lay(&mut all, defaults);
        Self { known: all }
    }

    /// Check a scenario: its `shared`, and every stack.
    pub(super) fn scenario(&self, document: &Document, root: &Node) -> Vec<Remark> {
        let mut check = Check::of(Some(document));
        if let Some(shared) = root.get("shared") {
            self.layer(shared, &mut check);
        }
        for entry in root.get("scenario").and_then(Node::items).unwrap_or_default() {
            self.layer(entry, &mut check);
        }
        check.remarks
    }

    /// Check a file that is laid over stacks.
    pub(super) fn file(&self, layer: &Layer) -> Vec<Remark> {
        let mut check = Check::of(Some(&layer.document));
        if let Some(root) = layer.root() {
            check.map(&root, &[&self.known], &mut Vec::new());
        }
        check.remarks
    }

    /// Check what setup treatments set. That its keys are known is checked when they are applied.
    pub(super) fn treatments(&self, document: &Document, treatments: &[SetupTreatment]) -> Vec<Remark> {
        let mut check = Check::of(Some(document));
        // A constant stands once in the file, however many treatments it is in.
        let mut seen = HashSet::new();
        for one in treatments.iter().flat_map(|treatment| &treatment.overrides) {
            if let OverrideTarget::Path(path) | OverrideTarget::Known(path) = &one.target
                && seen.insert((path, one.span.line, one.span.column))
            {
                check.assigned(&self.known, path, &one.value, one.span, "");
            }
        }
        check.remarks
    }

    /// Check what `--set` sets, in the same way.
    pub(super) fn sets(&self, sets: &[Assignment]) -> Vec<Remark> {
        let mut check = Check::of(None);
        for one in sets {
            check.assigned(&self.known, &one.path, &one.value, Span::default(), "--set: ");
        }
        check.remarks
    }

    /// One layer of a scenario. `common` may have what the sections of deploy methods own, and `modelservice` has a
    /// place for what everything reads at the root.
    fn layer(&self, layer: &Node, check: &mut Check) {
        for (key, value) in layer.pairs().unwrap_or_default() {
            let Some(name) = key.raw() else { continue };
            let mut path = vec![name.to_owned()];
            match name {
                "common" => {
                    let mut examples = vec![&self.known];
                    examples.extend(
                        METHOD_SECTIONS
                            .iter()
                            .filter_map(|section| self.known.get(section)),
                    );
                    check.map(value, &examples, &mut path);
                }
                "name" => {}
                "modelservice" => self.modelservice(value, check),
                _ => check.entry(key, value, &[&self.known], &mut Vec::new()),
            }
        }
    }

    fn modelservice(&self, section: &Node, check: &mut Check) {
        let own: Vec<&Value> = self.known.get("modelservice").into_iter().collect();
        for (key, value) in section.pairs().unwrap_or_default() {
            let nested = key
                .raw()
                .filter(|name| HOISTED.contains(name) && *name != "common");
            match nested {
                Some(_) => check.entry(key, value, &[&self.known], &mut Vec::new()),
                None if key.raw() == Some("common") => {}
                None => check.entry(key, value, &own, &mut vec!["modelservice".to_owned()]),
            }
        }
    }
}

/// The keys we know: the embedded defaults, and those that have none.
pub(super) fn known(defaults: Value) -> Result<Value, Vec<Remark>> {
    let document = BaseDir::Embedded
        .read(OPTIONAL)
        .map_err(|error| vec![Remark::error(error.to_string())])?;
    let Some(document) = document else {
        return Ok(defaults);
    };
    let mut all =
        yaml::from_str(&document.text).map_err(|finding| vec![Remark::within(&document, finding)])?;
    lay(&mut all, &defaults);
    Ok(all)
}

/// Lay examples over others. Unlike a layer of a config, one that says null names a key: any value is welcome there.
fn lay(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                lay(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (base, over) => *base = over.clone(),
    }
}

struct Check<'a> {
    document: Option<&'a Document>,
    remarks: Vec<Remark>,
}

impl<'a> Check<'a> {
    fn of(document: Option<&'a Document>) -> Self {
        Self {
            document,
            remarks: Vec::new(),
        }
    }

    fn warn(&mut self, span: Span, message: String, help: Option<String>) {
        let finding = Finding::warning(span, message);
        let remark = match self.document {
            Some(document) => Remark::within(document, finding),
            None => Remark {
                document: None,
                finding,
            },
        };
        self.remarks
            .push(help.into_iter().fold(remark, Remark::with_help));
    }

    /// The entries of a map, of which each is known by one of the examples.
    fn map(&mut self, node: &Node, examples: &[&Value], path: &mut Vec<String>) {
        for (key, value) in node.pairs().unwrap_or_default() {
            self.entry(key, value, examples, path);
        }
    }

    fn entry(&mut self, key: &Node, value: &Node, examples: &[&Value], path: &mut Vec<String>) {
        let Some(name) = key.raw() else { return };
        let below: Vec<&Value> = examples.iter().filter_map(|example| example.get(name)).collect();
        let takes_any = examples
            .iter()
            .any(|example| example.as_object().is_none_or(serde_json::Map::is_empty));
        if below.is_empty() {
            if !takes_any && !is_open(path) {
                self.unknown(key.span, name, examples, path);
            }
            return;
        }
        path.push(name.to_owned());
        self.value(value, &below, path);
        path.pop();
    }

    fn unknown(&mut self, span: Span, name: &str, examples: &[&Value], path: &[String]) {
        let names = examples
            .iter()
            .filter_map(|example| example.as_object())
            .flat_map(|map| map.keys());
        let help = did_you_mean(name, names.map(String::as_str));
        let place = if path.is_empty() {
            "the config".to_owned()
        } else {
            format!("`{}`", path.join("."))
        };
        self.warn(
            span,
            format!("{place} has no key `{name}` that anything here reads"),
            help,
        );
    }

    fn value(&mut self, node: &Node, examples: &[&Value], path: &mut Vec<String>) {
        if node.is_null() {
            return;
        }
        let value = match &node.kind {
            NodeKind::Mapping(_) => {
                let maps: Vec<&Value> = examples
                    .iter()
                    .copied()
                    .filter(|example| example.is_object())
                    .collect();
                if !maps.is_empty() {
                    self.map(node, &maps, path);
                    return;
                }
                Value::Object(serde_json::Map::new())
            }
            NodeKind::Sequence(_) => Value::Array(Vec::new()),
            NodeKind::Scalar { value, .. } => value.clone(),
        };
        self.judge(&value, examples, &path.join("."), node.span, "");
    }

    /// A value that is set by a path.
    fn assigned(&mut self, known: &Value, path: &[PathSegment], value: &Value, span: Span, flag: &str) {
        let keys: Vec<&str> = path.iter().map(PathSegment::text).collect();
        if let Some(example) = get(known, &keys) {
            self.judge(value, &[example], &format_path(path), span, flag);
        }
    }

    fn judge(&mut self, value: &Value, examples: &[&Value], path: &str, span: Span, flag: &str) {
        if value.is_null() {
            return;
        }
        if !examples.iter().any(|example| fits(value, example)) {
            let wanted = examples.first().map_or("", |example| kind(example));
            self.warn(
                span,
                format!("{flag}{path} should be {wanted}, and is {}", kind(value)),
                None,
            );
            return;
        }
        let bounds = RANGES
            .iter()
            .find(|(end, ..)| path == *end || path.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')));
        if let (Some((_, least, most)), Some(number)) = (bounds, number(value))
            && !(*least..=*most).contains(&number)
        {
            let wanted = if *most < f64::MAX {
                format!("from {least} to {most}")
            } else {
                format!("{least} or more")
            };
            self.warn(
                span,
                format!("{flag}{path} should be {wanted}, and is {number}"),
                None,
            );
        }
    }
}

/// Whether a value is of the kind that an example shows.
fn fits(value: &Value, example: &Value) -> bool {
    match (value, example) {
        (_, Value::Null)
        | (Value::Object(_), Value::Object(_))
        | (Value::Array(_), Value::Array(_))
        | (Value::Bool(_), Value::Bool(_)) => true,
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => false,
        // Resolved from elsewhere.
        (Value::String(text), _) if text == "auto" || text.contains("${") || text.is_empty() => true,
        (value, Value::Bool(_)) => value
            .as_str()
            .is_some_and(|text| ["true", "false"].contains(&text.to_lowercase().as_str())),
        (value, Value::Number(_)) => number(value).is_some(),
        (_, Value::String(_)) => true,
    }
}

/// A number, with quotes or without.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn is_open(path: &[String]) -> bool {
    OPEN.iter().any(|end| {
        path.len() >= end.len()
            && path
                .iter()
                .rev()
                .zip(end.iter().rev())
                .all(|(key, end)| key == end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Override, parse_path};
    use crate::plan::merge::tests::value;
    use crate::plan::{PlatformKind, Request, make, spec_names};
    use proptest::prelude::*;
    use serde_json::json;

    fn schema() -> Schema {
        Schema::new(
            &json!({
                "model": {"name": "m", "maxModelLen": 1, "gpuMemoryUtilization": 0.9},
                "decode": {"enabled": true, "replicas": 1, "resources": {"limits": {"cpu": "4"}}, "acceleratorType": {"labelKey": ""},
                    "podLabels": {}, "initContainers": [], "customCommand": null},
                "modelservice": {"enabled": true, "uriProtocol": "pvc"},
            }),
            &json!({"decode": {"ofTheSpec": 1}}),
        )
    }

    fn found(text: &str) -> Vec<String> {
        let document = Document {
            name: "s.yaml".to_owned(),
            text: text.into(),
        };
        let parsed = yaml::parse(text.as_bytes(), yaml::Limits::default());
        let remarks = schema().scenario(&document, &parsed.root.unwrap());
        let told = |remark: &Remark| {
            let finding = &remark.finding;
            assert!(!finding.is_error());
            let help = finding.help.as_deref().unwrap_or_default();
            format!(
                "{}:{} {} {help}",
                finding.span.line, finding.span.column, finding.message
            )
        };
        remarks
            .iter()
            .map(|remark| told(remark).trim().to_owned())
            .collect()
    }

    #[test]
    fn what_nothing_knows_is_told_at_its_place() {
        assert_eq!(
            found(
                "shared: {modle: {name: x}}
scenario:
  - name: one
    common: {acceleratorType: {labelKey: a}, acceleratorTipe: {}}
    modelservice: {uriProtocl: hf, decode: {replcas: 2}}
    decode: {ofTheSpec: 2, podLabels: {any: x}, resources: {limits: {nvidia.com/gpu: 1}}}
"
            ),
            [
                "1:10 the config has no key `modle` that anything here reads did you mean `model`?",
                "4:46 `common` has no key `acceleratorTipe` that anything here reads did you mean `acceleratorType`?",
                "5:20 `modelservice` has no key `uriProtocl` that anything here reads did you mean `uriProtocol`?",
                "5:45 `decode` has no key `replcas` that anything here reads did you mean `replicas`?",
            ]
        );
    }

    #[test]
    fn kinds_and_ranges_are_checked() {
        assert_eq!(
            found(
                "scenario:
  - name: one
    model: {name: [a], maxModelLen: many, gpuMemoryUtilization: 1.5}
    decode: {enabled: 3, replicas: -1, initContainers: {}, resources: none}
"
            ),
            [
                "3:19 model.name should be text, and is a list",
                "3:37 model.maxModelLen should be a number, and is text",
                "3:65 model.gpuMemoryUtilization should be from 0 to 1, and is 1.5",
                "4:23 decode.enabled should be true or false, and is a number",
                "4:36 decode.replicas should be 0 or more, and is -1",
                "4:56 decode.initContainers should be a list, and is a map",
                "4:71 decode.resources should be a map, and is text",
            ]
        );
    }

    #[test]
    fn what_is_resolved_later_or_quoted_is_fine() {
        let text = "scenario:
  - name: one
    model: {maxModelLen: auto, name: 3, gpuMemoryUtilization: \"0.5\"}
    decode: {replicas: \"${model.maxModelLen}\", enabled: \"true\", resources: null, customCommand: [a]}
";
        assert_eq!(found(text), Vec::<String>::new());
    }

    #[test]
    fn values_of_treatments_and_flags_are_checked() {
        let document = Document {
            name: "e.yaml".to_owned(),
            text: "".into(),
        };
        let one = |key: &str, value: Value| Override {
            target: OverrideTarget::Path(parse_path(key)),
            value,
            span: Span {
                line: 7,
                column: 3,
                width: 1,
            },
        };
        let treatment = |name: &str, value: Value| SetupTreatment {
            name: name.to_owned(),
            levels: Vec::new(),
            overrides: vec![one("decode.replicas", value)],
            span: Span::default(),
        };
        let constant = [treatment("a", json!([1])), treatment("b", json!([1]))];
        let remarks = schema().treatments(&document, &constant);
        assert_eq!(remarks.len(), 1);
        assert_eq!(remarks[0].finding.span.line, 7);
        let sets = super::super::set::parse("decode.enabled=7,decode.replicas=3", true).unwrap();
        let remarks = schema().sets(&sets);
        assert_eq!(remarks.len(), 1);
        assert_eq!(
            remarks[0].finding.message,
            "--set: decode.enabled should be true or false, and is a number"
        );
    }

    #[test]
    fn embedded_scenarios_say_nothing_unknown() {
        for spec in spec_names(&BaseDir::Embedded) {
            let mut request = Request::without_experiment(&spec);
            request.platform = PlatformKind::Kubernetes;
            assert_eq!(make(&request).unwrap().warnings, [], "{spec}");
        }
    }

    proptest! {
        #[test]
        fn any_value_anywhere_is_checked(value in value(), section in "decode|modelservice|common|model|name|other") {
            let text = yaml::to_string(&json!({"shared": {&section: value.clone()}, "scenario": [{&section: value}]}));
            let told = found(&text);
            prop_assert!(told.len() < 1000);
        }
    }
}
