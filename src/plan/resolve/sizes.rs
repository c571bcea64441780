//! Layers a config asks for itself: the profile of its accelerator and the preset of its size.

use super::{Context, Notes, Problem};
use crate::experiment::did_you_mean;
use crate::plan::merge::{get, merge, text};
use crate::plan::provenance::Source;
use crate::plan::remark::Remark;
use serde_json::Value;

/// Keys of `accelerator` that only references in a config's own texts use.
const FRAGMENTS: [&str; 6] = [
    "runtimePreamble",
    "dtypeArgs",
    "executionArgs",
    "blockSizeArgs",
    "memoryUtilizationArgs",
    "kvBufferDeviceJson",
];

/// Lay the overlay of the accelerator's profile over the config, where the base dir has one.
pub(super) fn accelerator_profile(config: &mut Value, context: &Context, notes: &mut Notes) {
    let profile = text(config, &["accelerator", "profile"]);
    if profile.is_empty() || profile == "auto" {
        return;
    }
    let intel = profile.starts_with("intel-") && profile != "intel-gaudi" && profile != "intel-xpu";
    let below = intel.then_some("intel-xpu");
    for name in below.into_iter().chain([profile.as_str()]) {
        match context.plan.overlays.get(name) {
            Some(Ok(overlay)) => {
                merge(config, &overlay.value);
                notes.wrote_file(&format!("accelerator profile {name}"), overlay, config);
            }
            Some(Err(remark)) => {
                notes.error(remark.clone());
                notes.hopeless = true;
            }
            None => {}
        }
    }
}

/// Lay the size preset a config asks for over `decode` and `prefill`.
pub(super) fn preset(config: &mut Value, _: &Context, notes: &mut Notes) {
    let name = text(config, &["resourcePreset"]);
    if name.is_empty() {
        return;
    }
    let Some(preset) = get(config, &["resourcePresets", &name]).cloned() else {
        let remark = Remark::error(format!("resourcePreset: there is no preset `{name}`"));
        let presets = config.get("resourcePresets").and_then(Value::as_object);
        let names = presets.into_iter().flatten().map(|(name, _)| name.as_str());
        let hint = did_you_mean(&name, names);
        notes.errors.push(Problem {
            key: Some("resourcePreset".to_owned()),
            remark: hint.into_iter().fold(remark, Remark::with_help),
        });
        return;
    };
    for section in ["decode", "prefill"] {
        if let (Some(part), Value::Object(root)) = (preset.get(section), &mut *config) {
            merge(root.entry(section).or_insert(Value::Null), part);
            let layer = format!("resource preset {name}");
            let from = ["resourcePresets", &name, section];
            notes.wrote(&layer, Source::Part(&from), &[section.to_owned()], part, config);
        }
    }
}

/// Fragments have been put where they are meant to be; no chart knows them.
pub(super) fn drop_fragments(config: &mut Value, _: &Context, _: &mut Notes) {
    if let Some(Value::Object(accelerator)) = config.get_mut("accelerator") {
        for key in FRAGMENTS {
            accelerator.shift_remove(key);
        }
    }
}
