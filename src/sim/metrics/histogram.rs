//! A Prometheus histogram with fixed buckets.

/// Upper bounds of vLLM's time-to-first-token buckets, seconds.
pub(super) const FIRST_TOKEN: &[f64] = &[
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0,
    80.0, 160.0, 640.0, 2560.0,
];
/// Of its inter-token latencies, seconds.
pub(super) const INTER_TOKEN: &[f64] = &[
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
];
/// Of whole requests and their phases, seconds.
pub(super) const REQUEST: &[f64] = &[
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0,
    960.0, 1920.0, 7680.0,
];
/// Of lengths, tokens: 1-2-5 up to the longest context of current models.
pub(super) const LENGTH: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5,
];
/// Of tokens per iteration.
pub(super) const ITERATION: &[f64] = &[
    1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0,
];
/// Of KV transfers, seconds.
pub(super) const TRANSFER: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 5.0,
];
/// Of KV transfers, bytes: every second power of two from 2 KiB.
pub(super) const TRANSFER_BYTES: &[f64] = &[
    2048.0,
    8192.0,
    32_768.0,
    131_072.0,
    524_288.0,
    2_097_152.0,
    8_388_608.0,
    33_554_432.0,
    134_217_728.0,
    536_870_912.0,
    2_147_483_648.0,
    8_589_934_592.0,
];

/// Counts of values by bucket.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    bounds: &'static [f64],
    /// One more than bounds: the last one is beyond all.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
        }
    }

    pub(super) fn observe(&mut self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum += value;
    }

    /// The cumulative counts with their bounds as Prometheus writes them, `+Inf` last.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = (String, u64)> {
        let mut total = 0;
        self.counts.iter().enumerate().map(move |(at, count)| {
            total += count;
            let bound = self.bounds.get(at);
            (
                bound.map_or("+Inf".to_owned(), |bound| format!("{bound:?}")),
                total,
            )
        })
    }

    pub(super) fn sum(&self) -> f64 {
        self.sum
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_in_its_bucket_and_all_above() {
        let mut histogram = Histogram::new(&[1.0, 2.5, 10.0]);
        for value in [0.5, 1.0, 2.0, 11.0] {
            histogram.observe(value);
        }
        let counts: Vec<_> = histogram.cumulative().collect();
        let expected = [("1.0", 2), ("2.5", 3), ("10.0", 3), ("+Inf", 4)];
        assert_eq!(counts, expected.map(|(bound, count)| (bound.to_owned(), count)));
        assert_eq!(histogram.count(), 4);
        assert!((histogram.sum() - 14.5).abs() < 1e-9);
    }

    #[test]
    fn bounds_rise() {
        for bounds in [
            FIRST_TOKEN,
            INTER_TOKEN,
            REQUEST,
            LENGTH,
            ITERATION,
            TRANSFER,
            TRANSFER_BYTES,
        ] {
            assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{bounds:?}");
        }
    }
}
