//! Crashes at every instant of a sweep, and disks that fill up: the results are those of an undisturbed run.

use super::check;
use super::engine::{Model, results};
use super::world::{Crash, Universe, World};
use crate::engine::journal::scan;
use crate::engine::testing::{attempts, design};
use crate::engine::{Outcome, State, SweepOpened};
use crate::experiment::RetryPolicy;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::path::Path;

/// Instants at which an engine dies, in one run of the test.
const CRASHES: usize = 2_000;

fn experiment(seed: u64) -> SweepOpened {
    let policy = RetryPolicy {
        treatment_stop_on_error: seed % 4 == 3,
        ..attempts(1 + (seed % 3) as u32)
    };
    SweepOpened {
        policy,
        ..design(3, 4)
    }
}

/// Resume until the sweep is done. Engines die again and again, but less and less often.
fn finish(universe: &Universe, design: &SweepOpened, mut deaths: u32) -> State {
    loop {
        if deaths > 0 {
            deaths -= 1;
            let inside = &mut *universe.lock();
            inside.fuse = Some(inside.rng.random_range(0..120));
        }
        let done = Model::open(universe, design, false).and_then(|mut model| {
            model.run()?;
            Ok(model.state)
        });
        match done {
            Ok(state) => return state,
            Err(Crash) => universe.after_power_cut(),
        }
    }
}

/// Nothing is left of the sweep but its results.
fn check_world(world: &World, state: &State) {
    assert!(world.stacks.is_empty(), "left over: {:?}", world.stacks);
    let mut successes = BTreeMap::new();
    for (id, job) in &world.jobs {
        assert!(job.ended.is_some(), "{id} still runs");
        if matches!(job.ended, Some(Outcome::Succeeded { .. })) {
            *successes.entry(job.cell).or_insert(0) += 1;
        }
    }
    assert!(
        successes.values().all(|count| *count == 1),
        "succeeded twice: {successes:?}"
    );
    let attempts: usize = state.cells.iter().map(|cell| cell.attempts.len()).sum();
    assert_eq!(world.jobs.len(), attempts, "each attempt is one job");
}

#[test]
fn killed_at_any_instant_it_ends_like_an_undisturbed_sweep() {
    let mut crashes = 0;
    let mut seed = 0;
    while crashes < CRASHES {
        seed += 1;
        let design = experiment(seed);
        let universe = Universe::new(World::new(seed), seed);
        universe.lock().past = Some(Vec::new());
        let mut model = Model::open(&universe, &design, true).unwrap();
        model.run().unwrap();
        check_world(&universe.lock().world, &model.state);
        let expected = results(&model.state);
        let past = universe.lock().past.take().unwrap();
        crashes += past.len();
        for (instant, world) in past.into_iter().enumerate() {
            let universe = Universe::new(world, seed << 32 | instant as u64);
            universe.after_power_cut();
            let state = finish(&universe, &design, (instant % 3) as u32);
            check(&state);
            check_world(&universe.lock().world, &state);
            assert_eq!(
                results(&state),
                expected,
                "seed {seed}, killed at instant {instant}"
            );
        }
    }
}

#[test]
fn a_disk_that_fills_up_again_and_again_changes_nothing() {
    for seed in 0..20 {
        let design = experiment(seed);
        let universe = Universe::new(World::new(seed), seed);
        let expected = results(&finish(&universe, &design, 0));
        let universe = Universe::new(World::new(seed), seed);
        universe.lock().trouble = Some(4);
        let state = finish(&universe, &design, 5);
        check_world(&universe.lock().world, &state);
        assert_eq!(results(&state), expected, "seed {seed}");
    }
}

#[test]
fn any_prefix_of_a_journal_replays_to_a_valid_state() {
    for seed in 0..4 {
        let universe = Universe::new(World::new(seed), seed);
        finish(&universe, &experiment(seed), 3);
        let journal = universe.lock().world.disk.seen().to_vec();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..40 {
            let length = rng.random_range(0..=journal.len());
            let mut state = State::default();
            let tail = scan(Path::new("j"), &journal[..length], |record| {
                state.apply(&record);
                check(&state);
            })
            .unwrap();
            assert_eq!(tail.whole + tail.torn, length as u64);
            assert_eq!(tail.records, state.seq);
        }
    }
}
