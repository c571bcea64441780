//! The harness contract: what a load generator is given, and what it must leave behind.
//!
//! A harness process is this program's hidden `generate-load` ([`process`]), whichever load generator it runs: it gives
//! the tool what it needs, and leaves raw results, `run_metadata.yaml`, benchmark reports, and last of all a
//! [`manifest`]. [`environment()`] is what it is told; [`judge`](judge::judge) says what its results are worth.

pub mod builtin;
pub mod environment;
pub mod external;
pub mod files;
pub mod judge;
pub mod manifest;
pub mod metadata;
pub mod process;
pub mod progress;
pub mod tools;
pub mod vitals;

pub use environment::{Surroundings, environment};
pub use tools::{BUILTIN, KNOWN, NOP, command, missing_tool, planned_requests};

use crate::engine::Scope;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One attempt's load, ready to be launched: `parallelism` identical processes, each with its own folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HarnessJob {
    /// Whose steps, logs and progress these are.
    pub scope: Scope,
    /// Names the processes and result folders.
    pub experiment_id: String,
    /// Load generator: `builtin`, `inference-perf`, `guidellm`, `aiperf`, …
    pub harness: String,
    /// Program and arguments, the same for every process; `{results}` in an argument is the process's own folder.
    pub argv: Vec<String>,
    /// Environment by the reference's contract (`LLMDBENCH_…`), the same for every process.
    pub env: BTreeMap<String, String>,
    /// Result folders, one per process; process `i` has index `i - 1`.
    pub folders: Vec<PathBuf>,
    /// How long the processes may take; `None` waits for ever.
    pub timeout: Option<std::time::Duration>,
}

/// How the processes of a job ended, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobExit {
    /// One per process.
    pub processes: Vec<ProcessExit>,
    /// Whether they were ended because cancellation was asked for.
    pub cancelled: bool,
    /// Whether they were ended because they took too long.
    pub timed_out: bool,
}

/// How one process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessExit {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}
