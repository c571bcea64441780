//! Distributions of latencies and lengths.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

/// The percentiles that every distribution is told with, and their names in inference-perf's files.
pub(super) const PERCENTILES: [(f64, &str); 11] = [
    (0.1, "p0.1"),
    (1.0, "p1"),
    (5.0, "p5"),
    (10.0, "p10"),
    (25.0, "p25"),
    (50.0, "median"),
    (75.0, "p75"),
    (90.0, "p90"),
    (95.0, "p95"),
    (99.0, "p99"),
    (99.9, "p99.9"),
];

/// A distribution: exact mean and spread, percentiles to three digits.
#[derive(Debug, Clone)]
pub struct Distribution {
    histogram: Option<Histogram<u64>>,
    /// Histogram units per unit of the values.
    scale: f64,
    count: u64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Distribution {
    /// Of times in seconds, to a microsecond.
    pub fn of_seconds() -> Self {
        Self::new(1e6)
    }

    /// Of whole numbers.
    pub fn of_counts() -> Self {
        Self::new(1.0)
    }

    fn new(scale: f64) -> Self {
        Self {
            histogram: Histogram::new(3).ok(),
            scale,
            count: 0,
            mean: 0.0,
            squares: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }

    /// Take in one value, not below 0.
    pub fn record(&mut self, value: f64) {
        if let Some(histogram) = &mut self.histogram {
            // Grows the histogram where needed; a value that 64 bits cannot hold is none.
            let _ = histogram.record((value * self.scale).round() as u64);
        }
        // Welford's way: exact for millions of values.
        self.count += 1;
        let from_mean = value - self.mean;
        self.mean += from_mean / self.count as f64;
        self.squares += from_mean * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Standard deviation; `None` without values.
    pub fn std_dev(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.squares / self.count as f64).max(0.0).sqrt())
    }

    /// Smallest and largest; `None` without values.
    pub fn range(&self) -> Option<(f64, f64)> {
        (self.count > 0).then_some((self.min, self.max))
    }

    /// The value that `percent` of all values do not exceed; `None` without values.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        let histogram = self.histogram.as_ref().filter(|_| self.count > 0)?;
        let value = histogram.value_at_percentile(percent) as f64 / self.scale;
        // A histogram's buckets are wider than its values.
        Some(value.clamp(self.min, self.max))
    }

    /// All of it, named as inference-perf does; null without values.
    pub fn summary(&self) -> Value {
        let (Some(mean), Some(std_dev), Some((min, max))) = (self.mean(), self.std_dev(), self.range())
        else {
            return Value::Null;
        };
        let mut summary = Map::new();
        summary.insert("mean".to_owned(), json!(mean));
        summary.insert("std_dev".to_owned(), json!(std_dev));
        summary.insert("min".to_owned(), json!(min));
        for (percent, name) in PERCENTILES {
            summary.insert(name.to_owned(), json!(self.percentile(percent)));
        }
        summary.insert("max".to_owned(), json!(max));
        Value::Object(summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() <= b * 1e-3)
    }

    #[test]
    fn a_distribution_is_exact_in_mean_and_spread_and_close_in_percentiles() {
        let mut values = Distribution::of_counts();
        for value in 1..=1000 {
            values.record(f64::from(value));
        }
        assert!(near(values.mean(), 500.5));
        assert!(near(values.std_dev(), 288.675));
        assert!(near(values.percentile(99.0), 990.0));
        assert_eq!(values.range(), Some((1.0, 1000.0)));
    }

    #[test]
    fn percentiles_agree_with_a_plain_sort() {
        let mut values: Vec<f64> = (0..5000).map(|n| f64::from((n * 7919) % 5003) / 1e3).collect();
        let mut distribution = Distribution::of_seconds();
        for value in &values {
            distribution.record(*value);
        }
        values.sort_by(f64::total_cmp);
        for percent in [1.0, 25.0, 50.0, 90.0, 99.0] {
            let exact = values[(percent / 100.0 * 5000.0) as usize - 1];
            let told = distribution.percentile(percent).unwrap();
            assert!((told - exact).abs() <= exact * 2e-3, "{percent}: {told} {exact}");
        }
    }
}
