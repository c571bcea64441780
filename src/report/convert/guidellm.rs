//! guidellm's `results.json`: a list of benchmarks, one report each.

use super::{ConvertError, Numbers, above_zero, count, number};
use crate::report::schema::{
    Aggregate, Latency, LoadStandardized, Prefix, Requests, SequenceLength, Statistics, Throughput,
};
use serde_json::Value;

pub(super) fn convert(raw: &Value) -> Result<Vec<Numbers>, ConvertError> {
    let benchmarks = raw.get("benchmarks").and_then(Value::as_array);
    let Some(benchmarks) = benchmarks.filter(|benchmarks| !benchmarks.is_empty()) else {
        return Err(ConvertError {
            key: "benchmarks".to_owned(),
            expected: "a list with at least one benchmark",
        });
    };
    let data = ["/args/data/0", "/config/data/0", "/args/spec/data/0"]
        .iter()
        .find_map(|at| raw.pointer(at));
    benchmarks
        .iter()
        .enumerate()
        .map(|(at, benchmark)| one(benchmark, data, at as u64))
        .collect()
}

fn one(benchmark: &Value, data: Option<&Value>, stage: u64) -> Result<Numbers, ConvertError> {
    let total = count(benchmark, "/metrics/request_totals/total")?;
    let of = |metric: &str, units: &str| {
        statistics(benchmark.pointer(&format!("/metrics/{metric}/successful")), units)
    };
    let input = of("prompt_token_count", "count");
    let output = of("output_token_count", "count");
    Ok(Numbers {
        load: load(benchmark, data, stage, input.as_ref(), output.as_ref()),
        aggregate: Aggregate {
            requests: Some(Requests {
                total,
                failures: Some(count(benchmark, "/metrics/request_totals/errored").unwrap_or(0)),
                incomplete: count(benchmark, "/metrics/request_totals/incomplete").ok(),
                input_length: input,
                output_length: output,
            }),
            latency: Some(Latency {
                time_to_first_token: of("time_to_first_token_ms", "ms"),
                normalized_time_per_output_token: None,
                time_per_output_token: of("time_per_output_token_ms", "ms/token"),
                inter_token_latency: of("inter_token_latency_ms", "ms/token"),
                request_latency: of("request_latency", "s"),
            }),
            throughput: Some(Throughput {
                input_token_rate: None,
                output_token_rate: of("output_tokens_per_second", "tokens/s"),
                total_token_rate: of("tokens_per_second", "tokens/s"),
                request_rate: of("requests_per_second", "queries/s"),
            }),
        },
    })
}

fn load(
    benchmark: &Value,
    data: Option<&Value>,
    stage: u64,
    input: Option<&Statistics>,
    output: Option<&Statistics>,
) -> LoadStandardized {
    let strategy = |key: &str| number(benchmark, &format!("/config/strategy/{key}"));
    let kind = benchmark
        .pointer("/config/strategy/type_")
        .and_then(Value::as_str);
    let (rate_qps, concurrency) = match kind {
        Some("async" | "constant" | "poisson") => (strategy("rate"), None),
        Some("concurrent") => (None, strategy("streams")),
        Some("throughput") => (
            None,
            strategy("max_concurrency").or_else(|| strategy("worker_count")),
        ),
        Some("synchronous") => (None, Some(1.0)),
        _ => (None, None),
    };
    let of_data = |key: &str| data.and_then(|data| data.get(key)).and_then(Value::as_u64);
    let bucket = data.and_then(|data| data.pointer("/prefix_buckets/0")).or(data);
    let prefix_len = bucket
        .and_then(|bucket| bucket.get("prefix_tokens"))
        .and_then(Value::as_u64);
    LoadStandardized {
        source: Some(
            if data.is_some_and(|data| data.get("prompt_tokens").is_some()) {
                "random"
            } else {
                "unknown"
            }
            .to_owned(),
        ),
        stage: Some(stage),
        input_seq_len: Some(length(data, "prompt_tokens", input)),
        output_seq_len: Some(length(data, "output_tokens", output)),
        prefix: prefix_len.map(|prefix_len| Prefix {
            prefix_len: Some(prefix_len),
            num_prefixes: bucket
                .and_then(|bucket| bucket.get("prefix_count"))
                .and_then(Value::as_u64),
            ..Prefix::default()
        }),
        multi_turn: of_data("turns").filter(|turns| *turns > 1).map(|turns| {
            crate::report::schema::MultiTurn {
                enabled: true,
                max_turns: Some(turns),
            }
        }),
        rate_qps: above_zero(rate_qps),
        concurrency: above_zero(concurrency),
        ..LoadStandardized::default()
    }
}

fn length(data: Option<&Value>, key: &str, seen: Option<&Statistics>) -> SequenceLength {
    let of = |suffix: &str| {
        data.and_then(|data| data.get(format!("{key}{suffix}")))
            .and_then(Value::as_f64)
    };
    let (std_dev, min, max) = (of("_stdev"), of("_min"), of("_max"));
    let distribution = match (of(""), std_dev, min) {
        (None, _, _) => "other",
        (_, Some(_), _) => "gaussian",
        (_, None, Some(_)) => "uniform",
        _ => "fixed",
    };
    SequenceLength {
        distribution: distribution.to_owned(),
        value: of("").or(seen.map(|seen| seen.mean)).unwrap_or(0.0),
        std_dev,
        min,
        max,
    }
}

fn statistics(block: Option<&Value>, units: &str) -> Option<Statistics> {
    let block = block?;
    let of = |key: &str| block.get(key).and_then(Value::as_f64);
    let percentile = |key: &str| number(block, &format!("/percentiles/{key}"));
    Some(Statistics {
        units: units.to_owned(),
        mean: of("mean")?,
        mode: of("mode"),
        stddev: of("std_dev"),
        min: of("min"),
        p0p1: percentile("p001"),
        p1: percentile("p01"),
        p5: percentile("p05"),
        p10: percentile("p10"),
        p25: percentile("p25"),
        p50: percentile("p50"),
        p75: percentile("p75"),
        p90: percentile("p90"),
        p95: percentile("p95"),
        p99: percentile("p99"),
        p99p9: percentile("p999"),
        max: of("max"),
    })
}
