//! Whether a resolved config can be deployed: combinations that the charts or the host refuse.

use super::Notes;
use super::flags::modelservice;
use crate::plan::merge::{get, text, truthy};
use crate::yaml;
use serde_json::Value;
use std::collections::BTreeMap;

/// Ports of the host that a stack without Kubernetes takes; the first one is the first of as many as there are servers.
const HOST_PORTS: [&[&str]; 6] = [
    &["nok8s", "vllm", "hostPort"],
    &["nok8s", "envoy", "listenPort"],
    &["nok8s", "envoy", "adminPort"],
    &["nok8s", "epp", "grpcPort"],
    &["nok8s", "epp", "grpcHealthPort"],
    &["nok8s", "epp", "metricsPort"],
];
const CLASS: &[&str] = &["gateway", "className"];
/// Servers on one host whose names and ports are looked at one by one.
const MOST_SERVERS: u64 = 4096;

/// Tell why one stack of `stacks` cannot be deployed.
pub(super) fn all(config: &Value, stacks: usize, notes: &mut Notes) {
    gateway(config, stacks, notes);
    patches(config, notes);
}

fn gateway(config: &Value, stacks: usize, notes: &mut Notes) {
    if !modelservice(config) {
        return;
    }
    let shared_route = text(config, &["httpRoute", "mode"]) == "shared";
    match text(config, &["gateway", "className"]).as_str() {
        "epponly" => {
            if stacks > 1 {
                let message = format!(
                    "gateway.className: epponly serves one stack, and the scenario has {stacks}: without a gateway nothing \
                     tells their requests apart"
                );
                notes.error_at(CLASS, message);
            }
            if shared_route {
                let message =
                    "httpRoute.mode: shared needs a gateway, and gateway.className: epponly has none";
                notes.error_at(&["httpRoute", "mode"], message);
            }
        }
        "none" => direct(config, shared_route, notes),
        _ => {}
    }
}

fn direct(config: &Value, shared_route: bool, notes: &mut Notes) {
    if shared_route {
        let message = "httpRoute.mode: shared needs a gateway, and gateway.className: none has none";
        notes.error_at(&["httpRoute", "mode"], message);
    }
    if truthy(get(config, &["prefill", "enabled"])) && replicas(config, "prefill") > 0 {
        let message =
            "gateway.className: none goes straight to the decode servers, and prefill.replicas is not 0";
        notes.error_at(&["prefill", "replicas"], message);
    }
    let decode = replicas(config, "decode");
    let enabled = get(config, &["decode", "enabled"]).map_or(decode > 0, |enabled| truthy(Some(enabled)));
    if !enabled || decode < 1 {
        let message = "gateway.className: none needs at least one decode server";
        notes.error_at(&["decode", "replicas"], message);
    }
}

fn replicas(config: &Value, role: &str) -> u64 {
    get(config, &[role, "replicas"]).and_then(number).unwrap_or(0)
}

/// A whole number, also one in quotes.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| Some(number.as_f64()? as u64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn patches(config: &Value, notes: &mut Notes) {
    const KEY: &[&str] = &["kustomize", "patches"];
    if !truthy(get(config, &["kustomize", "enabled"])) {
        return;
    }
    let patches = match get(config, KEY) {
        None | Some(Value::Null) => return,
        Some(Value::Array(patches)) => patches,
        Some(_) => {
            notes.error_at(KEY, "kustomize.patches must be a list");
            return;
        }
    };
    for (index, entry) in patches.iter().enumerate() {
        let place = index.to_string();
        let key = ["kustomize", "patches", &place];
        let name = key.join(".");
        if !entry.is_object() {
            notes.error_at(&key, format!("{name} must be a map"));
            continue;
        }
        for document in documents(&text(entry, &["patch"])) {
            match yaml::from_str(&document) {
                Ok(Value::Null | Value::Object(_)) => {}
                Ok(_) => notes.error_at(&key, format!("{name}.patch must be a YAML map")),
                Err(finding) => {
                    notes.error_at(&key, format!("{name}.patch is no YAML: {}", finding.message));
                }
            }
        }
    }
}

/// The documents of a stream: a line of three dashes ends one wherever it stands.
fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        let rest = line
            .strip_prefix("---")
            .filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        match rest {
            Some(rest) => documents.push(format!("{rest}\n")),
            None => {
                if let Some(document) = documents.last_mut() {
                    document.push_str(line);
                    document.push('\n');
                }
            }
        }
    }
    documents
}

/// Why stacks without Kubernetes cannot share a host: names of containers and ports, each for one. Each with the stack it
/// is about.
pub(in crate::plan) fn host_claims<'a>(stacks: &[(&'a str, &Value)]) -> Vec<(&'a str, String)> {
    let mut errors = Vec::new();
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    let mut ports: BTreeMap<u64, (&str, String)> = BTreeMap::new();
    for (stack, config) in stacks {
        if !truthy(get(config, &["nok8s", "enabled"])) {
            continue;
        }
        let servers = get(config, &["nok8s", "vllm", "replicas"])
            .and_then(number)
            .unwrap_or(1)
            .clamp(1, MOST_SERVERS);
        let suffix = text(config, &["nok8s", "nameSuffix"]);
        let roles = (0..servers).map(|index| format!("vllm-{index}"));
        for role in roles.chain(["epp".to_owned(), "envoy".to_owned()]) {
            let name = format!("{role}{suffix}");
            let owner = *names.entry(name.clone()).or_insert(stack);
            if owner != *stack {
                let message = format!(
                    "the container {name} is stack {owner}'s already; give each its own nok8s.nameSuffix"
                );
                errors.push((*stack, message));
            }
        }
        for path in HOST_PORTS {
            let count = if path == HOST_PORTS[0] { servers } else { 1 };
            claim_ports(stack, config, (path, count), &mut ports, &mut errors);
        }
    }
    errors
}

fn claim_ports<'a>(
    stack: &'a str,
    config: &Value,
    (path, count): (&[&str], u64),
    ports: &mut BTreeMap<u64, (&'a str, String)>,
    errors: &mut Vec<(&'a str, String)>,
) {
    let key = path.join(".");
    let first = match get(config, path) {
        None | Some(Value::Null) => return,
        Some(value) => match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        },
    };
    let Some(first) = first.filter(|port| (1..=65535).contains(port)) else {
        errors.push((stack, format!("{key} is a whole number from 1 to 65535")));
        return;
    };
    for port in first..first + count {
        let (owner, other) = ports.entry(port).or_insert((stack, key.clone())).clone();
        if owner != stack {
            errors.push((
                stack,
                format!("port {port} ({key}) is stack {owner}'s ({other}) already"),
            ));
        } else if other != key {
            errors.push((stack, format!("port {port} is both {other} and {key}")));
        }
    }
}
