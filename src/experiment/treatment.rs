//! The treatment dialect: lists of maps with dotted keys.

use super::conflicts::Conflicts;
use super::design::{Level, OverrideTarget, PathSegment};
use super::load::{MOST_TREATMENTS, report_unknown_keys};
use super::names::{Names, is_inside, is_safe_name};
use super::parameter::{Assignment, Parameter, Side, Treatment, parameter, translate};
use super::path::literal;
use crate::diagnostic::{Finding, Findings, Span};
use crate::yaml::Node;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Keys of the `setup` section (and of `run` where it is a map).
pub(super) const KEYS: [&str; 2] = ["constants", "treatments"];

/// A dotted key with its value.
struct Setting<'n> {
    name: &'n str,
    parameter: Parameter,
    value: Value,
    text: &'n str,
    span: Span,
}

/// The treatments of a section that is a map.
pub(super) fn read_section(
    section: &Node,
    key: &Node,
    side: Side,
    findings: &mut Findings,
) -> Vec<Treatment> {
    let Some(pairs) = section.pairs() else {
        let message = format!("`{}` must be a map, and is {}", side.word(), section.kind_name());
        findings
            .push(Finding::error(section.span, message).with_help("its keys are constants and treatments"));
        return Vec::new();
    };
    report_unknown_keys(pairs, &KEYS, side.word(), findings);
    let list = section.get("treatments").filter(|node| !node.is_null());
    read(section.get("constants"), list, key.span, side, findings)
}

/// The treatments of a list and the constants that go with it; one default treatment where there is no list but
/// constants. `at` is where to complain when there is neither.
pub(super) fn read(
    constants: Option<&Node>,
    list: Option<&Node>,
    at: Span,
    side: Side,
    findings: &mut Findings,
) -> Vec<Treatment> {
    let constants = constants.filter(|node| !node.is_null());
    let shared = constants.map_or_else(Vec::new, |node| settings(node, "constants", side, findings));
    let items = match list.map(|node| (node, node.items())) {
        Some((_, Some(items))) if !items.is_empty() && items.len() <= MOST_TREATMENTS => items,
        Some((node, Some([]))) => {
            findings
                .push(Finding::error(node.span, "the treatments are empty").with_help("list at least one"));
            return Vec::new();
        }
        Some((node, Some(items))) => {
            let message = format!(
                "{} treatments; at most {MOST_TREATMENTS} are possible",
                items.len()
            );
            findings.push(Finding::error(node.span, message).with_help("leave out what matters least"));
            return Vec::new();
        }
        Some((node, None)) => {
            let message = format!(
                "treatments must be a list of maps, and this is {}",
                node.kind_name()
            );
            findings
                .push(Finding::error(node.span, message).with_help("begin each treatment with `- name: …`"));
            return Vec::new();
        }
        None if constants.is_some() => {
            let overrides = translate(&assignments(&shared, &[]), findings);
            Conflicts::default().check(&overrides, findings);
            let (name, levels, profile) = ("default".to_owned(), Vec::new(), None);
            return vec![Treatment {
                name,
                profile,
                levels,
                overrides,
                span: at,
            }];
        }
        None => {
            let message = format!("`{}` has no treatments", side.word());
            findings
                .push(Finding::error(at, message).with_help("list at least one, or leave the section out"));
            return Vec::new();
        }
    };
    let mut builder = Builder::new(side, &shared, items, findings);
    items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| builder.treatment(index, item, findings))
        .collect()
}

/// The dotted keys of a map, in file order, without `name` and `profile`.
fn settings<'n>(node: &'n Node, what: &str, side: Side, findings: &mut Findings) -> Vec<Setting<'n>> {
    let Some(pairs) = node.pairs() else {
        let message = format!(
            "{what} must be a map of dotted keys, and this is {}",
            node.kind_name()
        );
        findings.push(Finding::error(node.span, message).with_help("write `some.key: value`"));
        return Vec::new();
    };
    let mut all = Vec::new();
    for (key, value) in pairs {
        let name = key.raw().unwrap_or_default();
        if is_own_key(name, side) && what != "constants" {
            continue;
        }
        let Some(parameter) = parameter(name, key.span, side, false, findings) else {
            continue;
        };
        if side == Side::Setup && value.is_null() {
            findings.push(
                Finding::warning(key.span, format!("`{name}` has no value and changes nothing"))
                    .with_help("a deployment's key cannot be unset; write the value it should have"),
            );
            continue;
        }
        if matches!(parameter, Parameter::Old(_)) && value.raw().is_none() {
            let message = format!("`{name}` takes a single value, and this is {}", value.kind_name());
            findings.push(Finding::error(value.span, message).with_help("write the value as text"));
            continue;
        }
        spread(name, parameter, key.span, value, side, &mut all);
    }
    all
}

/// A deployment's map merges into the one that is there, so it is taken apart into its single keys.
fn spread<'n>(
    name: &'n str,
    parameter: Parameter,
    span: Span,
    value: &'n Node,
    side: Side,
    all: &mut Vec<Setting<'n>>,
) {
    if let (Side::Setup, Parameter::Place(target), Some(pairs)) = (side, &parameter, value.pairs()) {
        for (key, inner) in pairs.iter().filter(|(_, inner)| !inner.is_null()) {
            let mut path: Vec<PathSegment> = match target {
                OverrideTarget::Path(path) | OverrideTarget::Known(path) => path.clone(),
                OverrideTarget::EveryKey(name) => vec![literal(name)],
            };
            path.push(literal(key.raw().unwrap_or_default()));
            let known = super::legacy::is_known_key(&path);
            let target = if known {
                OverrideTarget::Known(path)
            } else {
                OverrideTarget::Path(path)
            };
            spread(name, Parameter::Place(target), key.span, inner, side, all);
        }
        return;
    }
    let text = value.raw().unwrap_or_default();
    let value = match side {
        Side::Setup => value.to_value(),
        Side::Run => coerced(value.to_value()),
    };
    all.push(Setting {
        name,
        parameter,
        value,
        text,
        span,
    });
}

fn is_own_key(name: &str, side: Side) -> bool {
    name == "name" || (name == "profile" && side == Side::Run)
}

/// A workload's text that looks like a boolean or number is one, as the reference has it.
fn coerced(value: Value) -> Value {
    let Value::String(text) = &value else {
        return value;
    };
    match text.to_lowercase().as_str() {
        "true" | "yes" => return Value::Bool(true),
        "false" | "no" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.replace('_', "");
    if let Ok(number) = digits.parse::<i64>() {
        return number.into();
    }
    match digits.parse::<f64>().ok().and_then(serde_json::Number::from_f64) {
        Some(number) => Value::Number(number),
        None => value,
    }
}

/// All assignments of a treatment: the shared ones that it does not set itself, then its own.
fn assignments<'a>(shared: &'a [Setting<'_>], own: &'a [Setting<'_>]) -> Vec<Assignment<'a>> {
    let key = |setting: &Setting<'_>| match &setting.parameter {
        Parameter::Place(target) => super::conflicts::describe(target),
        Parameter::Old(_) => setting.name.to_owned(),
    };
    let set: HashSet<String> = own.iter().map(key).collect();
    let inherited = shared.iter().filter(|setting| !set.contains(&key(setting)));
    inherited
        .chain(own)
        .map(|setting| Assignment {
            name: setting.name,
            parameter: &setting.parameter,
            text: setting.text,
            value: setting.value.clone(),
            span: setting.span,
        })
        .collect()
}

struct Builder<'a> {
    side: Side,
    shared: &'a [Setting<'a>],
    conflicts: Conflicts,
    names: Names,
    /// Treatments without names so far, by what they set: name and line of the first.
    seen: HashMap<String, (String, u32)>,
}

impl<'a> Builder<'a> {
    /// Names that the file gives are taken first, so that no generated one gets in their way.
    fn new(side: Side, shared: &'a [Setting<'a>], items: &[Node], findings: &mut Findings) -> Self {
        let mut names = Names::default();
        for node in items.iter().filter_map(|item| item.get("name")) {
            match node.raw().filter(|_| !node.is_null()) {
                Some(name) if is_safe_name(name, node.span, findings) => {
                    names.take(name, node.span, findings);
                }
                Some(_) => {}
                None => {
                    let message = format!("a name must be text, and this is {}", node.kind_name());
                    findings.push(
                        Finding::error(node.span, message).with_help("write a word, or remove the key"),
                    );
                }
            }
        }
        Self {
            side,
            shared,
            conflicts: Conflicts::default(),
            names,
            seen: HashMap::new(),
        }
    }

    fn treatment(&mut self, index: usize, item: &Node, findings: &mut Findings) -> Option<Treatment> {
        if item.pairs().is_none() {
            let message = format!(
                "a treatment must be a map of dotted keys, and this is {}",
                item.kind_name()
            );
            findings
                .push(Finding::error(item.span, message).with_help("write `- name: …` and its keys below"));
            return None;
        }
        let own = settings(item, "a treatment", self.side, findings);
        let profile = self.profile(item, findings);
        let name = match item.get("name").and_then(Node::raw) {
            Some(name) => name.to_owned(),
            None => self.generated_name(index, item, &own, profile.as_deref(), findings),
        };
        let overrides = translate(&assignments(self.shared, &own), findings);
        self.conflicts.check(&overrides, findings);
        let mut shown = HashSet::new();
        let levels = own
            .iter()
            .filter(|setting| shown.insert((setting.name, setting.span)))
            .map(|setting| Level {
                factor: match &setting.parameter {
                    Parameter::Old(_) => setting.name.to_owned(),
                    Parameter::Place(target) => super::conflicts::describe(target),
                },
                value: shown_value(setting),
            })
            .collect();
        let span = item.span;
        Some(Treatment {
            name,
            profile,
            levels,
            overrides,
            span,
        })
    }

    fn profile(&self, item: &Node, findings: &mut Findings) -> Option<String> {
        let node = item
            .get("profile")
            .filter(|node| self.side == Side::Run && !node.is_null())?;
        if let Some(name) = node.as_str() {
            return is_inside("profile", name, node.span, findings).then(|| name.to_owned());
        }
        let message = format!("a profile must be text, and this is {}", node.kind_name());
        findings.push(Finding::error(node.span, message).with_help("write the name of a profile"));
        None
    }

    fn generated_name(
        &mut self,
        index: usize,
        item: &Node,
        own: &[Setting<'_>],
        profile: Option<&str>,
        findings: &mut Findings,
    ) -> String {
        let mut content: Vec<String> = own
            .iter()
            .map(|setting| format!("{}={}", setting.name, setting.value))
            .collect();
        content.sort();
        content.extend(profile.map(str::to_owned));
        if let Some((first, line)) = self.seen.get(&content.join("\n")) {
            let message = format!("equal to the treatment in line {line}; it runs as a replicate");
            findings.push(
                Finding::warning(item.span, message)
                    .with_help("give names to keep replicates apart, or remove one"),
            );
            return self.names.take_free(first, item.span);
        }
        let wanted = match self.side {
            Side::Setup => format!("setup-{index}"),
            Side::Run => format!("t{index}"),
        };
        let name = self.names.take_free(&wanted, item.span);
        self.seen
            .insert(content.join("\n"), (name.clone(), item.span.line));
        name
    }
}

fn shown_value(setting: &Setting<'_>) -> String {
    match &setting.value {
        Value::String(text) => text.clone(),
        other if setting.text.is_empty() => other.to_string(),
        _ => setting.text.to_owned(),
    }
}
