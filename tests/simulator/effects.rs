//! The factors of the two documentation examples move what a client measures in the direction they do on hardware.
//!
//! Compared are virtual times from `/metrics`, which do not depend on how busy this machine is.

use super::server::{Server, words};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

const SCALE: &str = "--model Llama-3.1-8B --time-scale 20 --seed 7";

/// Answer all prompts, `concurrency` at a time, with `output` tokens each.
async fn closed_loop(server: Server, concurrency: usize, prompts: Vec<String>, output: u32) -> Arc<Server> {
    let server = Arc::new(server);
    let prompts = Arc::new(Mutex::new(VecDeque::from(prompts)));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..concurrency {
        let (server, prompts) = (Arc::clone(&server), Arc::clone(&prompts));
        clients.spawn(async move {
            loop {
                let Some(prompt) = prompts.lock().unwrap().pop_front() else {
                    return;
                };
                server.complete(&prompt, output).await;
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    server
}

fn different(count: u32, length: u32) -> Vec<String> {
    (0..count).map(|own| words(own, length)).collect()
}

#[tokio::test]
async fn more_replicas_raise_throughput() {
    let latency = async |replicas: u32| {
        let flags = format!("{SCALE} --replicas {replicas} --max-num-seqs 4");
        let server = closed_loop(Server::start(&flags).await, 32, different(96, 20), 40).await;
        server.mean("vllm:e2e_request_latency_seconds").await
    };
    let (one, four) = (latency(1).await, latency(4).await);
    // In a closed loop throughput is concurrency over latency.
    assert!(four < one / 1.5, "one {one} s, four {four} s");
}

#[tokio::test]
async fn tensor_parallelism_lowers_the_time_between_tokens() {
    let between = async |ranks: u32| {
        let flags = format!("{SCALE} --tensor-parallel-size {ranks}");
        let server = closed_loop(Server::start(&flags).await, 8, different(24, 50), 40).await;
        server.mean("vllm:inter_token_latency_seconds").await
    };
    let (one, two, eight) = (between(1).await, between(2).await, between(8).await);
    assert!(two < one && eight < two, "{one} {two} {eight}");
    assert!(eight > one / 8.0, "not in proportion: {one} {eight}");
}

#[tokio::test]
async fn routing_by_prefix_raises_the_hit_rate_and_lowers_the_time_to_first_token() {
    let prompts = || -> Vec<String> {
        (0..6)
            .flat_map(|round| (0..12).map(move |group| (round, group)))
            .map(|(round, group)| format!("{} {}", words(group, 1200), words(1000 + round * 12 + group, 10)))
            .collect()
    };
    let seen = async |plugins: &str| {
        let flags = format!("{SCALE} --decode-replicas 4 --plugins-config {plugins}");
        let server = closed_loop(Server::start(&flags).await, 6, prompts(), 8).await;
        let hits = server.metric("vllm:prefix_cache_hits_total", "").await;
        let queries = server.metric("vllm:prefix_cache_queries_total", "").await;
        (
            hits / queries,
            server.mean("vllm:time_to_first_token_seconds").await,
        )
    };
    let load = seen("default").await;
    let estimate = seen("prefix-cache-estimate-config").await;
    let tracking = seen("prefix-cache-tracking-config").await;
    assert!(estimate.0 > load.0 + 0.1, "load {load:?}, estimate {estimate:?}");
    assert!(tracking.0 > load.0 + 0.1, "load {load:?}, tracking {tracking:?}");
    assert!(
        estimate.1 < load.1 && tracking.1 < load.1,
        "{load:?} {estimate:?} {tracking:?}"
    );
}

#[tokio::test]
async fn splitting_prefill_from_decode_lowers_the_tail_of_the_time_between_tokens() {
    let tail = async |roles: &str| {
        let flags = format!("{SCALE} {roles}");
        let server = closed_loop(Server::start(&flags).await, 12, different(48, 6000), 60).await;
        server
            .share_above("vllm:inter_token_latency_seconds", "0.1")
            .await
    };
    let mixed = tail("--decode-replicas 2").await;
    let split = tail("--prefill-replicas 1 --decode-replicas 1").await;
    assert!(mixed > 0.01, "{mixed}");
    assert!(split < mixed / 3.0, "mixed {mixed}, split {split}");
}

#[tokio::test]
async fn many_streams_at_once_all_get_their_tokens() {
    let server = closed_loop(Server::start(SCALE).await, 300, different(300, 10), 20).await;
    assert!((server.metric("vllm:generation_tokens_total", "").await - 6000.0).abs() < 1e-9);
    assert!((server.metric("vllm:request_success_total", "length").await - 300.0).abs() < 1e-9);
    assert!(server.metric("vllm:num_requests_running", "").await.abs() < 1e-9);
}
