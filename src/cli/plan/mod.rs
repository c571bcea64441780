//! `plan`: what each setup treatment would put on a cluster, written down and told, before anything is deployed.
//!
//! | file | its part |
//! | --- | --- |
//! | `contents` | what is told of a plan, as plain data |
//! | `overview` | the same in lines for people |
//! | `write` | the plan's files on disk |
//! | `explain` | which layer set a value |
//! | `differ` | how two setup treatments, or two stacks, differ |

mod contents;
mod differ;
mod explain;
mod overview;
mod write;

use super::exit::{self, Exit};
use super::flags::{PlanFlags, TelemetryFlags, switch};
use super::output::{colored, say_data};
use super::planning;
use crate::logs::{self, Output};
use crate::plan::{self, Cluster, PlatformKind, Request, SetupPlan, SweepPlan};
use crate::platform::kubernetes::facts;
use crate::text::escape_json;
use clap::{ArgAction, ValueEnum};
use contents::Contents;
use serde::Serialize;
use serde_json::Value;
use std::io;
use std::path::PathBuf;

const WHAT: &str = "What to do with the plan";

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    plan: PlanFlags,
    /// Plan every setup treatment of an experiment file; without it, the spec as it is
    #[arg(short = 'e', long, value_name = "FILE", help_heading = WHAT)]
    experiments: Option<String>,
    /// Folder that holds one instance folder per plan [default: workDir of the scenario, else ./workspaces]
    #[arg(long, visible_alias = "ws", value_name = "DIR", env = "LLMDBENCH_WORKSPACE", help_heading = WHAT)]
    workspace: Option<PathBuf>,
    /// Ask no cluster and no registry: what only they know stays `auto`. The plan is written all the same
    #[arg(short = 'n', long, env = "LLMDBENCH_DRY_RUN", action = ArgAction::SetTrue, value_parser = switch, help_heading = WHAT)]
    dry_run: bool,
    /// Say which layers set the value of a key, and where; write nothing
    #[arg(long, value_name = "KEY", conflicts_with = "diff", help_heading = WHAT)]
    explain: Option<String>,
    /// Say how two setup treatments (without -e: two stacks) differ; write nothing
    #[arg(long, num_args = 2, value_names = ["A", "B"], help_heading = WHAT)]
    diff: Vec<String>,
    /// What to print: readable lines, or one JSON document
    #[arg(long, value_enum, default_value = "text", help_heading = WHAT)]
    format: Format,
    /// Log more
    #[arg(short = 'v', long, env = "LLMDBENCH_VERBOSE", action = ArgAction::SetTrue, value_parser = switch, help_heading = WHAT)]
    verbose: bool,
    #[command(flatten)]
    telemetry: TelemetryFlags,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people.
    Text,
    /// One JSON document.
    Json,
}

/// Plan; returns the process's exit code.
pub(super) fn run(args: &Args) -> u8 {
    match execute(args) {
        Ok(()) => exit::SUCCESS,
        Err(exit) => exit.told(),
    }
}

fn execute(args: &Args) -> Result<(), Exit> {
    let output = if args.verbose {
        Output::Verbose
    } else {
        Output::Stderr
    };
    logs::init(output).map_err(|error| Exit::new(exit::USAGE, error.to_string()))?;
    let plan = make(request(args)?, args)?;
    if let Some(key) = &args.explain {
        return explain::run(&plan, key, args.format);
    }
    if let [a, b] = args.diff.as_slice() {
        return differ::run(&plan, a, b, args.format);
    }
    let setups: Vec<&SetupPlan> = plan.setups.iter().collect();
    let rendered = planning::rendered(&plan, &setups)?;
    let root = planning::workspace(args.workspace.as_deref(), &plan);
    let instance = write::write(&root, &plan, &rendered, args.experiments.is_some())?;
    // Lines for people tell the others by what is different about them.
    let in_full = match args.format {
        Format::Json => rendered.len(),
        Format::Text => 1,
    };
    let contents = Contents::of(&plan, rendered.iter().take(in_full), &instance);
    match args.format {
        Format::Json => print_json(&contents),
        Format::Text => say_data(overview::text(&contents, &rendered, colored(&io::stdout())).trim_end()),
    }
}

/// The plan, with what its cluster knows if the plan needs that and may ask.
fn make(mut request: Request, args: &Args) -> Result<SweepPlan, Exit> {
    let open = |plan: &SweepPlan| {
        let stacks = plan.stacks();
        let of = |setup| {
            stacks
                .iter()
                .flat_map(move |stack| plan.resolved(setup, stack).unresolved)
        };
        plan.setups.iter().flat_map(of).any(|one| one.needs_cluster())
    };
    let mut made = plan::make(&request);
    if !args.dry_run && made.as_ref().is_ok_and(open) {
        request.cluster = ask(args);
        made = plan::make(&request);
    }
    planning::told(made)
}

/// What the cluster says, or why it says nothing: a plan is made all the same.
fn ask(args: &Args) -> Cluster {
    let kubeconfig = args.plan.kubeconfig.as_deref().map(planning::expanded);
    match facts(kubeconfig) {
        Ok(facts) => Cluster::Known(facts),
        Err(reason) => Cluster::Silent(reason.to_string()),
    }
}

fn request(args: &Args) -> Result<Request, Exit> {
    let cwd = planning::current_folder()?;
    let flags = args.plan.clone().absolute(&cwd);
    let set = flags.set.iter().map(|value| ("--set", value));
    let mut request = if let Some(name) = &args.experiments {
        let source = planning::experiment(name, &cwd)?;
        planning::refuse_secrets(set, Some(&source))?;
        let design = planning::design(&source)?;
        flags.request(source, design, cwd)?
    } else {
        planning::refuse_secrets(set, None)?;
        let nothing = Request::without_experiment("");
        flags.request(nothing.source, nothing.design, cwd)?
    };
    request.platform = PlatformKind::Kubernetes;
    Ok(request)
}

/// One JSON document on stdout, without anything that a terminal would act on.
fn print_json(value: &impl Serialize) -> Result<(), Exit> {
    // Texts, numbers and lists of them are always JSON.
    let json = serde_json::to_string_pretty(value).unwrap_or_default();
    let lines: Vec<_> = json.lines().map(escape_json).collect();
    say_data(&lines.join("\n"))
}

/// A value as one line: a text that needs no quotes as it is, everything else as JSON, which is YAML too.
fn in_one_line(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && !text.chars().any(char::is_control) => text.clone(),
        value => value.to_string(),
    }
}
