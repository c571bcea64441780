//! How two setup treatments differ: a table where there is room, else one value below the other.

use super::{arrows, draw_status, hits};
use crate::tui::canvas::{self, Pen};
use crate::tui::layout::is_framed;
use crate::tui::planpane::difference::{Difference, Row};
use crate::tui::planpane::find::Find;
use crate::tui::planpane::parts::Columns;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// What stands for a value that is not there.
const ABSENT: &str = "(absent)";

pub(super) fn draw(
    difference: &Difference,
    find: &Find,
    title: &str,
    area: Rect,
    theme: &Theme,
    buf: &mut Buffer,
) {
    let parts = Difference::parts(area);
    let view = difference.view();
    let count = match view.changes.len() {
        0 => "no difference".to_owned(),
        1 => "1 difference".to_owned(),
        many => format!("{many} differences"),
    };
    Pen::new(buf, parts.title, 0, theme)
        .write(" ", theme.text)
        .write(title, theme.strong)
        .write(&format!("   {count}"), theme.dim);
    if is_framed(parts.pane) {
        canvas::frame(buf, parts.pane, "Difference", true, theme);
    }
    if view.changes.is_empty() {
        let text = "both deploy the same: configuration and files are equal";
        Pen::new(buf, parts.text, 0, theme).write(text, theme.text);
        return;
    }
    draw_heading(difference, parts.strip, theme, buf);
    let rows = difference.rows.iter().enumerate().skip(difference.scroll.top);
    for ((number, row), line) in rows.zip(0..parts.text.height) {
        let change = difference.change_at(number);
        let marked = change.is_some() && change == difference.scroll.mark;
        let y = parts.text.y + line;
        let room = Rect::new(parts.text.x, y, parts.text.width, 1);
        draw_row(difference, row, marked, find, room, theme, buf);
    }
    let below = difference.rows.len() > difference.scroll.top + usize::from(parts.text.height);
    let edge = Rect {
        width: parts.pane.right().saturating_sub(parts.text.x),
        ..parts.text
    };
    arrows(difference.scroll.top > 0, below, edge, theme, buf);
    let at = difference
        .change_at(difference.scroll.top)
        .map_or(0, |change| change + 1);
    let facts = [format!("from change {at} of {}", view.changes.len())];
    draw_status(find, &facts, parts.status, theme, buf);
}

/// Which column is which, or which sign.
fn draw_heading(difference: &Difference, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let (before, after) = difference.names();
    match difference.columns {
        Columns::Table { path, value } => {
            let [_, before_x, after_x] = places(area.x, path, value);
            canvas::put_fit(
                buf,
                before_x,
                area.y,
                before,
                value * area.height.min(1),
                theme.error,
                theme,
            );
            canvas::put_fit(
                buf,
                after_x,
                area.y,
                after,
                value * area.height.min(1),
                theme.ok,
                theme,
            );
        }
        Columns::Stacked { .. } => {
            Pen::new(buf, area, 0, theme)
                .write("- ", theme.error)
                .write(before, theme.error)
                .write("   ", theme.text)
                .write("+ ", theme.ok)
                .write(after, theme.ok);
        }
    }
}

/// Columns of the table: path, before, after.
fn places(x: u16, path: u16, value: u16) -> [u16; 3] {
    [x, x + path + 2, x + path + value + 4]
}

fn draw_row(
    difference: &Difference,
    row: &Row,
    marked: bool,
    find: &Find,
    area: Rect,
    theme: &Theme,
    buf: &mut Buffer,
) {
    let hit = if marked { theme.cursor } else { theme.hit };
    let mut put = |x: u16, text: &str, width: u16, style: Style| {
        let room = width.min(area.right().saturating_sub(x));
        canvas::put(buf, x, area.y, text, room, style);
        for found in hits(find, text) {
            let before = text.get(..found.start).unwrap_or_default();
            let at = canvas::width(before);
            let found = text.get(found).unwrap_or_default();
            canvas::put(buf, x + at.min(room), area.y, found, room.saturating_sub(at), hit);
        }
    };
    let path_style = if marked { theme.crosshair } else { theme.text };
    match row {
        Row::Gap => {}
        Row::Place(place, count) => {
            put(area.x, place, area.width, theme.accent);
            let x = area.x.saturating_add(canvas::width(place)).saturating_add(2);
            let changes = if *count == 1 {
                "1 change".to_owned()
            } else {
                format!("{count} changes")
            };
            put(x, &changes, area.width, theme.dim);
        }
        Row::Path(path) => put(area.x, path, area.width, path_style),
        Row::Value { text, after, first } => {
            let (sign, style) = if *after {
                ("+", theme.ok)
            } else {
                ("-", theme.error)
            };
            if *first {
                put(area.x + 2, sign, 1, style);
            }
            match text {
                Some(text) => put(area.x + 4, text, area.width, style),
                None => put(area.x + 4, ABSENT, area.width, theme.dim),
            }
        }
        Row::Cells(path, before, after) => {
            let Columns::Table { path: width, value } = difference.columns else {
                return;
            };
            let [path_x, before_x, after_x] = places(area.x, width, value);
            put(path_x, path, width, path_style);
            for (x, text, style) in [(before_x, before, theme.error), (after_x, after, theme.ok)] {
                match text {
                    Some(text) => put(x, text, value, style),
                    None => put(x, ABSENT, value, theme.dim),
                }
            }
        }
        Row::More(count) => put(area.x, &format!("and {count} more"), area.width, theme.dim),
    }
}
