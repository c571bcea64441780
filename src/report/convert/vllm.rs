//! `openai*.json` of `vllm bench serve`. Times are in milliseconds.

use super::{ConvertError, Numbers, above_zero, count, fixed, named, number, rate, setting};
use crate::report::schema::{
    Aggregate, Latency, LoadStandardized, Requests, SequenceLength, Statistics, Throughput,
};
use serde_json::Value;

pub(super) fn convert(raw: &Value, profile: &Value) -> Result<Numbers, ConvertError> {
    let total = count(raw, "/num_prompts")?;
    let completed = count(raw, "/completed")?;
    let input = count(raw, "/total_input_tokens")?;
    let output = count(raw, "/total_output_tokens")?;
    Ok(Numbers {
        load: load(raw, profile, completed, input, output),
        aggregate: Aggregate {
            requests: Some(Requests {
                total,
                failures: Some(total.saturating_sub(completed)),
                incomplete: None,
                input_length: Some(Statistics::mean("count", input as f64 / total.max(1) as f64)),
                output_length: Some(Statistics::mean("count", output as f64 / completed.max(1) as f64)),
            }),
            latency: Some(Latency {
                time_to_first_token: statistics(raw, "ttft", "ms"),
                normalized_time_per_output_token: None,
                time_per_output_token: statistics(raw, "tpot", "ms/token"),
                inter_token_latency: statistics(raw, "itl", "ms/token"),
                request_latency: statistics(raw, "e2el", "ms"),
            }),
            throughput: Some(Throughput {
                input_token_rate: None,
                output_token_rate: rate("tokens/s", number(raw, "/output_throughput")),
                total_token_rate: rate("tokens/s", number(raw, "/total_token_throughput")),
                request_rate: rate("queries/s", number(raw, "/request_throughput")),
            }),
        },
    })
}

fn load(raw: &Value, profile: &Value, completed: u64, input: u64, output: u64) -> LoadStandardized {
    let dataset = setting(profile, "dataset-name").and_then(Value::as_str);
    let per_request = |tokens: u64| tokens as f64 / completed.max(1) as f64;
    LoadStandardized {
        source: Some(
            if dataset.is_none_or(|name| matches!(name, "random" | "prefix_repetition")) {
                "random"
            } else {
                "sampled"
            }
            .to_owned(),
        ),
        stage: Some(0),
        input_seq_len: Some(length(profile, "input-len", dataset, per_request(input))),
        output_seq_len: Some(length(profile, "output-len", dataset, per_request(output))),
        rate_qps: above_zero(number(raw, "/request_rate")),
        concurrency: above_zero(number(raw, "/max_concurrency")),
        ..LoadStandardized::default()
    }
}

/// The length that the profile asks for in the first setting whose name ends so, else the mean of what was seen.
fn length(profile: &Value, ending: &str, dataset: Option<&str>, seen: f64) -> SequenceLength {
    let asked = profile.as_object().and_then(|map| {
        map.iter()
            .find(|(key, value)| key.replace('_', "-").ends_with(ending) && value.is_number())
            .and_then(|(_, value)| value.as_f64())
    });
    let mut length = fixed(asked.unwrap_or(seen));
    if asked.is_none() || !matches!(dataset, None | Some("random" | "sonnet")) {
        "other".clone_into(&mut length.distribution);
    }
    length
}

fn statistics(raw: &Value, metric: &str, units: &str) -> Option<Statistics> {
    let of = |what: &str| raw.get(format!("{what}_{metric}_ms")).and_then(Value::as_f64);
    named(units, of)
}
