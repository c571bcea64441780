//! Every spec can be rehearsed: planned in full, and run for a moment on the simulated server.
//!
//! Those of llm-d-benchmark need a checkout of it:
//! `LLMDBENCH_REFERENCE_CHECKOUT=DIR cargo test --test rehearsal -- --ignored --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests too"
)]

use llmdbenchmark::diagnostic::Finding;
use llmdbenchmark::engine::{CellStatus, Command, Engine, Outcome, State};
use llmdbenchmark::experiment::{self, Source};
use llmdbenchmark::phase::{PhaseExecutor, preflight};
use llmdbenchmark::plan::shape::{Method, Routing, StackShape};
use llmdbenchmark::plan::{self, BaseDir, PlatformKind, Request, SetupPlan, SweepPlan, spec_names};
use llmdbenchmark::platform::local::Local;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long one rehearsal may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// Slow enough that a busy machine still sees tokens come one by one.
const PACE: &str = "local.simulator.timeScale=4";

/// One cell, of the spec's own harness and profile.
const ONE: &str = "treatments: [{name: only}]\n";

fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_llmdbenchmark"))
}

fn checkout() -> PathBuf {
    PathBuf::from(std::env::var_os("LLMDBENCH_REFERENCE_CHECKOUT").expect("a checkout of llm-d-benchmark"))
}

fn source(name: &str, text: Vec<u8>) -> Source {
    Source {
        name: format!("{name}.yaml"),
        stem: name.to_owned(),
        path: None,
        text,
    }
}

fn request(spec: &str, base_dir: Option<&Path>, source: Source) -> Request {
    let loaded = experiment::load(&source);
    assert!(
        !loaded.findings.iter().any(Finding::is_error),
        "{}: {:?}",
        source.name,
        loaded.findings
    );
    let mut request = Request::new(spec, source, loaded.design.expect("a design"));
    request.base_dir = base_dir.map(Path::to_owned);
    request
}

fn planned(request: &Request) -> SweepPlan {
    plan::make(request).unwrap_or_else(|error| panic!("{}: {error}", request.spec))
}

/// One cell of few requests on the built-in load generator, whatever the harness of the spec.
fn small(spec: &str, base_dir: Option<&Path>) -> SweepPlan {
    let mut request = request(spec, base_dir, source("small", ONE.as_bytes().to_vec()));
    request.harness = Some("builtin".to_owned());
    request.workload = Some("quickstart".to_owned());
    request.overrides = vec!["num-prompts=4,random-input-len=64,random-output-len=16".to_owned()];
    request.set = vec![PACE.to_owned()];
    planned(&request)
}

/// Run a plan to its end, in a folder of its own; one line for each cell that is not green.
async fn run(plan: SweepPlan) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let plan = Arc::new(plan);
    let engine = Engine::create(folder.path(), plan.opened(), &[]).unwrap();
    let instance = engine.instance().clone();
    let local = Arc::new(Local::new(binary(), &instance));
    let missing = preflight(&plan, &instance, &*local).await;
    if !missing.is_empty() {
        return missing.into_iter().map(|failure| failure.reason).collect();
    }
    let handle = engine.start(
        Arc::new(PhaseExecutor::new(Arc::clone(&plan), &instance, local, binary())),
        false,
    );
    handle.command(Command::Start);
    let state = tokio::time::timeout(PATIENCE, handle.finished())
        .await
        .expect("the rehearsal ends")
        .unwrap();
    not_green(&state)
}

fn not_green(state: &State) -> Vec<String> {
    let bad = state
        .cells
        .iter()
        .filter(|cell| cell.status != CellStatus::Succeeded);
    bad.map(|cell| {
        let outcome = cell.attempts.last().and_then(|attempt| attempt.outcome.as_ref());
        match outcome {
            Some(Outcome::Failed { failure }) => failure.reason.clone(),
            Some(Outcome::Suspect { reasons, .. }) => reasons.join("; "),
            _ => format!("{:?}: {:?}", cell.status, cell.not_run),
        }
    })
    .collect()
}

fn shape_of(spec: &str, base_dir: Option<&Path>) -> StackShape {
    small(spec, base_dir).setups[0].shape.clone()
}

#[test]
fn every_embedded_spec_is_planned_with_its_own_profile() {
    for spec in spec_names(&BaseDir::embedded()) {
        let plan = planned(&request(&spec, None, source("one", ONE.as_bytes().to_vec())));
        assert!(plan.simulated, "{spec}");
        assert_eq!((plan.setups.len(), plan.runs.len()), (1, 1), "{spec}");
        let summary = plan.summary();
        assert!(
            summary.contains(&plan.setups[0].shape.to_string()),
            "{spec}: {summary}"
        );
    }
}

#[test]
fn every_ready_experiment_is_planned_on_the_spec_it_is_for() {
    for (experiment, spec, setups, runs) in [
        ("quickstart", "local", 3, 4),
        ("disaggregated_vs_llmd", "pd-disaggregation", 8, 10),
        ("precise-prefix-cache-aware", "precise-prefix-cache-aware", 3, 3),
        ("inference-scheduling", "inference-scheduling", 6, 3),
    ] {
        let source = experiment::find(experiment, Path::new("/")).unwrap();
        let plan = planned(&request(spec, None, source));
        assert_eq!(
            (plan.setups.len(), plan.runs.len()),
            (setups, runs),
            "{experiment}"
        );
        let names: Vec<&str> = plan
            .warnings
            .iter()
            .map(|remark| remark.finding.message.as_str())
            .collect();
        assert!(
            names.iter().all(|name| !name.contains("plugins of")),
            "every plugin configuration is one we know: {names:?}"
        );
    }
}

/// What is rehearsed is meant for a cluster: its files can be written, and the router has the plugins it is told to use.
#[test]
fn what_is_rehearsed_can_be_deployed() {
    for (experiment, spec) in [
        (None, "examples/cpu"),
        (None, "examples/sim"),
        (None, "examples/gpu"),
        (Some("disaggregated_vs_llmd"), "pd-disaggregation"),
        (Some("precise-prefix-cache-aware"), "precise-prefix-cache-aware"),
        (Some("inference-scheduling"), "inference-scheduling"),
    ] {
        let source = experiment.map_or_else(
            || source("one", ONE.as_bytes().to_vec()),
            |name| experiment::find(name, Path::new("/")).unwrap(),
        );
        let mut request = request(spec, None, source);
        request.platform = PlatformKind::Kubernetes;
        request.namespace = Some("models".to_owned());
        let plan = planned(&request);
        let told: Vec<&str> = plan
            .warnings
            .iter()
            .map(|remark| remark.finding.message.as_str())
            .filter(|message| message.contains("pluginsConfigFile"))
            .collect();
        assert_eq!(told, [""; 0], "{spec}");
        let setups: Vec<&SetupPlan> = plan.setups.iter().collect();
        let rendered = plan
            .render(&setups)
            .unwrap_or_else(|error| panic!("{spec}: {error}"));
        for stack in rendered.iter().flat_map(|setup| &setup.stacks) {
            assert!(
                stack.files.iter().any(|file| !file.text.trim().is_empty()),
                "{spec}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_specs_run() {
    for spec in spec_names(&BaseDir::embedded()) {
        let bad = run(small(&spec, None)).await;
        assert_eq!(bad, Vec::<String>::new(), "{spec}");
    }
}

/// The profile a spec brings, with the requests of a moment.
#[tokio::test(flavor = "multi_thread")]
async fn profiles_of_every_tool_run_scaled_down() {
    for (harness, profile, overrides) in [
        (
            "inference-perf",
            "shared_prefix_synthetic",
            "load.stages=[{rate: 20, duration: 0.2}],data.shared_prefix.output_len=16",
        ),
        (
            "vllm-benchmark",
            "shared_prefix_synthetic",
            "num-prompts=4,prefix-repetition-prefix-len=64,prefix-repetition-output-len=16",
        ),
        (
            "guidellm",
            "sanity_concurrent",
            "spec.constraints.0.seconds=0.3,spec.data.0.output_tokens=16",
        ),
        (
            "guidellm",
            "sanity_random",
            "spec.profile.rate=[20],spec.constraints.0.seconds=0.2",
        ),
        ("aiperf", "synthetic", "request-count=4,osl=16"),
    ] {
        let experiment = format!("experiment: {{name: x, harness: {harness}, profile: {profile}}}\n{ONE}");
        let mut request = request("local", None, source("x", experiment.into_bytes()));
        request.overrides = vec![overrides.to_owned()];
        request.set = vec![PACE.to_owned()];
        let plan = planned(&request);
        assert_eq!(
            (plan.harness.as_str(), plan.profile_harness.as_str()),
            ("builtin", harness)
        );
        assert_eq!(run(plan).await, Vec::<String>::new(), "{harness} {profile}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_built_in_load_generator_cannot_do_is_refused_before_anything_starts() {
    let experiment = format!(
        "experiment: {{name: x, harness: inference-perf, profile: shared_prefix_multi_turn_chat}}\n{ONE}"
    );
    let bad = run(planned(&request(
        "local",
        None,
        source("x", experiment.into_bytes()),
    )))
    .await;
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert!(
        bad[0].contains("run the tool itself with `-l inference-perf`"),
        "{bad:?}"
    );
}

#[test]
#[ignore = "needs LLMDBENCH_REFERENCE_CHECKOUT"]
fn every_spec_of_the_reference_is_planned_with_its_own_profile() {
    let base = checkout();
    let names = spec_names(&BaseDir::external(&base).unwrap());
    assert!(names.len() >= 37, "{names:?}");
    for spec in names {
        let plan = planned(&request(
            &spec,
            Some(&base),
            source("one", ONE.as_bytes().to_vec()),
        ));
        println!("{spec:<50} {:<16} {}", plan.harness, plan.setups[0].shape);
    }
}

#[test]
#[ignore = "needs LLMDBENCH_REFERENCE_CHECKOUT"]
fn shapes_of_the_reference_are_what_its_scenarios_say() {
    let base = checkout();
    let of = |spec: &str| shape_of(spec, Some(&base));
    let roles = |shape: &StackShape| -> Vec<(&str, u32, u32, u32)> {
        let role = |role: &plan::shape::Role| {
            (
                role.name,
                role.replicas,
                role.tensor_parallelism,
                role.data_parallelism,
            )
        };
        shape.roles.iter().map(role).collect()
    };
    let wide = of("guides/wide-ep-lws");
    assert_eq!(roles(&wide), [("prefill", 1, 1, 16), ("decode", 1, 1, 16)]);
    assert!(wide.expert_parallelism);
    let hot = of("cicd/ocp-wva-fma-hotstart");
    assert_eq!(
        (hot.method, roles(&hot)),
        (Method::Fma, vec![("replica", 6, 1, 1)])
    );
    assert_eq!(hot.routing, Some(Routing::PrefixEstimate));
    assert_eq!(roles(&of("experimental/kimi-k3-h100")), [("decode", 1, 8, 1)]);
    assert_eq!(of("guides/nok8s").method, Method::Nok8s);
    assert_eq!(of("guides/p2p-kv-cache-sharing").method, Method::Kustomize);
    assert_eq!(of("examples/launcher").method, Method::Standalone);
    let split = of("guides/pd-disaggregation");
    assert_eq!(roles(&split), [("prefill", 1, 1, 1), ("decode", 2, 2, 1)]);
    for (spec, routing) in [
        (
            "guides/precise-prefix-cache-routing",
            Some(Routing::PrefixTracking),
        ),
        ("guides/optimized-baseline", Some(Routing::PrefixEstimate)),
        ("guides/agentic-serving", Some(Routing::PrefixEstimate)),
        ("examples/gpu", None),
    ] {
        assert_eq!(of(spec).routing, routing, "{spec}");
    }
}

#[test]
#[ignore = "needs LLMDBENCH_REFERENCE_CHECKOUT"]
fn another_stack_of_several_is_chosen_by_its_name() {
    let base = checkout();
    let spec = "examples/multi-model-optimized-baseline";
    let mut request = request(spec, Some(&base), source("one", ONE.as_bytes().to_vec()));
    assert_eq!(planned(&request).setups[0].shape.model, "Qwen/Qwen3-0.6B");
    request.stack = Some("llama-31-8b".to_owned());
    assert_eq!(
        planned(&request).setups[0].shape.model,
        "unsloth/Meta-Llama-3.1-8B"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LLMDBENCH_REFERENCE_CHECKOUT"]
async fn every_spec_of_the_reference_runs() {
    let base = checkout();
    let mut refused = Vec::new();
    for spec in spec_names(&BaseDir::external(&base).unwrap()) {
        let bad = run(small(&spec, Some(&base))).await;
        println!("{spec:<50} {}", if bad.is_empty() { "green" } else { "RED" });
        refused.extend(bad.into_iter().map(|why| format!("{spec}: {why}")));
    }
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
#[ignore = "needs LLMDBENCH_REFERENCE_CHECKOUT"]
fn every_experiment_of_the_reference_is_planned_on_its_spec() {
    let base = checkout();
    for (experiment, spec, workload, cells) in [
        (
            "concurrent-sessions-sweep",
            "examples/gpu",
            Some("otel_traces"),
            (1, 9),
        ),
        ("max-concurrency-sweep", "guides/pd-disaggregation", None, (1, 4)),
        ("optimized-baseline", "guides/optimized-baseline", None, (4, 9)),
        (
            "otel-session-rate-sweep",
            "examples/gpu",
            Some("otel_traces"),
            (1, 5),
        ),
        ("pd-disaggregation", "guides/pd-disaggregation", None, (9, 6)),
        (
            "precise-prefix-cache-aware",
            "guides/precise-prefix-cache-routing",
            None,
            (3, 6),
        ),
        ("tiered-prefix-cache", "guides/tiered-prefix-cache", None, (4, 6)),
    ] {
        let text = std::fs::read(base.join(format!("experiments/{experiment}.yaml"))).unwrap();
        let mut request = request(spec, Some(&base), source(experiment, text));
        request.harness = workload.map(|_| "inference-perf".to_owned());
        request.workload = workload.map(str::to_owned);
        let plan = planned(&request);
        assert_eq!((plan.setups.len(), plan.runs.len()), cells, "{experiment}");
    }
}
