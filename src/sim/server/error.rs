//! Errors as OpenAI's clients expect them.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::sim::config::FailureType;
use crate::sim::model::stack::Refused;

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
        }
    }

    /// 400 with what is wrong with the request.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequestError", message)
    }

    /// 503 with why nothing is served.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailableError",
            message,
        )
    }

    pub(super) fn model_not_found(model: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NotFoundError",
            format!("The model `{model}` does not exist. `/v1/models` lists what is served."),
        )
    }

    /// The error a fault knob or the header `X-Return-Error` asks for.
    pub(super) fn injected(status: StatusCode) -> Self {
        let kind = match status.as_u16() {
            400 => "BadRequestError",
            401 => "AuthenticationError",
            403 => "PermissionDeniedError",
            404 => "NotFoundError",
            429 => "RateLimitError",
            503 => "ServiceUnavailableError",
            _ => "InternalServerError",
        };
        let reason = status.canonical_reason().unwrap_or("error");
        Self::new(status, kind, format!("{reason} (asked for: a simulated fault)"))
    }
}

impl From<FailureType> for ApiError {
    fn from(failure: FailureType) -> Self {
        let (status, kind, message) = match failure {
            FailureType::RateLimit => (
                StatusCode::TOO_MANY_REQUESTS,
                "RateLimitError",
                "Rate limit reached",
            ),
            FailureType::InvalidApiKey => (
                StatusCode::UNAUTHORIZED,
                "AuthenticationError",
                "Incorrect API key provided",
            ),
            FailureType::ContextLength => (
                StatusCode::BAD_REQUEST,
                "BadRequestError",
                "This model's maximum context length is exceeded",
            ),
            FailureType::ServerError => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                "The server had an error",
            ),
            FailureType::InvalidRequest => (StatusCode::BAD_REQUEST, "BadRequestError", "Invalid request"),
            FailureType::ModelNotFound => {
                (StatusCode::NOT_FOUND, "NotFoundError", "The model does not exist")
            }
        };
        Self::new(status, kind, format!("{message} (injected: a simulated fault)"))
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::QueueFull(_) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "RateLimitError",
                refused.to_string(),
            ),
            Refused::TooLong { .. } => Self::bad_request(refused.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": null,
                "code": self.status.as_u16(),
            }
        });
        (self.status, axum::Json(body)).into_response()
    }
}
