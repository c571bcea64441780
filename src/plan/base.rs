//! What a plan starts from: spec, defaults, the stacks of the scenario, and the files of flags.

use super::base_dir::{BaseDir, BaseDirError, Document, read_file};
use super::remark::Remark;
use super::request::Request;
use super::scenario::{self, Stack};
use super::schema::{self, Schema};
use super::set::{self, Assignment, Selector};
use super::{shape, spec};
use crate::diagnostic::{Finding, Span};
use crate::yaml::{self, Node};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

const DEFAULTS: &str = "config/templates/values/defaults.yaml";
/// Beside the defaults: what goes with a kind of accelerator.
const OVERLAYS: &str = "overlays";
/// Overlays of a base dir that are read; each is a file of a machine's profile.
const MOST_OVERLAYS: usize = 256;

/// A file that is laid over stacks.
#[derive(Debug)]
pub(super) struct Layer {
    /// As it was read.
    pub(super) document: Document,
    /// What it says.
    pub(super) value: Value,
}

impl Layer {
    /// It once more, with the places of all it says.
    pub(super) fn root(&self) -> Option<Node> {
        yaml::parse(self.document.text.as_bytes(), yaml::Limits::default()).root
    }
}

/// Everything that was read before the first treatment.
pub(super) struct Base {
    pub(super) spec: spec::Spec,
    /// The defaults of the embedded base dir: the keys we know.
    pub(super) known: Value,
    /// What all layers may say.
    pub(super) schema: Schema,
    /// All entries of the scenario.
    pub(super) stacks: Vec<Stack>,
    /// `--cluster-config`.
    pub(super) cluster_config: Option<Layer>,
    /// By name; one that cannot be read matters only where it is asked for.
    pub(super) overlays: BTreeMap<String, Result<Layer, Remark>>,
}

impl Base {
    /// What is said of the layers that no treatment changes, each at its place.
    pub(super) fn surprises(&self, sets: &[Assignment]) -> Vec<Remark> {
        let scenario = scenario::read(&self.spec.scenario);
        let mut remarks = scenario.map_or_else(
            |error| vec![error],
            |root| self.schema.scenario(&self.spec.scenario, &root),
        );
        remarks.extend(
            self.cluster_config
                .iter()
                .flat_map(|layer| self.schema.file(layer)),
        );
        remarks.extend(self.schema.sets(sets));
        remarks
    }
}

/// Find and read what `request` names.
pub(super) fn base(request: &Request) -> Result<Base, Vec<Remark>> {
    let one = |error: BaseDirError| vec![Remark::error(error.to_string())];
    let base_dir = match &request.base_dir {
        None => BaseDir::embedded(),
        Some(path) => BaseDir::external(&request.cwd.join(path)).map_err(one)?,
    };
    let spec = spec::resolve(&base_dir, &request.spec, &request.cwd)?;
    let defaults = read(&spec.values)?;
    if !defaults.is_object() {
        let remark = Remark::error(format!("{}: the defaults are not a map", spec.values.name));
        return Err(vec![remark]);
    }
    let known = schema::known(embedded_defaults()?)?;
    let schema = Schema::new(&known, &defaults);
    let cluster_config = match &request.cluster_config {
        None => None,
        Some(path) => Some(cluster_config(&request.cwd.join(path))?),
    };
    Ok(Base {
        known,
        stacks: scenario::stacks(&spec.scenario, &defaults)?,
        schema,
        cluster_config,
        overlays: overlays(&spec),
        spec,
    })
}

/// The defaults of every key that we know.
pub(super) fn embedded_defaults() -> Result<Value, Vec<Remark>> {
    let document = BaseDir::Embedded
        .read(DEFAULTS)
        .map_err(|error| vec![Remark::error(error.to_string())])?;
    document.map_or(Ok(Value::Null), |document| read(&document))
}

fn read(document: &Document) -> Result<Value, Vec<Remark>> {
    yaml::from_str(&document.text).map_err(|finding| vec![Remark::within(document, finding)])
}

/// The file of `--cluster-config`: a map.
fn cluster_config(path: &Path) -> Result<Layer, Vec<Remark>> {
    let flag = "--cluster-config";
    let document = read_file(path, path.display().to_string())
        .map_err(|error| vec![Remark::error(format!("{flag}: {error}"))])?;
    match read(&document)? {
        value @ Value::Object(_) => Ok(Layer { document, value }),
        _ => Err(vec![
            Remark::error(format!("{flag}: {} is not a map", document.name))
                .with_help("write it like a stack of a scenario: storage, harness, …"),
        ]),
    }
}

/// The overlays beside a spec's defaults.
fn overlays(spec: &spec::Spec) -> BTreeMap<String, Result<Layer, Remark>> {
    let root = format!("{}/", spec.base_dir.root());
    let folder = spec.values.name.strip_prefix(&root).unwrap_or_default();
    let folder = match folder.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{OVERLAYS}"),
        None => OVERLAYS.to_owned(),
    };
    let mut overlays = BTreeMap::new();
    for file in spec.base_dir.list(&folder).into_iter().take(MOST_OVERLAYS) {
        let Some(name) = file.strip_suffix(".yaml") else {
            continue;
        };
        let overlay = match spec.base_dir.read(&format!("{folder}/{file}")) {
            Ok(Some(document)) => overlay(document),
            Ok(None) => continue,
            Err(error) => Err(Remark::error(error.to_string())),
        };
        overlays.insert(name.to_owned(), overlay);
    }
    overlays
}

fn overlay(document: Document) -> Result<Layer, Remark> {
    match yaml::from_str(&document.text) {
        Ok(value @ (Value::Object(_) | Value::Null)) => Ok(Layer { document, value }),
        Ok(_) => {
            let finding = Finding::error(Span::default(), "an accelerator's profile is a map");
            Err(Remark::within(&document, finding))
        }
        Err(finding) => Err(Remark::within(&document, finding)),
    }
}

/// The pairs of a flag's arguments.
pub(super) fn assignments(
    arguments: &[String],
    flag: &str,
    selectors: bool,
    remarks: &mut Vec<Remark>,
) -> Vec<Assignment> {
    let mut all: Vec<Assignment> = Vec::new();
    for argument in arguments {
        match set::parse(argument, selectors) {
            Ok(assignments) => all.extend(assignments),
            Err(message) => remarks.push(Remark::error(format!("{flag}: {message}"))),
        }
    }
    let mut seen = HashSet::new();
    for one in &all {
        if let Some((words, help)) = &one.surprise {
            remarks.push(Remark::warning(format!("{flag} {}: {words}", one.key)).with_help(*help));
        }
        if !seen.insert((&one.selector, &one.path)) {
            let message = format!("{flag} {}: is set more than once; the last value wins", one.key);
            remarks.push(Remark::warning(message));
        }
    }
    all
}

/// `--set` in the order in which it is applied: for all, by pattern, by name; as given within each.
pub(super) fn ordered(
    mut sets: Vec<Assignment>,
    stacks: &[Stack],
    remarks: &mut Vec<Remark>,
) -> Vec<Assignment> {
    sets.sort_by_key(|one| match one.selector {
        Selector::All => 0,
        Selector::Glob(_) => 1,
        Selector::Exact(_) => 2,
    });
    for one in &sets {
        if let Selector::Glob(name) | Selector::Exact(name) = &one.selector
            && !stacks.iter().any(|stack| one.selector.matches(&stack.name))
        {
            let message = format!("--set {name}:{}: there is no such stack", one.key);
            remarks.push(Remark::error(message).with_help(known_stacks(stacks)));
        }
    }
    sets
}

/// The stack that is measured: the first of those that `--stack` names, else the first of all.
pub(super) fn measured(stacks: &[Stack], wanted: &[String], remarks: &mut Vec<Remark>) -> Option<String> {
    for name in wanted {
        if !stacks.iter().any(|stack| stack.name == *name) {
            remarks.push(
                Remark::error(format!("--stack: there is no stack {name}")).with_help(known_stacks(stacks)),
            );
        }
    }
    let is_wanted = |stack: &&Stack| wanted.is_empty() || wanted.contains(&stack.name);
    let first = stacks.iter().find(is_wanted);
    first.map(|stack| stack.name.clone())
}

fn known_stacks(stacks: &[Stack]) -> String {
    let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
    format!("the scenario has {}", names.join(", "))
}

/// The command a config gives for servers on this machine.
pub(super) fn get_command(config: &Value) -> Option<Vec<String>> {
    // A command that is no list of words is told of when the shapes of the stacks are read.
    let command = shape::command(config).unwrap_or_default();
    (!command.is_empty()).then_some(command)
}
