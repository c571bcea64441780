//! What of a config a rehearsal leaves out. A rehearsal that keeps quiet about it would be taken for more than it is.

use super::{Method, Routing, SIMULATED, StackShape, count, routing};
use crate::plan::merge::get;
use serde_json::Value;

/// What of `config`, whose shape is `shape`, the simulator does not do: one sentence each, in a fixed order.
pub(in crate::plan) fn beyond_rehearsal(config: &Value, shape: &StackShape) -> Vec<String> {
    let mut notes = Vec::new();
    match shape.method {
        Method::Command => return notes,
        Method::Kustomize => notes.push(
            "kustomize: the guide's own overlay says which servers there are; decode and prefill of the config are taken"
                .to_owned(),
        ),
        Method::Fma => notes.push("fma: servers neither sleep nor wake; all are up from the start".to_owned()),
        Method::Nok8s | Method::Standalone | Method::Modelservice => {}
    }
    if let Some(name) = &shape.plugin_config
        && shape.routing.is_none()
        && let Some(plugins) = routing::custom(config, name)
        && Routing::of_plugins(&plugins).is_none()
    {
        notes.push(format!(
            "router: the plugins of {name} are not known; it routes by load"
        ));
    }
    for section in sections(shape) {
        pipeline(config, section, &mut notes);
    }
    scaling(config, &mut notes);
    let servers = sections(shape);
    let offloads = |connector: &str| {
        get(config, &["vllmCommon", "kvTransfer", "connector"]).and_then(Value::as_str) == Some(connector)
            && is_on(config, &["vllmCommon", "kvTransfer", "enabled"])
            || servers
                .iter()
                .any(|section| starts_with_flag(config, section, connector))
    };
    if ["OffloadingConnector", "LMCacheConnectorV1"]
        .into_iter()
        .any(offloads)
    {
        notes.push("KV blocks are not offloaded to the memory of the host".to_owned());
    }
    if is_on(config, &["standalone", "launcher", "enabled"]) && shape.method == Method::Standalone {
        notes.push("standalone.launcher: servers are not started by a launcher".to_owned());
    }
    notes
}

/// What a simulated stack depends on. Stacks with the same text are the same to the simulator.
pub(in crate::plan) fn as_simulated(config: &Value, shape: &StackShape) -> String {
    let mut shape = shape.clone();
    if shape.routing.is_some() {
        // What the plugins come to counts, not what they are called.
        shape.plugin_config = None;
    }
    let values: Vec<Option<&Value>> = SIMULATED.iter().map(|(_, path)| get(config, path)).collect();
    format!(
        "{shape:?} {values:?} {:?}",
        get(config, &["local", "simulator", "flags"])
    )
}

/// Sections of the config that the servers of a stack are made from.
fn sections(shape: &StackShape) -> Vec<&'static str> {
    let section = |name: &'static str| match (shape.method, name) {
        (Method::Standalone, _) => Some("standalone"),
        (_, "prefill" | "decode") => Some(name),
        _ => None,
    };
    shape.roles.iter().filter_map(|role| section(role.name)).collect()
}

/// Nodes of one server that are not its engines are stages of a pipeline.
fn pipeline(config: &Value, section: &str, notes: &mut Vec<String>) {
    let of = |key: &str| count(config, &[section, "parallelism", key], 0).unwrap_or(1);
    let (workers, local) = (of("workers"), of("dataLocal"));
    let spans = is_on(config, &["multinode", "enabled"]) && workers > 1 && local <= 1;
    if spans || starts_with_flag(config, section, "--pipeline-parallel-size") {
        notes.push(format!(
            "{section}: the {workers} nodes of a server are not simulated (pipeline parallelism); it has TP {} alone",
            of("tensor").max(1)
        ));
    }
}

fn scaling(config: &Value, notes: &mut Vec<String>) {
    let objects = get(config, &["keda", "scaledObjects"]).and_then(Value::as_array);
    let scaled = [
        ("wva", is_on(config, &["wva", "enabled"])),
        (
            "eppKedaSaturation",
            is_on(config, &["eppKedaSaturation", "enabled"]),
        ),
        ("keda", objects.is_some_and(|objects| !objects.is_empty())),
        (
            "decode.autoscaling",
            is_on(config, &["decode", "autoscaling", "enabled"]),
        ),
    ];
    let names: Vec<&str> = scaled
        .iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| *name)
        .collect();
    if !names.is_empty() {
        notes.push(format!(
            "{}: the number of servers does not follow the load",
            names.join(", ")
        ));
    }
}

fn is_on(config: &Value, path: &[&str]) -> bool {
    get(config, path) == Some(&Value::Bool(true))
}

/// Whether the servers of `section` are started with `flag` somewhere in their command line.
pub(super) fn starts_with_flag(config: &Value, section: &str, flag: &str) -> bool {
    let says = |text: &str| {
        text.lines()
            .map(str::trim_start)
            .any(|line| !line.starts_with('#') && line.contains(flag))
    };
    let of = |key: &str| get(config, &[section, "vllm", key]);
    match (of("customCommand"), of("additionalFlags")) {
        // A command of the scenario's own takes the place of the flags.
        (Some(Value::String(command)), _) if !command.trim().is_empty() => says(command),
        (_, Some(Value::Array(flags))) => flags.iter().filter_map(Value::as_str).any(says),
        _ => false,
    }
}
