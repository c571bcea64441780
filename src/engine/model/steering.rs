//! Operators who say anything at any time, and engines that die under them.

use super::check;
use super::engine::Model;
use super::world::{Crash, Universe, World};
use crate::engine::testing::{attempts, design};
use crate::engine::{CellStatus, Command, Selection, StatusFilter, StopMode, SweepOpened};
use crate::experiment::{CellId, RunId, SetupId};
use proptest::prelude::*;

fn cell() -> impl Strategy<Value = CellId> {
    (0..3_u32, 0..4_u32).prop_map(|(setup, run)| CellId::new(setup, run))
}

fn selection() -> impl Strategy<Value = Selection> {
    prop_oneof![
        4 => prop::collection::vec(cell(), 1..4).prop_map(Selection::Cells),
        2 => (0..4_u32).prop_map(|setup| Selection::Setups(vec![SetupId(setup)])),
        1 => (0..5_u32).prop_map(|run| Selection::Runs(vec![RunId(run)])),
        1 => prop_oneof![
            Just(StatusFilter::Unsuccessful),
            Just(StatusFilter::Failed),
            Just(StatusFilter::Pending),
            Just(StatusFilter::Skipped),
        ]
        .prop_map(Selection::Status),
        1 => Just(Selection::All),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => Just(Command::Start),
        2 => Just(Command::Pause),
        3 => selection().prop_map(|cells| Command::Skip { cells }),
        3 => selection().prop_map(|cells| Command::Unskip { cells }),
        4 => selection().prop_map(|cells| Command::Retry { cells }),
        3 => selection().prop_map(|cells| Command::Cancel { cells }),
        3 => selection().prop_map(|cells| Command::RunNext { cells }),
        1 => prop_oneof![Just(StopMode::Finish), Just(StopMode::Graceful), Just(StopMode::Now)]
            .prop_map(|mode| Command::Stop { mode }),
    ]
}

fn occasions() -> impl Strategy<Value = Vec<Option<Command>>> {
    prop::collection::vec(prop::option::weighted(0.4, command()), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// The model asserts the rules at every step; what is left to see here is the end.
    #[test]
    fn whatever_the_operator_says_the_rules_hold(
        seed in any::<u64>(),
        engines in prop::collection::vec((occasions(), prop::option::of(0..150_u32)), 1..4),
        stop_on_error in any::<bool>(),
        skip_teardown in any::<bool>(),
    ) {
        let design = SweepOpened {
            policy: attempts(2),
            stop_on_error,
            skip_teardown,
            ..design(3, 4)
        };
        let universe = Universe::new(World::new(seed), seed);
        for (commands, fuse) in engines {
            universe.lock().fuse = fuse;
            let lived = Model::open(&universe, &design, true).and_then(|mut model| {
                model.commands = commands.into();
                model.run()
            });
            match lived {
                Ok(()) => universe.lock().fuse = None,
                Err(Crash) => universe.after_power_cut(),
            }
        }
        // Then he leaves it alone, and it is resumed as often as its own rules stop it.
        let mut state = None;
        for _ in 0..20 {
            let mut model = Model::open(&universe, &design, true).unwrap();
            model.run().unwrap();
            check(&model.state);
            let left = model.state.counts.of(CellStatus::Pending) + model.state.counts.of(CellStatus::Interrupted);
            state = Some(model.state);
            if left == 0 {
                break;
            }
        }
        let state = state.unwrap();
        prop_assert_eq!(state.counts.of(CellStatus::Pending), 0);
        prop_assert_eq!(state.counts.of(CellStatus::Running), 0);
        let world = &universe.lock().world;
        prop_assert!(skip_teardown || world.stacks.is_empty(), "left over: {:?}", world.stacks);
        prop_assert!(world.jobs.values().all(|job| job.ended.is_some()));
    }
}
