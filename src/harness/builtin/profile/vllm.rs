//! Profiles of `vllm bench serve`: a flat map of its flags.

use super::super::workload::{
    Api, Arrivals, Goal, GoalMetric, Lengths, Pace, Prompts, Shape, Stage, Workload,
};
use super::ProfileError;
use super::fields::Fields;
use serde_json::Value;
use std::time::Duration;

/// `vllm bench serve` sends so many requests when it is not told.
pub(in crate::harness) const DEFAULT_PROMPTS: u64 = 1000;
const DEFAULT_INPUT: u32 = 1024;
const DEFAULT_OUTPUT: u32 = 128;
/// The tool's own limit for one request.
const REQUEST_TIMEOUT: Duration = Duration::from_hours(6);

/// Flags about how results are kept and shown; ours are always complete.
const WITHOUT_EFFECT: &[&str] = &[
    "executable",
    "percentile-metrics",
    "metric-percentiles",
    "disable-tqdm",
    "trust-remote-code",
    "tokenizer",
    "tokenizer-mode",
    "save-result",
    "save-detailed",
    "append-result",
    "result-dir",
    "result-filename",
    "label",
    "metadata",
    "served-model-name",
    "ready-check-timeout-sec",
];

pub(super) fn read(mut fields: Fields<'_>, warnings: &mut Vec<String>) -> Result<Workload, ProfileError> {
    fields.without_effect(WITHOUT_EFFECT);
    let requests = fields.count("num-prompts")?.unwrap_or(DEFAULT_PROMPTS);
    if requests == 0 {
        return Err(fields.invalid("num-prompts", "must be at least 1"));
    }
    let pace = pace(&mut fields, requests)?;
    let prompts = prompts(&mut fields, requests, warnings)?;
    let workload = Workload {
        shape: Shape::VllmBenchmark,
        stages: vec![Stage {
            pace,
            requests,
            time: None,
        }],
        pause: Duration::ZERO,
        prompts,
        api: api(&mut fields)?,
        streaming: true,
        model: fields.text("model")?.map(str::to_owned),
        base_url: base_url(&mut fields)?,
        ignore_eos: fields.switch("ignore-eos")?.unwrap_or(false),
        temperature: fields.number("temperature")?,
        seed: fields.count("seed")?,
        request_timeout: REQUEST_TIMEOUT,
        goals: goals(&mut fields)?,
        warmups: fields.count("num-warmups")?.unwrap_or(0),
    };
    fields.finish(warnings);
    Ok(workload)
}

fn pace(fields: &mut Fields<'_>, requests: u64) -> Result<Pace, ProfileError> {
    let limit = fields.small("max-concurrency", 1)?;
    let burstiness = fields.number("burstiness")?.unwrap_or(1.0);
    if burstiness <= 0.0 {
        return Err(fields.invalid("burstiness", "must be above 0"));
    }
    Ok(match fields.rate("request-rate")? {
        Some(rate) => Pace::Open {
            rate,
            arrivals: Arrivals::Gamma(burstiness),
            limit,
        },
        // Without a limit all are sent at once, which is a loop as wide as there are requests.
        None => Pace::Closed {
            concurrency: limit.unwrap_or_else(|| u32::try_from(requests).unwrap_or(u32::MAX)),
        },
    })
}

fn prompts(
    fields: &mut Fields<'_>,
    requests: u64,
    warnings: &mut Vec<String>,
) -> Result<Prompts, ProfileError> {
    let dataset = fields.text("dataset-name")?.unwrap_or("random");
    match dataset {
        "random" => {
            let ratio = fields.number("random-range-ratio")?.unwrap_or(0.0);
            if !(0.0..1.0).contains(&ratio) {
                return Err(fields.invalid("random-range-ratio", "must be from 0 to below 1"));
            }
            Ok(Prompts::Random {
                prefix: fields.small("random-prefix-len", 0)?.unwrap_or(0),
                input: around(
                    fields.small("random-input-len", 1)?.unwrap_or(DEFAULT_INPUT),
                    ratio,
                ),
                output: around(
                    fields.small("random-output-len", 1)?.unwrap_or(DEFAULT_OUTPUT),
                    ratio,
                ),
                distinct: None,
            })
        }
        "prefix_repetition" => shared_prefix(fields, requests),
        "sonnet" => {
            fields.without_effect(&["dataset-path"]);
            warnings.push("`dataset-name: sonnet`: the lengths are kept, the text is made up".to_owned());
            let input = fields.small("sonnet-input-len", 1)?.unwrap_or(550);
            let prefix = fields.small("sonnet-prefix-len", 0)?.unwrap_or(200);
            let Some(own) = input.checked_sub(prefix).filter(|own| *own > 0) else {
                return Err(fields.invalid("sonnet-prefix-len", "must be below `sonnet-input-len`"));
            };
            Ok(Prompts::Random {
                prefix,
                input: Lengths::Fixed(own),
                output: Lengths::Fixed(fields.small("sonnet-output-len", 1)?.unwrap_or(150)),
                distinct: None,
            })
        }
        other => Err(ProfileError::Unsupported {
            key: fields.name("dataset-name"),
            value: other.to_owned(),
            instead: "use `random`, or run the tool itself with `-l vllm-benchmark`".to_owned(),
        }),
    }
}

/// `prefix_repetition`: as many different prompts as there are requests, spread over the prefixes.
fn shared_prefix(fields: &mut Fields<'_>, requests: u64) -> Result<Prompts, ProfileError> {
    let groups = fields.groups("prefix-repetition-num-prefixes")?.unwrap_or(10);
    let suffix = fields.small("prefix-repetition-suffix-len", 1)?.unwrap_or(256);
    let output = fields.small("prefix-repetition-output-len", 1)?.unwrap_or(128);
    Ok(Prompts::SharedPrefix {
        groups,
        per_group: u32::try_from(requests.div_ceil(u64::from(groups))).unwrap_or(u32::MAX),
        system: fields.small("prefix-repetition-prefix-len", 0)?.unwrap_or(256),
        question: Lengths::Fixed(suffix),
        output: Lengths::Fixed(output),
    })
}

/// All lengths within `ratio` of `length`, as the tool draws them.
fn around(length: u32, ratio: f64) -> Lengths {
    if ratio == 0.0 {
        return Lengths::Fixed(length);
    }
    let length = f64::from(length);
    Lengths::Uniform {
        min: ((length * (1.0 - ratio)).floor() as u32).max(1),
        max: ((length * (1.0 + ratio)).ceil() as u32).max(1),
    }
}

fn api(fields: &mut Fields<'_>) -> Result<Api, ProfileError> {
    let backend = fields.text("backend")?.or(fields.text("endpoint-type")?);
    let endpoint = fields.text("endpoint")?;
    let unsupported = |key: &str, value: &str| {
        Err(ProfileError::Unsupported {
            key: key.to_owned(),
            value: value.to_owned(),
            instead: "it asks `/v1/completions` (`openai`) or `/v1/chat/completions` (`openai-chat`)"
                .to_owned(),
        })
    };
    let api = match backend {
        None | Some("vllm" | "openai") => Api::Completion,
        Some("openai-chat" | "vllm-chat") => Api::Chat,
        Some(other) => return unsupported("backend", other),
    };
    match endpoint {
        None => Ok(api),
        Some(path) if path == Api::Completion.path() => Ok(Api::Completion),
        Some(path) if path == Api::Chat.path() => Ok(Api::Chat),
        Some(other) => unsupported("endpoint", other),
    }
}

fn base_url(fields: &mut Fields<'_>) -> Result<Option<String>, ProfileError> {
    let host = fields.text("host")?.map(str::to_owned);
    let port = fields.count("port")?;
    Ok(match (fields.text("base-url")?, host) {
        (Some(url), _) => Some(url.to_owned()),
        (None, Some(host)) => Some(format!("http://{host}:{}", port.unwrap_or(8000))),
        (None, None) => None,
    })
}

/// `ttft:200 tpot:50 e2el:3000`, as one text, a list of such texts, or a map.
fn goals(fields: &mut Fields<'_>) -> Result<Vec<Goal>, ProfileError> {
    let pairs: Vec<(String, String)> = match fields.get("goodput") {
        None => return Ok(Vec::new()),
        Some(Value::String(text)) => text.split([' ', ',']).filter_map(pair).collect(),
        Some(Value::Array(entries)) => entries
            .iter()
            .filter_map(Value::as_str)
            .flat_map(|text| text.split([' ', ',']))
            .filter_map(pair)
            .collect(),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| (key.clone(), value.to_string()))
            .collect(),
        Some(_) => return Err(fields.invalid("goodput", "must read like `ttft:200 tpot:50 e2el:3000`")),
    };
    pairs
        .iter()
        .map(|(name, limit)| {
            let metric = match name.as_str() {
                "ttft" => GoalMetric::Ttft,
                "tpot" => GoalMetric::Tpot,
                "e2el" => GoalMetric::E2el,
                other => {
                    return Err(fields.invalid(
                        "goodput",
                        &format!("knows the metrics ttft, tpot and e2el, not `{other}`"),
                    ));
                }
            };
            match limit.trim_matches('"').parse::<f64>() {
                Ok(limit_ms) if limit_ms > 0.0 && limit_ms.is_finite() => Ok(Goal { metric, limit_ms }),
                _ => Err(fields.invalid(
                    "goodput",
                    &format!("needs milliseconds after `{name}:`, not `{limit}`"),
                )),
            }
        })
        .collect()
}

fn pair(text: &str) -> Option<(String, String)> {
    if text.is_empty() {
        return None;
    }
    let (name, limit) = text.split_once(':').unwrap_or((text, ""));
    Some((name.trim().to_owned(), limit.trim().to_owned()))
}
