//! What the screen tells without being asked: hints that are true, failures in few words, panes as there is room.

use super::{press, screen, type_text};
use crate::engine::{Event, Mode, PhaseKind};
use crate::experiment::CellId;
use crate::tui::fixtures::{self, Sweep};
use crate::tui::keys::Key;
use crate::tui::layout::Areas;
use crate::tui::model::Lower;
use crate::tui::update::{Msg, update};

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap()
}

#[test]
fn hints_offer_what_can_be_done() {
    let mut sweep = Sweep::new(1, 1);
    let text = screen(&sweep.model(120, 24));
    assert!(!last_line(&text).contains("retry"), "{text}");
    assert!(last_line(&text).contains("skip"), "{text}");
    sweep.mode(Mode::Running);
    sweep.phase(0, PhaseKind::Standup, 100, None);
    sweep.attempt(0, 0, 100, fixtures::good(1.0));
    let text = screen(&sweep.model(120, 24));
    assert!(last_line(&text).contains("retry"), "{text}");
    assert!(!last_line(&text).contains("skip"), "{text}");
    assert!(!last_line(&text).contains("cancel"), "{text}");
}

#[test]
fn a_sweep_that_is_opened_again_with_nothing_left_to_do_does_not_ask_to_be_started() {
    let mut sweep = fixtures::done();
    sweep.mode(Mode::Ready);
    let text = screen(&sweep.model(120, 24));
    assert!(
        text.contains("READY") && text.contains("nothing is left to do"),
        "{text}"
    );
    assert!(!last_line(&text).contains("start"), "{text}");
}

#[test]
fn what_was_skipped_before_the_start_does_not_make_it_a_continuation() {
    let mut sweep = Sweep::new(1, 2);
    sweep.tell(Event::CellsSkipped {
        cells: vec![CellId::new(0, 0)],
    });
    let text = screen(&sweep.model(120, 24));
    assert!(text.contains("press s to start"), "{text}");
}

#[test]
fn neighbours_that_failed_for_one_reason_share_a_line_of_the_summary() {
    let mut sweep = Sweep::new(2, 4);
    sweep.mode(Mode::Running);
    sweep.phase(0, PhaseKind::Standup, 100, None);
    for (run, outcome) in [
        fixtures::bad(),
        fixtures::bad(),
        fixtures::good(1.0),
        fixtures::bad(),
    ]
    .into_iter()
    .enumerate()
    {
        sweep.attempt(0, run as u32, 100, outcome);
    }
    let mut model = sweep.model(160, 45);
    type_text(&mut model, "o");
    let text = screen(&model);
    assert!(text.contains("✗ 1×1-2 "), "{text}");
    assert!(text.contains("✗ 1×4 "), "{text}");
    assert!(!text.contains("✗ 1×2 "), "{text}");
}

#[test]
fn a_screen_that_grows_shows_logs_and_one_that_shrinks_goes_back_to_details() {
    let mut model = fixtures::midway().model(80, 24);
    assert_eq!(model.lower, Lower::Detail);
    update(&mut model, Msg::Resize(200, 60));
    assert_eq!(model.lower, Lower::Logs);
    update(&mut model, Msg::Resize(80, 24));
    assert_eq!(model.lower, Lower::Detail);
    // Who reads logs goes on reading them.
    press(&mut model, &[Key::Char('L')]);
    update(&mut model, Msg::Resize(200, 60));
    update(&mut model, Msg::Resize(80, 24));
    assert_eq!(model.lower, Lower::Logs);
}

#[test]
fn a_wide_screen_gives_its_last_columns_to_the_grid() {
    let columns = |width| {
        let text = screen(&Sweep::new(3, 10).model(width, 45));
        text.lines().nth(5).unwrap().to_owned()
    };
    assert!(columns(160).contains(" 10 "), "{}", columns(160));
    // Panes stay where they are while a filter is typed.
    let mut model = fixtures::midway().model(160, 45);
    let before = Areas::of(&model);
    type_text(&mut model, "/nothing of the kind");
    assert_eq!(Areas::of(&model), before);
}
