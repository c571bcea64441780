//! The stack before any treatment: spec, scenario and defaults, with what `--set` puts on top.

use super::base_dir::{BaseDir, BaseDirError, Document, read_file};
use super::make::Request;
use super::merge::merge;
use super::overrides;
use super::remark::Remark;
use super::scenario::{self, Stack};
use super::set::{self, Assignment, Selector};
use super::{shape, spec};
use crate::experiment::PathSegment;
use crate::yaml;
use serde_json::{Map, Value};
use std::path::Path;

/// Of the embedded base dir: all keys with a default, and examples for those without. Together they are what we know.
const KNOWN: [&str; 2] = [
    "config/templates/values/defaults.yaml",
    "config/templates/values/optional.yaml",
];

pub(super) type Base = (spec::Spec, Value, Stack);

/// The spec, the keys we know, and the stack before any treatment.
pub(super) fn base(
    request: &Request,
    sets: &[Assignment],
    remarks: &mut Vec<Remark>,
) -> Result<Base, Vec<Remark>> {
    let one = |error: BaseDirError| vec![Remark::error(error.to_string())];
    let base_dir = match &request.base_dir {
        None => BaseDir::embedded(),
        Some(path) => BaseDir::external(&request.cwd.join(path)).map_err(one)?,
    };
    let spec = spec::resolve(&base_dir, &request.spec, &request.cwd)?;
    let defaults = read(&spec.values)?;
    let known = known()?;
    let mut stacks = scenario::stacks(&spec.scenario, &defaults)?;
    if let Some(path) = &request.cluster_config {
        remarks.extend(lay_over(
            &mut stacks,
            &known,
            &cluster_config(&request.cwd.join(path))?,
        ));
    }
    remarks.extend(apply_sets(&mut stacks, &known, sets));
    let stack = choose(stacks, request.stack.as_deref(), remarks)?;
    Ok((spec, known, stack))
}

/// Every config key we know, with its default, or with an example where it has none.
fn known() -> Result<Value, Vec<Remark>> {
    let mut known = Value::Null;
    for path in KNOWN {
        let document = BaseDir::Embedded
            .read(path)
            .map_err(|error| vec![Remark::error(error.to_string())])?;
        if let Some(document) = document {
            merge(&mut known, &read(&document)?);
        }
    }
    Ok(known)
}

fn read(document: &Document) -> Result<Value, Vec<Remark>> {
    yaml::from_str(&document.text).map_err(|finding| vec![Remark::within(document, finding)])
}

/// The file of `--cluster-config`: a map.
fn cluster_config(path: &Path) -> Result<Map<String, Value>, Vec<Remark>> {
    let flag = "--cluster-config";
    let document = read_file(path, path.display().to_string())
        .map_err(|error| vec![Remark::error(format!("{flag}: {error}"))])?;
    match read(&document)? {
        Value::Object(map) => Ok(map),
        _ => Err(vec![
            Remark::error(format!("{flag}: {} is not a map", document.name))
                .with_help("write it like a stack of a scenario: storage, harness, …"),
        ]),
    }
}

/// Lay a cluster's settings over every stack. A section that nothing knows is added, as the reference does, with a
/// warning.
fn lay_over(stacks: &mut [Stack], known: &Value, settings: &Map<String, Value>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for stack in stacks {
        for key in settings.keys() {
            let path = [PathSegment::Quoted(key.clone())];
            if overrides::knows(&stack.config, &path) || overrides::knows(known, &path) {
                continue;
            }
            let remark = Remark::warning(format!(
                "--cluster-config: the config has no section {key}; it is added"
            ));
            let hint = overrides::likely(&stack.config, &path);
            remarks.push(hint.into_iter().fold(remark, Remark::with_help));
        }
        merge(&mut stack.config, &Value::Object(settings.clone()));
    }
    remarks.dedup();
    remarks
}

pub(super) fn assignments(
    arguments: &[String],
    flag: &str,
    selectors: bool,
    remarks: &mut Vec<Remark>,
) -> Vec<Assignment> {
    let mut all = Vec::new();
    for argument in arguments {
        match set::parse(argument, selectors) {
            Ok(assignments) => all.extend(assignments),
            Err(message) => remarks.push(Remark::error(format!("{flag}: {message}"))),
        }
    }
    all
}

/// Apply `--set` to the stacks it selects: for all, by pattern, by name; in the order given within each.
fn apply_sets(stacks: &mut [Stack], known: &Value, sets: &[Assignment]) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut ordered: Vec<&Assignment> = sets.iter().collect();
    ordered.sort_by_key(|one| match one.selector {
        Selector::All => 0,
        Selector::Glob(_) => 1,
        Selector::Exact(_) => 2,
    });
    for one in ordered {
        let flag = format!("--set {}", one.key);
        if one.value.is_null() {
            remarks.push(Remark::warning(format!(
                "{flag}: null cannot clear a value, and changes nothing"
            )));
        }
        let mut selected = false;
        for stack in stacks
            .iter_mut()
            .filter(|stack| one.selector.matches(&stack.name))
        {
            selected = true;
            if !overrides::knows(&stack.config, &one.path) && !overrides::knows(known, &one.path) {
                let remark = Remark::warning(format!("{flag}: the config has no such key; it is added"));
                let hint = overrides::likely(&stack.config, &one.path);
                remarks.push(hint.into_iter().fold(remark, Remark::with_help));
            }
            if let Err(message) = overrides::assign(&mut stack.config, &one.path, &one.value) {
                remarks.push(Remark::error(format!("{flag}: {message}")));
            }
        }
        if !selected && let Selector::Glob(name) | Selector::Exact(name) = &one.selector {
            let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
            remarks.push(
                Remark::error(format!("--set {name}:{}: there is no such stack", one.key))
                    .with_help(format!("the scenario has {}", names.join(", "))),
            );
        }
    }
    remarks.dedup();
    remarks
}

fn choose(stacks: Vec<Stack>, wanted: Option<&str>, remarks: &mut Vec<Remark>) -> Result<Stack, Vec<Remark>> {
    let names: Vec<String> = stacks.iter().map(|stack| stack.name.clone()).collect();
    let count = stacks.len();
    let mut stacks = stacks.into_iter();
    let chosen = match wanted {
        Some(name) => stacks.find(|stack| stack.name == name),
        None => stacks.next(),
    };
    let chosen = chosen.ok_or_else(|| {
        let message = format!("there is no stack {}", wanted.unwrap_or_default());
        vec![Remark::error(message).with_help(format!("the scenario has {}", names.join(", ")))]
    })?;
    if wanted.is_none() && count > 1 {
        remarks.push(
            Remark::warning(format!(
                "the scenario has {count} stacks; only {} is measured",
                chosen.name
            ))
            .with_help(format!("--stack chooses another one of {}", names.join(", "))),
        );
    }
    Ok(chosen)
}

pub(super) fn get_command(config: &Value) -> Option<Vec<String>> {
    // A command that is no list of words is told of when the shapes of the stacks are read.
    let command = shape::command(config).unwrap_or_default();
    (!command.is_empty()).then_some(command)
}

/// The settings of this machine, under those of a base dir that does not know them.
pub(super) fn give_local_section(config: &mut Value, known: &Value) {
    if let Some(local) = known.get("local") {
        let mut section = local.clone();
        merge(&mut section, config.get("local").unwrap_or(&Value::Null));
        super::merge::set(config, &["local"], section);
    }
}
