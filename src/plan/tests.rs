//! Whole plans, from an experiment's text to what would be run.

use super::*;
use crate::experiment::{self, Source};
use serde_json::{Value, json};
use std::path::Path;

fn request(spec: &str, text: &str) -> Request {
    let source = Source {
        name: "mine.yaml".to_owned(),
        stem: "mine".to_owned(),
        path: None,
        text: text.as_bytes().to_vec(),
    };
    let loaded = experiment::load(&source);
    let design = loaded.design.unwrap_or_else(|| panic!("{:?}", loaded.findings));
    Request::new(spec, source, design)
}

fn shipped(spec: &str, name: &str) -> Request {
    let source = experiment::find(name, Path::new("/")).unwrap();
    let design = experiment::load(&source).design.unwrap();
    Request::new(spec, source, design)
}

fn plan(request: &Request) -> SweepPlan {
    make(request).unwrap_or_else(|error| panic!("{error}"))
}

fn profile_of(plan: &SweepPlan, index: usize) -> Value {
    let config = plan.config(&plan.setups[0]);
    plan.render_profile(&plan.runs[index], &config, "http://127.0.0.1:1")
        .unwrap()
        .value
}

const SMALL: &str = "
experiment: {harness: builtin, profile: sanity_random}
setup:
  treatments:
    - {name: one, standalone.replicas: 1}
    - {name: two, standalone.replicas: 2}
treatments:
  - {name: few, num-prompts: 4}
  - {name: many, num-prompts: 8, profile: quickstart}
";

#[test]
fn the_quickstart_is_three_stacks_by_four_loads() {
    let plan = plan(&shipped("local", "quickstart"));
    assert!(plan.simulated);
    assert_eq!(
        (plan.harness.as_str(), plan.profile.as_str()),
        ("builtin", "quickstart")
    );
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    let shapes: Vec<String> = plan.setups.iter().map(|setup| setup.shape.to_string()).collect();
    assert_eq!(
        shapes,
        [
            "standalone: 1 replica × TP 1, Qwen/Qwen3-8B",
            "standalone: 2 replica × TP 1, Qwen/Qwen3-8B",
            "modelservice: 1 prefill × TP 1, 1 decode × TP 1, pd-config.yaml, Qwen/Qwen3-8B",
        ]
    );
    assert_eq!(profile_of(&plan, 3)["max-concurrency"], 64);
    assert_eq!(profile_of(&plan, 3)["base-url"], "http://127.0.0.1:1");
    let opened = plan.opened();
    assert_eq!((opened.setups.len(), opened.runs.len()), (3, 4));
    assert!(opened.simulated && !opened.sweep_id.is_empty());
    let summary = plan.summary();
    assert!(
        summary.contains("3 setup × 4 run = 12") && summary.contains("SIMULATED"),
        "{summary}"
    );
}

#[test]
fn both_examples_of_the_documentation_can_be_rehearsed() {
    let plan = plan(&shipped("pd-disaggregation", "disaggregated_vs_llmd"));
    assert_eq!((plan.setups.len(), plan.runs.len()), (8, 10));
    assert_eq!(
        plan.setups[0].shape.to_string(),
        "modelservice: 6 prefill × TP 2, 1 decode × TP 4, pd-config.yaml, Qwen/Qwen3-32B"
    );
    assert_eq!(
        plan.setups[7].shape.to_string(),
        "standalone: 4 replica × TP 8, Qwen/Qwen3-32B"
    );
    assert_eq!(profile_of(&plan, 9)["num-prompts"], 10240);
    assert_eq!(
        (plan.harness.as_str(), plan.profile_harness.as_str()),
        ("builtin", "vllm-benchmark")
    );

    let plan = self::plan(&shipped(
        "precise-prefix-cache-aware",
        "precise-prefix-cache-aware",
    ));
    assert_eq!((plan.setups.len(), plan.runs.len()), (3, 3));
    let plugins: Vec<Option<String>> = plan
        .setups
        .iter()
        .map(|s| s.shape.plugin_config.clone())
        .collect();
    assert_eq!(plugins[1].as_deref(), Some("prefix-cache-estimate-config"));
    assert_eq!(
        profile_of(&plan, 0).pointer("/data/shared_prefix/system_prompt_len"),
        Some(&json!(8000))
    );
}

#[test]
fn flags_beat_the_experiment_and_the_scenario() {
    let mut request = request("local", SMALL);
    request.workload = Some("quickstart.yaml".to_owned());
    request.models = Some("org/other-1B".to_owned());
    request.overrides = vec!["max-concurrency=3,num-prompts=30".to_owned()];
    request.set = vec!["standalone.parallelism.tensor=4,local.simulator.timeScale=9".to_owned()];
    request.parallelism = 0;
    let plan = plan(&request);
    assert_eq!((plan.profile.as_str(), plan.parallelism), ("quickstart", 1));
    let profile = profile_of(&plan, 0);
    assert_eq!(
        (
            &profile["model"],
            &profile["num-prompts"],
            &profile["max-concurrency"]
        ),
        (&json!("org/other-1B"), &json!(30), &json!(3))
    );
    assert_eq!(
        plan.setups[1].shape.to_string(),
        "standalone: 2 replica × TP 4, org/other-1B"
    );
    assert_eq!(
        get(
            &plan.config(&plan.setups[0]),
            &["local", "simulator", "timeScale"]
        ),
        Some(&json!(9))
    );
    assert_eq!(plan.runs[1].profile_name, "quickstart-many");
}

#[test]
fn a_harness_of_its_own_is_run_and_one_of_the_file_is_stood_in_for() {
    let text = "experiment: {harness: inference-perf, profile: sanity_random}\ntreatments: [{name: a}]\n";
    let request = request("local", text);
    let made = plan(&request);
    assert_eq!(
        (made.harness.as_str(), made.profile_harness.as_str()),
        ("builtin", "inference-perf")
    );
    assert!(made.warnings[0].finding.message.contains("stands in"));
    let mut request = request;
    request.harness = Some("inference-perf".to_owned());
    assert_eq!(plan(&request).harness, "inference-perf");
    request.harness = None;
    request.set = vec!["local.command=[vllm, serve, '{model}', --port, '{port}']".to_owned()];
    let made = plan(&request);
    assert!(!made.simulated);
    assert_eq!(made.harness, "inference-perf");
}

#[test]
fn everything_wrong_is_told_in_one_pass() {
    let text = "
experiment: {harness: builtin, profile: sanity_random}
setup:
  treatments:
    - {name: a, standalne.replicas: 1}
    - {name: b, standalone.replicas: none}
treatments:
  - {name: x, loads.stages.0.rate: 4}
  - {name: y, profile: nowhere}
";
    let mut request = request("local", text);
    request.set = vec![
        "nonsense".to_owned(),
        "elsewhere:a=1,standalone.replica=2".to_owned(),
    ];
    request.methods = Some("helm".to_owned());
    let error = make(&request).unwrap_err().to_string();
    for part in [
        "-t: there is no deploy method `helm`",
        "--set: `nonsense` has no `=`",
        "--set elsewhere:a: there is no such stack",
        "--set standalone.replica: the config has no such key; it is added",
        "did you mean `replicas`",
        "standalne",
        "mine.yaml:5:",
        "setup treatment b: standalone.replicas",
        "mine.yaml:6:",
        "loads.stages",
        "has no profile nowhere",
    ] {
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
}

#[test]
fn maps_that_are_there_to_be_filled_take_any_name() {
    let mut request = request("local", SMALL);
    request.set = vec!["local.simulator.flags.crash-after=3,local.env.ANY=1".to_owned()];
    let plan = plan(&request);
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn a_fingerprint_changes_with_what_it_depends_on_and_nothing_else() {
    let first = plan(&request("local", SMALL));
    let fingerprints = |plan: &SweepPlan| -> Vec<String> {
        let setups = plan.setups.iter().map(|setup| setup.fingerprint.clone());
        setups
            .chain(plan.runs.iter().map(|run| run.fingerprint.clone()))
            .collect()
    };
    let renamed = plan(&request("local", &SMALL.replace("name: one", "name: uno")));
    assert_eq!(fingerprints(&first), fingerprints(&renamed));
    let edited = plan(&request(
        "local",
        &SMALL.replace("num-prompts: 4", "num-prompts: 5"),
    ));
    let changed: Vec<bool> = fingerprints(&first)
        .iter()
        .zip(fingerprints(&edited))
        .map(|(before, after)| *before != after)
        .collect();
    assert_eq!(changed, [false, false, true, false]);
    let mut namespaced = request("local", SMALL);
    namespaced.namespace = Some("other".to_owned());
    assert_eq!(fingerprints(&first), fingerprints(&plan(&namespaced)));
    let mut elsewhere = request("local", SMALL);
    elsewhere.hugging_face_token = true;
    assert_eq!(fingerprints(&first), fingerprints(&plan(&elsewhere)));
    let mut parallel = request("local", SMALL);
    parallel.parallelism = 2;
    assert_ne!(first.runs[0].fingerprint, plan(&parallel).runs[0].fingerprint);
}

#[test]
fn a_warning_about_every_treatment_is_said_once() {
    let plan = plan(&request(
        "local",
        &SMALL
            .replace("num-prompts", "num-promts")
            .replace(", profile: quickstart", ""),
    ));
    let told: Vec<String> = plan.warnings.iter().map(|remark| remark.render(false)).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("it is added (in 2 places)"), "{told:?}");
    assert!(told[0].contains("did you mean `num-prompts`?"), "{told:?}");
}
