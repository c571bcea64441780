use super::*;
use clap::Parser;
use std::time::Duration;

fn flags(line: &str) -> Flags {
    Flags::try_parse_from(std::iter::once("simulate").chain(line.split_whitespace())).unwrap()
}

fn config(line: &str) -> Config {
    Config::new(flags(line)).unwrap()
}

#[test]
fn plain_replicas_are_one_role_behind_a_service() {
    let config = config("--model Llama-3.1-8B --replicas 3 --tensor-parallel-size 2");
    assert_eq!(
        config.roles,
        [Role {
            role: "replica",
            replicas: 3,
            tensor_parallelism: 2,
            data_parallelism: 1,
        }]
    );
    assert_eq!((config.stack.decode.engines, config.stack.prefill), (3, None));
    assert_eq!(config.stack.policy, RoutingPolicy::Random);
    assert_eq!(config.model(), "Llama-3.1-8B");
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn prefill_replicas_split_the_stack() {
    let config = config(
        "--model Llama-3.1-8B --prefill-replicas 6 --prefill-tensor-parallel-size 2 --decode-replicas 1 \
         --decode-tensor-parallel-size 4",
    );
    let roles: Vec<_> = config
        .roles
        .iter()
        .map(|r| (r.role, r.replicas, r.tensor_parallelism))
        .collect();
    assert_eq!(roles, [("prefill", 6, 2), ("decode", 1, 4)]);
    assert_eq!(
        config.stack.prefill.map(|pool| (pool.engines, pool.ranks)),
        Some((6, 2))
    );
    assert_eq!(config.stack.policy, RoutingPolicy::Load);
}

#[test]
fn decode_replicas_alone_do_both() {
    let config = config("--model Llama-3.1-8B --prefill-replicas 0 --decode-replicas 2");
    assert_eq!(config.roles.len(), 1);
    assert_eq!(config.roles[0].role, "decode");
    assert_eq!(config.stack.prefill, None);
}

#[test]
fn plugin_configurations_choose_the_policy_and_unknown_ones_are_told() {
    let policy = |name: &str| config(&format!("--model m-8B --plugins-config {name}"));
    assert_eq!(
        policy("prefix-cache-tracking-config").stack.policy,
        RoutingPolicy::PrefixTracking
    );
    let unknown = policy("my-own");
    assert_eq!(unknown.stack.policy, RoutingPolicy::Load);
    assert!(unknown.warnings[0].contains("my-own"));
}

#[test]
fn a_model_that_does_not_fit_is_refused_with_a_way_out() {
    let error = Config::new(flags("--model Llama-3.1-70B"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("140 GB") && error.contains("--tensor-parallel-size"),
        "{error}"
    );
    assert!(Config::new(flags("--model Llama-3.1-70B --kv-cache-size 1000")).is_ok());
    assert!(Config::new(flags("--model Llama-3.1-70B --tensor-parallel-size 4")).is_ok());
}

#[test]
fn an_unnamed_size_is_told_and_can_be_given() {
    assert!(config("--model gpt2").warnings[0].contains("8 billion"));
    let sized = config("--model gpt2 --model-size 0.125");
    assert!(sized.warnings.is_empty());
    assert!((sized.shape.parameters - 125e6).abs() < 1.0);
}

#[test]
fn times_of_llm_d_inference_sim_replace_the_roofline() {
    let calculator = |line: &str| config(&format!("--model m-8B {line}")).flags.live.calculator();
    assert_eq!(calculator(""), CalculatorName::Roofline);
    assert_eq!(
        calculator("--time-to-first-token 100ms --inter-token-latency 10"),
        CalculatorName::Constant
    );
    assert_eq!(
        calculator("--prefill-time-per-token 1ms"),
        CalculatorName::PerToken
    );
    assert_eq!(
        calculator("--latency-calculator roofline --inter-token-latency 5ms"),
        CalculatorName::Roofline
    );
    let live = flags("--kv-cache-transfer-latency 30ms").live;
    let latency = live.latency(ModelShape::from_name("m-8B", None).0, Accelerator::H100);
    assert_eq!(latency.transfer(1000, 1, 1, 0).0, Duration::from_millis(30));
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    for (line, name) in [
        ("--time-scale 0", "time-scale"),
        ("--failure-injection-rate 101", "failure-injection-rate"),
        ("--time-scale 1e9", "time-scale"),
        ("--replicas 0", "replicas"),
        ("--replicas 4000000000 --data-parallel-size 4000000000", "engines"),
        ("--model-size 1e300", "model-size"),
        ("--time-factor-under-load 0.5", "time-factor-under-load"),
        (
            "--inter-token-latency 10ms --inter-token-latency-std-dev 4ms",
            "inter-token-latency",
        ),
        ("--gpu-memory-utilization 2", "gpu-memory-utilization"),
    ] {
        let error = Config::new(flags(line)).unwrap_err().to_string();
        assert!(error.contains(name), "{line}: {error}");
    }
}

#[test]
fn the_context_is_bounded_by_the_cache() {
    let small = config("--model m-8B --kv-cache-size 100 --block-size 16");
    assert_eq!(small.max_model_len, 1600);
    let more = config("--model m-8B --kv-cache-size 100 --max-model-len 4000");
    assert!(more.warnings[0].contains("1600"));
}

#[test]
fn later_flags_win_and_booleans_take_values_with_an_equals_sign() {
    let flags = flags("--seed 1 --seed 2 --enable-prefix-caching=false");
    assert_eq!((flags.seed, flags.enable_prefix_caching), (2, false));
}

#[test]
fn data_parallelism_is_more_engines_per_replica_and_spreads_experts_when_asked() {
    let split = "--model Qwen/Qwen3-30B-A3B --gpu-memory-utilization 0.7 --prefill-replicas 2 --decode-replicas 1 \
                 --prefill-data-parallel-size 4 --decode-data-parallel-size 16";
    let refused = Config::new(flags(split)).unwrap_err().to_string();
    assert!(refused.contains("does not fit"), "{refused}");
    let config = config(&format!("{split} --enable-expert-parallel"));
    assert_eq!(config.stack.decode.engines, 16);
    assert_eq!(config.stack.prefill.map(|pool| pool.engines), Some(8));
    assert!(
        Config::new(flags(
            "--model m-8B --decode-replicas 1 --decode-data-parallel-size 0"
        ))
        .is_err()
    );
}
