//! `completions SHELL`: completion scripts, generated from the same definitions that parse.

use super::{Cli, exit};
use clap::CommandFactory;
use std::io::Write;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell to complete in
    shell: clap_complete::Shell,
}

/// Print the script to stdout.
pub(super) fn run(args: &Args) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "llmdbenchmark", &mut script);
    match std::io::stdout().write_all(&script) {
        Ok(()) => exit::SUCCESS,
        // A closed pipe (`| head`) is the reader's choice, not a failure of ours.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => exit::SUCCESS,
        Err(_) => exit::ENVIRONMENT,
    }
}
