//! Everything but inference: what is served, whether it is well, what it counts, how it is set.

use super::App;
use super::error::ApiError;
use super::request;
use crate::sim::config::{Live, Refusal};
use crate::sim::metrics::{Labels, render};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(super) async fn models(State(app): State<Arc<App>>) -> Json<Value> {
    let data: Vec<Value> = app
        .config
        .served
        .iter()
        .map(|name| {
            json!({
                "id": name,
                "object": "model",
                "created": 0,
                "owned_by": "simulated",
                "root": app.config.flags.model,
                "parent": null,
                "max_model_len": app.config.max_model_len,
            })
        })
        .collect();
    Json(json!({"object": "list", "data": data}))
}

pub(super) async fn health() -> StatusCode {
    StatusCode::OK
}

pub(super) async fn version() -> Json<Value> {
    Json(json!({"version": env!("CARGO_PKG_VERSION"), "simulated": true}))
}

pub(super) async fn tokenize(State(app): State<Arc<App>>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let ids = request::tokens_of(&body)?;
    Ok(Json(json!({
        "count": ids.len(),
        "max_model_len": app.config.max_model_len,
        "tokens": ids,
        "token_strs": null,
    })))
}

pub(super) async fn reset_prefix_cache(State(app): State<Arc<App>>) -> StatusCode {
    app.driver.reset_prefix_cache();
    StatusCode::OK
}

/// Caches of images and encoders: there are none.
pub(super) async fn reset_nothing() -> StatusCode {
    StatusCode::OK
}

pub(super) async fn sleep(State(app): State<Arc<App>>) -> StatusCode {
    app.sleeping.store(true, Ordering::Relaxed);
    // Sleeping gives the memory of the KV cache back.
    app.driver.reset_prefix_cache();
    StatusCode::OK
}

pub(super) async fn wake_up(State(app): State<Arc<App>>) -> StatusCode {
    app.sleeping.store(false, Ordering::Relaxed);
    StatusCode::OK
}

pub(super) async fn is_sleeping(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({"is_sleeping": app.sleeping.load(Ordering::Relaxed)}))
}

pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let stack = &app.config.stack;
    let pools = stack.prefill.into_iter().chain([stack.decode]);
    let labels = Labels {
        model: app.config.model(),
        block_size: app.config.flags.block_size,
        gpu_memory_utilization: app.config.flags.gpu_memory_utilization,
        prefix_caching: stack.decode.limits.prefix_caching,
        places: pools
            .map(|pool| pool.engines as usize * pool.limits.max_num_seqs)
            .sum(),
    };
    let page = app
        .driver
        .observe(|views, metrics| render(labels, views, metrics));
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, page).into_response()
}

/// What the stack really is; the platform compares it with the plan.
pub(super) async fn stack(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({
        "simulated": true,
        "model": app.config.model(),
        "roles": app.config.roles,
        "plugin_config": app.config.flags.plugins_config,
        "restarts": 0,
        "incarnation": app.incarnation.to_string(),
    }))
}

/// All settings; those `POST` changes are the ones [`Live`] has.
pub(super) async fn config(State(app): State<Arc<App>>) -> Json<Value> {
    Json(Value::Object(settings(&app)))
}

fn settings(app: &App) -> Map<String, Value> {
    let flags = &app.config.flags;
    let limits = app.config.stack.decode.limits;
    let fixed = json!({
        "simulated": true,
        "model": flags.model,
        "served-model-name": app.config.served,
        "seed": flags.seed,
        "time-scale": flags.time_scale,
        "accelerator": value_name(&flags.accelerator),
        "routing-policy": value_name(&app.config.stack.policy),
        "max-model-len": app.config.max_model_len,
        "max-num-seqs": limits.max_num_seqs,
        "max-num-batched-tokens": limits.max_num_batched_tokens,
        "max-waiting-queue-length": flags.max_waiting_queue_length,
        "block-size": limits.block_size,
        "kv-cache-size": limits.kv_blocks,
        "enable-prefix-caching": limits.prefix_caching,
        "startup-duration": flags.startup_duration,
        "crash-after": flags.crash_after,
    });
    let mut all = as_map(fixed);
    all.extend(live_settings(&app.live()));
    all
}

/// A value as its flag spells it.
fn value_name(value: &impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

fn live_settings(live: &Live) -> Map<String, Value> {
    // Plain data with string keys: it always has a JSON form.
    as_map(serde_json::to_value(live).unwrap_or_default())
}

fn as_map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Change some settings; answers all of them.
pub(super) async fn change_config(State(app): State<Arc<App>>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let changes: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_request(format!("the settings cannot be read: {error}")))?;
    {
        let mut live = app.live_mut();
        let mut merged = live_settings(&live);
        for (key, value) in changes {
            if !merged.contains_key(&key) {
                let names: Vec<&str> = merged.keys().map(String::as_str).collect();
                return Err(ApiError::bad_request(format!(
                    "`{key}` cannot be changed at run time; these can: {}",
                    names.join(", ")
                )));
            }
            merged.insert(key, value);
        }
        let new: Live = serde_json::from_value(Value::Object(merged))
            .map_err(|error| ApiError::bad_request(format!("a setting is not of its kind: {error}")))?;
        new.check().map_err(ApiError::bad_request)?;
        if new.refuse == Some(Refusal::Connections) {
            return Err(ApiError::bad_request(
                "refuse=connections can be set at the start only; refuse=unavailable at any time",
            ));
        }
        app.driver
            .set_latency(new.latency(app.config.shape, app.config.flags.accelerator));
        *live = new;
    }
    Ok(Json(Value::Object(settings(&app))))
}
