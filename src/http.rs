//! One-off HTTP calls: health checks, questions to servers about themselves. One connection per call, small answers.
//!
//! The load generator has a client of its own that reuses connections and streams.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpStream;

/// Answers are cut off with an error beyond this.
const MAX_ANSWER: usize = 4 << 20;

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    /// Whether the status says that all went well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value, HttpError> {
        serde_json::from_slice(&self.body).map_err(|error| HttpError::Malformed(error.to_string()))
    }
}

/// Why a call got no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The URL is not a plain `http://` one.
    #[error("`{0}` is not a URL like http://host:port/path")]
    Url(String),
    /// Nobody listens.
    #[error("cannot connect to {to}: {reason}")]
    Connect {
        /// Host and port.
        to: String,
        /// Why.
        reason: String,
    },
    /// It broke off, or was too long.
    #[error("no whole answer: {0}")]
    Broken(String),
    /// The answer is not what it should be.
    #[error("the answer is not understood: {0}")]
    Malformed(String),
    /// It took too long.
    #[error("no answer within {} s", .0.as_secs_f64())]
    TooSlow(Duration),
}

/// GET `url`, at most `patience` long.
pub async fn get(url: &str, patience: Duration) -> Result<Answer, HttpError> {
    call(Method::GET, url, Bytes::new(), patience).await
}

/// POST `body` as JSON to `url`, at most `patience` long.
pub async fn post(url: &str, body: &Value, patience: Duration) -> Result<Answer, HttpError> {
    call(Method::POST, url, body.to_string().into(), patience).await
}

async fn call(method: Method, url: &str, body: Bytes, patience: Duration) -> Result<Answer, HttpError> {
    tokio::time::timeout(patience, exchange(method, url, body))
        .await
        .unwrap_or(Err(HttpError::TooSlow(patience)))
}

async fn exchange(method: Method, url: &str, body: Bytes) -> Result<Answer, HttpError> {
    let uri: Uri = url.parse().map_err(|_| HttpError::Url(url.to_owned()))?;
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(HttpError::Url(url.to_owned()));
    };
    let host = authority.host().trim_matches(['[', ']']);
    let to = (host, authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(to).await.map_err(|error| HttpError::Connect {
        to: authority.to_string(),
        reason: error.to_string(),
    })?;
    let broken = |error: &dyn std::fmt::Display| HttpError::Broken(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, authority.as_str())
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(|error| broken(&error))?;
    let answer = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| broken(&error))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_ANSWER)
            .collect()
            .await
            .map_err(|error| broken(&error))?;
        Ok(Answer {
            status,
            body: body.to_bytes(),
        })
    };
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        // The connection may end as soon as it has delivered everything; what it delivered still counts.
        _ = connection => answer.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::routing::{get as on_get, post as on_post};
    use serde_json::json;

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn server() -> String {
        let routes = Router::new()
            .route("/ok", on_get(|| async { "{\"a\":1}" }))
            .route("/echo", on_post(|body: String| async { body }))
            .route("/long", on_get(|| async { "x".repeat(MAX_ANSWER + 1) }))
            .route("/never", on_get(std::future::pending::<()>));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn calls_bring_status_and_body() {
        let server = server().await;
        let answer = get(&format!("{server}/ok"), PATIENCE).await.unwrap();
        assert!(answer.is_success());
        assert_eq!(answer.json().unwrap(), json!({"a": 1}));
        let body = json!({"b": [1, 2]});
        let answer = post(&format!("{server}/echo"), &body, PATIENCE).await.unwrap();
        assert_eq!(answer.json().unwrap(), body);
        assert_eq!(
            get(&format!("{server}/none"), PATIENCE).await.unwrap().status,
            404
        );
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told() {
        let server = server().await;
        let error = get(&format!("{server}/never"), Duration::from_millis(50))
            .await
            .unwrap_err();
        assert!(matches!(error, HttpError::TooSlow(_)));
        let error = get(&format!("{server}/long"), PATIENCE).await.unwrap_err();
        assert!(matches!(error, HttpError::Broken(_)));
        assert!(matches!(get("nonsense", PATIENCE).await, Err(HttpError::Url(_))));
        assert!(matches!(
            get("https://127.0.0.1/", PATIENCE).await,
            Err(HttpError::Url(_))
        ));
        // Bound, but nobody listens.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let error = get(&format!("http://{address}/"), PATIENCE).await.unwrap_err();
        assert!(matches!(error, HttpError::Connect { .. }), "{error}");
    }
}
