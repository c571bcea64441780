//! The help: the whole table of actions.

use super::Line;
use crate::tui::action::{self, Context, bindings};
use crate::tui::applog;
use crate::tui::canvas;
use crate::tui::model::Model;
use crate::tui::theme::{STATUSES, Theme, status_word};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Widest the help gets.
const WIDTH: u16 = 96;
/// Columns for keys.
const KEYS: usize = 17;

pub(super) fn draw(model: &Model, scroll: u16, screen: Rect, buf: &mut Buffer) {
    let lines = lines(&model.theme, width(screen));
    let inner = super::page(
        model,
        "Keys   any other key closes",
        WIDTH,
        lines.len(),
        screen,
        buf,
    );
    super::draw_lines(&lines, scroll, inner, model, buf);
}

/// How many lines there are, and how many fit.
pub(super) fn measure(model: &Model) -> (u16, u16) {
    let screen = Rect::new(0, 0, model.size.0, model.size.1);
    let lines = lines(&model.theme, width(screen)).len();
    let room = super::page_area(WIDTH, lines, screen).height.saturating_sub(2);
    (u16::try_from(lines).unwrap_or(u16::MAX), room)
}

fn width(screen: Rect) -> u16 {
    WIDTH.min(screen.width).saturating_sub(2)
}

fn lines(theme: &Theme, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    for context in Context::ALL {
        heading(&mut lines, context.title(), theme);
        for binding in bindings().filter(|binding| binding.context == context) {
            entry(
                &mut lines,
                &action::key_names(binding),
                binding.help,
                width,
                theme,
            );
        }
    }
    heading(&mut lines, "Application log", theme);
    for (key, _, help) in applog::KEYS {
        entry(&mut lines, &key.to_string(), help, width, theme);
    }
    heading(&mut lines, "Signs", theme);
    for status in STATUSES {
        lines.push(vec![
            (format!("  {:KEYS$} ", theme.glyph(status)), theme.status(status)),
            (status_word(status).to_owned(), theme.text),
        ]);
    }
    let [down, changing, up, broken] = theme.glyphs.stack;
    for (glyph, word) in [
        (down, "stack down"),
        (changing, "stack changing"),
        (up, "stack up"),
        (broken, "stack broken"),
    ] {
        lines.push(vec![
            (format!("  {glyph:KEYS$} "), theme.text),
            (word.to_owned(), theme.text),
        ]);
    }
    lines
}

fn heading(lines: &mut Vec<Line>, text: &str, theme: &Theme) {
    if !lines.is_empty() {
        lines.push(Line::new());
    }
    lines.push(vec![(format!(" {text}"), theme.accent)]);
}

fn entry(lines: &mut Vec<Line>, keys: &str, help: &str, width: u16, theme: &Theme) {
    let room = width.saturating_sub(KEYS as u16 + 4);
    let mut keys = keys.to_owned();
    for part in canvas::wrap(help, room) {
        lines.push(vec![(format!("  {keys:KEYS$} "), theme.key), (part, theme.text)]);
        keys.clear();
    }
}
