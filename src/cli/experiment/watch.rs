//! Engine, platform and screen together, from the first event to the exit code.

use super::begin::Prepared;
use super::flags::{Args, Format, ThemeFlag};
use super::plans::Plans;
use super::{Exit, exit, headless, say, say_data};
use crate::engine::{
    CellStatus, Command, Engine, Handle, OpenError, State, StopMode, replay, stopped_at_first_error, summary,
};
use crate::logs::AppLog;
use crate::phase::{self, PhaseExecutor};
use crate::plan::SweepPlan;
use crate::platform::Platform;
use crate::platform::local::Local;
use crate::text::sanitize;
use crate::tui::{self, ThemeChoice};
use crate::workspace::Instance;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A sweep that is about to be opened.
pub(super) struct Sweep {
    pub(super) args: Args,
    pub(super) prepared: Prepared,
    pub(super) resumed: Option<Instance>,
    pub(super) root: PathBuf,
    pub(super) screen: bool,
    pub(super) app_log: AppLog,
}

impl Sweep {
    /// Run it to its end, or until it is stopped.
    pub(super) fn run(self) -> Result<u8, Exit> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Exit::new(
                    exit::ENVIRONMENT,
                    format!("cannot start the program's threads: {error}"),
                )
            })?;
        runtime.block_on(self.watch())
    }

    async fn watch(self) -> Result<u8, Exit> {
        let binary = std::env::current_exe().map_err(|error| {
            Exit::new(
                exit::ENVIRONMENT,
                format!("cannot find this program's own file, which simulates and generates load: {error}"),
            )
        })?;
        let plan = Arc::new(self.prepared.plan);
        preflight(&plan, &Instance::at(&self.root), &binary).await?;
        let opened = plan.opened();
        let engine = match &self.resumed {
            Some(instance) => Engine::resume(instance.clone(), opened),
            None => Engine::create(&self.root, opened, &self.prepared.inputs),
        }
        .map_err(|error| refused(&error))?;
        let instance = engine.instance().clone();
        if self.resumed.is_some() {
            instance
                .store_inputs(&self.prepared.inputs)
                .map_err(|error| Exit::new(exit::ENVIRONMENT, error.to_string()))?;
        }
        if let Err(error) = self.app_log.attach(&instance.log()) {
            say(&format!(
                "warning: cannot write the log {}: {error}",
                sanitize(&instance.log().display().to_string())
            ));
        }
        let platform: Arc<dyn Platform> = Arc::new(Local::new(&binary, &instance));
        let executor = Arc::new(PhaseExecutor::new(plan.clone(), &instance, platform, &binary));
        let handle = engine.start(executor, self.screen);
        let shown = if self.screen {
            on_screen(&handle, &instance, &self.args, self.app_log, plan).await
        } else {
            let journal = instance.journal();
            let before = move || {
                replay(&journal)
                    .map(|(_, records)| records)
                    .map_err(io::Error::other)
            };
            headless::watch(&handle, before, self.args.format)
                .await
                .map_err(|error| Exit::new(exit::ENVIRONMENT, format!("cannot print events: {error}")))
        };
        if shown.is_err() {
            // Nobody can watch or steer it any more. It ends cleanly, leaves nothing running, and can be resumed.
            handle.command(Command::Stop {
                mode: StopMode::Graceful,
            });
            // What is told to the operator is why nothing could be shown.
            let _ = handle.finished().await;
            return shown.map(|()| exit::ENVIRONMENT);
        }
        let state = handle
            .finished()
            .await
            .map_err(|error| Exit::new(exit::ENVIRONMENT, error.to_string()))?;
        if self.args.format == Format::Text {
            say_data(summary::text(&state, instance.path()).trim_end())?;
        }
        if work_left(&state) {
            say(&format!(
                "to go on: llmdbenchmark experiment --resume {}",
                sanitize(&instance.path().display().to_string())
            ));
        }
        Ok(code(&state))
    }
}

/// Everything that is missing on this machine, in one pass, before anything is made.
async fn preflight(plan: &SweepPlan, instance: &Instance, binary: &Path) -> Result<(), Exit> {
    let missing = phase::preflight(plan, instance, &Local::new(binary, instance)).await;
    if missing.is_empty() {
        return Ok(());
    }
    for failure in &missing {
        super::say_missing(failure);
    }
    Err(Exit::new(
        exit::ENVIRONMENT,
        "this machine cannot run the sweep; nothing was started",
    ))
}

fn refused(error: &OpenError) -> Exit {
    let code = match error {
        OpenError::OtherPlatform { .. } | OpenError::LiveAndEdited { .. } => exit::USAGE,
        _ => exit::ENVIRONMENT,
    };
    let text = match error {
        OpenError::Journal(journal) => format!("{error}; {}", journal.hint()),
        _ => error.to_string(),
    };
    Exit::new(code, text)
}

async fn on_screen(
    handle: &Handle,
    instance: &Instance,
    args: &Args,
    app_log: AppLog,
    plan: Arc<SweepPlan>,
) -> Result<(), Exit> {
    let (state, signals) = handle.subscribe();
    let commands = handle.commands();
    let session = tui::Session {
        instance: instance.path().to_owned(),
        state,
        signals,
        commands: Box::new(move |command| commands.send(command)),
        theme: match args.theme {
            ThemeFlag::Auto => ThemeChoice::Auto,
            ThemeFlag::Dark => ThemeChoice::Dark,
            ThemeFlag::Light => ThemeChoice::Light,
            ThemeFlag::Plain => ThemeChoice::Plain,
        },
        app_log,
        start: args.start,
        plans: Some(Arc::new(Plans(plan))),
    };
    tui::run(session)
        .await
        .map(drop)
        .map_err(|error| Exit::new(exit::ENVIRONMENT, error.to_string()))
}

fn any(state: &State, statuses: &[CellStatus]) -> bool {
    statuses.iter().any(|status| state.counts.of(*status) > 0)
}

fn work_left(state: &State) -> bool {
    any(
        state,
        &[CellStatus::Pending, CellStatus::Running, CellStatus::Interrupted],
    )
}

/// What the sweep amounts to. Cells that the operator skipped are no failures, and a sweep that stopped at its first
/// error did not succeed, rather than being interrupted.
fn code(state: &State) -> u8 {
    let unsuccessful = [
        CellStatus::Failed,
        CellStatus::Suspect,
        CellStatus::NotRun,
        CellStatus::Cancelled,
    ];
    if work_left(state) && !stopped_at_first_error(state) {
        exit::INTERRUPTED
    } else if work_left(state) || any(state, &unsuccessful) {
        exit::FAILED
    } else {
        exit::SUCCESS
    }
}
