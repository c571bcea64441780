//! inference-perf's `stage_<n>_lifecycle_metrics.json`. Times are in seconds.

use super::{ConvertError, Numbers, above_zero, count, named, number, rate};
use crate::report::schema::{
    Aggregate, Latency, LoadStandardized, MultiTurn, Prefix, Requests, SequenceLength, Statistics, Throughput,
};
use serde_json::Value;

pub(super) fn convert(raw: &Value, profile: &Value, name: &str) -> Result<Numbers, ConvertError> {
    let total = count(raw, "/load_summary/count")?;
    let failures = count(raw, "/failures/count")?;
    Ok(Numbers {
        load: load(raw, profile, name),
        aggregate: aggregate(raw, total, failures),
    })
}

fn load(raw: &Value, profile: &Value, name: &str) -> LoadStandardized {
    let shared = profile
        .pointer("/data/shared_prefix")
        .filter(|shared| shared.is_object());
    let of_shared = |key: &str| shared.and_then(|shared| shared.get(key)).and_then(Value::as_u64);
    let kind = profile.pointer("/data/type").and_then(Value::as_str);
    // The built-in load generator leaves files of this kind for profiles of guidellm too.
    let made_up = profile.pointer("/spec/data/0/kind").and_then(Value::as_str) == Some("synthetic_text");
    LoadStandardized {
        source: Some(
            match kind {
                Some("random" | "shared_prefix") => "random",
                Some(_) => "sampled",
                None if made_up => "random",
                None => "unknown",
            }
            .to_owned(),
        ),
        stage: Some(stage(name)),
        input_seq_len: Some(length(raw, profile, "input_distribution", "prompt_len")),
        output_seq_len: Some(length(raw, profile, "output_distribution", "output_len")),
        prefix: (kind == Some("shared_prefix")).then(|| Prefix {
            prefix_len: of_shared("system_prompt_len"),
            num_groups: of_shared("num_groups"),
            num_users_per_group: of_shared("num_prompts_per_group"),
            num_prefixes: Some(1),
        }),
        multi_turn: shared
            .and_then(|shared| shared.get("enable_multi_turn_chat"))
            .and_then(Value::as_bool)
            .map(|enabled| MultiTurn {
                enabled,
                max_turns: None,
            }),
        rate_qps: above_zero(number(raw, "/load_summary/requested_rate")),
        concurrency: above_zero(number(raw, "/load_summary/concurrency"))
            .or_else(|| above_zero(number(raw, "/load_summary/num_sessions"))),
        ..LoadStandardized::default()
    }
}

/// The number in `stage_<n>_…`; 0 for other names.
fn stage(name: &str) -> u64 {
    name.strip_prefix("stage_")
        .and_then(|rest| rest.split('_').next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

fn length(raw: &Value, profile: &Value, asked: &str, seen: &str) -> SequenceLength {
    let asked = |key: &str| number(profile, &format!("/data/{asked}/{key}"));
    let seen = |key: &str| number(raw, &format!("/successes/{seen}/{key}"));
    let failed = || number(raw, "/failures/prompt_len/mean");
    SequenceLength {
        distribution: "gaussian".to_owned(),
        value: asked("mean")
            .or_else(|| seen("mean"))
            .or_else(failed)
            .unwrap_or(0.0),
        std_dev: asked("std_dev").or_else(|| asked("std")),
        min: asked("min").or_else(|| seen("min")),
        max: asked("max").or_else(|| seen("max")),
    }
}

fn aggregate(raw: &Value, total: u64, failures: u64) -> Aggregate {
    let requests = Requests {
        total,
        failures: Some(failures),
        incomplete: None,
        input_length: None,
        output_length: None,
    };
    if total == failures {
        return Aggregate {
            requests: Some(requests),
            ..Aggregate::default()
        };
    }
    let of = |key: &str, units: &str| statistics(raw.pointer(&format!("/successes/{key}")), units);
    let per_second = |key: &str| number(raw, &format!("/successes/throughput/{key}"));
    Aggregate {
        requests: Some(Requests {
            input_length: of("prompt_len", "count"),
            output_length: of("output_len", "count"),
            ..requests
        }),
        latency: Some(Latency {
            time_to_first_token: of("latency/time_to_first_token", "s"),
            normalized_time_per_output_token: of("latency/normalized_time_per_output_token", "s/token"),
            time_per_output_token: of("latency/time_per_output_token", "s/token"),
            inter_token_latency: of("latency/inter_token_latency", "s/token"),
            request_latency: of("latency/request_latency", "s"),
        }),
        throughput: Some(Throughput {
            input_token_rate: rate("tokens/s", per_second("input_tokens_per_sec")),
            output_token_rate: rate("tokens/s", per_second("output_tokens_per_sec")),
            total_token_rate: rate("tokens/s", per_second("total_tokens_per_sec")),
            request_rate: rate("queries/s", per_second("requests_per_sec")),
        }),
    }
}

fn statistics(block: Option<&Value>, units: &str) -> Option<Statistics> {
    let block = block?;
    named(units, |key| block.get(key).and_then(Value::as_f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn made_up_prompts_are_random_whoever_wrote_the_profile() {
        let source = |profile: Value| load(&json!({}), &profile, "stage_1_lifecycle_metrics.json").source;
        let random = Some("random".to_owned());
        assert_eq!(source(json!({"data": {"type": "shared_prefix"}})), random);
        assert_eq!(
            source(json!({"spec": {"data": [{"kind": "synthetic_text"}]}})),
            random
        );
        assert_eq!(
            source(json!({"data": {"type": "shareGPT"}})),
            Some("sampled".to_owned())
        );
        assert_eq!(source(json!({})), Some("unknown".to_owned()));
    }
}
