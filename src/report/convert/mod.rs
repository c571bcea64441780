//! From the result files of load generators to reports. The built-in one writes files in the shapes of the tools whose
//! profiles it reads, so these are the only ways numbers get into a report.

mod aiperf;
mod guidellm;
mod inference_perf;
mod vllm;

use super::context::{Context, config_id};
use super::schema::{
    Aggregate, Load, LoadMetadata, LoadStandardized, Native, Report, RequestPerformance, Results,
    SCHEMA_VERSION, Scenario, SequenceLength, Statistics, VERSION,
};
use serde_json::Value;

/// Whose result file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `stage_<n>_lifecycle_metrics.json`.
    InferencePerf,
    /// `openai*.json` of `vllm bench serve`.
    VllmBenchmark,
    /// `results.json`, with one or more benchmarks.
    Guidellm,
    /// `profile_export_aiperf.json`.
    Aiperf,
}

/// What a result file says, in the report's terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// The workload, without the tool's name.
    pub load: LoadStandardized,
    /// What came out.
    pub aggregate: Aggregate,
}

/// A result file that lacks what a report cannot do without.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is missing, or is not {expected}")]
pub struct ConvertError {
    /// The key, with the path to it.
    pub key: String,
    /// What it should be, with an article.
    pub expected: &'static str,
}

/// Read the numbers of the result file `name`; a guidellm file may hold several benchmarks.
pub fn convert(
    source: Source,
    raw: &Value,
    profile: &Value,
    name: &str,
) -> Result<Vec<Numbers>, ConvertError> {
    match source {
        Source::InferencePerf => Ok(vec![inference_perf::convert(raw, profile, name)?]),
        Source::VllmBenchmark => Ok(vec![vllm::convert(raw, profile)?]),
        Source::Guidellm => guidellm::convert(raw),
        Source::Aiperf => Ok(vec![aiperf::convert(raw, profile)?]),
    }
}

/// The load generator a report names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version, or `unknown`.
    pub version: String,
}

/// The whole report of one run.
pub fn report(numbers: Numbers, tool: &Tool, context: &Context, profile: &Value) -> Report {
    let mut standardized = numbers.load;
    standardized.tool.clone_from(&tool.name);
    standardized.tool_version.clone_from(&tool.version);
    standardized.parallelism = Some(standardized.parallelism.unwrap_or(1));
    Report {
        version: VERSION.to_owned(),
        run: context.run(),
        scenario: Some(Scenario {
            stack: context.stack.as_ref().map(super::context::Stack::components),
            load: Some(Load {
                metadata: LoadMetadata {
                    schema_version: Some(SCHEMA_VERSION.to_owned()),
                    cfg_id: Some(config_id(profile)),
                    description: None,
                },
                standardized,
                native: Some(Native {
                    config: Some(profile.clone()),
                    ..Native::default()
                }),
            }),
        }),
        results: Results {
            request_performance: Some(RequestPerformance {
                aggregate: Some(numbers.aggregate),
                time_series: None,
            }),
            ..Results::default()
        },
    }
}

/// Statistics in the names that vLLM's and inference-perf's files share; `None` without a mean.
fn named(units: &str, of: impl Fn(&str) -> Option<f64>) -> Option<Statistics> {
    Some(Statistics {
        units: units.to_owned(),
        mean: of("mean")?,
        mode: None,
        stddev: of("std_dev").or_else(|| of("std")),
        min: of("min"),
        p0p1: of("p0.1"),
        p1: of("p1"),
        p5: of("p5"),
        p10: of("p10"),
        p25: of("p25"),
        p50: of("median").or_else(|| of("p50")),
        p75: of("p75"),
        p90: of("p90"),
        p95: of("p95"),
        p99: of("p99"),
        p99p9: of("p99.9"),
        max: of("max"),
    })
}

/// The number at a JSON pointer.
fn number(raw: &Value, pointer: &str) -> Option<f64> {
    raw.pointer(pointer)?.as_f64()
}

/// The whole number at a JSON pointer, or why there is none.
fn count(raw: &Value, pointer: &str) -> Result<u64, ConvertError> {
    let value = raw.pointer(pointer);
    value
        .and_then(Value::as_u64)
        .or_else(|| {
            value
                .and_then(Value::as_f64)
                .filter(|count| *count >= 0.0 && count.fract() == 0.0)
                .map(|count| count as u64)
        })
        .ok_or_else(|| ConvertError {
            key: pointer.trim_start_matches('/').replace('/', "."),
            expected: "a whole number",
        })
}

/// The value of a profile's key, `-` and `_` being alike.
pub(crate) fn setting<'a>(profile: &'a Value, key: &str) -> Option<&'a Value> {
    let map = profile.as_object()?;
    map.iter()
        .find(|(name, _)| name.replace('_', "-") == key)
        .map(|(_, value)| value)
}

fn above_zero(value: Option<f64>) -> Option<f64> {
    value.filter(|value| *value > 0.0)
}

fn fixed(value: f64) -> SequenceLength {
    SequenceLength {
        distribution: "fixed".to_owned(),
        value,
        std_dev: None,
        min: None,
        max: None,
    }
}

fn rate(units: &str, mean: Option<f64>) -> Option<Statistics> {
    mean.map(|mean| Statistics::mean(units, mean))
}
