//! What a harness process does from its first line to its exit code: run the load generator, built-in or external,
//! then write metadata and reports, and last of all the manifest.

use super::builtin::collector::say;
use super::builtin::{self, Job, LoadError, profile};
use super::environment::Told;
use super::external::{self, ExternalError};
use super::manifest::{self, ManifestError};
use super::{files, metadata, tools};
use crate::report::context::Context;
use crate::report::convert::{self, Tool};
use crate::report::{self, ReportError};
use crate::yaml;
use jiff::Timestamp;
use serde_json::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code when the load generator ran and nothing came of it.
const NOTHING: u8 = 1;
/// Exit code when the profile cannot be run.
const REFUSED: u8 = 2;
/// Exit code when the server, the tool or the disk cannot be used.
const UNUSABLE: u8 = 3;

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Load generator.
    pub harness: String,
    /// Profile file.
    pub profile: PathBuf,
    /// Result folder; made if it is not there.
    pub results: PathBuf,
    /// What the environment tells.
    pub told: Told,
}

/// Why a harness process failed.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The profile file cannot be read.
    #[error("cannot read the profile {}: {problem}", path.display())]
    Profile {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// The built-in load generator cannot run this profile.
    #[error("{}: {source}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: profile::ProfileError,
    },
    /// The built-in load generator could not run.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// An external one could not run.
    #[error(transparent)]
    External(#[from] ExternalError),
    /// A result file that is not what its tool should have written.
    #[error("the result file {name} cannot be made into a report: {problem}")]
    Raw {
        /// The file.
        name: String,
        /// Why not.
        problem: String,
    },
    /// A report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The manifest cannot be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The result folder cannot be used, or the runtime cannot start.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ProcessError {
    fn code(&self) -> u8 {
        match self {
            Self::Profile { .. }
            | Self::Refused { .. }
            | Self::External(ExternalError::Unknown(_) | ExternalError::Profile) => REFUSED,
            Self::Raw { .. } => NOTHING,
            _ => UNUSABLE,
        }
    }
}

/// Run to the end; returns the exit code: 0 only if everything planned was done, 128 + signal when it was ended early.
pub fn run(options: &Options) -> u8 {
    let code = try_run(options).unwrap_or_else(|error| {
        say(&format!("error: {error}"));
        // For the judge; the log has it too, so failing to write it loses nothing.
        let _ = fs::write(options.results.join(files::ERROR), format!("{error}\n"));
        error.code()
    });
    if code != 0 {
        say(&format!("ended with exit code {code}"));
    }
    code
}

fn try_run(options: &Options) -> Result<u8, ProcessError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ProcessError::Io { path, source }
    };
    fs::create_dir_all(&options.results).map_err(io(&options.results))?;
    let profile = read_profile(&options.profile)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(io(&options.results))?;
    let code = runtime.block_on(attend(options, &profile));
    // Whatever still hangs (a name lookup, say) does not hold up the end.
    runtime.shutdown_background();
    code
}

fn read_profile(path: &Path) -> Result<Value, ProcessError> {
    let problem = |problem: String| ProcessError::Profile {
        path: path.to_owned(),
        problem,
    };
    let text = fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
    yaml::from_str(&text)
        .map_err(|finding| problem(format!("line {}: {}", finding.span.line, finding.message)))
}

/// Cancels on the first SIGTERM, SIGINT or SIGHUP, and remembers which.
fn watch_signals() -> io::Result<(CancellationToken, Arc<AtomicU8>)> {
    let cancel = CancellationToken::new();
    let caught = Arc::new(AtomicU8::new(0));
    for (kind, number) in [
        (SignalKind::terminate(), 15),
        (SignalKind::interrupt(), 2),
        (SignalKind::hangup(), 1),
    ] {
        let mut stream = signal(kind)?;
        let (cancel, caught) = (cancel.clone(), Arc::clone(&caught));
        tokio::spawn(async move {
            if stream.recv().await.is_some() {
                caught.store(number, Ordering::Relaxed);
                cancel.cancel();
            }
        });
    }
    Ok((cancel, caught))
}

async fn attend(options: &Options, profile: &Value) -> Result<u8, ProcessError> {
    let (cancel, caught) = watch_signals().map_err(|source| ProcessError::Io {
        path: options.results.clone(),
        source,
    })?;
    let start = Timestamp::now();
    let mut code = load(options, profile, &cancel).await?;
    let signal = caught.load(Ordering::Relaxed);
    if signal != 0 {
        say(&format!("ended early by signal {signal}; writing what there is"));
        code = 128 + signal;
    }
    finish(options, profile, code, start, Timestamp::now())?;
    Ok(code)
}

/// Run the load generator; returns the exit code that its own end deserves.
async fn load(options: &Options, profile: &Value, cancel: &CancellationToken) -> Result<u8, ProcessError> {
    if options.harness == tools::NOP {
        say("harness nop: no load is sent");
        return Ok(0);
    }
    if options.harness != tools::BUILTIN {
        let seed = Timestamp::now().as_second().unsigned_abs();
        let words = external::arguments(&options.harness, profile, &options.results, &options.told, seed)?;
        say(&format!("running {}", crate::logs::redact(&words.join(" "))));
        let status = external::run(&words, &options.results, cancel).await?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        return Ok(code.unwrap_or(NOTHING));
    }
    let read = profile::read(profile).map_err(|source| ProcessError::Refused {
        path: options.profile.clone(),
        source,
    })?;
    for warning in &read.warnings {
        say(&format!("warning: {warning}"));
    }
    let done = builtin::run(&Job {
        workload: &read.workload,
        folder: &options.results,
        endpoint: options.told.endpoint.clone(),
        model: options.told.model.clone(),
        name: process_name(options),
        simulated: options.told.stack.as_ref().is_some_and(|stack| stack.simulated),
        cancel: cancel.clone(),
    })
    .await?;
    if done.client_bound {
        say(
            "warning: client-bound: this load generator sent requests late; lower the rate, or give it more CPU",
        );
    }
    let planned = read.workload.requests();
    let complete = planned.is_none_or(|planned| done.ended == planned) && done.completed > 0;
    Ok(if complete { 0 } else { NOTHING })
}

/// The result folder's name: the experiment id and the number of the process.
fn process_name(options: &Options) -> String {
    let folder = options
        .results
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    folder
        .or_else(|| options.told.experiment_id.clone())
        .unwrap_or_else(|| "run".to_owned())
}

fn finish(
    options: &Options,
    profile: &Value,
    code: u8,
    start: Timestamp,
    stop: Timestamp,
) -> Result<(), ProcessError> {
    let version = if matches!(options.harness.as_str(), tools::BUILTIN | tools::NOP) {
        env!("CARGO_PKG_VERSION")
    } else {
        "unknown"
    };
    let file_name = options
        .profile
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let workload = options.told.workload.clone().or(file_name).unwrap_or_default();
    let facts = metadata::Facts {
        harness: &options.harness,
        version,
        workload: &workload,
        code,
        start,
        stop,
    };
    metadata::write(&options.results, &facts, &options.told).map_err(|source| ProcessError::Io {
        path: options.results.join(metadata::FILE),
        source,
    })?;
    let tool = Tool {
        name: options.harness.clone(),
        version: version.to_owned(),
    };
    let reports = write_reports(options, profile, &tool, &context(options, start, stop));
    if code == 0 {
        reports?;
    } else if let Err(error) = reports {
        // Half a run may leave half a file; the exit code is what counts then.
        say(&format!("warning: {error}"));
    }
    manifest::seal(&options.results)?;
    Ok(())
}

fn context(options: &Options, start: Timestamp, end: Timestamp) -> Context {
    let told = &options.told;
    Context {
        experiment_id: told
            .experiment_id
            .clone()
            .unwrap_or_else(|| process_name(options)),
        endpoint: told.endpoint.clone().unwrap_or_default(),
        namespace: told.namespace.clone(),
        pod: told.pod.clone(),
        description: told.description.clone(),
        keywords: told.keywords.clone(),
        stack: told.stack.clone(),
        start,
        end,
    }
}

/// One report for each raw file; a file with several benchmarks gets one for each, numbered.
fn write_reports(
    options: &Options,
    profile: &Value,
    tool: &Tool,
    context: &Context,
) -> Result<(), ProcessError> {
    let Some(source) = tools::source(&options.harness, profile) else {
        return Ok(());
    };
    for path in raw_files(&options.results, source, 2)? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let raw = |problem: String| ProcessError::Raw {
            name: name.clone(),
            problem,
        };
        let text = fs::read(&path).map_err(|error| raw(error.to_string()))?;
        let value: Value = serde_json::from_slice(&text).map_err(|error| raw(error.to_string()))?;
        let all = convert::convert(source, &value, profile, &name).map_err(|error| raw(error.to_string()))?;
        let several = all.len() > 1;
        for (at, mut numbers) in all.into_iter().enumerate() {
            numbers.load.parallelism = Some(options.told.parallelism.max(1));
            let report = convert::report(numbers, tool, context, profile);
            let stem = name.strip_suffix(".json").unwrap_or(&name);
            let named = if several {
                format!("{stem}_{at}.json")
            } else {
                name.clone()
            };
            report::write(&options.results, &named, &report)?;
        }
    }
    Ok(())
}

/// The raw files in `folder`, some tools putting them into a folder of their own, in order.
fn raw_files(folder: &Path, source: convert::Source, depth: u8) -> Result<Vec<PathBuf>, ProcessError> {
    let io = |source| ProcessError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && depth > 0 {
            found.extend(raw_files(&path, source, depth - 1)?);
        } else if path.is_file() && tools::is_raw(source, &name) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
