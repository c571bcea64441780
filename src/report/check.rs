//! What the format refuses beyond wrong types: units that do not fit, values out of range.

use super::schema::{Component, LoadStandardized, Report, SequenceLength, Statistics, VERSION};

const COUNT: &[&str] = &["count", "pixels"];
const TIME: &[&str] = &["ms", "s"];
const PER_TOKEN: &[&str] = &["ms/token", "s/token"];
const TOKENS: &[&str] = &["tokens/s"];
const QUERIES: &[&str] = &["queries/s"];

impl Report {
    /// Everything about the report that the format refuses, one sentence each; empty when it is valid.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.version != VERSION {
            problems.push(format!("`version` is `{}`, not `{VERSION}`", self.version));
        }
        if self.run.uid.is_empty() {
            problems.push("`run.uid` is empty".to_owned());
        }
        if let Some(scenario) = &self.scenario {
            for component in scenario.stack.iter().flatten() {
                check_component(component, &mut problems);
            }
            if let Some(load) = &scenario.load {
                check_load(&load.standardized, &mut problems);
            }
        }
        for (name, statistics, units) in self.statistics() {
            if let Some(statistics) = statistics
                && !units.contains(&statistics.units.as_str())
            {
                problems.push(format!(
                    "`{name}` is in `{}`, which is none of {}",
                    statistics.units,
                    units.join(", ")
                ));
            }
        }
        problems
    }

    /// Every distribution of the request performance, with the units it may have.
    fn statistics(&self) -> Vec<(&'static str, Option<&Statistics>, &'static [&'static str])> {
        let Some(aggregate) = self.aggregate() else {
            return Vec::new();
        };
        let (requests, latency, throughput) =
            (&aggregate.requests, &aggregate.latency, &aggregate.throughput);
        let requests = requests.as_ref();
        let latency = latency.as_ref();
        let throughput = throughput.as_ref();
        vec![
            (
                "input_length",
                requests.and_then(|r| r.input_length.as_ref()),
                COUNT,
            ),
            (
                "output_length",
                requests.and_then(|r| r.output_length.as_ref()),
                COUNT,
            ),
            (
                "time_to_first_token",
                latency.and_then(|l| l.time_to_first_token.as_ref()),
                TIME,
            ),
            (
                "normalized_time_per_output_token",
                latency.and_then(|l| l.normalized_time_per_output_token.as_ref()),
                PER_TOKEN,
            ),
            (
                "time_per_output_token",
                latency.and_then(|l| l.time_per_output_token.as_ref()),
                PER_TOKEN,
            ),
            (
                "inter_token_latency",
                latency.and_then(|l| l.inter_token_latency.as_ref()),
                PER_TOKEN,
            ),
            (
                "request_latency",
                latency.and_then(|l| l.request_latency.as_ref()),
                TIME,
            ),
            (
                "input_token_rate",
                throughput.and_then(|t| t.input_token_rate.as_ref()),
                TOKENS,
            ),
            (
                "output_token_rate",
                throughput.and_then(|t| t.output_token_rate.as_ref()),
                TOKENS,
            ),
            (
                "total_token_rate",
                throughput.and_then(|t| t.total_token_rate.as_ref()),
                TOKENS,
            ),
            (
                "request_rate",
                throughput.and_then(|t| t.request_rate.as_ref()),
                QUERIES,
            ),
        ]
    }

    /// The numbers over all requests, where there are any.
    pub fn aggregate(&self) -> Option<&super::schema::Aggregate> {
        self.results.request_performance.as_ref()?.aggregate.as_ref()
    }
}

fn check_component(component: &Component, problems: &mut Vec<String>) {
    let what = &component.standardized;
    let label = &component.metadata.label;
    match what.kind.as_str() {
        "inference_engine" => {
            if !matches!(what.role.as_deref(), Some("replica" | "prefill" | "decode")) {
                problems.push(format!(
                    "stack `{label}`: `role` must be replica, prefill or decode"
                ));
            }
            if what.replicas.is_none_or(|replicas| replicas == 0) {
                problems.push(format!("stack `{label}`: `replicas` must be at least 1"));
            }
            if what.model.is_none() || what.accelerator.is_none() {
                problems.push(format!(
                    "stack `{label}`: `model` and `accelerator` must be given"
                ));
            }
            for key in what.extra.keys() {
                problems.push(format!(
                    "stack `{label}`: `{key}` is not known for an inference engine"
                ));
            }
        }
        "generic" => {}
        other => problems.push(format!("stack `{label}`: `{other}` is no kind of component")),
    }
}

fn check_load(load: &LoadStandardized, problems: &mut Vec<String>) {
    let mut require = |fine: bool, problem: &str| {
        if !fine {
            problems.push(problem.to_owned());
        }
    };
    require(
        load.source
            .as_deref()
            .is_none_or(|source| matches!(source, "random" | "sampled" | "unknown")),
        "load: `source` must be random, sampled or unknown",
    );
    require(
        load.parallelism.is_none_or(|parallelism| parallelism >= 1),
        "load: `parallelism` must be at least 1",
    );
    require(
        load.rate_qps.is_none_or(|rate| rate > 0.0),
        "load: `rate_qps` must be above 0",
    );
    require(
        load.concurrency.is_none_or(|concurrency| concurrency >= 1.0),
        "load: `concurrency` must be at least 1",
    );
    require(
        load.input_seq_len.is_some(),
        "load: `input_seq_len` must be given",
    );
    for length in [&load.input_seq_len, &load.output_seq_len].into_iter().flatten() {
        require(valid_length(length), "load: a sequence length is not valid");
    }
}

fn valid_length(length: &SequenceLength) -> bool {
    let known = matches!(
        length.distribution.as_str(),
        "fixed" | "gaussian" | "uniform" | "other"
    );
    let ordered = match (length.min, length.max) {
        (Some(min), Some(max)) => min <= max,
        _ => true,
    };
    known && ordered && length.value >= 0.0
}
