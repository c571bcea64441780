//! The driver against a scripted executor, in paused time.

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

#[tokio::test(start_paused = true)]
async fn a_sweep_runs_to_its_end_and_everybody_sees_the_same() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let engine = create(root.path(), design(2, 3));
    let instance = engine.instance().clone();
    let handle = engine.start(executor, false);
    let (mut seen, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    let mut progress = 0;
    while let Some(signal) = signals.recv().await {
        match signal {
            Signal::Recorded(record) => seen.apply(&record),
            Signal::Progress(_) => progress += 1,
            other => panic!("{other:?}"),
        }
    }
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 6);
    assert_eq!(state.mode, Mode::Ended);
    assert!(progress > 0);
    assert_eq!(seen, state);
    assert_eq!(replay(&instance.journal()).unwrap().0, state);
    assert!(world.stacks.lock().unwrap().is_empty());
    assert_eq!(
        world
            .calls()
            .iter()
            .filter(|call| call.starts_with("standup"))
            .count(),
        2
    );
    let summary = std::fs::read_to_string(instance.summary()).unwrap();
    assert!(summary.contains("run_treatments: 3/3"), "{summary}");
    assert!(crate::workspace::unfinished(root.path()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_retried_as_often_as_the_experiment_says_and_by_hand() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let (once, often) = (CellId::new(0, 0), CellId::new(0, 1));
    world.failures.lock().unwrap().extend([(once, 1), (often, 2)]);
    let opened = SweepOpened {
        policy: attempts(2),
        ..design(2, 2)
    };
    let handle = create(root.path(), opened).start(executor, true);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    until(&mut signals, |record| {
        matches!(
            record.event,
            Event::PhaseEnded {
                setup: SetupId(1),
                phase: crate::engine::PhaseKind::Teardown,
                ..
            }
        )
    })
    .await;
    let (state, _) = handle.subscribe();
    assert_eq!(counts(&state, CellStatus::Succeeded), 3);
    assert_eq!(state.cell(often).unwrap().status, CellStatus::Failed);
    handle.command(Command::Retry {
        cells: Selection::All,
    });
    until(&mut signals, is_attempt(often)).await;
    handle.command(Command::Stop {
        mode: StopMode::Finish,
    });
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 4);
    assert_eq!(state.cell(once).unwrap().attempts.len(), 2);
    assert_eq!(state.cell(often).unwrap().attempts.len(), 3);
    assert_eq!(state.cell(often).unwrap().attempts[2].generation, 2);
    assert!(world.stacks.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_cell_ends_and_the_next_one_runs() {
    let root = tempfile::tempdir().unwrap();
    let (_, executor) = sim();
    let handle = create(root.path(), design(1, 3)).start(executor, false);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Skip {
        cells: Selection::Cells(vec![CellId::new(0, 2)]),
    });
    handle.command(Command::Start);
    until(&mut signals, is_attempt(CellId::new(0, 0))).await;
    handle.command(Command::Cancel {
        cells: Selection::Cells(vec![CellId::new(0, 0)]),
    });
    drop(signals);
    let state = handle.finished().await.unwrap();
    let statuses: Vec<_> = state.cells.iter().map(|cell| cell.status).collect();
    assert_eq!(
        statuses,
        [CellStatus::Cancelled, CellStatus::Succeeded, CellStatus::Skipped]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stopped_sweep_is_resumed_with_what_it_has() {
    for mode in [StopMode::Finish, StopMode::Graceful, StopMode::Now] {
        let root = tempfile::tempdir().unwrap();
        let (world, executor) = sim();
        let engine = create(root.path(), design(1, 3));
        let instance = engine.instance().clone();
        let handle = engine.start(Arc::<Sim>::clone(&executor), false);
        let (_, mut signals) = handle.subscribe();
        handle.command(Command::Start);
        until(&mut signals, is_attempt(CellId::new(0, 1))).await;
        until(&mut signals, is_step).await;
        handle.command(Command::Stop { mode });
        drop(signals);
        let state = handle.finished().await.unwrap();
        let second = state.cells[1].status;
        let expected = match mode {
            StopMode::Finish => CellStatus::Succeeded,
            _ => CellStatus::Interrupted,
        };
        assert_eq!(second, expected, "{mode:?}");
        assert_eq!(state.cells[2].status, CellStatus::Pending);
        assert_eq!(world.abandoned.load(Ordering::Relaxed), mode == StopMode::Now);
        assert_eq!(world.stacks.lock().unwrap().is_empty(), mode != StopMode::Now);
        assert_eq!(crate::workspace::unfinished(root.path()), Some(instance.clone()));

        let handle = Engine::resume(instance, design(1, 3))
            .unwrap()
            .start(executor, false);
        handle.command(Command::Start);
        let state = handle.finished().await.unwrap();
        assert_eq!(counts(&state, CellStatus::Succeeded), 3, "{mode:?}");
        assert_eq!(state.cells[0].attempts.len(), 1);
        assert!(world.stacks.lock().unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_executor_is_a_failure_and_no_hang() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    world.panics_in_standup.store(true, Ordering::Relaxed);
    let handle = create(root.path(), design(2, 2)).start(executor, false);
    handle.command(Command::Start);
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::NotRun), 4);
    let failure = state.cells[0].not_run.as_ref().unwrap();
    assert!(failure.reason.contains("standup broke"), "{failure:?}");
    assert_eq!(state.setups[1].stack, StackState::Down);
}

#[tokio::test(start_paused = true)]
async fn a_lost_stack_is_stood_up_again_for_the_rest_of_its_row() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    *world.broken_once_after.lock().unwrap() = Some(CellId::new(0, 0));
    let handle = create(root.path(), design(1, 3)).start(executor, false);
    handle.command(Command::Start);
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 3);
    let generations: Vec<_> = state
        .cells
        .iter()
        .map(|cell| cell.attempts[0].generation)
        .collect();
    assert_eq!(generations, [1, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_finished_sweep_can_be_resumed_and_ends_at_once() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let engine = create(root.path(), design(1, 1));
    let instance = engine.instance().clone();
    let error = Engine::resume(instance.clone(), design(1, 1)).unwrap_err();
    assert!(matches!(error, OpenError::Lock(_)), "{error}");
    let handle = engine.start(Arc::<Sim>::clone(&executor), false);
    handle.command(Command::Start);
    handle.finished().await.unwrap();
    let calls = world.calls();
    let handle = Engine::resume(instance, design(1, 1))
        .unwrap()
        .start(executor, false);
    handle.command(Command::Start);
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 1);
    assert_eq!(world.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn an_edited_experiment_keeps_what_did_not_change() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let engine = create(root.path(), design(2, 2));
    let instance = engine.instance().clone();
    let handle = engine.start(Arc::<Sim>::clone(&executor), false);
    handle.command(Command::Start);
    handle.finished().await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    let moved = Instance::at(copy.path().join("moved"));
    std::fs::rename(instance.path(), moved.path()).unwrap();

    let mut edited = design(2, 3);
    edited.setups[1] = treatment("b", "2");
    edited.runs[0] = treatment("new", "1");
    let before = world.calls().len();
    let engine = Engine::resume(moved, edited).unwrap();
    let notice = &engine.state().notices[0].1;
    assert!(
        notice.contains("1 cells are kept, 5 added or changed, 3 dropped or changed"),
        "{notice}"
    );
    assert!(notice.contains("run treatments gone: k"), "{notice}");
    assert_eq!(engine.state().opened.as_ref().unwrap().sweep_id, "sweep");
    let handle = engine.start(executor, false);
    handle.command(Command::Start);
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 6);
    let calls = world.calls().split_off(before);
    assert!(!calls.contains(&"attempt 1×2 1".to_owned()), "{calls:?}");
    assert!(
        calls.contains(&"standup 1.2".to_owned()),
        "generations go on counting: {calls:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_would_lose_a_live_stack_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (_, executor) = sim();
    let engine = create(root.path(), design(2, 2));
    let instance = engine.instance().clone();
    let handle = engine.start(executor, false);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    until(&mut signals, is_attempt(CellId::new(0, 0))).await;
    handle.command(Command::Stop { mode: StopMode::Now });
    drop(signals);
    handle.finished().await.unwrap();
    let mut edited = design(2, 2);
    edited.setups[0] = treatment("a", "2");
    let error = Engine::resume(instance.clone(), edited).unwrap_err();
    assert!(
        matches!(&error, OpenError::LiveAndEdited { setup, .. } if setup == "a"),
        "{error}"
    );
    let mut elsewhere = design(2, 2);
    elsewhere.simulated = false;
    let error = Engine::resume(instance.clone(), elsewhere).unwrap_err();
    assert!(matches!(error, OpenError::OtherPlatform { .. }), "{error}");
    let mut edited = design(2, 2);
    edited.setups[1] = treatment("b", "2");
    Engine::resume(instance, edited).unwrap();
}

/// The real journal's file, with a disk that can be full.
#[derive(Debug)]
struct Filling {
    file: crate::engine::journal::DiskFile,
    full: Arc<AtomicBool>,
}

impl crate::engine::journal::JournalFile for Filling {
    fn reader(&mut self) -> std::io::Result<Box<dyn std::io::Read + '_>> {
        self.file.reader()
    }

    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.full.load(Ordering::Relaxed) {
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.file.append(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.file.sync()
    }

    fn truncate(&mut self, length: u64) -> std::io::Result<()> {
        self.file.truncate(length)
    }
}

fn on_a_small_disk(root: &Path) -> (Engine, Arc<AtomicBool>) {
    let instance = crate::workspace::create(root).unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let file = Filling {
        file: crate::engine::journal::DiskFile::create(&instance.journal()).unwrap(),
        full: Arc::clone(&full),
    };
    let engine = Engine::open(instance, None, Box::new(file), design(1, 3)).unwrap();
    (engine, full)
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_ends_an_engine_that_nobody_watches_and_a_resume_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let (engine, full) = on_a_small_disk(root.path());
    let instance = engine.instance().clone();
    let handle = engine.start(Arc::<Sim>::clone(&executor), false);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    until(&mut signals, is_attempt(CellId::new(0, 1))).await;
    until(&mut signals, is_step).await;
    full.store(true, Ordering::Relaxed);
    let mut troubles = 0;
    while let Some(signal) = signals.recv().await {
        troubles += u32::from(matches!(signal, Signal::Trouble(_)));
    }
    let error = handle.finished().await.unwrap_err();
    assert!(matches!(error, EngineError::Recording { .. }), "{error}");
    assert!(error.to_string().contains("free some space"), "{error}");
    assert_eq!(troubles, 1);
    assert!(
        !world.stacks.lock().unwrap().is_empty(),
        "what runs is left for the resume"
    );
    world.at_once.store(0, Ordering::Relaxed);

    let handle = Engine::resume(instance, design(1, 3))
        .unwrap()
        .start(executor, false);
    handle.command(Command::Start);
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 3);
    assert_eq!(state.cells[1].attempts.len(), 1, "the attempt was adopted");
    assert_eq!(
        world
            .calls()
            .iter()
            .filter(|call| *call == "attempt 1×2 1")
            .count(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_pauses_a_watched_engine_until_the_operator_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let (engine, full) = on_a_small_disk(root.path());
    let journal = engine.instance().journal();
    let handle = engine.start(executor, true);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    until(&mut signals, is_step).await;
    full.store(true, Ordering::Relaxed);
    let trouble = loop {
        if let Signal::Trouble(trouble) = signals.recv().await.unwrap() {
            break trouble;
        }
    };
    assert!(trouble.trouble.contains("paused"), "{trouble:?}");
    let recorded = replay(&journal).unwrap().1.len();
    let calls = world.calls();
    handle.command(Command::Pause);
    assert!(matches!(signals.recv().await, Some(Signal::Refused(_))));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(replay(&journal).unwrap().1.len(), recorded);
    assert_eq!(world.calls(), calls, "nothing goes on unrecorded");
    full.store(false, Ordering::Relaxed);
    handle.command(Command::Start);
    until(&mut signals, |record| {
        matches!(
            record.event,
            Event::PhaseEnded {
                phase: crate::engine::PhaseKind::Teardown,
                ..
            }
        )
    })
    .await;
    handle.command(Command::Stop {
        mode: StopMode::Graceful,
    });
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 3);
    assert_eq!(replay(&journal).unwrap().0, state);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_does_not_read_is_waited_for_until_the_stop() {
    let root = tempfile::tempdir().unwrap();
    let (_, executor) = sim();
    let handle = create(root.path(), design(20, 20)).start(executor, false);
    let (_, lazy) = handle.subscribe();
    handle.command(Command::Start);
    tokio::time::timeout(Duration::from_hours(1000), async {
        while lazy.len() < lazy.max_capacity() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await
    .unwrap();
    let (before, _) = handle.subscribe();
    tokio::time::sleep(Duration::from_hours(10)).await;
    let (after, _) = handle.subscribe();
    assert_eq!(before.counts, after.counts, "the engine waits");
    handle.command(Command::Stop {
        mode: StopMode::Graceful,
    });
    let state = handle.finished().await.unwrap();
    assert_eq!(state.mode, Mode::Ended);
    drop(lazy);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_everybody_left_stops_where_it_would_wait() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let engine = create(root.path(), design(1, 2));
    let instance = engine.instance().clone();
    let handle = engine.start(executor, true);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    drop(handle);
    while signals.recv().await.is_some() {}
    let (state, _) = replay(&instance.journal()).unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 2);
    assert_eq!(state.mode, Mode::Ended);
    assert!(world.stacks.lock().unwrap().is_empty());
}
