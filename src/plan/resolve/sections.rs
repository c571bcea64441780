//! Sections that stages look into must be maps; told once here, so that no stage has to wonder.

use super::{Context, Notes};
use crate::plan::merge::get;
use serde_json::Value;

/// Every section a stage looks into.
const SECTIONS: &[&[&str]] = &[
    &["namespace"],
    &["model"],
    &["accelerator"],
    &["affinity"],
    &["dra"],
    &["vllmCommon"],
    &["images"],
    &["images", "routerEndpointPicker"],
    &["images", "benchmark"],
    &["chartVersions"],
    &["resourcePresets"],
    &["labels"],
    &["huggingface"],
    &["monitoring"],
    &["monitoring", "podmonitor"],
    &["downloadJob"],
    &["harness"],
    &["experiment"],
    &["description"],
    &["gateway"],
    &["httpRoute"],
    &["routing"],
    &["routing", "proxy"],
    &["provider"],
    &["router"],
    &["router", "epp"],
    &["router", "proxy"],
    &["router", "tokenizer"],
    &["router", "modelServers"],
    &["router", "monitoring"],
    &["router", "monitoring", "prometheus"],
    &["router", "inferencePool"],
    &["router", "inferencePool", "providerConfig"],
    &["router", "inferencePool", "providerConfig", "destinationRule"],
    &["modelservice"],
    &["decode"],
    &["decode", "vllm"],
    &["decode", "parallelism"],
    &["prefill"],
    &["prefill", "vllm"],
    &["prefill", "parallelism"],
    &["standalone"],
    &["standalone", "image"],
    &["standalone", "parallelism"],
    &["fma"],
    &["kustomize"],
    &["nok8s"],
    &["nok8s", "vllm"],
    &["nok8s", "envoy"],
    &["nok8s", "epp"],
    &["wva"],
    &["wva", "image"],
    &["eppKedaSaturation"],
];

/// Tell of every section that is something else than a map.
pub(super) fn check(config: &mut Value, _: &Context, notes: &mut Notes) {
    for path in SECTIONS {
        let kind = match get(config, path) {
            None | Some(Value::Null | Value::Object(_)) => continue,
            Some(Value::Array(_)) => "a list",
            Some(Value::String(_)) => "text",
            Some(Value::Number(_)) => "a number",
            Some(Value::Bool(_)) => "a boolean",
        };
        notes.error_at(path, format!("{} must be a map, and is {kind}", path.join(".")));
        notes.hopeless = true;
    }
}
