//! The local platform: stacks and harnesses are processes on this machine.
//!
//! A stack is one process, the simulated model server or a command of the scenario's own; a harness is a process too.
//! All of them are supervised (see [`supervisor`]), so they outlive the engine and the next one adopts them. Nothing
//! is remembered here: the folders tell what was started.
//!
//! ```text
//! <setup>/stack/<generation>/server/        the stack's process: its log, its records, `port`
//! <setup>/results/<experiment_id>_<i>/      a harness process: its log, its records, its results
//! ```

mod harness;
mod last_words;
mod server;
pub mod supervisor;

use super::{Platform, RunningStack, StackSpec};
use crate::engine::{Context, Failure, Health};
use crate::harness::{HarnessJob, JobExit};
use crate::plan::EffectiveConfig;
use crate::workspace::Instance;
use futures::future::{BoxFuture, FutureExt, join_all};
use std::path::{Path, PathBuf};
use std::time::Duration;
use supervisor::process::ProcessError;
use supervisor::{Folder, GRACE};
use tokio::sync::{RwLock, RwLockReadGuard};

/// Stacks and harnesses as processes on this machine.
#[derive(Debug)]
pub struct Local {
    /// This binary: supervisor, simulator and load generator.
    binary: PathBuf,
    /// Everything that is started lies in here.
    instance: Instance,
    /// Whether everything is to end. Starts hold it for reading, so that whatever was being started when the end came
    /// is there to be ended.
    abandoned: RwLock<bool>,
}

impl Local {
    /// The platform for one sweep. `binary` is this program; it supervises, simulates and generates load.
    pub fn new(binary: impl Into<PathBuf>, instance: &Instance) -> Self {
        Self {
            binary: binary.into(),
            instance: instance.absolute(),
            abandoned: RwLock::new(false),
        }
    }

    /// Leave to start something, as long as it is held.
    async fn may_start(&self) -> Result<RwLockReadGuard<'_, bool>, Failure> {
        let abandoned = self.abandoned.read().await;
        if *abandoned {
            return Err(Failure::new("the sweep was ended; nothing is started any more"));
        }
        Ok(abandoned)
    }

    /// Every folder in which a process may live.
    fn folders(&self) -> Vec<Folder> {
        let mut folders = Vec::new();
        for setup in children(self.instance.path(), "setup-treatment-") {
            for stack in children(&setup.join("stack"), "") {
                folders.push(server::folder(&stack));
            }
            folders.extend(children(&setup.join("results"), "").into_iter().map(Folder::at));
        }
        folders
    }
}

impl Platform for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn preflight<'a>(&'a self, specs: &'a [StackSpec], harness: &'a str) -> BoxFuture<'a, Vec<Failure>> {
        async move {
            let mut missing = Vec::new();
            if !self.binary.is_file() {
                missing.push(
                    Failure::new(format!("{} is not there any more", self.binary.display())).with_hint(
                        "it runs servers and load generators; put the program back, or start again",
                    ),
                );
            }
            missing.extend(crate::harness::missing_tool(harness));
            for spec in specs {
                if let Err(failure) = server::check(spec)
                    && !missing.contains(&failure)
                {
                    missing.push(failure);
                }
            }
            missing
        }
        .boxed()
    }

    fn standup<'a>(
        &'a self,
        spec: &'a StackSpec,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<RunningStack, Failure>> {
        async move {
            let leave = self.may_start().await?;
            server::start(&self.binary, spec).await?;
            drop(leave);
            server::log_seen(&self.instance, spec, context).await;
            server::ready(spec, context).await
        }
        .boxed()
    }

    fn health<'a>(&'a self, spec: &'a StackSpec, endpoint: &'a str) -> BoxFuture<'a, Health> {
        server::health(spec, endpoint).boxed()
    }

    fn effective<'a>(
        &'a self,
        spec: &'a StackSpec,
        endpoint: &'a str,
    ) -> BoxFuture<'a, Result<EffectiveConfig, Failure>> {
        server::effective(spec, endpoint).boxed()
    }

    fn launch<'a>(&'a self, job: &'a HarnessJob) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let _leave = self.may_start().await?;
            harness::launch(&self.binary, job).await
        }
        .boxed()
    }

    fn wait<'a>(
        &'a self,
        job: &'a HarnessJob,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<JobExit, Failure>> {
        async move {
            harness::logs_seen(&self.instance, job, context).await;
            harness::wait(job, context).await
        }
        .boxed()
    }

    fn collect<'a>(
        &'a self,
        _job: &'a HarnessJob,
        _context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        // The harness wrote where its results belong; the judge verifies them against their manifest.
        async { Ok(()) }.boxed()
    }

    fn reap<'a>(&'a self, job: &'a HarnessJob) -> BoxFuture<'a, Result<(), Failure>> {
        async move { end_all(job.folders.iter().map(Folder::at), Duration::ZERO).await }.boxed()
    }

    fn teardown<'a>(
        &'a self,
        spec: &'a StackSpec,
        _context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        async move { end_all([server::folder(&spec.folder)].into_iter(), GRACE).await }.boxed()
    }

    fn abandon(&self) -> BoxFuture<'_, ()> {
        async move {
            *self.abandoned.write().await = true;
            if let Err(failure) = end_all(self.folders().into_iter(), Duration::ZERO).await {
                tracing::error!("{}", failure.reason);
            }
        }
        .boxed()
    }
}

/// End every process of these folders that is not known to have ended, all at once.
async fn end_all(folders: impl Iterator<Item = Folder>, grace: Duration) -> Result<(), Failure> {
    let ends = folders.map(|folder| async move {
        match folder.exit() {
            Ok(Some(_)) => Ok(None),
            _ => folder.end(grace).await.map(|exit| exit.trouble),
        }
    });
    let mut failures = Vec::new();
    for end in join_all(ends).await {
        match end {
            Ok(None) => {}
            Ok(Some(trouble)) => failures.push(trouble),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "cannot end every process: {}",
            failures.join("; ")
        )))
    }
}

/// Folders in `folder` whose names begin with `prefix`.
fn children(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

/// A supervisor's complaint as a failure.
fn failed(error: &ProcessError) -> Failure {
    Failure::new(error.to_string())
}

/// `path` as the journal stores it: relative to the instance folder.
fn relative(instance: &Instance, path: &Path) -> String {
    path.strip_prefix(instance.path())
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}
