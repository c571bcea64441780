//! A model server of a few lines that can misbehave.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What the server does with requests for completions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behaviour {
    /// Answers well.
    Answer,
    /// Answers with a status that is no success.
    Status(u16),
    /// Ends the stream cleanly in the middle of the answer.
    Truncate,
    /// Closes the connection in the middle of the answer.
    Break,
    /// Streams what is no JSON.
    Garbage,
    /// Reports an error inside the stream.
    ErrorEvent,
    /// A complete answer without text.
    NoText,
    /// Answers and fails in turns.
    EveryOther,
    /// Never answers.
    Hang,
    /// Answers so many, then never again.
    HangAfter(usize),
}

/// A running server. Its threads end with the test process.
pub(crate) struct Server {
    port: u16,
    seen: Arc<(Mutex<usize>, Condvar)>,
}

impl Server {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new((Mutex::new(0), Condvar::new()));
        let count = Arc::new(AtomicUsize::new(0));
        let told = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (told, count) = (Arc::clone(&told), Arc::clone(&count));
                std::thread::spawn(move || serve(stream, behaviour, &told, &count));
            }
        });
        Self { port, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Wait until so many completions were asked for.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        let (seen, changed) = &*self.seen;
        let guard = seen.lock().unwrap();
        let wait = changed.wait_timeout_while(guard, Duration::from_mins(1), |seen| *seen < count);
        assert!(
            !wait.unwrap().1.timed_out(),
            "no {count} requests within a minute"
        );
    }
}

fn serve(stream: TcpStream, behaviour: Behaviour, told: &(Mutex<usize>, Condvar), count: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    // Ends when the client closes the connection, or when a misbehaviour ends it.
    while let Some((line, body)) = read_request(&mut reader) {
        if line.starts_with("GET") {
            let models = r#"{"data":[{"id":"m"}]}"#;
            if respond(&mut stream, "200 OK", models).is_none() {
                return;
            }
            continue;
        }
        let number = count.fetch_add(1, Ordering::SeqCst);
        *told.0.lock().unwrap() += 1;
        told.1.notify_all();
        if complete(&mut stream, behaviour, number, &line, &body).is_none() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut first = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if first.is_empty() {
            first.clone_from(&line);
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, String::from_utf8(body).ok()?))
}

fn respond(stream: &mut TcpStream, status: &str, body: &str) -> Option<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .ok()
}

/// `None` ends the connection.
fn complete(
    stream: &mut TcpStream,
    behaviour: Behaviour,
    number: usize,
    line: &str,
    body: &str,
) -> Option<()> {
    let asked: serde_json::Value = serde_json::from_str(body).expect("the body is JSON");
    let prompt = asked["prompt"]
        .as_str()
        .or(asked["messages"][0]["content"].as_str())
        .expect("a prompt");
    let input = prompt.split(' ').count();
    let output = asked["max_tokens"].as_u64().expect("a length");
    let usage = format!(r#""usage":{{"prompt_tokens":{input},"completion_tokens":{output}}}"#);
    let behaviour = match behaviour {
        Behaviour::EveryOther if number % 2 == 1 => Behaviour::Status(500),
        Behaviour::HangAfter(answers) if number >= answers => Behaviour::Hang,
        Behaviour::EveryOther | Behaviour::HangAfter(_) => Behaviour::Answer,
        other => other,
    };
    match behaviour {
        Behaviour::Status(status) => return respond(stream, &format!("{status} No"), r#"{"error":"no"}"#),
        Behaviour::Hang => {
            // Until the client gives up.
            let _ = stream.read(&mut [0]);
            return None;
        }
        _ => {}
    }
    if asked["stream"] != true {
        let answer = format!(r#"{{"choices":[{{"text":" a b","finish_reason":"length"}}],{usage}}}"#);
        return respond(stream, "200 OK", &answer);
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    .ok()?;
    let token = if line.contains("chat") {
        r#"{"choices":[{"delta":{"content":" x"}}],"usage":null}"#
    } else {
        r#"{"choices":[{"text":" x","finish_reason":null}],"usage":null}"#
    };
    match behaviour {
        Behaviour::Garbage => event(stream, "{not json")?,
        Behaviour::ErrorEvent => event(stream, r#"{"error":{"message":"out of cache"}}"#)?,
        Behaviour::NoText => {}
        Behaviour::Truncate | Behaviour::Break => event(stream, token)?,
        _ => {
            for _ in 0..output {
                event(stream, token)?;
                std::thread::sleep(Duration::from_millis(1));
            }
            event(stream, &format!(r#"{{"choices":[],{usage}}}"#))?;
        }
    }
    match behaviour {
        Behaviour::Break => return None,
        Behaviour::Truncate => {}
        _ => event(stream, "[DONE]")?,
    }
    write!(stream, "0\r\n\r\n").ok()
}

fn event(stream: &mut TcpStream, data: &str) -> Option<()> {
    let event = format!("data: {data}\n\n");
    write!(stream, "{:x}\r\n{event}\r\n", event.len()).ok()
}
