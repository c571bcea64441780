//! The rules of a pod: its volumes, and which containers there are.

use super::cursor::Cursor;
use super::object::{labels, named, one_of, required};
use super::workload::not_negative;
use super::{container, names};
use crate::yaml::{Node, NodeKind};
use serde_json::Value;
use std::collections::HashSet;

/// Check a pod's spec. `claimed` are volumes that come from elsewhere; `restart` are the policies allowed here.
pub(super) fn spec(spec: &Cursor<'_>, claimed: &HashSet<&str>, restart: &[&str]) {
    one_of(spec, "restartPolicy", restart);
    one_of(
        spec,
        "dnsPolicy",
        &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
    );
    not_negative(spec, "terminationGracePeriodSeconds");
    not_negative(spec, "activeDeadlineSeconds");
    if let Some(selector) = spec.get("nodeSelector") {
        labels(&selector);
    }
    for key in [
        "serviceAccountName",
        "priorityClassName",
        "runtimeClassName",
        "nodeName",
    ] {
        if let Some(name) = spec.get(key).filter(|name| name.node.as_str() != Some("")) {
            named(&name, names::dns_subdomain);
        }
    }
    tolerations(spec);
    let mut known: HashSet<&str> = claimed.clone();
    let list = spec.get("volumes");
    for volume in list.iter().flat_map(Cursor::items) {
        if let Some(name) = volume.text("name")
            && !known.insert(name)
        {
            volume.error(format!("two volumes are called `{name}`"));
        }
        source(&volume);
    }
    containers(spec, &known);
}

fn containers(spec: &Cursor<'_>, volumes: &HashSet<&str>) {
    if spec
        .get("containers")
        .is_none_or(|list| list.items().next().is_none())
    {
        spec.lacks("containers");
    }
    let mut seen = HashSet::new();
    for key in ["initContainers", "containers"] {
        let list = spec.get(key);
        for one in list.iter().flat_map(Cursor::items) {
            container::check(&one, volumes);
            if let Some(text) = one.text("name")
                && !seen.insert(text.to_owned())
            {
                one.error(format!("two containers are called `{text}`"));
            }
        }
    }
}

/// Check that a volume has a name, and says once what it is.
fn source(volume: &Cursor<'_>) {
    required(volume, "name");
    if let Some(name) = volume.get("name") {
        named(&name, names::dns_label);
    }
    let sources: Vec<&str> = volume
        .node
        .pairs()
        .unwrap_or_default()
        .iter()
        .filter(|(key, value)| key.raw() != Some("name") && !value.is_null())
        .filter_map(|(key, _)| key.raw())
        .collect();
    match sources.as_slice() {
        [] if volume.node.pairs().is_some() => {
            volume.error("says nowhere what the volume is (`emptyDir: {}`, `persistentVolumeClaim`, …)");
        }
        [] => {}
        [one] => details(volume, one),
        several => volume.error(format!("is several things at once: {}", several.join(", "))),
    }
}

fn details(volume: &Cursor<'_>, kind: &str) {
    let key = match kind {
        "persistentVolumeClaim" => "claimName",
        "hostPath" => "path",
        "secret" => "secretName",
        "configMap" => "name",
        _ => return,
    };
    if let Some(source) = volume.get(kind) {
        required(&source, key);
    }
}

fn tolerations(spec: &Cursor<'_>) {
    let list = spec.get("tolerations");
    for toleration in list.iter().flat_map(Cursor::items) {
        one_of(&toleration, "operator", &["Exists", "Equal"]);
        one_of(
            &toleration,
            "effect",
            &["", "NoSchedule", "PreferNoSchedule", "NoExecute"],
        );
        let exists = toleration.text("operator") == Some("Exists");
        if exists && toleration.text("value").is_some_and(|value| !value.is_empty()) {
            toleration.error("with the operator Exists there must be no value");
        }
        let no_key = toleration.text("key").is_none_or(str::is_empty);
        if no_key && !exists {
            toleration.error("without a key the operator must be Exists");
        }
    }
}

/// Check a port that is a number.
pub(super) fn port_number(cursor: &Cursor<'_>, key: &str, must: bool) {
    match cursor.get(key) {
        None if must => cursor.lacks(key),
        None => {}
        Some(port) => {
            let number = port.node.to_value().as_f64();
            let least = if must { 1.0 } else { 0.0 };
            if number.is_some_and(|number| !(least..=65535.0).contains(&number)) {
                port.error("is no port: ports are 1 to 65535");
            }
        }
    }
}

/// Check a port that is a number, or the name of a container's port.
pub(super) fn port_reference(cursor: &Cursor<'_>, key: &str) {
    let Some(port) = cursor.get(key) else { return };
    match &port.node.kind {
        NodeKind::Scalar {
            value: Value::String(_),
            ..
        } => named(&port, names::port_name),
        _ => port_number(cursor, key, true),
    }
}

/// The names of a list of maps.
pub(super) fn names_of(list: Option<&Node>) -> impl Iterator<Item = &str> {
    let items = list.and_then(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| item.get("name")?.as_str())
}
