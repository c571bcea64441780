//! `simulate`: the simulated model server. Accepts the flags of the servers it stands for, known or not.

use super::exit;
use crate::sim::config::{Config, Flags};
use crate::sim::server::{self, End, ServeError};
use crate::text::sanitize;
use clap::{ArgAction, Command, CommandFactory, Parser};
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
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
    let (known, unknown) = split_unknown(&Flags::command(), args.flags);
    for flag in unknown {
        say(&format!(
            "warning: the simulator has no flag {flag}; it does nothing here"
        ));
    }
    let flags = match Flags::try_parse_from(std::iter::once(OsString::from("simulate")).chain(known)) {
        Ok(flags) => flags,
        Err(error) => {
            // Nothing can be done about a closed stdout or stderr here; the exit code still tells.
            let _ = error.print();
            return if error.use_stderr() {
                exit::USAGE
            } else {
                exit::SUCCESS
            };
        }
    };
    let config = match Config::new(flags) {
        Ok(config) => config,
        Err(error) => {
            say(&format!("error: {error}"));
            return exit::USAGE;
        }
    };
    for warning in &config.warnings {
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

fn serve(config: Config) -> Result<End, ServeError> {
    raise_open_files();
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
        write_whole(path, &format!("{port}\n")).map_err(|source| ServeError::PortFile {
            path: path.clone(),
            source,
        })?;
    }
    let roles: Vec<String> = config
        .roles
        .iter()
        .map(|role| {
            format!(
                "{} × {} (TP {})",
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

/// Write a file so that a reader sees all of it or none.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(name);
    std::fs::write(&temporary, text)?;
    std::fs::rename(&temporary, path)
}

/// A thousand streams are a thousand open files, and many systems start with a limit of 1024.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it is refused the server runs with what there is, and accepts fewer connections at once.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
}

/// One line to stderr, which is the server's log.
fn say(line: &str) {
    // A log nobody can read any more is no reason to stop serving.
    let _ = writeln!(std::io::stderr(), "{}", sanitize(line));
}

/// Divide arguments into those the simulator has, spelled its way, and the names of flags it has not.
fn split_unknown(command: &Command, arguments: Vec<OsString>) -> (Vec<OsString>, Vec<String>) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        if !text.starts_with('-') {
            // The value of the flag before it: a flag without its value is clap's to refuse.
            known.push(argument);
            continue;
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text.as_ref(), None),
        };
        let name = name.replace('_', "-");
        let found = name.strip_prefix("--").and_then(|long| {
            command.get_arguments().find(|flag| {
                flag.get_long() == Some(long) || flag.get_all_aliases().is_some_and(|all| all.contains(&long))
            })
        });
        if found.is_some() || matches!(name.as_str(), "--help" | "-h") {
            let spelled = value.map_or(name.clone(), |value| format!("{name}={value}"));
            known.push(spelled.into());
            let takes_value = found.is_some_and(|flag| {
                matches!(flag.get_action(), ArgAction::Set | ArgAction::Append)
                    && !flag.is_require_equals_set()
            });
            if takes_value && value.is_none() {
                known.extend(arguments.next());
            }
        } else {
            // What follows an unknown flag and is no flag is its value.
            while arguments
                .next_if(|next| !next.to_string_lossy().starts_with('-'))
                .is_some()
            {}
            unknown.push(name);
        }
    }
    (known, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> (String, Vec<String>) {
        let arguments = line.split(' ').map(OsString::from).collect();
        let (known, unknown) = split_unknown(&Flags::command(), arguments);
        let known: Vec<String> = known
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect();
        (known.join(" "), unknown)
    }

    #[test]
    fn unknown_flags_go_with_their_values_and_known_ones_stay() {
        let (known, unknown) = split(
            "--model m-8B --trust-remote-code --dtype auto --max_num_seqs 5 --kv-transfer-config={\"a\":1} --seed 3",
        );
        assert_eq!(known, "--model m-8B --max-num-seqs 5 --seed 3");
        assert_eq!(
            unknown,
            ["--trust-remote-code", "--dtype", "--kv-transfer-config"]
        );
    }

    #[test]
    fn several_values_and_aliases_are_known() {
        let (known, unknown) = split(
            "--served-model-name a b --enable-kvcache --num-gpu-blocks-override 9 --failure-types rate_limit",
        );
        assert_eq!(
            known,
            "--served-model-name a b --enable-kvcache --num-gpu-blocks-override 9 --failure-types rate_limit"
        );
        assert!(unknown.is_empty());
        assert!(Flags::try_parse_from(std::iter::once("simulate").chain(known.split(' '))).is_ok());
    }
}
