//! HTTP on top of the driver: OpenAI's endpoints, vLLM's, llm-d-inference-sim's administration, and faults on request.
//!
//! Every response says `x-simulated: true`.

mod admin;
mod answer;
mod completions;
mod error;
mod faults;
mod request;
mod stream;

use super::config::{Config, Live, Refusal};
use super::driver::Driver;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use error::ApiError;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;

/// Largest request body: a prompt of a million tokens.
const LARGEST_BODY: usize = 64 << 20;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// Real time requests under way get to end once the server is asked to.
const GRACE: Duration = Duration::from_secs(3);

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was asked to.
    Stopped,
    /// It crashed after so many requests, as it was told to.
    Crashed(u64),
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; is the port taken? --port 0 finds a free one")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The port could not be told.
    #[error("cannot write the port to {path}: {source}")]
    PortFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The machine refused something else.
    #[error("the simulated server cannot run: {0}")]
    Io(#[from] std::io::Error),
}

/// What all handlers share.
#[derive(Debug)]
struct App {
    config: Config,
    live: RwLock<Live>,
    driver: Driver,
    /// Names this process.
    incarnation: uuid::Uuid,
    sleeping: AtomicBool,
    /// Inference requests so far.
    requests: AtomicU64,
    /// Rung by the request that is one too many.
    crash: Notify,
}

impl App {
    fn live(&self) -> RwLockReadGuard<'_, Live> {
        // A value under this lock is replaced as a whole.
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn live_mut(&self) -> RwLockWriteGuard<'_, Live> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the simulated loading of the model is over.
    fn started(&self) -> bool {
        self.driver.now() >= self.config.flags.startup_duration.0
    }
}

/// Serve until `stop` is ready, and tell `listening` the port once requests are answered.
pub async fn serve(
    config: Config,
    listening: impl FnOnce(u16) -> Result<(), ServeError>,
    stop: impl Future<Output = ()>,
) -> Result<End, ServeError> {
    let socket = bind(&config).await?;
    let port = socket.local_addr()?.port();
    if config.flags.live.refuse == Some(Refusal::Connections) {
        // The socket is bound and never listens, so the system refuses whoever connects, and nobody else takes the port.
        listening(port)?;
        stop.await;
        return Ok(End::Stopped);
    }
    let listener = socket.listen(BACKLOG)?;
    let driver = Driver::new(config.stack.clone(), config.flags.time_scale)?;
    let app = Arc::new(App {
        live: RwLock::new(config.flags.live.clone()),
        config,
        driver: driver.clone(),
        incarnation: uuid::Uuid::new_v4(),
        sleeping: AtomicBool::new(false),
        requests: AtomicU64::new(0),
        crash: Notify::new(),
    });
    listening(port)?;
    tokio::select! {
        () = driver.run() => Ok(End::Stopped),
        end = until_ended(listener, &app, stop) => end,
        () = app.crash.notified() => Ok(End::Crashed(app.config.flags.crash_after.unwrap_or(0))),
    }
}

async fn bind(config: &Config) -> Result<TcpSocket, ServeError> {
    let address = format!("{}:{}", config.flags.host, config.flags.port);
    let failed = |source| ServeError::Listen {
        address: address.clone(),
        source,
    };
    let found = tokio::net::lookup_host((config.flags.host.as_str(), config.flags.port))
        .await
        .map_err(failed)?
        .next();
    let found = found.ok_or_else(|| failed(std::io::ErrorKind::AddrNotAvailable.into()))?;
    let socket = if found.is_ipv6() {
        TcpSocket::new_v6()
    } else {
        TcpSocket::new_v4()
    };
    let socket = socket.map_err(failed)?;
    socket.set_reuseaddr(true).map_err(failed)?;
    socket.bind(found).map_err(failed)?;
    Ok(socket)
}

/// Serve, and once asked to stop give requests under way a little time.
async fn until_ended(
    listener: TcpListener,
    app: &Arc<App>,
    stop: impl Future<Output = ()>,
) -> Result<End, ServeError> {
    let asked = Arc::new(Notify::new());
    let told = Arc::clone(&asked);
    let listener = listener.tap_io(|connection| {
        // Tokens are small and must not wait for one another. Where the option is refused they do, which shows in ITL.
        let _ = connection.set_nodelay(true);
    });
    let serving = axum::serve(listener, router(Arc::clone(app)))
        .with_graceful_shutdown(async move { told.notified().await });
    let serving = std::pin::pin!(async { serving.await });
    let ending = async {
        stop.await;
        asked.notify_one();
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = serving => ended?,
        () = ending => {}
    }
    Ok(End::Stopped)
}

fn router(app: Arc<App>) -> Router {
    let inference = Router::new()
        .route("/v1/completions", post(completions::text))
        .route("/v1/chat/completions", post(completions::chat))
        .layer(from_fn_with_state(Arc::clone(&app), faults::inject));
    let served = Router::new()
        .merge(inference)
        .route("/v1/models", get(admin::models))
        .route("/health", get(admin::health))
        .route("/health/ready", get(admin::health))
        .route("/ping", get(admin::health).post(admin::health))
        .route("/version", get(admin::version))
        .route("/tokenize", post(admin::tokenize))
        .route("/reset_prefix_cache", post(admin::reset_prefix_cache))
        .route("/reset_mm_cache", post(admin::reset_nothing))
        .route("/reset_encoder_cache", post(admin::reset_nothing))
        .route("/sleep", post(admin::sleep))
        .route("/wake_up", post(admin::wake_up))
        .route("/is_sleeping", get(admin::is_sleeping))
        .route("/metrics", get(admin::metrics))
        .layer(from_fn_with_state(Arc::clone(&app), refuse));
    Router::new()
        .merge(served)
        .route("/admin/config", get(admin::config).post(admin::change_config))
        .route("/admin/stack", get(admin::stack))
        .fallback(unknown)
        .layer(axum::middleware::from_fn(mark))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(app)
}

async fn unknown(request: Request) -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "NotFoundError",
        format!(
            "{} {} is not an endpoint of the simulator",
            request.method(),
            request.uri().path()
        ),
    )
}

/// Answer 503 while the model is being loaded, or where refusing is what was asked for.
async fn refuse(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if app.live().refuse.is_some() {
        return ApiError::unavailable("the simulator is told to refuse (refuse)").into_response();
    }
    if !app.started() {
        return ApiError::unavailable("the simulated model is still being loaded (startup-duration)")
            .into_response();
    }
    next.run(request).await
}

/// Mark every response as simulated, and give the client's request id back.
async fn mark(request: Request, next: Next) -> Response {
    let id = request.headers().get("x-request-id").cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert("x-simulated", HeaderValue::from_static("true"));
    if let Some(id) = id {
        headers.insert("x-request-id", id);
    }
    response
}
