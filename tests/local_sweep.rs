//! Sweeps on this machine: the real engine, phases and platform, with real servers and load generators as processes of
//! the real binary. What every test asks at its end: is anything left running?

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests too"
)]

use llmdbenchmark::engine::{
    CellStatus, Command, Engine, Event, Handle, Outcome, Selection, Signal, StackState, State, StopMode,
};
use llmdbenchmark::experiment::{self, CellId, Source};
use llmdbenchmark::phase::{PhaseExecutor, preflight};
use llmdbenchmark::plan::{self, Request, SweepPlan};
use llmdbenchmark::platform::local::Local;
use llmdbenchmark::workspace::Instance;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_llmdbenchmark"))
}

const TWO_BY_TWO: &str = "
experiment: {name: two by two, harness: builtin, profile: quickstart}
setup:
  treatments:
    - {name: one, standalone.replicas: 1}
    - {name: split, standalone.enabled: false, modelservice.enabled: true, prefill.enabled: true, prefill.replicas: 1,
       decode.replicas: 2}
constants: {random-input-len: 64, random-output-len: 8}
treatments:
  - {name: few, max-concurrency: 1, num-prompts: 4}
  - {name: more, max-concurrency: 4, num-prompts: 12}
";

fn request(text: &str, set: &[&str]) -> Request {
    let source = Source {
        name: "mine.yaml".to_owned(),
        stem: "mine".to_owned(),
        path: None,
        text: text.as_bytes().to_vec(),
    };
    let loaded = experiment::load(&source);
    let design = loaded.design.unwrap_or_else(|| panic!("{:?}", loaded.findings));
    let mut request = Request::new("local", source, design);
    request.set = set.iter().map(|set| (*set).to_owned()).collect();
    request
}

fn make(request: &Request) -> Arc<SweepPlan> {
    Arc::new(plan::make(request).unwrap_or_else(|error| panic!("{error}")))
}

fn start(plan: &Arc<SweepPlan>, engine: Engine) -> Handle {
    let instance = engine.instance().clone();
    let local = Arc::new(Local::new(binary(), &instance));
    let executor = Arc::new(PhaseExecutor::new(Arc::clone(plan), &instance, local, binary()));
    let handle = engine.start(executor, false);
    handle.command(Command::Start);
    handle
}

async fn finished(handle: Handle) -> State {
    tokio::time::timeout(PATIENCE, handle.finished())
        .await
        .expect("the sweep ends")
        .unwrap()
}

fn outcomes(state: &State) -> Vec<(CellStatus, String)> {
    state
        .cells
        .iter()
        .map(|cell| {
            let why = match cell.attempts.last().and_then(|attempt| attempt.outcome.as_ref()) {
                Some(Outcome::Failed { failure }) => failure.reason.clone(),
                Some(Outcome::Suspect { reasons, .. }) => reasons.join("; "),
                _ => cell
                    .not_run
                    .as_ref()
                    .map_or_else(String::new, |failure| failure.reason.clone()),
            };
            (cell.status, why)
        })
        .collect()
}

fn assert_all_succeeded(state: &State) {
    let outcomes = outcomes(state);
    assert!(
        outcomes
            .iter()
            .all(|(status, _)| *status == CellStatus::Succeeded),
        "{outcomes:#?}"
    );
}

/// Command lines of processes that have to do with `folder`.
fn processes_of(folder: &Path) -> Vec<String> {
    let needle = folder.display().to_string();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&needle))
        .collect()
}

/// Supervisors may take a moment to leave after they have written how their program ended.
async fn assert_nothing_left(folder: &Path) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = processes_of(folder);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still running: {left:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Wait for a signal that satisfies `wanted`.
async fn until(signals: &mut tokio::sync::mpsc::Receiver<Signal>, wanted: impl Fn(&Signal) -> bool) {
    let wait = async {
        while let Some(signal) = signals.recv().await {
            if wanted(&signal) {
                return;
            }
        }
        panic!("the engine ended before that happened");
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it happens");
}

fn is_progress(signal: &Signal) -> bool {
    matches!(signal, Signal::Progress(progress) if progress.total > 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_leaves_results_and_no_process() {
    let root = tempfile::tempdir().unwrap();
    let mut request = request(&format!("reset_caches: true\n{TWO_BY_TWO}"), &[]);
    request.parallelism = 2;
    let plan = make(&request);
    let engine = Engine::create(root.path(), plan.opened(), &[]).unwrap();
    let instance = engine.instance().clone();
    let local = Local::new(binary(), &instance);
    assert_eq!(preflight(&plan, &instance, &local).await, []);

    let state = finished(start(&plan, engine)).await;

    assert_all_succeeded(&state);
    assert!(state.setups.iter().all(|setup| setup.stack == StackState::Down));
    let config = std::fs::read_to_string(
        instance
            .setup("split")
            .join("plan")
            .join(&plan.stack)
            .join("config.yaml"),
    )
    .unwrap();
    assert!(config.starts_with("# SIMULATED"), "{config}");
    for cell in &state.cells {
        let attempt = &cell.attempts[0];
        let names: Vec<(u8, &str)> = attempt
            .steps
            .iter()
            .map(|s| (s.number, s.name.as_str()))
            .collect();
        assert_eq!(names.first(), Some(&(3, "detect_endpoint")));
        assert_eq!(names.last(), Some(&(12, "analyze_results")));
        assert!(!attempt.logs.is_empty());
        for log in &attempt.logs {
            assert!(instance.path().join(&log.path).is_file(), "{}", log.path);
        }
    }
    let attempt = &state.cell(CellId::new(1, 1)).unwrap().attempts[0];
    for index in 1..=2 {
        let folder = instance.results("split", &attempt.experiment_id, index);
        assert!(folder.join("manifest.json").is_file(), "{}", folder.display());
    }
    let profile = instance.profiles("split", "builtin").join("quickstart-more.yaml");
    let profile = std::fs::read_to_string(profile).unwrap();
    assert!(
        profile.contains("num-prompts: 12") && profile.contains("# SIMULATED"),
        "{profile}"
    );
    assert_nothing_left(root.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_at_once_is_told_with_its_last_words() {
    let root = tempfile::tempdir().unwrap();
    let server = "local.command=[/bin/sh, -c, 'echo no room for the model >&2; exit 3']";
    let plan = make(&request(TWO_BY_TWO, &[server]));
    let engine = Engine::create(root.path(), plan.opened(), &[]).unwrap();
    let begun = Instant::now();
    let state = finished(start(&plan, engine)).await;
    for (status, why) in outcomes(&state) {
        assert_eq!(status, CellStatus::NotRun);
        assert!(
            why.contains("exit code 3") && why.contains("no room for the model"),
            "{why}"
        );
    }
    assert!(begun.elapsed() < PATIENCE, "it is noticed, not waited for");
    assert_nothing_left(root.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_under_load_fails_its_cell() {
    let root = tempfile::tempdir().unwrap();
    let plan = make(&request(TWO_BY_TWO, &["local.simulator.flags={crash-after: 3}"]));
    let engine = Engine::create(root.path(), plan.opened(), &[]).unwrap();
    let state = finished(start(&plan, engine)).await;
    let outcomes = outcomes(&state);
    assert!(
        outcomes
            .iter()
            .all(|(status, _)| matches!(status, CellStatus::Failed | CellStatus::NotRun)),
        "{outcomes:#?}"
    );
    assert_nothing_left(root.path()).await;
}

const LONG: &str = "
experiment: {name: long, harness: builtin, profile: quickstart}
treatments:
  - {name: long, max-concurrency: 1, num-prompts: 5000}
  - {name: short, max-concurrency: 1, num-prompts: 2, random-output-len: 32}
";

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_cell_ends_its_harness_and_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let plan = make(&request(LONG, &[]));
    let engine = Engine::create(root.path(), plan.opened(), &[]).unwrap();
    let handle = start(&plan, engine);
    let (_, mut signals) = handle.subscribe();
    until(&mut signals, is_progress).await;
    let cells = Selection::Cells(vec![CellId::new(0, 0)]);
    handle.command(Command::Cancel { cells });
    tokio::spawn(async move { while signals.recv().await.is_some() {} });
    let state = finished(handle).await;
    let statuses: Vec<CellStatus> = state.cells.iter().map(|cell| cell.status).collect();
    assert_eq!(
        statuses,
        [CellStatus::Cancelled, CellStatus::Succeeded],
        "{:#?}",
        outcomes(&state)
    );
    assert_nothing_left(root.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_now_leaves_no_process_and_can_be_resumed() {
    let root = tempfile::tempdir().unwrap();
    let plan = make(&request(LONG, &[]));
    let engine = Engine::create(root.path(), plan.opened(), &[]).unwrap();
    let instance = engine.instance().clone();
    let handle = start(&plan, engine);
    let (_, mut signals) = handle.subscribe();
    until(&mut signals, is_progress).await;
    handle.command(Command::Stop { mode: StopMode::Now });
    tokio::spawn(async move { while signals.recv().await.is_some() {} });
    finished(handle).await;
    assert_nothing_left(root.path()).await;

    let engine = Engine::resume(instance, plan.opened()).unwrap();
    let handle = start(&plan, engine);
    handle.command(Command::Skip {
        cells: Selection::Cells(vec![CellId::new(0, 0)]),
    });
    let (_, mut signals) = handle.subscribe();
    let cancel = handle.commands();
    tokio::spawn(async move {
        // Whether the skip came before the cell's second start is up to the machine.
        while let Some(signal) = signals.recv().await {
            if is_progress(&signal) {
                cancel.send(Command::Cancel {
                    cells: Selection::Cells(vec![CellId::new(0, 0)]),
                });
            }
        }
    });
    let state = finished(handle).await;
    assert_eq!(
        state.cells[1].status,
        CellStatus::Succeeded,
        "{:#?}",
        outcomes(&state)
    );
    assert_nothing_left(root.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_now_in_a_standup_costs_no_cell() {
    let root = tempfile::tempdir().unwrap();
    let slow = "local.simulator.flags={startup-duration: 2s}";
    let plan = make(&request(TWO_BY_TWO, &[slow]));
    let engine = Engine::create(root.path(), plan.opened(), &[]).unwrap();
    let instance = engine.instance().clone();
    let handle = start(&plan, engine);
    let (_, mut signals) = handle.subscribe();
    until(
        &mut signals,
        |signal| matches!(signal, Signal::Recorded(record) if matches!(record.event, Event::LogSeen { .. })),
    )
    .await;
    handle.command(Command::Stop { mode: StopMode::Now });
    tokio::spawn(async move { while signals.recv().await.is_some() {} });
    finished(handle).await;
    assert_nothing_left(root.path()).await;

    let engine = Engine::resume(instance, plan.opened()).unwrap();
    let state = finished(start(&plan, engine)).await;
    assert_all_succeeded(&state);
    assert_nothing_left(root.path()).await;
}

/// An engine that dies in the middle of a cell leaves server and harness running; the next one adopts both.
#[test]
fn an_engine_that_died_is_followed_by_one_that_adopts() {
    let root = tempfile::tempdir().unwrap();
    let text = "
experiment: {name: adopted, harness: builtin, profile: quickstart}
treatments: [{name: some, max-concurrency: 1, num-prompts: 30}]
";
    let plan = make(&request(text, &[]));
    let first = tokio::runtime::Runtime::new().unwrap();
    let (instance, id) = first.block_on(async {
        let engine = Engine::create(root.path(), plan.opened(), &[]).unwrap();
        let instance = engine.instance().clone();
        let handle = start(&plan, engine);
        let (_, mut signals) = handle.subscribe();
        until(&mut signals, is_progress).await;
        let (state, _) = handle.subscribe();
        (instance, state.cells[0].attempts[0].experiment_id.clone())
    });
    // Nothing of the engine survives this, and nothing of it is told to end anything.
    first.shutdown_timeout(PATIENCE);
    assert!(
        !processes_of(root.path()).is_empty(),
        "server and harness live on"
    );

    let second = tokio::runtime::Runtime::new().unwrap();
    second.block_on(async {
        let engine = Engine::resume(instance, plan.opened()).unwrap();
        let state = finished(start(&plan, engine)).await;
        assert_all_succeeded(&state);
        let attempts = &state.cells[0].attempts;
        assert_eq!(
            (attempts.len(), &attempts[0].experiment_id),
            (1, &id),
            "it was adopted, not run again"
        );
        assert_eq!(state.setups[0].generation, 1, "so was its server");
        assert_nothing_left(root.path()).await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_the_scenarios_own_is_measured_like_any_server() {
    let root = tempfile::tempdir().unwrap();
    // As one types it: from here, though servers run in folders of their own.
    let here = std::env::current_dir().unwrap();
    let up: std::path::PathBuf = here.components().skip(1).map(|_| "..").collect();
    let program = up.join(binary().strip_prefix("/").unwrap());
    let command = format!(
        "local.command=['{}', simulate, --port, '{{port}}', --model, '{{model}}', --time-scale, 10]",
        program.display()
    );
    let text = "
experiment: {name: own, harness: builtin, profile: quickstart}
treatments: [{name: few, max-concurrency: 2, num-prompts: 6, random-output-len: 32}]
";
    let plan = make(&request(text, &[&command]));
    assert!(!plan.simulated, "nobody but us knows what that command is");
    let engine = Engine::create(root.path(), plan.opened(), &[]).unwrap();
    let state = finished(start(&plan, engine)).await;
    assert_all_succeeded(&state);
    assert_nothing_left(root.path()).await;
}

#[tokio::test]
async fn what_is_missing_is_told_before_anything_is_started() {
    let root = tempfile::tempdir().unwrap();
    let mut request = request(TWO_BY_TWO, &["local.command=[no-such-server, --port, '{port}']"]);
    request.harness = Some("guidellm".to_owned());
    request.workload = Some("nothing".to_owned());
    assert!(plan::make(&request).is_err(), "there is no such profile");
    request.harness = None;
    request.workload = None;
    let plan = make(&request);
    let instance = Instance::at(root.path());
    let local = Local::new("/nonexistent/llmdbenchmark", &instance);
    let missing = preflight(&plan, &instance, &local).await;
    let reasons: Vec<&str> = missing.iter().map(|failure| failure.reason.as_str()).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons[0].contains("/nonexistent/llmdbenchmark"), "{reasons:?}");
    assert!(reasons[1].contains("no-such-server"), "{reasons:?}");

    let plan = make(&self::request(
        TWO_BY_TWO,
        &["standalone.parallelism.tensor=1,model.name=big/model-700B"],
    ));
    let local = Local::new(binary(), &instance);
    let missing = preflight(&plan, &instance, &local).await;
    let reasons: Vec<&str> = missing.iter().map(|failure| failure.reason.as_str()).collect();
    assert_eq!(reasons.len(), 2, "one for each setup: {reasons:?}");
    assert!(reasons[0].contains("--tensor-parallel-size"), "{reasons:?}");
}
