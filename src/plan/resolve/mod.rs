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
pub use versions::Versions;

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
    pub errors: Vec<Remark>,
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
            errors: vec![remark],
            warnings: Vec::new(),
            unresolved: Vec::new(),
        }
    }
}

/// A value that is not known before something outside of the plan is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The key, with dots.
    pub path: String,
    /// Who would know, and what stands there until then.
    pub why: String,
}

/// What is resolved: a stack in a setup treatment.
pub(super) struct Context<'a> {
    pub(super) plan: &'a SweepPlan,
    pub(super) stack: &'a Stack,
    /// The setup treatment's.
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
    errors: Vec<Remark>,
    warnings: Vec<Remark>,
    unresolved: Vec<Unresolved>,
    /// Later stages would only report the consequences of what is wrong already.
    hopeless: bool,
}

impl Notes {
    fn error(&mut self, message: impl Into<String>) {
        self.errors.push(Remark::error(message));
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
type Stage = fn(&mut Value, &Context, &mut Notes);

/// The chain, behind defaults ← shared ← stack ← hoisting, which are the same for all setup treatments.
const STAGES: [Stage; 28] = [
    machine::local_section,
    overrides::first,
    sections::check,
    cluster::detect,
    sizes::accelerator_profile,
    // What was detected, or comes with a profile, never beats what was asked for.
    overrides::again,
    sizes::preset,
    sections::check,
    versions::answer,
    flags::namespace,
    flags::model,
    flags::method,
    flags::gateway_class,
    flags::monitoring,
    flags::wva,
    flags::epp_keda_saturation,
    token::sentinel,
    names::label,
    names::per_stack,
    names::nok8s,
    router::pool_host,
    router::direct_mode,
    router::block,
    machine::description,
    references::substitute,
    sizes::drop_fragments,
    stacks::siblings,
    init_containers::images,
];

/// Run the chain for a stack in a setup treatment.
pub(super) fn resolve(context: &Context) -> Resolved {
    let mut config = context.stack.config.clone();
    let mut notes = Notes::default();
    for stage in &STAGES {
        stage(&mut config, context, &mut notes);
        if notes.hopeless {
            break;
        }
    }
    if !notes.hopeless {
        for message in checks::all(&config, context.plan.stacks.len()) {
            notes.error(message);
        }
    }
    Resolved {
        config,
        errors: notes.errors,
        warnings: notes.warnings,
        unresolved: notes.unresolved,
    }
}
