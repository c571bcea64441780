//! Designs for the engine's tests.

use super::event::{SweepOpened, TreatmentInfo};
use crate::experiment::RetryPolicy;
use std::num::NonZeroU32;

/// A design of rows `a`, `b`, … and columns `k`, `l`, ….
pub(super) fn design(setups: u8, runs: u8) -> SweepOpened {
    let infos = |first: u8, count: u8| {
        (first..first + count)
            .map(|letter| treatment(&char::from(letter).to_string(), "1"))
            .collect()
    };
    SweepOpened {
        sweep_id: "sweep".to_owned(),
        experiment: "test".to_owned(),
        platform: "local".to_owned(),
        simulated: true,
        harness: "builtin".to_owned(),
        profile: "sanity".to_owned(),
        parallelism: 1,
        policy: RetryPolicy::default(),
        stop_on_error: false,
        skip_teardown: false,
        setups: infos(b'a', setups),
        runs: infos(b'k', runs),
    }
}

pub(super) fn treatment(name: &str, fingerprint: &str) -> TreatmentInfo {
    TreatmentInfo {
        name: name.to_owned(),
        levels: Vec::new(),
        fingerprint: fingerprint.to_owned(),
    }
}

pub(super) fn attempts(count: u32) -> RetryPolicy {
    RetryPolicy {
        treatment_max_attempts: NonZeroU32::new(count).unwrap(),
        ..RetryPolicy::default()
    }
}
