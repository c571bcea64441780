//! The sweep at a glance: shown when its work is done, and on request.

use super::Line;
use crate::tui::canvas;
use crate::tui::model::Model;
use crate::tui::overlay::Summary;
use crate::tui::pace;
use crate::tui::theme::{STATUSES, status_word};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Widest the summary gets.
const WIDTH: u16 = 90;

pub(super) fn draw(model: &Model, summary: &Summary, screen: Rect, buf: &mut Buffer) {
    let lines = lines(model, summary, screen);
    let title = if model.is_done() { "All is done" } else { "So far" };
    let inner = super::page(model, title, WIDTH, lines.len(), screen, buf);
    super::draw_lines(&lines, summary.scroll, inner, model, buf);
}

/// How many lines there are, and how many fit.
pub(super) fn measure(model: &Model, summary: &Summary) -> (u16, u16) {
    let screen = Rect::new(0, 0, model.size.0, model.size.1);
    let lines = lines(model, summary, screen).len();
    let room = super::page_area(WIDTH, lines, screen).height.saturating_sub(2);
    (u16::try_from(lines).unwrap_or(u16::MAX), room)
}

fn lines(model: &Model, summary: &Summary, screen: Rect) -> Vec<Line> {
    let theme = &model.theme;
    let width = WIDTH.min(screen.width).saturating_sub(4);
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
    for (cell, status, reason) in &summary.failures {
        let text = format!(" {} {:<9} ", theme.glyph(*status), model.cell_name(*cell));
        let room = width.saturating_sub(canvas::width(&text));
        let reason = if reason.is_empty() {
            status_word(*status)
        } else {
            reason
        };
        let reason = canvas::truncate(reason, room, theme.glyphs.ellipsis).into_owned();
        lines.push(vec![(text, theme.status(*status)), (reason, theme.text)]);
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
