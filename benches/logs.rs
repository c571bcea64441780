//! A million log lines through the store and the view: memory stays flat, any line is found at once.
//!
//! First the whole way (a file that grows, the reader thread, the pane, drawing) with its memory, against bars; then
//! the parts under criterion. Exits with 1 when memory grows beyond its bar, or a time is more than twice its bar.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench stops at the first surprise: figures after it would mean nothing"
)]

mod support;

use criterion::{Criterion, Throughput};
use llmdbenchmark::engine::Scope;
use llmdbenchmark::experiment::CellId;
use llmdbenchmark::logs::{Direction, LogFile, Pattern, Reader, Request, Scan, Source, Update};
use llmdbenchmark::tui::Theme;
use llmdbenchmark::tui::logpane::{self, Act, LogPane, Subject};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use support::{Bars, percentiles, resident_kib, timed};
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;

const LINES: u64 = 1_000_000;
const BATCH: u64 = 20_000;
const SCREEN: Rect = Rect::new(0, 0, 200, 60);

fn write_lines(file: &mut impl Write, lines: std::ops::Range<u64>) {
    for line in lines {
        writeln!(
            file,
            "2026-11-24T16:{:02}:{:02}.{:03}Z INFO worker-{} request {line} done: 128 tokens in {} ms",
            line / 60_000 % 60,
            line / 1000 % 60,
            line % 1000,
            line % 64,
            line * 7919 % 900,
        )
        .expect("a temporary file can be written");
    }
}

/// A pane on a log, as the screen has it.
struct Screen {
    pane: LogPane,
    reader: Reader,
    updates: Receiver<Update>,
    buffer: Buffer,
    frames: Vec<Duration>,
}

impl Screen {
    fn open(path: &Path) -> Self {
        let (reader, updates) = Reader::start().expect("a thread can be started");
        let mut pane = LogPane::default();
        pane.resize(logpane::text_size(SCREEN, false));
        let requests = pane.show(Subject {
            scope: Scope::Attempt {
                cell: CellId::new(0, 0),
                attempt: 1,
            },
            title: "1×1".to_owned(),
            sources: vec![Source {
                name: "harness 1".to_owned(),
                path: path.to_owned(),
            }],
            ended: false,
        });
        ask(&reader, requests);
        Self {
            pane,
            reader,
            updates,
            buffer: Buffer::empty(SCREEN),
            frames: Vec::new(),
        }
    }

    /// Take in updates and draw each change, until the screen shows a text.
    fn until_shown(&mut self, text: &str) -> Duration {
        let start = Instant::now();
        while !self.shows(text) {
            match self.updates.try_recv() {
                Ok(update) => {
                    let requests = self.pane.update(update);
                    ask(&self.reader, requests);
                    self.draw();
                }
                Err(TryRecvError::Empty) => std::thread::sleep(Duration::from_micros(50)),
                Err(TryRecvError::Disconnected) => panic!("the log reader ended"),
            }
            assert!(
                start.elapsed() < Duration::from_mins(1),
                "`{text}` does not appear"
            );
        }
        start.elapsed()
    }

    fn act(&mut self, act: Act) {
        let requests = self.pane.act(act);
        ask(&self.reader, requests);
        self.draw();
    }

    fn draw(&mut self) {
        let ((), took) =
            timed(|| logpane::draw(&self.pane, SCREEN, true, false, &Theme::dark(), &mut self.buffer));
        self.frames.push(took);
    }

    fn shows(&self, text: &str) -> bool {
        let width = usize::from(SCREEN.width);
        self.buffer.content.chunks(width).any(|row| {
            let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            line.contains(text)
        })
    }
}

fn ask(reader: &Reader, requests: Vec<Request>) {
    for request in requests {
        reader.ask(request);
    }
}

/// The whole way, with bars.
fn whole_way(path: &Path, bars: &mut Bars) {
    let mut file = BufWriter::new(std::fs::File::create(path).expect("a temporary file can be made"));
    let mut screen = Screen::open(path);
    screen.until_shown("empty so far");
    let before = resident_kib("self");
    let start = Instant::now();
    for first in (0..LINES).step_by(BATCH as usize) {
        write_lines(&mut file, first..first + BATCH);
        file.flush().expect("a temporary file can be written");
    }
    screen.until_shown(&format!("request {} done", LINES - 1));
    let took = start.elapsed().as_secs_f64();
    screen.act(Act::Top);
    let to_top = screen.until_shown("request 0 done");
    for _ in 0..500 {
        screen.act(Act::PageDown);
    }
    screen.act(Act::Search);
    for char in "request 500000 ".chars() {
        let requests = screen.pane.key(key(char));
        ask(&screen.reader, requests);
    }
    screen.until_shown("request 500000 done");
    let growth = (resident_kib("self") - before) / 1024.0;
    bars.exact("memory growth over a million lines", growth, 64.0, "MiB");
    bars.timed("a million lines written, followed, drawn", took, 5.0, "s");
    bars.timed(
        "first line shown after `g`",
        to_top.as_secs_f64() * 1e3,
        16.0,
        "ms",
    );
    let (p50, p99) = percentiles(std::mem::take(&mut screen.frames));
    bars.timed("frame p50 at 200×60", p50, 1.0, "ms");
    bars.timed("frame p99 at 200×60", p99, 4.0, "ms");
}

fn key(char: char) -> llmdbenchmark::tui::keys::Key {
    match char {
        ' ' => llmdbenchmark::tui::keys::Key::Space,
        _ => llmdbenchmark::tui::keys::Key::Char(char),
    }
}

/// The first match, stepping as the reader does.
fn first_match(log: &LogFile, pattern: &Pattern, mut from: u64, direction: Direction) -> Option<u64> {
    loop {
        match log
            .scan(pattern, from, direction)
            .expect("a temporary file can be read")
        {
            Scan::Hit(row) => return Some(row),
            Scan::Continue(next) => from = next,
            Scan::End => return None,
        }
    }
}

const SEARCHES: [(&str, &str, u64, Direction); 5] = [
    ("a word at the end", "999999", 0, Direction::Forward),
    (
        "a line at the end, half of it in every line",
        "request 999999 done",
        0,
        Direction::Forward,
    ),
    (
        "an expression in the middle",
        r"worker-3\d request 5\d\d001 ",
        0,
        Direction::Forward,
    ),
    (
        "the same at the start, backward",
        "request 17 done",
        LINES,
        Direction::Backward,
    ),
    (
        "an error, of which there is none",
        llmdbenchmark::logs::DEFAULT_ERROR_PATTERN,
        0,
        Direction::Forward,
    ),
];

fn searches(log: &LogFile, bars: &mut Bars) {
    for (name, pattern, from, direction) in SEARCHES {
        let pattern = Pattern::new(pattern).expect("the pattern is valid");
        let samples = (0..9).map(|_| timed(|| first_match(log, &pattern, from, direction)).1);
        let (p50, _) = percentiles(samples.collect());
        bars.timed(format!("search: {name}"), p50, 50.0, "ms");
    }
}

fn parts(path: &Path, criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("logs");
    let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    group.sample_size(10).throughput(Throughput::Bytes(bytes));
    group.bench_function("index a million lines", |bencher| bencher.iter(|| opened(path)));
    group.throughput(Throughput::Elements(1)).sample_size(50);
    let log = opened(path);
    group.bench_function("read a screen from the middle", |bencher| {
        bencher.iter(|| {
            black_box(log.read(LINES / 2 + 513, 60, 8192))
                .map(|lines| lines.len())
                .unwrap_or_default()
        });
    });
    group.bench_function("sanitize a coloured line", |bencher| {
        bencher.iter(|| {
            llmdbenchmark::logs::sanitize(black_box(
                b"\x1b[32mINFO\x1b[0m\trequest 1 done: 128 tokens in 17 ms",
            ))
        });
    });
    group.finish();
}

fn opened(path: &Path) -> LogFile {
    let mut log = LogFile::new(path);
    log.poll(u64::MAX).expect("a temporary file can be read");
    log
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path: PathBuf = folder.path().join("stdout.log");
    let mut bars = Bars::default();
    whole_way(&path, &mut bars);
    searches(&opened(&path), &mut bars);
    let passed = bars.report();
    let mut criterion = Criterion::default().configure_from_args();
    parts(&path, &mut criterion);
    criterion.final_summary();
    if !passed {
        std::process::exit(1);
    }
}
