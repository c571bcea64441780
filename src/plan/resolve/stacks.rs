//! What a stack knows of the scenario it is in.

use super::{Context, Notes};
use crate::plan::merge::set;
use serde_json::{Value, json};

/// The stacks beside each other, which of them this is, and which one brings what they share.
pub(super) fn siblings(config: &mut Value, context: &Context, _: &mut Notes) {
    let stacks = &context.plan.stacks;
    let siblings: Vec<Value> = stacks
        .iter()
        .map(|stack| json!({"name": stack.name, "modelName": stack.model, "standalone": stack.standalone}))
        .collect();
    // Plain servers install no charts, and so cannot bring what charts share.
    let shares = stacks.iter().position(|stack| !stack.standalone).unwrap_or(0) + 1;
    let own = stacks.iter().position(|stack| stack.name == context.stack.name);
    for (key, value) in [
        ("siblingStacks", Value::Array(siblings)),
        ("stackIndex", own.map_or(1, |index| index + 1).into()),
        ("sharedInfraStackIndex", shares.into()),
        ("scenarioName", context.plan.scenario.as_str().into()),
    ] {
        set(config, &[key], value);
    }
}
