//! The engine: commands in, events out, state is a fold over events.
//!
//! Nothing here knows a terminal, a cluster or a process. The engine decides with pure functions over
//! [`State`], records each decision in the journal before acting on it, and acts through an [`Executor`].
//!
//! | module | its part |
//! | --- | --- |
//! | `command`, `event`, `state` | the two enums, and the fold |
//! | [`core`] | pure decisions: what ought to be under way, what a command becomes |
//! | [`journal`] | the append-only record on disk |
//! | `open` | an engine of a new or resumed sweep: lock, journal, edited designs |
//! | `driver` | the actor that turns decisions into records and work |
//! | [`summary`] | `experiment-summary.yaml`, and the summary for people |

pub mod core;
pub mod journal;
pub mod summary;

mod command;
mod driver;
mod event;
mod executor;
mod open;
mod state;

pub use self::core::stopped_at_first_error;
pub use command::{Command, Refusal, Selection, StatusFilter, StopMode};
pub use driver::{Commands, EngineError, Handle};
pub use event::{
    Event, Failure, LogSource, Mode, Outcome, PhaseKind, Progress, Record, Scope, Signal, StepOutcome,
    SweepOpened, TreatmentInfo, Trouble, Vitals,
};
pub use executor::{AttemptRef, AttemptReport, Context, Executor, Health, StackRef};
pub use journal::{JournalError, replay};
pub use open::{Engine, OpenError};
pub use state::{
    Activity, AttemptState, CellState, CellStatus, Counts, SetupState, StackState, State, StepState,
    Unsettled,
};

#[cfg(test)]
mod model;
#[cfg(test)]
mod testing;
