//! What a command line and a setup treatment change: `--cluster-config`, under `--set`, under the treatment.

use super::{Context, Notes};
use crate::experiment::{OverrideTarget, PathSegment};
use crate::plan::merge::merge;
use crate::plan::overrides::{apply, assign, knows, likely};
use crate::plan::provenance::{Place, Source};
use crate::plan::remark::Remark;
use crate::plan::set::Assignment;
use serde_json::Value;

/// Lay all overrides over a config, and tell what nothing knows.
pub(super) fn first(config: &mut Value, context: &Context, notes: &mut Notes) {
    cluster_config(config, context, notes);
    sets(config, context, notes);
    treatment(config, context, notes);
    // Told with the key that was meant; what follows would be told in terms of a config nobody asked for.
    notes.hopeless = !notes.errors.is_empty();
}

/// The same once more, with nothing new to tell.
pub(super) fn again(config: &mut Value, context: &Context, notes: &mut Notes) {
    let mut silent = Notes {
        recorder: notes.recorder.take(),
        ..Notes::default()
    };
    let detected = config.clone();
    first(config, context, &mut silent);
    keep(&detected, config);
    notes.recorder = silent.recorder;
}

/// What was found for a value that is asked for as `auto` stays.
fn keep(detected: &Value, config: &mut Value) {
    match (detected, config) {
        (Value::Object(detected), Value::Object(config)) => {
            for (key, value) in config {
                if let Some(detected) = detected.get(key) {
                    keep(detected, value);
                }
            }
        }
        (detected, value) if value.as_str() == Some("auto") => *value = detected.clone(),
        _ => {}
    }
}

fn cluster_config(config: &mut Value, context: &Context, notes: &mut Notes) {
    let Some(file) = &context.plan.cluster_config else {
        return;
    };
    merge(config, &file.value);
    notes.wrote_file("--cluster-config", file, config);
}

/// `--set`: for all stacks, by pattern, by name; in the order given within each.
fn sets(config: &mut Value, context: &Context, notes: &mut Notes) {
    let selected = |one: &&Assignment| one.selector.matches(&context.stack.name);
    for one in context.plan.sets.iter().filter(selected) {
        let flag = format!("--set {}", one.key);
        if one.value.is_null() {
            notes.warning(format!("{flag}: null cannot clear a value, and changes nothing"));
        }
        if !knows(config, &one.path) && !knows(&context.plan.known, &one.path) {
            let message = format!("{flag}: the config has no such key; it is added");
            notes.warnings.push(hinted(config, &one.path, message));
        }
        match assign(config, &one.path, &one.value) {
            Ok(()) => notes.wrote("--set", Source::Nowhere, &keys(&one.path), &one.value, config),
            Err(message) => notes.error(Remark::error(format!("{flag}: {message}"))),
        }
    }
}

fn treatment(config: &mut Value, context: &Context, notes: &mut Notes) {
    let file = &context.plan.experiment_file;
    for one in context.overrides {
        let findings = apply(
            config,
            &context.plan.known,
            std::slice::from_ref(one),
            "the config",
        );
        if let OverrideTarget::Path(path) | OverrideTarget::Known(path) = &one.target
            && notes.recorder.is_some()
        {
            let place = Place {
                file: file.name.clone(),
                line: one.span.line,
                column: one.span.column,
            };
            let layer = format!("setup treatment {}", context.setup);
            notes.wrote(&layer, Source::At(&place), &keys(path), &one.value, config);
        }
        for finding in findings {
            let is_error = finding.is_error();
            let remark = Remark::within(file, finding);
            if is_error {
                notes.error(remark);
            } else {
                notes.warnings.push(remark);
            }
        }
    }
}

fn keys(path: &[PathSegment]) -> Vec<String> {
    path.iter().map(|segment| segment.text().to_owned()).collect()
}

fn hinted(config: &Value, path: &[PathSegment], message: String) -> Remark {
    let hint = likely(config, path);
    hint.into_iter().fold(Remark::warning(message), Remark::with_help)
}
