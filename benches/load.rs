//! What the built-in load generator adds to the inter-token latencies it measures.
//!
//! A server process streams to 1,000 clients at once and remembers when it sent each token. Three clients measure it in
//! turns: the load generator with one stream, the load generator with all of them, and a plain reader that does nothing
//! but note when bytes came. The plain reader shows what this machine and the server cost however one measures; what the
//! load generator is beyond it, it adds itself.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench stops at the first surprise: figures after it would mean nothing"
)]
#![allow(clippy::print_stdout, reason = "the table is what a bench is run for")]

#[path = "load/server.rs"]
mod server;
mod support;

use llmdbenchmark::harness::builtin::drive::Driver;
use llmdbenchmark::harness::builtin::http::Client;
use llmdbenchmark::harness::builtin::profile;
use llmdbenchmark::harness::builtin::prompts::PromptMaker;
use llmdbenchmark::harness::builtin::request::RequestForm;
use serde_json::json;
use server::{Sent, Server};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Bars, finish};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Streams at once.
const STREAMS: u32 = 1000;
/// Tokens of each.
const TOKENS: u32 = 60;
/// Rounds, each with all clients; the median round counts, because other programs disturb single ones.
const ROUNDS: usize = 5;

/// After this long something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// When the pieces of each answer arrived, from any start, by request id.
type Arrived = HashMap<String, Vec<Duration>>;

/// Differences between the gaps as they were sent and as they were measured.
struct Added {
    p50: Duration,
    p99: Duration,
}

fn main() {
    if server::is_server() {
        return server::serve();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let server = Server::start();
    let (mut one, mut all, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let name = |what: &str| format!("{what}-{round}");
        let arrived = runtime.block_on(generator(server.port, 1, &name("one")));
        one.push(runtime.block_on(added(server.port, arrived)));
        let arrived = runtime.block_on(reader(server.port, &name("plain")));
        plain.push(runtime.block_on(added(server.port, arrived)));
        let arrived = runtime.block_on(generator(server.port, STREAMS, &name("all")));
        all.push(runtime.block_on(added(server.port, arrived)));
    }
    println!("\nadded to inter-token latency, in ms (median of {ROUNDS} rounds)     p50     p99");
    for (what, rounds) in [
        ("load generator, 1 stream", &one),
        ("plain reader, 1,000 streams", &plain),
        ("load generator, 1,000 streams", &all),
    ] {
        println!(
            "{what:62} {:7.3} {:7.3}",
            median(rounds, |added| added.p50),
            median(rounds, |added| added.p99)
        );
    }
    let mut bars = Bars::default();
    let beyond = median(&all, |added| added.p99) - median(&plain, |added| added.p99);
    bars.timed(
        "ITL p99 beyond the plain reader's at 1,000 streams",
        beyond.max(0.0),
        1.0,
        "ms",
    );
    // Ends its process, which an exit with figures beyond their bars would not.
    drop(server);
    finish(&bars);
}

fn median(rounds: &[Added], of: fn(&Added) -> Duration) -> f64 {
    let mut all: Vec<Duration> = rounds.iter().map(of).collect();
    all.sort();
    all.get(all.len() / 2)
        .map_or(0.0, |median| median.as_secs_f64() * 1e3)
}

/// The load generator itself, from its profile to its finished requests.
async fn generator(port: u16, streams: u32, name: &str) -> Arrived {
    let profile = json!({"dataset-name": "random", "random-input-len": 50, "random-output-len": TOKENS,
        "max-concurrency": streams, "num-prompts": streams});
    let workload = profile::read(&profile).expect("the profile is good").workload;
    let (sender, receiver) = std::sync::mpsc::sync_channel(streams as usize);
    let driver = Arc::new(Driver {
        client: Client::new(&format!("http://127.0.0.1:{port}")).expect("the address is good"),
        form: RequestForm::new(&workload, "m"),
        prompts: PromptMaker::new(workload.prompts.clone(), 1),
        id_prefix: name.to_owned(),
        seed: 1,
        finished: sender,
        cancel: CancellationToken::new(),
        under_way: Arc::default(),
    });
    driver.run(&workload).await;
    receiver
        .into_iter()
        .map(|finished| {
            assert_eq!(finished.measured.failure, None, "{:?}", finished.measured.message);
            (format!("{name}-{}", finished.index), finished.measured.arrivals)
        })
        .collect()
}

/// The least that a client can do: note when bytes come.
async fn reader(port: u16, name: &str) -> Arrived {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..STREAMS {
        let id = format!("{name}-{n}");
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(("127.0.0.1", port))
                .await
                .expect("the server listens");
            stream.set_nodelay(true).expect("a socket takes options");
            let body = format!("{{\"max_tokens\":{TOKENS}}}");
            let request = format!(
                "POST / HTTP/1.1\r\nx-request-id: {id}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream
                .write_all(request.as_bytes())
                .await
                .expect("the server reads");
            let mut arrivals = Vec::with_capacity(TOKENS as usize);
            let mut buffer = vec![0; 16 * 1024];
            while arrivals.len() < TOKENS as usize {
                let count = stream.read(&mut buffer).await.expect("the server writes");
                let at = start.elapsed();
                let bytes = buffer.get(..count).unwrap_or_default();
                arrivals.extend(memchr::memmem::find_iter(bytes, "\"text\"").map(|_| at));
                assert!(count > 0, "the stream ended early");
            }
            // Its end has not been read: the connection cannot be used again, and is not.
            (id, arrivals)
        });
    }
    tasks.join_all().await.into_iter().collect()
}

/// How much longer or shorter the measured gaps are than the sent ones.
async fn added(port: u16, arrived: Arrived) -> Added {
    let sent = sent(port, &arrived).await;
    let mut added: Vec<Duration> = Vec::new();
    for (id, arrivals) in arrived {
        let times = sent.get(&id).expect("the server knows what it answered");
        assert_eq!(times.len(), arrivals.len(), "{id}");
        let sent_gaps = times
            .windows(2)
            .map(|pair| Duration::from_nanos(pair[1] - pair[0]));
        let seen_gaps = arrivals.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        added.extend(sent_gaps.zip(seen_gaps).map(|(sent, seen)| seen.abs_diff(sent)));
    }
    added.sort();
    let at = |share: f64| {
        let index = (added.len() as f64 * share) as usize;
        added.get(index).copied().unwrap_or_default()
    };
    Added {
        p50: at(0.5),
        p99: at(0.99),
    }
}

/// What the server sent, once it has noted all of it: it does so just after the last token.
async fn sent(port: u16, of: &Arrived) -> Sent {
    let client = Client::new(&format!("http://127.0.0.1:{port}")).expect("the address is good");
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        let mut answer = client
            .send("/sent", None, "sent")
            .await
            .expect("the server answers");
        let mut body = Vec::new();
        while let Some(piece) = answer.next().await {
            body.extend_from_slice(&piece.expect("the answer is whole"));
        }
        let sent: Sent = serde_json::from_slice(&body).expect("the answer is JSON");
        if of.keys().all(|id| sent.contains_key(id)) {
            return sent;
        }
    }
    panic!("the server has not noted all it sent within {PATIENCE:?}");
}
