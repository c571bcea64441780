//! Whatever is pressed, comes in, or happens to the size: nothing panics, and nothing senseless is asked of the engine.

use super::screen;
use crate::engine::{Command, Event, Mode, PhaseKind, Scope, Selection, Signal};
use crate::experiment::CellId;
use crate::tui::fixtures::plans::Trouble;
use crate::tui::fixtures::{self, Sweep};
use crate::tui::keys::Key;
use crate::tui::model::Model;
use crate::tui::overlay::Deed;
use crate::tui::plans::Query;
use crate::tui::update::{Effect, Mouse, Msg, Wheel, update};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Key(Key),
    Mouse(Mouse),
    Size(u16, u16),
    Happens(usize),
    Paste(String),
    /// What was asked for plans is answered, the latest last.
    Planned,
    Terminate,
}

fn key() -> impl Strategy<Value = Key> {
    let named = prop::sample::select(vec![
        Key::Enter,
        Key::Esc,
        Key::Tab,
        Key::BackTab,
        Key::Space,
        Key::Up,
        Key::Down,
        Key::Left,
        Key::Right,
        Key::PageUp,
        Key::PageDown,
        Key::Home,
        Key::End,
        Key::Backspace,
        Key::Delete,
        Key::Ctrl('c'),
        Key::Ctrl('l'),
    ]);
    let bound: Vec<Key> = crate::tui::action::bindings()
        .flat_map(|binding| binding.keys.iter().copied())
        .collect();
    prop_oneof![
        3 => named,
        6 => prop::sample::select(bound),
        1 => any::<char>().prop_map(Key::Char),
        1 => prop::sample::select(vec!['y', 'n', 'f', 'c', '!', 'é']).prop_map(Key::Char),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let wheel = prop::sample::select(vec![Wheel::Up, Wheel::Down, Wheel::Left, Wheel::Right]);
    prop_oneof![
        12 => key().prop_map(Step::Key),
        2 => (0u16..210, 0u16..70).prop_map(|(x, y)| Step::Mouse(Mouse::Press(x, y))),
        1 => (0u16..210, 0u16..70, wheel).prop_map(|(x, y, wheel)| Step::Mouse(Mouse::Wheel(x, y, wheel))),
        2 => (0u16..130, 0u16..50).prop_map(|(width, height)| Step::Size(width, height)),
        4 => (0usize..12).prop_map(Step::Happens),
        1 => "\\PC{0,12}".prop_map(Step::Paste),
        2 => Just(Step::Planned),
        1 => Just(Step::Terminate),
    ]
}

/// Let something happen in the sweep; `which` chooses among what can.
fn happen(sweep: &mut Sweep, which: usize) {
    let (row, column) = (
        (which % sweep.state().setups.len()) as u32,
        which as u32 % sweep.state().runs,
    );
    let cell = CellId::new(row, column);
    match (which, sweep.state().activity.map(|activity| activity.scope)) {
        (0 | 1, Some(scope @ Scope::Attempt { .. })) => sweep.attempt_ends(scope, fixtures::good(3.0)),
        (2, Some(scope @ Scope::Attempt { .. })) => sweep.attempt_ends(scope, fixtures::bad()),
        (3, Some(scope)) => sweep.progress(scope, 7, 9),
        (0..=3, None) => {
            sweep.attempt_begins(row, column);
        }
        (4, None) => sweep.phase(row, PhaseKind::Standup, 100, None),
        (5, _) => sweep.mode(Mode::Running),
        (6, _) => sweep.mode(Mode::Paused),
        (7, _) => sweep.tell(Event::CellsSkipped { cells: vec![cell] }),
        (8, _) => sweep.tell(Event::CellsQueued {
            cells: vec![cell],
            automatic: false,
        }),
        (9, _) => sweep.tell(Event::SweepEnded { stopped: true }),
        (10, _) => sweep.tell(Event::SweepOpened(Box::new(fixtures::opened(2, 5)))),
        _ => sweep.tell(Event::Notice {
            text: "\u{1b}[2Jnotice".to_owned(),
        }),
    }
}

/// Every command is about cells of the design for which it makes sense.
fn check(model: &Model, effects: &[Effect]) {
    for effect in effects {
        let Effect::Command(command) = effect else {
            continue;
        };
        let (cells, deed) = match command {
            Command::Skip { cells } => (cells, Deed::Skip),
            Command::Unskip { cells } => (cells, Deed::Unskip),
            Command::Retry { cells } => (cells, Deed::Retry),
            Command::Cancel { cells } => (cells, Deed::Cancel),
            Command::RunNext { cells } => (cells, Deed::RunNext),
            Command::Start => {
                assert!(matches!(model.state.mode, Mode::Ready | Mode::Paused));
                continue;
            }
            Command::Pause => {
                assert_eq!(model.state.mode, Mode::Running);
                continue;
            }
            Command::Stop { .. } => {
                assert!(model.leaving);
                continue;
            }
        };
        let Selection::Cells(cells) = cells else {
            panic!("cells are named one by one, as the operator was told: {command:?}");
        };
        assert!(!cells.is_empty());
        for cell in cells {
            let status = model.status(*cell).expect("the design has such a cell");
            assert!(deed.fits(status), "{command:?} on a cell that is {status:?}");
        }
    }
}

fn play(steps: &[Step]) {
    let mut sweep = Sweep::new(3, 4);
    let mut model = sweep.model(80, 24);
    let mut queries: Vec<Query> = Vec::new();
    for step in steps {
        let effects = match step {
            Step::Key(key) => update(&mut model, Msg::Key(*key)),
            Step::Mouse(mouse) => update(&mut model, Msg::Mouse(*mouse)),
            Step::Size(width, height) => update(&mut model, Msg::Resize(*width, *height)),
            Step::Paste(text) => update(&mut model, Msg::Paste(text.clone())),
            Step::Planned => {
                let answers = queries.drain(..).map(|query| query.put_to(&Trouble));
                answers
                    .flat_map(|answer| update(&mut model, Msg::Plan(answer)))
                    .collect()
            }
            Step::Terminate => update(&mut model, Msg::Terminate),
            Step::Happens(which) => {
                happen(&mut sweep, *which);
                sweep.wait(100);
                let signals: Vec<Signal> = sweep.signals_after(&model);
                let apply = |signal| update(&mut model, Msg::Engine(signal));
                signals.into_iter().flat_map(apply).collect()
            }
        };
        check(&model, &effects);
        queries.extend(effects.iter().filter_map(|effect| match effect {
            Effect::Plan(query) => Some(*query),
            _ => None,
        }));
        let text = screen(&model);
        assert!(!text.contains('\u{1b}'));
        assert_eq!(&model.state, sweep.state(), "the screen's fold is the sweep's");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_sequence_of_keys_and_messages_does_harm(steps in prop::collection::vec(step(), 1..60)) {
        play(&steps);
    }

    #[test]
    fn every_view_can_be_drawn_at_every_size(
        width in prop_oneof![1u16..60, 60u16..=500],
        height in prop_oneof![1u16..30, 30u16..=200],
        keys in prop::sample::select(vec!["", "?", "q", "x", "L", "`", "Lf", "/a", "vvv", "o", "h", "gk", "hgk", "d", "y", "djd"]),
        inside in prop::sample::select(vec!["", "]", "]]", "]]]", "l", "lh", "+", "-", "c", "e", "f", "]]f", "]]l", "/k", "x", "G"]),
    ) {
        for mut model in [fixtures::midway().model(width, height), fixtures::done().model(width, height)] {
            let effects = super::type_text(&mut model, keys);
            screen(&model);
            super::answer(&mut model, &effects, &Trouble);
            screen(&model);
            super::type_text(&mut model, inside);
            screen(&model);
            super::press(&mut model, &[Key::Enter]);
            screen(&model);
        }
    }
}

#[test]
fn the_smallest_and_the_largest_screens() {
    for (width, height) in [(1, 1), (1, 200), (500, 1), (2, 2), (3, 3), (500, 200), (0, 0)] {
        let mut model = fixtures::midway().model(width, height);
        for keys in ["", "?", "\u{1b}", "q", "\u{1b}", "L"] {
            super::type_text(&mut model, keys);
            screen(&model);
        }
    }
}
