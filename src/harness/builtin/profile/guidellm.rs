//! Profiles of guidellm: `spec` with backend, profile, constraints and data, and benchmarks that change it.

use super::super::workload::{Api, Arrivals, Lengths, Pace, Prompts, Shape, Stage, Workload};
use super::ProfileError;
use super::fields::Fields;
use serde_json::{Map, Value};
use std::time::Duration;

/// The tool sets no limit for one request; a hung one must still end some day.
const REQUEST_TIMEOUT: Duration = Duration::from_hours(1);

const ELSEWHERE: &str = "run the tool itself with `-l guidellm`";

pub(super) fn read(mut fields: Fields<'_>, warnings: &mut Vec<String>) -> Result<Workload, ProfileError> {
    fields.without_effect(&["metadata"]);
    let Some(Value::Object(whole)) = fields.get("spec") else {
        return Err(fields.invalid("spec", "is missing"));
    };
    let mut spec = Fields::at(whole, "spec");
    spec.without_effect(&["profile", "constraints", "output", "outputs"]);
    let stages = stages(whole, fields.get("benchmarks"), warnings)?;
    let mut workload = Workload {
        shape: Shape::Guidellm,
        stages,
        pause: Duration::ZERO,
        prompts: prompts(&mut spec, warnings)?,
        api: Api::Chat,
        streaming: true,
        model: None,
        base_url: None,
        ignore_eos: true,
        temperature: None,
        seed: spec.count("random_seed")?,
        request_timeout: REQUEST_TIMEOUT,
        goals: Vec::new(),
        warmups: 0,
    };
    if let Some(mut backend) = spec.map("backend")? {
        backend.without_effect(&["kind", "validate_backend", "api_key", "verify", "timeout"]);
        workload.base_url = backend.text("target")?.map(str::to_owned);
        workload.model = backend.text("model")?.map(str::to_owned);
        workload.streaming = backend.switch("stream")?.unwrap_or(true);
        workload.api = match backend.text("request_format")? {
            None | Some("/v1/chat/completions" | "chat_completions") => Api::Chat,
            Some("/v1/completions" | "text_completions") => Api::Completion,
            Some(other) => return Err(unsupported(&backend, "request_format", other)),
        };
        backend.finish(warnings);
    }
    spec.finish(warnings);
    fields.finish(warnings);
    Ok(workload)
}

fn unsupported(fields: &Fields<'_>, key: &str, value: &str) -> ProfileError {
    ProfileError::Unsupported {
        key: fields.name(key),
        value: value.to_owned(),
        instead: ELSEWHERE.to_owned(),
    }
}

/// The stages of every benchmark, one after another; of the spec alone where there are none.
fn stages(
    spec: &Map<String, Value>,
    benchmarks: Option<&Value>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Stage>, ProfileError> {
    let whole = Fields::at(spec, "spec");
    let changes = match benchmarks {
        None => return of_spec(spec, warnings),
        Some(Value::Array(changes)) if !changes.is_empty() => changes,
        Some(_) => {
            return Err(whole.invalid("benchmarks", "should be a list of maps, with at least one in it"));
        }
    };
    let mut stages = Vec::new();
    for change in changes {
        let mut own = spec.clone();
        for (key, value) in change.as_object().into_iter().flatten() {
            if !set(&mut own, key, value) {
                return Err(ProfileError::Unsupported {
                    key: format!("benchmarks.{key}"),
                    value: value.to_string(),
                    instead: format!("only `profile` and `constraints` may change; {ELSEWHERE}"),
                });
            }
        }
        stages.extend(of_spec(&own, warnings)?);
    }
    Ok(stages)
}

/// Set `profile.streams` or `constraints[0].count`; false for any other key.
fn set(spec: &mut Map<String, Value>, key: &str, value: &Value) -> bool {
    let target = match key.split_once('.') {
        Some(("profile", field)) => spec.get_mut("profile").map(|profile| (profile, field)),
        Some((list, field)) => {
            let index = list
                .strip_prefix("constraints[")
                .and_then(|rest| rest.strip_suffix(']')?.parse::<usize>().ok());
            let entry = index.and_then(|index| spec.get_mut("constraints")?.get_mut(index));
            entry.map(|entry| (entry, field))
        }
        None => None,
    };
    match target {
        Some((Value::Object(map), field)) if !field.contains('.') => {
            map.insert(field.to_owned(), value.clone());
            true
        }
        _ => false,
    }
}

/// What ends a benchmark.
#[derive(Clone, Copy, Default)]
struct Limits {
    requests: Option<u64>,
    seconds: Option<f64>,
}

fn limits(spec: &mut Fields<'_>, warnings: &mut Vec<String>) -> Result<Limits, ProfileError> {
    let mut limits = Limits::default();
    for mut constraint in spec.maps("constraints")? {
        match constraint.text("kind")? {
            Some("max_requests") => limits.requests = constraint.count("count")?.filter(|count| *count > 0),
            Some("max_duration") => limits.seconds = constraint.number("seconds")?.filter(|s| *s > 0.0),
            _ => {
                warnings.push(format!(
                    "`{}` is not known to the built-in load generator and has no effect",
                    constraint.name("kind")
                ));
                continue;
            }
        }
        constraint.finish(warnings);
    }
    if limits.requests.is_none() && limits.seconds.is_none() {
        return Err(spec.invalid(
            "constraints",
            "needs `max_requests` with a count, or `max_duration` with seconds",
        ));
    }
    Ok(limits)
}

fn of_spec(spec: &Map<String, Value>, warnings: &mut Vec<String>) -> Result<Vec<Stage>, ProfileError> {
    let mut spec = Fields::at(spec, "spec");
    let limits = limits(&mut spec, warnings)?;
    let Some(mut profile) = spec.map("profile")? else {
        return Err(spec.invalid("profile", "is missing"));
    };
    profile.without_effect(&["rampup_duration", "initial_burst", "random_seed"]);
    let kind = profile.text("kind")?.unwrap_or_default();
    let limit = profile.small("max_concurrency", 1)?;
    let stages = match kind {
        "synchronous" => vec![closed(1, limits)?],
        "concurrent" => numbers(&mut profile, "streams")?
            .into_iter()
            .map(|streams| closed(streams as u32, limits))
            .collect::<Result<_, _>>()?,
        "throughput" => {
            let all = limits.requests.and_then(|requests| u32::try_from(requests).ok());
            let Some(concurrency) = limit.or(all) else {
                return Err(profile.invalid("max_concurrency", "must be given, as nothing else bounds it"));
            };
            vec![closed(concurrency, limits)?]
        }
        "constant" | "async" => open(&mut profile, Arrivals::Constant, limit, limits)?,
        "poisson" => open(&mut profile, Arrivals::Gamma(1.0), limit, limits)?,
        other => return Err(unsupported(&profile, "kind", other)),
    };
    profile.finish(warnings);
    Ok(stages)
}

/// One number or a list of them, each at least 1 for streams and above 0 for rates.
fn numbers(profile: &mut Fields<'_>, key: &str) -> Result<Vec<f64>, ProfileError> {
    let least = if key == "streams" { 1.0 } else { f64::MIN_POSITIVE };
    let most = if key == "streams" {
        f64::from(u32::MAX)
    } else {
        f64::MAX
    };
    let all: Vec<Option<f64>> = match profile.get(key) {
        Some(Value::Array(entries)) => entries.iter().map(Value::as_f64).collect(),
        Some(_) => vec![profile.number(key)?],
        None => Vec::new(),
    };
    let good: Option<Vec<f64>> = all
        .into_iter()
        .map(|number| number.filter(|number| (least..=most).contains(number)))
        .collect();
    match good {
        Some(numbers) if !numbers.is_empty() => Ok(numbers),
        _ => Err(profile.invalid(key, "must be a number above 0, or a list of such numbers")),
    }
}

fn closed(concurrency: u32, limits: Limits) -> Result<Stage, ProfileError> {
    Ok(Stage {
        pace: Pace::Closed { concurrency },
        requests: limits.requests.unwrap_or(Stage::UNBOUNDED),
        time: seconds(limits.seconds)?,
    })
}

fn seconds(seconds: Option<f64>) -> Result<Option<Duration>, ProfileError> {
    seconds
        .map(|seconds| {
            Duration::try_from_secs_f64(seconds).map_err(|_| ProfileError::Invalid {
                key: "spec.constraints".to_owned(),
                problem: "has a `max_duration` that is no duration".to_owned(),
            })
        })
        .transpose()
}

fn open(
    profile: &mut Fields<'_>,
    arrivals: Arrivals,
    limit: Option<u32>,
    limits: Limits,
) -> Result<Vec<Stage>, ProfileError> {
    numbers(profile, "rate")?
        .into_iter()
        .map(|rate| {
            // What is due within the time is known beforehand.
            let due = limits.seconds.map(|seconds| (rate * seconds).floor() as u64);
            let requests = due.into_iter().chain(limits.requests).min().unwrap_or(0);
            if requests == 0 {
                return Err(profile.invalid("rate", "is too low for a single request in the time there is"));
            }
            Ok(Stage {
                pace: Pace::Open {
                    rate,
                    arrivals,
                    limit,
                },
                requests,
                time: None,
            })
        })
        .collect()
}

fn prompts(spec: &mut Fields<'_>, warnings: &mut Vec<String>) -> Result<Prompts, ProfileError> {
    let distinct = match spec.map("data_loader")? {
        None => None,
        Some(mut loader) => {
            loader.without_effect(&["kind", "num_workers"]);
            let samples = loader.count("samples")?.filter(|samples| *samples > 0);
            loader.finish(warnings);
            samples
        }
    };
    let mut sets = spec.maps("data")?;
    if sets.len() > 1 {
        return Err(spec.invalid(
            "data",
            "has several sets, and the built-in load generator takes one",
        ));
    }
    let Some(mut data) = sets.pop() else {
        return Err(spec.invalid("data", "is missing"));
    };
    match data.text("kind")? {
        Some("synthetic_text") => {}
        other => return Err(unsupported(&data, "kind", other.unwrap_or("…"))),
    }
    if let Some(turns) = data.small("turns", 1)?.filter(|turns| *turns > 1) {
        return Err(unsupported(&data, "turns", &turns.to_string()));
    }
    let input = lengths(&mut data, "prompt_tokens")?;
    let output = lengths(&mut data, "output_tokens")?;
    let mut buckets = data.maps("prefix_buckets")?;
    if buckets.len() > 1 {
        return Err(unsupported(&data, "prefix_buckets", "several"));
    }
    let prompts = match buckets.pop() {
        None => Prompts::Random {
            prefix: 0,
            input,
            output,
            distinct,
        },
        Some(mut bucket) => {
            bucket.without_effect(&["bucket_weight"]);
            let prompts = Prompts::SharedPrefix {
                groups: bucket.groups("prefix_count")?.unwrap_or(1),
                // Every question is another one.
                per_group: u32::from(u16::MAX),
                system: bucket.small("prefix_tokens", 0)?.unwrap_or(0),
                question: input,
                output,
            };
            bucket.finish(warnings);
            prompts
        }
    };
    data.finish(warnings);
    Ok(prompts)
}

/// `prompt_tokens` with its `_stdev`, `_min` and `_max`.
fn lengths(data: &mut Fields<'_>, key: &str) -> Result<Lengths, ProfileError> {
    let Some(mean) = data.small(key, 1)? else {
        return Err(data.invalid(key, "is missing"));
    };
    let deviation = data.number(&format!("{key}_stdev"))?.unwrap_or(0.0);
    let min = data.small(&format!("{key}_min"), 1)?;
    let max = data.small(&format!("{key}_max"), 1)?;
    let (low, high) = (min.unwrap_or(1), max.unwrap_or(mean.saturating_mul(4)));
    if low > high {
        return Err(data.invalid(
            &format!("{key}_min"),
            &format!("must not be above `{key}_max` ({high})"),
        ));
    }
    Ok(match (deviation > 0.0, min, max) {
        (true, _, _) => Lengths::Normal {
            mean: f64::from(mean),
            std_dev: deviation,
            min: low,
            max: high,
        },
        (false, Some(min), Some(max)) if min < max => Lengths::Uniform { min, max },
        _ => Lengths::Fixed(mean.clamp(low, high)),
    })
}
