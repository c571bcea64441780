//! Reads profiles in the shapes of `vllm bench serve`, inference-perf, guidellm and aiperf.
//!
//! A key that is not known is a warning: it may matter to the tool the profile was written for. A key whose meaning
//! cannot be honoured is an error: a workload that silently is another one would be a false green.

mod aiperf;
mod fields;
mod guidellm;
mod inference_perf;
mod vllm;

use super::workload::{Shape, Workload};
use fields::Fields;
use serde_json::Value;

/// A profile that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// What it asks for.
    pub workload: Workload,
    /// One sentence for each key without effect.
    pub warnings: Vec<String>,
}

/// Why a profile cannot be run by the built-in load generator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The document is a list or a single value.
    #[error("the profile is not a map of settings")]
    NotAMap,
    /// None of the shapes.
    #[error(
        "the profile is in no shape the built-in load generator knows: it has neither `load` and `data` \
         (inference-perf) nor `spec` (guidellm), `request-count` or `isl` (aiperf), `num-prompts`, `max-concurrency` or \
         `dataset-name` (vllm-benchmark); `-w quickstart` is one it can run"
    )]
    UnknownShape,
    /// A value of another type.
    #[error("`{key}` should be {expected}, not {found}")]
    WrongType {
        /// The key, with the path to it.
        key: String,
        /// What it should be, with an article.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A value out of range, or a required one missing.
    #[error("`{key}` {problem}")]
    Invalid {
        /// The key, with the path to it.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A workload that only the tool itself can run.
    #[error("`{key}: {value}` is not something the built-in load generator can do; {instead}")]
    Unsupported {
        /// The key, with the path to it.
        key: String,
        /// Its value.
        value: String,
        /// What to do instead.
        instead: String,
    },
}

/// Understand `document`, a profile with its placeholders filled in.
pub fn read(document: &Value) -> Result<Profile, ProfileError> {
    let map = document.as_object().ok_or(ProfileError::NotAMap)?;
    let mut warnings = Vec::new();
    let workload = match shape(document).ok_or(ProfileError::UnknownShape)? {
        Shape::InferencePerf => inference_perf::read(Fields::root(map), &mut warnings)?,
        Shape::VllmBenchmark => vllm::read(Fields::root(map), &mut warnings)?,
        Shape::Guidellm => guidellm::read(Fields::root(map), &mut warnings)?,
        Shape::Aiperf => aiperf::read(Fields::root(map), &mut warnings)?,
    };
    Ok(Profile { workload, warnings })
}

/// The tool whose shape `document` has.
pub fn shape(document: &Value) -> Option<Shape> {
    let has = |key: &str| {
        document
            .as_object()
            .is_some_and(|map| map.keys().any(|k| fields::same_key(k, key)))
    };
    if document.get("load").is_some_and(Value::is_object)
        || document.get("data").is_some_and(Value::is_object)
    {
        Some(Shape::InferencePerf)
    } else if document.get("spec").is_some_and(Value::is_object) {
        Some(Shape::Guidellm)
    } else if ["request-count", "isl", "osl", "concurrency", "url"]
        .iter()
        .any(|key| has(key))
    {
        Some(Shape::Aiperf)
    } else if [
        "num-prompts",
        "max-concurrency",
        "dataset-name",
        "request-rate",
        "random-input-len",
    ]
    .iter()
    .any(|key| has(key))
    {
        Some(Shape::VllmBenchmark)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
