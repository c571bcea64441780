//! Profiles of aiperf: a flat map of the flags of `aiperf profile`.

use super::super::workload::{Api, Arrivals, Lengths, Pace, Prompts, Shape, Stage, Workload};
use super::ProfileError;
use super::fields::Fields;
use serde_json::Value;
use std::time::Duration;

/// What the tool takes where it is not told.
const DEFAULT_REQUESTS: u64 = 10;
const DEFAULT_INPUT: u32 = 550;
const DEFAULT_OUTPUT: u32 = 128;
const DEFAULT_TIMEOUT: f64 = 21_600.0;

const ELSEWHERE: &str = "run the tool itself with `-l aiperf`";

/// Flags about what is counted, kept and shown.
const WITHOUT_EFFECT: &[&str] = &[
    "use-server-token-count",
    "tokenizer",
    "tokenizer-trust-remote-code",
    "no-server-metrics",
    "server-metrics",
    "no-gpu-telemetry",
    "output-artifact-dir",
    "artifact-dir",
    "export-level",
    "profile-export-file",
    "ui",
    "ui-type",
    "workers-max",
    "record-processors",
];

pub(super) fn read(mut fields: Fields<'_>, warnings: &mut Vec<String>) -> Result<Workload, ProfileError> {
    fields.without_effect(WITHOUT_EFFECT);
    for key in ["input-file", "custom-dataset-type", "public-dataset"] {
        if let Some(value) = fields.text(key)? {
            return Err(unsupported(&fields, key, value));
        }
    }
    for key in ["conversation-turn-mean", "session-turns-mean"] {
        if let Some(turns) = fields.number(key)?.filter(|turns| *turns > 1.0) {
            return Err(unsupported(&fields, key, &turns.to_string()));
        }
    }
    let stage = stage(&mut fields)?;
    let timeout = fields
        .number("request-timeout-seconds")?
        .unwrap_or(DEFAULT_TIMEOUT);
    let workload = Workload {
        shape: Shape::Aiperf,
        stages: vec![stage],
        pause: Duration::ZERO,
        prompts: prompts(&mut fields)?,
        api: match fields.text("endpoint-type")? {
            None | Some("chat") => Api::Chat,
            Some("completions") => Api::Completion,
            Some(other) => return Err(unsupported(&fields, "endpoint-type", other)),
        },
        streaming: fields.switch("streaming")?.unwrap_or(false),
        model: match fields.text("model")? {
            None => fields.text("model-names")?,
            given => given,
        }
        .map(str::to_owned),
        base_url: fields.text("url")?.map(str::to_owned),
        ignore_eos: ignores_eos(&mut fields, warnings),
        temperature: None,
        seed: fields.count("random-seed")?,
        request_timeout: Duration::try_from_secs_f64(timeout)
            .ok()
            .filter(|timeout| !timeout.is_zero())
            .ok_or_else(|| fields.invalid("request-timeout-seconds", "must be seconds above 0"))?,
        goals: Vec::new(),
        warmups: fields.count("warmup-request-count")?.unwrap_or(0),
    };
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

fn stage(fields: &mut Fields<'_>) -> Result<Stage, ProfileError> {
    let requests = fields.count("request-count")?;
    if requests == Some(0) {
        return Err(fields.invalid("request-count", "must be at least 1"));
    }
    let seconds = match fields.number("benchmark-duration")? {
        None => None,
        Some(seconds) => Some(
            Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|time| !time.is_zero())
                .ok_or_else(|| fields.invalid("benchmark-duration", "must be seconds above 0"))?,
        ),
    };
    let concurrency = fields.small("concurrency", 1)?;
    let arrivals = match fields
        .text("arrival-pattern")?
        .or(fields.text("request-rate-mode")?)
    {
        None | Some("poisson") => Arrivals::Gamma(1.0),
        Some("constant") => Arrivals::Constant,
        Some(other) => return Err(unsupported(fields, "arrival-pattern", other)),
    };
    let Some(rate) = fields.rate("request-rate")? else {
        return Ok(Stage {
            pace: Pace::Closed {
                concurrency: concurrency.unwrap_or(1),
            },
            requests: requests.unwrap_or(if seconds.is_some() {
                Stage::UNBOUNDED
            } else {
                DEFAULT_REQUESTS
            }),
            time: seconds,
        });
    };
    let due = seconds.map(|time| (rate * time.as_secs_f64()).floor() as u64);
    let requests = due.into_iter().chain(requests).min().unwrap_or(DEFAULT_REQUESTS);
    if requests == 0 {
        return Err(fields.invalid(
            "benchmark-duration",
            "is too short for a single request at this rate",
        ));
    }
    Ok(Stage {
        pace: Pace::Open {
            rate,
            arrivals,
            limit: concurrency,
        },
        requests,
        time: None,
    })
}

fn prompts(fields: &mut Fields<'_>) -> Result<Prompts, ProfileError> {
    let input = lengths(
        fields,
        &["isl", "prompt-input-tokens-mean", "synthetic-input-tokens-mean"],
        DEFAULT_INPUT,
    )?;
    let output = lengths(
        fields,
        &["osl", "prompt-output-tokens-mean", "output-tokens-mean"],
        DEFAULT_OUTPUT,
    )?;
    let prefix = first(fields, &["prefix-prompt-length", "prompt-prefix-length"])?.unwrap_or(0);
    let mut pool = None;
    for name in [
        "num-prefix-prompts",
        "prompt-prefix-pool-size",
        "prefix-prompt-pool-size",
    ] {
        // 0 is the tool's own way to say: none.
        if fields.count(name)?.is_some_and(|count| count > 0) {
            pool = pool.or(fields.groups(name)?);
        }
    }
    Ok(match pool {
        Some(groups) if prefix > 0 => Prompts::SharedPrefix {
            groups,
            // Every question is another one.
            per_group: u32::from(u16::MAX),
            system: prefix,
            question: input,
            output,
        },
        _ => Prompts::Random {
            prefix: 0,
            input,
            output,
            distinct: None,
        },
    })
}

/// The first of several spellings of a flag that is given.
fn first(fields: &mut Fields<'_>, names: &[&str]) -> Result<Option<u32>, ProfileError> {
    let mut found = None;
    for name in names {
        let given = fields.small(name, 0)?;
        found = found.or(given);
    }
    Ok(found)
}

fn lengths(fields: &mut Fields<'_>, names: &[&str], default: u32) -> Result<Lengths, ProfileError> {
    let mean = first(fields, names)?.unwrap_or(default).max(1);
    let mut deviation = 0.0;
    for name in names {
        let stem = name.strip_suffix("-mean").unwrap_or(name);
        deviation = fields.number(&format!("{stem}-stddev"))?.unwrap_or(deviation);
    }
    Ok(if deviation > 0.0 {
        Lengths::Normal {
            mean: f64::from(mean),
            std_dev: deviation,
            min: 1,
            max: mean.saturating_mul(4),
        }
    } else {
        Lengths::Fixed(mean)
    })
}

/// Whether `extra-inputs` (`name:value`, one or a list, or a map) has `ignore_eos`. Others are sent by the tool alone.
fn ignores_eos(fields: &mut Fields<'_>, warnings: &mut Vec<String>) -> bool {
    let inputs: Vec<(String, String)> = match fields.get("extra-inputs") {
        Some(Value::String(text)) => text.split([' ', ',']).filter_map(pair).collect(),
        Some(Value::Array(entries)) => entries
            .iter()
            .filter_map(Value::as_str)
            .filter_map(pair)
            .collect(),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| (key.clone(), value.to_string()))
            .collect(),
        _ => Vec::new(),
    };
    let mut ignores = false;
    for (name, value) in inputs {
        if name == "ignore_eos" {
            ignores = value.eq_ignore_ascii_case("true");
        } else {
            warnings.push(format!(
                "`extra-inputs: {name}` is not known to the built-in load generator and has no effect"
            ));
        }
    }
    ignores
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once(':')?;
    Some((name.trim().to_owned(), value.trim().to_owned()))
}
