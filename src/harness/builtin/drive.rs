//! Sends the requests of a workload, stage by stage, each at its pace.

use super::http::Client;
use super::measure::Finished;
use super::prompts::{Prompt, PromptMaker};
use super::request::{FailureKind, Measured, RequestForm};
use super::schedule::Schedule;
use super::workload::{Pace, Stage, Workload};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Between two tries to hand over a finished request when the receiver is behind.
const BEHIND: Duration = Duration::from_millis(1);

/// What all requests of a run share.
pub struct Driver {
    /// The server.
    pub client: Client,
    /// How requests look.
    pub form: RequestForm,
    /// What they ask.
    pub prompts: PromptMaker,
    /// Names them: request `n` has the id `<prefix>-<n>`.
    pub id_prefix: String,
    /// Seed of arrival times.
    pub seed: u64,
    /// Takes finished requests.
    pub finished: SyncSender<Finished>,
    /// Ends the run early.
    pub cancel: CancellationToken,
    /// Requests sent and not ended.
    pub under_way: Arc<AtomicU64>,
}

impl Driver {
    /// Run all stages of `workload`; returns early when cancelled, once everything under way has ended.
    pub async fn run(self: Arc<Self>, workload: &Workload) {
        let mut first = 0;
        for (at, stage) in workload.stages.iter().enumerate() {
            if at > 0 && self.pause(workload.pause).await.is_none() {
                return;
            }
            match stage.pace {
                Pace::Closed { concurrency } => self.closed(at, first, *stage, concurrency).await,
                Pace::Open { .. } => self.open(at, first, *stage).await,
            }
            if self.cancel.is_cancelled() {
                return;
            }
            first = first.saturating_add(stage.requests);
        }
    }

    /// Requests whose answers are thrown away. Their prompts come from the far end, so that they warm no cache.
    pub async fn warm_up(&self, count: u64) {
        for n in 0..count {
            let prompt = self.prompts.make(u64::MAX - n);
            let body = self.form.body(&prompt);
            let id = format!("{}-warmup-{n}", self.id_prefix);
            let sent = self.form.send(&self.client, body, prompt.input_tokens, &id);
            if self.cancel.run_until_cancelled(sent).await.is_none() {
                return;
            }
        }
    }

    async fn pause(&self, pause: Duration) -> Option<()> {
        self.cancel.run_until_cancelled(tokio::time::sleep(pause)).await
    }

    async fn closed(self: &Arc<Self>, stage: usize, first: u64, what: Stage, concurrency: u32) {
        let requests = what.requests;
        let end = what.time.and_then(|time| Instant::now().checked_add(time));
        let next = Arc::new(AtomicU64::new(0));
        let workers = TaskTracker::new();
        for _ in 0..u64::from(concurrency).min(requests) {
            let (driver, next) = (Arc::clone(self), Arc::clone(&next));
            workers.spawn(async move {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let over = end.is_some_and(|end| Instant::now() >= end);
                    if at >= requests || over || driver.cancel.is_cancelled() {
                        return;
                    }
                    let (prompt, body) = driver.prepare(first + at);
                    driver
                        .request(first + at, stage, None, Duration::ZERO, &prompt, body)
                        .await;
                }
            });
        }
        workers.close();
        workers.wait().await;
    }

    async fn open(self: &Arc<Self>, stage: usize, first: u64, what: Stage) {
        let Pace::Open {
            rate,
            arrivals,
            limit,
        } = what.pace
        else {
            return;
        };
        let schedule = Schedule::new(rate, arrivals, self.seed ^ (stage as u64).rotate_left(32));
        let permits = limit.map(|limit| Arc::new(Semaphore::new(limit as usize)));
        let tasks = TaskTracker::new();
        let start = Instant::now();
        for (at, due) in (first..first + what.requests).zip(schedule) {
            // Prepared before it is due, so that making the prompt does not make it late.
            let (prompt, body) = self.prepare(at);
            let due = start + due;
            if self.until(due).await.is_none() {
                break;
            }
            let (driver, permits) = (Arc::clone(self), permits.clone());
            tasks.spawn(async move {
                let Some((_permit, waited)) = driver.permit(permits).await else {
                    return;
                };
                let late = due.elapsed().saturating_sub(waited);
                driver.request(at, stage, Some(due), late, &prompt, body).await;
            });
        }
        tasks.close();
        tasks.wait().await;
    }

    async fn until(&self, due: Instant) -> Option<()> {
        if due <= Instant::now() {
            return (!self.cancel.is_cancelled()).then_some(());
        }
        self.cancel
            .run_until_cancelled(tokio::time::sleep_until(due))
            .await
    }

    /// Wait until one more request may be under way; tells how long that took. `None` when cancelled.
    async fn permit(
        &self,
        permits: Option<Arc<Semaphore>>,
    ) -> Option<(Option<OwnedSemaphorePermit>, Duration)> {
        let Some(permits) = permits else {
            return Some((None, Duration::ZERO));
        };
        let since = Instant::now();
        let permit = self
            .cancel
            .run_until_cancelled(permits.acquire_owned())
            .await?
            .ok()?;
        Some((Some(permit), since.elapsed()))
    }

    fn prepare(&self, index: u64) -> (Prompt, Bytes) {
        let mut prompt = self.prompts.make(index);
        let body = self.form.body(&prompt);
        // The body has it; a thousand long prompts need not be kept twice.
        prompt.text = String::new();
        (prompt, body)
    }

    async fn request(
        &self,
        index: u64,
        stage: usize,
        due: Option<Instant>,
        late: Duration,
        prompt: &Prompt,
        body: Bytes,
    ) {
        let id = format!("{}-{index}", self.id_prefix);
        let began = Instant::now();
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let sending = self.form.send(&self.client, body, prompt.input_tokens, &id);
        let measured = self.cancel.run_until_cancelled(sending).await;
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        let measured = measured.unwrap_or_else(|| Measured {
            sent: began,
            arrivals: Vec::new(),
            took: began.elapsed(),
            input_tokens: u64::from(prompt.input_tokens),
            output_tokens: 0,
            failure: Some(FailureKind::Cancelled),
            message: None,
        });
        let mut finished = Finished {
            index,
            stage,
            due,
            late,
            asked_tokens: prompt.output_tokens,
            measured,
        };
        // The receiver is a thread that writes files; when it is behind, this waits without holding up the runtime.
        while let Err(TrySendError::Full(back)) = self.finished.try_send(finished) {
            finished = back;
            tokio::time::sleep(BEHIND).await;
        }
    }
}
