//! One request: sent, timed, understood.

use super::chunk::{Choice, Chunk, Usage};
use super::http::{Answer, Client, HttpError};
use super::prompts::Prompt;
use super::sse;
use super::workload::{Api, Workload};
use bytes::Bytes;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Longest answer that is read whole.
const LONGEST_BODY: usize = 64 << 20;
/// Pieces of a stream that are noted before they are looked into.
const NOTED: usize = 16;
/// Streamed bytes that are only noted before they are looked into; bounds memory to this times the streams under way.
const MOST_NOTED: usize = 64 << 10;

/// Why a request counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// No connection to the server.
    Connect,
    /// The connection broke before the answer was complete.
    Broken,
    /// The answer was not complete in time.
    Timeout,
    /// An HTTP status that is no success.
    Status(u16),
    /// The stream ended cleanly, but in the middle of the answer.
    Truncated,
    /// Bytes that are no answer.
    Malformed,
    /// The server reported an error inside its answer.
    Server,
    /// A complete answer without any text.
    Empty,
    /// Ended with the run; says nothing about the server.
    Cancelled,
}

impl FailureKind {
    /// One word for records and counts.
    pub fn name(self) -> String {
        match self {
            Self::Connect => "connect".to_owned(),
            Self::Broken => "broken".to_owned(),
            Self::Timeout => "timeout".to_owned(),
            Self::Status(status) => format!("http_{status}"),
            Self::Truncated => "truncated".to_owned(),
            Self::Malformed => "malformed".to_owned(),
            Self::Server => "server_error".to_owned(),
            Self::Empty => "empty".to_owned(),
            Self::Cancelled => "cancelled".to_owned(),
        }
    }
}

/// What was seen of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// When it was sent.
    pub sent: Instant,
    /// When each piece of text arrived, from `sent`; streaming only.
    pub arrivals: Vec<Duration>,
    /// When it was over, from `sent`.
    pub took: Duration,
    /// Prompt tokens, as the server counts them where it does.
    pub input_tokens: u64,
    /// Generated tokens, as the server counts them where it does, else pieces of text.
    pub output_tokens: u64,
    /// Why it failed.
    pub failure: Option<FailureKind>,
    /// What the server or the connection said about the failure, shortened.
    pub message: Option<String>,
}

impl Measured {
    /// Time to the first piece of text.
    pub fn ttft(&self) -> Option<Duration> {
        self.arrivals.first().copied()
    }

    /// Mean time per token after the first one, in seconds.
    pub fn tpot(&self) -> Option<f64> {
        let first = self.ttft()?;
        let last = self.arrivals.last()?;
        (self.output_tokens > 1)
            .then(|| (last.saturating_sub(first)).as_secs_f64() / (self.output_tokens - 1) as f64)
    }

    /// Times between pieces of text.
    pub fn gaps(&self) -> impl Iterator<Item = Duration> {
        self.arrivals.windows(2).filter_map(|pair| match pair {
            [earlier, later] => Some(later.saturating_sub(*earlier)),
            _ => None,
        })
    }
}

/// How a workload's requests look.
#[derive(Debug, Clone)]
pub struct RequestForm {
    path: &'static str,
    api: Api,
    streaming: bool,
    timeout: Duration,
    /// Everything of the body but prompt and length, as the inside of a JSON map.
    common: String,
}

impl RequestForm {
    /// The form of `workload`'s requests to `model`.
    pub fn new(workload: &Workload, model: &str) -> Self {
        let mut common = json!({ "model": model, "stream": workload.streaming });
        if workload.streaming {
            common["stream_options"] = json!({ "include_usage": true });
        }
        if workload.ignore_eos {
            common["ignore_eos"] = json!(true);
        }
        if let Some(temperature) = workload.temperature {
            common["temperature"] = json!(temperature);
        }
        let common = common.to_string();
        let inside = common.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        Self {
            path: workload.api.path(),
            api: workload.api,
            streaming: workload.streaming,
            timeout: workload.request_timeout,
            common: inside.unwrap_or_default().to_owned(),
        }
    }

    /// The body that asks for `prompt`.
    pub fn body(&self, prompt: &Prompt) -> Bytes {
        // Prompts are plain words, but nothing here relies on it.
        let text = serde_json::Value::from(prompt.text.as_str());
        let asked = match self.api {
            Api::Completion => format!("\"prompt\":{text}"),
            Api::Chat => format!("\"messages\":[{{\"role\":\"user\",\"content\":{text}}}]"),
        };
        Bytes::from(format!(
            "{{{},\"max_tokens\":{},{asked}}}",
            self.common, prompt.output_tokens
        ))
    }

    /// Send `body` and see the answer to its end, or to the limit of time.
    pub async fn send(&self, client: &Client, body: Bytes, input_tokens: u32, id: &str) -> Measured {
        let mut measured = Measured {
            sent: Instant::now(),
            arrivals: Vec::new(),
            took: Duration::ZERO,
            input_tokens: u64::from(input_tokens),
            output_tokens: 0,
            failure: None,
            message: None,
        };
        let mut stream = Stream::new(id);
        let exchange = self.exchange(client, body, id, &mut stream, &mut measured);
        if tokio::time::timeout(self.timeout, exchange).await.is_err() {
            stream.understand(&mut measured);
            measured.failure = Some(FailureKind::Timeout);
            measured.message = Some(format!("no complete answer within {:?}", self.timeout));
        }
        if measured.took.is_zero() {
            measured.took = measured.sent.elapsed();
        }
        measured
    }

    async fn exchange(
        &self,
        client: &Client,
        body: Bytes,
        id: &str,
        stream: &mut Stream,
        measured: &mut Measured,
    ) {
        let mut answer = match client.send(self.path, Some(body), id).await {
            Ok(answer) => answer,
            Err(error) => {
                return fail(measured, kind_of(&error), &error.to_string());
            }
        };
        let status = answer.status();
        if !(200..300).contains(&status) {
            let text = whole(&mut answer).await.unwrap_or_default();
            return fail(
                measured,
                FailureKind::Status(status),
                &String::from_utf8_lossy(&text),
            );
        }
        if self.streaming {
            stream.receive(&mut answer, measured).await;
        } else {
            document(&mut answer, measured).await;
        }
    }
}

fn kind_of(error: &HttpError) -> FailureKind {
    match error {
        HttpError::Connect { .. } => FailureKind::Connect,
        HttpError::Io(_) | HttpError::Closed => FailureKind::Broken,
        HttpError::Malformed(_) => FailureKind::Malformed,
    }
}

fn fail(measured: &mut Measured, kind: FailureKind, message: &str) {
    measured.failure = Some(kind);
    let message: String = crate::text::sanitize(message).chars().take(300).collect();
    measured.message = (!message.is_empty()).then_some(message);
}

/// A streamed answer on its way.
///
/// Pieces are only noted with their time while they arrive, and understood later: a thousand answers in step leave no
/// time for that between two pieces, and plenty between two steps.
#[derive(Debug, Default)]
struct Stream {
    /// Pieces that have not been looked into, and when they came.
    noted: Vec<(Duration, Bytes)>,
    /// How many of them are enough to be looked into.
    enough: usize,
    noted_bytes: usize,
    parser: sse::Parser,
    done: bool,
    finished: bool,
    trouble: Option<(FailureKind, String)>,
}

impl Stream {
    /// The answer to the request `id`. Streams that began together look into their first pieces at different times, and
    /// so into all others: a thousand of them at once would delay each other's next pieces.
    fn new(id: &str) -> Self {
        Self {
            enough: 1 + crc32fast::hash(id.as_bytes()) as usize % NOTED,
            ..Self::default()
        }
    }

    /// See an answer to its end.
    async fn receive(&mut self, answer: &mut Answer<'_>, measured: &mut Measured) {
        while let Some(piece) = answer.next().await {
            // Before anything else: all that follows is our own time, not the server's.
            let at = measured.sent.elapsed();
            match piece {
                Ok(bytes) => {
                    self.noted_bytes += bytes.len();
                    self.noted.push((at, bytes));
                    if self.noted.len() >= self.enough || self.noted_bytes > MOST_NOTED {
                        // Every other stream that has bytes notes them first.
                        tokio::task::yield_now().await;
                        self.understand(measured);
                        self.enough = NOTED;
                        // What is not understood need not be read to its end, which may never come.
                        if self.trouble.is_some() {
                            break;
                        }
                    }
                }
                Err(error) => {
                    self.understand(measured);
                    measured.took = at;
                    return fail(measured, kind_of(&error), &error.to_string());
                }
            }
        }
        let end = measured.sent.elapsed();
        tokio::task::yield_now().await;
        self.understand(measured);
        std::mem::take(&mut self.parser).finish(|data| self.take_event(data, end, measured));
        if !self.done {
            measured.took = end;
        }
        if let Some((kind, message)) = self.trouble.take() {
            fail(measured, kind, &message);
        } else if !self.done && !self.finished {
            fail(
                measured,
                FailureKind::Truncated,
                "the stream ended before the answer did",
            );
        } else if measured.arrivals.is_empty() {
            fail(measured, FailureKind::Empty, "a complete answer without any text");
        }
    }

    /// Look into the pieces that came.
    fn understand(&mut self, measured: &mut Measured) {
        let mut parser = std::mem::take(&mut self.parser);
        self.noted_bytes = 0;
        for (at, bytes) in std::mem::take(&mut self.noted) {
            if let Err(error) = parser.push(&bytes, |data| self.take_event(data, at, measured)) {
                self.trouble
                    .get_or_insert((FailureKind::Malformed, error.to_string()));
            }
        }
        self.parser = parser;
    }

    fn take_event(&mut self, data: &[u8], at: Duration, measured: &mut Measured) {
        if data == b"[DONE]" {
            self.done = true;
            measured.took = at;
            return;
        }
        let chunk: Chunk<'_> = match serde_json::from_slice(data) {
            Ok(chunk) => chunk,
            Err(error) => {
                self.trouble.get_or_insert((
                    FailureKind::Malformed,
                    format!("an event of the stream cannot be read: {error}"),
                ));
                return;
            }
        };
        if let Some(error) = chunk.error.as_ref().filter(|error| !error.is_null()) {
            self.trouble
                .get_or_insert_with(|| (FailureKind::Server, error.to_string()));
        }
        if chunk.choices.iter().any(Choice::has_text) {
            measured.arrivals.push(at);
            // Until the server tells its own count.
            measured.output_tokens = measured.output_tokens.max(measured.arrivals.len() as u64);
        }
        self.finished |= chunk.choices.iter().any(|choice| choice.finish_reason.is_some());
        take_usage(chunk.usage, measured);
    }
}

fn take_usage(usage: Option<Usage>, measured: &mut Measured) {
    if let Some(usage) = usage {
        if let Some(tokens) = usage.prompt_tokens {
            measured.input_tokens = tokens;
        }
        if let Some(tokens) = usage.completion_tokens {
            measured.output_tokens = tokens;
        }
    }
}

async fn document(answer: &mut Answer<'_>, measured: &mut Measured) {
    let body = match whole(answer).await {
        Ok(body) => body,
        Err((kind, message)) => return fail(measured, kind, &message),
    };
    measured.took = measured.sent.elapsed();
    match serde_json::from_slice::<Chunk<'_>>(&body) {
        Err(error) => fail(
            measured,
            FailureKind::Malformed,
            &format!("the answer cannot be read: {error}"),
        ),
        Ok(chunk) => {
            take_usage(chunk.usage, measured);
            if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
                fail(measured, FailureKind::Server, &error.to_string());
            } else if !chunk.choices.iter().any(Choice::has_text) {
                fail(measured, FailureKind::Empty, "a complete answer without any text");
            }
        }
    }
}

/// The whole body of an answer.
async fn whole(answer: &mut Answer<'_>) -> Result<Vec<u8>, (FailureKind, String)> {
    let mut body = Vec::new();
    while let Some(piece) = answer.next().await {
        body.extend_from_slice(&piece.map_err(|error| (kind_of(&error), error.to_string()))?);
        if body.len() > LONGEST_BODY {
            return Err((
                FailureKind::Malformed,
                "the answer is longer than 64 MiB".to_owned(),
            ));
        }
    }
    Ok(body)
}

/// The first model that the server names at `/v1/models`; also shows that it answers at all.
pub async fn first_model(client: &Client) -> Result<Option<String>, String> {
    let mut answer = client
        .send("/v1/models", None, "models")
        .await
        .map_err(|error| error.to_string())?;
    let status = answer.status();
    let body = whole(&mut answer).await.map_err(|(_, message)| message)?;
    if status != 200 {
        return Err(format!("/v1/models answers with status {status}"));
    }
    let models: serde_json::Value =
        serde_json::from_slice(&body).map_err(|error| format!("/v1/models cannot be read: {error}"))?;
    Ok(models
        .pointer("/data/0/id")
        .and_then(serde_json::Value::as_str)
        .map(str::to_owned))
}
