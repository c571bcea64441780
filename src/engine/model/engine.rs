//! The driver's loop over the real core and the real journal, one step at a time.

use super::check;
use super::world::{Crash, Universe};
use crate::engine::core::{Finished, Step, Turn, Work, decide, obsolete};
use crate::engine::journal::Journal;
use crate::engine::open::Engine;
use crate::engine::{
    CellStatus, Command, Event, Failure, Health, Mode, Outcome, PhaseKind, Scope, StackState, State,
    StepOutcome, SweepOpened,
};
use crate::workspace::Instance;
use jiff::Timestamp;
use std::collections::VecDeque;

/// An engine in a world.
pub(super) struct Model {
    universe: Universe,
    journal: Journal,
    pub(super) state: State,
    turn: Turn,
    /// What the operator will say, one at each occasion; `None` where he is silent.
    pub(super) commands: VecDeque<Option<Command>>,
    /// Whether each state is checked as soon as it is.
    checked: bool,
}

impl Model {
    /// Take the world's sweep up, or begin it.
    pub(super) fn open(universe: &Universe, design: &SweepOpened, checked: bool) -> Result<Self, Crash> {
        let file = Box::new(universe.clone());
        let engine = match Engine::open(Instance::at("/model"), None, file, design.clone()) {
            Ok(engine) => engine,
            Err(error) if error.to_string().contains("the engine died") => return Err(Crash),
            // The disk was full already: whoever resumes tries again.
            Err(error) if error.to_string().contains("no storage space") => {
                return Self::open(universe, design, checked);
            }
            Err(error) => panic!("{error}"),
        };
        check(&engine.state);
        Ok(Self {
            universe: universe.clone(),
            journal: engine.journal,
            state: engine.state,
            turn: Turn::default(),
            commands: VecDeque::new(),
            checked,
        })
    }

    /// Work until the sweep ends, or the engine would wait for a command and none is left. A sweep that waits to be
    /// started is.
    pub(super) fn run(&mut self) -> Result<(), Crash> {
        loop {
            self.listen()?;
            let names = self.universe.lock().world.names;
            match self.turn.next(&self.state, |cell| format!("{cell}-{names}")) {
                Step::Wait | Step::End if !self.commands.is_empty() => {}
                Step::Wait if matches!(self.state.mode, Mode::Ready | Mode::Paused) => {
                    self.obey(&Command::Start)?;
                }
                Step::Wait => return Ok(()),
                Step::Record(events) => self.record(events)?,
                Step::Work { intent, work } => {
                    self.record(intent.into_iter().collect())?;
                    self.perform(&work)?;
                }
                Step::Abandon => {
                    self.universe.tick()?;
                    self.universe.lock().world.abandon();
                    self.universe.tick()?;
                    self.record(Turn::abandoned(&self.state))?;
                    return self.record(vec![Event::SweepEnded { stopped: true }]);
                }
                Step::End => return self.record(vec![Event::SweepEnded { stopped: false }]),
            }
        }
    }

    fn perform(&mut self, work: &Work) -> Result<(), Crash> {
        self.universe.tick()?;
        if let Work::Attempt(attempt) = work {
            self.universe.lock().world.names += 1;
            let cancelled = obsolete(&self.state);
            self.universe.lock().world.launch(attempt, cancelled);
            self.universe.tick()?;
            let scope = Scope::Attempt {
                cell: attempt.cell,
                attempt: attempt.attempt,
            };
            self.push(Event::StepStarted {
                scope,
                number: 7,
                name: "load".to_owned(),
            });
            self.commit()?;
            self.listen()?;
            if self.state.mode == Mode::Stopping(crate::engine::StopMode::Now) {
                return Ok(());
            }
            let outcome = StepOutcome::Done { detail: None };
            self.push(Event::StepEnded {
                scope,
                number: 7,
                outcome,
            });
        }
        self.listen()?;
        if self.state.mode == Mode::Stopping(crate::engine::StopMode::Now) {
            return Ok(());
        }
        let cancelled = obsolete(&self.state);
        let finished = self.effect(work, cancelled);
        self.universe.tick()?;
        let events = self.turn.finished(&self.state, work, finished);
        self.record(events)
    }

    fn effect(&self, work: &Work, cancelled: bool) -> Finished {
        let world = &mut self.universe.lock().world;
        match work {
            Work::Standup(_) if cancelled => Finished::Standup(Err(Failure::new("cancelled"))),
            Work::Standup(stack) => Finished::Standup(world.standup(*stack)),
            Work::Smoketest { .. } if cancelled => Finished::Phase(Err(Failure::new("cancelled"))),
            Work::Smoketest { stack, endpoint } => Finished::Phase(world.smoketest(*stack, endpoint)),
            Work::Health { .. } if cancelled => Finished::Health(Health::Healthy),
            Work::Health { stack, .. } => Finished::Health(world.health(*stack)),
            Work::Attempt(attempt) => Finished::Attempt(world.outcome(&attempt.experiment_id, cancelled)),
            Work::Reap(attempt) => Finished::Attempt(world.reap(attempt)),
            Work::Teardown(stack) => Finished::Phase(world.teardown(*stack)),
        }
    }

    /// What the operator says now.
    fn listen(&mut self) -> Result<(), Crash> {
        match self.commands.pop_front() {
            Some(Some(command)) => self.obey(&command),
            _ => Ok(()),
        }
    }

    fn obey(&mut self, command: &Command) -> Result<(), Crash> {
        match decide(&self.state, command) {
            Ok(events) => self.record(events),
            Err(refusal) => {
                assert!(!refusal.reason.is_empty());
                Ok(())
            }
        }
    }

    fn record(&mut self, events: Vec<Event>) -> Result<(), Crash> {
        for event in events {
            self.push(event);
        }
        self.commit()
    }

    fn push(&mut self, event: Event) {
        let at = Timestamp::from_second(i64::from(self.universe.lock().world.ticks)).unwrap();
        self.journal.push(at, event).unwrap();
    }

    /// A full disk is emptied in time; so the journal is asked again.
    fn commit(&mut self) -> Result<(), Crash> {
        let records = loop {
            match self.journal.commit() {
                Ok(records) => break records,
                Err(error) if error.to_string().contains("the engine died") => return Err(Crash),
                Err(_) => self.universe.tick()?,
            }
        };
        for record in &records {
            self.check_before(&record.event);
            self.state.apply(record);
            if self.checked {
                check(&self.state);
            }
        }
        Ok(())
    }

    /// What must be true when something is about to begin.
    fn check_before(&self, event: &Event) {
        match event {
            Event::AttemptStarted { cell, .. } => {
                let status = self.state.cell(*cell).unwrap().status;
                assert_eq!(status, CellStatus::Pending, "{cell} begins");
                assert_eq!(self.state.setup(cell.setup).unwrap().stack, StackState::Up);
            }
            Event::PhaseStarted { setup, phase, .. } if *phase == PhaseKind::Standup => {
                assert!(self.state.has_pending(*setup), "a standup for nothing");
                let all_down = self.state.setups.iter().all(|row| row.stack == StackState::Down);
                assert!(all_down, "a standup before a teardown");
            }
            Event::PhaseStarted { setup, phase, .. } if *phase == PhaseKind::Teardown => {
                let row = self.state.setup(*setup).unwrap();
                let in_use = matches!(row.stack, StackState::Up | StackState::Unverified)
                    && self.state.has_pending(*setup)
                    && !self.state.stopping();
                assert!(!in_use, "a stack that is needed goes down");
            }
            _ => {}
        }
    }
}

/// An attempt's number, generation and outcome.
type Attempts = Vec<(u32, u32, Option<Outcome>)>;

/// The part of a sweep's result that must not depend on disturbances.
pub(super) fn results(state: &State) -> Vec<(CellStatus, Attempts)> {
    let attempts = |cell: &crate::engine::CellState| {
        cell.attempts
            .iter()
            .map(|attempt| (attempt.number, attempt.generation, attempt.outcome.clone()))
            .collect()
    };
    state
        .cells
        .iter()
        .map(|cell| (cell.status, attempts(cell)))
        .collect()
}
