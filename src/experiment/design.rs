//! The design: every treatment of an experiment, resolved from either dialect to one shape.

use crate::diagnostic::Span;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::num::NonZeroU32;

/// Which of the two experiment file languages a design was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `factors` / `levels` / `treatments` as comma-separated strings (the DoE documentation).
    Factor,
    /// `treatments` as maps with dotted keys (today's llm-d-benchmark).
    Treatment,
}

/// All treatments of an experiment: setup treatments × run treatments.
///
/// Cells are not stored: there are `setups.len() * runs.len()` of them, and each is a pair of positions.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// Name, description, harness and profile the file asks for.
    pub experiment: ExperimentInfo,
    /// The language the file was written in.
    pub dialect: Dialect,
    /// Deployment variants, in file order; never empty (one `default` where the file has none).
    pub setups: Vec<SetupTreatment>,
    /// Workload variants, in file order; never empty (one `default` where the file has none).
    pub runs: Vec<RunTreatment>,
    /// Retries and result gates the file asks for.
    pub policy: RetryPolicy,
}

/// The `experiment:` section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExperimentInfo {
    /// Title; the file's stem where the file gives none.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Harness to use where `-l` is absent.
    pub harness: Option<String>,
    /// Workload profile to use where `-w` is absent.
    pub profile: Option<String>,
    /// Dataset to use where `-x` is absent.
    pub dataset_url: Option<String>,
}

/// Top-level keys that say what happens when a treatment fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Reset the servers' caches before each attempt.
    pub reset_caches: bool,
    /// Attempts a cell gets before it counts as failed; at least 1.
    pub treatment_max_attempts: NonZeroU32,
    /// Stop the row at its first exhausted cell.
    pub treatment_stop_on_error: bool,
    /// The reference's result gate for trace replays: any failed request fails the cell.
    pub validate_failures: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            reset_caches: false,
            treatment_max_attempts: NonZeroU32::MIN,
            treatment_stop_on_error: false,
            validate_failures: false,
        }
    }
}

/// A factor's value in one treatment, as shown in grid headers. Not-applicable factors are not listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Level {
    /// The factor as the file spells it (`LLMDBENCH_…`, `max-concurrency`, `data.shared_prefix.num_groups`).
    pub factor: String,
    /// The value as text.
    pub value: String,
}

/// One deployment variant.
#[derive(Debug, Clone, PartialEq)]
pub struct SetupTreatment {
    /// Unique in the design; safe as a folder name.
    pub name: String,
    /// Factor values for headers, in factor order.
    pub levels: Vec<Level>,
    /// Changes to the resolved config (constants first, then the treatment's own), all with dotted targets.
    pub overrides: Vec<Override>,
    /// Where the treatment stands in the file.
    pub span: Span,
}

/// One workload variant.
#[derive(Debug, Clone, PartialEq)]
pub struct RunTreatment {
    /// Unique in the design; safe as part of a file name.
    pub name: String,
    /// Another profile of the harness for this treatment alone.
    pub profile: Option<String>,
    /// Factor values for headers, in factor order.
    pub levels: Vec<Level>,
    /// Changes to the workload profile (constants first, then the treatment's own).
    pub overrides: Vec<Override>,
    /// Where the treatment stands in the file.
    pub span: Span,
}

/// One value to set in a config or a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// What to set.
    pub target: OverrideTarget,
    /// The value, already read by YAML 1.1 rules.
    pub value: Value,
    /// Where the override stands in the file, for findings about it.
    pub span: Span,
}

/// What an override sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverrideTarget {
    /// One place, reached from the root. Never empty. Its parent must exist.
    Path(Vec<PathSegment>),
    /// One place of the config that the table of old names lists, so it is right even where the config does not spell
    /// its parents out: they are made.
    Known(Vec<PathSegment>),
    /// Every key of exactly this name, at any depth (a bare run factor of the factor dialect).
    EveryKey(String),
}

/// One step of a dotted path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathSegment {
    /// A map key; in a list, an integer-looking key is an index instead.
    Key(String),
    /// A key that was quoted in the file, so its dots and digits are literal.
    Quoted(String),
}

impl PathSegment {
    /// The key without quotes.
    pub fn text(&self) -> &str {
        match self {
            Self::Key(text) | Self::Quoted(text) => text,
        }
    }
}
