//! The built-in load generator: needs nothing but a server that speaks OpenAI's HTTP API.
//!
//! [`profile`] reads what to do, [`drive`] does it at its pace with [`request`]s whose [`prompts`] are made from a seed,
//! [`measure`] turns them into numbers, [`output`] into files. Open and closed loops are told apart in
//! [`workload::Pace`]; what makes a run client-bound in [`measure::LATE_SHARE`].

mod chunk;
pub mod chunked;
pub mod collector;
pub mod distribution;
pub mod drive;
pub mod http;
pub mod measure;
pub mod output;
pub mod profile;
pub mod prompts;
pub mod request;
pub mod schedule;
pub mod sse;
pub mod workload;

use collector::{Collector, Counted, say};
use drive::Driver;
use http::{Client, UrlError};
use jiff::Timestamp;
use prompts::PromptMaker;
use request::RequestForm;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use workload::Workload;

/// Finished requests that may wait for the collector.
const BACKLOG: usize = 1 << 16;
/// How long a server may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether it does.
const LOOK: Duration = Duration::from_millis(200);

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No usable address.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Nobody said where the server is.
    #[error(
        "no server to send load to: set LLMDBENCH_HARNESS_STACK_ENDPOINT_URL, or give the profile a base URL \
         (`base-url` or `server.base_url`)"
    )]
    NoEndpoint,
    /// The server does not answer.
    #[error("the server at {endpoint} does not answer: {problem}; is the stack up?")]
    NoAnswer {
        /// Its address.
        endpoint: String,
        /// What happened at the last try.
        problem: String,
    },
    /// Neither the profile, nor the environment, nor the server names a model.
    #[error("the profile names no model, and the server at {0} lists none")]
    NoModel(String),
    /// Results cannot be written.
    #[error("cannot write results into {folder}: {source}")]
    Results {
        /// The result folder.
        folder: String,
        /// Why.
        source: io::Error,
    },
}

/// A run, ready to go.
pub struct Job<'a> {
    /// What to do.
    pub workload: &'a Workload,
    /// Result folder; exists.
    pub folder: &'a Path,
    /// Where the server is, over what the profile says.
    pub endpoint: Option<String>,
    /// The model, where the profile names none.
    pub model: Option<String>,
    /// Names the run in request ids, and seeds it where the profile does not.
    pub name: String,
    /// Whether the stack is the simulator.
    pub simulated: bool,
    /// Ends the run early.
    pub cancel: CancellationToken,
}

/// How a run went.
#[derive(Debug)]
pub struct Done {
    /// Result files that reports are made of.
    pub raw: Vec<String>,
    /// Requests that came to an end of their own.
    pub ended: u64,
    /// Requests answered in full.
    pub completed: u64,
    /// Whether the generator itself was the bottleneck.
    pub client_bound: bool,
}

/// Run `job` to its end or its cancellation, and write its result files.
pub async fn run(job: &Job<'_>) -> Result<Done, LoadError> {
    let workload = job.workload;
    let endpoint = job
        .endpoint
        .clone()
        .or_else(|| workload.base_url.clone())
        .ok_or(LoadError::NoEndpoint)?;
    let client = Client::new(&endpoint)?;
    let model = model(job, &client, &endpoint).await?;
    let seed = workload.seed.unwrap_or_else(|| seed_of(&job.name));
    say(&format!(
        "{} to {endpoint}, model {model}, seed {seed}{}",
        workload.requests().map_or_else(
            || "requests for a time".to_owned(),
            |count| format!("{count} requests")
        ),
        if job.simulated { ", SIMULATED" } else { "" }
    ));
    let start = Timestamp::now();
    let counted = send_all(job, client, &model, seed)
        .await
        .map_err(|source| results(job, source))?;
    let about = output::About {
        workload,
        model: &model,
        seed,
        start,
        cancelled: job.cancel.is_cancelled(),
        simulated: job.simulated,
    };
    let raw = output::write(job.folder, &about, &counted).map_err(|source| results(job, source))?;
    for (kind, count) in &counted.whole.failures {
        let example = counted.whole.examples.get(kind).map_or("", String::as_str);
        say(&format!(
            "error: {count} requests failed ({}): {example}",
            kind.name()
        ));
    }
    Ok(Done {
        raw,
        ended: counted.whole.ended(),
        completed: counted.whole.completed,
        client_bound: counted.stages.iter().any(measure::Tally::client_bound),
    })
}

fn results(job: &Job<'_>, source: io::Error) -> LoadError {
    LoadError::Results {
        folder: job.folder.display().to_string(),
        source,
    }
}

async fn send_all(job: &Job<'_>, client: Client, model: &str, seed: u64) -> io::Result<Counted> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(BACKLOG);
    // A run whose results cannot be kept ends early, without looking like the operator's doing.
    let cancel = job.cancel.child_token();
    let under_way = Arc::new(AtomicU64::new(0));
    let driver = Arc::new(Driver {
        client,
        form: RequestForm::new(job.workload, model),
        prompts: PromptMaker::new(job.workload.prompts.clone(), seed),
        id_prefix: job.name.clone(),
        seed,
        finished: sender,
        cancel: cancel.clone(),
        under_way: Arc::clone(&under_way),
    });
    driver.warm_up(job.workload.warmups).await;
    let collector = Collector {
        folder: job.folder.to_owned(),
        goals: job.workload.goals.clone(),
        stages: job.workload.stages.len(),
        planned: job.workload.requests(),
        start: tokio::time::Instant::now(),
        under_way,
    };
    let collecting = tokio::task::spawn_blocking(move || {
        let counted = collector.run(&receiver);
        if counted.is_err() {
            cancel.cancel();
        }
        counted
    });
    driver.run(job.workload).await;
    collecting.await.map_err(io::Error::other)?
}

/// Wait until the server answers, and find out the model to ask for.
async fn model(job: &Job<'_>, client: &Client, endpoint: &str) -> Result<String, LoadError> {
    let since = tokio::time::Instant::now();
    let listed = loop {
        let asked = tokio::time::timeout(PATIENCE, request::first_model(client)).await;
        match asked.unwrap_or_else(|_| Err(format!("nothing within {PATIENCE:?}"))) {
            Ok(model) => break model,
            Err(problem) if since.elapsed() >= PATIENCE || job.cancel.is_cancelled() => {
                return Err(LoadError::NoAnswer {
                    endpoint: endpoint.to_owned(),
                    problem,
                });
            }
            Err(_) => {
                job.cancel.run_until_cancelled(tokio::time::sleep(LOOK)).await;
            }
        }
    };
    job.workload
        .model
        .clone()
        .or_else(|| job.model.clone())
        .or(listed)
        .ok_or_else(|| LoadError::NoModel(endpoint.to_owned()))
}

/// A seed that is the run's own, so that no run asks what an earlier one left in a server's prefix cache.
fn seed_of(name: &str) -> u64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(name.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}
