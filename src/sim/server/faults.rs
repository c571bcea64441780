//! Faults on request: errors by header or by rate, crashes, stalls. Seeded by the number of the request.

use super::App;
use super::error::ApiError;
use super::stream::Stall;
use crate::sim::config::FailureType;
use crate::sim::tokens::{mix, unit};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use clap::ValueEnum;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Number of an inference request, from 1, in order of arrival.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn(pub(super) u64);

/// Count an inference request, and give it the fault it is to have.
pub(super) async fn inject(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let turn = app.requests.fetch_add(1, Ordering::Relaxed) + 1;
    if app.config.flags.crash_after.is_some_and(|most| turn > most) {
        app.crash.notify_one();
        // The process ends before anybody could be answered.
        return std::future::pending().await;
    }
    if let Some(error) = asked_for(&request).or_else(|| drawn(&app, turn)) {
        return error.into_response();
    }
    request.extensions_mut().insert(Turn(turn));
    next.run(request).await
}

/// The error the header `X-Return-Error` names by its status.
fn asked_for(request: &Request) -> Option<ApiError> {
    let value = request.headers().get("x-return-error")?;
    let status = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse::<u16>().ok())
        .and_then(|code| StatusCode::from_u16(code).ok())
        .filter(|status| status.is_client_error() || status.is_server_error());
    Some(status.map_or_else(
        || ApiError::bad_request("X-Return-Error is an HTTP status from 400 to 599"),
        ApiError::injected,
    ))
}

/// The error of this turn, if the rate wants one.
fn drawn(app: &App, turn: u64) -> Option<ApiError> {
    let live = app.live();
    let draw = mix(app.config.flags.seed ^ mix(turn ^ 0xFA11));
    if unit(draw) * 100.0 >= live.failure_injection_rate {
        return None;
    }
    let all = FailureType::value_variants();
    let types = if live.failure_types.is_empty() {
        all
    } else {
        live.failure_types.as_slice()
    };
    let chosen = types.get((mix(draw) % types.len().max(1) as u64) as usize);
    chosen.copied().map(ApiError::from)
}

/// The stall of this turn, in an answer of `output` tokens, if the rate wants one.
pub(super) fn stall(app: &App, turn: Turn, output: u32) -> Option<Stall> {
    let live = app.live();
    let draw = mix(app.config.flags.seed ^ mix(turn.0 ^ 0x57A1_1000));
    (unit(draw) * 100.0 < live.stall_rate).then(|| Stall {
        after: (mix(draw) % u64::from(output.max(1))) as u32,
        time: app.driver.real_duration(live.stall()),
    })
}
