//! Gives the model the time of day, and passes what it tells on to the connections.
//!
//! One task lets virtual time pass ([`Driver::run`]); connections submit and cancel through a lock that is held for
//! microseconds. Each request has a `watch` channel that holds no more than how many tokens there are, so a reader that
//! does not read costs nothing and delays nobody. While the stack is idle nothing wakes up.

use super::alarm::Alarm;
use super::metrics::{Ending, Metrics};
use super::model::latency::Latency;
use super::model::stack::{EngineView, Refused, Stack, StackConfig};
use super::model::{Job, Moment, Notice, Record, RequestId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// Events closer together than this, in real time, are handled together: the wake-up costs more than they do.
const SHORTEST_PAUSE: Duration = Duration::from_micros(50);

/// How far a request is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Tokens it has.
    pub tokens: u32,
    /// Its story, once it ended.
    pub record: Option<Record>,
}

/// What a connection asks for.
#[derive(Debug, Clone)]
pub struct Order {
    /// Prompt tokens, at least 1.
    pub prompt: u32,
    /// Tokens of the answer, at least 1.
    pub output: u32,
    /// Hashes of the full blocks of both.
    pub hashes: Arc<[u64]>,
    /// How the answer ends, for metrics.
    pub ending: Ending,
    /// The limit the client gave, for metrics.
    pub max_tokens: Option<u32>,
}

#[derive(Debug)]
struct Stream {
    sender: watch::Sender<Seen>,
    ending: Ending,
    max_tokens: Option<u32>,
    engine: usize,
}

#[derive(Debug)]
struct Core {
    stack: Stack,
    streams: HashMap<RequestId, Stream>,
    metrics: Metrics,
    last_id: RequestId,
    notices: Vec<Notice>,
}

#[derive(Debug)]
struct Shared {
    core: Mutex<Core>,
    /// Tells the running task that the next event may be another one.
    changed: Notify,
    alarm: Alarm,
    start: Instant,
    time_scale: f64,
}

/// A handle of the running simulation; clones are the same one.
#[derive(Debug, Clone)]
pub struct Driver {
    shared: Arc<Shared>,
}

impl Driver {
    /// An idle stack whose time passes `time_scale` times as fast as the day's.
    ///
    /// # Errors
    /// Where the machine has no thread for the timer.
    pub fn new(config: StackConfig, time_scale: f64) -> std::io::Result<Self> {
        let stack = Stack::new(config);
        let engines = stack.views().len();
        Ok(Self {
            shared: Arc::new(Shared {
                core: Mutex::new(Core {
                    stack,
                    streams: HashMap::new(),
                    metrics: Metrics::new(engines),
                    last_id: 0,
                    notices: Vec::new(),
                }),
                changed: Notify::new(),
                alarm: Alarm::new()?,
                start: Instant::now(),
                time_scale,
            }),
        })
    }

    /// Let time pass, until the returned future is dropped.
    pub async fn run(&self) {
        loop {
            let next = self.pump();
            let earliest = Instant::now() + SHORTEST_PAUSE;
            self.shared
                .alarm
                .set(next.map(|at| self.shared.real(at).max(earliest)));
            tokio::select! {
                () = self.shared.alarm.rang() => {}
                () = self.shared.changed.notified() => {}
            }
        }
    }

    /// Submit a request that arrived just now.
    pub fn submit(&self, order: Order) -> Result<Progress, Refused> {
        let now = self.now();
        let mut core = self.shared.core();
        let id = core.last_id + 1;
        let job = Job {
            id,
            prompt: order.prompt,
            output: order.output,
            hashes: order.hashes,
        };
        core.stack.submit(job, now)?;
        core.last_id = id;
        let (sender, receiver) = watch::channel(Seen::default());
        core.streams.insert(
            id,
            Stream {
                sender,
                ending: order.ending,
                max_tokens: order.max_tokens,
                engine: 0,
            },
        );
        drop(core);
        self.shared.changed.notify_one();
        Ok(Progress {
            receiver,
            shared: Arc::clone(&self.shared),
            id,
        })
    }

    /// Virtual time since the start.
    pub fn now(&self) -> Moment {
        self.shared.now()
    }

    /// How long a virtual duration takes in real time.
    pub fn real_duration(&self, duration: Duration) -> Duration {
        duration.div_f64(self.shared.time_scale)
    }

    /// Forget all cached prefixes.
    pub fn reset_prefix_cache(&self) {
        self.shared.core().stack.reset_prefix_cache();
    }

    /// Compute with other times from the next iteration on.
    pub fn set_latency(&self, latency: Latency) {
        self.shared.core().stack.set_latency(latency);
    }

    /// The engines and what was counted, for `/metrics`.
    pub fn observe<T>(&self, read: impl FnOnce(&[EngineView], &Metrics) -> T) -> T {
        let core = self.shared.core();
        let views = core.stack.views();
        read(&views, &core.metrics)
    }

    /// Let pass the time that has passed, tell the connections, and say when something happens next.
    fn pump(&self) -> Option<Moment> {
        let now = self.now();
        let mut core = self.shared.core();
        let Core {
            stack,
            streams,
            metrics,
            notices,
            ..
        } = &mut *core;
        stack.advance(now, notices);
        for notice in notices.drain(..) {
            metrics.count(&notice);
            match notice {
                Notice::Token { id, engine, .. } => {
                    if let Some(stream) = streams.get_mut(&id) {
                        stream.engine = engine;
                        stream.sender.send_modify(|seen| seen.tokens += 1);
                    }
                }
                Notice::Finished { id, engine, record } => {
                    if let Some(stream) = streams.remove(&id) {
                        metrics.count_end(engine, stream.ending, &record, stream.max_tokens);
                        stream.sender.send_modify(|seen| seen.record = Some(record));
                    }
                }
                Notice::Step { .. } | Notice::Transferred { .. } => {}
            }
        }
        stack.next_event()
    }
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        // A panic under this lock would be a bug that ends one connection; the others go on.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        self.start.elapsed().mul_f64(self.time_scale)
    }

    /// When a virtual moment comes, rounded up.
    fn real(&self, at: Moment) -> Instant {
        self.start + at.div_f64(self.time_scale) + Duration::from_nanos(1)
    }

    fn cancel(&self, id: RequestId) {
        let mut core = self.core();
        if let Some(stream) = core.streams.remove(&id) {
            core.stack.cancel(id);
            core.metrics.count_abort(stream.engine);
            drop(core);
            self.changed.notify_one();
        }
    }
}

/// A request under way. Dropping it before its end cancels the request.
#[derive(Debug)]
pub struct Progress {
    receiver: watch::Receiver<Seen>,
    shared: Arc<Shared>,
    id: RequestId,
}

impl Progress {
    /// Wait until there are more than `tokens` tokens, or the request ended. `None` where the simulation is gone.
    pub async fn beyond(&mut self, tokens: u32) -> Option<Seen> {
        self.receiver
            .wait_for(|seen| seen.tokens > tokens || seen.record.is_some())
            .await
            .ok()
            .map(|seen| *seen)
    }

    /// Wait for the end.
    pub async fn end(&mut self) -> Option<Record> {
        let seen = self.receiver.wait_for(|seen| seen.record.is_some()).await.ok()?;
        seen.record
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shared.cancel(self.id);
    }
}

#[cfg(test)]
mod tests;
