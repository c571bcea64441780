use super::super::workload::{Api, Arrivals, Goal, GoalMetric, Lengths, Pace, Prompts, Shape, Stage};
use super::*;
use proptest::prelude::*;
use serde_json::json;

fn workload(document: &Value) -> Workload {
    read(document).unwrap().workload
}

fn error(document: &Value) -> String {
    read(document).unwrap_err().to_string()
}

#[test]
fn a_concurrency_profile_of_vllm_is_a_closed_loop() {
    let profile = json!({
        "executable": "benchmark_serving.py", "model": "m", "base-url": "http://h:1", "dataset-name": "random",
        "random-input-len": 10000, "random-output-len": 1000, "max-concurrency": 4, "num-prompts": 32,
        "percentile-metrics": "ttft", "metric-percentiles": "99", "ignore-eos": "none",
    });
    let Profile { workload, warnings } = read(&profile).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(
        workload.stages,
        [Stage {
            pace: Pace::Closed { concurrency: 4 },
            requests: 32,
            time: None,
        }]
    );
    assert!(workload.ignore_eos && workload.streaming);
    assert_eq!(workload.base_url.as_deref(), Some("http://h:1"));
    assert_eq!(
        workload.prompts,
        Prompts::Random {
            prefix: 0,
            input: Lengths::Fixed(10000),
            output: Lengths::Fixed(1000),
            distinct: None
        }
    );
}

#[test]
fn a_rate_makes_an_open_loop_and_inf_makes_none() {
    let pace = |rate: Value| {
        workload(&json!({"num_prompts": 8, "request_rate": rate, "max_concurrency": 3, "burstiness": 2}))
            .stages[0]
            .pace
    };
    let open = Pace::Open {
        rate: 2.5,
        arrivals: Arrivals::Gamma(2.0),
        limit: Some(3),
    };
    assert_eq!(pace(json!(2.5)), open);
    assert_eq!(pace(json!("2.5")), open);
    for inf in ["inf", ".inf", "Infinity"] {
        assert_eq!(pace(json!(inf)), Pace::Closed { concurrency: 3 });
    }
    let all = workload(&json!({"num-prompts": 8}));
    assert_eq!(all.stages[0].pace, Pace::Closed { concurrency: 8 });
}

#[test]
fn lengths_within_a_ratio_and_service_levels_are_read() {
    let read = workload(&json!({
        "dataset-name": "random", "random-input-len": 100, "random-output-len": 10, "random-range-ratio": 0.5,
        "goodput": "ttft:200 tpot:50 e2el:3000", "backend": "openai-chat", "endpoint": "/v1/chat/completions",
    }));
    let Prompts::Random { input, output, .. } = read.prompts else {
        panic!("{:?}", read.prompts);
    };
    assert_eq!(input, Lengths::Uniform { min: 50, max: 150 });
    assert_eq!(output, Lengths::Uniform { min: 5, max: 15 });
    assert_eq!(read.api, Api::Chat);
    assert_eq!(
        read.goals[1],
        Goal {
            metric: GoalMetric::Tpot,
            limit_ms: 50.0
        }
    );
    assert_eq!(read.goals.len(), 3);
}

#[test]
fn stages_of_inference_perf_keep_their_rates_and_counts() {
    let read = workload(&json!({
        "load": {"type": "poisson", "interval": 30.0, "stages": [{"rate": 15, "duration": 50}, {"rate": 0.5, "duration": 3}],
            "request_timeout": 45},
        "api": {"type": "completion", "streaming": true},
        "server": {"type": "vllm", "model_name": "m", "base_url": "http://h", "ignore_eos": true},
        "tokenizer": {"pretrained_model_name_or_path": "m"},
        "data": {"type": "shared_prefix", "shared_prefix": {"num_groups": 150, "num_prompts_per_group": 5,
            "system_prompt_len": 6000, "question_len": 1200, "output_len": 1000, "enable_multi_turn_chat": false}},
        "report": {}, "storage": {},
    }));
    let counts: Vec<u64> = read.stages.iter().map(|stage| stage.requests).collect();
    assert_eq!(counts, [750, 1]);
    assert_eq!(
        read.stages[0].pace,
        Pace::Open {
            rate: 15.0,
            arrivals: Arrivals::Gamma(1.0),
            limit: None
        }
    );
    assert_eq!((read.pause.as_secs(), read.request_timeout.as_secs()), (30, 45));
    assert!(matches!(
        read.prompts,
        Prompts::SharedPrefix {
            groups: 150,
            per_group: 5,
            system: 6000,
            ..
        }
    ));
}

#[test]
fn concurrent_stages_are_closed_loops_and_lengths_are_normal() {
    let read = workload(&json!({
        "load": {"type": "concurrent", "stages": [{"concurrency_level": 2, "num_requests": 64}]},
        "data": {"type": "random", "input_distribution": {"min": 5000, "max": 10000, "mean": 10000, "std": 500},
            "output_distribution": {"min": 7, "max": 7, "mean": 7, "std_dev": 0, "total_count": 100}},
    }));
    assert_eq!(read.stages[0].pace, Pace::Closed { concurrency: 2 });
    let Prompts::Random {
        input,
        output,
        distinct,
        ..
    } = read.prompts
    else {
        panic!();
    };
    assert_eq!(
        input,
        Lengths::Normal {
            mean: 10000.0,
            std_dev: 500.0,
            min: 5000,
            max: 10000
        }
    );
    assert_eq!((output, distinct), (Lengths::Fixed(7), Some(100)));
    assert!(!read.streaming, "the tool streams only when told to");
}

#[test]
fn unknown_keys_are_warnings_with_their_path() {
    let read = read(&json!({
        "load": {"stages": [{"rate": 1, "duration": 9, "colour": "blue"}]}, "data": {"type": "random"}, "extra": 1,
    }))
    .unwrap();
    assert_eq!(read.warnings.len(), 2);
    assert!(
        read.warnings[0].contains("`load.stages.0.colour`"),
        "{:?}",
        read.warnings
    );
    assert!(read.warnings[1].contains("`extra`"));
}

#[test]
fn what_cannot_be_honoured_is_refused_with_a_way_out() {
    let data = json!({"type": "random"});
    let stages = json!([{"rate": 1, "duration": 9}]);
    for (document, words) in [
        (json!([1]), "not a map"),
        (json!({"a": 1}), "no shape"),
        (json!({"num-prompts": 0}), "at least 1"),
        (json!({"num-prompts": -3}), "whole number"),
        (
            json!({"num-prompts": "many"}),
            "`num-prompts` should be a number, not `many`",
        ),
        (json!({"dataset-name": "sharegpt"}), "-l vllm-benchmark"),
        (json!({"num-prompts": 1, "request-rate": 0}), "above 0"),
        (
            json!({"num-prompts": 1, "max-concurrency": 0}),
            "`max-concurrency` must be from 1",
        ),
        (json!({"num-prompts": 1, "goodput": "ttfx:3"}), "not `ttfx`"),
        (json!({"num-prompts": 1, "goodput": "ttft"}), "needs milliseconds"),
        (json!({"num-prompts": 1, "backend": "tgi"}), "`backend: tgi`"),
        (
            json!({"load": {"stages": []}, "data": data}),
            "at least one stage",
        ),
        (
            json!({"load": {"type": "trace_session_replay", "stages": [{}]}, "data": data}),
            "-l inference-perf",
        ),
        (
            json!({"load": {"stages": stages}, "data": {"type": "otel_trace_replay"}}),
            "`data.type: otel_trace_replay`",
        ),
        (
            json!({"load": {"stages": [{"duration": 9}]}, "data": data}),
            "`load.stages.0.rate` must be given",
        ),
        (
            json!({"load": {"stages": [{"rate": 1, "duration": 0.2}]}, "data": data}),
            "too short",
        ),
        (
            json!({"load": {"type": "concurrent", "stages": stages}, "data": data}),
            "`load.stages.0.concurrency_level`",
        ),
        (json!({"load": {"stages": stages}}), "`data` is missing"),
        (
            json!({"load": {"stages": stages}, "data": {"type": "random", "input_distribution": {"min": 9, "max": 3}}}),
            "must not be above `max`",
        ),
    ] {
        let told = error(&document);
        assert!(told.contains(words), "{document}: {told}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z0-9.:-]{0,8}".prop_map(Value::from),
        prop::sample::select(vec![
            "random",
            "shared_prefix",
            "concurrent",
            "poisson",
            "inf",
            "none",
            "synthetic_text",
            "max_requests",
            "max_duration",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(keys(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn keys() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "load",
        "data",
        "type",
        "stages",
        "rate",
        "duration",
        "num_requests",
        "concurrency_level",
        "interval",
        "shared_prefix",
        "num_groups",
        "num_prompts_per_group",
        "question_len",
        "output_len",
        "input_distribution",
        "min",
        "max",
        "mean",
        "std_dev",
        "total_count",
        "num-prompts",
        "max-concurrency",
        "request-rate",
        "burstiness",
        "random-input-len",
        "random-range-ratio",
        "goodput",
        "api",
        "server",
        "seed",
        "spec",
        "profile",
        "constraints",
        "kind",
        "count",
        "seconds",
        "streams",
        "prompt_tokens",
        "output_tokens",
        "prefix_buckets",
        "prefix_count",
        "benchmarks",
        "profile.streams",
        "request-count",
        "isl",
        "benchmark-duration",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn no_document_makes_the_reader_panic_and_what_it_accepts_can_be_run(document in any_value()) {
        if let Ok(profile) = read(&document) {
            prop_assert!(profile.workload.requests() != Some(0));
            prop_assert!(!profile.workload.stages.is_empty());
            for stage in &profile.workload.stages {
                match stage.pace {
                    Pace::Closed { concurrency } => prop_assert!(concurrency > 0),
                    Pace::Open { rate, .. } => prop_assert!(rate > 0.0 && rate.is_finite()),
                }
            }
            super::super::prompts::PromptMaker::new(profile.workload.prompts, 1);
        }
    }

    #[test]
    fn dashes_and_underscores_are_alike(prompts in 1u64..1000, concurrency in 1u32..100) {
        let dashes = read(&json!({"num-prompts": prompts, "max-concurrency": concurrency})).unwrap();
        let underscores = read(&json!({"num_prompts": prompts, "max_concurrency": concurrency})).unwrap();
        prop_assert_eq!(dashes, underscores);
    }
}

#[test]
fn guidellm_has_a_stage_for_each_benchmark_rate_or_number_of_streams() {
    let of = |more: Value| {
        let mut spec = json!({
            "backend": {"kind": "openai_http", "target": "http://h:1", "model": "m", "request_format": "/v1/completions"},
            "profile": {"kind": "constant", "rate": [1, 2]},
            "constraints": [{"kind": "max_duration", "seconds": 30}],
            "data": [{"kind": "synthetic_text", "prompt_tokens": 50, "prompt_tokens_stdev": 10, "prompt_tokens_min": 10,
                "prompt_tokens_max": 100, "output_tokens": 20}],
        });
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        json!({"spec": spec})
    };
    let Profile {
        workload: read,
        warnings,
    } = read(&of(json!({}))).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!((read.stages.len(), read.requests()), (2, Some(90)));
    assert_eq!((read.shape, read.api), (Shape::Guidellm, Api::Completion));
    let Prompts::Random { input, output, .. } = read.prompts else {
        panic!("{:?}", read.prompts);
    };
    assert!(matches!(
        input,
        Lengths::Normal {
            min: 10,
            max: 100,
            ..
        }
    ));
    assert_eq!(output, Lengths::Fixed(20));

    let timed = workload(&of(json!({"profile": {"kind": "concurrent", "streams": 2}})));
    assert_eq!(
        (timed.requests(), timed.stages[0].time),
        (None, Some(std::time::Duration::from_secs(30)))
    );

    let mut several = of(json!({
        "profile": {"kind": "concurrent"}, "constraints": [{"kind": "max_requests"}],
        "data": [{"kind": "synthetic_text", "prompt_tokens": 5, "output_tokens": 5,
            "prefix_buckets": [{"prefix_tokens": 100, "prefix_count": 3}]}],
    }));
    several["benchmarks"] = json!([
        {"profile.streams": 4, "constraints[0].count": 40}, {"profile.streams": 8, "constraints[0].count": 80},
    ]);
    let several = workload(&several);
    assert_eq!((several.stages.len(), several.requests()), (2, Some(120)));
    assert_eq!(several.stages[1].pace, Pace::Closed { concurrency: 8 });
    assert!(matches!(
        several.prompts,
        Prompts::SharedPrefix {
            groups: 3,
            system: 100,
            ..
        }
    ));

    for (more, words) in [
        (json!({"profile": {"kind": "sweep"}}), "-l guidellm"),
        (json!({"profile": {"kind": "constant"}}), "`spec.profile.rate`"),
        (json!({"constraints": []}), "`spec.constraints` needs"),
        (json!({"data": [{"kind": "hf"}]}), "`spec.data.0.kind: hf`"),
        (
            json!({"data": [{"kind": "synthetic_text", "prompt_tokens": 5, "output_tokens": 5, "turns": 3}]}),
            "`spec.data.0.turns: 3`",
        ),
    ] {
        let told = error(&of(more));
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn aiperf_is_one_stage_of_flags() {
    let profile = json!({
        "model": "m", "url": "http://h:1", "endpoint-type": "chat", "streaming": "none", "concurrency": 16,
        "request-count": 320, "isl": 1000, "isl-stddev": 50, "osl": 200, "extra-inputs": "ignore_eos:true",
        "use-server-token-count": "none", "no-server-metrics": "none",
    });
    let Profile {
        workload: whole,
        warnings,
    } = read(&profile).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(whole.stages[0].pace, Pace::Closed { concurrency: 16 });
    assert_eq!((whole.requests(), whole.shape), (Some(320), Shape::Aiperf));
    assert!(whole.ignore_eos && whole.streaming);
    let Prompts::Random { input, output, .. } = whole.prompts else {
        panic!("{:?}", whole.prompts);
    };
    assert!(matches!(input, Lengths::Normal { max: 4000, .. }));
    assert_eq!(output, Lengths::Fixed(200));

    let open = workload(
        &json!({"url": "u", "request-rate": 4, "benchmark-duration": 10, "num-prefix-prompts": 3,
        "prefix-prompt-length": 64}),
    );
    assert_eq!(open.requests(), Some(40));
    assert!(!open.streaming);
    assert!(matches!(
        open.prompts,
        Prompts::SharedPrefix {
            groups: 3,
            system: 64,
            ..
        }
    ));
    let timed = workload(&json!({"concurrency": 2, "benchmark-duration": 10, "num-prefix-prompts": 0}));
    assert_eq!(timed.requests(), None);
    for (document, words) in [
        (json!({"isl": 5, "input-file": "a.jsonl"}), "-l aiperf"),
        (json!({"request-count": 0}), "at least 1"),
        (
            json!({"isl": 5, "num-prefix-prompts": 4_000_000_000_u32, "prefix-prompt-length": 5}),
            "at most 1000000",
        ),
        (
            json!({"isl": 5, "endpoint-type": "embeddings"}),
            "`endpoint-type: embeddings`",
        ),
    ] {
        let told = error(&document);
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn prompts_of_vllm_may_repeat_prefixes() {
    let read = workload(
        &json!({"dataset-name": "prefix_repetition", "prefix-repetition-num-prefixes": 4,
        "prefix-repetition-prefix-len": 100, "num-prompts": 10}),
    );
    assert!(matches!(
        read.prompts,
        Prompts::SharedPrefix {
            groups: 4,
            per_group: 3,
            system: 100,
            ..
        }
    ));
}
