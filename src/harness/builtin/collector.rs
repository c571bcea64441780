//! The thread that takes finished requests: counts them, writes their records, tells how far the run is.
//!
//! A thread of its own, so that no disk and no terminal ever holds up a request.

use super::measure::{Finished, Tally};
use super::workload::Goal;
use crate::harness::progress::Progress;
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// One JSON object per request, in the order in which they ended.
pub const RECORDS: &str = "per_request_records.jsonl";

/// Between two looks at the clock while nothing ends.
const LOOK: Duration = Duration::from_millis(250);
/// Between two lines in the log.
const TALK: Duration = Duration::from_secs(2);

/// All that was counted.
#[derive(Debug, Default)]
pub struct Counted {
    /// Over all stages.
    pub whole: Tally,
    /// Per stage.
    pub stages: Vec<Tally>,
}

/// One line of the records file. Times are milliseconds; absent ones were not reached.
#[derive(Debug, Serialize)]
struct Record {
    request: u64,
    stage: usize,
    /// From the start of the run.
    sent_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    late_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttft_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttft_from_scheduled_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tpot_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    itl_max_ms: Option<f64>,
    e2e_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    e2e_from_scheduled_ms: Option<f64>,
    input_tokens: u64,
    output_tokens: u64,
    asked_output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Record {
    fn of(finished: &Finished, start: tokio::time::Instant) -> Self {
        let measured = &finished.measured;
        let since_start = |at: tokio::time::Instant| ms(at.saturating_duration_since(start));
        Self {
            request: finished.index,
            stage: finished.stage,
            sent_ms: since_start(measured.sent),
            scheduled_ms: finished.due.map(since_start),
            late_ms: finished.due.map(|_| ms(finished.late)),
            ttft_ms: measured.ttft().map(ms),
            ttft_from_scheduled_ms: measured.ttft().and_then(|ttft| finished.since_due(ttft)).map(ms),
            tpot_ms: measured.tpot().map(|seconds| seconds * 1e3),
            itl_max_ms: measured.gaps().max().map(ms),
            e2e_ms: ms(measured.took),
            e2e_from_scheduled_ms: finished.since_due(measured.took).map(ms),
            input_tokens: measured.input_tokens,
            output_tokens: measured.output_tokens,
            asked_output_tokens: finished.asked_tokens,
            failure: measured.failure.map(super::request::FailureKind::name),
            message: measured.message.clone(),
        }
    }
}

fn ms(duration: Duration) -> f64 {
    // Whole microseconds: more digits would only be noise in the file.
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Take in what ends until all senders are gone.
pub struct Collector {
    /// Result folder.
    pub folder: PathBuf,
    /// Service levels.
    pub goals: Vec<Goal>,
    /// How many stages there are.
    pub stages: usize,
    /// How many requests there are, where that is known.
    pub planned: Option<u64>,
    /// Start of the run.
    pub start: tokio::time::Instant,
    /// Requests under way, for the log.
    pub under_way: Arc<AtomicU64>,
}

impl Collector {
    /// Run to the end; the records are on disk then.
    pub fn run(&self, finished: &Receiver<Finished>) -> io::Result<Counted> {
        let mut records = BufWriter::new(File::create(self.folder.join(RECORDS))?);
        let mut progress = Progress::new(&self.folder, self.planned.unwrap_or(0));
        let mut counted = Counted {
            whole: Tally::default(),
            stages: (0..self.stages).map(|_| Tally::default()).collect(),
        };
        let mut stage = 0;
        let mut talked = Instant::now();
        loop {
            match finished.recv_timeout(LOOK) {
                Ok(finished) => {
                    serde_json::to_writer(&mut records, &Record::of(&finished, self.start))?;
                    records.write_all(b"\n")?;
                    stage = stage.max(finished.stage);
                    counted.whole.add(&finished, &self.goals);
                    if let Some(tally) = counted.stages.get_mut(finished.stage) {
                        tally.add(&finished, &self.goals);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let text = self.text(&counted.whole, stage);
            progress.tell(counted.whole.ended(), &text);
            if talked.elapsed() >= TALK {
                talked = Instant::now();
                say(&format!("{text}; {}", self.rates(&counted.whole)));
            }
        }
        let text = self.text(&counted.whole, stage);
        progress.end(counted.whole.ended(), &text);
        say(&format!("{text}; {}", self.rates(&counted.whole)));
        records
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()?;
        Ok(counted)
    }

    fn text(&self, tally: &Tally, stage: usize) -> String {
        let planned = self
            .planned
            .map_or_else(String::new, |planned| format!(" of {planned}"));
        let mut text = format!("{}{planned} requests", tally.ended());
        if self.stages > 1 {
            text = format!("stage {} of {}: {text}", stage + 1, self.stages);
        }
        if tally.failed() > 0 {
            text = format!("{text}, {} failed", tally.failed());
        }
        text
    }

    fn rates(&self, tally: &Tally) -> String {
        let median = |values: &super::distribution::Distribution| {
            values
                .percentile(50.0)
                .map_or_else(|| "-".to_owned(), |seconds| format!("{:.1} ms", seconds * 1e3))
        };
        format!(
            "{} under way, {:.1} requests/s, {:.0} tokens/s out, TTFT p50 {}, ITL p50 {}",
            self.under_way.load(Ordering::Relaxed),
            tally.per_second(tally.completed),
            tally.per_second(tally.output_tokens),
            median(&tally.ttft),
            median(&tally.itl),
        )
    }
}

/// A line for the harness log. Nobody reading it is no reason to end.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{}", crate::text::sanitize(line));
}
