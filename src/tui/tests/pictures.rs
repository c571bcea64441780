//! Pictures of every view at every size that is promised.

use super::{press, screen, type_text};
use crate::engine::{Mode, PhaseKind};
use crate::experiment::SetupId;
use crate::tui::fixtures::{self, Sweep};
use crate::tui::keys::Key;
use crate::tui::theme::Theme;
use crate::tui::view;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 60)];

fn picture(name: &str, text: &str) {
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, text) });
}

#[test]
fn a_sweep_midway_at_all_sizes() {
    for (width, height) in SIZES {
        let model = fixtures::midway().model(width, height);
        picture(&format!("midway_{width}x{height}"), &screen(&model));
    }
}

#[test]
fn a_sweep_before_its_start() {
    for (width, height) in SIZES {
        picture(
            &format!("ready_{width}x{height}"),
            &screen(&Sweep::new(3, 4).model(width, height)),
        );
    }
}

#[test]
fn treatments_with_few_factors_in_common_go_by_name() {
    let mut opened = fixtures::opened(1, 4);
    opened.setups = fixtures::named(&[
        ("one-server", "standalone.replicas=1"),
        ("two-servers", "standalone.replicas=2"),
        (
            "prefill-decode",
            "standalone.enabled=false modelservice.enabled=true prefill.replicas=1 decode.replicas=1",
        ),
    ]);
    for (width, height) in [(60, 20), (120, 24)] {
        let model = Sweep::of(opened.clone()).model(width, height);
        picture(&format!("sparse_{width}x{height}"), &screen(&model));
    }
}

#[test]
fn many_factors_get_a_table_as_long_as_there_is_room() {
    let mut opened = fixtures::opened(1, 10);
    let prefix = "LLMDBENCH_VLLM_MODELSERVICE";
    let setup = |(methods, prefill, prefill_tp, decode, decode_tp): (&str, u32, u32, u32, u32)| {
        format!(
            "LLMDBENCH_DEPLOY_METHODS={methods} {prefix}_PREFILL_REPLICAS={prefill} \
             {prefix}_PREFILL_TENSOR_PARALLELISM={prefill_tp} {prefix}_DECODE_REPLICAS={decode} \
             {prefix}_DECODE_TENSOR_PARALLELISM={decode_tp}"
        )
    };
    let levels = [
        ("modelservice", 6, 2, 1, 4),
        ("modelservice", 4, 2, 1, 8),
        ("standalone", 8, 1, 1, 8),
    ]
    .map(setup);
    let treatments: Vec<(&str, &str)> = levels.iter().map(|levels| ("setup", levels.as_str())).collect();
    opened.setups = fixtures::named(&treatments);
    for (width, height) in [(40, 10), (80, 24), (160, 24)] {
        let model = Sweep::of(opened.clone()).model(width, height);
        picture(&format!("many_factors_{width}x{height}"), &screen(&model));
    }
}

#[test]
fn a_stack_coming_up_shows_in_row_header_and_details() {
    let mut sweep = Sweep::new(3, 4);
    sweep.mode(Mode::Running);
    sweep.phase_begins(0, PhaseKind::Standup);
    let scope = crate::engine::Scope::Phase {
        setup: SetupId(0),
        generation: 1,
        phase: PhaseKind::Standup,
    };
    sweep.wait(1200);
    sweep.progress(scope, 1, 2);
    let mut model = sweep.model(120, 40);
    press(&mut model, &[Key::Left]);
    picture("standup", &screen(&model));
}

#[test]
fn a_failed_cell_shows_its_error_and_what_to_do() {
    for (width, height) in SIZES {
        let mut model = fixtures::midway().model(width, height);
        press(&mut model, &[Key::Up, Key::Enter]);
        picture(&format!("failed_{width}x{height}"), &screen(&model));
    }
}

#[test]
fn rows_columns_and_everything_have_details_of_their_own() {
    let mut model = fixtures::midway().model(120, 40);
    press(&mut model, &[Key::Home, Key::Left]);
    picture("row", &screen(&model));
    press(&mut model, &[Key::Right, Key::Char('g'), Key::Up]);
    picture("column", &screen(&model));
    press(&mut model, &[Key::Left]);
    picture("corner", &screen(&model));
}

#[test]
fn help_lists_every_action() {
    let mut model = fixtures::midway().model(120, 150);
    press(&mut model, &[Key::Char('?')]);
    let text = screen(&model);
    for binding in crate::tui::action::bindings() {
        // Long lines are wrapped; their beginning tells them apart.
        let start: String = binding.help.chars().take(60).collect();
        assert!(
            text.contains(start.trim_end()),
            "no help on {:?} in\n{text}",
            binding.action
        );
    }
    picture("help", &text);
    for (width, height) in [(40, 10), (80, 24)] {
        let mut model = fixtures::midway().model(width, height);
        press(&mut model, &[Key::Char('?'), Key::PageDown]);
        picture(&format!("help_{width}x{height}"), &screen(&model));
    }
}

#[test]
fn questions() {
    for (width, height) in [(40, 10), (80, 24)] {
        let mut model = fixtures::midway().model(width, height);
        press(&mut model, &[Key::Char('x')]);
        picture(&format!("cancel_{width}x{height}"), &screen(&model));
        press(&mut model, &[Key::Esc, Key::Char('q')]);
        picture(&format!("quit_{width}x{height}"), &screen(&model));
        press(&mut model, &[Key::Esc, Key::Char('F'), Key::Char('r')]);
        picture(&format!("retry_{width}x{height}"), &screen(&model));
    }
}

#[test]
fn the_end_is_summed_up() {
    for (width, height) in SIZES {
        picture(
            &format!("done_{width}x{height}"),
            &screen(&fixtures::done().model(width, height)),
        );
    }
}

#[test]
fn a_filter_hides_and_dims() {
    let mut model = fixtures::midway().model(120, 24);
    type_text(&mut model, "/failed suspect");
    picture("filter_typed", &screen(&model));
    press(&mut model, &[Key::Enter]);
    picture("filter", &screen(&model));
    type_text(&mut model, "/ nowhere");
    picture("filter_nothing", &screen(&model));
}

#[test]
fn numbers_in_cells_and_marks() {
    let mut model = fixtures::midway().model(100, 24);
    press(&mut model, &[Key::Char('v'), Key::Char('V'), Key::Down]);
    picture("vitals", &screen(&model));
}

#[test]
fn without_colours_nothing_is_coloured_and_the_cursor_still_shows() {
    let mut model = fixtures::midway().model_with(120, 40, Theme::plain());
    for keys in ["", "v", "x", "?", "L", "/failed"] {
        type_text(&mut model, keys);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 40));
        view::draw(&model, &mut buffer);
        assert!(
            buffer
                .content
                .iter()
                .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset)
        );
        let reversed = |cell: &Cell| cell.modifier.contains(Modifier::REVERSED);
        assert!(buffer.content.iter().any(reversed), "after {keys}");
        press(&mut model, &[Key::Esc]);
    }
}

#[test]
fn plain_ascii_carries_the_same() {
    let model = fixtures::midway().model_with(80, 24, Theme::plain().ascii());
    let text = screen(&model);
    assert!(text.is_ascii(), "{text}");
    picture("ascii", &text);
}

#[test]
fn a_large_design_scrolls_both_ways() {
    let mut model = Sweep::new(60, 80).model(100, 30);
    for _ in 0..3 {
        press(&mut model, &[Key::PageDown]);
    }
    for _ in 0..20 {
        press(&mut model, &[Key::Right]);
    }
    picture("scrolled", &screen(&model));
    press(&mut model, &[Key::Char('G'), Key::End]);
    picture("scrolled_to_the_end", &screen(&model));
}

#[test]
fn logs_under_the_grid_and_alone() {
    for (width, height) in SIZES {
        let mut model = fixtures::midway().model(width, height);
        press(&mut model, &[Key::Char('L')]);
        picture(&format!("logs_{width}x{height}"), &screen(&model));
    }
    let mut model = fixtures::midway().model(80, 24);
    press(&mut model, &[Key::Char('L'), Key::Char('f')]);
    picture("logs_full", &screen(&model));
}
