//! Where everything of a sweep lies on disk. One place computes paths, so that writers and readers agree.
//!
//! The layout is the reference's (one instance folder per sweep under a root, a `latest` link, one
//! `setup-treatment-<name>` folder per setup), with our journal beside its summary:
//!
//! ```text
//! <root>/latest -> <user>-<YYYYmmdd-HHMMSS-mmm>        the latest sweep
//! <root>/latest-plan -> <user>-<YYYYmmdd-HHMMSS-mmm>   the latest plan, which has no journal
//! <root>/<instance>/
//!   journal.jsonl  lock  experiment-summary.yaml
//!   plan/                          experiment file and spec as they were read
//!   logs/llmdbenchmark.log         the application's own log
//!   setup-treatment-<name>/
//!     plan/<stack>/config.yaml     the resolved config
//!     stack/<generation>/          the local stack's process files, one folder per standup
//!     workload/profiles/<harness>/ rendered profiles
//!     results/<experiment_id>_<i>/ what harness process i of one attempt left
//! ```
//!
//! Journals store paths relative to the instance, so a copied workspace can be resumed elsewhere.

mod create;
mod find;
mod lock;

pub use create::{CreateError, Input, create};
pub use find::{FindError, find_instance, unfinished};
pub use lock::{Holder, Lock, LockError};

use std::path::{Path, PathBuf};

/// The instance folder of one sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    root: PathBuf,
}

impl Instance {
    /// The instance at `folder`; nothing is created or checked.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { root: folder.into() }
    }

    /// The same instance by an absolute path: processes that are started for it run in other folders.
    #[must_use]
    pub fn absolute(&self) -> Self {
        // Fails only for an empty path, or where the current folder is gone; then nothing in it works anyway.
        Self::at(std::path::absolute(&self.root).unwrap_or_else(|_| self.root.clone()))
    }

    /// The instance folder itself.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The append-only record of the sweep.
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.jsonl")
    }

    /// Held by the one engine that writes here.
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The summary, in the reference's format.
    pub fn summary(&self) -> PathBuf {
        self.root.join("experiment-summary.yaml")
    }

    /// Inputs as they were read.
    pub fn plan(&self) -> PathBuf {
        self.root.join("plan")
    }

    /// The application's own log.
    pub fn log(&self) -> PathBuf {
        self.root.join("logs/llmdbenchmark.log")
    }

    /// Everything of one setup treatment. `setup` is a treatment name, which the linter has found safe.
    pub fn setup(&self, setup: &str) -> PathBuf {
        self.root.join(format!("setup-treatment-{setup}"))
    }

    /// Process files of the `generation`-th stack of a setup (from 1).
    pub fn stack(&self, setup: &str, generation: u32) -> PathBuf {
        self.setup(setup).join("stack").join(generation.to_string())
    }

    /// The folder of rendered profiles of a setup.
    pub fn profiles(&self, setup: &str, harness: &str) -> PathBuf {
        self.setup(setup).join("workload/profiles").join(harness)
    }

    /// What harness process `index` (from 1) of the attempt `experiment_id` left.
    pub fn results(&self, setup: &str, experiment_id: &str, index: u32) -> PathBuf {
        self.setup(setup)
            .join("results")
            .join(format!("{experiment_id}_{index}"))
    }
}
