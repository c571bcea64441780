//! The `LLMDBENCH_*` names of the old tool, translated to config keys by the table `assets/legacy-names.yaml`.

mod convert;

pub(super) use convert::{Converted, Given, convert};

use super::nearest::did_you_mean;
use super::path::format_path;
use crate::experiment::PathSegment;
use crate::yaml;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::LazyLock;

/// What every name of the table begins with.
pub(super) const PREFIX: &str = "LLMDBENCH_";

/// The factor that says which deploy methods are in effect.
pub(super) const METHODS: &str = "LLMDBENCH_DEPLOY_METHODS";

const TABLE: &str = include_str!("../../../assets/legacy-names.yaml");

/// What one old name means today. The table's header explains the fields.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Meaning {
    sets: Vec<String>,
    standalone: Vec<String>,
    modelservice: Vec<String>,
    #[serde(rename = "as")]
    reading: Reading,
    image: Option<ImagePart>,
    enables: Option<String>,
    also: IndexMap<String, Value>,
    default: Option<String>,
    instead: Option<String>,
}

/// How the text of a value is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reading {
    #[default]
    Scalar,
    Text,
    Flag,
    Methods,
    Model,
    OmitAuto,
    Affinity,
    Pairs,
    List,
    Yaml,
    YamlList,
    Blanks,
    Arguments,
    GatewayClass,
    Plugins,
}

/// A part of an image's repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ImagePart {
    Registry,
    Repo,
    Name,
}

struct Table {
    meanings: IndexMap<String, Meaning>,
    targets: HashSet<String>,
}

static NAMES: LazyLock<Table> = LazyLock::new(|| {
    // A test reads the table in full; an unreadable one would make every old name unknown, not crash.
    let meanings: IndexMap<String, Meaning> = yaml::from_str(TABLE)
        .ok()
        .and_then(|table| serde_json::from_value(table).ok())
        .unwrap_or_default();
    let targets = meanings
        .values()
        .flat_map(Meaning::targets)
        .map(str::to_owned)
        .collect();
    Table { meanings, targets }
});

impl Meaning {
    /// Every key the name may set.
    fn targets(&self) -> impl Iterator<Item = &str> {
        let own = [&self.sets, &self.standalone, &self.modelservice]
            .into_iter()
            .flatten();
        own.chain(&self.enables)
            .chain(self.also.keys())
            .map(String::as_str)
    }
}

/// The meaning of an old name.
pub(super) fn meaning(name: &str) -> Option<&'static Meaning> {
    NAMES.meanings.get(name)
}

/// Words for an old name that is not in the table.
pub(super) fn suggestion(name: &str) -> String {
    did_you_mean(name, NAMES.meanings.keys().map(String::as_str))
        .unwrap_or_else(|| "write the config key itself, such as decode.replicas".to_owned())
}

/// Whether `path` is a config key that the table knows, so that its parents may be made where a config leaves them out.
pub(super) fn is_known_key(path: &[PathSegment]) -> bool {
    NAMES.targets.contains(&format_path(path))
}

#[cfg(test)]
mod tests;
