//! `simulate`: the simulated model server. Accepts the flags of the servers it stands for, known or not.

use super::{exit, open_files};
use crate::disk::replace_file;
use crate::sim::config::{self, ArgumentsError, Config};
use crate::sim::server::{self, End, ServeError};
use crate::text::sanitize;
use std::ffi::OsString;
use std::io::Write;
use tokio::signal::unix::{SignalKind, signal};

/// Exit code of a server that crashed because it was told to.
const CRASHED: u8 = 70;

/// Arguments of `simulate`, read in a second pass because unknown ones are no errors here.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Flags of the server; `simulate --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
    flags: Vec<OsString>,
}

/// Serve until a signal comes.
pub(super) fn run(args: Args) -> u8 {
    let (flags, unknown) = match config::read(args.flags) {
        Ok(read) => read,
        Err(ArgumentsError::Usage(error)) => {
            // Nothing can be done about a closed stdout or stderr here; the exit code still tells.
            let _ = error.print();
            return if error.use_stderr() {
                exit::USAGE
            } else {
                exit::SUCCESS
            };
        }
        Err(error) => return refuse(&error),
    };
    let config = match Config::new(flags) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    for warning in unknown.iter().chain(&config.warnings) {
        say(&format!("warning: {warning}"));
    }
    match serve(config) {
        Ok(End::Stopped) => exit::SUCCESS,
        Ok(End::Crashed(after)) => {
            say(&format!(
                "error: SIMULATED crash after {after} requests (--crash-after)"
            ));
            CRASHED
        }
        Err(error) => {
            say(&format!("error: {error}"));
            exit::ENVIRONMENT
        }
    }
}

fn refuse(error: &dyn std::error::Error) -> u8 {
    for line in format!("error: {error}").lines() {
        say(line);
    }
    exit::USAGE
}

fn serve(config: Config) -> Result<End, ServeError> {
    open_files::raise();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let banner = config.clone();
        server::serve(config, |port| announce(&banner, port), stop).await
    })
}

/// Tell the port, to whoever reads the file and to whoever reads along.
fn announce(config: &Config, port: u16) -> Result<(), ServeError> {
    if let Some(path) = &config.flags.port_file {
        replace_file(path, format!("{port}\n").as_bytes()).map_err(|source| ServeError::PortFile {
            path: path.clone(),
            source,
        })?;
    }
    let roles: Vec<String> = config
        .roles
        .iter()
        .map(|role| {
            let engines = match role.data_parallelism {
                1 => String::new(),
                engines => format!(", DP {engines}"),
            };
            format!(
                "{} × {} (TP {}{engines})",
                role.replicas, role.role, role.tensor_parallelism
            )
        })
        .collect();
    say(&format!(
        "SIMULATED {} on http://{}:{port}: {}, time × {}",
        config.model(),
        config.flags.host,
        roles.join(" + "),
        config.flags.time_scale
    ));
    Ok(())
}

/// One line to stderr, which is the server's log.
fn say(line: &str) {
    // A log nobody can read any more is no reason to stop serving.
    let _ = writeln!(std::io::stderr(), "{}", sanitize(line));
}
