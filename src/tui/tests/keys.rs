//! Scripts of keys: what they ask of the engine.

use super::{commands, press, screen, type_text};
use crate::engine::{
    CellStatus, Command, Event, Mode, PhaseKind, Refusal, Selection, Signal, StopMode, Trouble,
};
use crate::experiment::CellId;
use crate::tui::fixtures::{self, Sweep};
use crate::tui::keys::Key;
use crate::tui::model::{Focus, Model};
use crate::tui::update::{Effect, Ended, Mouse, Msg, update};

fn cells(cells: &[(u32, u32)]) -> Selection {
    Selection::Cells(
        cells
            .iter()
            .map(|(row, column)| CellId::new(*row, *column))
            .collect(),
    )
}

#[test]
fn starting_and_pausing() {
    let mut sweep = Sweep::new(2, 2);
    let mut model = sweep.model(80, 24);
    assert_eq!(commands(&type_text(&mut model, "p")), Vec::<&Command>::new());
    assert!(screen(&model).contains("s starts it"));
    assert_eq!(commands(&type_text(&mut model, "s")), [&Command::Start]);
    sweep.mode(Mode::Running);
    let mut model = sweep.model(80, 24);
    assert_eq!(commands(&type_text(&mut model, "sp")), [&Command::Pause]);
    sweep.mode(Mode::Paused);
    let mut model = sweep.model(80, 24);
    assert_eq!(
        commands(&type_text(&mut model, "ps")),
        [&Command::Start, &Command::Start]
    );
}

#[test]
fn one_cell_is_skipped_at_once_and_a_row_after_asking() {
    let mut model = Sweep::new(3, 4).model(80, 24);
    let effects = type_text(&mut model, "jS");
    assert_eq!(
        commands(&effects),
        [&Command::Skip {
            cells: cells(&[(1, 0)])
        }]
    );
    // The header of a row stands for the row.
    assert!(commands(&type_text(&mut model, "hS")).is_empty());
    assert!(screen(&model).contains("Skip 4 pending cells?"));
    let effects = type_text(&mut model, "y");
    assert_eq!(
        commands(&effects),
        [&Command::Skip {
            cells: cells(&[(1, 0), (1, 1), (1, 2), (1, 3)])
        }]
    );
    // That of a column for the column.
    type_text(&mut model, "lgkS");
    let effects = press(&mut model, &[Key::Enter]);
    assert_eq!(
        commands(&effects),
        [&Command::Skip {
            cells: cells(&[(0, 0), (1, 0), (2, 0)])
        }]
    );
}

#[test]
fn skipped_cells_are_put_back_by_the_same_key() {
    let mut model = fixtures::midway().model(80, 24);
    press(&mut model, &[Key::Char('g'), Key::End]);
    assert_eq!(model.status(CellId::new(0, 3)), Some(CellStatus::Skipped));
    let effects = type_text(&mut model, "S");
    assert_eq!(
        commands(&effects),
        [&Command::Unskip {
            cells: cells(&[(0, 3)])
        }]
    );
}

#[test]
fn cancelling_asks_and_enter_alone_cancels_nothing() {
    let mut model = fixtures::midway().model(80, 24);
    assert!(commands(&press(&mut model, &[Key::Char('x'), Key::Enter])).is_empty());
    assert!(model.overlay.is_none());
    let effects = type_text(&mut model, "xy");
    assert_eq!(
        commands(&effects),
        [&Command::Cancel {
            cells: cells(&[(1, 1)])
        }]
    );
}

#[test]
fn all_failed_are_run_again_in_two_keys() {
    let mut model = fixtures::midway().model(80, 24);
    assert!(commands(&type_text(&mut model, "Fr")).is_empty());
    let effects = press(&mut model, &[Key::Enter]);
    assert_eq!(
        commands(&effects),
        [&Command::Retry {
            cells: cells(&[(0, 1), (0, 2)])
        }]
    );
    assert!(model.marks.is_empty());
}

#[test]
fn a_row_is_retried_without_its_successes() {
    let mut model = fixtures::midway().model(80, 24);
    press(
        &mut model,
        &[Key::Char('g'), Key::Home, Key::Left, Key::Char('r')],
    );
    assert!(
        screen(&model).contains("2 other selected cells are left"),
        "{}",
        screen(&model)
    );
    let effects = type_text(&mut model, "y");
    assert_eq!(
        commands(&effects),
        [&Command::Retry {
            cells: cells(&[(0, 1), (0, 2)])
        }]
    );
}

#[test]
fn a_question_answered_late_is_about_what_is_left() {
    let mut sweep = fixtures::midway();
    let mut model = sweep.model(80, 24);
    press(&mut model, &[Key::Char('x')]);
    let scope = model.scope().unwrap();
    sweep.attempt_ends(scope, fixtures::good(1.0));
    for signal in sweep.signals_after(&model) {
        update(&mut model, Msg::Engine(signal));
    }
    assert!(commands(&type_text(&mut model, "y")).is_empty());
    assert!(screen(&model).contains("in the meantime"), "{}", screen(&model));
}

#[test]
fn the_filter_limits_what_a_header_stands_for() {
    let mut model = Sweep::new(3, 4).model(80, 24);
    type_text(&mut model, "/concurrency=8");
    press(&mut model, &[Key::Enter]);
    type_text(&mut model, "hkS");
    let effects = type_text(&mut model, "y");
    assert_eq!(
        commands(&effects),
        [&Command::Skip {
            cells: cells(&[(0, 1), (1, 1), (2, 1)])
        }]
    );
    press(&mut model, &[Key::Esc]);
    assert!(model.filter.is_empty());
}

#[test]
fn leaving_a_running_sweep_asks_how() {
    for (key, mode) in [
        ('f', StopMode::Finish),
        ('c', StopMode::Graceful),
        ('n', StopMode::Now),
    ] {
        let mut model = fixtures::midway().model(80, 24);
        assert!(commands(&type_text(&mut model, "q")).is_empty());
        let effects = press(&mut model, &[Key::Char(key)]);
        assert_eq!(commands(&effects), [&Command::Stop { mode }]);
        assert!(model.leaving);
    }
    let mut model = fixtures::midway().model(80, 24);
    press(&mut model, &[Key::Char('q'), Key::Enter]);
    assert!(!model.leaving && model.overlay.is_none(), "enter stays");
}

#[test]
fn ctrl_c_twice_stops_now() {
    let mut model = fixtures::midway().model(80, 24);
    assert!(commands(&press(&mut model, &[Key::Ctrl('c')])).is_empty());
    let effects = press(&mut model, &[Key::Ctrl('c')]);
    assert_eq!(commands(&effects), [&Command::Stop { mode: StopMode::Now }]);
}

#[test]
fn a_signal_ends_cleanly_and_a_second_one_at_once() {
    let mut model = fixtures::midway().model(80, 24);
    let effects = update(&mut model, Msg::Terminate);
    assert_eq!(
        commands(&effects),
        [&Command::Stop {
            mode: StopMode::Graceful
        }]
    );
    let effects = update(&mut model, Msg::Terminate);
    assert_eq!(commands(&effects), [&Command::Stop { mode: StopMode::Now }]);
}

#[test]
fn the_screen_closes_when_the_sweep_has_ended() {
    let mut sweep = Sweep::new(1, 1);
    let mut model = sweep.model(80, 24);
    let effects = type_text(&mut model, "q");
    assert_eq!(
        commands(&effects),
        [&Command::Stop {
            mode: StopMode::Finish
        }]
    );
    sweep.tell(Event::SweepEnded { stopped: true });
    let effects: Vec<Effect> = sweep
        .signals_after(&model)
        .into_iter()
        .flat_map(|signal| update(&mut model, Msg::Engine(signal)))
        .collect();
    assert!(effects.contains(&Effect::Exit(Ended::Left)));
}

#[test]
fn an_engine_that_vanishes_is_told_apart() {
    let mut model = fixtures::midway().model(80, 24);
    let effects = update(&mut model, Msg::EngineGone);
    assert!(effects.contains(&Effect::Exit(Ended::EngineGone)));
}

#[test]
fn an_ended_sweep_stays_on_screen_until_the_operator_leaves() {
    let mut sweep = fixtures::done();
    sweep.tell(Event::SweepEnded { stopped: false });
    let mut model = sweep.model(80, 24);
    assert!(!update(&mut model, Msg::EngineGone).contains(&Effect::Exit(Ended::Left)));
    assert!(screen(&model).contains("All is done"));
    assert!(type_text(&mut model, "q").contains(&Effect::Exit(Ended::Left)));
}

#[test]
fn the_summary_lets_the_operator_go_on_at_once() {
    let mut model = fixtures::done().model(80, 24);
    let effects = type_text(&mut model, "Fr");
    assert_eq!(
        commands(&effects),
        [&Command::Retry {
            cells: cells(&[(0, 1)])
        }]
    );
}

#[test]
fn a_refusal_is_shown_until_the_next_key() {
    let mut model = fixtures::midway().model(80, 24);
    let refusal = Refusal {
        reason: "cell 2×2 is running already".to_owned(),
    };
    update(&mut model, Msg::Engine(Signal::Refused(refusal)));
    assert!(screen(&model).contains("cell 2×2 is running already"));
    press(&mut model, &[Key::Down]);
    assert!(!screen(&model).contains("running already"));
}

#[test]
fn looking_closer_and_back() {
    let mut model = fixtures::midway().model(80, 24);
    let mut seen = Vec::new();
    for key in [Key::Enter, Key::Enter, Key::Enter, Key::Esc, Key::Esc, Key::Esc] {
        press(&mut model, &[key]);
        seen.push((model.focus, model.full_screen));
    }
    assert_eq!(
        seen,
        [
            (Focus::Detail, false),
            (Focus::Logs, false),
            (Focus::Logs, true),
            (Focus::Logs, false),
            (Focus::Grid, false),
            (Focus::Grid, false),
        ]
    );
}

#[test]
fn the_cursor_goes_along_until_it_is_moved() {
    let model = fixtures::midway().model(80, 24);
    assert_eq!(model.cursor.cell(), Some(CellId::new(1, 1)));
    let mut sweep = Sweep::new(3, 4);
    let mut model = sweep.model(80, 24);
    press(&mut model, &[Key::Down, Key::Down]);
    sweep.mode(Mode::Running);
    sweep.attempt(0, 0, 10, fixtures::good(1.0));
    let follow = |model: &mut Model, sweep: &Sweep| {
        for signal in sweep.signals_after(model) {
            update(model, Msg::Engine(signal));
        }
    };
    follow(&mut model, &sweep);
    assert_eq!(model.cursor.cell(), Some(CellId::new(2, 0)));
    press(&mut model, &[Key::Char('.')]);
    sweep.attempt(0, 1, 10, fixtures::good(1.0));
    follow(&mut model, &sweep);
    assert_eq!(model.cursor.cell(), Some(CellId::new(0, 1)));
}

#[test]
fn attempts_are_gone_through() {
    let mut model = fixtures::midway().model(120, 40);
    press(&mut model, &[Key::Left]);
    assert!(screen(&model).contains("attempt 2 of 2"), "{}", screen(&model));
    press(&mut model, &[Key::Char('[')]);
    assert!(screen(&model).contains("attempt 1 of 2"));
    assert!(screen(&model).contains("connection refused"));
}

#[test]
fn the_mouse_points_and_answers() {
    let mut model = fixtures::midway().model(80, 24);
    let text = screen(&model);
    let at = |text: &str, what: &str| {
        let line = text.lines().position(|line| line.contains(what)).unwrap();
        let start = text.lines().nth(line).unwrap().find(what).unwrap();
        let column = text.lines().nth(line).unwrap()[..start].chars().count();
        Mouse::Press(column as u16 + 1, line as u16)
    };
    update(&mut model, Msg::Mouse(at(&text, "✗      ≈")));
    assert_eq!(
        model.status(model.cursor.cell().unwrap()),
        Some(CellStatus::Failed)
    );
    press(&mut model, &[Key::Char('q')]);
    let stop = at(&screen(&model), "Stop now");
    let effects = update(&mut model, Msg::Mouse(stop));
    assert_eq!(commands(&effects), [&Command::Stop { mode: StopMode::Now }]);
    let effects = press(&mut model, &[Key::Char('m')]);
    assert!(effects.contains(&Effect::MouseCapture(false)));
}

#[test]
fn text_that_is_pasted_is_no_command() {
    let mut model = Sweep::new(2, 2).model(80, 24);
    assert!(update(&mut model, Msg::Paste("sxyq".to_owned())).is_empty());
    type_text(&mut model, "/");
    update(&mut model, Msg::Paste("prompts=80\n".to_owned()));
    assert_eq!(model.filter.text(), "prompts=80");
}

#[test]
fn trouble_with_recording_stays_on_screen_until_it_is_over() {
    let mut sweep = fixtures::midway();
    let mut model = sweep.model(80, 24);
    let trouble = Trouble {
        trouble: "cannot write the journal: no space left on device".to_owned(),
        hint: "free some space".to_owned(),
    };
    update(&mut model, Msg::Engine(Signal::Trouble(trouble)));
    press(&mut model, &[Key::Down]);
    let text = screen(&model);
    assert!(
        text.contains("no space left on device; free some space") && text.contains("TROUBLE"),
        "{text}"
    );
    sweep.mode(Mode::Running);
    for signal in sweep.signals_after(&model) {
        update(&mut model, Msg::Engine(signal));
    }
    assert!(!screen(&model).contains("no space left"));
}

#[test]
fn a_resumed_sweep_says_what_was_under_way() {
    let mut sweep = fixtures::midway();
    sweep.tell(Event::EngineStarted {
        pid: 1,
        host: "elsewhere".to_owned(),
        version: "0.1.0".to_owned(),
    });
    let model = sweep.model(80, 24);
    assert!(
        screen(&model).contains("press s to go on with cell 2×2"),
        "{}",
        screen(&model)
    );
    assert!(!model.wants_ticks());
}

#[test]
fn the_end_is_shown_once_and_after_the_last_stack_is_down() {
    let mut sweep = Sweep::new(1, 1);
    let mut model = sweep.model(80, 24);
    let mut pictures = Vec::new();
    let mut look = |model: &mut Model, sweep: &Sweep| {
        for signal in sweep.signals_after(model) {
            update(model, Msg::Engine(signal));
        }
        pictures.push(screen(model).contains("All is done"));
        press(model, &[Key::Esc]);
    };
    sweep.mode(Mode::Running);
    sweep.phase(0, PhaseKind::Standup, 100, None);
    sweep.attempt(0, 0, 100, fixtures::good(1.0));
    look(&mut model, &sweep);
    sweep.phase(0, PhaseKind::Teardown, 100, None);
    look(&mut model, &sweep);
    sweep.tell(Event::SweepEnded { stopped: false });
    look(&mut model, &sweep);
    assert_eq!(pictures, [false, true, false]);
}
