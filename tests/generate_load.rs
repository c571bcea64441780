//! A harness process from its command line to its manifest, against a server that misbehaves on request.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends at what it did not expect"
)]

#[path = "generate_load/server.rs"]
mod server;

use llmdbenchmark::harness::{manifest, progress};
use llmdbenchmark::report;
use serde_json::{Value, json};
use server::{Behaviour, Server};
use std::path::Path;
use std::process::{Command, Output};

struct Run {
    folder: tempfile::TempDir,
    output: Output,
}

impl Run {
    fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    fn results(&self) -> std::path::PathBuf {
        self.folder.path().join("builtin-a-1700000000-abcdef_1")
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.results().join(name)).unwrap()).unwrap()
    }

    fn records(&self) -> Vec<Value> {
        std::fs::read_to_string(self.results().join("per_request_records.jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn command(folder: &Path, endpoint: &str, profile: &Value) -> Command {
    let file = folder.join("profile.yaml");
    std::fs::write(&file, llmdbenchmark::yaml::to_string(profile)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_llmdbenchmark"));
    command
        .args(["generate-load", "--profile"])
        .arg(file)
        .arg("--results")
        .arg(folder.join("builtin-a-1700000000-abcdef_1"))
        .env("LLMDBENCH_HARNESS_STACK_ENDPOINT_URL", endpoint)
        .env("LLMDBENCH_RUN_EXPERIMENT_ID", "builtin-a-1700000000-abcdef")
        .env(
            "LLMDBENCH_STACK",
            json!({"simulated": true, "model": "m", "roles": [{"role": "replica", "replicas": 2, "tensor_parallelism": 4}]})
                .to_string(),
        );
    command
}

fn run(behaviour: Behaviour, profile: &Value) -> Run {
    let server = Server::start(behaviour);
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), &server.url(), profile).output().unwrap();
    Run { folder, output }
}

fn closed(requests: u64) -> Value {
    json!({"dataset-name": "random", "random-input-len": 30, "random-output-len": 5, "max-concurrency": 3,
        "num-prompts": requests, "ignore-eos": "none"})
}

#[test]
fn a_closed_loop_leaves_whole_results_in_the_shape_of_vllm() {
    let run = run(Behaviour::Answer, &closed(12));
    assert_eq!(run.code(), Some(0), "{}", run.log());
    let manifest = manifest::verify(&run.results()).unwrap();
    let raw = manifest
        .files
        .iter()
        .find(|file| file.name.starts_with("openai-infqps-concurrency3"))
        .unwrap();
    let result = run.json(&raw.name);
    assert_eq!(
        (&result["completed"], &result["total_input_tokens"]),
        (&json!(12), &json!(360))
    );
    assert!(result["mean_ttft_ms"].as_f64().unwrap() > 0.0);

    let reports = report::read_all(&run.results()).unwrap();
    assert_eq!(reports[0].check(), Vec::<String>::new());
    let requests = reports[0].aggregate().unwrap().requests.clone().unwrap();
    assert_eq!((requests.total, requests.failures), (12, Some(0)));
    let scenario = reports[0].scenario.clone().unwrap();
    let stack = scenario.stack.unwrap();
    assert_eq!(stack[0].standardized.tool, "llmdbenchmark simulator");
    assert!(
        reports[0]
            .run
            .description
            .clone()
            .unwrap()
            .starts_with("[simulated]")
    );

    assert_eq!(run.records().len(), 12);
    let told = progress::read(&run.results()).unwrap();
    assert_eq!((told.done, told.total), (12, 12));
    let metadata = std::fs::read_to_string(run.results().join("run_metadata.yaml")).unwrap();
    assert_eq!(
        llmdbenchmark::yaml::from_str(&metadata).unwrap()["harness_rc"],
        "0"
    );
}

#[test]
fn stages_of_an_open_loop_leave_one_file_each_and_both_latencies() {
    let profile = json!({
        "load": {"type": "constant", "interval": 0.01, "stages": [{"rate": 200, "duration": 0.05}, {"rate": 100, "duration": 0.05}]},
        "api": {"type": "chat", "streaming": true},
        "server": {"model_name": "m"},
        "data": {"type": "shared_prefix", "shared_prefix": {"num_groups": 2, "num_prompts_per_group": 2,
            "system_prompt_len": 20, "question_len": 10, "output_len": 4}},
    });
    let run = run(Behaviour::Answer, &profile);
    assert_eq!(run.code(), Some(0), "{}", run.log());
    assert_eq!(
        run.json("stage_0_lifecycle_metrics.json")["load_summary"]["count"],
        10
    );
    assert_eq!(
        run.json("stage_1_lifecycle_metrics.json")["successes"]["count"],
        5
    );
    let reports = report::read_all(&run.results()).unwrap();
    assert_eq!(reports.len(), 2);
    let load = reports[1].scenario.clone().unwrap().load.unwrap().standardized;
    assert_eq!((load.stage, load.rate_qps), (Some(1), Some(100.0)));
    for record in run.records() {
        let (sent, due) = (&record["ttft_ms"], &record["ttft_from_scheduled_ms"]);
        assert!(due.as_f64().unwrap() >= sent.as_f64().unwrap(), "{record}");
    }
    assert!(run.json("summary.json")["seconds"]["e2e_from_scheduled"]["p99"].is_number());
}

#[test]
fn answers_without_streaming_are_measured_whole() {
    let profile = json!({
        "load": {"type": "concurrent", "stages": [{"concurrency_level": 2, "num_requests": 4}]},
        "data": {"type": "random", "input_distribution": {"min": 5, "max": 9, "mean": 7, "std_dev": 1}},
    });
    let run = run(Behaviour::Answer, &profile);
    assert_eq!(run.code(), Some(0), "{}", run.log());
    let stage = run.json("stage_0_lifecycle_metrics.json");
    assert!(stage["successes"]["latency"]["time_to_first_token"].is_null());
    assert!(
        stage["successes"]["latency"]["request_latency"]["mean"]
            .as_f64()
            .unwrap()
            > 0.0
    );
}

#[test]
fn every_kind_of_bad_answer_is_counted_by_its_kind() {
    for (behaviour, kind) in [
        (Behaviour::Status(503), "http_503"),
        (Behaviour::Truncate, "truncated"),
        (Behaviour::Break, "broken"),
        (Behaviour::Garbage, "malformed"),
        (Behaviour::ErrorEvent, "server_error"),
        (Behaviour::NoText, "empty"),
    ] {
        let run = run(behaviour, &closed(4));
        assert_eq!(run.code(), Some(1), "{kind}: {}", run.log());
        let summary = run.json("summary.json");
        assert_eq!(summary["failures"][kind]["count"], 4, "{summary}");
        assert!(run.log().contains(kind), "{}", run.log());
    }
}

#[test]
fn some_failures_do_not_hide_the_rest() {
    let run = run(Behaviour::EveryOther, &closed(10));
    assert_eq!(
        run.code(),
        Some(0),
        "all were sent, and most were answered: {}",
        run.log()
    );
    let summary = run.json("summary.json");
    assert_eq!(
        (&summary["completed"], &summary["failed"]),
        (&json!(5), &json!(5))
    );
    let reports = report::read_all(&run.results()).unwrap();
    let requests = reports[0].aggregate().unwrap().requests.clone().unwrap();
    assert_eq!((requests.total, requests.failures), (10, Some(5)));
}

#[test]
fn a_hanging_server_runs_into_the_timeout_of_the_request() {
    let profile = json!({
        "load": {"type": "concurrent", "request_timeout": 0.2, "stages": [{"concurrency_level": 2, "num_requests": 2}]},
        "api": {"type": "completion", "streaming": true},
        "data": {"type": "random"},
    });
    let run = run(Behaviour::Hang, &profile);
    assert_eq!(run.code(), Some(1));
    assert_eq!(run.json("summary.json")["failures"]["timeout"]["count"], 2);
}

#[test]
fn a_signal_ends_the_run_and_keeps_what_there_is() {
    let server = Server::start(Behaviour::HangAfter(3));
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), &server.url(), &closed(50))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    server.wait_for_requests(6);
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let results = folder.path().join("builtin-a-1700000000-abcdef_1");
    manifest::verify(&results).unwrap();
    let summary: Value =
        serde_json::from_slice(&std::fs::read(results.join("summary.json")).unwrap()).unwrap();
    assert_eq!(
        (&summary["completed"], &summary["cancelled"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(summary["cancelled_requests"], 3);
}

#[test]
fn a_profile_that_cannot_be_run_is_refused_before_anything_is_sent() {
    let run = run(Behaviour::Answer, &json!({"dataset-name": "sharegpt"}));
    assert_eq!(run.code(), Some(2));
    assert!(run.log().contains("-l vllm-benchmark"), "{}", run.log());
    let told = std::fs::read_to_string(run.results().join("error.txt")).unwrap();
    assert!(told.contains("sharegpt"));
}
