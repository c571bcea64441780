//! The engine: commands in, events out, state is a fold over events.
//!
//! Nothing here knows a terminal, a cluster or a process. The engine decides with pure functions over
//! [`State`], records each decision in the journal before acting on it, and acts through an [`Executor`].

mod command;
mod event;
mod executor;
mod state;

pub use command::{Command, Refusal, Selection, StatusFilter, StopMode};
pub use event::{
    Event, Failure, LogSource, Mode, Outcome, PhaseKind, Progress, Record, Scope, Signal, StepOutcome,
    SweepOpened, TreatmentInfo, Vitals,
};
pub use executor::{AttemptRef, AttemptReport, Context, Executor, Health, StackRef};
pub use state::{Activity, AttemptState, CellState, CellStatus, SetupState, StackState, State, StepState};
