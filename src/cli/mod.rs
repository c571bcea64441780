//! The command line: definitions, and the way from arguments to library calls and exit codes.
//!
//! One file per subcommand. Flags are named as in llm-d-benchmark, short names included, may be abbreviated to a
//! unique prefix, and may stand before or after the subcommand (see `args.rs`).

mod args;
mod completions;
mod environment;
pub mod exit;
mod experiment;
mod flags;
mod generate_load;
mod open_files;
mod output;
mod plan;
mod planning;
mod simulate;
mod validate;

use crate::platform::local::supervisor;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;

/// Run Design-of-Experiments sweeps over LLM serving stacks, and watch and steer them from the terminal.
#[derive(Debug, Parser)]
#[command(
    name = "llmdbenchmark",
    version,
    infer_long_args = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an experiment: every setup treatment with every run treatment
    Experiment(Box<experiment::Args>),
    /// Write down what an experiment would deploy, and say what differs and why
    Plan(Box<plan::Args>),
    /// Check experiment files and say everything that is wrong with them
    Validate(validate::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Run a load generator against a stack, and leave its results in a folder
    #[command(hide = true)]
    GenerateLoad(generate_load::Args),
    /// Serve a simulated model
    #[command(hide = true, disable_help_flag = true)]
    Simulate(simulate::Args),
    /// Run a program so that it outlives the engine
    #[command(hide = true)]
    Supervise(supervisor::Args),
}

/// Parse `arguments` (with the program name first) and do what they say; returns the process's exit code.
pub fn run(arguments: Vec<OsString>) -> u8 {
    let mut command = environment::without_empty(Cli::command());
    let arguments = args::flags_after_subcommand(&command, arguments);
    let subcommand = arguments.get(1).cloned();
    let cli = match command
        .try_get_matches_from_mut(arguments)
        .and_then(|m| Cli::from_arg_matches(&m))
    {
        Ok(cli) => cli,
        Err(mut error) => {
            if let Some(subcommand) = subcommand.and_then(|name| command.find_subcommand(name)) {
                environment::tell_source(subcommand, &mut error);
                args::tell_ambiguous(subcommand, &mut error);
            }
            // Nothing can be done about a closed stdout or stderr here; the exit code still tells.
            let _ = error.print();
            return if error.use_stderr() {
                exit::USAGE
            } else {
                exit::SUCCESS
            };
        }
    };
    match cli.command {
        Command::Experiment(args) => experiment::run(*args),
        Command::Plan(args) => plan::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::GenerateLoad(args) => generate_load::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Supervise(args) => supervisor::run(&args),
    }
}
