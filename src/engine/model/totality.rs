//! The fold and the core take anything: a journal can always be looked at, whoever wrote it.

use crate::engine::core::{decide, next_action, obsolete, queue};
use crate::engine::testing::design;
use crate::engine::{
    CellStatus, Command, Event, Failure, Mode, Outcome, PhaseKind, Record, Scope, Selection, State,
    StepOutcome, StopMode, Vitals, summary,
};
use crate::experiment::{CellId, SetupId};
use crate::workspace::Instance;
use jiff::Timestamp;
use proptest::prelude::*;

fn setup() -> impl Strategy<Value = SetupId> {
    (0..4_u32).prop_map(SetupId)
}

fn cell() -> impl Strategy<Value = CellId> {
    (0..4_u32, 0..4_u32).prop_map(|(setup, run)| CellId::new(setup, run))
}

fn cells() -> impl Strategy<Value = Vec<CellId>> {
    prop::collection::vec(cell(), 0..5)
}

fn phase() -> impl Strategy<Value = PhaseKind> {
    prop_oneof![
        Just(PhaseKind::Standup),
        Just(PhaseKind::Smoketest),
        Just(PhaseKind::Run),
        Just(PhaseKind::Teardown)
    ]
}

fn failure() -> impl Strategy<Value = Option<Failure>> {
    prop::option::of(Just(Failure::new("it broke")))
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Succeeded {
            vitals: Vitals::default()
        }),
        Just(Outcome::Suspect {
            reasons: vec!["odd".to_owned()],
            vitals: Vitals::default()
        }),
        Just(Outcome::Failed {
            failure: Failure::new("no")
        }),
        Just(Outcome::Cancelled),
        Just(Outcome::Interrupted),
    ]
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        (setup(), 0..3_u32, phase()).prop_map(|(setup, generation, phase)| Scope::Phase {
            setup,
            generation,
            phase
        }),
        (cell(), 0..3_u32).prop_map(|(cell, attempt)| Scope::Attempt { cell, attempt }),
    ]
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        Just(Mode::Ready),
        Just(Mode::Running),
        Just(Mode::Paused),
        Just(Mode::Stopping(StopMode::Finish)),
        Just(Mode::Stopping(StopMode::Now)),
        Just(Mode::Ended),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..4_u8, 0..4_u8, any::<bool>()).prop_map(|(setups, runs, edited)| {
            let mut opened = design(setups, runs);
            if let (true, Some(first)) = (edited, opened.setups.first_mut()) {
                first.fingerprint = "2".to_owned();
            }
            Event::SweepOpened(Box::new(opened))
        }),
        Just(Event::EngineStarted {
            pid: 1,
            host: "h".to_owned(),
            version: "1".to_owned()
        }),
        mode().prop_map(|mode| Event::ModeChanged {
            mode,
            reason: String::new()
        }),
        (setup(), 0..3_u32, phase()).prop_map(|(setup, generation, phase)| Event::PhaseStarted {
            setup,
            generation,
            phase
        }),
        (setup(), 0..3_u32, phase(), failure()).prop_map(|(setup, generation, phase, failure)| {
            Event::PhaseEnded {
                setup,
                generation,
                phase,
                failure,
                endpoint: Some("http://x".to_owned()),
            }
        }),
        (setup(), 0..3_u32).prop_map(|(setup, generation)| Event::StackLost {
            setup,
            generation,
            failure: Failure::new("gone"),
        }),
        (scope(), 0..3_u8).prop_map(|(scope, number)| Event::StepStarted {
            scope,
            number,
            name: "s".to_owned()
        }),
        (scope(), 0..3_u8).prop_map(|(scope, number)| Event::StepEnded {
            scope,
            number,
            outcome: StepOutcome::Cancelled,
        }),
        (cell(), 0..3_u32).prop_map(|(cell, attempt)| Event::AttemptStarted {
            cell,
            attempt,
            generation: 1,
            experiment_id: "id".to_owned(),
        }),
        (cell(), 0..3_u32, outcome()).prop_map(|(cell, attempt, outcome)| Event::AttemptEnded {
            cell,
            attempt,
            outcome
        }),
        cells().prop_map(|cells| Event::CellsSkipped { cells }),
        (cells(), any::<bool>()).prop_map(|(cells, automatic)| Event::CellsQueued { cells, automatic }),
        cells().prop_map(|cells| Event::CellsCancelled { cells }),
        cells().prop_map(|cells| Event::CellsNotRun {
            cells,
            failure: Failure::new("row failed")
        }),
        cells().prop_map(|cells| Event::CellsPrioritized { cells }),
        Just(Event::Notice { text: "n".to_owned() }),
        any::<bool>().prop_map(|stopped| Event::SweepEnded { stopped }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_events_has_a_state(events in prop::collection::vec(event(), 0..60)) {
        let mut state = State::default();
        let first = Event::SweepOpened(Box::new(design(3, 3)));
        for (event, seq) in std::iter::once(first).chain(events).zip(1..) {
            let text = serde_json::to_string(&event).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Event>(&text).unwrap(), &event);
            state.apply(&Record { seq, at: Timestamp::UNIX_EPOCH, event });
            for status in CellStatus::ALL {
                let count = state.cells.iter().filter(|cell| cell.status == status).count();
                prop_assert_eq!(state.counts.of(status) as usize, count);
            }
            prop_assert_eq!(queue(&state).len() as u32, state.counts.of(CellStatus::Pending));
            let _ = next_action(&state);
            let _ = obsolete(&state);
            if let Ok(events) = decide(&state, &Command::Retry { cells: Selection::All }) {
                prop_assert_eq!(events.len(), 1);
            }
        }
        let text = summary::text(&state, "/ws".as_ref());
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        let file = summary::yaml(&state, &Instance::at("/ws"));
        prop_assert!(crate::yaml::from_str(&file).is_ok());
    }
}
