//! What is set for this machine and for this run, on top of what a scenario says.

use super::{Context, Notes};
use crate::plan::merge::{merge, set};
use serde_json::Value;

/// The settings of this machine, under those of a base dir that does not know them.
pub(super) fn local_section(config: &mut Value, context: &Context, _: &mut Notes) {
    if let Some(local) = context.plan.known.get("local").filter(|_| context.local) {
        let mut section = local.clone();
        merge(&mut section, config.get("local").unwrap_or(&Value::Null));
        set(config, &["local"], section);
    }
}

/// `--run-description` and `--run-keywords`.
pub(super) fn description(config: &mut Value, context: &Context, _: &mut Notes) {
    let flags = &context.plan.flags;
    for (key, given) in [("text", &flags.description), ("keywords", &flags.keywords)] {
        if let Some(given) = given {
            set(config, &["description", key], given.as_str().into());
        }
    }
}
