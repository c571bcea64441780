//! What lies over the panes: keys in it, and how the screen is left.

use super::{Effect, Ended, command};
use crate::engine::{CellState, Command, Mode, Outcome, Scope, StatusFilter, StopMode};
use crate::tui::keys::Key;
use crate::tui::model::Model;
use crate::tui::overlay::{Choice, Decision, Dialog, Overlay, Summary, Unsuccessful};
use crate::tui::view;

/// Failures that the summary lists.
const FAILURES: usize = 50;

/// A key while something lies over the panes. `overlay` was taken off; what stays is put back.
pub(super) fn key(model: &mut Model, overlay: Overlay, key: Key) -> Vec<Effect> {
    match overlay {
        Overlay::Help(scroll) => {
            let limit = view::scroll_limit(model, &overlay);
            model.overlay = scrolled(scroll, limit, key).map(Overlay::Help);
            Vec::new()
        }
        Overlay::Summary(ref summary) => {
            let limit = view::scroll_limit(model, &overlay);
            let Some(scroll) = scrolled(summary.scroll, limit, key) else {
                // The summary invites to go on: what is not about itself is done at once.
                let closes = matches!(key, Key::Esc | Key::Enter | Key::Char('o'));
                return if closes {
                    Vec::new()
                } else {
                    super::on_key(model, key)
                };
            };
            model.overlay = Some(Overlay::Summary(Summary {
                scroll,
                ..summary.clone()
            }));
            Vec::new()
        }
        Overlay::Dialog(dialog) => answer(model, dialog, key),
    }
}

/// Where a page is scrolled to after a key; `None` when the key closes it.
fn scrolled(scroll: u16, limit: u16, key: Key) -> Option<u16> {
    let scroll = match key {
        Key::Up | Key::Char('k') => Some(scroll.saturating_sub(1)),
        Key::Down | Key::Char('j') => Some(scroll.saturating_add(1)),
        Key::PageUp | Key::Ctrl('b') => Some(scroll.saturating_sub(10)),
        Key::PageDown | Key::Ctrl('f') | Key::Space => Some(scroll.saturating_add(10)),
        Key::Home | Key::Char('g') => Some(0),
        Key::End | Key::Char('G') => Some(u16::MAX),
        _ => None,
    };
    scroll.map(|scroll| scroll.min(limit))
}

fn answer(model: &mut Model, mut dialog: Dialog, key: Key) -> Vec<Effect> {
    let count = dialog.choices.len().max(1);
    let step = match key {
        Key::Left | Key::Up | Key::BackTab | Key::Char('h' | 'k') => count - 1,
        Key::Right | Key::Down | Key::Tab | Key::Char('l' | 'j') => 1,
        Key::Enter | Key::Space => return decide(model, &dialog, dialog.selected),
        Key::Esc | Key::Char('q') => return Vec::new(),
        Key::Char(char) => {
            let chosen = dialog.choices.iter().position(|choice| choice.key == char);
            if let Some(chosen) = chosen {
                return decide(model, &dialog, chosen);
            }
            0
        }
        _ => 0,
    };
    dialog.selected = (dialog.selected + step) % count;
    model.overlay = Some(Overlay::Dialog(dialog));
    Vec::new()
}

pub(super) fn decide(model: &mut Model, dialog: &Dialog, chosen: usize) -> Vec<Effect> {
    match dialog.choices.get(chosen).map(|choice| &choice.decision) {
        None | Some(Decision::Stay) => Vec::new(),
        Some(Decision::Do(deed, cells)) => command::carry_out(model, *deed, cells),
        Some(Decision::Stop(mode)) => leave(model, *mode),
    }
}

/// Ask the engine for an end, and leave when it has come; at once where it has come already.
pub(super) fn leave(model: &mut Model, mode: StopMode) -> Vec<Effect> {
    model.leaving = true;
    model.overlay = None;
    model.typing = None;
    if model.state.mode == Mode::Ended {
        return vec![Effect::Exit(Ended::Left)];
    }
    vec![Effect::Command(Command::Stop { mode })]
}

pub(super) fn quit(model: &mut Model) -> Vec<Effect> {
    // Without anything under way there is nothing to lose, and nothing to ask.
    let at_rest = model.state.activity.is_none() && (model.state.mode == Mode::Ready || model.is_done());
    if at_rest || model.state.mode == Mode::Ended {
        return leave(model, StopMode::Finish);
    }
    model.overlay = Some(Overlay::Dialog(question(model)));
    Vec::new()
}

/// Ctrl-C: the first time ask how to end, the second time end at once.
pub(super) fn interrupt(model: &mut Model) -> Vec<Effect> {
    let asking = matches!(&model.overlay, Some(Overlay::Dialog(dialog)) if dialog.choices.iter().any(|choice| {
        choice.decision == Decision::Stop(StopMode::Now)
    }));
    if asking || model.leaving {
        return leave(model, StopMode::Now);
    }
    model.overlay = None;
    quit(model)
}

fn question(model: &Model) -> Dialog {
    let running = match model.scope() {
        Some(Scope::Attempt { cell, .. }) => Some(format!("Cell {} is running", model.cell_name(cell))),
        Some(Scope::Phase { setup, phase, .. }) => {
            Some(format!("{} of row {} is under way", phase.name(), setup.0 + 1))
        }
        None => None,
    };
    let pending = model.state.counts.of(crate::engine::CellStatus::Pending);
    let mut text = vec![match running {
        Some(running) => format!("{running}, {pending} cells are pending."),
        None => format!("The sweep is not over: {pending} cells are pending."),
    }];
    text.push("A sweep that is stopped can be gone on with later (--resume).".to_owned());
    let choice = |key, label: &str, decision| Choice {
        key,
        label: label.to_owned(),
        decision,
    };
    let mut choices = Vec::new();
    if model.leaving {
        text.insert(0, "The sweep is ending already.".to_owned());
    } else {
        let (finish, cancel) = match model.scope() {
            Some(Scope::Attempt { .. }) => ("Finish the cell, tear down", "Cancel the cell, tear down"),
            _ => ("Finish what runs, tear down", "Break it off, tear down"),
        };
        choices.push(choice('f', finish, Decision::Stop(StopMode::Finish)));
        choices.push(choice('c', cancel, Decision::Stop(StopMode::Graceful)));
    }
    choices.push(choice(
        'n',
        "Stop now, collect nothing",
        Decision::Stop(StopMode::Now),
    ));
    choices.push(choice('s', "Stay", Decision::Stay));
    Dialog {
        title: "Leave".to_owned(),
        selected: choices.len() - 1,
        text,
        choices,
    }
}

/// The sweep at a glance. The one place that looks at every cell.
pub(super) fn show_summary(model: &mut Model) {
    let unsuccessful = model
        .state
        .iter_cells()
        .filter(|(_, cell)| StatusFilter::Unsuccessful.matches(cell.status));
    let mut failures: Vec<Unsuccessful> = Vec::new();
    let mut more = 0;
    for (id, cell) in unsuccessful {
        if more > 0 {
            more += 1;
            continue;
        }
        let reason = reason(cell);
        let before = failures.last_mut();
        if let Some(before) = before.filter(|before| before.goes_on_with(id, cell.status, &reason)) {
            before.last = id.run;
        } else if failures.len() >= FAILURES {
            more += 1;
        } else {
            failures.push(Unsuccessful {
                first: id,
                last: id.run,
                status: cell.status,
                reason,
            });
        }
    }
    model.overlay = Some(Overlay::Summary(Summary {
        failures,
        more,
        scroll: 0,
    }));
}

/// Why a cell has no result to trust, as far as anybody said.
fn reason(cell: &CellState) -> String {
    let outcome = cell.attempts.last().and_then(|attempt| attempt.outcome.as_ref());
    match (cell.not_run.as_deref(), outcome) {
        (Some(failure), _) | (None, Some(Outcome::Failed { failure })) => failure.reason.clone(),
        (None, Some(Outcome::Suspect { reasons, .. })) => reasons.join("; "),
        _ => String::new(),
    }
}
