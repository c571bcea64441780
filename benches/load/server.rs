//! A process that streams tokens as a simulated model server does, and knows when it sent each of them.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Set in the environment of the server's process.
const ROLE: &str = "LLMDBENCHMARK_BENCH_LOAD_SERVER";
/// All streams send at the same instants, as replicas with continuous batching do: the worst case for a client.
pub(crate) const STEP: Duration = Duration::from_millis(40);

/// Send times of each request's tokens, in nanoseconds of the server's own clock, by request id.
pub(crate) type Sent = HashMap<String, Vec<u64>>;

/// The server's process.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().expect("a bench knows its file"))
            .env(ROLE, "1")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server can be started");
        let output = child.stdout.take().expect("its output is piped");
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line)
            .expect("it tells its port");
        let port = line.trim().parse().expect("the port is a number");
        Self { child, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which would have failed the bench already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether this process is the server.
pub(crate) fn is_server() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// Serve until killed.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        writeln!(std::io::stdout(), "{port}").expect("the bench listens");
        let start = Instant::now();
        let sent = Arc::new(Mutex::new(Sent::new()));
        loop {
            let (stream, _) = listener.accept().await.expect("connections come in");
            let sent = Arc::clone(&sent);
            tokio::spawn(async move { connection(stream, start, &sent).await });
        }
    });
}

/// `None` once the client is gone.
async fn connection(stream: TcpStream, start: Instant, sent: &Mutex<Sent>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut stream = BufReader::new(stream);
    loop {
        let (mut id, mut length, mut get) = (String::new(), 0, false);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            get |= line.starts_with("GET");
            if let Some((name, value)) = line.split_once(':') {
                match name.to_ascii_lowercase().as_str() {
                    "x-request-id" => value.trim().clone_into(&mut id),
                    "content-length" => length = value.trim().parse().ok()?,
                    _ => {}
                }
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        if get {
            let told = serde_json::to_string(&*sent.lock().expect("no thread panicked")).ok()?;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", told.len());
            stream.write_all(format!("{head}{told}").as_bytes()).await.ok()?;
        } else {
            let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
            let times = answer(&mut stream, start, body["max_tokens"].as_u64()?).await?;
            sent.lock().expect("no thread panicked").insert(id, times);
        }
    }
}

async fn answer(stream: &mut BufReader<TcpStream>, start: Instant, tokens: u64) -> Option<Vec<u64>> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut step = start.elapsed().as_nanos() / STEP.as_nanos();
    let mut times = Vec::with_capacity(tokens as usize);
    for _ in 0..tokens {
        step += 1;
        let due = start + STEP * u32::try_from(step).ok()?;
        tokio::time::sleep_until(due.into()).await;
        let event = event(
            r#"{"id":"cmpl-0123456789","object":"text_completion","created":1700000000,"model":"m","choices":[{"index":0,"text":" word","logprobs":null,"finish_reason":null}],"usage":null}"#,
        );
        times.push(u64::try_from(start.elapsed().as_nanos()).ok()?);
        stream.write_all(event.as_bytes()).await.ok()?;
    }
    let end = format!("{}0\r\n\r\n", event("[DONE]"));
    stream.write_all(end.as_bytes()).await.ok()?;
    Some(times)
}

fn event(data: &str) -> String {
    format!("{:x}\r\ndata: {data}\n\n\r\n", data.len() + 8)
}
