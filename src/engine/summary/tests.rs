//! The summary of a sweep in which something of everything happened.

use super::*;
use crate::engine::core::MAX_LOSSES;
use crate::engine::testing::design;
use crate::engine::{Event, Failure, Outcome, Record, Vitals};
use crate::experiment::CellId;
use crate::workspace::Instance;
use jiff::Timestamp;
use serde_json::Value;
use std::path::Path;

fn state() -> State {
    let mut state = State::default();
    let phase = |setup, phase, failure: Option<Failure>| {
        let setup = SetupId(setup);
        [
            Event::PhaseStarted {
                setup,
                generation: 1,
                phase,
            },
            Event::PhaseEnded {
                setup,
                generation: 1,
                phase,
                failure,
                endpoint: Some("http://x".into()),
            },
        ]
    };
    let attempt = |cell, outcome| {
        [
            Event::AttemptStarted {
                cell,
                attempt: 1,
                generation: 1,
                experiment_id: format!("builtin-{cell}"),
            },
            Event::AttemptEnded {
                cell,
                attempt: 1,
                outcome,
            },
        ]
    };
    let green = || Outcome::Succeeded {
        vitals: Vitals([("requests".to_owned(), 8.0)].into()),
    };
    let failure = Failure::new("exit code 3\n\u{1b}[31mboom").with_hint("look at the log");
    let refused = Failure::new("port in use").with_hint("free it");
    let mut events = vec![Event::SweepOpened(Box::new(design(4, 2)))];
    events.extend(phase(0, PhaseKind::Standup, None));
    events.extend(attempt(CellId::new(0, 0), green()));
    events.extend(attempt(CellId::new(0, 1), green()));
    events.extend(phase(0, PhaseKind::Teardown, None));
    events.extend(phase(1, PhaseKind::Standup, None));
    events.extend(attempt(CellId::new(1, 0), green()));
    events.extend(attempt(CellId::new(1, 1), Outcome::Failed { failure }));
    events.extend(phase(1, PhaseKind::Teardown, None));
    events.extend(phase(2, PhaseKind::Standup, Some(refused.clone())));
    events.push(Event::CellsNotRun {
        cells: vec![CellId::new(2, 0), CellId::new(2, 1)],
        failure: refused,
    });
    events.push(Event::SweepEnded { stopped: true });
    for (event, seq) in events.into_iter().zip(1..) {
        let at = Timestamp::from_second(i64::try_from(seq).unwrap()).unwrap();
        state.apply(&Record { seq, at, event });
    }
    state
}

#[test]
fn the_text_tells_rows_counts_and_what_to_do() {
    insta::assert_snapshot!("text", text(&state(), Path::new("/data/ws/ana")));
}

#[test]
fn the_file_is_the_references_with_more_behind_it() {
    let instance = Instance::at("/data/ws/ana");
    insta::assert_snapshot!("file", yaml(&state(), &instance));
}

/// Reads the keys the reference writes, in its order, and nothing else.
#[test]
fn a_reader_of_the_old_file_can_read_ours() {
    let text = yaml(&state(), &Instance::at("/data/ws/ana"));
    let summary = crate::yaml::from_str(&text).unwrap();
    let keys: Vec<&str> = summary.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys[..8],
        [
            "experiment",
            "total_setup_treatments",
            "total_run_treatments",
            "total_matrix",
            "succeeded",
            "failed",
            "total_duration_seconds",
            "treatments"
        ]
    );
    assert_eq!(
        (summary["succeeded"].as_u64(), summary["failed"].as_u64()),
        (Some(1), Some(2))
    );
    let treatments = summary["treatments"].as_array().unwrap();
    let told: f64 = treatments
        .iter()
        .filter_map(|row| row["duration_seconds"].as_f64())
        .sum();
    assert!((summary["total_duration_seconds"].as_f64().unwrap() - told).abs() < 0.1);
    for row in treatments {
        let keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys[..5],
            [
                "setup_treatment",
                "status",
                "run_treatments",
                "duration_seconds",
                "workspace_dir"
            ]
        );
        assert_eq!(
            row["status"] == "success",
            row.get("error").is_none_or(Value::is_null)
        );
        let known = [
            "success",
            "failed_standup",
            "failed_smoketest",
            "failed_run",
            "failed_teardown",
        ];
        assert!(known.contains(&row["status"].as_str().unwrap()));
    }
}

#[test]
fn a_stack_that_is_lost_for_good_is_a_failed_run() {
    let mut state = State::default();
    let setup = SetupId(0);
    let failure = Failure::new("gone");
    let mut events = vec![Event::SweepOpened(Box::new(design(1, 1)))];
    for generation in 1..=MAX_LOSSES {
        events.push(Event::StackLost {
            setup,
            generation,
            failure: failure.clone(),
        });
    }
    events.push(Event::CellsNotRun {
        cells: vec![CellId::new(0, 0)],
        failure,
    });
    for (event, seq) in events.into_iter().zip(1..) {
        let at = Timestamp::UNIX_EPOCH;
        state.apply(&Record { seq, at, event });
    }
    let row = state.setup(setup).unwrap();
    assert_eq!(RowStatus::of(&state, setup, row).name(), "failed_run");
}
