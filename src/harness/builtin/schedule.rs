//! When the requests of an open loop are due. The schedule is fixed before the first request: answers cannot change it.

use super::workload::Arrivals;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// Due times of requests, from the start of a stage: endless, never decreasing.
pub struct Schedule {
    rate: f64,
    arrivals: Arrivals,
    random: ChaCha8Rng,
    count: u64,
    seconds: f64,
}

impl Schedule {
    /// `rate` requests per second on average.
    pub fn new(rate: f64, arrivals: Arrivals, seed: u64) -> Self {
        Self {
            rate,
            arrivals,
            random: ChaCha8Rng::seed_from_u64(seed),
            count: 0,
            seconds: 0.0,
        }
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let due = match self.arrivals {
            // By multiplication: a sum of many gaps would drift.
            Arrivals::Constant => self.count as f64 / self.rate,
            Arrivals::Gamma(_) => self.seconds,
        };
        self.count += 1;
        if let Arrivals::Gamma(shape) = self.arrivals {
            self.seconds += gamma(&mut self.random, shape) / (shape * self.rate);
        }
        Some(Duration::try_from_secs_f64(due).unwrap_or(Duration::MAX))
    }
}

/// A standard normal number (Box–Muller).
pub(super) fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// A gamma number of this shape and scale 1 (Marsaglia and Tsang).
fn gamma(random: &mut ChaCha8Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        let boost = (1.0 - random.random::<f64>()).powf(1.0 / shape);
        return gamma(random, shape + 1.0) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(random);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && (1.0 - random.random::<f64>()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(arrivals: Arrivals) -> (f64, f64) {
        let due: Vec<f64> = Schedule::new(50.0, arrivals, 11)
            .take(20_001)
            .map(|due| due.as_secs_f64())
            .collect();
        let gaps: Vec<f64> = due.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        (mean, variance.sqrt() / mean)
    }

    #[test]
    fn every_kind_of_arrival_keeps_the_rate_and_has_its_own_spread() {
        for (arrivals, spread) in [
            (Arrivals::Constant, 0.0),
            (Arrivals::Gamma(1.0), 1.0),
            (Arrivals::Gamma(0.25), 2.0),
            (Arrivals::Gamma(4.0), 0.5),
        ] {
            let (mean, variation) = gaps(arrivals);
            assert!((mean * 50.0 - 1.0).abs() < 0.06, "{arrivals:?}: {mean}");
            assert!((variation - spread).abs() < 0.1, "{arrivals:?}: {variation}");
        }
    }

    #[test]
    fn the_first_request_is_due_at_once_and_a_seed_fixes_the_rest() {
        let due = |seed| {
            Schedule::new(3.0, Arrivals::Gamma(1.0), seed)
                .take(9)
                .collect::<Vec<_>>()
        };
        assert_eq!(due(1)[0], Duration::ZERO);
        assert_eq!(due(1), due(1));
        assert_ne!(due(1), due(2));
    }
}
