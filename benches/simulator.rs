//! The simulated server under 1,000 streams at once: how far the times between tokens that clients see are from those
//! the model wants, what that costs, and whether it rests when nobody asks.
//!
//! The server runs with constant latencies, so that every gap has a known length. All streams get their tokens at the
//! same moments, as in one big batch: the worst case for a server. Exits with 1 when a time is more than twice its bar,
//! or wake-ups are beyond theirs.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench stops at the first surprise: figures after it would mean nothing"
)]

mod support;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{Bars, finish, percentiles, resident_kib, wake_ups};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Streams at once.
const STREAMS: usize = 1000;
/// Tokens of each.
const TOKENS: usize = 120;
/// Between two tokens.
const GAP: Duration = Duration::from_millis(40);
/// How long the server is watched doing nothing.
const REST: Duration = Duration::from_secs(3);
/// After this long something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let port_file = folder.join("port");
        let child = Command::new(env!("CARGO_BIN_EXE_llmdbenchmark"))
            .args(["simulate", "--port", "0", "--port-file"])
            .arg(&port_file)
            .args(["--max-num-seqs", "2048", "--time-to-first-token", "200ms"])
            .args(["--inter-token-latency", &format!("{}ms", GAP.as_millis())])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server can be started");
        let start = Instant::now();
        let port = loop {
            if let Ok(port) = std::fs::read_to_string(&port_file) {
                break port.trim().parse().expect("the file holds a port");
            }
            assert!(start.elapsed() < PATIENCE, "the server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        };
        Self { child, port }
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Processor time so far, where the kernel tells it.
    fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        // After the name, which may hold spaces: the 12th and 13th fields are user and system time in ticks of 10 ms.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One streamed request; returns when each token came.
async fn stream(port: u16) -> Vec<Instant> {
    let body = format!(r#"{{"prompt":"hello","max_tokens":{TOKENS},"ignore_eos":true,"stream":true}}"#);
    let head = format!(
        "POST /v1/completions HTTP/1.1\r\nhost: bench\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut connection = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("the server accepts");
    connection
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .expect("the server reads");
    let mut buffer = vec![0; 64 * 1024];
    let mut times = Vec::with_capacity(TOKENS);
    loop {
        let read = connection.read(&mut buffer).await.expect("the server writes");
        let at = Instant::now();
        if read == 0 {
            return times;
        }
        let events = memchr::memmem::find_iter(&buffer[..read], b"\"text\":").count();
        times.extend(std::iter::repeat_n(at, events));
    }
}

async fn all_streams(port: u16) -> Vec<Vec<Instant>> {
    let mut streams = tokio::task::JoinSet::new();
    for _ in 0..STREAMS {
        streams.spawn(stream(port));
    }
    streams.join_all().await
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let server = Server::start(folder.path());
    let mut bars = Bars::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let (before, start) = (server.processor_time(), Instant::now());
    let streams = runtime.block_on(all_streams(server.port));
    let (busy, whole) = (server.processor_time().saturating_sub(before), start.elapsed());
    let mut late = Vec::new();
    for times in &streams {
        assert_eq!(times.len(), TOKENS, "a stream lost tokens");
        late.extend(times.windows(2).map(|pair| (pair[1] - pair[0]).abs_diff(GAP)));
    }
    let (middle, most) = percentiles(late);
    bars.timed("gap off by, p50", middle, 2.0, "ms");
    bars.timed("gap off by, p99", most, 10.0, "ms");
    bars.timed(
        "processor time per token",
        busy.as_secs_f64() * 1e6 / (STREAMS * TOKENS) as f64,
        20.0,
        "µs",
    );
    bars.timed(
        "share of one core",
        busy.as_secs_f64() / whole.as_secs_f64() * 100.0,
        50.0,
        "%",
    );
    bars.exact(
        "memory after it",
        resident_kib(&server.pid()) / 1024.0,
        64.0,
        "MiB",
    );
    // What was closed last is put away first.
    std::thread::sleep(Duration::from_millis(200));
    let woken = wake_ups(&server.pid());
    std::thread::sleep(REST);
    bars.exact("wake-ups while idle", wake_ups(&server.pid()) - woken, 1.0, "");
    // `finish` may leave at once, without dropping anything.
    drop(server);
    finish(&bars);
}
