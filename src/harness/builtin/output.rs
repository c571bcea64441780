//! The result files: in the shape of the tool whose profile was run, and a summary of our own.

use super::collector::Counted;
use super::distribution::{Distribution, PERCENTILES};
use super::measure::{LATE, LATE_SHARE, Tally};
use super::workload::{Pace, Shape, Stage, Workload};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::fs;
use std::io;
use std::path::Path;

/// Our own account of a run: everything that the tools' shapes have no place for.
pub const SUMMARY: &str = "summary.json";

/// What the files tell besides numbers.
pub struct About<'a> {
    /// The workload.
    pub workload: &'a Workload,
    /// The model that was asked for.
    pub model: &'a str,
    /// The seed that was used.
    pub seed: u64,
    /// Start of the run.
    pub start: Timestamp,
    /// Whether it was ended early.
    pub cancelled: bool,
    /// Whether the numbers come from the simulator.
    pub simulated: bool,
}

/// Write all result files into `folder`; returns the names of those that reports are made of.
pub fn write(folder: &Path, about: &About<'_>, counted: &Counted) -> io::Result<Vec<String>> {
    let mut raw = Vec::new();
    match about.workload.shape {
        Shape::VllmBenchmark | Shape::Aiperf => {
            let stage = about.workload.stages.first();
            let name = vllm_name(about, stage);
            put(folder, &name, &vllm(about, stage, &counted.whole))?;
            raw.push(name);
        }
        Shape::InferencePerf | Shape::Guidellm => {
            for (at, (stage, tally)) in about.workload.stages.iter().zip(&counted.stages).enumerate() {
                // A stage that a cancelled run never reached has no numbers.
                if tally.ended() == 0 {
                    continue;
                }
                let name = format!("stage_{at}_lifecycle_metrics.json");
                put(folder, &name, &lifecycle(about, Some(stage), tally))?;
                raw.push(name);
            }
            put(
                folder,
                "summary_lifecycle_metrics.json",
                &lifecycle(about, None, &counted.whole),
            )?;
        }
    }
    put(folder, SUMMARY, &summary(about, counted))?;
    Ok(raw)
}

fn put(folder: &Path, name: &str, value: &Value) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    fs::write(folder.join(name), text)
}

/// As `vllm bench serve` names its files.
fn vllm_name(about: &About<'_>, stage: Option<&Stage>) -> String {
    let (rate, concurrency) = pace(stage);
    let rate = rate.map_or_else(|| "inf".to_owned(), |rate| rate.to_string());
    let concurrency = concurrency.map_or_else(String::new, |limit| format!("-concurrency{limit}"));
    let model: String = about
        .model
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!(
        "openai-{rate}qps{concurrency}-{model}-{}.json",
        about.start.strftime("%Y%m%d-%H%M%S")
    )
}

fn pace(stage: Option<&Stage>) -> (Option<f64>, Option<u32>) {
    match stage.map(|stage| stage.pace) {
        Some(Pace::Closed { concurrency }) => (None, Some(concurrency)),
        Some(Pace::Open { rate, limit, .. }) => (Some(rate), limit),
        None => (None, None),
    }
}

fn vllm(about: &About<'_>, stage: Option<&Stage>, tally: &Tally) -> Value {
    let (rate, concurrency) = pace(stage);
    let mut result = json!({
        "date": about.start.strftime("%Y%m%d-%H%M%S").to_string(),
        "endpoint_type": "openai",
        "backend": "openai",
        "model_id": about.model,
        "tokenizer_id": about.model,
        "num_prompts": tally.ended(),
        "request_rate": rate.map_or_else(|| json!("inf"), |rate| json!(rate)),
        "max_concurrency": concurrency,
        "simulated": about.simulated,
        "duration": tally.duration().as_secs_f64(),
        "completed": tally.completed,
        "failed": tally.failed(),
        "total_input_tokens": tally.input_tokens,
        "total_output_tokens": tally.output_tokens,
        "request_throughput": tally.per_second(tally.completed),
        "output_throughput": tally.per_second(tally.output_tokens),
        "total_token_throughput": tally.per_second(tally.input_tokens.saturating_add(tally.output_tokens)),
    });
    if let Some(map) = result.as_object_mut() {
        if !about.workload.goals.is_empty() {
            map.insert("request_goodput".to_owned(), json!(tally.per_second(tally.good)));
        }
        for (name, distribution) in [
            ("ttft", &tally.ttft),
            ("tpot", &tally.tpot),
            ("itl", &tally.itl),
            ("e2el", &tally.e2e),
        ] {
            vllm_statistics(map, name, distribution);
        }
    }
    result
}

fn vllm_statistics(map: &mut Map<String, Value>, metric: &str, distribution: &Distribution) {
    let (Some(mean), Some(std_dev), Some((min, max))) =
        (distribution.mean(), distribution.std_dev(), distribution.range())
    else {
        return;
    };
    // Whole nanoseconds: the digits beyond are an artefact of the conversion.
    let ms = |seconds: f64| (seconds * 1e9).round() / 1e6;
    let mut put = |what: &str, seconds: f64| map.insert(format!("{what}_{metric}_ms"), json!(ms(seconds)));
    put("mean", mean);
    put("std", std_dev);
    put("min", min);
    put("max", max);
    for (percent, name) in PERCENTILES {
        if let Some(value) = distribution.percentile(percent) {
            put(name, value);
        }
    }
}

fn lifecycle(about: &About<'_>, stage: Option<&Stage>, tally: &Tally) -> Value {
    let (rate, concurrency) = pace(stage);
    let mut load = json!({
        "count": tally.ended(),
        "send_duration": tally.send_duration().as_secs_f64(),
        "achieved_rate": tally.per_second(tally.ended()),
        "schedule_delay": tally.lateness.summary(),
    });
    if let Some(map) = load.as_object_mut() {
        if let Some(rate) = rate {
            map.insert("requested_rate".to_owned(), json!(rate));
        } else if let Some(concurrency) = concurrency {
            map.insert("concurrency".to_owned(), json!(concurrency));
        }
    }
    json!({
        "simulated": about.simulated,
        "load_summary": load,
        "successes": {
            "count": tally.completed,
            "latency": {
                "request_latency": tally.e2e.summary(),
                "normalized_time_per_output_token": tally.per_token.summary(),
                "time_per_output_token": tally.tpot.summary(),
                "time_to_first_token": tally.ttft.summary(),
                "inter_token_latency": tally.itl.summary(),
            },
            "throughput": {
                "input_tokens_per_sec": tally.per_second(tally.input_tokens),
                "output_tokens_per_sec": tally.per_second(tally.output_tokens),
                "total_tokens_per_sec": tally.per_second(tally.input_tokens.saturating_add(tally.output_tokens)),
                "requests_per_sec": tally.per_second(tally.completed),
            },
            "prompt_len": tally.input.summary(),
            "output_len": tally.output.summary(),
        },
        "failures": { "count": tally.failed() },
    })
}

fn summary(about: &About<'_>, counted: &Counted) -> Value {
    let whole = &counted.whole;
    let by_kind: Map<String, Value> = whole
        .failures
        .iter()
        .map(|(kind, count)| {
            let told = json!({ "count": count, "example": whole.examples.get(kind) });
            (kind.name(), told)
        })
        .collect();
    json!({
        "harness": "builtin",
        "version": env!("CARGO_PKG_VERSION"),
        "simulated": about.simulated,
        "model": about.model,
        "seed": about.seed,
        "planned": about.workload.requests(),
        "ended": whole.ended(),
        "completed": whole.completed,
        "failed": whole.failed(),
        "failures": by_kind,
        "cancelled": about.cancelled,
        "cancelled_requests": whole.cancelled,
        "duration_seconds": whole.duration().as_secs_f64(),
        "requests_per_second": whole.per_second(whole.completed),
        "output_tokens_per_second": whole.per_second(whole.output_tokens),
        "good_requests": whole.good,
        "goodput_requests_per_second": whole.per_second(whole.good),
        "seconds": {
            "ttft": whole.ttft.summary(),
            "tpot": whole.tpot.summary(),
            "itl": whole.itl.summary(),
            "e2e": whole.e2e.summary(),
            "ttft_from_scheduled": whole.ttft_due.summary(),
            "e2e_from_scheduled": whole.e2e_due.summary(),
            "generator_late": whole.lateness.summary(),
        },
        "client_bound": counted.stages.iter().any(Tally::client_bound),
        "late_requests": whole.late,
        "late_means": format!("sent more than {} ms after it was due", LATE.as_millis()),
        "client_bound_means": format!("more than {} % of a stage's requests, and more than one, were late", LATE_SHARE * 100.0),
    })
}
