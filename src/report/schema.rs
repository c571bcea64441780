//! The types of benchmark report v0.2, and the rules that its fields must keep.

#![allow(
    missing_docs,
    reason = "the fields are the format's own; its documentation tells them"
)]

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version written into reports.
pub const VERSION: &str = "0.2";
/// The version of the metadata blocks of a scenario.
pub const SCHEMA_VERSION: &str = "0.0.1";

/// A benchmark report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    pub version: String,
    pub run: Run,
    #[serde(default)]
    pub scenario: Option<Scenario>,
    pub results: Results,
}

/// Whose run it was, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Unique to this report.
    pub uid: String,
    /// The same for all reports of one experiment id.
    #[serde(default)]
    pub eid: Option<String>,
    /// The same for all reports of one cluster or endpoint.
    #[serde(default)]
    pub cid: Option<String>,
    /// The pod.
    #[serde(default)]
    pub pid: Option<String>,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub keywords: Option<Vec<String>>,
    #[serde(default)]
    pub time: Option<Time>,
}

/// When a run was; timestamps and duration by ISO 8601.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    #[serde(default)]
    pub start: Option<String>,
    #[serde(default)]
    pub end: Option<String>,
    #[serde(default)]
    pub duration: Option<String>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    #[serde(default)]
    pub stack: Option<Vec<Component>>,
    #[serde(default)]
    pub load: Option<Load>,
}

/// A part of the stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub metadata: ComponentMetadata,
    pub standardized: Standardized,
    #[serde(default)]
    pub native: Option<Native>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentMetadata {
    #[serde(default)]
    pub schema_version: Option<String>,
    pub label: String,
    pub cfg_id: String,
    #[serde(default)]
    pub description: Option<String>,
}

/// As the component's own tools tell it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Native {
    #[serde(default)]
    pub args: Option<Value>,
    #[serde(default)]
    pub envars: Option<Value>,
    #[serde(default)]
    pub config: Option<Value>,
}

/// In terms that all components share. Further keys are for components of kind `generic` only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standardized {
    /// `inference_engine` or `generic`.
    pub kind: String,
    pub tool: String,
    pub tool_version: String,
    #[serde(default)]
    pub role: Option<String>,
    #[serde(default)]
    pub replicas: Option<u32>,
    #[serde(default)]
    pub model: Option<Model>,
    #[serde(default)]
    pub accelerator: Option<Accelerator>,
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accelerator {
    pub model: String,
    pub count: u32,
    pub parallelism: Parallelism,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parallelism {
    #[serde(default)]
    pub tp: Option<u32>,
    #[serde(default)]
    pub dp: Option<u32>,
    #[serde(default)]
    pub dp_local: Option<u32>,
    #[serde(default)]
    pub workers: Option<u32>,
    #[serde(default)]
    pub ep: Option<u32>,
    #[serde(default)]
    pub pp: Option<u32>,
}

/// The workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    pub metadata: LoadMetadata,
    pub standardized: LoadStandardized,
    #[serde(default)]
    pub native: Option<Native>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadMetadata {
    #[serde(default)]
    pub schema_version: Option<String>,
    #[serde(default)]
    pub cfg_id: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadStandardized {
    pub tool: String,
    pub tool_version: String,
    /// Identical processes.
    #[serde(default)]
    pub parallelism: Option<u32>,
    /// `random`, `sampled` or `unknown`.
    #[serde(default)]
    pub source: Option<String>,
    #[serde(default)]
    pub stage: Option<u64>,
    #[serde(default)]
    pub input_seq_len: Option<SequenceLength>,
    #[serde(default)]
    pub output_seq_len: Option<SequenceLength>,
    #[serde(default)]
    pub prefix: Option<Prefix>,
    #[serde(default)]
    pub multi_turn: Option<MultiTurn>,
    #[serde(default)]
    pub rate_qps: Option<f64>,
    #[serde(default)]
    pub concurrency: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceLength {
    /// `fixed`, `gaussian`, `uniform` or `other`.
    pub distribution: String,
    pub value: f64,
    #[serde(default)]
    pub std_dev: Option<f64>,
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefix {
    #[serde(default)]
    pub prefix_len: Option<u64>,
    #[serde(default)]
    pub num_groups: Option<u64>,
    #[serde(default)]
    pub num_users_per_group: Option<u64>,
    #[serde(default)]
    pub num_prefixes: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiTurn {
    pub enabled: bool,
    #[serde(default)]
    pub max_turns: Option<u64>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    #[serde(default)]
    pub request_performance: Option<RequestPerformance>,
    #[serde(default)]
    pub session_performance: Option<Value>,
    #[serde(default)]
    pub observability: Option<Value>,
    #[serde(default)]
    pub profiling: Option<Value>,
    #[serde(default)]
    pub component_health: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestPerformance {
    #[serde(default)]
    pub aggregate: Option<Aggregate>,
    #[serde(default)]
    pub time_series: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    #[serde(default)]
    pub requests: Option<Requests>,
    #[serde(default)]
    pub latency: Option<Latency>,
    #[serde(default)]
    pub throughput: Option<Throughput>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    pub total: u64,
    #[serde(default)]
    pub failures: Option<u64>,
    #[serde(default)]
    pub incomplete: Option<u64>,
    #[serde(default)]
    pub input_length: Option<Statistics>,
    #[serde(default)]
    pub output_length: Option<Statistics>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    #[serde(default)]
    pub time_to_first_token: Option<Statistics>,
    #[serde(default)]
    pub normalized_time_per_output_token: Option<Statistics>,
    #[serde(default)]
    pub time_per_output_token: Option<Statistics>,
    #[serde(default)]
    pub inter_token_latency: Option<Statistics>,
    #[serde(default)]
    pub request_latency: Option<Statistics>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throughput {
    #[serde(default)]
    pub input_token_rate: Option<Statistics>,
    #[serde(default)]
    pub output_token_rate: Option<Statistics>,
    #[serde(default)]
    pub total_token_rate: Option<Statistics>,
    #[serde(default)]
    pub request_rate: Option<Statistics>,
}

/// A distribution in a unit. Unknown keys are ignored, as the format says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Statistics {
    pub units: String,
    pub mean: f64,
    #[serde(default)]
    pub mode: Option<f64>,
    #[serde(default)]
    pub stddev: Option<f64>,
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub p0p1: Option<f64>,
    #[serde(default)]
    pub p1: Option<f64>,
    #[serde(default)]
    pub p5: Option<f64>,
    #[serde(default)]
    pub p10: Option<f64>,
    #[serde(default)]
    pub p25: Option<f64>,
    #[serde(default)]
    pub p50: Option<f64>,
    #[serde(default)]
    pub p75: Option<f64>,
    #[serde(default)]
    pub p90: Option<f64>,
    #[serde(default)]
    pub p95: Option<f64>,
    #[serde(default)]
    pub p99: Option<f64>,
    #[serde(default)]
    pub p99p9: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
}

impl Statistics {
    /// Only a mean, as rates have.
    pub fn mean(units: &str, mean: f64) -> Self {
        Self {
            units: units.to_owned(),
            mean,
            ..Self::default()
        }
    }
}
