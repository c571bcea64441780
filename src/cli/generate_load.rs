//! `generate-load`: what a harness process is.

use super::open_files;
use crate::harness::process::{self, Options};
use crate::harness::{BUILTIN, environment};
use std::path::PathBuf;

/// Arguments of `generate-load`. The rest comes from the environment, by the contract of harness processes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The rendered workload profile
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    results: PathBuf,
    /// The load generator to run
    #[arg(long, value_name = "NAME", default_value = BUILTIN)]
    harness: String,
}

/// Run the load generator to its end.
pub(super) fn run(args: Args) -> u8 {
    open_files::raise();
    process::run(&Options {
        harness: args.harness,
        profile: args.profile,
        results: args.results,
        told: environment::read(|name| std::env::var(name).ok()),
    })
}
