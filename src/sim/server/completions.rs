//! `/v1/completions` and `/v1/chat/completions`.

use super::App;
use super::answer::{Heading, Script, whole};
use super::error::ApiError;
use super::faults::{Turn, stall};
use super::request::{Ask, Delivery, Kind};
use super::stream::Feed;
use crate::sim::driver::Order;
use crate::sim::tokens;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(super) async fn text(
    State(app): State<Arc<App>>,
    Extension(turn): Extension<Turn>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    complete(&app, turn, Kind::Text, &headers, &body)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

pub(super) async fn chat(
    State(app): State<Arc<App>>,
    Extension(turn): Extension<Turn>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    complete(&app, turn, Kind::Chat, &headers, &body)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn complete(
    app: &App,
    turn: Turn,
    kind: Kind,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, ApiError> {
    let ask = Ask::read(kind, body)?;
    let model = served_name(app, &ask)?;
    if app.sleeping.load(Ordering::Relaxed) {
        return Err(ApiError::unavailable(
            "the simulated model sleeps; POST /wake_up wakes it",
        ));
    }
    let room = room(app, &ask)?;
    let mode = app.live().mode;
    let script = Script::write(&ask, mode, app.config.flags.seed, room);
    let order = Order {
        prompt: ask.prompt.len() as u32,
        output: script.output,
        hashes: tokens::block_hashes(0, app.config.flags.block_size, &ask.prompt, script.answer()),
        ending: script.ending,
        max_tokens: ask.max_tokens,
    };
    let mut progress = app.driver.submit(order)?;
    let stall = stall(app, turn, script.output);
    let heading = Heading {
        id: response_id(app, kind, turn, headers),
        model,
        created: Timestamp::now().as_second(),
    };
    if let Delivery::Events(usage) = ask.delivery {
        let feed = Feed::new(ask, script, progress, usage, stall, &heading);
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        return Ok((headers, Body::from_stream(feed.events())).into_response());
    }
    let ended = progress.end().await;
    let record = ended.ok_or_else(|| {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            "the simulation ended before the answer",
        )
    })?;
    if let Some(stall) = stall {
        tokio::time::sleep(stall.time).await;
    }
    Ok(Json(whole(&ask, &script, &record, &heading)).into_response())
}

/// The name the model was asked for by.
fn served_name(app: &App, ask: &Ask) -> Result<String, ApiError> {
    match &ask.model {
        None => Ok(app.config.model().to_owned()),
        Some(name) if app.config.served.contains(name) => Ok(name.clone()),
        Some(name) => Err(ApiError::model_not_found(name)),
    }
}

/// Tokens the context has left for the answer.
fn room(app: &App, ask: &Ask) -> Result<u32, ApiError> {
    let longest = app.config.max_model_len as usize;
    let prompt = ask.prompt.len();
    let wanted = prompt + ask.max_tokens.unwrap_or(1) as usize;
    if wanted > longest {
        return Err(ApiError::bad_request(format!(
            "This model's maximum context length is {longest} tokens. However, you requested {wanted} tokens \
             ({prompt} in the prompt, {} in the completion). Please reduce the length of either, or raise --max-model-len.",
            wanted - prompt
        )));
    }
    Ok((longest - prompt) as u32)
}

/// As vLLM: the client's request id, or one of ours.
fn response_id(app: &App, kind: Kind, turn: Turn, headers: &HeaderMap) -> String {
    let prefix = match kind {
        Kind::Text => "cmpl",
        Kind::Chat => "chatcmpl",
    };
    match headers.get("x-request-id").and_then(|value| value.to_str().ok()) {
        Some(id) => format!("{prefix}-{id}"),
        None => format!(
            "{prefix}-{:016x}",
            tokens::mix(app.config.flags.seed ^ tokens::mix(turn.0))
        ),
    }
}
