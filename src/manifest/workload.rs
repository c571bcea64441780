//! What runs pods, and what leads to them.

use super::cursor::Cursor;
use super::object::{self, labels, named, one_of, required};
use super::{names, pod as pods, storage};
use crate::yaml::Node;
use std::collections::HashSet;

pub(super) fn pod(root: &Cursor<'_>) {
    match root.get("spec") {
        Some(spec) => pods::spec(&spec, &HashSet::new(), &["Always", "OnFailure", "Never"]),
        None => root.lacks("spec"),
    }
}

pub(super) fn deployment(root: &Cursor<'_>) {
    replicated(root, &HashSet::new());
}

pub(super) fn stateful_set(root: &Cursor<'_>) {
    let mut claimed = HashSet::new();
    let spec = root.get("spec");
    let templates = spec.as_ref().and_then(|spec| spec.get("volumeClaimTemplates"));
    if let Some(templates) = &templates {
        for template in templates.items() {
            object::metadata_of(&template, names::dns_subdomain);
            let name = template
                .node
                .get("metadata")
                .and_then(|metadata| metadata.get("name"));
            claimed.extend(name.and_then(Node::as_str));
            match template.get("spec") {
                Some(spec) => storage::claim_spec(&spec),
                None => template.lacks("spec"),
            }
        }
    }
    replicated(root, &claimed);
}

/// A controller that finds its pods by a selector, which its own template must fit.
fn replicated(root: &Cursor<'_>, claimed: &HashSet<&str>) {
    let Some(spec) = root.get("spec") else {
        root.lacks("spec");
        return;
    };
    not_negative(&spec, "replicas");
    let template = spec.get("template");
    match spec.get("selector") {
        None => spec.lacks("selector"),
        Some(selector) => selected(&selector, template.as_ref()),
    }
    match template {
        None => spec.lacks("template"),
        Some(template) => pod_template(&template, claimed, &["Always"]),
    }
}

fn selected(selector: &Cursor<'_>, template: Option<&Cursor<'_>>) {
    let wanted = selector.get("matchLabels");
    let expressions = selector.get("matchExpressions");
    let filled = |list: &Cursor<'_>| list.fields().next().is_some() || list.items().next().is_some();
    if ![&wanted, &expressions].into_iter().flatten().any(filled) {
        selector.error("an empty selector would select all pods");
    }
    let given = template.and_then(|template| template.node.get("metadata")?.get("labels"));
    if let Some(wanted) = wanted {
        labels(&wanted);
        agree(&wanted, given);
    }
    for expression in expressions.iter().flat_map(Cursor::items) {
        required(&expression, "key");
        required(&expression, "operator");
        one_of(
            &expression,
            "operator",
            &["In", "NotIn", "Exists", "DoesNotExist"],
        );
    }
}

/// Check that the labels of a pod template have all that the selector wants.
fn agree(wanted: &Cursor<'_>, given: Option<&Node>) {
    for label in wanted.fields() {
        let found = given
            .and_then(|labels| labels.get(label.name()))
            .and_then(Node::raw);
        if found == label.node.raw() {
            continue;
        }
        label.error(match found {
            None => "the pod template has no such label, so that its pods are not selected".to_owned(),
            Some(found) => format!("the pod template has `{found}` here, so that its pods are not selected"),
        });
    }
}

pub(super) fn replication_controller(root: &Cursor<'_>) {
    let Some(spec) = root.get("spec") else {
        root.lacks("spec");
        return;
    };
    not_negative(&spec, "replicas");
    match spec.get("template") {
        None => spec.lacks("template"),
        Some(template) => {
            if let Some(selector) = spec.get("selector") {
                agree(
                    &selector,
                    template
                        .node
                        .get("metadata")
                        .and_then(|metadata| metadata.get("labels")),
                );
            }
            pod_template(&template, &HashSet::new(), &["Always"]);
        }
    }
}

pub(super) fn job(root: &Cursor<'_>) {
    match root.get("spec") {
        None => root.lacks("spec"),
        Some(spec) => job_spec(&spec),
    }
}

pub(super) fn cron_job(root: &Cursor<'_>) {
    let Some(spec) = root.get("spec") else {
        root.lacks("spec");
        return;
    };
    required(&spec, "schedule");
    one_of(&spec, "concurrencyPolicy", &["Allow", "Forbid", "Replace"]);
    match spec
        .get("jobTemplate")
        .as_ref()
        .and_then(|template| template.get("spec"))
    {
        None => spec.lacks("jobTemplate.spec"),
        Some(job) => job_spec(&job),
    }
}

fn job_spec(spec: &Cursor<'_>) {
    for field in [
        "parallelism",
        "completions",
        "backoffLimit",
        "activeDeadlineSeconds",
        "ttlSecondsAfterFinished",
    ] {
        not_negative(spec, field);
    }
    let Some(template) = spec.get("template") else {
        spec.lacks("template");
        return;
    };
    pod_template(&template, &HashSet::new(), &["OnFailure", "Never"]);
    if let Some(pod) = template.get("spec")
        && pod.get("restartPolicy").is_none()
    {
        pod.lacks("restartPolicy");
    }
}

fn pod_template(template: &Cursor<'_>, claimed: &HashSet<&str>, restart: &[&str]) {
    if let Some(metadata) = template.get("metadata") {
        object::labels_and_annotations(&metadata);
    }
    match template.get("spec") {
        Some(spec) => pods::spec(&spec, claimed, restart),
        None => template.lacks("spec"),
    }
}

pub(super) fn autoscaler(root: &Cursor<'_>) {
    let Some(spec) = root.get("spec") else {
        root.lacks("spec");
        return;
    };
    required(&spec, "maxReplicas");
    match spec.get("scaleTargetRef") {
        None => spec.lacks("scaleTargetRef"),
        Some(target) => {
            required(&target, "kind");
            required(&target, "name");
        }
    }
    let count = |key: &str| spec.node.get(key).and_then(|node| node.to_value().as_i64());
    if let (Some(least), Some(most)) = (count("minReplicas"), count("maxReplicas"))
        && least > most
    {
        spec.error(format!(
            "minReplicas is {least}, above maxReplicas, which is {most}"
        ));
    }
}

pub(super) fn service(root: &Cursor<'_>) {
    let Some(spec) = root.get("spec") else {
        root.lacks("spec");
        return;
    };
    one_of(
        &spec,
        "type",
        &["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"],
    );
    one_of(&spec, "sessionAffinity", &["ClientIP", "None"]);
    if let Some(selector) = spec.get("selector") {
        labels(&selector);
    }
    if spec.text("type") == Some("ExternalName") {
        required(&spec, "externalName");
    }
    let without = spec.text("type") == Some("ExternalName") || spec.text("clusterIP") == Some("None");
    match spec.get("ports").filter(|ports| ports.items().next().is_some()) {
        Some(ports) => service_ports(&ports),
        None if without => {}
        None => spec.lacks("ports"),
    }
}

fn service_ports(ports: &Cursor<'_>) {
    let several = ports.items().count() > 1;
    let mut names_seen = HashSet::new();
    let mut numbers_seen = HashSet::new();
    for port in ports.items() {
        one_of(&port, "protocol", &["TCP", "UDP", "SCTP"]);
        pods::port_number(&port, "port", true);
        pods::port_number(&port, "nodePort", false);
        pods::port_reference(&port, "targetPort");
        match port.get("name") {
            Some(name) => {
                named(&name, names::dns_label);
                if let Some(text) = port.text("name")
                    && !names_seen.insert(text)
                {
                    name.error(format!("two ports are called `{text}`"));
                }
            }
            None if several => port.lacks("name"),
            None => {}
        }
        let number = port.node.get("port").and_then(Node::raw);
        if number.is_some() && !numbers_seen.insert((number, port.text("protocol").unwrap_or("TCP"))) {
            port.error("the same port and protocol are given twice");
        }
    }
}

pub(super) fn not_negative(cursor: &Cursor<'_>, key: &str) {
    if let Some(value) = cursor.get(key)
        && value.node.to_value().as_f64().is_some_and(|number| number < 0.0)
    {
        value.error("must not be negative");
    }
}
