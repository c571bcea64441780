//! What commands make of it, and which are refused.

use super::*;

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
