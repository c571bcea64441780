//! From requests to counts, distributions and rates.

use super::distribution::Distribution;
use super::request::{FailureKind, Measured};
use super::workload::{Goal, GoalMetric};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// More than this share of a stage's requests, and more than one of them, sent later than [`LATE`] after they were due,
/// and the generator itself was the bottleneck: the run is *client-bound*, and its latencies are too good. Open loops
/// only: in a closed loop nothing is due.
pub const LATE_SHARE: f64 = 0.01;
/// How late a request may be sent before it counts as late. Two orders above what an idle machine needs, and below what
/// users notice.
pub const LATE: Duration = Duration::from_millis(50);

/// One request of the workload, done.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Counted over all stages, from 0.
    pub index: u64,
    /// Stage, from 0.
    pub stage: usize,
    /// When it was due; open loop only.
    pub due: Option<Instant>,
    /// How late the generator itself was: from when it was due, and allowed to be sent, to when it was sent.
    pub late: Duration,
    /// Tokens that were asked for.
    pub asked_tokens: u32,
    /// What was seen.
    pub measured: Measured,
}

impl Finished {
    /// From when it was due to its end: what a user would have waited who does not know of limits and late generators.
    pub fn since_due(&self, at: Duration) -> Option<Duration> {
        let due = self.due?;
        Some(self.measured.sent.saturating_duration_since(due) + at)
    }

    /// Whether it met all `goals`.
    fn is_good(&self, goals: &[Goal]) -> bool {
        self.measured.failure.is_none()
            && goals.iter().all(|goal| {
                let ms = match goal.metric {
                    GoalMetric::Ttft => self.measured.ttft().map(|ttft| ttft.as_secs_f64() * 1e3),
                    // A single token has no time per further token, and so cannot break the promise.
                    GoalMetric::Tpot => Some(self.measured.tpot().unwrap_or(0.0) * 1e3),
                    GoalMetric::E2el => Some(self.measured.took.as_secs_f64() * 1e3),
                };
                ms.is_some_and(|ms| ms <= goal.limit_ms)
            })
    }
}

/// Everything counted about a stage, or about the whole run.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Answered in full.
    pub completed: u64,
    /// Failed, by kind; cancelled requests are not here.
    pub failures: BTreeMap<FailureKind, u64>,
    /// One failure's own words for each kind.
    pub examples: BTreeMap<FailureKind, String>,
    /// Under way when the run was ended.
    pub cancelled: u64,
    /// Met all service levels; equals `completed` where there are none.
    pub good: u64,
    /// Sent later than [`LATE`] after they were due.
    pub late: u64,
    /// Requests with a due time.
    pub scheduled: u64,
    /// Seconds to the first token.
    pub ttft: Distribution,
    /// Seconds per token after the first one.
    pub tpot: Distribution,
    /// Seconds between pieces of text.
    pub itl: Distribution,
    /// Seconds of a whole request.
    pub e2e: Distribution,
    /// Seconds of a whole request per generated token.
    pub per_token: Distribution,
    /// Seconds to the first token, from when the request was due.
    pub ttft_due: Distribution,
    /// Seconds of a whole request, from when it was due.
    pub e2e_due: Distribution,
    /// Seconds the generator was late.
    pub lateness: Distribution,
    /// Prompt tokens.
    pub input: Distribution,
    /// Generated tokens.
    pub output: Distribution,
    /// Prompt tokens of completed requests, in all.
    pub input_tokens: u64,
    /// Generated tokens of completed requests, in all.
    pub output_tokens: u64,
    first_sent: Option<Instant>,
    last_sent: Option<Instant>,
    last_end: Option<Instant>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            completed: 0,
            failures: BTreeMap::new(),
            examples: BTreeMap::new(),
            cancelled: 0,
            good: 0,
            late: 0,
            scheduled: 0,
            ttft: Distribution::of_seconds(),
            tpot: Distribution::of_seconds(),
            itl: Distribution::of_seconds(),
            e2e: Distribution::of_seconds(),
            per_token: Distribution::of_seconds(),
            ttft_due: Distribution::of_seconds(),
            e2e_due: Distribution::of_seconds(),
            lateness: Distribution::of_seconds(),
            input: Distribution::of_counts(),
            output: Distribution::of_counts(),
            input_tokens: 0,
            output_tokens: 0,
            first_sent: None,
            last_sent: None,
            last_end: None,
        }
    }
}

impl Tally {
    /// Count `finished` in.
    pub fn add(&mut self, finished: &Finished, goals: &[Goal]) {
        let measured = &finished.measured;
        self.first_sent = Some(
            self.first_sent
                .map_or(measured.sent, |first| first.min(measured.sent)),
        );
        self.last_sent = Some(
            self.last_sent
                .map_or(measured.sent, |last| last.max(measured.sent)),
        );
        let end = measured.sent + measured.took;
        self.last_end = Some(self.last_end.map_or(end, |last| last.max(end)));
        if finished.due.is_some() {
            self.scheduled += 1;
            self.lateness.record(finished.late.as_secs_f64());
            self.late += u64::from(finished.late > LATE);
        }
        match measured.failure {
            None => self.add_completed(finished, goals),
            Some(FailureKind::Cancelled) => self.cancelled += 1,
            Some(kind) => {
                *self.failures.entry(kind).or_default() += 1;
                if let Some(message) = &measured.message {
                    self.examples.entry(kind).or_insert_with(|| message.clone());
                }
            }
        }
    }

    fn add_completed(&mut self, finished: &Finished, goals: &[Goal]) {
        let measured = &finished.measured;
        self.completed += 1;
        self.good += u64::from(finished.is_good(goals));
        self.input_tokens = self.input_tokens.saturating_add(measured.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(measured.output_tokens);
        self.input.record(measured.input_tokens as f64);
        self.output.record(measured.output_tokens as f64);
        self.e2e.record(measured.took.as_secs_f64());
        if measured.output_tokens > 0 {
            self.per_token
                .record(measured.took.as_secs_f64() / measured.output_tokens as f64);
        }
        if let Some(ttft) = measured.ttft() {
            self.ttft.record(ttft.as_secs_f64());
            if let Some(ttft) = finished.since_due(ttft) {
                self.ttft_due.record(ttft.as_secs_f64());
            }
        }
        if let Some(tpot) = measured.tpot() {
            self.tpot.record(tpot);
        }
        for gap in measured.gaps() {
            self.itl.record(gap.as_secs_f64());
        }
        if let Some(e2e) = finished.since_due(measured.took) {
            self.e2e_due.record(e2e.as_secs_f64());
        }
    }

    /// Failed requests of all kinds.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Requests that came to an end of their own.
    pub fn ended(&self) -> u64 {
        self.completed + self.failed()
    }

    /// From the first request sent to the last answer's end.
    pub fn duration(&self) -> Duration {
        match (self.first_sent, self.last_end) {
            (Some(first), Some(last)) => last.saturating_duration_since(first),
            _ => Duration::ZERO,
        }
    }

    /// From the first request sent to the last one sent.
    pub fn send_duration(&self) -> Duration {
        match (self.first_sent, self.last_sent) {
            (Some(first), Some(last)) => last.saturating_duration_since(first),
            _ => Duration::ZERO,
        }
    }

    /// `count` per second of [`Self::duration`].
    pub fn per_second(&self, count: u64) -> f64 {
        let seconds = self.duration().as_secs_f64();
        if seconds > 0.0 {
            count as f64 / seconds
        } else {
            0.0
        }
    }

    /// Whether the generator itself was the bottleneck; see [`LATE_SHARE`].
    pub fn client_bound(&self) -> bool {
        self.late > 1 && self.late as f64 > self.scheduled as f64 * LATE_SHARE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(due: Option<Instant>, sent: Instant, late: u64) -> Finished {
        Finished {
            index: 0,
            stage: 0,
            due,
            late: Duration::from_millis(late),
            asked_tokens: 3,
            measured: Measured {
                sent,
                arrivals: [100, 120, 160].map(Duration::from_millis).to_vec(),
                took: Duration::from_millis(170),
                input_tokens: 10,
                output_tokens: 3,
                failure: None,
                message: None,
            },
        }
    }

    fn near(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() <= b * 1e-3)
    }

    #[test]
    fn a_request_is_told_by_all_its_metrics_from_both_times() {
        let due = Instant::now();
        let mut tally = Tally::default();
        tally.add(&finished(Some(due), due + Duration::from_millis(40), 2), &[]);
        assert!(near(tally.ttft.mean(), 0.1));
        assert!(near(tally.ttft_due.mean(), 0.14));
        assert!(near(tally.e2e.percentile(50.0), 0.17));
        assert!(near(tally.e2e_due.percentile(99.0), 0.21));
        assert!(near(tally.tpot.mean(), 0.03));
        assert!(near(tally.itl.mean(), 0.03));
        assert_eq!(tally.itl.count(), 2);
        assert!(near(Some(tally.per_second(1)), 1.0 / 0.17));
        assert!(!tally.client_bound());
    }

    #[test]
    fn a_generator_that_was_late_too_often_is_client_bound() {
        let now = Instant::now();
        let mut tally = Tally::default();
        for n in 0..200 {
            tally.add(&finished(Some(now), now, if n < 2 { 80 } else { 1 }), &[]);
        }
        assert!(!tally.client_bound(), "1 % is allowed");
        tally.add(&finished(Some(now), now, 80), &[]);
        assert!(tally.client_bound());
        let mut few = Tally::default();
        few.add(&finished(Some(now), now, 80), &[]);
        assert!(!few.client_bound(), "a single one proves nothing");
    }

    #[test]
    fn goodput_counts_requests_that_met_every_goal() {
        let goal = |metric, limit_ms| Goal { metric, limit_ms };
        let request = finished(None, Instant::now(), 0);
        assert!(request.is_good(&[goal(GoalMetric::Ttft, 100.0), goal(GoalMetric::Tpot, 31.0)]));
        assert!(!request.is_good(&[goal(GoalMetric::Ttft, 100.0), goal(GoalMetric::Tpot, 29.0)]));
        assert!(!request.is_good(&[goal(GoalMetric::E2el, 169.0)]));
    }

    #[test]
    fn failures_are_counted_by_kind_and_cancelled_requests_are_none() {
        let mut tally = Tally::default();
        for kind in [
            FailureKind::Status(503),
            FailureKind::Timeout,
            FailureKind::Timeout,
            FailureKind::Cancelled,
        ] {
            let mut request = finished(None, Instant::now(), 0);
            request.measured.failure = Some(kind);
            tally.add(&request, &[]);
        }
        assert_eq!((tally.failed(), tally.cancelled, tally.completed), (3, 1, 0));
        assert_eq!(tally.failures[&FailureKind::Timeout], 2);
        assert!(tally.e2e.summary().is_null());
    }
}
