//! Benchmark reports: schema v0.2, written per attempt, read back by the judge and the summary.
