//! What a sweep does by itself, in which order, and what it makes of failures.

use super::*;

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
