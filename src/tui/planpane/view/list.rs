//! The list of what a plan consists of.

use super::{arrows, padded};
use crate::tui::canvas;
use crate::tui::layout::{inside, is_framed};
use crate::tui::planpane::parts::Side;
use crate::tui::planpane::plan::{Entry, Plan};
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub(super) fn draw(plan: &Plan, area: Rect, theme: &Theme, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let focused = plan.side == Side::List;
    if is_framed(area) {
        canvas::frame(buf, area, &title(plan), focused, theme);
    }
    let inner = inside(area);
    let text = padded(area);
    for (entry, line) in plan.entries.iter().skip(plan.list_top).zip(0..inner.height) {
        let style = match entry {
            Entry::Stack(_) => theme.accent,
            Entry::Config(_) => theme.strong,
            Entry::Notes(_) => theme.warn,
            Entry::File(stack, file) if plan.is_blank(*stack, *file) => theme.dim,
            Entry::File(..) => theme.text,
        };
        let y = text.y + line;
        canvas::put_fit(buf, text.x, y, &plan.name(*entry), text.width, style, theme);
        if *entry == plan.chosen {
            let row = Rect::new(inner.x, y, inner.width, 1);
            canvas::tint(buf, row, if focused { theme.cursor } else { theme.crosshair });
            if !focused && text.x > inner.x {
                canvas::put(buf, inner.x, y, theme.glyphs.pointer, 1, theme.key);
            }
        }
    }
    let below = plan.entries.len() > plan.list_top + usize::from(inner.height);
    let edge = Rect {
        height: inner.height,
        y: inner.y,
        ..area
    };
    arrows(plan.list_top > 0, below, edge, theme, buf);
}

/// How many files there are, and how many of them are not listed.
fn title(plan: &Plan) -> String {
    let blank = plan.blank_files();
    let files: usize = plan.view().stacks.iter().map(|stack| stack.files.len()).sum();
    match (plan.hide_blank, blank) {
        (true, 1..) => format!("{files} files, {blank} empty"),
        _ => format!("{files} files"),
    }
}
