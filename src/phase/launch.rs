//! What a harness is launched with.

use super::attempt::AttemptWork;
use crate::engine::Scope;
use crate::harness::{self, HarnessJob, Surroundings};
use crate::plan::get;
use crate::report::context::Stack;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The job of an attempt: the rendered profile, with one result folder per process.
pub(super) fn job(work: &AttemptWork<'_>, profile: &Path, folders: Vec<PathBuf>) -> HarnessJob {
    HarnessJob {
        scope: Scope::Attempt {
            cell: work.attempt.cell,
            attempt: work.attempt.attempt,
        },
        experiment_id: work.attempt.experiment_id.clone(),
        harness: work.plan.harness.clone(),
        argv: harness::command(&work.plan.harness, work.binary, profile),
        env: harness::environment(&surroundings(work)),
        folders,
        timeout: work.plan.timeout,
    }
}

fn surroundings(work: &AttemptWork<'_>) -> Surroundings {
    let config = &work.spec.config;
    let text = |path: &[&str]| match get(config, path) {
        Some(Value::String(text)) => text.clone(),
        _ => String::new(),
    };
    let planned = super::written::planned(work.setup);
    Surroundings {
        experiment_id: work.attempt.experiment_id.clone(),
        harness: work.plan.harness.clone(),
        workload: format!("{}.yaml", work.run.profile_name),
        endpoint: work.attempt.endpoint.clone(),
        stack_name: work.plan.stack.clone(),
        stack: Stack {
            simulated: work.plan.simulated,
            model: planned.model,
            roles: planned.roles,
            accelerator: work
                .plan
                .simulated
                .then(|| text(&["local", "simulator", "accelerator"])),
            plugin_config: planned.plugin_config,
            tool: None,
            tool_version: None,
        },
        deploy_methods: work.setup.shape.method.name().to_owned(),
        namespace: text(&["namespace", "name"]),
        description: text(&["description", "text"]),
        keywords: text(&["description", "keywords"])
            .split(',')
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect(),
        parallelism: work.plan.parallelism,
        dataset_url: work.plan.dataset_url.clone(),
    }
}
