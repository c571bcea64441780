//! Names that tell stacks from each other in a namespace or on a host.

use super::{Context, Notes};
use crate::plan::fingerprint::hex;
use crate::plan::merge::{get, set, text, truthy};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Names that two stacks in one namespace must not share, as the defaults have them.
const SHARED: [(&[&str], &str); 2] = [
    (&["downloadJob", "name"], "download-model"),
    (
        &["router", "monitoring", "secretName"],
        "inference-gateway-sa-metrics-reader-secret",
    ),
];

/// The short name of a model in a namespace: head, hash and tail, safe as a Kubernetes label.
pub(super) fn model_label(model: &str, namespace: &str) -> String {
    let id = model.replace(['/', '.'], "-");
    let hashed = if namespace.is_empty() {
        id.clone()
    } else {
        format!("{namespace}/{id}")
    };
    let hash = hex(&Sha256::digest(hashed.as_bytes()));
    let characters: Vec<char> = id.chars().collect();
    let head: String = characters.iter().take(8).collect();
    let tail: String = characters
        .iter()
        .skip(characters.len().saturating_sub(8))
        .collect();
    format!("{head}-{}-{tail}", hash.get(..8).unwrap_or_default()).to_lowercase()
}

/// The label by which everything of a stack is found.
pub(super) fn label(config: &mut Value, _: &Context, _: &mut Notes) {
    let model = text(config, &["model", "name"]);
    let label = if model.is_empty() {
        text(config, &["model", "shortName"])
    } else {
        model_label(&model, &text(config, &["namespace", "name"]))
    };
    set(config, &["model_id_label"], label.clone().into());
    set(config, &["model", "idLabel"], label.into());
}

/// Where there are several stacks, names that nobody chose get the stack's label.
pub(super) fn per_stack(config: &mut Value, context: &Context, _: &mut Notes) {
    let label = text(config, &["model_id_label"]);
    if context.plan.stacks.len() < 2 || label.is_empty() {
        return;
    }
    for (path, default) in SHARED {
        if text(config, path) == default {
            set(config, path, format!("{default}-{label}").into());
        }
    }
}

/// Containers on one host share its names and its folders: each of several stacks has its own.
pub(super) fn nok8s(config: &mut Value, context: &Context, _: &mut Notes) {
    if context.plan.stacks.len() < 2 || !truthy(get(config, &["nok8s", "enabled"])) {
        return;
    }
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let slug: String = context
        .stack
        .name
        .chars()
        .map(|c| if safe(c) { c } else { '-' })
        .collect();
    if !truthy(get(config, &["nok8s", "nameSuffix"])) {
        set(config, &["nok8s", "nameSuffix"], format!("-{slug}").into());
    }
    let folder = text(config, &["nok8s", "workspaceHostDir"]);
    let folder = if folder.is_empty() {
        "~/.llmdbench/nok8s"
    } else {
        &folder
    };
    let own = format!("{}/{slug}", folder.trim_end_matches('/'));
    set(config, &["nok8s", "workspaceHostDir"], own.into());
}
