//! The plan behind a row, and how two rows differ: reached with keys and mouse, read, searched, left.

use super::{answer, press, press_and_plan, screen, type_text};
use crate::experiment::{RunId, SetupId};
use crate::tui::fixtures::plans::{Plans, Trouble};
use crate::tui::fixtures::{self, Sweep};
use crate::tui::keys::Key;
use crate::tui::model::{Focus, Model};
use crate::tui::plans::{Answer, Query, Question};
use crate::tui::theme::Theme;
use crate::tui::update::{Effect, Mouse, Msg, Wheel, update};

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 60)];

fn picture(name: &str, text: &str) {
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, text) });
}

/// The plan of the second row, opened from its header.
fn opened(width: u16, height: u16) -> Model {
    let mut model = Sweep::new(3, 4).model(width, height);
    press_and_plan(&mut model, &[Key::Down, Key::Left, Key::Enter]);
    model
}

fn compared(width: u16, height: u16) -> Model {
    let mut model = Sweep::new(3, 4).model(width, height);
    press_and_plan(&mut model, &[Key::Char('d'), Key::Down, Key::Char('d')]);
    model
}

fn keys(model: &mut Model, text: &str) -> String {
    type_text(model, text);
    screen(model)
}

fn at(text: &str, what: &str) -> (u16, u16) {
    let (y, line) = text
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains(what))
        .unwrap_or_else(|| panic!("no {what} in\n{text}"));
    let x = line[..line.find(what).unwrap()].chars().count();
    (x as u16, y as u16)
}

#[test]
fn a_plan_at_all_sizes() {
    for (width, height) in SIZES {
        let mut model = opened(width, height);
        picture(&format!("plan_list_{width}x{height}"), &screen(&model));
        // In the configuration, on a line that a treatment set.
        press(&mut model, &[Key::Enter]);
        type_text(&mut model, "/tensor");
        press(&mut model, &[Key::Enter]);
        picture(&format!("plan_config_{width}x{height}"), &screen(&model));
        press(&mut model, &[Key::Tab, Key::End]);
        press(&mut model, &[Key::Enter]);
        picture(&format!("plan_file_{width}x{height}"), &screen(&model));
    }
}

#[test]
fn a_difference_at_all_sizes() {
    for (width, height) in SIZES {
        let model = compared(width, height);
        picture(&format!("difference_{width}x{height}"), &screen(&model));
    }
}

#[test]
fn without_colours_the_same_is_told() {
    let mut model = Sweep::new(3, 4).model_with(120, 40, Theme::plain());
    press_and_plan(&mut model, &[Key::Char('y')]);
    picture("plan_plain", &screen(&model));
    assert_eq!(screen(&model), {
        let mut model = Sweep::new(3, 4).model(120, 40);
        press_and_plan(&mut model, &[Key::Char('y')]);
        screen(&model)
    });
    let mut model = Sweep::new(3, 4).model_with(80, 24, Theme::plain().ascii());
    press_and_plan(&mut model, &[Key::Char('y')]);
    assert!(screen(&model).is_ascii(), "{}", screen(&model));
}

#[test]
fn what_is_planned_is_said_and_can_be_left() {
    let mut model = Sweep::new(3, 4).model(80, 24);
    let effects = press(&mut model, &[Key::Left, Key::Enter]);
    let query = Query {
        id: 1,
        question: Question::Plan(SetupId(0)),
    };
    assert_eq!(effects, [Effect::Plan(query)]);
    let text = screen(&model);
    assert!(
        text.contains("Plan of row 1 setup1") && text.contains("planning…"),
        "{text}"
    );
    press(&mut model, &[Key::Esc]);
    assert!(model.plan.is_none());
    // A late answer, to nobody and to somebody else.
    answer(&mut model, &effects, &Plans);
    assert!(model.plan.is_none());
    press(&mut model, &[Key::Down, Key::Enter]);
    answer(&mut model, &effects, &Plans);
    assert!(
        screen(&model).contains("planning…"),
        "the plan of another row is not shown"
    );
}

#[test]
fn a_row_that_cannot_be_planned_says_why_as_the_planner_put_it() {
    for (width, height) in [(40, 10), (120, 40)] {
        let mut model = Sweep::new(3, 4).model(width, height);
        press_and_plan(&mut model, &[Key::Char('G'), Key::Char('y')]);
        picture(&format!("plan_failed_{width}x{height}"), &screen(&model));
        press(&mut model, &[Key::Char('G'), Key::Char('q')]);
        assert!(model.plan.is_none());
    }
}

#[test]
fn without_a_source_the_keys_say_so_and_enter_goes_on_to_the_details() {
    let mut model = Sweep::new(3, 4).model(80, 24);
    model.has_plans = false;
    for key in ['y', 'd'] {
        assert!(press(&mut model, &[Key::Char(key)]).is_empty());
        assert!(
            screen(&model).contains("no plans to look at"),
            "{}",
            screen(&model)
        );
    }
    press(&mut model, &[Key::Left, Key::Enter]);
    assert_eq!(model.focus, Focus::Detail);
}

#[test]
fn headers_are_reached_with_keys_and_mouse() {
    let mut model = Sweep::new(3, 4).model(80, 24);
    press(&mut model, &[Key::End, Key::Home]);
    assert_eq!(model.cursor.run, Some(RunId(0)));
    press(&mut model, &[Key::Home]);
    assert!(model.cursor.is_row_header());
    let text = screen(&model);
    assert!(text.lines().last().unwrap().contains("enter plan"), "{text}");
    // A press on a header goes there, a second one opens it.
    let mut model = Sweep::new(3, 4).model(80, 24);
    let (x, row) = at(&screen(&model), "3 ○");
    assert!(update(&mut model, Msg::Mouse(Mouse::Press(x, row))).is_empty());
    assert_eq!((model.cursor.setup, model.cursor.run), (Some(SetupId(2)), None));
    let effects = update(&mut model, Msg::Mouse(Mouse::Press(x, row)));
    assert!(matches!(effects.as_slice(), [Effect::Plan(_)]), "{effects:?}");
}

#[test]
fn rows_are_marked_compared_and_forgotten() {
    let mut model = Sweep::new(3, 4).model(120, 40);
    let text = keys(&mut model, "d");
    assert!(
        text.contains("1≠○") && text.contains("row 1 to compare"),
        "{text}"
    );
    let text = {
        press(&mut model, &[Key::Down]);
        screen(&model)
    };
    assert!(
        text.lines().last().unwrap().contains("d difference with row 1"),
        "{text}"
    );
    let effects = press(&mut model, &[Key::Char('d')]);
    let wanted = Question::Difference(SetupId(0), SetupId(1));
    assert!(
        matches!(effects.first(), Some(Effect::Plan(query)) if query.question == wanted),
        "{effects:?}"
    );
    answer(&mut model, &effects, &Plans);
    assert!(screen(&model).contains("From row 1 setup1 to row 2 setup2   5 differences"));
    // Seen from the other side, the added value is one that goes.
    let (before, after) = (
        at(&screen(&model), "{team:").0,
        at(&keys(&mut model, "x"), "{team:").0,
    );
    assert!(before > after);
    press(&mut model, &[Key::Esc]);
    assert!(model.plan.is_none() && model.compared.is_none());
    // The same key on the same row, and esc, forget the mark.
    keys(&mut model, "dd");
    assert_eq!(model.compared, None);
    keys(&mut model, "d");
    press(&mut model, &[Key::Esc]);
    assert_eq!(model.compared, None);
    // The corner is no row.
    type_text(&mut model, "gkd");
    assert!(screen(&model).contains("rows are compared"), "{}", screen(&model));
}

#[test]
fn rows_that_deploy_the_same_say_so() {
    let mut model = Sweep::new(3, 4).model(80, 24);
    press(&mut model, &[Key::Char('d'), Key::Down, Key::Char('d')]);
    let query = Query {
        id: 1,
        question: Question::Difference(SetupId(1), SetupId(1)),
    };
    update(&mut model, Msg::Plan(query.put_to(&Plans)));
    assert!(
        screen(&model).contains("both deploy the same"),
        "{}",
        screen(&model)
    );
}

#[test]
fn the_configuration_folds_and_leaves_out() {
    let mut model = opened(120, 40);
    let text = screen(&model);
    assert!(text.contains("+ images:") && text.contains("- decode:"), "{text}");
    assert!(text.contains("pd.yaml:14:9"), "{text}");
    let text = keys(&mut model, "c");
    assert!(!text.contains("images:") && text.contains("tensor: 4"), "{text}");
    let text = keys(&mut model, "c-");
    assert!(!text.contains("tensor:"), "{text}");
    let text = keys(&mut model, "+");
    assert!(text.contains("benchmark: ghcr.io"), "{text}");
    // At the cursor: fold with the arrow, go on to what it is in, unfold.
    press(&mut model, &[Key::Enter]);
    type_text(&mut model, "/tensor");
    press(&mut model, &[Key::Enter]);
    let text = keys(&mut model, "h");
    assert!(
        text.contains("+ parallelism:") && text.contains("decode.parallelism"),
        "{text}"
    );
    let text = keys(&mut model, "h");
    assert!(text.contains("+ decode:"), "{text}");
    let text = keys(&mut model, "l ");
    assert!(text.contains("+ decode:"), "unfolded, and folded again\n{text}");
    press(&mut model, &[Key::Left]);
    assert!(
        keys(&mut model, "j").contains("Known only once"),
        "left of the tree is the list"
    );
}

#[test]
fn a_search_unfolds_what_it_finds_and_esc_goes_back() {
    let mut model = opened(120, 40);
    type_text(&mut model, "/benchmark");
    let text = screen(&model);
    assert!(text.contains("images.benchmark: ghcr.io"), "{text}");
    press(&mut model, &[Key::Esc]);
    let text = screen(&model);
    assert!(
        text.contains("+ images:") && !text.contains("images.benchmark"),
        "{text}"
    );
    // One that is kept can be repeated; esc gives it up, and only then closes.
    type_text(&mut model, "/defaults.yaml");
    assert!(
        screen(&model).contains("no match for defaults.yaml"),
        "{}",
        screen(&model)
    );
    press(&mut model, &[Key::Esc]);
    type_text(&mut model, "/vllm: ");
    press(&mut model, &[Key::Enter, Key::Char('n')]);
    assert!(screen(&model).contains("images.vllm"), "{}", screen(&model));
    press(&mut model, &[Key::Char('N'), Key::Esc]);
    assert!(screen(&model).contains("decode.vllm"), "{}", screen(&model));
    press(&mut model, &[Key::Esc]);
    assert!(model.plan.is_none());
}

#[test]
fn files_are_gone_through_and_scrolled_to_the_side() {
    let mut model = opened(120, 40);
    let text = keys(&mut model, "]]");
    assert!(
        text.contains("01_pvc_workload-pvc.yaml · from templates/jinja/01"),
        "{text}"
    );
    assert!(!text.contains("02a_pv"), "{text}");
    let text = keys(&mut model, "e");
    assert!(text.contains("02a_pv"), "{text}");
    press(&mut model, &[Key::End, Key::Enter]);
    let text = keys(&mut model, "lll");
    assert!(
        text.contains("column 49") && text.contains("on, well beyond"),
        "{text}"
    );
    let text = keys(&mut model, "0/port");
    assert!(text.contains("11  "), "{text}");
    press(&mut model, &[Key::Enter]);
    let text = keys(&mut model, "f");
    assert!(
        text.starts_with("---\n# The servers"),
        "ready to be copied\n{text}"
    );
    press(&mut model, &[Key::Esc, Key::Esc]);
    assert!(screen(&model).contains("15_standalone-service.yaml"));
}

#[test]
fn the_mouse_chooses_folds_and_scrolls() {
    let mut model = opened(120, 40);
    let (x, y) = at(&screen(&model), "15_standalone");
    update(&mut model, Msg::Mouse(Mouse::Press(x, y)));
    assert!(screen(&model).contains("kind: Service"));
    let (x, y) = at(&screen(&model), "config.yaml");
    update(&mut model, Msg::Mouse(Mouse::Press(x, y)));
    let (x, y) = at(&screen(&model), "- decode:");
    for _ in 0..2 {
        update(&mut model, Msg::Mouse(Mouse::Press(x, y)));
    }
    assert!(screen(&model).contains("+ decode:"), "{}", screen(&model));
    for wheel in [Wheel::Down, Wheel::Up, Wheel::Left, Wheel::Right, Wheel::Down] {
        update(&mut model, Msg::Mouse(Mouse::Wheel(x, y, wheel)));
    }
    assert!(screen(&model).contains("+ decode:"), "the wheel folds nothing");
    let mut model = compared(40, 10);
    let before = screen(&model);
    update(&mut model, Msg::Mouse(Mouse::Wheel(5, 5, Wheel::Down)));
    assert_ne!(screen(&model), before);
}

#[test]
fn a_plan_stays_while_the_sweep_goes_on_and_goes_with_the_design() {
    let mut sweep = fixtures::midway();
    let mut model = sweep.model(120, 40);
    press_and_plan(&mut model, &[Key::Char('y'), Key::Enter]);
    let before = screen(&model);
    let scope = model.scope().unwrap();
    sweep.attempt_ends(scope, fixtures::good(1.0));
    for signal in sweep.signals_after(&model) {
        update(&mut model, Msg::Engine(signal));
    }
    assert_eq!(screen(&model), before);
    // Logs are wanted instead.
    press(&mut model, &[Key::Char('L')]);
    assert!(model.plan.is_none());
    assert_eq!(model.focus, Focus::Logs);
    press_and_plan(&mut model, &[Key::Esc, Key::Char('d'), Key::Char('y')]);
    sweep.tell(crate::engine::Event::SweepOpened(Box::new(fixtures::opened(
        2, 5,
    ))));
    for signal in sweep.signals_after(&model) {
        update(&mut model, Msg::Engine(signal));
    }
    assert!(model.plan.is_none() && model.compared.is_none());
}

#[test]
fn leaving_asks_over_a_plan_and_help_lies_over_it() {
    let mut model = fixtures::midway().model(120, 40);
    press_and_plan(&mut model, &[Key::Char('y')]);
    press(&mut model, &[Key::Char('?')]);
    assert!(screen(&model).contains("any other key closes"));
    press(&mut model, &[Key::Esc, Key::Ctrl('c')]);
    assert!(screen(&model).contains("Stay"), "{}", screen(&model));
    press(&mut model, &[Key::Char('s'), Key::Char('q')]);
    assert!(model.plan.is_none() && model.overlay.is_none() && !model.leaving);
}

#[test]
fn nothing_from_files_reaches_the_terminal_as_it_is() {
    let mut model = Sweep::new(3, 4).model(120, 40);
    let effects = type_text(&mut model, "y");
    answer(&mut model, &effects, &Trouble);
    for key in ["", "]", "]", "]", "]", "]"] {
        let text = keys(&mut model, key);
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r']), "{text}");
    }
    assert!(
        screen(&model).contains("empty"),
        "stacks are named where there are several"
    );
}

#[test]
fn an_answer_of_the_wrong_kind_is_an_answer_all_the_same() {
    // A source may only answer what it was asked; if it does not, nothing breaks.
    let mut model = opened(80, 24);
    update(
        &mut model,
        Msg::Plan(Answer {
            id: 1,
            result: Query {
                id: 1,
                question: Question::Difference(SetupId(0), SetupId(1)),
            }
            .put_to(&Plans)
            .result,
        }),
    );
    assert!(screen(&model).contains("5 differences"));
}
