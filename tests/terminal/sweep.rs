//! A sweep by the real engine, with an executor that only pretends, steered by keys.
//!
//! To look at it by hand, start this test binary as `child` in a terminal:
//! `LLMDBENCHMARK_TEST_SCREEN=sweep LLMDBENCHMARK_TEST_PACE=20 <binary> --exact child --nocapture`.

use crate::screen::Screen;
use futures::future::BoxFuture;
use llmdbenchmark::engine::{
    AttemptRef, AttemptReport, Context, Engine, Executor, Failure, Health, LogSource, Outcome, PhaseKind,
    Progress, Scope, StackRef, StepOutcome, SweepOpened, TreatmentInfo, Vitals,
};
use llmdbenchmark::experiment::{Level, RetryPolicy};
use llmdbenchmark::logs;
use llmdbenchmark::tui::{self, Session, ThemeChoice};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Says how many milliseconds a unit of work takes.
const PACE: &str = "LLMDBENCHMARK_TEST_PACE";

fn treatment(name: String, levels: &[(&str, u32)]) -> TreatmentInfo {
    let level = |(factor, value): &(&str, u32)| Level {
        factor: (*factor).to_owned(),
        value: value.to_string(),
    };
    TreatmentInfo {
        levels: levels.iter().map(level).collect(),
        fingerprint: name.clone(),
        name,
    }
}

/// The program in the terminal.
pub(crate) async fn show(folder: &Path) -> String {
    let app_log = logs::init(logs::Output::Screen).unwrap();
    let opened = SweepOpened {
        sweep_id: "pretence".to_owned(),
        experiment: "pretence".to_owned(),
        platform: "local".to_owned(),
        simulated: true,
        harness: "builtin".to_owned(),
        profile: "random".to_owned(),
        parallelism: 1,
        policy: RetryPolicy::default(),
        stop_on_error: false,
        skip_teardown: false,
        setups: [1, 2, 4]
            .map(|replicas| {
                treatment(
                    format!("replicas-{replicas}"),
                    &[
                        ("decode.replicas", replicas),
                        ("decode.parallelism.tensor", 8 / replicas),
                    ],
                )
            })
            .into(),
        runs: [1, 8, 32, 128]
            .map(|users| {
                treatment(
                    format!("users-{users}"),
                    &[("max-concurrency", users), ("num-prompts", users * 10)],
                )
            })
            .into(),
    };
    let engine = Engine::create(folder, opened, &[]).unwrap();
    let instance = engine.instance().path().to_owned();
    app_log.attach(&instance.join("logs/llmdbenchmark.log")).unwrap();
    let pace = std::env::var(PACE)
        .ok()
        .and_then(|pace| pace.parse().ok())
        .unwrap_or(1);
    let executor = Pretence {
        instance: instance.clone(),
        unit: Duration::from_millis(pace),
    };
    let handle = engine.start(Arc::new(executor), true);
    let (state, signals) = handle.subscribe();
    let commands = handle.commands();
    let session = Session {
        instance,
        state,
        signals,
        commands: Box::new(move |command| commands.send(command)),
        theme: ThemeChoice::Auto,
        app_log,
        start: false,
        plans: None,
    };
    let ended = tui::run(session)
        .await
        .map_or_else(|error| error.to_string(), |ended| format!("{ended:?}"));
    let state = handle.finished().await.unwrap();
    format!("{ended}, {:?}", state.mode)
}

/// Pretends to work.
struct Pretence {
    instance: PathBuf,
    unit: Duration,
}

impl Pretence {
    /// One step of so many units; false when it was cancelled.
    async fn step(&self, context: &dyn Context, scope: Scope, number: u8, name: &str, units: u64) -> bool {
        context.step_started(scope, number, name).await;
        let mut cancelled = false;
        for done in 0..units {
            context.progress(Progress {
                scope,
                done,
                total: units,
                text: format!("{done} of {units} requests"),
            });
            cancelled = tokio::time::timeout(self.unit, context.cancelled().cancelled())
                .await
                .is_ok();
            if cancelled {
                break;
            }
        }
        let outcome = if cancelled {
            StepOutcome::Cancelled
        } else {
            StepOutcome::Done { detail: None }
        };
        context.step_ended(scope, number, outcome).await;
        !cancelled
    }

    fn phase(stack: StackRef, phase: PhaseKind) -> Scope {
        Scope::Phase {
            setup: stack.setup,
            generation: stack.generation,
            phase,
        }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.instance.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

impl Executor for Pretence {
    fn standup<'a>(
        &'a self,
        stack: StackRef,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            let scope = Self::phase(stack, PhaseKind::Standup);
            let path = format!("stack-{}-{}.log", stack.setup.0, stack.generation);
            self.write(&path, "INFO loading the model\n");
            let source = LogSource {
                name: "server".to_owned(),
                path,
            };
            context.log_seen(scope, source).await;
            for (number, name) in [
                (1, "ensure the infrastructure"),
                (6, "deploy the servers"),
                (9, "wait until ready"),
            ] {
                if !self.step(context, scope, number, name, 20).await {
                    return Err(Failure::new("cancelled"));
                }
            }
            Ok("http://127.0.0.1:8000".to_owned())
        })
    }

    fn smoketest<'a>(
        &'a self,
        stack: StackRef,
        _endpoint: &'a str,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            self.step(
                context,
                Self::phase(stack, PhaseKind::Smoketest),
                1,
                "ask for a completion",
                5,
            )
            .await;
            Ok(())
        })
    }

    fn health<'a>(&'a self, _stack: StackRef, _endpoint: &'a str) -> BoxFuture<'a, Health> {
        Box::pin(async { Health::Healthy })
    }

    fn attempt<'a>(&'a self, attempt: AttemptRef, context: &'a dyn Context) -> BoxFuture<'a, AttemptReport> {
        Box::pin(async move {
            let scope = Scope::Attempt {
                cell: attempt.cell,
                attempt: attempt.attempt,
            };
            self.step(context, scope, 1, "render the profile", 1).await;
            let path = format!("{}.log", attempt.experiment_id);
            self.write(&path, "the harness has started\n");
            let source = LogSource {
                name: "harness 1".to_owned(),
                path: path.clone(),
            };
            context.log_seen(scope, source).await;
            let units = 30 + 20 * u64::from(attempt.cell.run.0);
            let outcome = if !self.step(context, scope, 6, "run the harness", units).await {
                Outcome::Cancelled
            } else if attempt.cell.run.0 == 2 && attempt.attempt == 1 {
                self.write(&path, "ERROR connection refused\n");
                Outcome::Failed {
                    failure: Failure::new("the harness ended with exit code 3: connection refused")
                        .with_hint("retry the cell"),
                }
            } else {
                self.write(&path, "the harness is done\n");
                let ttft = 10.0 * f64::from(attempt.cell.run.0 + 1) / f64::from(attempt.cell.setup.0 + 1);
                Outcome::Succeeded {
                    vitals: Vitals([("ttft_p50_ms".to_owned(), ttft)].into()),
                }
            };
            AttemptReport { outcome }
        })
    }

    fn teardown<'a>(
        &'a self,
        stack: StackRef,
        context: &'a dyn Context,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            self.step(
                context,
                Self::phase(stack, PhaseKind::Teardown),
                1,
                "remove the servers",
                5,
            )
            .await;
            Ok(())
        })
    }

    fn abandon(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

#[test]
fn a_sweep_is_started_watched_repaired_and_left() {
    let mut screen = Screen::start("sweep", "press s to start");
    // The last column is not wanted.
    screen.keys("$kS");
    screen.wait_for("Skip 3 pending cells?");
    screen.keys("y");
    screen.wait_for("»3");
    screen.keys("s");
    screen.wait_for("All is done");
    screen.wait_for("3 failed");
    screen.wait_for("connection refused");
    // What failed runs again, and this time succeeds.
    screen.keys("Fr");
    screen.wait_for("Run again 3 failed cells?");
    screen.keys("y");
    screen.wait_for("All is done");
    screen.wait_for("9 succeeded");
    // From the header of the last column to a cell that was repaired.
    screen.keys("ojh");
    screen.wait_for("attempt 2 of 2");
    screen.keys("L");
    screen.wait_for("the harness is done");
    screen.keys("q");
    screen.assert_given_back();
    screen.wait_for("the screen ended: Left, Ended");
}

#[test]
fn a_running_cell_is_cancelled_and_the_sweep_stopped_in_the_middle() {
    let mut screen = Screen::start("sweep", "press s to start");
    screen.keys("s");
    screen.wait_for("cell 1×");
    screen.keys("p");
    screen.wait_for("PAUS");
    screen.keys("s");
    screen.wait_for("RUNNING");
    screen.keys("qn");
    screen.assert_given_back();
    screen.wait_for("the screen ended: Left, Ended");
}
