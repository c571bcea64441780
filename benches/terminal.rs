//! The release binary in a real pseudo-terminal, as an operator meets it: time to the first frame, time from a key to
//! the first painted byte, memory at start, and rest when nothing happens.
//!
//! Times are shown beside those of a program that does nearly nothing in the same kind of terminal in the same run, so
//! that a slow machine can be told from a slow program. Exits with 1 when a time is more than twice its bar, or memory
//! or wake-ups are beyond theirs.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench stops at the first surprise: figures after it would mean nothing"
)]

mod support;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use support::{Bars, finish, percentiles, resident_kib, wake_ups};

const SIZE: PtySize = PtySize {
    rows: 60,
    cols: 200,
    pixel_width: 0,
    pixel_height: 0,
};
/// Starts that are measured.
const STARTS: usize = 15;
/// Keys that are measured.
const KEYS: usize = 200;
/// How long the program is watched doing nothing.
const REST: Duration = Duration::from_secs(5);
/// When nothing was painted for so long, a frame is complete.
const QUIET: Duration = Duration::from_millis(30);
/// After this long something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program in a terminal.
struct Session {
    child: Box<dyn Child + Send + Sync>,
    /// Kept open: closing it hangs up.
    _terminal: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    screen: vt100::Parser,
    started: Instant,
}

impl Session {
    fn start(mut command: CommandBuilder) -> Self {
        let pair = native_pty_system()
            .openpty(SIZE)
            .expect("a pseudo-terminal can be opened");
        let mut reader = pair.master.try_clone_reader().expect("the terminal can be read");
        let keyboard = pair.master.take_writer().expect("the terminal can be written");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                let bytes = buffer.get(..read).unwrap_or_default().to_vec();
                if sender.send((Instant::now(), bytes)).is_err() {
                    break;
                }
            }
        });
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        let rows = NonZero::new(SIZE.rows).expect("the terminal has lines");
        let columns = NonZero::new(SIZE.cols).expect("the terminal has columns");
        let started = Instant::now();
        let child = pair
            .slave
            .spawn_command(command)
            .expect("the program can be started");
        Self {
            child,
            _terminal: pair.master,
            keyboard,
            output,
            screen: vt100::Parser::new(rows, columns, 0),
            started,
        }
    }

    /// Wait for output; when it came.
    fn next_output(&mut self, patience: Duration) -> Option<Instant> {
        let (at, bytes) = self.output.recv_timeout(patience).ok()?;
        self.screen.process(&bytes);
        Some(at)
    }

    /// When the first text was on the screen, since the start.
    fn first_text(&mut self) -> Duration {
        loop {
            let at = self.next_output(PATIENCE).expect("the program draws something");
            if !self.screen.screen().contents().trim().is_empty() {
                return at - self.started;
            }
        }
    }

    fn settle(&mut self) {
        while self.next_output(QUIET).is_some() {}
    }

    fn type_key(&mut self, key: &[u8]) -> Instant {
        let at = Instant::now();
        self.keyboard.write_all(key).expect("the terminal takes keys");
        at
    }

    fn pid(&self) -> String {
        self.child.process_id().expect("the program runs").to_string()
    }

    fn end(mut self) {
        self.child.kill().expect("the program can be ended");
        self.child.wait().expect("the program ends");
    }
}

fn program(workspace: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_llmdbenchmark"));
    command.args([
        "experiment",
        "--spec",
        "local",
        "--experiments",
        "quickstart",
        "--workspace",
    ]);
    command.arg(workspace);
    command.cwd(workspace);
    command
}

/// The least a program can do in a terminal.
fn baseline() -> Vec<Duration> {
    let first_text = |_| {
        let mut command = CommandBuilder::new("echo");
        command.arg("text");
        let mut session = Session::start(command);
        let took = session.first_text();
        session.child.wait().expect("the program ends");
        took
    };
    (0..STARTS).map(first_text).collect()
}

fn first_frames() -> Vec<Duration> {
    let first_text = |_| {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut session = Session::start(program(folder.path()));
        let took = session.first_text();
        session.settle();
        session.end();
        took
    };
    (0..STARTS).map(first_text).collect()
}

/// From a key to the first painted byte.
fn key_latency(session: &mut Session) -> Vec<Duration> {
    let mut samples = Vec::new();
    for index in 0..KEYS {
        // There and back, so that each key changes the screen.
        let key: &[u8] = if index % 2 == 0 { b"j" } else { b"k" };
        let pressed = session.type_key(key);
        let painted = session.next_output(PATIENCE).expect("a key changes the screen");
        samples.push(painted.saturating_duration_since(pressed));
        session.settle();
    }
    samples
}

fn main() {
    let mut bars = Bars::default();
    let (nothing, _) = percentiles(baseline());
    let (frame, slow_frame) = percentiles(first_frames());
    bars.timed("first frame after exec, p50", frame, 30.0, "ms");
    bars.timed("first frame after exec, p99", slow_frame, 60.0, "ms");
    bars.timed(
        "first frame, times that of `echo`",
        frame / nothing.max(0.1),
        30.0,
        "×",
    );

    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut session = Session::start(program(folder.path()));
    session.first_text();
    session.settle();
    bars.exact(
        "resident memory at start",
        resident_kib(&session.pid()) / 1024.0,
        25.0,
        "MiB",
    );
    let (p50, p99) = percentiles(key_latency(&mut session));
    bars.timed("key to first painted byte, p50", p50, 2.0, "ms");
    bars.timed("key to first painted byte, p99", p99, 16.0, "ms");
    let before = wake_ups(&session.pid());
    std::thread::sleep(REST);
    let woken = wake_ups(&session.pid()) - before;
    bars.exact(
        format!("wake-ups in {} s at rest", REST.as_secs()),
        woken,
        0.0,
        "",
    );
    assert!(
        session.next_output(Duration::ZERO).is_none(),
        "something was drawn at rest"
    );
    session.end();
    finish(&bars);
}
