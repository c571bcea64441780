//! Every way out of the screen, with an engine of a few lines that notes what it is asked.

use crate::screen::Screen;
use llmdbenchmark::engine::{
    Command, Event, Mode, Record, Signal, State, StopMode, SweepOpened, TreatmentInfo,
};
use llmdbenchmark::experiment::RetryPolicy;
use llmdbenchmark::logs;
use llmdbenchmark::tui::{self, Session, ThemeChoice};
use std::fmt::Write as _;
use std::path::Path;
use tokio::sync::mpsc;

/// The program in the terminal.
pub(crate) async fn show(notes: &Path) -> String {
    let treatment = |name: &str| TreatmentInfo {
        name: name.to_owned(),
        levels: Vec::new(),
        fingerprint: name.to_owned(),
    };
    let opened = SweepOpened {
        sweep_id: "test".to_owned(),
        experiment: "in a terminal".to_owned(),
        platform: "local".to_owned(),
        simulated: false,
        harness: "builtin".to_owned(),
        profile: "none".to_owned(),
        parallelism: 1,
        policy: RetryPolicy::default(),
        stop_on_error: false,
        skip_teardown: false,
        setups: ["one", "two"].map(treatment).into(),
        runs: ["slow", "fast"].map(treatment).into(),
    };
    let mut state = State::default();
    let mut seq = 0;
    let mut record = move |event| {
        seq += 1;
        Record {
            seq,
            at: jiff::Timestamp::now(),
            event,
        }
    };
    state.apply(&record(Event::SweepOpened(Box::new(opened))));
    let (signals, receiver) = mpsc::channel(16);
    let (commands, mut asked) = mpsc::unbounded_channel();
    let notes = notes.to_owned();
    tokio::spawn(async move {
        let mut so_far = String::new();
        while let Some(command) = asked.recv().await {
            writeln!(so_far, "{command:?}").unwrap();
            std::fs::write(&notes, &so_far).unwrap();
            let event = match command {
                Command::Start => Event::ModeChanged {
                    mode: Mode::Running,
                    reason: "asked for".to_owned(),
                },
                // A clean end takes its time, so that the operator can lose patience.
                Command::Stop {
                    mode: StopMode::Graceful,
                } => Event::ModeChanged {
                    mode: Mode::Stopping(StopMode::Graceful),
                    reason: "asked for".to_owned(),
                },
                Command::Stop { .. } => Event::SweepEnded { stopped: true },
                _ => continue,
            };
            let ends = matches!(event, Event::SweepEnded { .. });
            let _ = signals.send(Signal::Recorded(record(event))).await;
            if ends {
                return;
            }
        }
    });
    let session = Session {
        instance: std::env::temp_dir(),
        state,
        signals: receiver,
        commands: Box::new(move |command| {
            assert!(command != Command::Pause, "a panic on the thread of the screen");
            let _ = commands.send(command);
        }),
        theme: ThemeChoice::Dark,
        app_log: logs::init(logs::Output::Screen).unwrap(),
        start: false,
        plans: None,
    };
    match tui::run(session).await {
        Ok(ended) => format!("{ended:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn leaving_gives_the_terminal_back() {
    let mut screen = Screen::start("ways out", "in a terminal");
    assert_ne!(screen.settings(), screen.settings_before(), "the terminal is raw");
    screen.keys("s");
    screen.wait_for("RUNNING");
    screen.keys("q");
    screen.wait_for("Stop now");
    screen.keys("f");
    screen.assert_given_back();
    screen.wait_for("the screen ended: Left");
    assert_eq!(screen.asked(), "Start\nStop { mode: Finish }\n");
}

#[test]
fn frames_are_synchronized_and_nothing_is_cleared_in_between() {
    let mut screen = Screen::start("ways out", "in a terminal");
    let first = screen.written().len();
    screen.keys("j");
    screen.wait_true("a frame", |screen| screen.written().len() > first);
    screen.keys("s");
    screen.wait_for("RUNNING");
    let seen = String::from_utf8_lossy(&screen.written()[first..]).into_owned();
    assert!(
        seen.contains("\u{1b}[?2026h") && seen.contains("\u{1b}[?2026l"),
        "{seen:?}"
    );
    assert!(!seen.contains("\u{1b}[2J"), "{seen:?}");
}

#[test]
fn a_first_signal_ends_cleanly_and_a_second_one_at_once() {
    for signal in [
        rustix::process::Signal::TERM,
        rustix::process::Signal::INT,
        rustix::process::Signal::HUP,
    ] {
        let mut screen = Screen::start("ways out", "in a terminal");
        screen.signal(signal);
        screen.until_asked("Stop { mode: Graceful }");
        screen.wait_for("STOPPING");
        screen.signal(signal);
        screen.assert_given_back();
        assert_eq!(screen.asked(), "Stop { mode: Graceful }\nStop { mode: Now }\n");
    }
}

#[test]
fn ctrl_c_asks_and_again_stops_now() {
    let mut screen = Screen::start("ways out", "in a terminal");
    screen.keys("s");
    screen.wait_for("RUNNING");
    screen.keys("\u{3}");
    screen.wait_for("Stop now");
    screen.keys("\u{3}");
    screen.assert_given_back();
    assert!(screen.asked().ends_with("Stop { mode: Now }\n"));
}

#[test]
fn a_terminal_that_hangs_up_ends_the_sweep_cleanly() {
    let mut screen = Screen::start("ways out", "in a terminal");
    screen.close();
    // The reader's copy of the terminal is the last; its thread ends when the program closes the other side, so the
    // hang-up has to be told.
    screen.signal(rustix::process::Signal::HUP);
    screen.until_asked("Stop { mode: Graceful }");
}

#[test]
fn a_panic_is_told_on_the_ordinary_screen() {
    let mut screen = Screen::start("ways out", "in a terminal");
    screen.keys("s");
    screen.wait_for("RUNNING");
    screen.keys("p");
    screen.assert_given_back();
    screen.wait_for("a panic on the thread of the screen");
}

#[test]
fn suspending_gives_the_terminal_to_the_shell_and_coming_back_paints_anew() {
    for by_key in [true, false] {
        let mut screen = Screen::start("ways out", "in a terminal");
        if by_key {
            screen.keys("\u{1a}");
        } else {
            screen.signal(rustix::process::Signal::TSTP);
        }
        screen.until_stopped();
        assert_eq!(screen.settings(), screen.settings_before(), "by key: {by_key}");
        screen.until_ordinary();
        screen.signal(rustix::process::Signal::CONT);
        screen.wait_for("in a terminal");
        screen.keys("s");
        screen.wait_for("RUNNING");
        screen.keys("qn");
        screen.assert_given_back();
    }
}

#[test]
fn a_resized_terminal_is_filled() {
    let mut screen = Screen::start("ways out", "in a terminal");
    screen.resize(120, 30);
    screen.wait_true("the whole width is used", |screen| {
        let contents = screen.screen();
        contents.lines().any(|line| line.chars().count() == 120)
    });
    screen.keys("q");
    screen.assert_given_back();
}
