//! The top lines: what is swept, how far it is, what is under way.

use crate::engine::{CellStatus, Mode, Scope, StopMode};
use crate::tui::canvas::{self, Pen};
use crate::tui::model::Model;
use crate::tui::pace;
use crate::tui::theme::{STATUSES, status_word};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// From this width on, words stand beside glyphs.
const WORDS: u16 = 100;

pub(super) fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    if area.height == 1 {
        // One line has room for what matters most.
        counters(model, area, 0, buf);
        return;
    }
    title(model, area, buf);
    counters(model, area, 1, buf);
    if area.height > 2 {
        activity(model, area, buf);
    }
}

fn title(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let (mode, style) = mode(model);
    let mode_width = canvas::width(&mode).min(area.width);
    let left = Rect {
        width: area.width.saturating_sub(mode_width + 1),
        ..area
    };
    let mut pen = Pen::new(buf, left, 0, theme);
    let Some(opened) = &model.state.opened else {
        pen.write(" no sweep yet", theme.dim);
        return;
    };
    if opened.simulated {
        let badge = if area.width < 60 { " SIM " } else { " SIMULATED " };
        pen.write(badge, theme.badge);
    }
    pen.write(" ", theme.text).write(&opened.experiment, theme.strong);
    let separator = format!(" {} ", theme.glyphs.separator);
    let parallelism = match opened.parallelism {
        0 | 1 => String::new(),
        many => format!("{}{many}", theme.glyphs.times),
    };
    for fact in [
        opened.platform.clone(),
        format!("{}{parallelism}", opened.harness),
        opened.profile.clone(),
    ] {
        if !fact.is_empty() && pen.left() > 4 {
            pen.write(&separator, theme.dim).write(&fact, theme.text);
        }
    }
    let x = area.right().saturating_sub(mode_width);
    canvas::put(buf, x, area.y, &mode, mode_width, style);
}

fn mode(model: &Model) -> (String, Style) {
    let theme = &model.theme;
    if model.trouble.is_some() {
        return (" TROUBLE ".to_owned(), theme.error);
    }
    match model.state.mode {
        Mode::Ready => (" READY ".to_owned(), theme.key),
        Mode::Running if model.is_done() => (" DONE ".to_owned(), theme.ok),
        Mode::Running => (" RUNNING ".to_owned(), theme.busy),
        Mode::Paused if model.state.activity.is_some() => (" PAUSING ".to_owned(), theme.warn),
        Mode::Paused => (" PAUSED ".to_owned(), theme.warn),
        Mode::Stopping(StopMode::Finish) => (" FINISHING ".to_owned(), theme.warn),
        Mode::Stopping(_) => (" STOPPING ".to_owned(), theme.warn),
        Mode::Ended => (" ENDED ".to_owned(), theme.strong),
    }
}

/// Time and what is left of it on the right, counts on the left.
fn counters(model: &Model, area: Rect, line: u16, buf: &mut Buffer) {
    let theme = &model.theme;
    let times = times(model);
    let times_width = canvas::width(&times).min(area.width);
    let left = Rect {
        width: area.width.saturating_sub(times_width + 1),
        ..area
    };
    let mut pen = Pen::new(buf, left, line, theme);
    let ended = model.total() as u32 - to_do(model);
    pen.write(&format!(" {ended}/{} ", model.total()), theme.strong);
    for status in STATUSES {
        let count = model.state.counts.of(status);
        if count == 0 {
            continue;
        }
        let text = if area.width >= WORDS {
            format!(" {} {count} {} ", theme.glyph(status), status_word(status))
        } else {
            format!(" {}{count}", theme.glyph(status))
        };
        if pen.left() < canvas::width(&text) {
            break;
        }
        pen.write(&text, theme.status(status));
    }
    let x = area.right().saturating_sub(times_width);
    let y = area.y + line.min(area.height.saturating_sub(1));
    canvas::put(buf, x, y, &times, times_width, theme.text);
}

fn to_do(model: &Model) -> u32 {
    model.state.counts.of(CellStatus::Pending) + model.state.counts.of(CellStatus::Running)
}

fn times(model: &Model) -> String {
    let elapsed = model.pace.elapsed(model.now);
    if elapsed <= 0.0 && !model.pace.is_running() {
        return String::new();
    }
    let elapsed = pace::clock(elapsed);
    if to_do(model) == 0 {
        return format!("{elapsed} ");
    }
    match model.pace.remaining(&model.state, model.now) {
        Some(left) => format!(
            "{elapsed} {} ~{} left ",
            model.theme.glyphs.separator,
            pace::clock(left)
        ),
        None => format!("{elapsed} "),
    }
}

/// What is under way, in words, with a bar where it says how far it is.
fn activity(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let mut pen = Pen::new(buf, area, 2, theme);
    pen.write(" ", theme.text);
    if let Some(trouble) = &model.trouble {
        pen.write(&trouble.trouble, theme.error)
            .write("; ", theme.text)
            .write(&trouble.hint, theme.text);
        return;
    }
    let Some(activity) = model.state.activity else {
        let style = if model.state.mode == Mode::Ready {
            theme.key
        } else {
            theme.dim
        };
        pen.write(idle(model), style);
        return;
    };
    let (what, step) = match activity.scope {
        Scope::Attempt { cell, attempt } => {
            let again = if attempt > 1 {
                format!(", attempt {attempt}")
            } else {
                String::new()
            };
            let step = model
                .state
                .cell(cell)
                .and_then(|cell| cell.attempts.last())
                .and_then(|attempt| attempt.steps.last());
            (format!("cell {}{again}", model.cell_name(cell)), step)
        }
        Scope::Phase { setup, phase, .. } => {
            let step = model.state.setup(setup).and_then(|row| row.steps.last());
            (format!("{} of row {}", phase.name(), setup.0 + 1), step)
        }
    };
    if model.state.mode == Mode::Ready {
        // A resumed sweep: this was under way when the engine before this one ended.
        pen.write(&format!("press s to go on with {what}"), theme.text);
        return;
    }
    let [_, changing, ..] = theme.glyphs.stack;
    pen.write(changing, theme.busy)
        .write(" ", theme.text)
        .write(&what, theme.busy);
    if let Some(step) = step {
        pen.write(&format!(" {} {}", theme.glyphs.separator, step.name), theme.text);
    }
    if let Some(progress) = model.progress_of(activity.scope) {
        if let Some(fraction) = pace::fraction(progress) {
            pen.write(" ", theme.text)
                .write(&canvas::bar(fraction, 12, theme.glyphs), theme.busy)
                .write(&format!(" {}", pace::percent(fraction)), theme.text);
        }
        pen.write(&format!("  {}", progress.text), theme.text);
    }
    let since = pace::clock(pace::seconds_between(activity.since, model.now));
    pen.write(&format!("  {since}"), theme.dim);
}

/// Whether a cell was run, or would have been if its stack had come up. What was only taken out of the queue does not
/// make a start a continuation.
fn was_at_work(model: &Model) -> bool {
    let untouched = [CellStatus::Pending, CellStatus::Skipped, CellStatus::Cancelled];
    let untouched: u32 = untouched.map(|status| model.state.counts.of(status)).iter().sum();
    untouched < model.total() as u32
}

fn idle(model: &Model) -> &'static str {
    match model.state.mode {
        Mode::Ready if to_do(model) == 0 => "nothing is left to do: q leaves, r runs selected cells again",
        Mode::Ready if was_at_work(model) => "press s to go on",
        Mode::Ready => "press s to start",
        Mode::Paused => "paused: s or p goes on",
        Mode::Running if model.is_done() => "all is done: q leaves, r runs selected cells again, o sums up",
        Mode::Running => "choosing what comes next",
        Mode::Stopping(_) => "ending",
        Mode::Ended => "the sweep has ended: q leaves, o sums up",
    }
}
