//! The run phase on a platform that does as it is told, and remembers what it was asked.

use super::*;
use crate::engine::{LogSource, Progress, Scope, StepOutcome};
use crate::experiment::{self, CellId, Source};
use crate::harness::{HarnessJob, JobExit, ProcessExit};
use crate::plan::{self, EffectiveConfig, Request, RoleConfig};
use crate::platform::RunningStack;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

const EXPERIMENT: &str = "
experiment: {name: x, harness: builtin, profile: sanity_random}
treatments: [{name: only}]
";

#[derive(Default)]
struct Scripted {
    broken: AtomicBool,
    cancelled: bool,
    asked: Mutex<Vec<&'static str>>,
}

impl Scripted {
    fn note(&self, verb: &'static str) {
        self.asked.lock().unwrap().push(verb);
    }

    fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Platform for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn preflight<'a>(&'a self, _: &'a [StackSpec], _: &'a str) -> BoxFuture<'a, Vec<Failure>> {
        async { Vec::new() }.boxed()
    }

    fn standup<'a>(
        &'a self,
        _: &'a StackSpec,
        _: &'a dyn Context,
    ) -> BoxFuture<'a, Result<RunningStack, Failure>> {
        async { Err(Failure::new("no room")) }.boxed()
    }

    fn health<'a>(&'a self, _: &'a StackSpec, _: &'a str) -> BoxFuture<'a, Health> {
        let health = if self.broken.load(Ordering::Relaxed) {
            Health::Broken(Failure::new("it is gone"))
        } else {
            Health::Healthy
        };
        async { health }.boxed()
    }

    fn effective<'a>(
        &'a self,
        _: &'a StackSpec,
        _: &'a str,
    ) -> BoxFuture<'a, Result<EffectiveConfig, Failure>> {
        self.note("effective");
        let config = EffectiveConfig {
            model: "Qwen/Qwen3-8B".to_owned(),
            roles: vec![RoleConfig {
                role: "replica".to_owned(),
                replicas: 1,
                tensor_parallelism: 1,
                data_parallelism: 1,
            }],
            plugin_config: None,
            restarts: 0,
            incarnation: "a".to_owned(),
        };
        async { Ok(config) }.boxed()
    }

    fn launch<'a>(&'a self, _: &'a HarnessJob) -> BoxFuture<'a, Result<(), Failure>> {
        self.note("launch");
        async { Ok(()) }.boxed()
    }

    fn wait<'a>(&'a self, _: &'a HarnessJob, _: &'a dyn Context) -> BoxFuture<'a, Result<JobExit, Failure>> {
        self.note("wait");
        let exit = JobExit {
            processes: vec![ProcessExit {
                code: Some(1),
                signal: None,
            }],
            cancelled: self.cancelled,
            timed_out: false,
        };
        async { Ok(exit) }.boxed()
    }

    fn collect<'a>(&'a self, _: &'a HarnessJob, _: &'a dyn Context) -> BoxFuture<'a, Result<(), Failure>> {
        self.note("collect");
        async { Ok(()) }.boxed()
    }

    fn reap<'a>(&'a self, _: &'a HarnessJob) -> BoxFuture<'a, Result<(), Failure>> {
        self.note("reap");
        async { Ok(()) }.boxed()
    }

    fn teardown<'a>(&'a self, _: &'a StackSpec, _: &'a dyn Context) -> BoxFuture<'a, Result<(), Failure>> {
        async { Ok(()) }.boxed()
    }

    fn abandon(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

/// Keeps how steps ended.
#[derive(Default)]
struct Recorder {
    ended: Mutex<Vec<(u8, StepOutcome)>>,
    token: CancellationToken,
}

impl Context for Recorder {
    fn step_started(&self, _: Scope, _: u8, _: &str) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }

    fn step_ended(&self, _: Scope, number: u8, outcome: StepOutcome) -> BoxFuture<'_, ()> {
        self.ended.lock().unwrap().push((number, outcome));
        async {}.boxed()
    }

    fn log_seen(&self, _: Scope, _: LogSource) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }

    fn progress(&self, _: Progress) {}

    fn cancelled(&self) -> &CancellationToken {
        &self.token
    }
}

impl Recorder {
    fn words(&self) -> Vec<String> {
        let ended = std::mem::take(&mut *self.ended.lock().unwrap());
        ended
            .into_iter()
            .map(|(number, outcome)| {
                let word = match outcome {
                    StepOutcome::Done { detail: Some(detail) } if number == 7 => detail,
                    StepOutcome::Done { .. } => "done".to_owned(),
                    StepOutcome::Skipped { .. } => "skipped".to_owned(),
                    StepOutcome::Failed { failure } => failure.reason,
                    StepOutcome::Cancelled => "cancelled".to_owned(),
                };
                format!("{number} {word}")
            })
            .collect()
    }
}

fn executor(folder: &std::path::Path, platform: Arc<Scripted>) -> PhaseExecutor {
    let source = Source {
        name: "x.yaml".to_owned(),
        stem: "x".to_owned(),
        path: None,
        text: EXPERIMENT.as_bytes().to_vec(),
    };
    let design = experiment::load(&source).design.unwrap();
    let plan = plan::make(&Request::new("local", source, design)).unwrap();
    PhaseExecutor::new(Arc::new(plan), &Instance::at(folder), platform, "llmdbenchmark")
}

fn attempt() -> AttemptRef {
    AttemptRef {
        cell: CellId::new(0, 0),
        attempt: 1,
        stack: StackRef {
            setup: SetupId(0),
            generation: 1,
        },
        endpoint: "http://127.0.0.1:9".to_owned(),
        experiment_id: "builtin-only-1-abcdef".to_owned(),
    }
}

#[tokio::test]
async fn an_attempt_taken_up_again_judges_by_what_was_true_before_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let platform = Arc::new(Scripted::default());
    let executor = executor(folder.path(), Arc::clone(&platform));
    let recorder = Recorder::default();
    let report = executor.attempt(attempt(), &recorder).await;
    assert!(
        matches!(report.outcome, Outcome::Failed { .. }),
        "exit code 1: {report:?}"
    );
    assert_eq!(
        recorder.words(),
        [
            "3 done", "5 done", "7 done", "8 done", "9 done", "11 done", "12 done"
        ]
    );
    assert_eq!(
        platform.asked(),
        ["effective", "launch", "wait", "collect", "effective", "reap"]
    );

    let report = executor.attempt(attempt(), &recorder).await;
    assert!(matches!(report.outcome, Outcome::Failed { .. }), "{report:?}");
    assert_eq!(recorder.words()[2], "7 taken up again");
    assert_eq!(
        platform.asked(),
        ["launch", "wait", "collect", "effective", "reap"],
        "the stack is asked what it is only before the start and after the end"
    );
}

#[tokio::test]
async fn steps_after_the_stacks_own_run_even_if_those_failed() {
    let folder = tempfile::tempdir().unwrap();
    let platform = Arc::new(Scripted {
        broken: true.into(),
        ..Scripted::default()
    });
    let executor = executor(folder.path(), Arc::clone(&platform));
    let recorder = Recorder::default();
    let report = executor.attempt(attempt(), &recorder).await;
    let Outcome::Failed { failure } = report.outcome else {
        panic!("{report:?}");
    };
    assert_eq!(failure.reason, "it is gone");
    assert_eq!(recorder.words(), ["3 it is gone", "11 skipped", "12 skipped"]);
    assert_eq!(platform.asked(), Vec::<&str>::new());
}

#[tokio::test]
async fn a_harness_of_an_earlier_engine_is_ended_even_if_its_stack_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let platform = Arc::new(Scripted::default());
    let executor = executor(folder.path(), Arc::clone(&platform));
    let recorder = Recorder::default();
    executor.attempt(attempt(), &recorder).await;
    platform.asked();
    recorder.words();

    platform.broken.store(true, Ordering::Relaxed);
    recorder.token.cancel();
    let report = executor.attempt(attempt(), &recorder).await;
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert_eq!(recorder.words(), ["3 cancelled", "11 done", "12 skipped"]);
    assert_eq!(platform.asked(), ["reap"]);
}

#[tokio::test]
async fn a_cancelled_attempt_is_cleaned_up_and_not_judged() {
    let folder = tempfile::tempdir().unwrap();
    let platform = Arc::new(Scripted {
        cancelled: true,
        ..Scripted::default()
    });
    let executor = executor(folder.path(), Arc::clone(&platform));
    let recorder = Recorder::default();
    let report = executor.attempt(attempt(), &recorder).await;
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert_eq!(platform.asked(), ["effective", "launch", "wait", "reap"]);
    assert_eq!(recorder.words().last().unwrap(), "12 skipped");
}

#[tokio::test]
async fn a_stack_that_does_not_come_up_fails_its_standup() {
    let folder = tempfile::tempdir().unwrap();
    let executor = executor(folder.path(), Arc::default());
    let recorder = Recorder::default();
    let stack = attempt().stack;
    let failure = executor.standup(stack, &recorder).await.unwrap_err();
    assert_eq!(failure.reason, "no room");
    assert_eq!(recorder.words(), ["0 done", "6 no room"]);
    let unknown = StackRef {
        setup: SetupId(7),
        generation: 1,
    };
    let failure = executor.standup(unknown, &recorder).await.unwrap_err();
    assert!(failure.reason.contains("not part of the plan"), "{failure:?}");
}

#[tokio::test]
async fn a_stack_that_dies_under_its_first_request_is_told_as_dead() {
    let folder = tempfile::tempdir().unwrap();
    let platform = Arc::new(Scripted::default());
    let executor = executor(folder.path(), Arc::clone(&platform));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            platform.broken.store(true, Ordering::Relaxed);
            drop(connection);
        }
    });
    let recorder = Recorder::default();
    let failure = executor
        .smoketest(attempt().stack, &endpoint, &recorder)
        .await
        .unwrap_err();
    assert!(failure.reason.ends_with("; it is gone"), "{failure:?}");
}

#[test]
fn tables_are_in_order_and_each_number_stands_once() {
    let stack = [STANDUP, SMOKETEST, TEARDOWN].map(|table| table.iter().map(|step| step.number).collect());
    let run: Vec<u8> = RUN.iter().map(|step| step.number).collect();
    for numbers in stack.into_iter().chain([run]) {
        let numbers: Vec<u8> = numbers;
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
    assert!(RUN.is_sorted_by_key(|step| step.partition));
}
