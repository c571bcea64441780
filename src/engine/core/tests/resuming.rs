//! What becomes of work that was under way when the engine died.

use super::*;

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
fn rows_and_columns_that_move_take_stack_attempt_and_fates_with_them() {
    let (mut sweep, attempt) = with_an_attempt();
    sweep.says(&Command::Skip {
        cells: cells(&[(0, 1)]),
    });
    let mut edited = design(2, 3);
    edited.setups.reverse();
    edited.runs.reverse();
    sweep.apply(vec![Event::SweepOpened(Box::new(edited))]);
    assert_eq!(sweep.status(1, 1), CellStatus::Skipped);
    assert_eq!(sweep.state.setups[0].stack, StackState::Down);
    sweep.resumed();
    let look = sweep.begin().unwrap();
    sweep.end(&look, Finished::Health(Health::Healthy));
    let Some(Work::Attempt(moved)) = sweep.begin() else {
        panic!("the attempt is taken up again");
    };
    assert_eq!(moved.cell, CellId::new(1, 2));
    assert_eq!(moved.experiment_id, attempt.experiment_id);
    assert_eq!(moved.stack.generation, 1);
    sweep.end(&Work::Attempt(moved), green());
    assert_eq!(
        sweep.rest(),
        "2×1#1, down 2.1, up 1.1, 1×1#1, 1×2#1, 1×3#1, down 1.1"
    );
}
