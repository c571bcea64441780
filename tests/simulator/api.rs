//! Endpoints, answers, metrics.

use super::server::{Server, until_metric, words};
use http_body_util::BodyExt;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

const FAST: &str = "--model Llama-3.1-8B --time-scale 50 --seed 7";

#[tokio::test]
async fn a_streamed_completion_has_an_event_per_token_and_usage_at_the_end() {
    let server = Server::start(FAST).await;
    let body = json!({
        "model": "Llama-3.1-8B", "prompt": "one two three", "max_tokens": 5, "ignore_eos": true,
        "stream": true, "stream_options": {"include_usage": true},
    });
    let events = server.events("/v1/completions", &body).await;
    assert_eq!(events.len(), 7, "{events:?}");
    let tokens: Vec<Value> = events[..5]
        .iter()
        .map(|event| event.json()["choices"][0].clone())
        .collect();
    assert!(
        tokens
            .iter()
            .all(|token| token["text"].as_str().unwrap().starts_with(' '))
    );
    assert!(tokens[..4].iter().all(|token| token["finish_reason"].is_null()));
    assert_eq!(tokens[4]["finish_reason"], "length");
    let last = events[5].json();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(
        last["usage"],
        json!({
            "prompt_tokens": 3, "total_tokens": 8, "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 0},
        })
    );
    assert_eq!(events[6].data, "[DONE]");
}

#[tokio::test]
async fn a_streamed_chat_begins_with_the_role_and_says_the_same_as_one_at_once() {
    let server = Server::start(FAST).await;
    let mut body = json!({
        "messages": [{"role": "user", "content": "tell me"}], "max_completion_tokens": 6, "ignore_eos": true,
    });
    let whole = server.post("/v1/chat/completions", &body).await.json();
    assert_eq!(whole["object"], "chat.completion");
    assert_eq!(whole["usage"]["completion_tokens"], 6);
    body["stream"] = json!(true);
    let events = server.events("/v1/chat/completions", &body).await;
    assert_eq!(events.len(), 8);
    assert_eq!(
        events[0].json()["choices"][0]["delta"],
        json!({"role": "assistant", "content": ""})
    );
    let text: String = events[1..7]
        .iter()
        .map(|event| {
            event.json()["choices"][0]["delta"]["content"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(whole["choices"][0]["message"]["content"], text);
    assert_eq!(events[6].json()["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn a_repeated_prompt_is_cached_until_the_cache_is_reset() {
    let server = Server::start(FAST).await;
    let prompt = words(1, 100);
    let cached = async || {
        let reply = server.complete(&prompt, 2).await.json();
        reply["usage"]["prompt_tokens_details"]["cached_tokens"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(cached().await, 0);
    assert_eq!(cached().await, 96, "all full blocks of 16");
    for path in ["/reset_prefix_cache", "/reset_mm_cache", "/reset_encoder_cache"] {
        assert_eq!(server.post(path, &json!({})).await.status, StatusCode::OK);
    }
    assert_eq!(cached().await, 0);
}

#[tokio::test]
async fn the_small_endpoints_answer() {
    let server = Server::start(&format!("{FAST} --served-model-name small big")).await;
    for path in ["/health", "/health/ready", "/ping"] {
        let reply = server.get(path).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.headers["x-simulated"], "true");
    }
    let models = server.get("/v1/models").await.json();
    assert_eq!(models["data"][0]["id"], "small");
    assert_eq!(models["data"][1]["id"], "big");
    assert_eq!(models["data"][0]["root"], "Llama-3.1-8B");
    assert!(models["data"][0]["max_model_len"].as_u64().unwrap() > 8000);
    assert_eq!(server.get("/version").await.json()["simulated"], true);
    let tokens = server
        .post("/tokenize", &json!({"prompt": "one two three"}))
        .await
        .json();
    assert_eq!(
        (&tokens["count"], tokens["tokens"].as_array().unwrap().len()),
        (&json!(3), 3)
    );
    let ids = json!({"prompt": tokens["tokens"], "max_tokens": 1});
    let by_ids = server.post("/v1/completions", &ids).await.json();
    let by_text = server
        .post(
            "/v1/completions",
            &json!({"prompt": "one two three", "max_tokens": 1}),
        )
        .await
        .json();
    assert_eq!(by_ids["choices"], by_text["choices"]);
    assert_eq!(by_ids["usage"]["prompt_tokens"], 3);
    assert!(
        server.log().contains("SIMULATED small on http://"),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn errors_are_those_of_openai() {
    let server = Server::start(&format!("{FAST} --max-model-len 100")).await;
    let post = |body: Value| {
        let server = &server;
        async move { server.post("/v1/completions", &body).await }
    };
    let unknown = post(json!({"model": "other", "prompt": "a"})).await;
    assert_eq!(
        (unknown.status, unknown.json()["error"]["type"].as_str()),
        (StatusCode::NOT_FOUND, Some("NotFoundError"))
    );
    let long = post(json!({"prompt": words(1, 90), "max_tokens": 20})).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    assert!(
        long.error().contains("maximum context length is 100 tokens"),
        "{}",
        long.error()
    );
    assert_eq!(
        post(json!({"max_tokens": 20})).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(server.get("/v1/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        server.get("/v1/completions").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let named = server
        .post_with(
            "/v1/completions",
            &[("x-request-id", "abc")],
            &json!({"prompt": "a", "max_tokens": 1}),
        )
        .await;
    assert_eq!(named.headers["x-request-id"], "abc");
    assert_eq!(named.json()["id"], "cmpl-abc");
}

#[tokio::test]
async fn the_stack_tells_what_it_is() {
    let server = Server::start(&format!(
        "{FAST} --prefill-replicas 2 --prefill-tensor-parallel-size 1 --decode-replicas 1 --decode-tensor-parallel-size 4 \
         --plugins-config default"
    ))
    .await;
    let told = server.get("/admin/stack").await.json();
    assert_eq!(told["simulated"], true);
    let stack: llmdbenchmark::plan::EffectiveConfig = serde_json::from_value(told).unwrap();
    assert_eq!(stack.model, "Llama-3.1-8B");
    let roles: Vec<_> = stack
        .roles
        .iter()
        .map(|role| (role.role.as_str(), role.replicas, role.tensor_parallelism))
        .collect();
    assert_eq!(roles, [("prefill", 2, 1), ("decode", 1, 4)]);
    assert_eq!(stack.plugin_config.as_deref(), Some("default"));
    assert_eq!(stack.restarts, 0);
    let again: Value = server.get("/admin/stack").await.json();
    assert_eq!(again["incarnation"], stack.incarnation);
    let other = Server::start(FAST).await;
    assert_ne!(
        other.get("/admin/stack").await.json()["incarnation"],
        stack.incarnation
    );
}

#[tokio::test]
async fn settings_are_read_and_changed_at_run_time() {
    let server = Server::start(FAST).await;
    let settings = server.get("/admin/config").await.json();
    assert_eq!(
        (&settings["seed"], &settings["time-scale"]),
        (&json!(7), &json!(50.0))
    );
    let changed = server
        .post(
            "/admin/config",
            &json!({"mode": "echo", "time-to-first-token": "300ms", "inter-token-latency": "20ms"}),
        )
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!(changed.json()["time-to-first-token"], "300ms");
    let echo = server.complete("say this back", 3).await.json();
    assert_eq!(echo["choices"][0]["text"], " say this back");
    assert!((server.mean("vllm:time_to_first_token_seconds").await - 0.3).abs() < 0.001);
    assert!((server.mean("vllm:inter_token_latency_seconds").await - 0.02).abs() < 0.001);
    for (body, word) in [
        (json!({"seed": 8}), "cannot be changed"),
        (json!({"stall-rate": 200}), "percentage"),
        (json!({"mode": "sing"}), "mode"),
        (json!({"refuse": "connections"}), "start"),
    ] {
        let refused = server.post("/admin/config", &body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(
            refused.error().contains(word) || word == "mode",
            "{}",
            refused.error()
        );
    }
    assert_eq!(
        server.get("/admin/config").await.json()["mode"],
        "echo",
        "a refused change changes nothing"
    );
}

#[tokio::test]
async fn a_sleeping_model_answers_nobody_until_it_is_woken() {
    let server = Server::start(FAST).await;
    server.post("/sleep", &json!({})).await;
    assert_eq!(server.get("/is_sleeping").await.json()["is_sleeping"], true);
    let body = json!({"prompt": "a", "max_tokens": 1});
    assert_eq!(
        server.post("/v1/completions", &body).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    server.post("/wake_up", &json!({})).await;
    assert_eq!(server.post("/v1/completions", &body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_goes_away_frees_its_place() {
    let server = Server::start("--model Llama-3.1-8B --seed 7").await;
    let body = json!({"prompt": words(1, 40), "max_tokens": 100_000, "ignore_eos": true, "stream": true})
        .to_string();
    let response = server
        .send(Method::POST, "/v1/completions", &[], &body)
        .await
        .unwrap();
    let mut stream = response.into_body();
    stream.frame().await.unwrap().unwrap();
    until_metric(&server, "vllm:num_requests_running", "", 1.0).await;
    drop(stream);
    until_metric(&server, "vllm:num_requests_running", "", 0.0).await;
    until_metric(&server, "vllm:request_success_total", "abort", 1.0).await;
    until_metric(&server, "vllm:kv_cache_usage_perc", "", 0.0).await;
}

#[tokio::test]
async fn metrics_have_the_names_labels_and_buckets_of_vllm_and_the_router() {
    let server = Server::start(&format!("{FAST} --prefill-replicas 1 --decode-replicas 1")).await;
    server.complete("one two three", 3).await;
    let page = server.get("/metrics").await.text;
    for (name, kind) in [
        ("vllm:num_requests_running", "gauge"),
        ("vllm:num_requests_waiting", "gauge"),
        ("vllm:num_requests_waiting_by_reason", "gauge"),
        ("vllm:kv_cache_usage_perc", "gauge"),
        ("vllm:gpu_cache_usage_perc", "gauge"),
        ("vllm:cache_config_info", "gauge"),
        ("vllm:lora_requests_info", "gauge"),
        ("vllm:prompt_tokens_total", "counter"),
        ("vllm:prompt_tokens_cached_total", "counter"),
        ("vllm:generation_tokens_total", "counter"),
        ("vllm:prefix_cache_queries_total", "counter"),
        ("vllm:prefix_cache_hits_total", "counter"),
        ("vllm:external_prefix_cache_queries_total", "counter"),
        ("vllm:external_prefix_cache_hits_total", "counter"),
        ("vllm:num_preemptions_total", "counter"),
        ("vllm:request_success_total", "counter"),
        ("vllm:time_to_first_token_seconds", "histogram"),
        ("vllm:inter_token_latency_seconds", "histogram"),
        ("vllm:time_per_output_token_seconds", "histogram"),
        ("vllm:request_time_per_output_token_seconds", "histogram"),
        ("vllm:e2e_request_latency_seconds", "histogram"),
        ("vllm:request_queue_time_seconds", "histogram"),
        ("vllm:request_inference_time_seconds", "histogram"),
        ("vllm:request_prefill_time_seconds", "histogram"),
        ("vllm:request_decode_time_seconds", "histogram"),
        ("vllm:request_prompt_tokens", "histogram"),
        ("vllm:request_generation_tokens", "histogram"),
        ("vllm:request_max_num_generation_tokens", "histogram"),
        ("vllm:request_params_max_tokens", "histogram"),
        ("vllm:iteration_tokens_total", "histogram"),
        ("vllm:nixl_xfer_time_seconds", "histogram"),
        ("vllm:nixl_bytes_transferred", "histogram"),
        ("inference_pool_average_kv_cache_utilization", "gauge"),
        ("inference_pool_average_queue_size", "gauge"),
        ("inference_pool_average_running_requests", "gauge"),
        ("inference_pool_ready_pods", "gauge"),
        ("llm_d_epp_flow_control_pool_saturation", "gauge"),
        ("llm_d_epp_flow_control_queue_size", "gauge"),
        ("llm_d_epp_request_running", "gauge"),
    ] {
        assert!(page.contains(&format!("# TYPE {name} {kind}\n")), "{name}");
        let sample = if kind == "histogram" {
            format!("{name}_count{{")
        } else {
            format!("{name}{{")
        };
        assert!(page.contains(&sample), "{name}");
    }
    assert!(page.contains(
        "vllm:time_to_first_token_seconds_bucket{engine=\"1\",model_name=\"Llama-3.1-8B\",le=\"2560.0\"}"
    ));
    assert!(page.contains(
        "vllm:inter_token_latency_seconds_bucket{engine=\"0\",model_name=\"Llama-3.1-8B\",le=\"0.025\"}"
    ));
    assert!(
        (server
            .metric("vllm:request_success_total", "finished_reason=\"length\"")
            .await
            - 1.0)
            .abs()
            < 1e-9
    );
    assert!((server.metric("vllm:generation_tokens_total", "").await - 3.0).abs() < 1e-9);
    assert!((server.metric("vllm:nixl_xfer_time_seconds_count", "").await - 1.0).abs() < 1e-9);
    assert!((server.metric("inference_pool_ready_pods", "").await - 2.0).abs() < 1e-9);
}

#[tokio::test]
async fn the_seed_fixes_texts_and_times() {
    let story = async |seed: u32| {
        let server = Server::start(&format!(
            "--model m-8B --time-scale 50 --replicas 2 --seed {seed}"
        ))
        .await;
        let mut texts = Vec::new();
        for prompt in ["one", "two words", "and three words"] {
            let body = json!({"prompt": prompt, "max_tokens": 40});
            texts.push(server.post("/v1/completions", &body).await.json()["choices"].clone());
        }
        let first = server.metric("vllm:time_to_first_token_seconds_sum", "").await;
        let between = server.metric("vllm:inter_token_latency_seconds_sum", "").await;
        (texts, first, between)
    };
    let (texts, first, between) = story(3).await;
    let (same_texts, same_first, same_between) = story(3).await;
    assert_eq!(texts, same_texts);
    assert!((first - same_first).abs() < 1e-6 && (between - same_between).abs() < 1e-6);
    let (other_texts, _, other_between) = story(4).await;
    assert_ne!(texts, other_texts);
    assert!((between - other_between).abs() > 1e-6);
}
