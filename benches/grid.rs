//! Drawing the screen at 200 × 60: how long a frame takes for a hundred cells and for a million, and how long it takes
//! to take in a record and a key; the same for the plan of a row with a file of a hundred lines and of many more.
//!
//! What counts is the ratio to the hundred cells, or lines, of the same run: it must stay near 1, on a slow machine as well.

#![allow(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

mod support;

use criterion::{BenchmarkId, Criterion};
use llmdbenchmark::engine::{
    Event, Mode, Outcome, Record, Signal, State, SweepOpened, TreatmentInfo, Vitals,
};
use llmdbenchmark::experiment::{CellId, Level, RetryPolicy};
use llmdbenchmark::tui::keys::Key;
use llmdbenchmark::tui::model::Model;
use llmdbenchmark::tui::plans::{Answer, Found, PlanFile, PlanView, StackView};
use llmdbenchmark::tui::update::{Msg, update};
use llmdbenchmark::tui::{Theme, view};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use support::{Bars, finish, percentiles, timed};

const SIZE: (u16, u16) = (200, 60);
/// Rows and columns; the first is the baseline.
const DESIGNS: [(u32, u32); 5] = [(10, 10), (10, 100), (100, 100), (100, 1000), (1000, 1000)];
/// Frames that are measured for the table.
const FRAMES: usize = 300;
/// A frame may take this many times the baseline's.
const FLAT: f64 = 1.5;

fn treatments(count: u32, factors: [&str; 2]) -> Vec<TreatmentInfo> {
    let treatment = |index: u32| TreatmentInfo {
        name: format!("treatment{index}"),
        levels: factors
            .iter()
            .map(|factor| Level {
                factor: (*factor).to_owned(),
                value: index.to_string(),
            })
            .collect(),
        fingerprint: index.to_string(),
    };
    (0..count).map(treatment).collect()
}

/// A running sweep in which every seventh cell of the first rows has ended.
fn model((rows, columns): (u32, u32)) -> Model {
    let mut state = State::default();
    let mut seq = 0_u64;
    let mut tell = |state: &mut State, event| {
        seq += 1;
        state.apply(&Record {
            seq,
            at: jiff::Timestamp::from_second(1_800_000_000 + seq.cast_signed()).unwrap(),
            event,
        });
    };
    let opened = SweepOpened {
        sweep_id: "bench".to_owned(),
        experiment: "a large design".to_owned(),
        platform: "local".to_owned(),
        simulated: true,
        harness: "builtin".to_owned(),
        profile: "random".to_owned(),
        parallelism: 1,
        policy: RetryPolicy::default(),
        stop_on_error: false,
        skip_teardown: false,
        setups: treatments(rows, ["decode.replicas", "decode.parallelism.tensor"]),
        runs: treatments(columns, ["max-concurrency", "num-prompts"]),
    };
    tell(&mut state, Event::SweepOpened(Box::new(opened)));
    tell(
        &mut state,
        Event::ModeChanged {
            mode: Mode::Running,
            reason: String::new(),
        },
    );
    for index in (0..rows.min(50) * columns.min(50)).step_by(7) {
        let cell = CellId::new(index / columns.min(50), index % columns.min(50));
        tell(&mut state, started(cell));
        tell(&mut state, ended(cell));
    }
    let now = state.updated_at.unwrap();
    Model::new("/sweeps/bench".into(), state, Theme::dark(), SIZE, now)
}

fn started(cell: CellId) -> Event {
    Event::AttemptStarted {
        cell,
        attempt: 1,
        generation: 1,
        experiment_id: format!("bench-{cell}"),
    }
}

fn ended(cell: CellId) -> Event {
    Event::AttemptEnded {
        cell,
        attempt: 1,
        outcome: Outcome::Succeeded {
            vitals: Vitals([("ttft_p50_ms".to_owned(), 12.5)].into()),
        },
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    let mut bars = Bars::default();
    let mut baseline = None;
    let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
    for design in DESIGNS {
        let cells = design.0 * design.1;
        let mut model = model(design);
        criterion.benchmark_group("frame").bench_with_input(
            BenchmarkId::from_parameter(cells),
            &model,
            |bench, model| {
                bench.iter(|| view::draw(black_box(model), &mut buffer));
            },
        );
        let frames = (0..FRAMES).map(|_| timed(|| view::draw(black_box(&model), &mut buffer)).1);
        let (frame, _) = percentiles(frames.collect());
        bars.timed(format!("frame of {cells} cells, p50"), frame, 1.0, "ms");
        let (key, _) = percentiles((0..FRAMES).map(|index| press(&mut model, index)).collect());
        let (record, _) = percentiles((0..FRAMES).map(|index| take_record(&mut model, index)).collect());
        let (frame_before, key_before, record_before) = *baseline.get_or_insert((frame, key, record));
        bars.timed(
            format!("  times that of {} cells", 100),
            frame / frame_before,
            FLAT,
            "×",
        );
        bars.timed("  key, times", key / key_before, FLAT, "×");
        bars.timed("  record, times", record / record_before, FLAT, "×");
    }
    plans(&mut bars, &mut buffer);
    criterion.final_summary();
    finish(&bars);
}

/// A plan that is one file, open on the screen.
fn plan(text: String) -> Model {
    let mut model = model((2, 2)).with_plans();
    let file = PlanFile {
        name: "file.yaml".to_owned(),
        origin: String::new(),
        text: text.into(),
    };
    let stack = StackView {
        files: vec![file],
        ..StackView::default()
    };
    let view = PlanView {
        stacks: vec![stack],
        ..PlanView::default()
    };
    update(&mut model, Msg::Key(Key::Char('y')));
    let result = Ok(Found::Plan(Arc::new(view)));
    update(&mut model, Msg::Plan(Answer { id: 1, result }));
    update(&mut model, Msg::Key(Key::Char(']')));
    update(&mut model, Msg::Key(Key::Enter));
    model
}

/// Frames and keys in the plan of a row, of files up to the largest that are made.
fn plans(bars: &mut Bars, buffer: &mut Buffer) {
    let line = "      image: \"ghcr.io/llm-d/llm-d-cuda:v0.4.0\"  # as the defaults say\n";
    let files = [
        ("100 lines", line.repeat(100)),
        ("100,000 lines", line.repeat(100_000)),
        ("one line of 4 MiB", "x: \"é\" ".repeat((4 << 20) / 8)),
    ];
    let mut baseline = None;
    for (name, text) in files {
        let mut model = plan(text);
        let frames = (0..FRAMES).map(|_| timed(|| view::draw(black_box(&model), buffer)).1);
        let (frame, _) = percentiles(frames.collect());
        bars.timed(format!("frame of a file of {name}, p50"), frame, 1.0, "ms");
        let (key, _) = percentiles((0..FRAMES).map(|index| press(&mut model, index)).collect());
        let (frame_before, key_before) = *baseline.get_or_insert((frame, key));
        bars.timed("  times that of 100 lines", frame / frame_before, FLAT, "×");
        bars.timed("  key, times", key / key_before, FLAT, "×");
    }
}

fn press(model: &mut Model, index: usize) -> Duration {
    let key = if index.is_multiple_of(2) {
        Key::Down
    } else {
        Key::Up
    };
    timed(|| update(model, Msg::Key(key))).1
}

fn take_record(model: &mut Model, index: usize) -> Duration {
    let cell = CellId::new(0, 1);
    let event = if index.is_multiple_of(2) {
        started(cell)
    } else {
        ended(cell)
    };
    let record = Record {
        seq: 1_000_000 + index as u64,
        at: jiff::Timestamp::from_second(1_900_000_000 + (index as u64).cast_signed()).unwrap(),
        event,
    };
    timed(|| update(model, Msg::Engine(Signal::Recorded(record)))).1
}
