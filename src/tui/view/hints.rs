//! The bottom line: the filter being typed, a message, or the keys that matter here.

use crate::engine::{CellStatus, Mode};
use crate::tui::action::{Action, Binding, Context, bindings};
use crate::tui::applog;
use crate::tui::canvas::{self, Pen};
use crate::tui::model::{Focus, Model};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::borrow::Cow;

pub(super) fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let theme = &model.theme;
    let mut pen = Pen::new(buf, area, 0, theme);
    if let Some((input, _)) = &model.typing {
        pen.write(" /", theme.key)
            .write_input(input, theme)
            .skip(2)
            .write(
                "words or statuses, ! inverts   enter: keep   esc: back",
                theme.dim,
            );
        return;
    }
    if !model.filter.is_empty() {
        pen.write(&format!(" /{} ", model.filter.text()), theme.hit);
    }
    if let Some(message) = &model.message {
        let style = if message.bad { theme.warn } else { theme.text };
        pen.write(" ", theme.text).write(&message.text, style);
        return;
    }
    for (key, word) in hints(model) {
        let needed = canvas::width(&key) + canvas::width(&word) + 3;
        if pen.left() < needed {
            continue;
        }
        pen.write(" ", theme.text)
            .write(&key, theme.key)
            .write(" ", theme.text)
            .write(&word, theme.dim)
            .write(" ", theme.text);
    }
}

/// Keys with one word each. Help and quit come first where little fits, because they lead to all the rest.
fn hints(model: &Model) -> Vec<(String, Cow<'static, str>)> {
    let context = model.context();
    let told = |binding: &&Binding| !binding.hint.is_empty();
    let everywhere = bindings().filter(|binding| binding.context == Context::Everywhere && told(binding));
    let here = bindings().filter(|binding| {
        binding.context == context && binding.context != Context::Everywhere && told(binding)
    });
    let mut all: Vec<&Binding> = here.filter(|binding| is_of_use(model, binding.action)).collect();
    let must = everywhere.filter(|binding| matches!(binding.action, Action::Help | Action::Quit));
    let must: Vec<&Binding> = must.collect();
    let rest = bindings()
        .filter(|binding| binding.context == Context::Everywhere && told(binding))
        .filter(|binding| !matches!(binding.action, Action::Help | Action::Quit));
    all.extend(rest);
    let name = |binding: &Binding| {
        let key = binding.keys.first().map(ToString::to_string).unwrap_or_default();
        (key, word(model, binding))
    };
    let mut hints: Vec<(String, Cow<'static, str>)> = must.into_iter().chain(all).map(name).collect();
    if model.focus == Focus::AppLog {
        hints.extend(
            applog::KEYS
                .iter()
                .filter(|(_, event, _)| matches!(event, tui_logger::TuiWidgetEvent::HideKey))
                .map(|(key, _, _)| (key.to_string(), "targets".into())),
        );
    }
    // What was begun is gone on with by the same key.
    if context == Context::Grid && model.compared.is_some() {
        hints.sort_by_key(|(key, _)| key != "d");
    }
    if model.leaving {
        hints.insert(0, ("ctrl-c".to_owned(), "stop now".into()));
    }
    if context != Context::Grid {
        hints.insert(1.min(hints.len()), ("esc".to_owned(), "back".into()));
    }
    hints
}

/// Whether a hint is worth its place now.
fn is_of_use(model: &Model, action: Action) -> bool {
    let count = |status| model.state.counts.of(status) as usize;
    let (pending, running) = (count(CellStatus::Pending), count(CellStatus::Running));
    let skipped = count(CellStatus::Skipped);
    if let Some(plan) = &model.plan {
        return plan.is_shown();
    }
    match action {
        Action::Retry if pending + running + skipped == model.total() => false,
        Action::Skip if pending + skipped == 0 => false,
        Action::Cancel | Action::Start if pending + running == 0 => false,
        Action::Start => matches!(model.state.mode, Mode::Ready | Mode::Paused),
        Action::Pause => matches!(model.state.mode, Mode::Running) && !model.is_done(),
        Action::Compare | Action::Plan => model.has_plans,
        Action::Skip | Action::Retry | Action::Cancel => {
            !matches!(model.state.mode, Mode::Stopping(_) | Mode::Ended)
        }
        _ => true,
    }
}

fn word(model: &Model, binding: &Binding) -> Cow<'static, str> {
    match (binding.context, binding.action) {
        (Context::Grid, Action::Start) if model.state.mode == Mode::Paused => "go on".into(),
        (Context::Grid, Action::Open) if model.cursor.is_row_header() && model.has_plans => "plan".into(),
        (Context::Grid, Action::Compare) => match model.compared {
            Some(row) if model.cursor.setup == Some(row) => "forget the row".into(),
            Some(row) => format!("difference with row {}", row.0 + 1).into(),
            None => binding.hint.into(),
        },
        (_, Action::Quit) if model.plan.is_some() => "close".into(),
        _ => binding.hint.into(),
    }
}
