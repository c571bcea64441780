//! Starts the binary, and speaks HTTP with it.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Far longer than anything takes here: reached only where something hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    folder: tempfile::TempDir,
}

/// A whole response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn error(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }
}

/// One server-sent event and when it came.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) data: String,
    pub(crate) at: Instant,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {}", self.data))
    }
}

impl Server {
    /// Start it and wait until it listens.
    pub(crate) async fn start(flags: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let port_file = folder.path().join("port");
        let mut child = Command::new(env!("CARGO_BIN_EXE_llmdbenchmark"))
            .args(["simulate", "--port", "0", "--port-file"])
            .arg(&port_file)
            .args(flags.split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let port = eventually("the port file", || {
            if let Some(status) = child.try_wait().unwrap() {
                let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
                panic!("the server ended with {status}: {log}");
            }
            std::fs::read_to_string(&port_file).ok()
        })
        .await;
        Self {
            child,
            port: port.trim().parse().unwrap(),
            folder,
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn terminate(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    pub(crate) async fn exited(&mut self) -> ExitStatus {
        eventually("the end of the server", || self.child.try_wait().unwrap()).await
    }

    /// Send a request and take the head of the response. `None` where the connection fails.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<Response<Incoming>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .ok()?;
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        sender.send_request(request).await.ok()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        whole(self.send(Method::GET, path, &[], "").await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_with(path, &[], body).await
    }

    pub(crate) async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        whole(
            self.send(Method::POST, path, headers, &body.to_string())
                .await
                .unwrap(),
        )
        .await
    }

    /// All events of a streamed answer.
    pub(crate) async fn events(&self, path: &str, body: &Value) -> Vec<Event> {
        let response = self
            .send(Method::POST, path, &[], &body.to_string())
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let mut body = response.into_body();
        let (mut events, mut rest) = (Vec::new(), String::new());
        while let Some(frame) = body.frame().await {
            let at = Instant::now();
            rest.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
            while let Some((event, tail)) = rest.split_once("\n\n") {
                let data = event.strip_prefix("data: ").unwrap().to_owned();
                events.push(Event { data, at });
                rest = tail.to_owned();
            }
        }
        assert_eq!(rest, "");
        events
    }

    /// `output` tokens after a prompt of words, not streamed.
    pub(crate) async fn complete(&self, prompt: &str, output: u32) -> Reply {
        let body = json!({"prompt": prompt, "max_tokens": output, "ignore_eos": true});
        let reply = self.post("/v1/completions", &body).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        reply
    }

    /// The sum of all samples of a metric whose labels contain `label`.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> f64 {
        let page = self.get("/metrics").await.text;
        page.lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(name) && line.contains(label))
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum()
    }

    /// The mean of a histogram.
    pub(crate) async fn mean(&self, name: &str) -> f64 {
        self.metric(&format!("{name}_sum"), "").await / self.metric(&format!("{name}_count"), "").await
    }

    /// The share of a histogram's values above one of its bounds.
    pub(crate) async fn share_above(&self, name: &str, bound: &str) -> f64 {
        let below = self
            .metric(&format!("{name}_bucket"), &format!("le=\"{bound}\""))
            .await;
        1.0 - below / self.metric(&format!("{name}_count"), "").await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn whole(response: Response<Incoming>) -> Reply {
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Reply {
        status: head.status,
        headers: head.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

/// Look again and again until there is something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Ask again and again until a metric has a value.
pub(crate) async fn until_metric(server: &Server, name: &str, label: &str, wanted: f64) {
    let start = Instant::now();
    while (server.metric(name, label).await - wanted).abs() > 1e-9 {
        assert!(start.elapsed() < PATIENCE, "{name} never became {wanted}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// So many words, none of which any other `own` has.
pub(crate) fn words(own: u32, count: u32) -> String {
    (0..count).fold(String::new(), |text, i| format!("{text}w{own}x{} ", i % 100))
}
