//! aiperf's `profile_export_aiperf.json`.

use super::{ConvertError, Numbers, above_zero, count, number, setting};
use crate::report::schema::{
    Aggregate, Latency, LoadStandardized, Requests, SequenceLength, Statistics, Throughput,
};
use serde_json::Value;

pub(super) fn convert(raw: &Value, profile: &Value) -> Result<Numbers, ConvertError> {
    let completed = count(raw, "/request_count/avg")?;
    let failures = raw
        .get("error_summary")
        .and_then(Value::as_array)
        .map_or(0, |errors| {
            errors
                .iter()
                .map(|error| error.get("count").and_then(Value::as_u64).unwrap_or(1))
                .sum()
        });
    let of = |metric: &str, units: &str| statistics(raw.get(metric), units);
    let input = of("input_sequence_length", "count");
    let output = of("output_sequence_length", "count");
    Ok(Numbers {
        load: load(profile, input.as_ref(), output.as_ref()),
        aggregate: Aggregate {
            requests: Some(Requests {
                total: completed + failures,
                failures: Some(failures),
                incomplete: None,
                input_length: input,
                output_length: output,
            }),
            latency: Some(Latency {
                time_to_first_token: of("time_to_first_token", "ms").as_ref().map(to_seconds),
                normalized_time_per_output_token: None,
                time_per_output_token: None,
                inter_token_latency: of("inter_token_latency", "ms").as_ref().map(|block| Statistics {
                    units: "s/token".to_owned(),
                    ..to_seconds(block)
                }),
                request_latency: of("request_latency", "ms").as_ref().map(to_seconds),
            }),
            throughput: Some(Throughput {
                input_token_rate: None,
                output_token_rate: of("output_token_throughput", "tokens/s"),
                total_token_rate: of("total_token_throughput", "tokens/s"),
                request_rate: of("request_throughput", "queries/s"),
            }),
        },
    })
}

fn load(profile: &Value, input: Option<&Statistics>, output: Option<&Statistics>) -> LoadStandardized {
    let asked = |key: &str| setting(profile, key).and_then(Value::as_f64);
    let length = |key: &str, seen: Option<&Statistics>| SequenceLength {
        distribution: if asked(key).is_some() { "fixed" } else { "other" }.to_owned(),
        value: asked(key).or(seen.map(|seen| seen.mean)).unwrap_or(0.0),
        std_dev: None,
        min: None,
        max: None,
    };
    LoadStandardized {
        source: Some(
            if setting(profile, "input-file").is_some() {
                "sampled"
            } else {
                "random"
            }
            .to_owned(),
        ),
        stage: Some(0),
        input_seq_len: Some(length("isl", input)),
        output_seq_len: Some(length("osl", output)),
        rate_qps: above_zero(asked("request-rate")),
        concurrency: above_zero(asked("concurrency")),
        ..LoadStandardized::default()
    }
}

fn statistics(block: Option<&Value>, units: &str) -> Option<Statistics> {
    let block = block?;
    let of = |key: &str| number(block, &format!("/{key}"));
    Some(Statistics {
        units: units.to_owned(),
        mean: of("avg")?,
        mode: None,
        stddev: of("std"),
        min: of("min"),
        p0p1: None,
        p1: of("p1"),
        p5: of("p5"),
        p10: of("p10"),
        p25: of("p25"),
        p50: of("p50"),
        p75: of("p75"),
        p90: of("p90"),
        p95: of("p95"),
        p99: of("p99"),
        p99p9: None,
        max: of("max"),
    })
}

fn to_seconds(block: &Statistics) -> Statistics {
    let seconds = |value: Option<f64>| value.map(|ms| ms / 1e3);
    Statistics {
        units: "s".to_owned(),
        mean: block.mean / 1e3,
        mode: seconds(block.mode),
        stddev: seconds(block.stddev),
        min: seconds(block.min),
        p0p1: seconds(block.p0p1),
        p1: seconds(block.p1),
        p5: seconds(block.p5),
        p10: seconds(block.p10),
        p25: seconds(block.p25),
        p50: seconds(block.p50),
        p75: seconds(block.p75),
        p90: seconds(block.p90),
        p95: seconds(block.p95),
        p99: seconds(block.p99),
        p99p9: seconds(block.p99p9),
        max: seconds(block.max),
    }
}
