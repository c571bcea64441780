//! How two setup treatments differ: a table where there is room, else one value below the other.

use super::{arrows, draw_status, hits};
use crate::tui::canvas::{self, Pen};
use crate::tui::layout::is_framed;
use crate::tui::planpane::difference::{Difference, Row};
use crate::tui::planpane::find::Find;
use crate::tui::planpane::parts::Columns;
use crate::tui::planpane::wrapped::Part;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::ops::Range;

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
        canvas::frame(buf, parts.pane, "", true, theme);
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

/// Puts texts into one row of the screen, and marks what the search finds in them.
struct Writer<'a> {
    find: &'a Find,
    hit: Style,
    area: Rect,
    buf: &'a mut Buffer,
}

impl Writer<'_> {
    fn put(&mut self, x: u16, text: &str, width: u16, style: Style) {
        let room = width.min(self.area.right().saturating_sub(x));
        canvas::put(self.buf, x, self.area.y, text, room, style);
        for found in hits(self.find, text) {
            self.put_piece(x, text, &found, room, self.hit);
        }
    }

    fn put_piece(&mut self, x: u16, text: &str, piece: &Range<usize>, room: u16, style: Style) {
        let before = canvas::width(text.get(..piece.start).unwrap_or_default()).min(room);
        let text = text.get(piece.clone()).unwrap_or_default();
        canvas::put(self.buf, x + before, self.area.y, text, room - before, style);
    }

    /// A value: what it shares with the other one is ordinary text.
    fn put_value(&mut self, x: u16, part: Option<&Part>, width: u16, style: Style, theme: &Theme) {
        let Some(part) = part else {
            self.put(x, ABSENT, width, theme.dim);
            return;
        };
        let room = width.min(self.area.right().saturating_sub(x));
        canvas::put(self.buf, x, self.area.y, &part.text, room, theme.text);
        let style = style.patch(theme.strong);
        self.put_piece(x, &part.text, &part.differs, room, style);
        for found in hits(self.find, &part.text) {
            self.put_piece(x, &part.text, &found, room, self.hit);
        }
    }
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
    let mut writer = Writer {
        find,
        hit: if marked { theme.cursor } else { theme.hit },
        area,
        buf,
    };
    let path_style = if marked { theme.crosshair } else { theme.text };
    match row {
        Row::Gap => {}
        Row::Place(place, count) => {
            writer.put(area.x, place, area.width, theme.accent);
            let x = area.x.saturating_add(canvas::width(place)).saturating_add(2);
            let changes = if *count == 1 {
                "1 change".to_owned()
            } else {
                format!("{count} changes")
            };
            canvas::put(
                writer.buf,
                x,
                area.y,
                &changes,
                area.right().saturating_sub(x),
                theme.dim,
            );
        }
        Row::Path(path) => writer.put(area.x, path, area.width, path_style),
        Row::Value { part, after, first } => {
            let (sign, style) = if *after {
                ("+", theme.ok)
            } else {
                ("-", theme.error)
            };
            if *first {
                canvas::put(writer.buf, area.x + 2, area.y, sign, 1, style);
            }
            writer.put_value(area.x + 4, part.as_ref(), area.width, style, theme);
        }
        Row::Cells(path, before, after) => {
            let Columns::Table { path: width, value } = difference.columns else {
                return;
            };
            let [path_x, before_x, after_x] = places(area.x, width, value);
            writer.put(path_x, path, width, path_style);
            writer.put_value(before_x, before.as_ref(), value, theme.error, theme);
            writer.put_value(after_x, after.as_ref(), value, theme.ok, theme);
        }
        Row::More(count) => {
            let text = format!("and {count} more");
            canvas::put(writer.buf, area.x, area.y, &text, area.width, theme.dim);
        }
    }
}
