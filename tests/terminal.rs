//! The screen in a real pseudo-terminal, with an engine made of a few lines: what is left of the terminal on every way
//! out, and what is asked of the engine on the way.
//!
//! The program in the terminal is this test binary itself, in the role of [`child`].

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use llmdbenchmark::engine::{
    Command, Event, Mode, Record, Signal, State, StopMode, SweepOpened, TreatmentInfo,
};
use llmdbenchmark::experiment::RetryPolicy;
use llmdbenchmark::logs;
use llmdbenchmark::tui::{self, Session, ThemeChoice};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, kill_process};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Says to the binary that it is the program in the terminal, and where to note what it is asked.
const ROLE: &str = "LLMDBENCHMARK_TEST_SCREEN";
/// After this long something is broken, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(30);
const SIZE: PtySize = PtySize {
    rows: 24,
    cols: 90,
    pixel_width: 0,
    pixel_height: 0,
};

/// Not a test of its own: the program that the tests start in a terminal.
#[test]
fn child() {
    let Some(notes) = std::env::var_os(ROLE).map(PathBuf::from) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ended = runtime.block_on(show(&notes));
    println!("the screen ended: {ended}");
}

async fn show(notes: &Path) -> String {
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
    };
    match tui::run(session).await {
        Ok(ended) => format!("{ended:?}"),
        Err(error) => error.to_string(),
    }
}

struct Screen {
    child: Box<dyn Child + Send + Sync>,
    terminal: Option<Box<dyn MasterPty + Send>>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
    picture: vt100::Parser,
    folder: tempfile::TempDir,
    /// The terminal's settings before the program took it.
    before: String,
}

impl Screen {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let before = settings(pair.master.as_ref());
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--nocapture", "--test-threads=1"]);
        command.env(ROLE, folder.path().join("asked"));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("RUST_BACKTRACE", "0");
        let child = pair.slave.spawn_command(command).unwrap();
        let mut screen = Self {
            child,
            terminal: Some(pair.master),
            keyboard,
            output,
            seen: Vec::new(),
            picture: vt100::Parser::new(24.try_into().unwrap(), 90.try_into().unwrap(), 0),
            folder,
            before,
        };
        screen.until("in a terminal");
        screen
    }

    fn read(&mut self) {
        if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(5)) {
            self.picture.process(&bytes);
            self.seen.extend(bytes);
        }
    }

    fn until_true(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            self.read();
            assert!(
                Instant::now() < deadline,
                "never came about: {what}; on screen:\n{}",
                self.picture.screen().contents()
            );
        }
    }

    fn until(&mut self, text: &str) {
        self.until_true(text, |screen| screen.picture.screen().contents().contains(text));
    }

    fn until_asked(&mut self, command: &str) {
        self.until_true(command, |screen| screen.asked().contains(command));
    }

    fn asked(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("asked")).unwrap_or_default()
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, signal: rustix::process::Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.process_id().unwrap().cast_signed()).unwrap()
    }

    fn settings(&self) -> String {
        settings(self.terminal.as_deref().unwrap())
    }

    /// Whether the kernel has stopped the process.
    fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The program is gone, and has left the terminal as it found it.
    fn assert_given_back(&mut self) {
        self.until_true("the program ends", Self::has_ended);
        assert_eq!(self.settings(), self.before);
        self.until_true("the ordinary screen", |screen| {
            !screen.picture.screen().alternate_screen()
        });
        let picture = self.picture.screen();
        assert!(!picture.hide_cursor(), "the cursor is visible");
        assert!(!picture.bracketed_paste(), "pasting is as it was");
        assert_eq!(picture.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn settings(terminal: &dyn MasterPty) -> String {
    format!("{:?}", terminal.get_termios())
}

#[test]
fn leaving_gives_the_terminal_back() {
    let mut screen = Screen::start();
    assert_ne!(screen.settings(), screen.before, "the terminal is raw");
    screen.press("s");
    screen.until("RUNNING");
    screen.press("q");
    screen.until("Stop now");
    screen.press("f");
    screen.assert_given_back();
    screen.until("the screen ended: Left");
    assert_eq!(screen.asked(), "Start\nStop { mode: Finish }\n");
}

#[test]
fn frames_are_synchronized_and_nothing_is_cleared_in_between() {
    let mut screen = Screen::start();
    let first = screen.seen.len();
    screen.press("j");
    screen.until_true("a frame", |screen| screen.seen.len() > first);
    screen.press("s");
    screen.until("RUNNING");
    let seen = String::from_utf8_lossy(&screen.seen[first..]).into_owned();
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
        let mut screen = Screen::start();
        screen.signal(signal);
        screen.until_asked("Stop { mode: Graceful }");
        screen.until("STOPPING");
        screen.signal(signal);
        screen.assert_given_back();
        assert_eq!(screen.asked(), "Stop { mode: Graceful }\nStop { mode: Now }\n");
    }
}

#[test]
fn ctrl_c_asks_and_again_stops_now() {
    let mut screen = Screen::start();
    screen.press("s");
    screen.until("RUNNING");
    screen.press("\u{3}");
    screen.until("Stop now");
    screen.press("\u{3}");
    screen.assert_given_back();
    assert!(screen.asked().ends_with("Stop { mode: Now }\n"));
}

#[test]
fn a_terminal_that_hangs_up_ends_the_sweep_cleanly() {
    let mut screen = Screen::start();
    screen.terminal = None;
    screen.keyboard = Box::new(std::io::sink());
    // The reader's copy of the terminal is the last; its thread ends when the program closes the other side, so the
    // hang-up has to be told.
    screen.signal(rustix::process::Signal::HUP);
    screen.until_asked("Stop { mode: Graceful }");
}

#[test]
fn a_panic_is_told_on_the_ordinary_screen() {
    let mut screen = Screen::start();
    screen.press("s");
    screen.until("RUNNING");
    screen.press("p");
    screen.assert_given_back();
    screen.until("a panic on the thread of the screen");
}

#[test]
fn suspending_gives_the_terminal_to_the_shell_and_coming_back_paints_anew() {
    for by_key in [true, false] {
        let mut screen = Screen::start();
        if by_key {
            screen.press("\u{1a}");
        } else {
            screen.signal(rustix::process::Signal::TSTP);
        }
        screen.until_true("the program stops", |screen| screen.is_stopped());
        assert_eq!(screen.settings(), screen.before, "by key: {by_key}");
        screen.until_true("the ordinary screen", |screen| {
            !screen.picture.screen().alternate_screen()
        });
        screen.signal(rustix::process::Signal::CONT);
        screen.until("in a terminal");
        screen.press("s");
        screen.until("RUNNING");
        screen.press("qn");
        screen.assert_given_back();
    }
}

#[test]
fn a_resized_terminal_is_filled() {
    let mut screen = Screen::start();
    let larger = PtySize {
        rows: 30,
        cols: 120,
        ..SIZE
    };
    screen
        .picture
        .screen_mut()
        .set_size(30.try_into().unwrap(), 120.try_into().unwrap());
    screen.terminal.as_ref().unwrap().resize(larger).unwrap();
    screen.until_true("the whole width is used", |screen| {
        let contents = screen.picture.screen().contents();
        contents.lines().any(|line| line.chars().count() == 120)
    });
    screen.press("q");
    screen.assert_given_back();
}
