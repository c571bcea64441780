use super::context::{Context, Stack, config_id};
use super::convert::{Source, Tool, convert, report};
use super::schema::Statistics;
use super::{Report, file_name, read, read_all, write};
use crate::plan::RoleConfig;
use serde_json::{Value, json};

fn context(simulated: bool) -> Context {
    Context {
        experiment_id: "builtin-a-1700000000-abcdef".to_owned(),
        endpoint: "http://127.0.0.1:8000".to_owned(),
        namespace: Some("local".to_owned()),
        pod: None,
        description: Some("a: try, with \"quotes\"".to_owned()),
        keywords: vec!["yes".to_owned()],
        stack: Some(Stack {
            simulated,
            model: "m/x".to_owned(),
            roles: vec![RoleConfig {
                role: "decode".to_owned(),
                replicas: 2,
                tensor_parallelism: 4,
                data_parallelism: 1,
            }],
            accelerator: Some("H100".to_owned()),
            plugin_config: Some("default".to_owned()),
            tool: Some("vllm".to_owned()),
            tool_version: None,
        }),
        start: "2026-01-02T03:04:05Z".parse().unwrap(),
        end: "2026-01-02T03:04:07.5Z".parse().unwrap(),
    }
}

fn profile() -> Value {
    json!({"load": {"type": "constant", "stages": [{"rate": 2, "duration": 5}]},
        "data": {"type": "shared_prefix", "shared_prefix": {"num_groups": 3, "num_prompts_per_group": 4,
            "system_prompt_len": 500, "question_len": 50, "output_len": 10}}})
}

fn stage() -> Value {
    let block =
        json!({"mean": 0.2, "min": 0.1, "median": 0.19, "p0.1": 0.1, "p99": 0.4, "p99.9": 0.5, "max": 0.6});
    json!({
        "load_summary": {"count": 10, "requested_rate": 2.0, "send_duration": 4.9},
        "successes": {
            "count": 9,
            "latency": {"time_to_first_token": block, "request_latency": block, "inter_token_latency": block,
                "time_per_output_token": block, "normalized_time_per_output_token": block},
            "throughput": {"input_tokens_per_sec": 990.0, "output_tokens_per_sec": 18.0, "total_tokens_per_sec": 1008.0,
                "requests_per_sec": 1.8},
            "prompt_len": {"mean": 550.0, "min": 548.0, "max": 552.0}, "output_len": {"mean": 10.0},
        },
        "failures": {"count": 1},
    })
}

fn of_stage(simulated: bool) -> Report {
    let name = "stage_3_lifecycle_metrics.json";
    let numbers = convert(Source::InferencePerf, &stage(), &profile(), name)
        .unwrap()
        .remove(0);
    let tool = Tool {
        name: "inference-perf".to_owned(),
        version: "unknown".to_owned(),
    };
    report(numbers, &tool, &context(simulated), &profile())
}

#[test]
fn a_report_is_valid_and_survives_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let report = of_stage(true);
    assert_eq!(report.check(), Vec::<String>::new());
    let path = write(folder.path(), "stage_3_lifecycle_metrics.json", &report).unwrap();
    assert_eq!(
        path.file_name().unwrap().to_str().unwrap(),
        "benchmark_report_v0.2,_stage_3_lifecycle_metrics.json.yaml"
    );
    assert_eq!(read(&path).unwrap(), report);
    assert_eq!(read_all(folder.path()).unwrap(), [report]);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("null"), "{text}");
    let keys: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    assert!(keys.is_sorted(), "{keys:?}");
}

#[test]
fn the_numbers_of_inference_perf_keep_their_names_and_units() {
    let report = of_stage(false);
    let load = report.scenario.clone().unwrap().load.unwrap().standardized;
    assert_eq!(
        (load.stage, load.rate_qps, load.source.as_deref()),
        (Some(3), Some(2.0), Some("random"))
    );
    let prefix = load.prefix.unwrap();
    assert_eq!(
        (prefix.prefix_len, prefix.num_users_per_group),
        (Some(500), Some(4))
    );
    assert_eq!(load.input_seq_len.map(|length| length.value), Some(550.0));
    let aggregate = report.aggregate().unwrap();
    let requests = aggregate.requests.clone().unwrap();
    assert_eq!((requests.total, requests.failures), (10, Some(1)));
    let ttft = aggregate.latency.clone().unwrap().time_to_first_token.unwrap();
    assert_eq!(
        (ttft.units.as_str(), ttft.p50, ttft.p0p1, ttft.p99p9),
        ("s", Some(0.19), Some(0.1), Some(0.5))
    );
    let rate = aggregate.throughput.clone().unwrap().output_token_rate;
    assert_eq!(rate.map(|rate| rate.mean), Some(18.0));
}

#[test]
fn a_stage_in_which_everything_failed_has_only_its_counts() {
    let raw = json!({"load_summary": {"count": 4}, "failures": {"count": 4}, "successes": {"count": 0}});
    let numbers = convert(Source::InferencePerf, &raw, &profile(), "stage_0_x.json")
        .unwrap()
        .remove(0);
    assert_eq!(numbers.aggregate.requests.unwrap().failures, Some(4));
    assert_eq!(numbers.aggregate.latency, None);
}

#[test]
fn simulated_runs_say_so_wherever_a_reader_looks() {
    let report = of_stage(true);
    assert_eq!(
        report.run.description.as_deref(),
        Some("[simulated] a: try, with \"quotes\"")
    );
    assert_eq!(
        report.run.keywords,
        Some(vec!["yes".to_owned(), "simulated".to_owned()])
    );
    let tools: Vec<String> = report
        .scenario
        .unwrap()
        .stack
        .unwrap()
        .into_iter()
        .map(|component| component.standardized.tool)
        .collect();
    assert_eq!(tools, ["llmdbenchmark simulator", "llmdbenchmark simulator"]);
    assert!(!of_stage(false).run.description.unwrap().contains("simulated"));
}

#[test]
fn identity_is_the_references() {
    let report = of_stage(false);
    // What Python says to uuid.uuid5(uuid.NAMESPACE_URL, "builtin-a-1700000000-abcdef").
    assert_eq!(
        report.run.eid.as_deref(),
        Some("6acaadeb-533f-523a-8219-3ec6f6e9b4cf")
    );
    assert_eq!(report.run.user.as_deref(), Some("namespace=local"));
    assert_eq!(report.run.time.unwrap().duration.as_deref(), Some("PT2.5S"));
    assert_ne!(of_stage(false).run.uid, of_stage(false).run.uid);
    assert_eq!(
        config_id(&json!({"a": 1, "b": [2]})),
        config_id(&json!({"b": [2], "a": 1}))
    );
    assert_ne!(config_id(&json!({"a": 1})), config_id(&json!({"a": 2})));
}

#[test]
fn every_rule_of_the_format_is_kept() {
    type Spoil = fn(&mut Report);
    let spoils: [(Spoil, &str); 9] = [
        (|report| report.version = "0.3".to_owned(), "`version`"),
        (|report| report.run.uid.clear(), "`run.uid`"),
        (|report| load(report).rate_qps = Some(0.0), "`rate_qps`"),
        (|report| load(report).concurrency = Some(0.5), "`concurrency`"),
        (
            |report| load(report).source = Some("guess".to_owned()),
            "`source`",
        ),
        (|report| load(report).parallelism = Some(0), "`parallelism`"),
        (|report| load(report).input_seq_len = None, "`input_seq_len`"),
        (
            |report| {
                let latency = latency(report);
                latency.time_to_first_token = Some(Statistics::mean("s/token", 1.0));
            },
            "`time_to_first_token` is in `s/token`",
        ),
        (
            |report| {
                let stack = report.scenario.as_mut().unwrap().stack.as_mut().unwrap();
                stack[0].standardized.replicas = Some(0);
            },
            "`replicas`",
        ),
    ];
    for (spoil, words) in spoils {
        let mut report = of_stage(false);
        spoil(&mut report);
        let problems = report.check();
        assert!(
            problems.iter().any(|problem| problem.contains(words)),
            "{words}: {problems:?}"
        );
    }
}

fn load(report: &mut Report) -> &mut super::schema::LoadStandardized {
    &mut report
        .scenario
        .as_mut()
        .unwrap()
        .load
        .as_mut()
        .unwrap()
        .standardized
}

fn latency(report: &mut Report) -> &mut super::schema::Latency {
    let performance = report.results.request_performance.as_mut().unwrap();
    performance.aggregate.as_mut().unwrap().latency.as_mut().unwrap()
}

#[test]
fn unknown_keys_are_refused_and_unknown_statistics_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file_name("x.json"));
    let text = "version: '0.2'\nrun: {uid: x, colour: blue}\nresults: {}\n";
    std::fs::write(&path, text).unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("colour"));
    let text = "version: '0.2'\nrun: {uid: x}\nresults: {request_performance: {aggregate: {latency: \
                {request_latency: {units: s, mean: 1, p42: 3}}}}}\n";
    std::fs::write(&path, text).unwrap();
    assert_eq!(read(&path).unwrap().check(), Vec::<String>::new());
}

#[test]
fn guidellm_has_one_report_for_each_benchmark() {
    let block = json!({"successful": {"mean": 20.0, "std_dev": 1.0, "percentiles": {"p001": 1.0, "p50": 19.0, "p999": 40.0}}});
    let benchmark = |kind: &str, key: &str| {
        json!({
            "config": {"strategy": {"type_": kind, key: 4}},
            "metrics": {"request_totals": {"total": 10, "errored": 1, "incomplete": 2}, "time_to_first_token_ms": block,
                "inter_token_latency_ms": block, "request_latency": block, "requests_per_second": block,
                "output_tokens_per_second": block, "prompt_token_count": block, "output_token_count": block},
        })
    };
    let raw = json!({"args": {"data": [{"prompt_tokens": 50, "prompt_tokens_stdev": 10, "output_tokens": 20}]},
        "benchmarks": [benchmark("concurrent", "streams"), benchmark("poisson", "rate")]});
    let all = convert(Source::Guidellm, &raw, &json!({}), "results.json").unwrap();
    assert_eq!((all[0].load.concurrency, all[0].load.rate_qps), (Some(4.0), None));
    assert_eq!(
        (all[1].load.concurrency, all[1].load.rate_qps, all[1].load.stage),
        (None, Some(4.0), Some(1))
    );
    assert_eq!(
        all[0].load.input_seq_len.as_ref().unwrap().distribution,
        "gaussian"
    );
    assert_eq!(all[0].load.output_seq_len.as_ref().unwrap().distribution, "fixed");
    let requests = all[0].aggregate.requests.as_ref().unwrap();
    assert_eq!(
        (requests.total, requests.failures, requests.incomplete),
        (10, Some(1), Some(2))
    );
    let ttft = all[0]
        .aggregate
        .latency
        .as_ref()
        .unwrap()
        .time_to_first_token
        .as_ref()
        .unwrap();
    assert_eq!(
        (ttft.p0p1, ttft.p50, ttft.p99p9),
        (Some(1.0), Some(19.0), Some(40.0))
    );
    assert!(
        convert(
            Source::Guidellm,
            &json!({"benchmarks": []}),
            &json!({}),
            "results.json"
        )
        .is_err()
    );
}

#[test]
fn aiperf_milliseconds_become_seconds() {
    let block = |avg: f64| json!({"unit": "ms", "avg": avg, "p50": avg, "p99": avg * 2.0});
    let raw = json!({"request_count": {"avg": 500.0}, "error_summary": [{"count": 3}], "time_to_first_token": block(80.0),
        "inter_token_latency": block(12.0), "request_latency": block(900.0), "output_token_throughput": {"avg": 700.0},
        "request_throughput": {"avg": 4.0}});
    let profile = json!({"isl": 1000, "osl": 200, "concurrency": 16});
    let numbers = convert(Source::Aiperf, &raw, &profile, "profile_export_aiperf.json")
        .unwrap()
        .remove(0);
    let latency = numbers.aggregate.latency.unwrap();
    let ttft = latency.time_to_first_token.unwrap();
    assert_eq!(
        (ttft.units.as_str(), ttft.mean, ttft.p99),
        ("s", 0.08, Some(0.16))
    );
    assert_eq!(latency.inter_token_latency.unwrap().units, "s/token");
    let requests = numbers.aggregate.requests.unwrap();
    assert_eq!((requests.total, requests.failures), (503, Some(3)));
    assert_eq!(
        numbers.load.input_seq_len.map(|length| length.value),
        Some(1000.0)
    );
}

#[test]
fn a_vllm_result_keeps_every_percentile_it_has() {
    let raw = json!({"num_prompts": 32, "completed": 30, "total_input_tokens": 3200, "total_output_tokens": 300,
        "request_rate": 2.5, "max_concurrency": null, "mean_ttft_ms": 50.0, "std_ttft_ms": 3.0, "median_ttft_ms": 49.0,
        "p25_ttft_ms": 40.0, "p99.9_ttft_ms": 99.0, "request_throughput": 2.0});
    let profile = json!({"dataset_name": "random", "random_input_len": 100, "random-output-len": 10});
    let numbers = convert(Source::VllmBenchmark, &raw, &profile, "openai-x.json")
        .unwrap()
        .remove(0);
    let ttft = numbers.aggregate.latency.unwrap().time_to_first_token.unwrap();
    assert_eq!(
        (ttft.p25, ttft.p50, ttft.p99p9, ttft.stddev),
        (Some(40.0), Some(49.0), Some(99.0), Some(3.0))
    );
    assert_eq!(
        (numbers.load.rate_qps, numbers.load.concurrency),
        (Some(2.5), None)
    );
    assert_eq!(numbers.load.input_seq_len.map(|length| length.value), Some(100.0));
    assert_eq!(numbers.aggregate.requests.unwrap().failures, Some(2));
    let told = convert(
        Source::VllmBenchmark,
        &json!({"completed": 3}),
        &profile,
        "openai-x.json",
    )
    .unwrap_err();
    assert_eq!(
        told.to_string(),
        "`num_prompts` is missing, or is not a whole number"
    );
}
