//! Makes a config once more, from its files on, with a recorder beside it.

use super::{Provenance, Recorder, Source, Spread};
use crate::plan::base_dir::Document;
use crate::plan::merge::merge;
use crate::plan::resolve::{self, Context};
use crate::plan::scenario::{self, HOISTED, expand, hoist};
use crate::yaml::{self, Node};
use serde_json::Value;

impl Provenance {
    /// The history of what a stack comes to in a setup treatment.
    pub(in crate::plan) fn replay(context: &Context) -> Self {
        let mut recorder = Recorder::default();
        // Files that were planned from can be read; of one that cannot there is nothing to tell.
        if let (Some(defaults), Ok(scenario)) = (
            parsed(&context.plan.spec.values),
            scenario::read(&context.plan.spec.scenario),
        ) {
            base(&mut recorder, context, &defaults, &scenario);
        }
        let (resolved, recorder) = resolve::record(context, recorder);
        recorder.unwrap_or_default().finish(&resolved.config)
    }
}

fn parsed(document: &Document) -> Option<Node> {
    yaml::parse(document.text.as_bytes(), yaml::Limits::default()).root
}

/// Defaults ← shared ← stack, and what hoisting moves.
fn base(recorder: &mut Recorder, context: &Context, defaults: &Node, scenario: &Node) {
    let files = &context.plan.spec;
    let mut config = defaults.to_value();
    let known = config.clone();
    let source = Source::File(&files.values.name, defaults, Spread::No);
    recorder.wrote("defaults", source, &[], &known, &config);
    let name = |entry: &&Node| {
        let name = entry.get("name").and_then(Node::as_str);
        name == Some(&context.stack.name)
    };
    let entry = scenario
        .get("scenario")
        .and_then(Node::items)
        .and_then(|entries| entries.iter().find(name));
    for (layer, node) in [("shared", scenario.get("shared")), ("stack", entry)] {
        let Some(node) = node else { continue };
        let mut value = expand(&node.to_value(), &known);
        if layer == "stack"
            && let Value::Object(map) = &mut value
        {
            map.shift_remove("name");
        }
        merge(&mut config, &value);
        let source = Source::File(&files.scenario.name, node, Spread::Common);
        recorder.wrote(layer, source, &[], &value, &config);
    }
    hoist(&mut config);
    for key in HOISTED {
        recorder.moved(&["modelservice", key], key);
    }
    recorder.stage("hoisting", &config);
}
