//! The engine killed at random instants, again and again.

use crate::lab::{Lab, SMALL, small_flags};
use llmdbenchmark::engine::{Event, Outcome, Record};
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

/// Kills in all, over as many sweeps as it takes.
const KILLS: usize = 100;
/// Longest life of an engine, in milliseconds: about as long as a cell takes.
const LONGEST_LIFE: u64 = 900;

/// After each kill the sweep is resumed, until it is done; then the next one begins.
#[test]
fn a_hundred_kills_lose_no_cell_and_run_none_twice() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut kills = 0;
    while kills < KILLS {
        let lab = Lab::new();
        lab.write("small.yaml", SMALL);
        let killed = sweep(&lab, &mut random);
        kills += killed;
        check(&lab);
        lab.wait_until_nothing_runs();
    }
}

/// One sweep to its end; returns how often its engine was killed.
fn sweep(lab: &Lab, random: &mut rand_chacha::ChaCha8Rng) -> usize {
    let workspace = lab.workspace().display().to_string();
    let mut kills = 0;
    loop {
        let begun = lab.workspace().join("latest/journal.jsonl").exists();
        let mut command = if begun {
            lab.command(&["experiment", "--resume", &workspace])
        } else {
            lab.command(small_flags())
        };
        let mut engine = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The instant of the kill is what is random here; nothing is waited for.
        std::thread::sleep(Duration::from_millis(random.random_range(0..LONGEST_LIFE)));
        if engine.try_wait().unwrap().is_some() {
            let output = engine.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "after {kills} kills: {stderr}");
            return kills;
        }
        engine.kill().unwrap();
        engine.wait().unwrap();
        kills += 1;
    }
}

fn check(lab: &Lab) {
    let (state, records) = llmdbenchmark::engine::replay(&lab.latest().join("journal.jsonl")).unwrap();
    let mut successes = BTreeMap::new();
    for Record { event, .. } in &records {
        if let Event::AttemptEnded { cell, outcome, .. } = event {
            assert!(
                matches!(outcome, Outcome::Succeeded { .. }),
                "{cell} ended as {outcome:?}"
            );
            *successes.entry(*cell).or_insert(0) += 1;
        }
    }
    assert_eq!(successes.len(), 4);
    assert!(successes.values().all(|count| *count == 1), "{successes:?}");
    assert!(state.cells.iter().all(|cell| cell.attempts.len() == 1));
}
