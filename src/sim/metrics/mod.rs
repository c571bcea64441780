//! What vLLM counts, counted from the model's notices; all times are virtual.
//!
//! Owned by the driver. `exposition.rs` writes it as Prometheus text.

mod exposition;
mod histogram;

pub use exposition::{Labels, render};

use super::model::{Notice, Record};
use histogram::Histogram;
use std::time::Duration;

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself or at a stop string.
    Stop,
    /// At the limit of tokens.
    Length,
}

impl Ending {
    /// Its name in answers and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
        }
    }
}

/// Counts of one engine.
#[derive(Debug)]
struct EngineMetrics {
    first_token: Histogram,
    inter_token: Histogram,
    per_output_token: Histogram,
    whole: Histogram,
    queue: Histogram,
    inference: Histogram,
    prefill: Histogram,
    decode: Histogram,
    prompt_tokens: Histogram,
    generation_tokens: Histogram,
    max_tokens: Histogram,
    iteration_tokens: Histogram,
    transfer_time: Histogram,
    transfer_bytes: Histogram,
    stopped: u64,
    at_length: u64,
    aborted: u64,
}

impl EngineMetrics {
    fn new() -> Self {
        let new = Histogram::new;
        Self {
            first_token: new(histogram::FIRST_TOKEN),
            inter_token: new(histogram::INTER_TOKEN),
            per_output_token: new(histogram::INTER_TOKEN),
            whole: new(histogram::REQUEST),
            queue: new(histogram::REQUEST),
            inference: new(histogram::REQUEST),
            prefill: new(histogram::REQUEST),
            decode: new(histogram::REQUEST),
            prompt_tokens: new(histogram::LENGTH),
            generation_tokens: new(histogram::LENGTH),
            max_tokens: new(histogram::LENGTH),
            iteration_tokens: new(histogram::ITERATION),
            transfer_time: new(histogram::TRANSFER),
            transfer_bytes: new(histogram::TRANSFER_BYTES),
            stopped: 0,
            at_length: 0,
            aborted: 0,
        }
    }
}

/// Counts of all engines.
#[derive(Debug)]
pub struct Metrics {
    engines: Vec<EngineMetrics>,
}

impl Metrics {
    /// Nothing counted, for so many engines.
    pub fn new(engines: usize) -> Self {
        Self {
            engines: std::iter::repeat_with(EngineMetrics::new).take(engines).collect(),
        }
    }

    /// Count what the model told.
    pub fn count(&mut self, notice: &Notice) {
        let (Notice::Token { engine, .. }
        | Notice::Finished { engine, .. }
        | Notice::Step { engine, .. }
        | Notice::Transferred { engine, .. }) = notice;
        let Some(metrics) = self.engines.get_mut(*engine) else {
            return;
        };
        match notice {
            Notice::Token { gap, first: true, .. } => metrics.first_token.observe(gap.as_secs_f64()),
            Notice::Token { gap, .. } => metrics.inter_token.observe(gap.as_secs_f64()),
            Notice::Step { tokens, .. } => metrics.iteration_tokens.observe(*tokens as f64),
            Notice::Transferred { time, bytes, .. } => {
                metrics.transfer_time.observe(time.as_secs_f64());
                metrics.transfer_bytes.observe(*bytes);
            }
            // Told by the driver, which knows how it ends.
            Notice::Finished { .. } => {}
        }
    }

    /// Count a request that got all its tokens; `max_tokens` is the limit the client gave.
    pub fn count_end(&mut self, engine: usize, ending: Ending, record: &Record, max_tokens: Option<u32>) {
        let Some(metrics) = self.engines.get_mut(engine) else {
            return;
        };
        match ending {
            Ending::Stop => metrics.stopped += 1,
            Ending::Length => metrics.at_length += 1,
        }
        let between = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64();
        let decode = between(record.first_token, record.last_token);
        metrics.whole.observe(between(record.arrived, record.last_token));
        metrics.queue.observe(between(record.queued, record.scheduled));
        metrics
            .inference
            .observe(between(record.scheduled, record.last_token));
        metrics
            .prefill
            .observe(between(record.scheduled, record.first_token));
        metrics.decode.observe(decode);
        if record.generated > 1 {
            metrics
                .per_output_token
                .observe(decode / f64::from(record.generated - 1));
        }
        metrics.prompt_tokens.observe(f64::from(record.prompt));
        metrics.generation_tokens.observe(f64::from(record.generated));
        if let Some(limit) = max_tokens {
            metrics.max_tokens.observe(f64::from(limit));
        }
    }

    /// Count a request whose client went away.
    pub fn count_abort(&mut self, engine: usize) {
        if let Some(metrics) = self.engines.get_mut(engine) {
            metrics.aborted += 1;
        }
    }
}
