//! What happens in a sweep. Events are the only truth: the journal holds them, the state is their fold.

#![allow(
    missing_docs,
    reason = "the fields of a variant are told by the variant's own sentence"
)]

use super::command::StopMode;
use crate::experiment::{CellId, Level, RetryPolicy, SetupId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An event with its place in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Position in the journal, from 1, without gaps.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// One thing that happened and must not be forgotten.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first record: what the sweep is about. A resume after an edited experiment records a further one
    /// with the new design; cells whose fingerprints did not change keep their fate.
    SweepOpened(Box<SweepOpened>),
    /// An engine took the sweep up (at the start and at each resume).
    EngineStarted { pid: u32, host: String, version: String },
    /// The operator, a signal or a policy changed what the engine does next.
    ModeChanged { mode: Mode, reason: String },
    /// A phase of a setup's stack begins. `generation` counts the setup's standups from 1.
    PhaseStarted {
        setup: SetupId,
        generation: u32,
        phase: PhaseKind,
    },
    /// A phase ended; `failure` is absent when it went well.
    PhaseEnded {
        setup: SetupId,
        generation: u32,
        phase: PhaseKind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        /// Where the stack answers, after a successful standup.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
    },
    /// The health gate, or a resume, found the stack broken.
    StackLost {
        setup: SetupId,
        generation: u32,
        failure: Failure,
    },
    /// A step of a phase or of an attempt begins.
    StepStarted { scope: Scope, number: u8, name: String },
    /// A step ended.
    StepEnded {
        scope: Scope,
        number: u8,
        outcome: StepOutcome,
    },
    /// A process or pod writes a log; `source.path` is relative to the instance folder.
    LogSeen { scope: Scope, source: LogSource },
    /// An attempt of a cell begins: recorded before anything of it exists outside.
    AttemptStarted {
        cell: CellId,
        attempt: u32,
        generation: u32,
        experiment_id: String,
    },
    /// An attempt ended.
    AttemptEnded {
        cell: CellId,
        attempt: u32,
        outcome: Outcome,
    },
    /// Pending cells that shall not run.
    CellsSkipped { cells: Vec<CellId> },
    /// Cells (back) in the queue: unskipped, retried, or retried by policy.
    /// `automatic` marks a policy's retry.
    CellsQueued {
        cells: Vec<CellId>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        automatic: bool,
    },
    /// Cells whose cancellation was asked for; pending ones are cancelled by this record.
    CellsCancelled { cells: Vec<CellId> },
    /// Cells that cannot run, because their stack did not come up or was lost for good, or a policy stopped the row.
    CellsNotRun { cells: Vec<CellId>, failure: Failure },
    /// The queue's new head: these pending cells run next, in this order.
    CellsPrioritized { cells: Vec<CellId> },
    /// Something the operator should know that changes no cell.
    Notice { text: String },
    /// All there was to do is done, or the sweep was stopped. A later resume may go on.
    SweepEnded { stopped: bool },
}

/// What a sweep is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepOpened {
    /// Names the sweep on the platform; never changes.
    pub sweep_id: String,
    /// The experiment's title.
    pub experiment: String,
    /// Where stacks and harnesses live: `local` or `kubernetes`.
    pub platform: String,
    /// Whether results come from the simulator; everything shown or written about them says so.
    pub simulated: bool,
    /// Load generator.
    pub harness: String,
    /// Workload profile.
    pub profile: String,
    /// Harness processes per cell (`-j`), at least 1.
    pub parallelism: u32,
    /// Retry rules.
    pub policy: RetryPolicy,
    /// End the sweep at the first failed setup or cell (`--stop-on-error`).
    pub stop_on_error: bool,
    /// Leave stacks up at the end (`--skip-teardown`).
    pub skip_teardown: bool,
    /// Rows.
    pub setups: Vec<TreatmentInfo>,
    /// Columns.
    pub runs: Vec<TreatmentInfo>,
}

/// A treatment as the grid shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreatmentInfo {
    /// Unique among the treatments of its side.
    pub name: String,
    /// Factor values for headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Level>,
    /// Hash of all that this treatment's outcome depends on. A cell's fingerprint is the pair.
    pub fingerprint: String,
}

/// What the engine does next, as far as the operator decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Opened, waiting for the operator's start.
    Ready,
    /// Working through the queue.
    Running,
    /// The running cell finishes, nothing new starts.
    Paused,
    /// On the way out.
    Stopping(StopMode),
    /// Nothing under way; a resume may change that.
    Ended,
}

/// The four phases. `Run` has no phase events of its own: its unit is the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PhaseKind {
    /// Bring a stack up.
    Standup,
    /// See that it answers, and is what was planned.
    Smoketest,
    /// Run workloads on it.
    Run,
    /// Take it down.
    Teardown,
}

impl PhaseKind {
    /// The word the operator reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standup => "standup",
            Self::Smoketest => "smoketest",
            Self::Run => "run",
            Self::Teardown => "teardown",
        }
    }
}

/// What a step or a log belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// A phase of a setup's stack.
    Phase {
        setup: SetupId,
        generation: u32,
        phase: PhaseKind,
    },
    /// An attempt of a cell.
    Attempt { cell: CellId, attempt: u32 },
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Done, perhaps with a word on what was done.
    Done {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// Had nothing to do here.
    Skipped { why: String },
    /// Failed.
    Failed { failure: Failure },
    /// Ended by the operator or a signal.
    Cancelled,
}

/// Why something failed, for people: what, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// One line: what failed and why.
    pub reason: String,
    /// What the operator can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without advice.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            hint: None,
        }
    }

    /// The same failure with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A log file that can be followed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogSource {
    /// What writes it, as the operator knows it: `harness 1`, `server`.
    pub name: String,
    /// The file, relative to the instance folder.
    pub path: String,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that makes a green honest was checked and true.
    Succeeded { vitals: Vitals },
    /// There are results, but something about them cannot be trusted.
    Suspect { reasons: Vec<String>, vitals: Vitals },
    /// No usable results.
    Failed { failure: Failure },
    /// Ended by the operator.
    Cancelled,
    /// Ended by a stop, or lost with the engine; the cell goes back to the queue on resume.
    Interrupted,
}

/// The few numbers of a cell that the grid, the detail pane and the summary show, by name:
/// `ttft_p50_ms`, `ttft_p99_ms`, `itl_p50_ms`, `e2e_p50_ms`, `output_tokens_per_second`,
/// `requests_per_second`, `requests`, `failures`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vitals(pub BTreeMap<String, f64>);

/// What subscribers of a running engine receive.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Signal {
    /// An event that is on disk.
    Recorded(Record),
    /// How far something is: never recorded, never part of the state, may be dropped.
    Progress(Progress),
    /// A command was refused.
    Refused(super::Refusal),
    /// The engine cannot record what happens, and so does nothing further. The next recorded event ends the trouble.
    Trouble(Trouble),
}

/// Why the engine cannot go on recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What cannot be written, and why.
    pub trouble: String,
    /// What the operator can do about it.
    pub hint: String,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Whose step.
    pub scope: Scope,
    /// Units done.
    pub done: u64,
    /// Units in all; 0 when not known.
    pub total: u64,
    /// In words: `decode 1/2 ready`, `312 of 640 requests`.
    pub text: String,
}
