//! The rules of one container.

use super::cursor::Cursor;
use super::object::{named, one_of, required};
use super::pod::{names_of, port_number, port_reference};
use super::workload::not_negative;
use super::{names, quantity};
use crate::yaml::Node;
use std::collections::{HashMap, HashSet};

pub(super) fn check(container: &Cursor<'_>, volumes: &HashSet<&str>) {
    required(container, "name");
    required(container, "image");
    if let Some(name) = container.get("name") {
        named(&name, names::dns_label);
    }
    if let Some(image) = container.get("image")
        && let Some(text) = image.node.as_str()
        && text.contains(char::is_whitespace)
    {
        image.error(format!("`{text}` has a space in it"));
    }
    one_of(container, "imagePullPolicy", &["Always", "IfNotPresent", "Never"]);
    one_of(
        container,
        "terminationMessagePolicy",
        &["File", "FallbackToLogsOnError"],
    );
    ports(container);
    environment(container);
    mounts(container, volumes);
    if let Some(resources) = container.get("resources") {
        resources_of(&resources);
    }
    for key in ["startupProbe", "livenessProbe", "readinessProbe"] {
        if let Some(probe) = container.get(key) {
            probe_of(&probe, key, container.node.get("ports"));
        }
    }
}

fn ports(container: &Cursor<'_>) {
    let mut seen = HashSet::new();
    let list = container.get("ports");
    for port in list.iter().flat_map(Cursor::items) {
        port_number(&port, "containerPort", true);
        port_number(&port, "hostPort", false);
        one_of(&port, "protocol", &["TCP", "UDP", "SCTP"]);
        if let Some(name) = port.get("name") {
            named(&name, names::port_name);
            if let Some(text) = port.text("name")
                && !seen.insert(text)
            {
                name.error(format!("two ports are called `{text}`"));
            }
        }
    }
}

fn environment(container: &Cursor<'_>) {
    let mut lines: HashMap<&str, u32> = HashMap::new();
    let list = container.get("env");
    for variable in list.iter().flat_map(Cursor::items) {
        required(&variable, "name");
        if let Some(name) = variable.get("name") {
            named(&name, names::env_name);
        }
        let text = variable.text("name").unwrap_or_default();
        if let Some(line) = lines.insert(text, variable.node.span.line) {
            variable.warning(format!(
                "`{text}` is set in line {line} already; the last one wins"
            ));
        }
        let Some(from) = variable.get("valueFrom") else {
            continue;
        };
        if variable.text("value").is_some_and(|value| !value.is_empty()) {
            variable.error("has both a value and a place to take it from");
        }
        if from.fields().filter(|source| !source.node.is_null()).count() != 1 {
            from.error("must name one source");
        }
    }
}

fn mounts(container: &Cursor<'_>, volumes: &HashSet<&str>) {
    let mut seen = HashSet::new();
    let list = container.get("volumeMounts");
    for mount in list.iter().flat_map(Cursor::items) {
        required(&mount, "name");
        required(&mount, "mountPath");
        if let Some(name) = mount.get("name")
            && let Some(text) = name.node.as_str()
            && !volumes.contains(text)
        {
            let known: Vec<&str> = volumes.iter().copied().collect();
            let what = format!("the pod has no volume `{text}`");
            match crate::experiment::did_you_mean(text, known) {
                Some(hint) => name.error_with_help(what, hint),
                None => name.error(what),
            }
        }
        if let Some(path) = mount.text("mountPath")
            && !seen.insert(path)
        {
            mount.error(format!("two volumes are mounted at `{path}`"));
        }
    }
}

fn resources_of(resources: &Cursor<'_>) {
    let (limits, requests) = (resources.get("limits"), resources.get("requests"));
    for amount in [&limits, &requests]
        .into_iter()
        .flatten()
        .flat_map(Cursor::fields)
    {
        let Some(size) = size(amount.node) else { continue };
        if size < 0.0 {
            amount.error("must not be negative");
        }
        if extended(amount.name()) && size.fract() != 0.0 {
            amount.error("must be a whole number: such a device is not divided");
        }
    }
    for request in requests.iter().flat_map(Cursor::fields) {
        let limit = limits.as_ref().and_then(|limits| limits.node.get(request.name()));
        let shown = limit.and_then(Node::raw).unwrap_or_default();
        match (size(request.node), limit.and_then(size)) {
            (Some(request_size), Some(limit_size))
                if extended(request.name()) && (request_size - limit_size).abs() > f64::EPSILON =>
            {
                request.error(format!("must equal its limit, which is {shown}"));
            }
            (Some(request_size), Some(limit_size)) if request_size > limit_size => {
                request.error(format!("is above its limit, which is {shown}"));
            }
            (Some(_), None) if extended(request.name()) => {
                request.error("needs a limit of the same size");
            }
            _ => {}
        }
    }
}

fn size(node: &Node) -> Option<f64> {
    node.raw().and_then(|raw| quantity::parse(raw).ok())
}

/// Whether a resource is a device or the like, which cannot be shared: `nvidia.com/gpu`, `hugepages-2Mi`.
fn extended(name: &str) -> bool {
    name.starts_with("hugepages-")
        || name
            .split_once('/')
            .is_some_and(|(domain, _)| domain != "kubernetes.io" && !domain.ends_with(".kubernetes.io"))
}

fn probe_of(probe: &Cursor<'_>, key: &str, ports: Option<&Node>) {
    const HANDLERS: [&str; 4] = ["exec", "httpGet", "tcpSocket", "grpc"];
    let handlers = HANDLERS
        .iter()
        .filter(|handler| probe.get(handler).is_some())
        .count();
    if handlers != 1 {
        probe.error("must do one of exec, httpGet, tcpSocket and grpc");
    }
    for count in [
        "initialDelaySeconds",
        "periodSeconds",
        "timeoutSeconds",
        "successThreshold",
        "failureThreshold",
    ] {
        not_negative(probe, count);
    }
    if key != "readinessProbe"
        && let Some(successes) = probe.get("successThreshold")
        && successes.node.to_value().as_i64().is_some_and(|count| count > 1)
    {
        successes.error("must be 1, save for a readinessProbe");
    }
    for handler in ["httpGet", "tcpSocket"] {
        let Some(call) = probe.get(handler) else { continue };
        required(&call, "port");
        port_reference(&call, "port");
        if let Some(port) = call.get("port")
            && let Some(name) = port.node.as_str()
            && !names_of(ports).any(|known| known == name)
        {
            port.warning(format!("the container has no port called `{name}`"));
        }
    }
}
