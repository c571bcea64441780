//! Everything that can be made to go wrong.

use super::server::{Server, eventually};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};

const FAST: &str = "--model Llama-3.1-8B --time-scale 50 --seed 7";

fn short() -> Value {
    json!({"prompt": "a b c", "max_tokens": 2, "ignore_eos": true})
}

#[tokio::test]
async fn a_header_asks_for_an_error() {
    let server = Server::start(FAST).await;
    let asked = async |code: &str| {
        server
            .post_with("/v1/completions", &[("x-return-error", code)], &short())
            .await
            .status
    };
    assert_eq!(asked("429").await, 429);
    assert_eq!(asked("503").await, 503);
    assert_eq!(asked("200").await, 400);
    assert_eq!(asked("many").await, 400);
    assert_eq!(server.post("/v1/completions", &short()).await.status, 200);
}

#[tokio::test]
async fn a_share_of_requests_fails_the_same_ones_for_the_same_seed() {
    let statuses = async || {
        let server = Server::start(&format!(
            "{FAST} --failure-injection-rate 40 --failure-types rate_limit,server_error"
        ))
        .await;
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(server.post("/v1/completions", &short()).await.status.as_u16());
        }
        statuses
    };
    let seen = statuses().await;
    for status in [200, 429, 500] {
        assert!(seen.contains(&status), "{seen:?}");
    }
    assert!(
        seen.iter().all(|status| [200, 429, 500].contains(status)),
        "{seen:?}"
    );
    let failed = seen.iter().filter(|status| **status != 200).count();
    assert!((8..=24).contains(&failed), "{failed} of 40");
    assert_eq!(seen, statuses().await);
}

#[tokio::test]
async fn a_crash_comes_after_so_many_requests_with_a_code_and_a_word() {
    let mut server = Server::start(&format!("{FAST} --crash-after 2")).await;
    for _ in 0..2 {
        server.complete("a b c", 2).await;
    }
    let body = short().to_string();
    assert!(
        server
            .send(Method::POST, "/v1/completions", &[], &body)
            .await
            .is_none()
    );
    assert_eq!(server.exited().await.code(), Some(70));
    assert!(
        server.log().contains("SIMULATED crash after 2 requests"),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn a_slow_start_answers_503_until_the_model_is_loaded() {
    let loading = Server::start("--model Llama-3.1-8B --startup-duration 1h").await;
    for path in ["/health", "/health/ready", "/v1/models"] {
        let early = loading.get(path).await;
        assert_eq!(early.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(early.error().contains("startup-duration"));
    }
    assert_eq!(loading.get("/admin/stack").await.status, StatusCode::OK);
    let start = Instant::now();
    let loaded = Server::start("--model Llama-3.1-8B --startup-duration 300ms").await;
    while loaded.get("/health/ready").await.status != StatusCode::OK {}
    assert!(start.elapsed() >= Duration::from_millis(300));
    loaded.complete("a b c", 2).await;
}

#[tokio::test]
async fn refusing_is_switched_on_and_off() {
    let server = Server::start(FAST).await;
    let set = async |value: Value| {
        server
            .post("/admin/config", &json!({"refuse": value}))
            .await
            .status
    };
    assert_eq!(set(json!("unavailable")).await, StatusCode::OK);
    assert_eq!(
        server.get("/health").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        server.post("/v1/completions", &short()).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(set(Value::Null).await, StatusCode::OK);
    assert_eq!(server.get("/health").await.status, StatusCode::OK);
}

#[tokio::test]
async fn connections_are_refused_and_the_server_still_ends_when_asked() {
    let mut server = Server::start(&format!("{FAST} --refuse connections")).await;
    assert!(server.send(Method::GET, "/health", &[], "").await.is_none());
    server.terminate();
    assert_eq!(server.exited().await.code(), Some(0));
}

#[tokio::test]
async fn a_stalled_answer_stops_on_the_way_and_goes_on() {
    let stall = Duration::from_millis(400);
    let server =
        Server::start("--model Llama-3.1-8B --time-scale 20 --stall-rate 100 --stall-duration 8s").await;
    let body = json!({"prompt": "a b c", "max_tokens": 12, "ignore_eos": true, "stream": true});
    let start = Instant::now();
    let events = server.events("/v1/completions", &body).await;
    assert_eq!(events.len(), 13);
    let times = std::iter::once(start).chain(events.iter().map(|event| event.at));
    let times: Vec<_> = times.collect();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    // The token before it may have reached us late.
    assert!(longest >= stall / 2, "{longest:?}");
    let start = Instant::now();
    server.complete("a b c", 2).await;
    assert!(start.elapsed() >= stall, "answers at once stall too");
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let server = Server::start(
        "--model Llama-3.1-8B --max-num-seqs 1 --max-waiting-queue-length 1 --inter-token-latency 50ms",
    )
    .await;
    let body =
        json!({"prompt": "a b c", "max_tokens": 10_000, "ignore_eos": true, "stream": true}).to_string();
    let mut held = Vec::new();
    let mut refused = None;
    for _ in 0..6 {
        let response = server
            .send(Method::POST, "/v1/completions", &[], &body)
            .await
            .unwrap();
        match response.status() {
            StatusCode::OK => held.push(response),
            status => refused = Some(status),
        }
        super::server::until_metric(&server, "vllm:num_requests_running", "", 1.0).await;
    }
    assert_eq!(refused, Some(StatusCode::TOO_MANY_REQUESTS));
    assert!(held.len() <= 3, "{}", held.len());
}

#[tokio::test]
async fn a_term_signal_ends_it_though_answers_are_under_way() {
    let mut server = Server::start("--model Llama-3.1-8B").await;
    let body = json!({"prompt": "a", "max_tokens": 100_000, "ignore_eos": true, "stream": true}).to_string();
    let held = server
        .send(Method::POST, "/v1/completions", &[], &body)
        .await
        .unwrap();
    server.terminate();
    assert_eq!(server.exited().await.code(), Some(0));
    drop(held);
}

#[test]
fn flags_that_make_no_server_are_refused_with_a_reason() {
    let refused = |flags: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_llmdbenchmark"))
            .arg("simulate")
            .args(flags.split_whitespace())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = refused("--model Llama-3.1-405B --port 0");
    assert!(
        code == Some(2) && text.contains("does not fit"),
        "{code:?} {text}"
    );
    let (code, text) = refused("--seed many");
    assert!(code == Some(2) && text.contains("--seed"), "{code:?} {text}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, text) = refused(&format!("--port {}", taken.local_addr().unwrap().port()));
    assert!(
        code == Some(3) && text.contains("cannot listen"),
        "{code:?} {text}"
    );
}

#[tokio::test]
async fn unknown_flags_are_warned_of_and_a_file_gives_flags() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, "model: from-file-8B\nmax-num-seqs: 3\n").unwrap();
    let server = Server::start(&format!("--dtype auto --config {}", file.display())).await;
    assert!(server.log().contains("no flag --dtype"), "{}", server.log());
    let settings = server.get("/admin/config").await.json();
    assert_eq!(
        (&settings["model"], &settings["max-num-seqs"]),
        (&json!("from-file-8B"), &json!(3))
    );
    let left = eventually("the folder", || std::fs::read_dir(server.folder()).ok()).await;
    let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(
        names.len(),
        2,
        "the port file and the log, nothing temporary: {names:?}"
    );
}
