//! The driver against a scripted executor, in paused time.

mod recording;
mod resuming;
mod steering;

use super::super::executor::{AttemptRef, AttemptReport, Context, StackRef};
use super::super::testing::{attempts, design, treatment};
use super::super::{
    CellStatus, LogSource, OpenError, Outcome, Record, Scope, Selection, StackState, StepOutcome,
    SweepOpened, Vitals, replay,
};
use super::*;
use crate::experiment::SetupId;
use futures::future::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What the world does, and what was asked of it.
#[derive(Default)]
struct World {
    /// Outcomes of a cell's attempts, first to last; then it succeeds.
    failures: Mutex<BTreeMap<CellId, u32>>,
    panics_in_standup: AtomicBool,
    broken_once_after: Mutex<Option<CellId>>,
    broken: AtomicBool,
    stacks: Mutex<BTreeSet<(SetupId, u32)>>,
    at_once: AtomicU32,
    calls: Mutex<Vec<String>>,
    abandoned: AtomicBool,
}

impl World {
    fn note(&self, text: String) {
        self.calls.lock().unwrap().push(text);
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

struct Sim(Arc<World>);

impl Executor for Sim {
    fn standup<'a>(
        &'a self,
        stack: StackRef,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            self.0
                .note(format!("standup {}.{}", stack.setup.0, stack.generation));
            assert!(!self.0.panics_in_standup.load(Ordering::Relaxed), "standup broke");
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
                () = context.cancelled().cancelled() => return Err(Failure::new("cancelled")),
            }
            self.0
                .stacks
                .lock()
                .unwrap()
                .insert((stack.setup, stack.generation));
            Ok("http://stack".to_owned())
        })
    }

    fn smoketest<'a>(
        &'a self,
        _: StackRef,
        endpoint: &'a str,
        _: &'a dyn Context,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        assert_eq!(endpoint, "http://stack");
        Box::pin(async { Ok(()) })
    }

    fn health<'a>(&'a self, _: StackRef, _: &'a str) -> BoxFuture<'a, Health> {
        Box::pin(async {
            if self.0.broken.swap(false, Ordering::Relaxed) {
                Health::Broken(Failure::new("the server is gone"))
            } else {
                Health::Healthy
            }
        })
    }

    fn attempt<'a>(&'a self, attempt: AttemptRef, context: &'a dyn Context) -> BoxFuture<'a, AttemptReport> {
        Box::pin(async move {
            self.0
                .note(format!("attempt {} {}", attempt.cell, attempt.attempt));
            let stack = (attempt.stack.setup, attempt.stack.generation);
            assert!(self.0.stacks.lock().unwrap().contains(&stack), "no stack");
            assert_eq!(self.0.at_once.fetch_add(1, Ordering::Relaxed), 0, "two at once");
            let scope = Scope::Attempt {
                cell: attempt.cell,
                attempt: attempt.attempt,
            };
            context.step_started(scope, 7, "load").await;
            let source = LogSource {
                name: "harness 1".to_owned(),
                path: format!("logs/{}", attempt.experiment_id),
            };
            context.log_seen(scope, source).await;
            for done in 0..1000 {
                context.progress(Progress {
                    scope,
                    done,
                    total: 1000,
                    text: String::new(),
                });
            }
            let cancelled = tokio::select! {
                () = tokio::time::sleep(Duration::from_mins(1)) => false,
                () = context.cancelled().cancelled() => true,
            };
            context
                .step_ended(scope, 7, StepOutcome::Done { detail: None })
                .await;
            self.0.at_once.fetch_sub(1, Ordering::Relaxed);
            if self
                .0
                .broken_once_after
                .lock()
                .unwrap()
                .take_if(|cell| *cell == attempt.cell)
                .is_some()
            {
                self.0.broken.store(true, Ordering::Relaxed);
            }
            let mut failures = self.0.failures.lock().unwrap();
            let left = failures.entry(attempt.cell).or_default();
            let outcome = if cancelled {
                Outcome::Cancelled
            } else if *left > 0 {
                *left -= 1;
                Outcome::Failed {
                    failure: Failure::new("too slow").with_hint("be faster"),
                }
            } else {
                let vitals =
                    Vitals([("requests".to_owned(), 8.0), ("e2e_p50_ms".to_owned(), f64::NAN)].into());
                Outcome::Succeeded { vitals }
            };
            AttemptReport { outcome }
        })
    }

    fn teardown<'a>(&'a self, stack: StackRef, _: &'a dyn Context) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            self.0
                .note(format!("teardown {}.{}", stack.setup.0, stack.generation));
            self.0
                .stacks
                .lock()
                .unwrap()
                .remove(&(stack.setup, stack.generation));
            Ok(())
        })
    }

    fn abandon(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.0.abandoned.store(true, Ordering::Relaxed);
            self.0.at_once.store(0, Ordering::Relaxed);
        })
    }
}

fn sim() -> (Arc<World>, Arc<Sim>) {
    let world = Arc::new(World::default());
    (Arc::clone(&world), Arc::new(Sim(world)))
}

fn create(root: &Path, opened: SweepOpened) -> Engine {
    Engine::create(root, opened, &[]).unwrap()
}

fn counts(state: &State, status: CellStatus) -> u32 {
    state.counts.of(status)
}

/// Read signals until a record is `wanted`.
async fn until(signals: &mut mpsc::Receiver<Signal>, wanted: impl Fn(&Record) -> bool) -> Record {
    loop {
        match signals.recv().await.expect("the engine ended before that") {
            Signal::Recorded(record) if wanted(&record) => return record,
            _ => {}
        }
    }
}

fn is_attempt(cell: CellId) -> impl Fn(&Record) -> bool {
    move |record| matches!(record.event, Event::AttemptStarted { cell: c, .. } if c == cell)
}

fn is_step(record: &Record) -> bool {
    matches!(record.event, Event::StepStarted { .. })
}
