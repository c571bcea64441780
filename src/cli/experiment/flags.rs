//! The flags of `experiment`: names, short names and environment variables of llm-d-benchmark, and a few of ours.
//!
//! What a sweep is made from ([`InputFlags`]) is kept in the instance, so that a resume needs no flags; how it is
//! watched ([`Args`]) is not.

use super::super::flags::{PlanFlags, TelemetryFlags, switch};
use clap::{ArgAction, ValueEnum};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::path::PathBuf;

const INPUT: &str = "What to run";
const POLICY: &str = "How to go on after failures";
const WATCH: &str = "How to watch";
const CLUSTER: &str = "Cluster (no effect on the local platform)";
/// Arguments of `experiment`.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line, independent of the others"
)]
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(super) inputs: InputFlags,
    /// Folder that holds one instance folder per sweep [default: workDir of the scenario, else ./workspaces]
    #[arg(long, visible_alias = "ws", value_name = "DIR", env = "LLMDBENCH_WORKSPACE", help_heading = INPUT)]
    pub(super) workspace: Option<PathBuf>,
    /// Go on with a sweep: its instance folder, or a workspace and then its latest
    #[arg(long, value_name = "DIR", help_heading = INPUT)]
    pub(super) resume: Option<PathBuf>,
    /// Show what would run, and run nothing
    #[arg(short = 'n', long, env = "LLMDBENCH_DRY_RUN", action = ArgAction::SetTrue, value_parser = switch, help_heading = INPUT)]
    pub(super) dry_run: bool,
    /// Start at once, without waiting for the operator
    #[arg(long, help_heading = WATCH)]
    pub(super) start: bool,
    /// Print one line per event instead of opening the screen
    #[arg(long, help_heading = WATCH)]
    pub(super) headless: bool,
    /// What to print: readable lines, or the events as JSON lines (implies --headless)
    #[arg(long, value_enum, default_value = "text", help_heading = WATCH)]
    pub(super) format: Format,
    /// Colours of the screen
    #[arg(long, value_enum, default_value = "auto", env = "LLMDBENCHMARK_THEME", help_heading = WATCH)]
    pub(super) theme: ThemeFlag,
    /// Log more
    #[arg(short = 'v', long, env = "LLMDBENCH_VERBOSE", action = ArgAction::SetTrue, value_parser = switch, help_heading = WATCH)]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) cluster: ClusterFlags,
}

/// What a sweep is made from. Kept in its instance, without secrets: they are refused.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line, independent of the others"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct InputFlags {
    #[command(flatten)]
    #[serde(flatten)]
    pub(super) plan: PlanFlags,
    /// What to vary: an experiment file; a bare name is looked for in experiments/, then among the embedded ones
    #[arg(short = 'e', long, value_name = "FILE", env = "LLMDBENCH_EXPERIMENTS", help_heading = INPUT)]
    pub(super) experiments: Option<String>,
    /// Where stacks and harnesses live
    #[arg(long, value_enum, help_heading = INPUT)]
    pub(super) platform: Option<PlatformFlag>,
    /// Load generator: builtin, inference-perf, vllm-benchmark, guidellm, aiperf
    #[arg(short = 'l', long, value_name = "NAME", env = "LLMDBENCH_HARNESS", help_heading = INPUT)]
    pub(super) harness: Option<String>,
    /// Workload profile: a name among those of the harness, or a file
    #[arg(short = 'w', long, value_name = "NAME", env = "LLMDBENCH_WORKLOAD", help_heading = INPUT)]
    pub(super) workload: Option<String>,
    /// Values to set in every workload profile, on top of the treatments: key=value,…
    #[arg(short = 'o', long, value_name = "K=V,...", env = "LLMDBENCH_OVERRIDES", hide_env_values = true, help_heading = INPUT)]
    pub(super) overrides: Option<String>,
    /// Identical harness processes per cell
    #[arg(short = 'j', long, value_name = "N", env = "LLMDBENCH_PARALLELISM", help_heading = INPUT)]
    pub(super) parallelism: Option<NonZeroU32>,
    /// Dataset for the workload profile
    #[arg(short = 'x', long, value_name = "URL", env = "LLMDBENCH_DATASET", help_heading = INPUT)]
    pub(super) dataset: Option<String>,
    /// Seconds a cell may take; 0 waits for ever [default: harness.waitTimeout of the configuration]
    #[arg(long, value_name = "SECONDS", env = "LLMDBENCH_WAIT_TIMEOUT", help_heading = INPUT)]
    pub(super) wait_timeout: Option<u64>,
    /// End the sweep at the first failed setup treatment or cell
    #[arg(long, help_heading = POLICY)]
    pub(super) stop_on_error: bool,
    /// Leave the stacks up
    #[arg(long, help_heading = POLICY)]
    pub(super) skip_teardown: bool,
    /// Attempts a cell gets [default: the experiment file's, else 1]
    #[arg(long, value_name = "N", env = "LLMDBENCH_TREATMENT_MAX_ATTEMPTS", help_heading = POLICY)]
    pub(super) treatment_max_attempts: Option<NonZeroU32>,
    /// Stop a row at its first cell that has no attempt left
    #[arg(long, help_heading = POLICY)]
    pub(super) treatment_stop_on_error: bool,
    /// A failed request fails its cell, whatever the profile allows
    #[arg(long, help_heading = POLICY)]
    pub(super) validate_failures: bool,
}

/// Flags of llm-d-benchmark that speak of a cluster: accepted, so that a command line can be rehearsed as it is.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line, independent of the others"
)]
#[derive(Debug, clap::Args)]
pub(super) struct ClusterFlags {
    /// Where results go besides the workspace: local (nowhere else), gs://… or s3://…
    #[arg(short = 'r', long, value_name = "WHERE", env = "LLMDBENCH_OUTPUT", value_parser = place, help_heading = CLUSTER)]
    output: Option<String>,
    /// Let harness pods sleep, to look into them
    #[arg(short = 'd', long, env = "LLMDBENCH_DEBUG", action = ArgAction::SetTrue, value_parser = switch, help_heading = CLUSTER)]
    debug: bool,
    /// Stacks to deploy at a time
    #[arg(long, value_name = "N", env = "LLMDBENCH_PARALLEL", help_heading = CLUSTER)]
    parallel: Option<NonZeroU32>,
    /// Seconds to wait for access to the results volume
    #[arg(long, value_name = "SECONDS", env = "LLMDBENCH_DATA_ACCESS_TIMEOUT", help_heading = CLUSTER)]
    data_access_timeout: Option<u64>,
    /// Collect results as one stream
    #[arg(long, env = "LLMDBENCH_FAST_COLLECT", action = ArgAction::SetTrue, value_parser = switch, help_heading = CLUSTER)]
    fast_collect: bool,
    #[command(flatten)]
    telemetry: TelemetryFlags,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Lines for people.
    Text,
    /// The records of the journal, one JSON object a line.
    Json,
}

/// Where stacks and harnesses live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PlatformFlag {
    /// This machine: the simulator, or the command the scenario gives.
    Local,
}

/// Colours of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ThemeFlag {
    /// By the environment: `NO_COLOR`, `COLORFGBG`, else dark.
    Auto,
    /// For dark backgrounds.
    Dark,
    /// For light backgrounds.
    Light,
    /// No colours.
    Plain,
}

/// Where results may go, as llm-d-benchmark names it.
fn place(text: &str) -> Result<String, &'static str> {
    if text == "local" || ["gs://", "s3://"].iter().any(|scheme| text.starts_with(scheme)) {
        Ok(text.to_owned())
    } else {
        Err("write local, gs://BUCKET/FOLDER or s3://BUCKET/FOLDER")
    }
}

impl InputFlags {
    /// These flags over those a sweep was begun with: what is given now wins.
    pub(super) fn over(self, begun: Self) -> Self {
        Self {
            plan: self.plan.over(begun.plan),
            experiments: self.experiments.or(begun.experiments),
            platform: self.platform.or(begun.platform),
            harness: self.harness.or(begun.harness),
            workload: self.workload.or(begun.workload),
            overrides: self.overrides.or(begun.overrides),
            parallelism: self.parallelism.or(begun.parallelism),
            dataset: self.dataset.or(begun.dataset),
            wait_timeout: self.wait_timeout.or(begun.wait_timeout),
            stop_on_error: self.stop_on_error || begun.stop_on_error,
            skip_teardown: self.skip_teardown || begun.skip_teardown,
            treatment_max_attempts: self.treatment_max_attempts.or(begun.treatment_max_attempts),
            treatment_stop_on_error: self.treatment_stop_on_error || begun.treatment_stop_on_error,
            validate_failures: self.validate_failures || begun.validate_failures,
        }
    }
}

impl ClusterFlags {
    /// The flags that were given and have no effect on the local platform, as the user writes them.
    pub(super) fn without_effect(&self) -> Vec<&'static str> {
        let elsewhere = self.output.as_deref().is_some_and(|place| place != "local");
        [
            (elsewhere, "--output (results stay in the workspace)"),
            (self.debug, "--debug"),
            (self.parallel.is_some(), "--parallel"),
            (self.data_access_timeout.is_some(), "--data-access-timeout"),
            (self.fast_collect, "--fast-collect"),
            (self.telemetry.given(), "--telemetry-… (nothing is reported)"),
        ]
        .into_iter()
        .filter_map(|(given, name)| given.then_some(name))
        .collect()
    }
}
