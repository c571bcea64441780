//! The sweep at a glance: shown when its work is done, and on request.

use super::Line;
use crate::tui::canvas;
use crate::tui::model::Model;
use crate::tui::overlay::{Summary, Unsuccessful};
use crate::tui::pace;
use crate::tui::theme::{STATUSES, status_word};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines for a reason.
const REASON: usize = 2;

/// Three quarters of a large screen, and all of a small one.
fn outer_width(screen: Rect) -> u16 {
    (screen.width * 3 / 4).clamp(90, 120)
}

pub(super) fn draw(model: &Model, summary: &Summary, screen: Rect, buf: &mut Buffer) {
    let lines = lines(model, summary, screen);
    let title = if model.is_done() { "All is done" } else { "So far" };
    let inner = super::page(model, title, outer_width(screen), lines.len(), screen, buf);
    super::draw_lines(&lines, summary.scroll, inner, model, buf);
}

/// How many lines there are, and how many fit.
pub(super) fn measure(model: &Model, summary: &Summary) -> (u16, u16) {
    let screen = Rect::new(0, 0, model.size.0, model.size.1);
    let lines = lines(model, summary, screen).len();
    let area = super::page_area(outer_width(screen), lines, screen);
    let room = area.height.saturating_sub(2);
    (u16::try_from(lines).unwrap_or(u16::MAX), room)
}

fn lines(model: &Model, summary: &Summary, screen: Rect) -> Vec<Line> {
    let theme = &model.theme;
    let width = outer_width(screen).min(screen.width).saturating_sub(4);
    let mut lines: Vec<Line> = Vec::new();
    for status in STATUSES {
        let count = model.state.counts.of(status);
        if count > 0 {
            let style = theme.status(status);
            lines.push(vec![
                (format!(" {} {count:>7} ", theme.glyph(status)), style),
                (status_word(status).to_owned(), style),
            ]);
        }
    }
    let elapsed = pace::clock(model.pace.elapsed(model.now));
    lines.push(vec![
        (format!("   {:>7} ", model.total()), theme.strong),
        ("cells".to_owned(), theme.strong),
    ]);
    lines.push(Line::new());
    lines.push(vec![(format!(" {elapsed} at work"), theme.text)]);
    if model.state.opened.as_ref().is_some_and(|opened| opened.simulated) {
        lines.push(vec![(
            " Simulated: these are no measurements.".to_owned(),
            theme.warn,
        )]);
    }
    if !summary.failures.is_empty() {
        lines.push(Line::new());
        lines.push(vec![(" Without a result to trust".to_owned(), theme.accent)]);
    }
    for failure in &summary.failures {
        lines.extend(unsuccessful(model, failure, width));
    }
    if summary.more > 0 {
        lines.push(vec![(format!(" and {} more", summary.more), theme.dim)]);
    }
    lines.push(Line::new());
    lines.push(vec![(" Results".to_owned(), theme.accent)]);
    for part in canvas::wrap_hard(&model.instance.to_string_lossy(), width.saturating_sub(1)) {
        lines.push(vec![(format!(" {part}"), theme.text)]);
    }
    lines.push(Line::new());
    let mut keys = vec![
        (" esc".to_owned(), theme.key),
        (" look at the grid".to_owned(), theme.dim),
        ("   q".to_owned(), theme.key),
        (" leave".to_owned(), theme.dim),
    ];
    if !summary.failures.is_empty() {
        keys.extend([
            ("   F".to_owned(), theme.key),
            (" then ".to_owned(), theme.dim),
            ("r".to_owned(), theme.key),
            (" retries these".to_owned(), theme.dim),
        ]);
    }
    lines.push(keys);
    lines
}

/// Which cells, and why: at most [`REASON`] lines of it, because the details have the rest.
fn unsuccessful(model: &Model, cells: &Unsuccessful, width: u16) -> Vec<Line> {
    let theme = &model.theme;
    let mut name = model.cell_name(cells.first);
    if cells.last != cells.first.run {
        name = format!("{name}-{}", cells.last.0 + 1);
    }
    let mut head = format!(" {} {name:<9} ", theme.glyph(cells.status));
    let indent = canvas::width(&head);
    let reason = match cells.reason.as_str() {
        "" => status_word(cells.status),
        reason => reason,
    };
    let room = width.saturating_sub(indent);
    let mut parts = canvas::wrap(reason, room);
    if parts.len() > REASON {
        let rest = parts.split_off(REASON - 1).join(" ");
        parts.push(canvas::truncate(&rest, room, theme.glyphs.ellipsis).into_owned());
    }
    let mut lines = Vec::new();
    for part in parts {
        lines.push(vec![(head, theme.status(cells.status)), (part, theme.text)]);
        head = " ".repeat(usize::from(indent));
    }
    lines
}
