//! What a command line and a setup treatment change: `--cluster-config`, under `--set`, under the treatment.

use super::{Context, Notes};
use crate::experiment::PathSegment;
use crate::plan::merge::merge;
use crate::plan::overrides::{apply, assign, knows, likely};
use crate::plan::remark::Remark;
use serde_json::Value;

/// Lay all overrides over a config, and tell what nothing knows.
pub(super) fn first(config: &mut Value, context: &Context, notes: &mut Notes) {
    cluster_config(config, context, notes);
    sets(config, context, notes);
    let findings = apply(config, &context.plan.known, context.overrides, "the config");
    for finding in findings {
        let is_error = finding.is_error();
        let remark = Remark::within(&context.plan.experiment_file, finding);
        if is_error {
            notes.errors.push(remark);
        } else {
            notes.warnings.push(remark);
        }
    }
    // Told with the key that was meant; what follows would be told in terms of a config nobody asked for.
    notes.hopeless = !notes.errors.is_empty();
}

/// The same once more, in silence.
pub(super) fn again(config: &mut Value, context: &Context, _: &mut Notes) {
    first(config, context, &mut Notes::default());
}

/// A section that nothing knows is added, as the reference does, with a warning.
fn cluster_config(config: &mut Value, context: &Context, notes: &mut Notes) {
    let Some(settings) = &context.plan.cluster_config else {
        return;
    };
    for key in settings.as_object().into_iter().flatten().map(|(key, _)| key) {
        let path = [PathSegment::Quoted(key.clone())];
        if !knows(config, &path) && !knows(&context.plan.known, &path) {
            let message = format!("--cluster-config: the config has no section {key}; it is added");
            notes.warnings.push(hinted(config, &path, message));
        }
    }
    merge(config, settings);
}

/// `--set`: for all stacks, by pattern, by name; in the order given within each.
fn sets(config: &mut Value, context: &Context, notes: &mut Notes) {
    let selected = |one: &&crate::plan::set::Assignment| one.selector.matches(&context.stack.name);
    for one in context.plan.sets.iter().filter(selected) {
        let flag = format!("--set {}", one.key);
        if one.value.is_null() {
            notes.warning(format!("{flag}: null cannot clear a value, and changes nothing"));
        }
        if !knows(config, &one.path) && !knows(&context.plan.known, &one.path) {
            let message = format!("{flag}: the config has no such key; it is added");
            notes.warnings.push(hinted(config, &one.path, message));
        }
        if let Err(message) = assign(config, &one.path, &one.value) {
            notes.error(format!("{flag}: {message}"));
        }
    }
}

fn hinted(config: &Value, path: &[PathSegment], message: String) -> Remark {
    let hint = likely(config, path);
    hint.into_iter().fold(Remark::warning(message), Remark::with_help)
}
