//! The pane with a real reader and real files: keys in, what is on screen out.

use super::*;
use crate::engine::Scope;
use crate::experiment::CellId;
use crate::logs::{Reader, Request, Source, Update};
use crate::tui::keys::Key;
use crate::tui::theme::Theme;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

struct Screen {
    pane: LogPane,
    reader: Reader,
    updates: mpsc::Receiver<Update>,
    folder: tempfile::TempDir,
    area: Rect,
    full: bool,
}

impl Screen {
    fn new(width: u16, height: u16) -> Self {
        let (reader, updates) = Reader::start().unwrap();
        let mut screen = Self {
            pane: LogPane::default(),
            reader,
            updates,
            folder: tempfile::tempdir().unwrap(),
            area: Rect::new(0, 0, width, height),
            full: false,
        };
        screen.resize(width, height);
        screen
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn ask(&mut self, requests: Vec<Request>) {
        for request in requests {
            self.reader.ask(request);
        }
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.area = Rect::new(0, 0, width, height);
        let requests = self.pane.resize(text_size(self.area, self.full));
        self.ask(requests);
    }

    fn show(&mut self, files: &[&str], ended: bool) {
        let sources = files.iter().map(|name| Source {
            name: (*name).to_owned(),
            path: self.path(name),
        });
        let subject = Subject {
            scope: Scope::Attempt {
                cell: CellId::new(0, 2),
                attempt: 1,
            },
            title: "1×3 attempt 1".to_owned(),
            sources: sources.collect(),
            ended,
        };
        let requests = self.pane.show(subject);
        self.ask(requests);
    }

    fn act(&mut self, act: Act) {
        let requests = self.pane.act(act);
        self.ask(requests);
    }

    fn type_text(&mut self, text: &str) {
        for char in text.chars() {
            self.key(Key::Char(char));
        }
    }

    fn key(&mut self, key: Key) {
        let requests = self.pane.key(key);
        self.ask(requests);
    }

    /// Take in updates until the screen looks as wanted.
    fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        self.wait(|screen| Some(screen.text()).filter(|text| wanted(text)))
    }

    fn until_pane(&mut self, wanted: impl Fn(&LogPane) -> bool) {
        self.wait(|screen| wanted(&screen.pane).then_some(()));
    }

    fn wait<T>(&mut self, wanted: impl Fn(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(seen) = wanted(self) {
                return seen;
            }
            match self.updates.try_recv() {
                Ok(update) => {
                    let requests = self.pane.update(update);
                    self.ask(requests);
                }
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
            assert!(
                Instant::now() < deadline,
                "not seen in time on this screen:\n{}",
                self.text()
            );
        }
    }

    fn buffer(&self) -> Buffer {
        let mut buffer = Buffer::empty(self.area);
        draw(
            &self.pane,
            self.area,
            true,
            self.full,
            &Theme::dark(),
            &mut buffer,
        );
        buffer
    }

    fn text(&self) -> String {
        let buffer = self.buffer();
        let mut text = String::new();
        for y in 0..self.area.height {
            let line: String = (0..self.area.width).map(|x| buffer[(x, y)].symbol()).collect();
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn numbered(lines: std::ops::Range<u32>) -> String {
    let mut text = String::new();
    for line in lines {
        writeln!(text, "line {line}").unwrap();
    }
    text
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, text) });
}

#[test]
fn the_tail_is_followed_until_the_operator_scrolls() {
    let mut screen = Screen::new(60, 8);
    screen.write("log", &numbered(0..100));
    screen.show(&["log"], false);
    screen.until(|text| text.contains("line 99") && text.contains("following"));
    screen.write("log", &numbered(100..103));
    screen.until(|text| text.contains("line 102"));
    screen.act(Act::Up);
    screen.write("log", &numbered(103..110));
    let text = screen.until(|text| text.contains("7 new lines"));
    assert!(text.contains("line 101") && !text.contains("line 102"), "{text}");
    screen.act(Act::Tail);
    screen.until(|text| text.contains("line 109") && text.contains("following"));
}

#[test]
fn scrolling_down_to_the_end_follows_again() {
    let mut screen = Screen::new(60, 8);
    screen.write("log", &numbered(0..20));
    screen.show(&["log"], false);
    screen.until(|text| text.contains("line 19"));
    screen.act(Act::PageUp);
    screen.until(|text| text.contains("paused") && text.contains("line 11"));
    screen.act(Act::PageDown);
    screen.act(Act::PageDown);
    screen.until(|text| text.contains("following") && text.contains("line 19"));
}

#[test]
fn any_line_of_a_long_log_is_reached_and_come_back_from() {
    let mut screen = Screen::new(60, 10);
    screen.write("log", &numbered(0..50_000));
    screen.show(&["log"], true);
    screen.until(|text| text.contains("line 49999") && text.contains("ended"));
    screen.act(Act::Top);
    screen.until(|text| text.contains("line 0") && text.contains("1–7 of 50,000 lines"));
    for _ in 0..30 {
        screen.act(Act::PageDown);
        screen.until(|_| true);
    }
    screen.until(|text| text.contains("181–187 of"));
    for _ in 0..180 {
        screen.act(Act::Up);
    }
    screen.until(|text| text.contains("1–7 of 50,000 lines"));
}

#[test]
fn searching_as_it_is_typed_and_going_on() {
    let mut screen = Screen::new(60, 10);
    screen.write("log", &numbered(0..3000));
    screen.show(&["log"], true);
    screen.until(|text| text.contains("line 2999"));
    screen.act(Act::Search);
    screen.type_text("e 17[0-9]$");
    screen.until(|text| text.contains("line 179") && text.contains("/e 17[0-9]$"));
    assert!(screen.pane.is_typing());
    screen.key(Key::Enter);
    assert!(!screen.pane.is_typing());
    screen.act(Act::NextMatch);
    screen.until(|text| {
        text.contains("line 170\n") || text.contains("line 170 ") || text.contains("line 170│")
    });
    screen.until(|text| text.contains("other end"));
    screen.act(Act::PreviousMatch);
    screen.until(|text| text.contains("line 179") && text.contains("other end"));
    screen.act(Act::ClearSearch);
    assert!(!screen.text().contains("/e"));
}

#[test]
fn a_search_that_is_given_up_leaves_no_trace() {
    let mut screen = Screen::new(60, 10);
    screen.write("log", &numbered(0..3000));
    screen.show(&["log"], false);
    let before = screen.until(|text| text.contains("line 2999"));
    screen.act(Act::Search);
    screen.type_text("line 5");
    screen.until(|text| text.contains("line 599"));
    screen.key(Key::Esc);
    assert_eq!(screen.until(|text| text.contains("line 2999")), before);
}

#[test]
fn what_is_not_there_is_said() {
    let mut screen = Screen::new(80, 6);
    screen.write("log", &numbered(0..10));
    screen.show(&["log"], true);
    screen.until(|text| text.contains("line 9"));
    screen.act(Act::NextError);
    screen.until(|text| text.contains("no line looks like an error"));
    screen.act(Act::Search);
    screen.type_text("nowhere");
    screen.until(|text| text.contains("no match for nowhere"));
}

#[test]
fn errors_are_jumped_to() {
    let mut screen = Screen::new(80, 8);
    screen.write("log", &numbered(0..500));
    screen.write(
        "log",
        "Traceback (most recent call last):\nValueError: bad rate\n",
    );
    screen.write("log", &numbered(500..1000));
    screen.show(&["log"], true);
    screen.until(|text| text.contains("line 999"));
    screen.act(Act::PreviousError);
    screen.until(|text| text.contains("ValueError"));
    screen.act(Act::PreviousError);
    screen.until_pane(|pane| pane.mark == Some(500));
    assert!(screen.text().contains("Traceback"));
    screen.act(Act::Tail);
    screen.until(|text| text.contains("line 999"));
    screen.act(Act::NextError);
    screen.until(|text| text.contains("Traceback") && text.contains("other end"));
}

#[test]
fn each_tab_keeps_its_place() {
    let mut screen = Screen::new(80, 8);
    screen.write("harness 1", &numbered(0..100));
    screen.write("server", "server is up\n");
    screen.show(&["harness 1", "server"], false);
    screen.until(|text| text.contains("[harness 1]") && text.contains("line 99"));
    screen.act(Act::Top);
    screen.until(|text| text.contains("line 0"));
    screen.act(Act::NextSource);
    screen.until(|text| text.contains("[server]") && text.contains("server is up"));
    screen.act(Act::NextSource);
    screen.until(|text| text.contains("[harness 1]") && text.contains("line 0"));
}

#[test]
fn a_log_that_comes_later_becomes_a_tab() {
    let mut screen = Screen::new(80, 8);
    screen.show(&["harness 1"], false);
    screen.until(|text| text.contains("no file yet"));
    screen.write("harness 1", "begun");
    screen.until(|text| text.contains("begun"));
    screen.write("harness 1", " and ended\n");
    screen.until(|text| text.contains("begun and ended"));
    screen.write("harness 2", "the other\n");
    screen.show(&["harness 1", "harness 2"], false);
    screen.act(Act::PreviousSource);
    screen.until(|text| text.contains("the other"));
}

#[test]
fn a_hidden_pane_asks_for_no_rows() {
    let mut screen = Screen::new(80, 8);
    let requests = screen.pane.set_visible(false);
    assert_eq!(requests, [Request::Hide]);
    screen.ask(requests);
    screen.write("log", "first\n");
    screen.show(&["log"], false);
    assert_eq!(screen.pane.resize((70, 5)), []);
    assert_eq!(screen.pane.act(Act::Tail), []);
    let requests = screen.pane.set_visible(true);
    screen.ask(requests);
    screen.until(|text| text.contains("first"));
}

#[test]
fn an_unfinished_line_grows_while_the_view_is_paused() {
    let mut screen = Screen::new(60, 8);
    screen.write("log", "first\nsecond");
    screen.show(&["log"], false);
    screen.until(|text| text.contains("second"));
    screen.act(Act::Follow);
    screen.until(|text| text.contains("paused"));
    screen.write("log", " grows\nthird\n");
    screen.until(|text| text.contains("second grows"));
}

#[test]
fn long_lines_are_wrapped_or_scrolled() {
    let mut screen = Screen::new(40, 10);
    let long: String = (1000..1030).map(|index: u32| index.to_string()).collect();
    screen.write("log", &format!("short\n{long}\nlast\n"));
    screen.show(&["log"], true);
    let text = screen.until(|text| text.contains("last"));
    assert!(text.contains('›') && !text.contains("1029"), "{text}");
    for _ in 0..8 {
        screen.act(Act::Right);
    }
    let text = screen.text();
    assert!(text.contains("1029") && !text.contains("short"), "{text}");
    screen.act(Act::Wrap);
    let text = screen.text();
    assert!(
        text.contains("short") && text.contains("1029") && text.contains("wrap"),
        "{text}"
    );
}

#[test]
fn lines_too_long_to_read_say_so() {
    let mut screen = Screen::new(60, 8);
    screen.write("log", &format!("{}\nend\n", "x".repeat(3 << 20)));
    screen.show(&["log"], true);
    screen.until(|text| text.contains("end"));
    screen.act(Act::Wrap);
    screen.act(Act::Search);
    screen.type_text("end");
    screen.key(Key::Enter);
    let text = screen.until(|text| text.contains("not shown"));
    assert!(text.contains("3.0 MiB not shown"), "{text}");
}

#[test]
fn a_cut_off_log_begins_anew_and_says_so() {
    let mut screen = Screen::new(70, 8);
    screen.write("log", &numbered(0..100));
    screen.show(&["log"], false);
    screen.until(|text| text.contains("line 99"));
    std::fs::write(screen.path("log"), "fresh\n").unwrap();
    let text = screen.until(|text| text.contains("fresh"));
    assert!(text.contains("100 earlier lines are gone"), "{text}");
}

#[test]
fn the_pane_at_all_sizes() {
    for (width, height) in [(80, 24), (120, 40), (200, 60), (40, 10)] {
        let mut screen = Screen::new(width, height);
        screen.write("harness 1", &numbered(0..40));
        screen.write(
            "harness 1",
            "2026-11-24T16:00:01Z \u{1b}[31mERROR\u{1b}[0m request 17 failed: connection refused\n",
        );
        screen.write(
            "harness 1",
            &format!("progress 10%\rprogress 100%\n{}\n", "wide 日本 ".repeat(30)),
        );
        screen.write("server", "up\n");
        screen.show(&["harness 1", "server"], true);
        screen.until(|text| text.contains("ended") && text.contains("wide"));
        screen.act(Act::Search);
        screen.type_text("req");
        screen.until(|text| text.contains("request 17") && !text.contains("searching"));
        screen.key(Key::Enter);
        // The real folder has another name in each run.
        let shown = &mut screen.pane.tabs.first_mut().unwrap().source.path;
        *shown = PathBuf::from("/workspace/latest/setup-treatment-tp2/results/inference-perf-1_1/stdout.log");
        snapshot(&format!("pane_{width}x{height}"), &screen.text());
        screen.full = true;
        screen.resize(width, height);
        screen.act(Act::Wrap);
        let text = screen.until(|text| text.contains("wrap") || width < 60);
        snapshot(&format!("full_{width}x{height}"), &text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_size_no_bytes_and_no_keys_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..4000),
        steps in proptest::collection::vec((0_usize..19, 1_u16..120, 1_u16..50, any::<bool>()), 1..20),
    ) {
        let acts = [
            Act::Up, Act::Down, Act::PageUp, Act::PageDown, Act::Top, Act::Tail, Act::Left, Act::Right, Act::LineStart,
            Act::Wrap, Act::Follow, Act::Search, Act::NextMatch, Act::PreviousMatch, Act::NextError,
            Act::PreviousError, Act::NextSource, Act::PreviousSource, Act::ClearSearch,
        ];
        let mut screen = Screen::new(1, 1);
        std::fs::write(screen.path("log"), &bytes).unwrap();
        screen.show(&["log", "other"], false);
        for (act, width, height, full) in steps {
            screen.full = full;
            screen.resize(width, height);
            screen.act(acts[act]);
            if screen.pane.is_typing() {
                screen.type_text("a");
            }
            while let Ok(update) = screen.updates.try_recv() {
                let requests = screen.pane.update(update);
                screen.ask(requests);
            }
            let buffer = screen.buffer();
            prop_assert!(buffer.content.iter().all(|cell| !cell.symbol().chars().any(char::is_control)));
        }
    }
}

#[test]
fn of_a_log_that_ended_empty_the_next_with_text_is_shown_unless_the_operator_chose_it() {
    let mut screen = Screen::new(60, 8);
    screen.write("stdout", "");
    screen.write("stderr", "it did not start\n");
    screen.show(&["stdout", "stderr"], true);
    screen.until(|text| text.contains("it did not start"));
    screen.act(Act::PreviousSource);
    screen.until(|text| text.contains("empty"));
    screen.resize(60, 9);
    screen.until(|text| text.contains("empty"));
}
