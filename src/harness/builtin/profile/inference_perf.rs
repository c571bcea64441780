//! Profiles of inference-perf: `load`, `data`, `api`, `server`.

use super::super::workload::{Api, Arrivals, Lengths, Pace, Prompts, Shape, Stage, Workload};
use super::ProfileError;
use super::fields::Fields;
use std::time::Duration;

/// The tool's pause between two stages when it is not told.
const DEFAULT_PAUSE: f64 = 1.0;
/// The tool sets no limit for one request; a hung one must still end some day.
const REQUEST_TIMEOUT: Duration = Duration::from_hours(1);
/// Lengths of random data where the profile gives none.
const DEFAULT_LENGTHS: (f64, f64) = (512.0, 200.0);

const ELSEWHERE: &str = "run the tool itself with `-l inference-perf`";

pub(super) fn read(mut fields: Fields<'_>, warnings: &mut Vec<String>) -> Result<Workload, ProfileError> {
    fields.without_effect(&["report", "storage", "tokenizer", "metrics", "circuit_breakers"]);
    let mut load = required(&mut fields, "load")?;
    let mut data = required(&mut fields, "data")?;
    let stages = stages(&mut load, warnings)?;
    let pause = load.number("interval")?.unwrap_or(DEFAULT_PAUSE);
    let timeout = load.number("request_timeout")?;
    let mut workload = Workload {
        shape: Shape::InferencePerf,
        stages,
        pause: Duration::try_from_secs_f64(pause)
            .map_err(|_| load.invalid("interval", "must be seconds from 0"))?,
        prompts: prompts(&mut data, warnings)?,
        api: Api::Completion,
        streaming: true,
        model: None,
        base_url: None,
        ignore_eos: true,
        temperature: None,
        seed: load.count("base_seed")?,
        request_timeout: match timeout {
            None => REQUEST_TIMEOUT,
            Some(seconds) => Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|timeout| !timeout.is_zero())
                .ok_or_else(|| load.invalid("request_timeout", "must be seconds above 0"))?,
        },
        goals: Vec::new(),
        warmups: 0,
    };
    load.finish(warnings);
    data.finish(warnings);
    api_and_server(&mut fields, &mut workload, warnings)?;
    fields.finish(warnings);
    Ok(workload)
}

fn required<'a>(fields: &mut Fields<'a>, key: &str) -> Result<Fields<'a>, ProfileError> {
    match fields.map(key)? {
        Some(map) => Ok(map),
        None => Err(fields.invalid(key, "is missing")),
    }
}

fn api_and_server(
    fields: &mut Fields<'_>,
    workload: &mut Workload,
    warnings: &mut Vec<String>,
) -> Result<(), ProfileError> {
    if let Some(mut api) = fields.map("api")? {
        workload.api = match api.text("type")? {
            None | Some("completion") => Api::Completion,
            Some("chat") => Api::Chat,
            Some(other) => return Err(unsupported(&api, "type", other)),
        };
        workload.streaming = api.switch("streaming")?.unwrap_or(false);
        api.finish(warnings);
    } else {
        workload.streaming = false;
    }
    if let Some(mut server) = fields.map("server")? {
        server.without_effect(&["type", "api_key"]);
        workload.model = server.text("model_name")?.map(str::to_owned);
        workload.base_url = server.text("base_url")?.map(str::to_owned);
        workload.ignore_eos = server.switch("ignore_eos")?.unwrap_or(true);
        server.finish(warnings);
    }
    Ok(())
}

fn unsupported(fields: &Fields<'_>, key: &str, value: &str) -> ProfileError {
    ProfileError::Unsupported {
        key: fields.name(key),
        value: value.to_owned(),
        instead: ELSEWHERE.to_owned(),
    }
}

fn stages(load: &mut Fields<'_>, warnings: &mut Vec<String>) -> Result<Vec<Stage>, ProfileError> {
    let kind = load.text("type")?.unwrap_or("constant");
    // The tool spreads its work over processes; here a limit counts for all of it.
    let workers = load.small("num_workers", 0)?;
    let each = load.small("worker_max_concurrency", 1)?;
    let limit = match (workers, each) {
        (Some(workers), Some(each)) if workers > 0 => Some(workers.saturating_mul(each)),
        _ => None,
    };
    load.without_effect(&["worker_max_tcp_connections", "circuit_breakers"]);
    let stages = load.maps("stages")?;
    if stages.is_empty() {
        return Err(load.invalid("stages", "needs at least one stage"));
    }
    stages
        .into_iter()
        .map(|mut stage| {
            let read = match kind {
                "concurrent" => concurrent(&mut stage),
                "constant" => open(&mut stage, Arrivals::Constant, limit),
                "poisson" => open(&mut stage, Arrivals::Gamma(1.0), limit),
                other => Err(unsupported(load, "type", other)),
            }?;
            stage.finish(warnings);
            Ok(read)
        })
        .collect()
}

fn concurrent(stage: &mut Fields<'_>) -> Result<Stage, ProfileError> {
    let Some(concurrency) = stage.small("concurrency_level", 1)? else {
        return Err(stage.invalid("concurrency_level", "is missing, as `load.type` is concurrent"));
    };
    let Some(requests) = stage.count("num_requests")?.filter(|requests| *requests > 0) else {
        return Err(stage.invalid(
            "num_requests",
            "must be given and at least 1, as `load.type` is concurrent",
        ));
    };
    Ok(Stage {
        pace: Pace::Closed { concurrency },
        requests,
        time: None,
    })
}

fn open(stage: &mut Fields<'_>, arrivals: Arrivals, limit: Option<u32>) -> Result<Stage, ProfileError> {
    let Some(rate) = stage.rate("rate")? else {
        return Err(stage.invalid("rate", "must be given, in requests per second"));
    };
    let requests = match (stage.count("num_requests")?, stage.number("duration")?) {
        (Some(requests), _) => requests,
        (None, Some(duration)) => (rate * duration).floor() as u64,
        (None, None) => return Err(stage.invalid("duration", "must be given, in seconds")),
    };
    if requests == 0 {
        return Err(stage.invalid("duration", "is too short for a single request at this rate"));
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
}

fn prompts(data: &mut Fields<'_>, warnings: &mut Vec<String>) -> Result<Prompts, ProfileError> {
    match data.text("type")?.unwrap_or("mock") {
        "random" | "synthetic" | "mock" => {
            let (input, inputs) = lengths(data, "input_distribution", warnings)?;
            let (output, outputs) = lengths(data, "output_distribution", warnings)?;
            data.without_effect(&["shared_prefix"]);
            Ok(Prompts::Random {
                prefix: 0,
                input,
                output,
                distinct: inputs.into_iter().chain(outputs).min(),
            })
        }
        "shared_prefix" => {
            data.without_effect(&["input_distribution", "output_distribution"]);
            let mut shared = required(data, "shared_prefix")?;
            let prompts = shared_prefix(&mut shared)?;
            shared.finish(warnings);
            Ok(prompts)
        }
        other => Err(unsupported(data, "type", other)),
    }
}

fn shared_prefix(shared: &mut Fields<'_>) -> Result<Prompts, ProfileError> {
    if shared.switch("enable_multi_turn_chat")?.unwrap_or(false) {
        return Err(unsupported(shared, "enable_multi_turn_chat", "true"));
    }
    if shared.get("multimodal").is_some() {
        return Err(unsupported(shared, "multimodal", "…"));
    }
    let missing = |shared: &Fields<'_>, key: &str| shared.invalid(key, "is missing");
    let groups = shared.groups("num_groups")?;
    let groups = groups.ok_or_else(|| missing(shared, "num_groups"))?;
    let per_group = shared.small("num_prompts_per_group", 1)?;
    let per_group = per_group.ok_or_else(|| missing(shared, "num_prompts_per_group"))?;
    let system = shared.small("system_prompt_len", 0)?.unwrap_or(0);
    let question = around(shared, "question_len", "question_len_std")?;
    let output = around(shared, "output_len", "output_len_std")?;
    Ok(Prompts::SharedPrefix {
        groups,
        per_group,
        system,
        question,
        output,
    })
}

fn around(fields: &mut Fields<'_>, mean: &str, std_dev: &str) -> Result<Lengths, ProfileError> {
    let Some(length) = fields.small(mean, 1)? else {
        return Err(fields.invalid(mean, "is missing"));
    };
    Ok(match fields.number(std_dev)? {
        Some(deviation) if deviation > 0.0 => Lengths::Normal {
            mean: f64::from(length),
            std_dev: deviation,
            min: 1,
            max: length.saturating_mul(4),
        },
        _ => Lengths::Fixed(length),
    })
}

/// A distribution of lengths, and how many the tool draws before it repeats itself.
fn lengths(
    data: &mut Fields<'_>,
    key: &str,
    warnings: &mut Vec<String>,
) -> Result<(Lengths, Option<u64>), ProfileError> {
    let Some(mut fields) = data.map(key)? else {
        let (mean, std_dev) = DEFAULT_LENGTHS;
        return Ok((
            Lengths::Normal {
                mean,
                std_dev,
                min: 10,
                max: 1024,
            },
            None,
        ));
    };
    let given_min = fields.small("min", 0)?;
    let given_max = fields.small("max", 1)?;
    let given_mean = fields.number("mean")?;
    let min = given_min.unwrap_or(1).max(1);
    let max = given_max.unwrap_or_else(|| given_mean.map_or(1024, |mean| (mean * 4.0) as u32).max(min));
    let std_dev = match fields.number("std_dev")? {
        None => fields.number("std")?,
        given => given,
    };
    if min > max {
        return Err(fields.invalid("min", &format!("must not be above `max` ({max})")));
    }
    if std_dev.is_some_and(|deviation| deviation < 0.0) {
        return Err(fields.invalid("std_dev", "must not be below 0"));
    }
    let kind = fields.text("type")?.unwrap_or("normal");
    let count = fields.count("total_count")?.filter(|count| *count > 0);
    let lengths = match (kind, given_mean, std_dev) {
        ("fixed", Some(mean), _) | ("normal" | "gaussian", Some(mean), Some(0.0)) => {
            Lengths::Fixed((mean.round() as u32).clamp(min, max))
        }
        ("uniform", _, _) | ("normal" | "gaussian", None, None) if min < max => Lengths::Uniform { min, max },
        ("uniform" | "fixed" | "normal" | "gaussian", _, _) if min == max => Lengths::Fixed(min),
        ("normal" | "gaussian", mean, std_dev) => {
            let mean = mean.unwrap_or_else(|| f64::midpoint(f64::from(min), f64::from(max)));
            let std_dev = std_dev.unwrap_or_else(|| f64::from(max - min) / 6.0);
            Lengths::Normal {
                mean,
                std_dev,
                min,
                max,
            }
        }
        (other, _, _) => return Err(unsupported(&fields, "type", other)),
    };
    fields.finish(warnings);
    Ok((lengths, count))
}
