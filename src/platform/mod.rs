//! Platforms: where stacks and harnesses live. Coarse verbs, named after what the operator sees; how they are done is
//! the platform's own business.
//!
//! All verbs are idempotent by name (see [`crate::engine::Executor`]): a platform finds what an earlier engine left
//! under the same reference and adopts it.

pub mod kubernetes;
pub mod local;

use crate::engine::{Context, Failure, Health, StackRef};
use crate::harness::{HarnessJob, JobExit};
use crate::plan::EffectiveConfig;
use futures::future::BoxFuture;
use serde_json::Value;
use std::path::PathBuf;

/// What a stack is to be: resolved config plus where its files go.
#[derive(Debug, Clone)]
pub struct StackSpec {
    /// Its name on the platform.
    pub stack: StackRef,
    /// The setup treatment's name.
    pub setup_name: String,
    /// The resolved config of the setup treatment.
    pub config: Value,
    /// Folder for its process files and logs; exists.
    pub folder: PathBuf,
}

/// A running stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningStack {
    /// Base URL, without a trailing slash.
    pub endpoint: String,
}

/// Where stacks and harnesses live.
pub trait Platform: Send + Sync + 'static {
    /// `local` or `kubernetes`.
    fn name(&self) -> &'static str;

    /// Everything that is missing on this machine or cluster, in one pass; empty when all is there.
    fn preflight<'a>(&'a self, specs: &'a [StackSpec], harness: &'a str) -> BoxFuture<'a, Vec<Failure>>;

    /// Bring a stack up and wait until it answers.
    fn standup<'a>(
        &'a self,
        spec: &'a StackSpec,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<RunningStack, Failure>>;

    /// Quick look at a running stack.
    fn health<'a>(&'a self, spec: &'a StackSpec, endpoint: &'a str) -> BoxFuture<'a, Health>;

    /// What the stack really is.
    fn effective<'a>(
        &'a self,
        spec: &'a StackSpec,
        endpoint: &'a str,
    ) -> BoxFuture<'a, Result<EffectiveConfig, Failure>>;

    /// Start the job's processes, or find those already started under its name. The intent is on record.
    fn launch<'a>(&'a self, job: &'a HarnessJob) -> BoxFuture<'a, Result<(), Failure>>;

    /// Wait until all the job's processes ended; on cancellation end them first.
    fn wait<'a>(
        &'a self,
        job: &'a HarnessJob,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<JobExit, Failure>>;

    /// Bring results to disk, verified. On the local platform they are there already.
    fn collect<'a>(
        &'a self,
        job: &'a HarnessJob,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// Remove what is left of the job's processes, whatever their condition. Result folders stay.
    fn reap<'a>(&'a self, job: &'a HarnessJob) -> BoxFuture<'a, Result<(), Failure>>;

    /// Take a stack down, or what is left of it.
    fn teardown<'a>(
        &'a self,
        spec: &'a StackSpec,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// End everything under these folders at once.
    fn abandon(&self) -> BoxFuture<'_, ()>;
}
