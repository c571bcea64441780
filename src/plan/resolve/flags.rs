//! Flags that set several keys at once.

use super::{Context, Notes};
use crate::plan::flags::METHODS;
use crate::plan::merge::{get, set, text, truthy};
use crate::plan::remark::Remark;
use crate::plan::resolve::names::model_label;
use serde_json::Value;

/// Namespace where neither flag nor scenario names one.
const NAMESPACE: &str = "llmdbench";
/// Classes of gateways that a router can stand behind, as llm-d-benchmark names them.
pub const GATEWAYS: [&str; 6] = [
    "none",
    "epponly",
    "istio",
    "agentgateway",
    "gke",
    "data-science-gateway-class",
];

/// `-p deploy[,harness[,wva]]`.
pub(super) fn namespace(config: &mut Value, context: &Context, _: &mut Notes) {
    let names = &context.plan.flags.namespaces;
    let auto = |name: &str| name.is_empty() || name == "auto";
    let given = |index: usize| names.get(index).filter(|name| !auto(name)).cloned();
    let deploy = given(0).unwrap_or_else(|| {
        let written = text(config, &["namespace", "name"]);
        if auto(&written) || !names.is_empty() {
            NAMESPACE.to_owned()
        } else {
            written
        }
    });
    set(config, &["namespace", "name"], deploy.clone().into());
    if !names.is_empty() {
        for (index, section) in [(1, "harness"), (2, "wva")] {
            let name = given(index).unwrap_or_else(|| deploy.clone());
            set(config, &[section, "namespace"], name.into());
        }
    }
    let gateway = text(config, &["gateway", "namespace"]);
    if get(config, &["gateway", "namespace"]).is_some() && (auto(&gateway) || gateway == NAMESPACE) {
        set(config, &["gateway", "namespace"], deploy.into());
    }
}

/// `-m`: where a scenario has several stacks, for the one that `--stack` names, else for all.
pub(super) fn model(config: &mut Value, context: &Context, notes: &mut Notes) {
    let plan = context.plan;
    let Some(model) = &plan.flags.model else {
        return;
    };
    if plan.stacks.len() > 1 {
        match plan.flags.stacks.as_slice() {
            [only] if *only != context.stack.name => return,
            [_] => {}
            _ => notes.warning(format!(
                "-m: {model} is served by all {} stacks of the scenario; --stack chooses one",
                plan.stacks.len()
            )),
        }
    }
    let namespace = text(config, &["namespace", "name"]);
    for (key, value) in [
        ("name", model.clone()),
        ("huggingfaceId", model.clone()),
        ("path", format!("models/{model}")),
        ("shortName", model_label(model, &namespace)),
    ] {
        set(config, &["model", key], value.into());
    }
    for role in ["decode", "prefill"] {
        if truthy(get(config, &[role, "vllm", "customCommand"])) {
            let message = format!(
                "-m: {role}.vllm.customCommand is taken as it is written, and may name another model than {model}"
            );
            notes.warning(context.about(message));
        }
    }
}

/// `-t`.
pub(super) fn method(config: &mut Value, context: &Context, _: &mut Notes) {
    let flags = &context.plan.flags;
    if !flags.methods.is_empty() {
        for method in METHODS {
            set(config, &[method, "enabled"], flags.asks_for(method).into());
        }
    }
}

/// `--gateway-class`; methods without a router take any, and ignore it.
pub(super) fn gateway_class(config: &mut Value, context: &Context, notes: &mut Notes) {
    let Some(class) = &context.plan.flags.gateway_class else {
        return;
    };
    if modelservice(config) && !GATEWAYS.contains(&class.as_str()) {
        let message = format!("--gateway-class: there is no gateway class `{class}`");
        let help = format!("there are {}", GATEWAYS.join(", "));
        notes.error(Remark::error(message).with_help(help));
    }
    set(config, &["gateway", "className"], class.as_str().into());
}

/// Whether the stack is deployed by the modelservice charts; so it is where a config does not say.
pub(super) fn modelservice(config: &Value) -> bool {
    get(config, &["modelservice", "enabled"]).is_none_or(|enabled| truthy(Some(enabled)))
}

/// `--monitoring`, `--no-monitoring`.
pub(super) fn monitoring(config: &mut Value, context: &Context, _: &mut Notes) {
    match context.plan.flags.monitoring {
        None => {}
        Some(true) => {
            set(config, &["monitoring", "podmonitor", "enabled"], true.into());
            set(config, &["monitoring", "metricsScrapeEnabled"], true.into());
        }
        Some(false) => {
            set(config, &["monitoring", "podmonitor", "enabled"], false.into());
            set(
                config,
                &["router", "monitoring", "prometheus", "enabled"],
                false.into(),
            );
        }
    }
}

/// `--wva`.
pub(super) fn wva(config: &mut Value, context: &Context, _: &mut Notes) {
    if context.plan.flags.wva {
        set(config, &["wva", "enabled"], true.into());
    }
}

/// `--epp-keda-saturation`.
pub(super) fn epp_keda_saturation(config: &mut Value, context: &Context, notes: &mut Notes) {
    if !context.plan.flags.epp_keda_saturation {
        return;
    }
    if truthy(get(config, &["wva", "enabled"])) {
        let message = "--epp-keda-saturation: wva.enabled is true as well, and only one can scale a stack";
        notes.error_at(&["wva", "enabled"], message);
    }
    set(config, &["eppKedaSaturation", "enabled"], true.into());
}
