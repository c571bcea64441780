//! The driver: an actor around journal, state and executor. One thing is under way at a time.
//!
//! Every turn has three parts: take one message, record what it means, act on what the state now asks for. Nothing is
//! acted on or shown before it is on disk. The journal is written on the runtime's blocking threads, so that a slow
//! disk does not stop the screen.

mod context;
mod handle;
mod record;
mod shared;

pub use handle::{Commands, Handle};

use super::command::Command;
use super::core::{Finished, Step, Turn, Work, decide, obsolete, work_left};
use super::event::{Event, Failure, Mode};
use super::executor::{Executor, Health};
use super::journal::{Journal, JournalError};
use super::open::Engine;
use super::state::State;
use super::{Progress, Signal, StopMode};
use crate::experiment::CellId;
use crate::workspace::{Instance, Lock};
use context::{Report, WorkContext};
use shared::Shared;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Records that need no immediate effect wait at most this long for company.
const GROUP_COMMIT: Duration = Duration::from_millis(5);
/// A stack that does not answer the health gate in this time is broken.
const HEALTH_TIMEOUT: Duration = Duration::from_mins(1);
/// How long ending everything at once may take before the engine leaves anyway.
const ABANDON_TIMEOUT: Duration = Duration::from_secs(30);
/// Commands that may wait for the engine.
const COMMANDS: usize = 256;

/// Why an engine ended before its sweep did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Events could not be recorded. What runs was left running: a resume adopts it.
    #[error("the sweep in {} is paused: {source}; {}. Then go on with `--resume`", instance.display(), source.hint())]
    Recording {
        /// The instance folder.
        instance: PathBuf,
        /// What could not be written.
        source: JournalError,
    },
    /// The engine itself broke.
    #[error(
        "the engine broke ({reason}); this is a defect of the program, please report it. The sweep can be resumed"
    )]
    Broken {
        /// What is known about it.
        reason: String,
    },
}

impl Engine {
    /// Start the engine on the current tokio runtime. With `linger` it stays when nothing is left to do, waiting for an
    /// operator who may want to retry, until [`Command::Stop`]; and it waits out trouble with recording.
    pub fn start(self, executor: Arc<dyn Executor>, linger: bool) -> Handle {
        let shared = Arc::new(Shared::new(self.state));
        let (commands, queue) = mpsc::channel(COMMANDS);
        let actor = Actor {
            instance: self.instance,
            _lock: self.lock,
            journal: Arc::new(Mutex::new(self.journal)),
            shared: Arc::clone(&shared),
            executor,
            linger,
            commands: queue,
            turn: Turn::default(),
            work: None,
            flush_at: None,
            summary: record::SummaryPace::default(),
        };
        let task = tokio::spawn(actor.run());
        Handle::new(commands, shared, task)
    }
}

struct Actor {
    instance: Instance,
    _lock: Option<Lock>,
    journal: Arc<Mutex<Journal>>,
    shared: Arc<Shared>,
    executor: Arc<dyn Executor>,
    linger: bool,
    commands: mpsc::Receiver<Command>,
    turn: Turn,
    work: Option<InFlight>,
    /// When the batch must be written at the latest; `None` while it is empty.
    flush_at: Option<Instant>,
    summary: record::SummaryPace,
}

/// What is under way.
struct InFlight {
    work: Work,
    task: JoinHandle<Finished>,
    cancel: CancellationToken,
    reports: mpsc::Receiver<Report>,
    progress: mpsc::Receiver<Progress>,
}

impl Drop for InFlight {
    /// Nothing goes on unrecorded: when the engine leaves, the work's future is dropped. What it started outside is
    /// left for a resume to adopt.
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One message to the actor.
enum Message {
    Command(Command),
    Report(Report),
    Progress(Progress),
    Finished(Finished),
    Flush,
}

impl Actor {
    async fn run(mut self) -> Result<State, EngineError> {
        let result = self.turns().await;
        if let Err(error) = &result {
            tracing::error!("{error}");
        }
        let state = self.shared.end();
        result.map(|()| state)
    }

    async fn turns(&mut self) -> Result<(), EngineError> {
        loop {
            if self.mode() == Mode::Stopping(StopMode::Now) {
                return self.abandon().await;
            }
            if self.work.is_none() && self.act().await? == Flow::End {
                return Ok(());
            }
            self.cancel_obsolete();
            let message = self.next_message().await;
            self.take(message).await?;
        }
    }

    fn mode(&self) -> Mode {
        self.shared.with(|state| state.mode)
    }

    /// Do what the state asks for, until there is work under way, or something to wait for.
    async fn act(&mut self) -> Result<Flow, EngineError> {
        loop {
            let turn = &mut self.turn;
            let step = self
                .shared
                .with(|state| turn.next(state, |cell| experiment_id(state, cell)));
            match step {
                Step::Wait => return Ok(Flow::Go),
                Step::Record(events) => self.record(events).await?,
                Step::Work { intent, work } => {
                    self.record(intent.into_iter().collect()).await?;
                    self.begin(work);
                    return Ok(Flow::Go);
                }
                Step::Abandon => {
                    self.abandon().await?;
                    return Ok(Flow::End);
                }
                Step::End => {
                    if self.linger && !self.shared.with(State::stopping) {
                        self.write_summary(true).await;
                        return Ok(Flow::Go);
                    }
                    self.end().await?;
                    return Ok(Flow::End);
                }
            }
        }
    }

    fn begin(&mut self, work: Work) {
        let cancel = CancellationToken::new();
        let (context, reports, progress) = WorkContext::new(cancel.clone());
        let task = tokio::spawn(perform(Arc::clone(&self.executor), work.clone(), context));
        self.work = Some(InFlight {
            work,
            task,
            cancel,
            reports,
            progress,
        });
    }

    fn cancel_obsolete(&self) {
        if let Some(in_flight) = &self.work
            && self.shared.with(obsolete)
            && !in_flight.cancel.is_cancelled()
        {
            tracing::info!("cancelling the {}", in_flight.work.name());
            in_flight.cancel.cancel();
        }
    }

    /// Wait for the next message. Commands come first, then what the work has to say, in its order.
    async fn next_message(&mut self) -> Message {
        let flush_at = self.flush_at;
        let flush = async move {
            match flush_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let Some(in_flight) = &mut self.work else {
            return tokio::select! {
                biased;
                command = self.commands.recv() => Message::Command(command.unwrap_or(LEFT_ALONE)),
                () = flush => Message::Flush,
            };
        };
        tokio::select! {
            biased;
            Some(command) = self.commands.recv() => Message::Command(command),
            Some(report) = in_flight.reports.recv() => Message::Report(report),
            Some(progress) = in_flight.progress.recv() => Message::Progress(progress),
            () = flush => Message::Flush,
            result = &mut in_flight.task => {
                let finished = result.unwrap_or_else(|error| in_flight.work.broken(Failure::new(
                    format!("the {} broke: {}", in_flight.work.name(), panic_text(error)),
                ).with_hint("this is a defect of the program; please report it")));
                Message::Finished(finished)
            }
        }
    }

    async fn take(&mut self, message: Message) -> Result<(), EngineError> {
        match message {
            Message::Command(command) => self.obey(command).await,
            Message::Report(report) => self.note(report).await,
            Message::Progress(progress) => {
                self.shared.hint(&Signal::Progress(progress));
                Ok(())
            }
            Message::Flush => self.commit().await,
            Message::Finished(finished) => self.finish(finished).await,
        }
    }

    async fn obey(&mut self, command: Command) -> Result<(), EngineError> {
        match self.shared.with(|state| decide(state, &command)) {
            Ok(events) => self.record(events).await,
            Err(refusal) => {
                self.shared.send(vec![Signal::Refused(refusal)]).await;
                Ok(())
            }
        }
    }

    /// The work ended: take what it has still said, then record its end.
    async fn finish(&mut self, finished: Finished) -> Result<(), EngineError> {
        let Some(mut in_flight) = self.work.take() else {
            return Ok(());
        };
        while let Ok(report) = in_flight.reports.try_recv() {
            self.note(report).await?;
        }
        let turn = &mut self.turn;
        let work = &in_flight.work;
        let events = self.shared.with(|state| turn.finished(state, work, finished));
        self.record(events).await
    }

    /// Kill what runs, collect nothing, end.
    async fn abandon(&mut self) -> Result<(), EngineError> {
        let in_flight = self.work.take();
        if let Some(in_flight) = &in_flight {
            in_flight.cancel.cancel();
        }
        if tokio::time::timeout(ABANDON_TIMEOUT, self.executor.abandon())
            .await
            .is_err()
        {
            tracing::warn!("not everything could be ended in {ABANDON_TIMEOUT:?}");
        }
        drop(in_flight);
        let events = self.shared.with(Turn::abandoned);
        self.record(events).await?;
        self.end().await
    }

    async fn end(&mut self) -> Result<(), EngineError> {
        let stopped = self.shared.with(work_left);
        self.record(vec![Event::SweepEnded { stopped }]).await?;
        self.write_summary(true).await;
        Ok(())
    }
}

/// What is done when nobody is left who could give commands.
const LEFT_ALONE: Command = Command::Stop {
    mode: StopMode::Graceful,
};

#[derive(Debug, PartialEq, Eq)]
enum Flow {
    Go,
    End,
}

async fn perform(executor: Arc<dyn Executor>, work: Work, context: WorkContext) -> Finished {
    match work {
        Work::Standup(stack) => Finished::Standup(executor.standup(stack, &context).await),
        Work::Smoketest { stack, endpoint } => {
            Finished::Phase(executor.smoketest(stack, &endpoint, &context).await)
        }
        Work::Health { stack, endpoint } => {
            let health = tokio::select! {
                health = tokio::time::timeout(HEALTH_TIMEOUT, executor.health(stack, &endpoint)) => health,
                // Nobody asks any more, and the stack is none the worse for it.
                () = context.until_cancelled() => Ok(Health::Healthy),
            };
            Finished::Health(health.unwrap_or_else(|_| {
                Health::Broken(Failure::new(format!(
                    "the stack at {endpoint} did not answer its health check within {} s",
                    HEALTH_TIMEOUT.as_secs()
                )))
            }))
        }
        Work::Attempt(attempt) => Finished::Attempt(executor.attempt(attempt, &context).await.outcome),
        Work::Reap(attempt) => {
            context.cancel();
            Finished::Attempt(executor.attempt(attempt, &context).await.outcome)
        }
        Work::Teardown(stack) => Finished::Phase(executor.teardown(stack, &context).await),
    }
}

fn panic_text(error: tokio::task::JoinError) -> String {
    let text = error.to_string();
    match error.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or(text),
        Err(_) => text,
    }
}

/// Names an attempt as the reference does: `<harness>-<run treatment>-<epoch seconds>-<6 random>`.
fn experiment_id(state: &State, cell: CellId) -> String {
    use rand::RngExt;
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = rand::rng();
    let random: String = (0..6)
        .map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())]))
        .collect();
    let opened = state.opened.as_deref();
    let harness = opened.map_or("", |opened| &opened.harness);
    let treatment = opened
        .and_then(|opened| opened.runs.get(cell.run.index()))
        .map_or("", |info| &info.name);
    let now = jiff::Timestamp::now().as_second();
    format!("{harness}-{treatment}-{now}-{random}")
}

#[cfg(test)]
mod tests;
