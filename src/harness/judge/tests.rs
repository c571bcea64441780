//! Every false green that was seen in the field, and the outcome it must get here.

use super::*;
use crate::engine::Scope;
use crate::experiment::CellId;
use crate::harness::manifest;
use crate::plan::RoleConfig;
use crate::report::context::Context;
use crate::report::convert::{self, Source, Tool};
use serde_json::json;
use std::fs;
use std::path::Path;

const RAW: &str = "openai-infqps-concurrency4-m-20260101-000000.json";

/// A whole attempt of two processes, all of it good, to be spoiled in one place.
struct Attempt {
    folders: Vec<tempfile::TempDir>,
    profile: Value,
    raw: Value,
    summary: Value,
    exit: JobExit,
    before: EffectiveConfig,
    after: Result<EffectiveConfig, Failure>,
    policy: RetryPolicy,
    limit: f64,
}

fn config() -> EffectiveConfig {
    EffectiveConfig {
        model: "m".to_owned(),
        roles: vec![
            RoleConfig {
                role: "prefill".to_owned(),
                replicas: 2,
                tensor_parallelism: 1,
                data_parallelism: 1,
            },
            RoleConfig {
                role: "decode".to_owned(),
                replicas: 1,
                tensor_parallelism: 4,
                data_parallelism: 1,
            },
        ],
        plugin_config: Some("default".to_owned()),
        restarts: 1,
        incarnation: "a".to_owned(),
    }
}

impl Attempt {
    fn good() -> Self {
        let process = ProcessExit {
            code: Some(0),
            signal: None,
        };
        Self {
            folders: vec![tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()],
            profile: json!({"dataset-name": "random", "max-concurrency": 4, "num-prompts": 40}),
            raw: json!({
                "num_prompts": 40, "completed": 40, "total_input_tokens": 4000, "total_output_tokens": 400,
                "request_rate": "inf", "max_concurrency": 4, "request_throughput": 8.0, "output_throughput": 80.0,
                "total_token_throughput": 880.0, "mean_ttft_ms": 50.0, "median_ttft_ms": 45.0, "p99_ttft_ms": 90.0,
                "mean_tpot_ms": 10.0, "mean_itl_ms": 10.0, "median_itl_ms": 9.5, "mean_e2el_ms": 140.0, "median_e2el_ms": 135.0,
            }),
            summary: json!({"client_bound": false, "failures": {}}),
            exit: JobExit {
                processes: vec![process.clone(), process],
                cancelled: false,
                timed_out: false,
            },
            before: config(),
            after: Ok(config()),
            policy: RetryPolicy::default(),
            limit: 0.0,
        }
    }

    /// Leave in `folder` what a process leaves.
    fn write(&self, folder: &Path) {
        fs::write(folder.join(RAW), self.raw.to_string()).unwrap();
        fs::write(folder.join(SUMMARY), self.summary.to_string()).unwrap();
        fs::write(folder.join("per_request_records.jsonl"), "").unwrap();
        fs::write(folder.join("run_metadata.yaml"), "harness_rc: \"0\"\n").unwrap();
        let context = Context {
            experiment_id: "x-1".to_owned(),
            endpoint: "http://h".to_owned(),
            namespace: None,
            pod: None,
            description: None,
            keywords: Vec::new(),
            stack: None,
            start: jiff::Timestamp::UNIX_EPOCH,
            end: jiff::Timestamp::UNIX_EPOCH,
        };
        let tool = Tool {
            name: "builtin".to_owned(),
            version: "1".to_owned(),
        };
        let all = convert::convert(Source::VllmBenchmark, &self.raw, &self.profile, RAW).unwrap();
        for numbers in all {
            let report = convert::report(numbers, &tool, &context, &self.profile);
            crate::report::write(folder, RAW, &report).unwrap();
        }
        manifest::seal(folder).unwrap();
    }

    fn seal_all(self) -> Self {
        for folder in &self.folders {
            self.write(folder.path());
        }
        self
    }

    fn judge(&self) -> Outcome {
        let job = HarnessJob {
            scope: Scope::Attempt {
                cell: CellId::new(0, 0),
                attempt: 1,
            },
            experiment_id: "x-1".to_owned(),
            harness: "builtin".to_owned(),
            argv: Vec::new(),
            env: std::collections::BTreeMap::new(),
            folders: self
                .folders
                .iter()
                .map(|folder| folder.path().to_owned())
                .collect(),
            timeout: Some(std::time::Duration::from_secs(30)),
        };
        judge(&Evidence {
            job: &job,
            exit: &self.exit,
            profile: &self.profile,
            planned: &config(),
            before: Ok(&self.before),
            after: self.after.as_ref(),
            policy: &self.policy,
            failure_limit: self.limit,
        })
    }
}

fn succeeded(attempt: &Attempt) -> crate::engine::Vitals {
    match attempt.judge() {
        Outcome::Succeeded { vitals } => vitals,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn failed(attempt: &Attempt, words: &str) {
    match attempt.judge() {
        Outcome::Failed { failure } => {
            assert!(failure.reason.contains(words), "{}", failure.reason);
            assert!(
                !failure.reason.contains('\n'),
                "one readable line: {}",
                failure.reason
            );
            assert!(failure.hint.is_some());
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn suspect(attempt: &Attempt, words: &str) {
    match attempt.judge() {
        Outcome::Suspect { reasons, vitals } => {
            assert!(reasons.iter().any(|reason| reason.contains(words)), "{reasons:?}");
            assert!(vitals.0.contains_key("requests"), "{vitals:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_attempt_that_did_all_it_should_succeeds_with_the_vitals_of_all_its_processes() {
    let vitals = succeeded(&Attempt::good().seal_all()).0;
    let expected = [
        ("e2e_p50_ms", 135.0),
        ("failures", 0.0),
        ("itl_p50_ms", 9.5),
        ("output_tokens_per_second", 160.0),
        ("requests", 80.0),
        ("requests_per_second", 16.0),
        ("ttft_p50_ms", 45.0),
        ("ttft_p99_ms", 90.0),
    ];
    let told: Vec<(&str, f64)> = vitals
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn an_exit_code_a_signal_and_a_lost_process_fail_the_attempt() {
    for (code, signal, words) in [
        (Some(1), None, "harness process 2 ended with exit code 1"),
        (None, Some(9), "killed (signal 9), perhaps for lack of memory"),
        (None, Some(11), "ended by signal 11"),
        (None, None, "was lost"),
    ] {
        let mut attempt = Attempt::good().seal_all();
        attempt.exit.processes[1] = ProcessExit { code, signal };
        failed(&attempt, words);
    }
    let mut attempt = Attempt::good().seal_all();
    attempt.exit.processes.pop();
    failed(&attempt, "nobody knows how harness process 2 ended");
}

#[test]
fn what_a_failed_process_says_about_itself_is_passed_on() {
    let mut attempt = Attempt::good().seal_all();
    attempt.exit.processes[0].code = Some(2);
    fs::write(
        attempt.folders[0].path().join("error.txt"),
        "`dataset-name` \x1b[2Jis odd\nmore",
    )
    .unwrap();
    failed(&attempt, "exit code 2: `dataset-name` ␛[2Jis odd");
}

#[test]
fn a_timeout_fails_and_a_cancellation_is_no_failure() {
    let mut attempt = Attempt::good().seal_all();
    attempt.exit.timed_out = true;
    attempt.exit.processes[0] = ProcessExit {
        code: None,
        signal: Some(15),
    };
    failed(&attempt, "within its time limit of 30 s");
    attempt.exit.cancelled = true;
    assert_eq!(attempt.judge(), Outcome::Cancelled);
}

#[test]
fn missing_torn_and_changed_files_fail_the_attempt() {
    let spoil = |name: &str, text: Option<&str>, reseal: bool| {
        let attempt = Attempt::good().seal_all();
        let path = attempt.folders[1].path().join(name);
        match text {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        if reseal {
            manifest::seal(attempt.folders[1].path()).unwrap();
        }
        attempt
    };
    let report = crate::report::file_name(RAW);
    failed(&spoil("manifest.json", None, false), "no manifest.json");
    failed(&spoil(RAW, None, false), "is missing");
    failed(&spoil(RAW, Some("{"), false), "is not as it was written");
    failed(&spoil(RAW, None, true), "0 raw result files instead of 1");
    failed(&spoil(RAW, Some("{\"num_prompts\": 4"), true), "cannot be read");
    failed(&spoil(SUMMARY, Some("no"), true), "cannot be read");
    failed(
        &spoil("per_request_records.jsonl", None, true),
        "per_request_records.jsonl is missing",
    );
    failed(
        &spoil("run_metadata.yaml", None, true),
        "run_metadata.yaml is missing",
    );
    failed(&spoil(&report, None, true), "is missing");
    failed(
        &spoil(&report, Some("version: '0.2'\n"), true),
        "is not a benchmark report",
    );
    let wrong = "version: '0.1'\nrun: {uid: x}\nresults: {}\n";
    failed(&spoil(&report, Some(wrong), true), "`version` is `0.1`");
}

#[test]
fn fewer_requests_than_planned_fail_and_more_are_suspect() {
    let mut attempt = Attempt::good();
    attempt.raw["num_prompts"] = json!(39);
    attempt.raw["completed"] = json!(39);
    failed(&attempt.seal_all(), "ended 39 of 40 planned requests");
    let mut attempt = Attempt::good();
    attempt.raw["num_prompts"] = json!(41);
    attempt.raw["completed"] = json!(41);
    suspect(
        &attempt.seal_all(),
        "reports 41 requests although 40 were planned",
    );
}

#[test]
fn failed_requests_count_against_the_limit_and_the_experiments_own_gate() {
    let mut attempt = Attempt::good();
    attempt.raw["completed"] = json!(38);
    attempt.summary["failures"] = json!({"http_503": {"count": 2}});
    let mut attempt = attempt.seal_all();
    failed(
        &attempt,
        "4 of 80 requests failed (2 http_503), 5.0 % where 0.0 % are allowed",
    );
    attempt.limit = 0.05;
    assert_eq!(succeeded(&attempt).0.get("failures"), Some(&4.0));
    attempt.policy.validate_failures = true;
    failed(&attempt, "`validate_failures`");
}

#[test]
fn no_completed_request_at_all_is_never_green() {
    let mut attempt = Attempt::good();
    attempt.raw["completed"] = json!(0);
    failed(&attempt.seal_all(), "80 of 80 requests failed");
}

#[test]
fn a_metric_that_must_be_positive_is_suspect_when_zero_or_missing() {
    for (key, words) in [
        (
            "mean_ttft_ms",
            "time to first token of harness process 1, stage 0, is not above zero",
        ),
        ("mean_itl_ms", "inter-token latency"),
        ("mean_e2el_ms", "request latency"),
        ("output_throughput", "output token rate"),
        ("request_throughput", "request rate"),
    ] {
        let mut attempt = Attempt::good();
        attempt.raw[key] = json!(0.0);
        suspect(&attempt.seal_all(), words);
    }
    let mut attempt = Attempt::good();
    attempt.raw.as_object_mut().unwrap().remove("mean_ttft_ms");
    suspect(&attempt.seal_all(), "is missing");
}

#[test]
fn single_token_answers_need_no_inter_token_latency() {
    let mut attempt = Attempt::good();
    attempt.raw["total_output_tokens"] = json!(40);
    attempt.raw.as_object_mut().unwrap().remove("mean_itl_ms");
    succeeded(&attempt.seal_all());
}

#[test]
fn another_configuration_than_planned_is_suspect() {
    type Spoil = fn(&mut EffectiveConfig);
    let spoils: [(Spoil, &str); 4] = [
        (
            |config| config.model = "other".to_owned(),
            "serves `other` instead of `m`",
        ),
        (
            |config| config.roles[1].tensor_parallelism = 8,
            "1 × decode with TP 8",
        ),
        (|config| config.roles.clear(), "it has no servers instead of"),
        (
            |config| config.plugin_config = None,
            "its router uses `none` instead of `default`",
        ),
    ];
    for (spoil, words) in spoils {
        let mut attempt = Attempt::good().seal_all();
        spoil(&mut attempt.before);
        suspect(&attempt, words);
        suspect(&attempt, "before the load");
        let mut attempt = Attempt::good().seal_all();
        spoil(attempt.after.as_mut().unwrap());
        suspect(&attempt, "after the load");
    }
    let mut attempt = Attempt::good().seal_all();
    attempt.before.roles.reverse();
    succeeded(&attempt);
}

#[test]
fn a_restart_another_incarnation_and_a_silent_stack_are_suspect() {
    let mut attempt = Attempt::good().seal_all();
    attempt.after.as_mut().unwrap().restarts = 3;
    suspect(&attempt, "a server restarted 2 times");
    let mut attempt = Attempt::good().seal_all();
    attempt.after.as_mut().unwrap().incarnation = "b".to_owned();
    suspect(&attempt, "are not those from before");
    let mut attempt = Attempt::good().seal_all();
    attempt.after = Err(Failure::new("connection refused"));
    suspect(&attempt, "did not tell what it is: connection refused");
}

#[test]
fn a_client_bound_run_is_suspect() {
    let mut attempt = Attempt::good();
    attempt.summary = json!({"client_bound": true, "late_requests": 7});
    suspect(&attempt.seal_all(), "client-bound: it sent 7 requests late");
}

#[test]
fn a_failed_attempt_tells_its_doubts_too() {
    let mut attempt = Attempt::good().seal_all();
    attempt.exit.processes[0].code = Some(1);
    attempt.after.as_mut().unwrap().incarnation = "b".to_owned();
    failed(&attempt, "exit code 1; the servers after the load");
}
