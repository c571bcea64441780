//! From the layers of a stack to its resolved config: one chain of stages, in llm-d-benchmark's order.
//!
//! Each stage is a rule of its own: it reads what earlier ones left and changes the config in place. What a stage has to
//! say goes into [`Notes`]; whether the result can be deployed is asked at the end (`checks`).

mod checks;
mod cluster;
mod flags;
mod init_containers;
mod machine;
mod names;
mod overrides;
mod references;
mod router;
mod sections;
mod sizes;
mod stacks;
mod token;
mod versions;

pub(super) use checks::host_claims;
pub use flags::GATEWAYS;
pub use versions::Versions;

use super::base::Layer;
use super::provenance::{Recorder, Source, Spread};
use super::remark::Remark;
use super::scenario::Stack;
use super::sweep::SweepPlan;
use crate::experiment::Override;
use serde_json::Value;

#[cfg(test)]
mod tests;

/// A resolved config, and all there is to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// What templates are rendered with. Holds no secrets: a token is a sentinel until something is applied.
    pub config: Value,
    /// Why it cannot be deployed; empty in a plan that was made.
    pub errors: Vec<Problem>,
    /// What the operator should know.
    pub warnings: Vec<Remark>,
    /// What only a cluster or a registry can answer, and nobody has asked.
    pub unresolved: Vec<Unresolved>,
}

impl Resolved {
    /// Nothing but the reason why there is nothing.
    pub(super) fn refused(remark: Remark) -> Self {
        Self {
            config: Value::Null,
            errors: vec![Problem { key: None, remark }],
            warnings: Vec::new(),
            unresolved: Vec::new(),
        }
    }
}

/// Why a config cannot be deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The key whose value is wrong, with dots, where it is one.
    pub key: Option<String>,
    /// What is wrong with it.
    pub remark: Remark,
}

/// A value that is not known before something outside of the plan is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The key, with dots.
    pub path: String,
    /// Who would know, and what stands there until then.
    pub why: String,
}

impl Unresolved {
    /// Whether a cluster would know it, and not a registry.
    pub fn needs_cluster(&self) -> bool {
        let of_cluster = ["accelerator.", "vllmCommon.network", "affinity."];
        of_cluster.iter().any(|start| self.path.starts_with(start))
            || self.path.ends_with("acceleratorType.labelValue")
    }
}

/// What is resolved: a stack in a setup treatment.
pub(super) struct Context<'a> {
    pub(super) plan: &'a SweepPlan,
    pub(super) stack: &'a Stack,
    /// The setup treatment's name, for explanations.
    pub(super) setup: &'a str,
    /// What it changes.
    pub(super) overrides: &'a [Override],
    /// Whether the stack is for this machine, and so has the section `local`.
    pub(super) local: bool,
    /// Whether there is a Hugging Face token in the environment.
    pub(super) token: bool,
}

impl Context<'_> {
    /// `text`, with the stack it is about where a scenario has several.
    fn about(&self, text: impl Into<String>) -> String {
        let text = text.into();
        if self.plan.stacks.len() > 1 {
            format!("stack {}: {text}", self.stack.name)
        } else {
            text
        }
    }
}

/// What stages have to say.
#[derive(Default)]
pub(super) struct Notes {
    errors: Vec<Problem>,
    warnings: Vec<Remark>,
    unresolved: Vec<Unresolved>,
    /// Later stages would only report the consequences of what is wrong already.
    hopeless: bool,
    /// Watches, where somebody wants to know who set what.
    recorder: Option<Recorder>,
}

impl Notes {
    fn error(&mut self, remark: Remark) {
        self.errors.push(Problem { key: None, remark });
    }

    /// An error about the value of a key.
    fn error_at(&mut self, key: &[&str], message: impl Into<String>) {
        self.errors.push(Problem {
            key: Some(key.join(".")),
            remark: Remark::error(message),
        });
    }

    /// `layer` wrote `written` at `path` of what is `config` now.
    fn wrote(&mut self, layer: &str, source: Source, path: &[String], written: &Value, config: &Value) {
        if let Some(recorder) = &mut self.recorder {
            recorder.wrote(layer, source, path, written, config);
        }
    }

    /// The same of a file that was laid over the whole config.
    fn wrote_file(&mut self, layer: &str, file: &Layer, config: &Value) {
        if self.recorder.is_some()
            && let Some(root) = file.root()
        {
            let source = Source::File(&file.document.name, &root, Spread::No);
            self.wrote(layer, source, &[], &file.value, config);
        }
    }

    fn warning(&mut self, message: impl Into<String>) {
        self.warnings.push(Remark::warning(message));
    }

    fn unresolved(&mut self, path: impl Into<String>, why: impl Into<String>) {
        self.unresolved.push(Unresolved {
            path: path.into(),
            why: why.into(),
        });
    }
}

/// One rule of the chain.
struct Stage {
    /// What explanations call it.
    layer: &'static str,
    apply: fn(&mut Value, &Context, &mut Notes),
}

const fn stage(layer: &'static str, apply: fn(&mut Value, &Context, &mut Notes)) -> Stage {
    Stage { layer, apply }
}

/// The chain, behind defaults ← shared ← stack ← hoisting, which are the same for all setup treatments.
const STAGES: [Stage; 28] = [
    stage("this machine", machine::local_section),
    stage("overrides", overrides::first),
    stage("types", sections::check),
    stage("cluster", cluster::detect),
    stage("accelerator profile", sizes::accelerator_profile),
    // What was detected, or comes with a profile, never beats what was asked for.
    stage("overrides", overrides::again),
    stage("resource preset", sizes::preset),
    stage("types", sections::check),
    stage("versions", versions::answer),
    stage("-p", flags::namespace),
    stage("-m", flags::model),
    stage("-t", flags::method),
    stage("--gateway-class", flags::gateway_class),
    stage("--monitoring", flags::monitoring),
    stage("--wva", flags::wva),
    stage("--epp-keda-saturation", flags::epp_keda_saturation),
    stage("Hugging Face token", token::sentinel),
    stage("model id label", names::label),
    stage("names of several stacks", names::per_stack),
    stage("nok8s names", names::nok8s),
    stage("inference pool host", router::pool_host),
    stage("direct mode", router::direct_mode),
    stage("router defaults", router::block),
    stage("--run-description", machine::description),
    stage("references", references::substitute),
    stage("renderer's fragments", sizes::drop_fragments),
    stage("scenario", stacks::siblings),
    stage("init container images", init_containers::images),
];

/// Run the chain for a stack in a setup treatment.
pub(super) fn resolve(context: &Context) -> Resolved {
    run(context, Notes::default()).0
}

/// The same, watched by a recorder that has seen the layers below.
pub(super) fn record(context: &Context, recorder: Recorder) -> (Resolved, Option<Recorder>) {
    let notes = Notes {
        recorder: Some(recorder),
        ..Notes::default()
    };
    run(context, notes)
}

fn run(context: &Context, mut notes: Notes) -> (Resolved, Option<Recorder>) {
    let mut config = context.stack.config.clone();
    for stage in &STAGES {
        (stage.apply)(&mut config, context, &mut notes);
        if let Some(recorder) = &mut notes.recorder {
            let layer = match stage.layer {
                "-p" if context.plan.flags.namespaces.is_empty() => "default namespace",
                layer => layer,
            };
            recorder.stage(layer, &config);
        }
        if notes.hopeless {
            break;
        }
    }
    if !notes.hopeless {
        checks::all(&config, context.plan.stacks.len(), &mut notes);
    }
    let resolved = Resolved {
        config,
        errors: notes.errors,
        warnings: notes.warnings,
        unresolved: notes.unresolved,
    };
    (resolved, notes.recorder)
}
