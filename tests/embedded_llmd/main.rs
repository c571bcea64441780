//! What the embedded templates make of llm-d stacks: releases, chart values, routes and monitors.
//!
//! The comparison needs what llm-d-benchmark rendered:
//! `LLMDBENCH_REFERENCE_RENDERED=DIR cargo test --test embedded_llmd -- --ignored`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests too"
)]

mod agreement;
mod planned;
mod reference;

use planned::{Stack, at, listens, one, release, two_models, with_gateway};
use serde_json::Value;

#[test]
fn prefill_and_decode_servers_behind_a_router() {
    insta::assert_snapshot!(one("pd-disaggregation", &[]).shown());
}

#[test]
fn servers_behind_a_router_that_knows_their_caches() {
    insta::assert_snapshot!(one("precise-prefix-cache-aware", &[]).shown());
}

#[test]
fn servers_behind_a_router_that_scores_them() {
    insta::assert_snapshot!(one("inference-scheduling", &[]).shown());
}

#[test]
fn a_gateway_of_istio() {
    insta::assert_snapshot!(with_gateway("precise-prefix-cache-aware", "istio", &[]).shown());
}

#[test]
fn no_router_at_all() {
    let stack = with_gateway("precise-prefix-cache-aware", "none", &[]);
    insta::assert_snapshot!(stack.shown());
    assert_eq!(stack.file("12_router-values.yaml"), Value::Null);
    listens(&stack.servers(), "decode", 8000);
    let service = stack.file("13a_modelservice-direct-service.yaml");
    let labels = at(&stack.servers(), "/modelArtifacts/labels").clone();
    for (key, value) in at(&service, "/spec/selector").as_object().unwrap() {
        assert!(
            key == "llm-d.ai/role" && value == "decode" || labels[key] == *value,
            "{key}"
        );
    }
}

#[test]
fn two_stacks_share_a_gateway_and_a_route() {
    let stacks = two_models("istio", "shared");
    let shown: String = stacks.iter().map(Stack::shown).collect();
    insta::assert_snapshot!(shown);
    assert_eq!(stacks[1].file("08_httproute.yaml"), Value::Null);
    assert_eq!(stacks[1].file("11_infra.yaml"), Value::Null);
    let route = stacks[0].file("08_httproute.yaml");
    let pools: Vec<&str> = at(&route, "/spec/rules")
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| at(rule, "/backendRefs/0/name").as_str().unwrap())
        .collect();
    for (stack, pool) in stacks.iter().zip(pools) {
        release(&stack.file("10_helmfile-main.yaml"), pool);
    }
}

#[test]
fn only_the_first_stack_takes_what_has_no_prefix() {
    let stacks = two_models("istio", "per-stack");
    let rules = |stack: &Stack| {
        let route = stack.file("08_httproute.yaml");
        at(&route, "/spec/rules")
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule.get("matches").is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(rules(&stacks[0]), [true, false]);
    assert_eq!(rules(&stacks[1]), [true]);
}
