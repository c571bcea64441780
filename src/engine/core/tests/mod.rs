//! The scheduling rules, told as what a sweep does next.

mod resuming;
mod scheduling;
mod steering;

use super::*;
use crate::engine::executor::AttemptRef;
use crate::engine::testing::{attempts, design};
use crate::engine::{
    Command, Failure, Health, Outcome, Record, Selection, StatusFilter, SweepOpened, Vitals,
};
use crate::experiment::RetryPolicy;
use jiff::Timestamp;

/// A sweep whose work ends as the test says.
struct Sweep {
    state: State,
    turn: Turn,
}

impl Sweep {
    fn of(opened: SweepOpened) -> Self {
        let mut sweep = Self {
            state: State::default(),
            turn: Turn::default(),
        };
        sweep.apply(vec![Event::SweepOpened(Box::new(opened))]);
        sweep
    }

    fn started(opened: SweepOpened) -> Self {
        let mut sweep = Self::of(opened);
        sweep.says(&Command::Start);
        sweep
    }

    fn apply(&mut self, events: Vec<Event>) {
        for event in events {
            let seq = self.state.seq + 1;
            let at = Timestamp::UNIX_EPOCH;
            self.state.apply(&Record { seq, at, event });
        }
    }

    /// The operator's command, which is taken.
    fn says(&mut self, command: &Command) {
        let events = decide(&self.state, command).unwrap();
        self.apply(events);
    }

    fn retries(&mut self, cells: &[CellId]) {
        let cells = Selection::Cells(cells.to_vec());
        self.says(&Command::Retry { cells });
    }

    /// A new engine takes the sweep up, and is started.
    fn resumed(&mut self) {
        self.turn = Turn::default();
        let (host, version) = (String::new(), String::new());
        self.apply(vec![Event::EngineStarted {
            pid: 1,
            host,
            version,
        }]);
        self.says(&Command::Start);
    }

    /// Begin what is next, and say what it is.
    fn begin(&mut self) -> Option<Work> {
        loop {
            match self.turn.next(&self.state, |cell| format!("job-{cell}")) {
                Step::Record(events) => self.apply(events),
                Step::Work { intent, work } => {
                    self.apply(intent.into_iter().collect());
                    return Some(work);
                }
                Step::Wait | Step::Abandon | Step::End => return None,
            }
        }
    }

    fn end(&mut self, work: &Work, finished: Finished) {
        let events = self.turn.finished(&self.state, work, finished);
        self.apply(events);
    }

    /// Do what is next, so that it goes well unless the cell is one of `failing`; tell it in short.
    fn next(&mut self, failing: &[CellId]) -> Option<String> {
        let work = self.begin()?;
        let finished = match &work {
            Work::Standup(_) => Finished::Standup(Ok("http://x".to_owned())),
            Work::Smoketest { .. } | Work::Teardown(_) => Finished::Phase(Ok(())),
            Work::Health { .. } => Finished::Health(Health::Healthy),
            Work::Attempt(attempt) if failing.contains(&attempt.cell) => failed(),
            Work::Attempt(_) => green(),
            Work::Reap(_) => Finished::Attempt(Outcome::Cancelled),
        };
        self.end(&work, finished);
        Some(match &work {
            Work::Health { .. } | Work::Smoketest { .. } => return self.next(failing),
            Work::Attempt(attempt) => format!("{}#{}", attempt.cell, attempt.attempt),
            Work::Standup(stack) => format!("up {}.{}", stack.setup.0 + 1, stack.generation),
            Work::Teardown(stack) => format!("down {}.{}", stack.setup.0 + 1, stack.generation),
            Work::Reap(attempt) => format!("reap {}", attempt.cell),
        })
    }

    fn go(&mut self, steps: usize, failing: &[CellId]) -> String {
        let done: Vec<String> = (0..steps).map_while(|_| self.next(failing)).collect();
        done.join(", ")
    }

    fn rest(&mut self) -> String {
        self.go(100, &[])
    }

    fn status(&self, setup: u32, run: u32) -> CellStatus {
        self.state.cell(CellId::new(setup, run)).unwrap().status
    }
}

fn failed() -> Finished {
    Finished::Attempt(Outcome::Failed {
        failure: Failure::new("too slow"),
    })
}

fn green() -> Finished {
    Finished::Attempt(Outcome::Succeeded {
        vitals: Vitals::default(),
    })
}

fn cells(cells: &[(u32, u32)]) -> Selection {
    Selection::Cells(
        cells
            .iter()
            .map(|(setup, run)| CellId::new(*setup, *run))
            .collect(),
    )
}

/// The sweep with an attempt of its first cell under way.
fn with_an_attempt() -> (Sweep, AttemptRef) {
    let mut sweep = Sweep::started(design(1, 2));
    loop {
        match sweep.begin().unwrap() {
            Work::Attempt(attempt) => return (sweep, attempt),
            work @ Work::Standup(_) => sweep.end(&work, Finished::Standup(Ok("http://x".to_owned()))),
            work => sweep.end(&work, Finished::Phase(Ok(()))),
        }
    }
}
