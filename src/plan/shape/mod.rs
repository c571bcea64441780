//! What a resolved config amounts to: which servers a stack has. Read once here, so that the platform that builds the
//! stack and the judge that compares it with what was planned cannot disagree.

mod beyond;
mod routing;

pub(super) use beyond::{as_simulated, beyond_rehearsal};
pub use routing::Routing;
pub(super) use routing::plugins_missing;

use super::merge::get;
use serde_json::Value;

/// Flags of the simulator that a config sets beside its shape, and the keys that do.
pub const SIMULATED: &[(&str, &[&str])] = &[
    ("max-model-len", &["model", "maxModelLen"]),
    ("max-num-seqs", &["model", "maxNumSeq"]),
    ("max-num-batched-tokens", &["model", "maxNumBatchedTokens"]),
    ("block-size", &["model", "blockSize"]),
    ("gpu-memory-utilization", &["model", "gpuMemoryUtilization"]),
    ("seed", &["local", "simulator", "seed"]),
    ("time-scale", &["local", "simulator", "timeScale"]),
    ("accelerator", &["local", "simulator", "accelerator"]),
];

/// The servers of a stack, and what they serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackShape {
    /// The deploy method in effect.
    pub method: Method,
    /// The served model.
    pub model: String,
    /// Servers by role; empty where a command of the scenario's own decides that.
    pub roles: Vec<Role>,
    /// The router's plugin configuration, where there is a router.
    pub plugin_config: Option<String>,
    /// What requests are routed by, where the config tells more than a name of plugins.
    pub routing: Option<Routing>,
    /// Whether the experts of a mixture are spread over the engines of a server (`--enable-expert-parallel`).
    pub expert_parallelism: bool,
}

/// Servers of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// `replica`, `prefill` or `decode`.
    pub name: &'static str,
    /// How many servers; at least 1.
    pub replicas: u32,
    /// Accelerators of each of its engines; at least 1.
    pub tensor_parallelism: u32,
    /// Engines of each server; at least 1.
    pub data_parallelism: u32,
}

/// How a stack is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A command of the scenario's own, on this machine (`local.command`).
    Command,
    /// Containers on one host.
    Nok8s,
    /// An upstream guide, as it is.
    Kustomize,
    /// Plain vLLM servers.
    Standalone,
    /// llm-d: a router before decode (and prefill) servers.
    Modelservice,
    /// Fast model actuation.
    Fma,
}

impl Method {
    /// As `-t` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Nok8s => "nok8s",
            Self::Kustomize => "kustomize",
            Self::Standalone => "standalone",
            Self::Modelservice => "modelservice",
            Self::Fma => "fma",
        }
    }
}

/// Read the shape of the stack that `config` describes. An error says what in the config cannot be deployed.
pub fn of(config: &Value) -> Result<StackShape, String> {
    let model = get(config, &["model", "name"])
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
        .ok_or("model.name is missing")?
        .to_owned();
    let method = method(config)?;
    let roles = match method {
        Method::Command => Vec::new(),
        Method::Nok8s => vec![Role {
            name: "replica",
            replicas: count(config, &["nok8s", "vllm", "replicas"], 1)?,
            tensor_parallelism: count(config, &["nok8s", "vllm", "tensorParallel"], 1)?,
            data_parallelism: 1,
        }],
        Method::Standalone => vec![role(config, "replica", "standalone")?],
        Method::Fma => vec![Role {
            name: "replica",
            replicas: count(config, &["fma", "requester", "replicas"], 0)?,
            tensor_parallelism: count(config, &["fma", "requester", "limitsGPU"], 0)?.max(1),
            data_parallelism: 1,
        }],
        Method::Modelservice | Method::Kustomize => split_roles(config)?,
    };
    if roles.iter().any(|role| role.replicas == 0) {
        return Err(format!("no server: the method {} has no replicas", method.name()));
    }
    let plugin_config = has_router(config, method)
        .then(|| get(config, &["router", "epp", "pluginsConfigFile"]).and_then(Value::as_str))
        .flatten()
        .map(str::to_owned);
    Ok(StackShape {
        routing: routing::of(config, method, plugin_config.as_deref()),
        expert_parallelism: expert_parallelism(config, &roles),
        method,
        model,
        roles,
        plugin_config,
    })
}

/// Whether llm-d's router, with plugins of the config, stands before the servers.
fn has_router(config: &Value, method: Method) -> bool {
    let direct = get(config, &["gateway", "className"]).and_then(Value::as_str) == Some("none");
    match method {
        Method::Modelservice | Method::Kustomize => !direct,
        // Servers that sleep and wake stand behind the router of llm-d, or are asked directly.
        Method::Fma => !direct && get(config, &["modelservice", "enabled"]) == Some(&Value::Bool(true)),
        Method::Command | Method::Nok8s | Method::Standalone => false,
    }
}

/// Whether any server with several engines is started with `--enable-expert-parallel`.
fn expert_parallelism(config: &Value, roles: &[Role]) -> bool {
    roles.iter().any(|role| role.data_parallelism > 1)
        && ["decode", "prefill", "standalone"]
            .iter()
            .any(|section| beyond::starts_with_flag(config, section, "--enable-expert-parallel"))
}

/// The command a scenario gives for stacks on this machine; empty where it gives none.
pub fn command(config: &Value) -> Result<Vec<String>, String> {
    match get(config, &["local", "command"]) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(words)) => words
            .iter()
            .map(|word| match word {
                Value::String(word) => Ok(word.clone()),
                Value::Number(number) => Ok(number.to_string()),
                _ => Err("local.command is a list of words".to_owned()),
            })
            .collect(),
        Some(_) => Err("local.command is a list of words, as in [vllm, serve, …]".to_owned()),
    }
}

fn method(config: &Value) -> Result<Method, String> {
    if !command(config)?.is_empty() {
        return Ok(Method::Command);
    }
    let enabled = |section: &str| match get(config, &[section, "enabled"]) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(enabled)) => Ok(*enabled),
        Some(other) => Err(format!("{section}.enabled is true or false, not {other}")),
    };
    // Where a config enables several, the reference's order decides: llm-d is on by default, the others are chosen.
    for (section, method) in [
        ("nok8s", Method::Nok8s),
        ("kustomize", Method::Kustomize),
        ("standalone", Method::Standalone),
        ("modelservice", Method::Modelservice),
        ("fma", Method::Fma),
    ] {
        // Fast model actuation may take the place of llm-d's own decode servers.
        let replaced = section == "modelservice" && !enabled_or_absent(config, "decode") && enabled("fma")?;
        if enabled(section)? && !replaced {
            return Ok(method);
        }
    }
    Err("no deploy method is enabled".to_owned())
}

/// Decode servers, and prefill servers where there are any.
fn split_roles(config: &Value) -> Result<Vec<Role>, String> {
    let mut roles = Vec::new();
    if enabled_or_absent(config, "prefill") {
        let prefill = role(config, "prefill", "prefill")?;
        if prefill.replicas > 0 {
            roles.push(prefill);
        }
    }
    if !enabled_or_absent(config, "decode") {
        return Err("decode.enabled is false: nothing would generate".to_owned());
    }
    roles.push(role(config, "decode", "decode")?);
    Ok(roles)
}

fn enabled_or_absent(config: &Value, section: &str) -> bool {
    get(config, &[section, "enabled"]) != Some(&Value::Bool(false))
}

fn role(config: &Value, name: &'static str, section: &str) -> Result<Role, String> {
    Ok(Role {
        name,
        replicas: count(config, &[section, "replicas"], 0)?,
        // Scenarios for machines without accelerators say 0.
        tensor_parallelism: count(config, &[section, "parallelism", "tensor"], 0)?.max(1),
        data_parallelism: engines(config, section)?,
    })
}

/// Engines of a server: `data` says it, or `dataLocal` for each of the `workers` nodes that the server spans.
fn engines(config: &Value, section: &str) -> Result<u32, String> {
    let of = |key: &str| count(config, &[section, "parallelism", key], 0).map(|count| count.max(1));
    let local = of("dataLocal")?;
    let spread = if local > 1 {
        local.saturating_mul(of("workers")?)
    } else {
        1
    };
    Ok(of("data")?.max(spread))
}

/// A count, at least `least`; 1 where the config does not say.
fn count(config: &Value, path: &[&str], least: u32) -> Result<u32, String> {
    let value = match get(config, path) {
        None | Some(Value::Null) => return Ok(1),
        Some(value) => value,
    };
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| *number >= least)
        .ok_or_else(|| format!("{} is a whole number from {least}, not {value}", path.join(".")))
}

#[cfg(test)]
mod tests;
