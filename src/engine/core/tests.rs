//! The scheduling rules, told as what a sweep does next.

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

#[test]
fn rows_in_order_and_each_on_one_stack() {
    let mut sweep = Sweep::started(design(2, 2));
    assert_eq!(
        sweep.rest(),
        "up 1.1, 1×1#1, 1×2#1, down 1.1, up 2.1, 2×1#1, 2×2#1, down 2.1"
    );
    assert_eq!(next_action(&sweep.state), Action::End);
}

#[test]
fn nothing_begins_before_the_start_and_after_a_pause() {
    let mut sweep = Sweep::of(design(1, 2));
    assert_eq!(sweep.rest(), "");
    sweep.says(&Command::Start);
    let work = {
        sweep.go(1, &[]);
        sweep.begin().unwrap()
    };
    assert!(matches!(work, Work::Smoketest { .. }));
    sweep.end(&work, Finished::Phase(Ok(())));
    let work = sweep.begin().unwrap();
    sweep.says(&Command::Pause);
    assert!(!obsolete(&sweep.state), "the running cell finishes");
    sweep.end(&work, green());
    assert_eq!(sweep.rest(), "");
    sweep.says(&Command::Start);
    assert_eq!(sweep.rest(), "1×2#1, down 1.1");
}

#[test]
fn a_row_whose_cells_are_all_skipped_has_no_stack() {
    let mut sweep = Sweep::of(design(2, 2));
    sweep.says(&Command::Skip {
        cells: Selection::Setups(vec![SetupId(0)]),
    });
    sweep.says(&Command::Start);
    assert_eq!(sweep.rest(), "up 2.1, 2×1#1, 2×2#1, down 2.1");
    sweep.says(&Command::Unskip {
        cells: cells(&[(0, 1)]),
    });
    assert_eq!(sweep.rest(), "up 1.1, 1×2#1, down 1.1");
    assert_eq!(sweep.status(0, 0), CellStatus::Skipped);
}

#[test]
fn a_standup_is_not_wanted_any_more_when_its_row_is_skipped_meanwhile() {
    let mut sweep = Sweep::started(design(2, 1));
    let standup = sweep.begin().unwrap();
    assert!(!obsolete(&sweep.state));
    sweep.says(&Command::Skip {
        cells: cells(&[(0, 0)]),
    });
    assert!(obsolete(&sweep.state));
    sweep.end(&standup, Finished::Standup(Err(Failure::new("cancelled"))));
    assert_eq!(sweep.rest(), "down 1.1, up 2.1, 2×1#1, down 2.1");
}

#[test]
fn retries_of_a_row_share_one_standup_and_reuse_a_stack_that_is_up() {
    let (first, second) = (CellId::new(0, 0), CellId::new(0, 1));
    let mut sweep = Sweep::started(design(2, 2));
    assert_eq!(sweep.go(2, &[first]), "up 1.1, 1×1#1");
    sweep.retries(&[first]);
    assert_eq!(sweep.go(2, &[first, second]), "1×1#2, 1×2#1");
    assert_eq!(sweep.go(1, &[]), "down 1.1");
    sweep.retries(&[first, second]);
    assert_eq!(
        sweep.rest(),
        "up 1.2, 1×1#3, 1×2#2, down 1.2, up 2.1, 2×1#1, 2×2#1, down 2.1"
    );
}

#[test]
fn a_sweeping_retry_leaves_successes_alone_and_a_named_one_does_not() {
    let mut sweep = Sweep::started(design(1, 2));
    sweep.go(100, &[CellId::new(0, 1)]);
    sweep.says(&Command::Retry {
        cells: cells(&[(0, 0), (0, 1)]),
    });
    assert_eq!(sweep.rest(), "up 1.2, 1×2#2, down 1.2");
    let all = Command::Retry {
        cells: Selection::All,
    };
    assert!(decide(&sweep.state, &all).is_err());
    sweep.retries(&[CellId::new(0, 0)]);
    assert_eq!(sweep.rest(), "up 1.3, 1×1#2, down 1.3");
}

#[test]
fn what_runs_next_can_be_changed_but_a_stack_that_is_up_finishes_its_row() {
    let mut sweep = Sweep::started(design(3, 2));
    assert_eq!(sweep.go(1, &[]), "up 1.1");
    sweep.says(&Command::RunNext {
        cells: cells(&[(2, 1), (0, 1)]),
    });
    let order = queue(&sweep.state);
    let order: Vec<String> = order.iter().map(CellId::to_string).collect();
    assert_eq!(order, ["1×2", "1×1", "3×2", "3×1", "2×1", "2×2"]);
    assert_eq!(
        sweep.rest(),
        "1×2#1, 1×1#1, down 1.1, up 3.1, 3×2#1, 3×1#1, down 3.1, up 2.1, 2×1#1, 2×2#1, down 2.1"
    );
}

#[test]
fn the_experiments_attempts_are_used_up_and_counted_anew_by_hand() {
    let cell = CellId::new(0, 0);
    let mut sweep = Sweep::started(SweepOpened {
        policy: attempts(2),
        ..design(1, 1)
    });
    assert_eq!(sweep.go(100, &[cell]), "up 1.1, 1×1#1, 1×1#2, down 1.1");
    sweep.retries(&[cell]);
    assert_eq!(sweep.go(100, &[cell]), "up 1.2, 1×1#3, 1×1#4, down 1.2");
    assert_eq!(sweep.status(0, 0), CellStatus::Failed);
}

#[test]
fn treatment_stop_on_error_stops_the_row_and_a_retry_is_not_stopped_again() {
    let mut sweep = Sweep::started(SweepOpened {
        policy: RetryPolicy {
            treatment_stop_on_error: true,
            ..RetryPolicy::default()
        },
        ..design(2, 2)
    });
    assert_eq!(
        sweep.go(100, &[CellId::new(0, 0)]),
        "up 1.1, 1×1#1, down 1.1, up 2.1, 2×1#1, 2×2#1, down 2.1"
    );
    assert_eq!(sweep.status(0, 1), CellStatus::NotRun);
    sweep.retries(&[CellId::new(0, 1)]);
    assert_eq!(sweep.rest(), "up 1.2, 1×2#1, down 1.2");
}

#[test]
fn stop_on_error_ends_the_sweep_and_a_resume_goes_on() {
    let mut sweep = Sweep::started(SweepOpened {
        stop_on_error: true,
        ..design(2, 2)
    });
    assert_eq!(sweep.go(100, &[CellId::new(0, 0)]), "up 1.1, 1×1#1, down 1.1");
    assert!(matches!(sweep.state.mode, Mode::Stopping(StopMode::Finish)));
    assert!(sweep.state.mode_reason.contains("first error"));
    assert!(work_left(&sweep.state));
    sweep.resumed();
    assert_eq!(
        sweep.rest(),
        "up 1.2, 1×2#1, down 1.2, up 2.1, 2×1#1, 2×2#1, down 2.1"
    );
}

#[test]
fn a_failed_smoketest_leaves_its_row_not_run_and_takes_the_stack_down() {
    let mut sweep = Sweep::started(design(2, 2));
    assert_eq!(sweep.go(1, &[]), "up 1.1");
    let smoketest = sweep.begin().unwrap();
    let failure = Failure::new("wrong model").with_hint("name the right one");
    sweep.end(&smoketest, Finished::Phase(Err(failure.clone())));
    assert_eq!(sweep.go(1, &[]), "down 1.1");
    assert_eq!(sweep.status(0, 1), CellStatus::NotRun);
    assert_eq!(sweep.state.cells[1].not_run.as_deref(), Some(&failure));
    assert_eq!(sweep.rest(), "up 2.1, 2×1#1, 2×2#1, down 2.1");
}

#[test]
fn a_stack_that_is_lost_again_and_again_is_given_up() {
    let mut sweep = Sweep::started(design(1, 20));
    let mut done = Vec::new();
    // Healthy after its smoketest, and broken when asked after the first cell, which fails.
    while let Some(work) = sweep.begin() {
        let finished = match &work {
            Work::Standup(_) => Finished::Standup(Ok("http://x".to_owned())),
            Work::Health { .. } => Finished::Health(Health::Broken(Failure::new("out of memory"))),
            Work::Attempt(_) | Work::Reap(_) => failed(),
            _ => Finished::Phase(Ok(())),
        };
        done.push(work.name());
        sweep.end(&work, finished);
    }
    let count = |name| done.iter().filter(|done| **done == name).count();
    assert_eq!((count("standup"), count("run"), count("teardown")), (3, 3, 3));
    assert_eq!(sweep.state.counts.of(CellStatus::NotRun), 17);
    let reason = &sweep.state.cells[19].not_run.as_ref().unwrap().reason;
    assert!(reason.contains("3 times in a row: out of memory"), "{reason}");
}

#[test]
fn skip_teardown_leaves_only_the_last_stack_up() {
    let mut sweep = Sweep::started(SweepOpened {
        skip_teardown: true,
        ..design(2, 1)
    });
    assert_eq!(sweep.rest(), "up 1.1, 1×1#1, down 1.1, up 2.1, 2×1#1");
    sweep.retries(&[CellId::new(1, 0)]);
    assert_eq!(sweep.rest(), "2×1#2");
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

#[test]
fn after_a_crash_the_attempt_goes_on_under_its_name_once_its_stack_was_seen() {
    let (mut sweep, attempt) = with_an_attempt();
    sweep.resumed();
    let look = sweep.begin().unwrap();
    assert!(matches!(look, Work::Health { .. }));
    sweep.end(&look, Finished::Health(Health::Healthy));
    let again = sweep.begin().unwrap();
    assert_eq!(again, Work::Attempt(attempt));
    sweep.end(&again, green());
    assert_eq!(sweep.rest(), "1×2#1, down 1.1");
}

#[test]
fn after_a_crash_that_took_the_stack_with_it_the_cell_runs_anew() {
    let (mut sweep, attempt) = with_an_attempt();
    sweep.resumed();
    let gone = || Finished::Health(Health::Broken(Failure::new("gone")));
    let look = sweep.begin().unwrap();
    sweep.end(&look, gone());
    let reap = sweep.begin().unwrap();
    assert_eq!(reap, Work::Reap(attempt));
    sweep.end(&reap, Finished::Attempt(Outcome::Cancelled));
    let look = sweep.begin().unwrap();
    sweep.end(&look, gone());
    assert_eq!(sweep.rest(), "down 1.1, up 1.2, 1×1#2, 1×2#1, down 1.2");
    assert_eq!(
        sweep.state.cells[0].attempts[0].outcome,
        Some(Outcome::Interrupted)
    );
}

#[test]
fn cancel_and_stop_end_the_attempt_each_in_its_way() {
    let (mut sweep, attempt) = with_an_attempt();
    sweep.says(&Command::Cancel {
        cells: cells(&[(0, 0)]),
    });
    assert!(obsolete(&sweep.state));
    sweep.end(&Work::Attempt(attempt), Finished::Attempt(Outcome::Cancelled));
    assert_eq!(sweep.status(0, 0), CellStatus::Cancelled);
    assert_eq!(sweep.rest(), "1×2#1, down 1.1");

    let (mut sweep, attempt) = with_an_attempt();
    sweep.says(&Command::Stop {
        mode: StopMode::Finish,
    });
    assert!(!obsolete(&sweep.state));
    sweep.says(&Command::Stop {
        mode: StopMode::Graceful,
    });
    assert!(obsolete(&sweep.state));
    sweep.end(&Work::Attempt(attempt), Finished::Attempt(Outcome::Cancelled));
    assert_eq!(sweep.status(0, 0), CellStatus::Interrupted);
    assert_eq!(sweep.rest(), "down 1.1");
    sweep.resumed();
    assert_eq!(sweep.rest(), "up 1.2, 1×1#2, 1×2#1, down 1.2");
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let mut sweep = Sweep::of(design(1, 2));
    let refused = |sweep: &Sweep, command: Command, why: &str| {
        let refusal = decide(&sweep.state, &command).unwrap_err();
        assert!(refusal.reason.contains(why), "{}", refusal.reason);
    };
    refused(&sweep, Command::Pause, "not started");
    refused(
        &sweep,
        Command::Unskip {
            cells: Selection::All,
        },
        "is skipped",
    );
    refused(
        &sweep,
        Command::Skip {
            cells: cells(&[(7, 7)]),
        },
        "no cell 8×8",
    );
    let failed_only = Selection::Status(StatusFilter::Failed);
    refused(&sweep, Command::Retry { cells: failed_only }, "without success");
    sweep.says(&Command::Start);
    refused(&sweep, Command::Start, "running already");
    sweep.says(&Command::Stop {
        mode: StopMode::Graceful,
    });
    refused(
        &sweep,
        Command::Stop {
            mode: StopMode::Finish,
        },
        "stopped already",
    );
    refused(&sweep, Command::Start, "being stopped");
    sweep.says(&Command::Stop { mode: StopMode::Now });
    assert_eq!(next_action(&sweep.state), Action::Abandon);
    sweep.apply(vec![Event::SweepEnded { stopped: true }]);
    refused(
        &sweep,
        Command::Retry {
            cells: Selection::All,
        },
        "has ended",
    );
}
