//! The one way in which the screen changes: a message in, effects out. No input, no output, no clock.

mod command;
mod message;
mod navigate;
mod overlay;
mod plan;
mod pointer;

pub use message::{Effect, Ended, Mouse, Msg, Wheel};

use super::action::{self, Action};
use super::input::Input;
use super::keys::Key;
use super::layout::{Areas, has_room_for_all};
use super::logpane::{Act, Subject};
use super::model::{Focus, Lower, Model};
use super::overlay::{Deed, Overlay};
use crate::engine::{CellStatus, Event, LogSource, Mode, PhaseKind, Scope, Signal, StackState, StopMode};
use crate::experiment::RunId;
use crate::logs::Source;

/// Take a message in.
pub fn update(model: &mut Model, message: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    model.dirty = true;
    match message {
        Msg::Tick(now) => model.now = model.now.max(now),
        Msg::Key(key) => {
            model.message = None;
            effects = on_key(model, key);
        }
        Msg::Paste(text) => effects = paste(model, &text),
        Msg::Mouse(mouse) => effects = pointer::mouse(model, mouse),
        Msg::Resize(width, height) => resize(model, (width, height)),
        Msg::Engine(signal) => effects = on_signal(model, signal),
        Msg::EngineGone => effects = engine_gone(model),
        Msg::Logs(update) => {
            model.dirty = !Areas::of(model).logs.is_empty();
            effects.extend(model.logs.update(update).into_iter().map(Effect::Logs));
        }
        Msg::Plan(answer) => plan::take(model, answer),
        Msg::AppLog => model.dirty = !Areas::of(model).app_log.is_empty(),
        Msg::Terminate => effects = terminate(model),
    }
    effects.extend(settle(model));
    effects
}

/// Bring in line what follows from the rest: the pane with the keyboard is on screen, the cursor is in sight, and the
/// log pane shows the logs of what is selected.
fn settle(model: &mut Model) -> Vec<Effect> {
    if model.plan.is_none() && Areas::of(model).pane(model.focus).is_empty() {
        model.focus = Focus::Grid;
        model.full_screen = false;
    }
    navigate::bring_into_sight(model);
    let areas = Areas::of(model);
    if let Some(plan) = &mut model.plan {
        plan.resize(areas.plan);
    }
    let visible = !areas.logs.is_empty();
    let mut requests = model
        .logs
        .resize(super::logpane::text_size(areas.logs, model.full_screen));
    requests.extend(model.logs.set_visible(visible));
    if visible {
        match subject(model) {
            Some(subject) => requests.extend(model.logs.show(subject)),
            None => requests.extend(model.logs.close()),
        }
    }
    requests.into_iter().map(Effect::Logs).collect()
}

/// The logs of what is selected: of the attempt shown in the details, of the row's stack where the selected cell has
/// not run, or of the phase under way.
fn subject(model: &Model) -> Option<Subject> {
    let absolute = |logs: &[LogSource]| -> Vec<Source> {
        let source = |log: &LogSource| Source {
            name: log.name.clone(),
            path: model.instance.join(&log.path),
        };
        logs.iter().map(source).collect()
    };
    let cell = model.cursor.cell();
    if let Some((cell, attempt)) = cell.and_then(|cell| Some((cell, model.shown_attempt(cell)?))) {
        return Some(Subject {
            scope: Scope::Attempt {
                cell,
                attempt: attempt.number,
            },
            title: format!("{} attempt {}", model.cell_name(cell), attempt.number),
            sources: absolute(&attempt.logs),
            ended: attempt.outcome.is_some(),
        });
    }
    let setup = model.cursor.setup?;
    let row = model.state.setup(setup).filter(|row| row.generation > 0)?;
    Some(Subject {
        scope: Scope::Phase {
            setup,
            generation: row.generation,
            phase: PhaseKind::Standup,
        },
        title: format!("stack of row {}", setup.0 + 1),
        sources: absolute(&row.logs),
        ended: row.stack == StackState::Down,
    })
}

fn on_key(model: &mut Model, key: Key) -> Vec<Effect> {
    if key == Key::Ctrl('z') {
        return vec![Effect::Suspend];
    }
    if key == Key::Ctrl('c') {
        return overlay::interrupt(model);
    }
    if let Some(overlay) = model.overlay.take() {
        return overlay::key(model, overlay, key);
    }
    if model.typing.is_some() {
        type_filter(model, key);
        return Vec::new();
    }
    if let Some(plan) = model.plan.as_mut().filter(|plan| plan.is_typing()) {
        plan.key(key);
        return Vec::new();
    }
    if model.plan.is_none() && model.logs.is_typing() {
        return model.logs.key(key).into_iter().map(Effect::Logs).collect();
    }
    if model.plan.is_none() && model.focus == Focus::AppLog && model.app_log.key(key) {
        return Vec::new();
    }
    if let Some(action) = action::action(model.context(), key) {
        return act(model, action);
    }
    model.say(format!("{key} means nothing here; ? shows all keys"));
    Vec::new()
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if model.plan.is_some() && plan::act(model, action) {
        return Vec::new();
    }
    if model.focus == Focus::Logs
        && let Some(act) = log_act(action)
    {
        return model.logs.act(act).into_iter().map(Effect::Logs).collect();
    }
    match action {
        Action::Start => return command::start(model),
        Action::Pause => return command::pause(model),
        Action::Skip => return command::skip(model),
        Action::Retry => return command::retry(model),
        Action::Cancel => return command::plainly(model, Deed::Cancel),
        Action::RunNext => return command::plainly(model, Deed::RunNext),
        Action::Quit => return overlay::quit(model),
        Action::Interrupt => return overlay::interrupt(model),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Mouse => {
            model.mouse = !model.mouse;
            model.say(if model.mouse {
                "the mouse works here again"
            } else {
                "the mouse belongs to the terminal: select and copy; m takes it back"
            });
            return vec![Effect::MouseCapture(model.mouse)];
        }
        Action::Open => return open(model),
        Action::Plan => return plan::open(model),
        Action::Compare => return plan::compare(model),
        Action::Back => return back(model),
        Action::Help => model.overlay = Some(Overlay::Help(0)),
        Action::Summary => overlay::show_summary(model),
        Action::Filter => {
            let before = model.filter.text().to_owned();
            model.typing = Some((Input::new(&before), before));
        }
        Action::Logs => toggle(model, Lower::Logs),
        Action::AppLog => toggle(model, Lower::AppLog),
        Action::FullScreen => model.full_screen = !model.full_screen,
        _ => navigate::act(model, action),
    }
    Vec::new()
}

/// What an action means to the log pane.
fn log_act(action: Action) -> Option<Act> {
    Some(match action {
        Action::Up => Act::Up,
        Action::Down => Act::Down,
        Action::PageUp => Act::PageUp,
        Action::PageDown => Act::PageDown,
        Action::Top => Act::Top,
        Action::Bottom => Act::Tail,
        Action::Left => Act::Left,
        Action::Right => Act::Right,
        Action::Home => Act::LineStart,
        Action::Wrap => Act::Wrap,
        Action::FollowTail => Act::Follow,
        Action::Search => Act::Search,
        Action::NextMatch => Act::NextMatch,
        Action::PreviousMatch => Act::PreviousMatch,
        Action::NextError => Act::NextError,
        Action::PreviousError => Act::PreviousError,
        Action::NextLog => Act::NextSource,
        Action::PreviousLog => Act::PreviousSource,
        _ => return None,
    })
}

fn open(model: &mut Model) -> Vec<Effect> {
    match model.focus {
        Focus::Grid if model.cursor.is_row_header() && model.has_plans => return plan::open(model),
        Focus::Grid => {
            // Beside the grid there are details already; under it they take the place of the logs.
            let has_details = !Areas::of(model).detail.is_empty();
            if !has_details {
                model.lower = Lower::Detail;
            }
            model.focus = Focus::Detail;
        }
        Focus::Detail => {
            model.lower = Lower::Logs;
            model.focus = Focus::Logs;
        }
        Focus::Logs => model.full_screen = true,
        // The pane has keys of its own, and Enter is none of them.
        Focus::AppLog => {}
    }
    Vec::new()
}

fn back(model: &mut Model) -> Vec<Effect> {
    if model.focus == Focus::Logs && model.logs.has_search() {
        return model
            .logs
            .act(Act::ClearSearch)
            .into_iter()
            .map(Effect::Logs)
            .collect();
    }
    if model.full_screen {
        model.full_screen = false;
    } else if model.focus != Focus::Grid {
        model.focus = Focus::Grid;
    } else if !model.marks.is_empty() {
        model.marks.clear();
    } else if model.compared.is_some() {
        model.compared = None;
    } else if !model.filter.is_empty() {
        model.set_filter("");
    } else {
        model.lower = Lower::Detail;
    }
    Vec::new()
}

/// Show a pane and give it the keyboard; if it has it already, put the details back.
fn toggle(model: &mut Model, lower: Lower) {
    let focus = lower.focus();
    if model.focus == focus {
        model.full_screen = false;
        model.lower = Lower::Detail;
        model.focus = Focus::Grid;
    } else {
        model.lower = lower;
        model.focus = focus;
    }
}

fn type_filter(model: &mut Model, key: Key) {
    let Some((mut input, before)) = model.typing.take() else {
        return;
    };
    match key {
        Key::Enter => {}
        Key::Esc => model.set_filter(&before),
        key => {
            if input.key(key) {
                model.set_filter(&input.text());
            }
            model.typing = Some((input, before));
        }
    }
}

fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some((mut input, before)) = model.typing.take() {
        input.insert(text);
        model.set_filter(&input.text());
        model.typing = Some((input, before));
        return Vec::new();
    }
    if let Some(plan) = &mut model.plan {
        plan.paste(text);
        return Vec::new();
    }
    model.logs.paste(text).into_iter().map(Effect::Logs).collect()
}

/// A screen that gets room for all shows logs, too; one that loses it keeps what the operator is in.
fn resize(model: &mut Model, size: (u16, u16)) {
    let before = has_room_for_all(model.size);
    model.size = size;
    match (before, has_room_for_all(size), model.lower) {
        (false, true, Lower::Detail) => model.lower = Lower::Logs,
        (true, false, Lower::Logs) if model.focus != Focus::Logs => model.lower = Lower::Detail,
        _ => {}
    }
}

fn on_signal(model: &mut Model, signal: Signal) -> Vec<Effect> {
    let record = match signal {
        Signal::Recorded(record) => record,
        Signal::Progress(progress) => {
            model.dirty = model.scope() == Some(progress.scope);
            if model.dirty {
                model.progress = Some(progress);
            }
            return Vec::new();
        }
        Signal::Refused(refusal) => {
            model.complain(refusal.reason);
            return Vec::new();
        }
        Signal::Trouble(trouble) => {
            model.trouble = Some(trouble);
            return Vec::new();
        }
    };
    model.trouble = None;
    model.apply(&record);
    match &record.event {
        Event::Notice { text } => model.say(text.clone()),
        Event::AttemptStarted { cell, .. } if model.follow => {
            model.cursor.setup = Some(cell.setup);
            model.cursor.run = Some(cell.run);
            model.attempts_back = 0;
        }
        Event::PhaseStarted {
            setup,
            phase: PhaseKind::Standup,
            ..
        } if model.follow => {
            let cells = model.state.row(*setup).iter();
            let next = (0..)
                .zip(cells)
                .find(|(_, cell)| cell.status == CellStatus::Pending);
            model.cursor.setup = Some(*setup);
            model.cursor.run = next.map(|(run, _)| RunId(run)).or(model.cursor.run);
        }
        Event::SweepEnded { .. } if model.leaving => return vec![Effect::Exit(Ended::Left)],
        _ => {}
    }
    if model.is_work_left() {
        model.end_shown = false;
    } else if !model.end_shown && !model.leaving && model.is_over() {
        model.end_shown = true;
        if model.overlay.is_none() && model.typing.is_none() {
            overlay::show_summary(model);
        }
    }
    Vec::new()
}

fn engine_gone(model: &mut Model) -> Vec<Effect> {
    if model.state.mode == Mode::Ended {
        return if model.leaving {
            vec![Effect::Exit(Ended::Left)]
        } else {
            Vec::new()
        };
    }
    vec![Effect::Exit(Ended::EngineGone)]
}

/// The first time clean, the second time at once: as Ctrl-C does without a screen.
fn terminate(model: &mut Model) -> Vec<Effect> {
    let mode = if model.leaving {
        StopMode::Now
    } else {
        StopMode::Graceful
    };
    overlay::leave(model, mode)
}
