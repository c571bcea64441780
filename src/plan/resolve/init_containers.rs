//! Init containers without an image of their own.

use super::{Context, Notes};
use crate::plan::merge::{get, text, truthy};
use serde_json::Value;

/// Give each init container that will be rendered an image: that of its `imageKey`, else the benchmark's.
pub(super) fn images(config: &mut Value, _: &Context, _: &mut Notes) {
    let standalone = truthy(get(config, &["standalone", "enabled"]));
    let charts = get(config, &["standalone", "enabled"]).is_some()
        && !standalone
        && !truthy(get(config, &["kustomize", "enabled"]));
    for (role, rendered) in [
        ("decode", charts),
        ("prefill", charts),
        ("standalone", standalone),
    ] {
        if rendered {
            of_role(config, role);
        }
    }
}

fn of_role(config: &mut Value, role: &str) {
    let Some(Value::Array(containers)) = get(config, &[role, "initContainers"]) else {
        return;
    };
    let images: Vec<Option<String>> = containers
        .iter()
        .map(|container| {
            let key = container
                .get("imageKey")
                .and_then(Value::as_str)
                .unwrap_or("benchmark");
            let known = get(config, &["images", key]).is_some_and(Value::is_object);
            let key = if known { key } else { "benchmark" };
            let part = |part: &str| text(config, &["images", key, part]);
            let open = container.is_object() && !truthy(container.get("image"));
            open.then(|| format!("{}:{}", part("repository"), part("tag")))
        })
        .collect();
    let containers = config
        .get_mut(role)
        .and_then(|role| role.get_mut("initContainers"))
        .and_then(Value::as_array_mut);
    for (container, image) in containers.into_iter().flatten().zip(images) {
        if let (Value::Object(container), Some(image)) = (container, image) {
            container.insert("image".to_owned(), image.into());
        }
    }
}
