//! Drawing the log pane: a pure function of the model.
//!
//! In a frame: tabs in the top line, text, and one line about state, search and file. On the whole screen there is no
//! frame and nothing beside the text, so that what is selected with the mouse is the log and nothing else.

use super::layout::ScreenRow;
use super::pane::{LogPane, Place};
use crate::logs::{Line, LineKind};
use crate::tui::canvas::{self, Pen};
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// A file of more bytes than this takes long enough to read that it is said how far that is.
const LARGE: u64 = 8 * 1024 * 1024;

/// Columns and lines of text in a pane that is drawn into `area`; `full` is the whole screen without a frame.
pub fn text_size(area: Rect, full: bool) -> (u16, u16) {
    let text = text_area(area, full);
    (text.width, text.height)
}

fn text_area(area: Rect, full: bool) -> Rect {
    let inner = if full { area } else { inside_frame(area) };
    Rect {
        height: inner.height.saturating_sub(1),
        ..inner
    }
}

/// What [`canvas::frame`] leaves.
fn inside_frame(area: Rect) -> Rect {
    if area.width < 2 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
}

/// Draw the pane. Its model should know the size (see [`text_size`], [`LogPane::resize`]); where it does not yet,
/// what fits is drawn.
pub fn draw(pane: &LogPane, area: Rect, focused: bool, full: bool, theme: &Theme, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    canvas::clear(buf, area, theme.text);
    if !full {
        canvas::frame(buf, area, "", focused, theme);
        draw_tabs(pane, area, focused, theme, buf);
    }
    let text = text_area(area, full);
    for (row, y) in pane.rows.iter().zip(text.top()..text.bottom()) {
        if let Some(line) = pane.window.lines.get(row.line) {
            let marked = pane.mark == Some(line.row);
            draw_row(row, line, marked, Rect::new(text.x, y, text.width, 1), theme, buf);
        }
    }
    if pane.rows.is_empty() && text.height > 0 {
        draw_emptiness(pane, text, theme, buf);
    }
    let inner = if full { area } else { inside_frame(area) };
    if inner.height > 0 {
        let line = Rect::new(inner.x, inner.bottom() - 1, inner.width, 1);
        draw_status(pane, line, full, theme, buf);
    }
}

/// The tabs stand in the frame's top line; the one on show is reversed (and in brackets, for screens without colour).
fn draw_tabs(pane: &LogPane, area: Rect, focused: bool, theme: &Theme, buf: &mut Buffer) {
    if area.width < 8 || area.height < 2 {
        return;
    }
    let line = Rect::new(area.x + 2, area.y, area.width - 4, 1);
    let mut pen = Pen::new(buf, line, 0, theme);
    let title = pane.subject.as_ref().map_or("", |subject| subject.title.as_str());
    let style = if focused { theme.accent } else { theme.dim };
    pen.write(" Logs ", style);
    // Tabs are what has to be seen; the title gets what they leave.
    let tabs: u16 = pane
        .tabs
        .iter()
        .map(|tab| canvas::width(&tab.source.name) + 3)
        .sum();
    if !title.is_empty() && pen.left() > tabs {
        pen.write(
            &canvas::truncate(title, pen.left() - tabs, theme.glyphs.ellipsis),
            theme.text,
        );
        pen.write(" ", style);
    }
    for (index, tab) in pane.tabs.iter().enumerate() {
        if index == pane.current {
            pen.write(&format!("[{}]", tab.source.name), theme.strong);
        } else {
            pen.write(&format!(" {} ", tab.source.name), theme.dim);
        }
        pen.write(" ", style);
    }
}

fn draw_row(row: &ScreenRow, line: &Line, marked: bool, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let style = match line.kind {
        LineKind::Gap => theme.warn,
        _ if row.error => theme.error,
        _ => theme.text,
    };
    let mut x = area.x.saturating_add(row.indent);
    let mut at = row.part.start;
    let hit_style = if marked { theme.cursor } else { theme.hit };
    for hit in &row.hits {
        x = put_part(buf, area, x, line, at..hit.start, style);
        x = put_part(buf, area, x, line, hit.clone(), hit_style);
        at = hit.end;
    }
    x = put_part(buf, area, x, line, at..row.part.end, style);
    if marked && row.hits.is_empty() {
        canvas::tint(buf, area, theme.crosshair);
    }
    if row.more {
        let [_, right, ..] = theme.glyphs.more;
        canvas::put(buf, area.right().saturating_sub(1), area.y, right, 1, theme.key);
    } else if row.last && line.hidden_bytes > 0 {
        let note = format!(
            " {} {} not shown ",
            theme.glyphs.ellipsis,
            bytes(line.hidden_bytes)
        );
        let width = canvas::width(&note).min(area.width);
        let x = x.min(area.right().saturating_sub(width));
        canvas::put(buf, x, area.y, &note, width, theme.key);
    }
}

fn put_part(
    buf: &mut Buffer,
    area: Rect,
    x: u16,
    line: &Line,
    part: std::ops::Range<usize>,
    style: Style,
) -> u16 {
    let text = line.text.get(part).unwrap_or_default();
    canvas::put(buf, x, area.y, text, area.right().saturating_sub(x), style)
}

fn draw_emptiness(pane: &LogPane, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let text = match (&pane.subject, pane.tab()) {
        (None, _) => "no logs: nothing has run here yet",
        (Some(_), None) => "no logs yet",
        (Some(_), Some(tab)) => match tab.status {
            None => "opening",
            Some(status) if status.missing && pane.has_ended() => {
                "there is no such file: nothing was written, or it was removed"
            }
            Some(status) if status.missing => "no file yet: shown as soon as something is written",
            Some(status) if status.rows == 0 && pane.has_ended() => "empty",
            Some(status) if status.rows == 0 => "empty so far",
            Some(_) => "",
        },
    };
    Pen::new(buf, area, 0, theme).write(text, theme.dim);
}

/// State, search and file in one line; what is most important comes first, because narrow screens cut the rest.
fn draw_status(pane: &LogPane, area: Rect, full: bool, theme: &Theme, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area, 0, theme);
    if let Some(input) = pane.find.typed() {
        pen.write("/", theme.key).write_input(input, theme);
        let state = match (&pane.notice, pane.find.is_busy()) {
            (Some(notice), _) => notice.as_str(),
            (None, true) => "searching",
            (None, false) => "enter: keep   esc: back",
        };
        pen.skip(2).write(state, theme.dim);
        return;
    }
    if full && let Some(tab) = pane.tab() {
        pen.write(&tab.source.name, theme.strong).skip(2);
    }
    let state = state_words(pane);
    let state_style = if state.starts_with("paused") {
        theme.warn
    } else {
        theme.ok
    };
    pen.write(&state, state_style);
    let separator = format!(" {} ", theme.glyphs.separator);
    let mut fact = |text: &str, style: Style| {
        if !text.is_empty() {
            pen.write(&separator, theme.dim).write(text, style);
        }
    };
    if let Some(error) = pane.tab().and_then(|tab| tab.error.as_deref()) {
        fact(error, theme.error);
    }
    fact(pane.notice.as_deref().unwrap_or_default(), theme.warn);
    if pane.find.is_busy() {
        fact("searching", theme.busy);
    }
    if let Some(pattern) = pane.find.pattern() {
        fact(&format!("/{}", pattern.source()), theme.hit);
    }
    fact(&position(pane), theme.dim);
    if pane.wrap {
        fact("wrap", theme.dim);
    } else if pane.left > 0 {
        fact(&format!("column {}", grouped(pane.left as u64 + 1)), theme.dim);
    }
    let room = pen.left().saturating_sub(canvas::width(&separator));
    if let Some(tab) = pane.tab()
        && room > 8
    {
        // The end of a path tells more than its beginning.
        let path = crate::text::sanitize(&tab.source.path.to_string_lossy()).into_owned();
        let path = end_of(&path, room, theme.glyphs.ellipsis);
        pen.write(&separator, theme.dim).write(&path, theme.dim);
    }
}

/// In one or two words, what the pane is doing, and how to get back to the tail.
fn state_words(pane: &LogPane) -> String {
    let Some(tab) = pane.tab() else {
        return "no logs yet".to_owned();
    };
    let status = tab.status.unwrap_or_default();
    let ended = pane.subject.as_ref().is_some_and(|subject| subject.ended);
    if status.missing && status.rows == 0 {
        return if ended { "no file" } else { "waiting for the file" }.to_owned();
    }
    if status.indexed < status.len && status.len > LARGE {
        return format!("reading {} %", status.indexed * 100 / status.len);
    }
    match tab.place {
        Place::Tail if ended => "ended".to_owned(),
        Place::Tail => "following".to_owned(),
        Place::At { since, .. } => match status.rows.saturating_sub(since) {
            0 => "paused".to_owned(),
            1 => "paused · 1 new line".to_owned(),
            new => format!("paused · {} new lines", grouped(new)),
        },
    }
}

/// `120 lines`, or which of them are on screen.
fn position(pane: &LogPane) -> String {
    let total = pane.total();
    let number = |row: Option<&ScreenRow>| {
        let line = row.and_then(|row| pane.window.lines.get(row.line));
        line.map_or(0, |line| line.row + 1)
    };
    let (first, last) = (number(pane.rows.first()), number(pane.rows.last()));
    match total {
        0 => String::new(),
        1 => "1 line".to_owned(),
        _ if first <= 1 && last >= total => format!("{} lines", grouped(total)),
        _ => format!("{}–{} of {} lines", grouped(first), grouped(last), grouped(total)),
    }
}

fn end_of(text: &str, width: u16, ellipsis: &str) -> String {
    if canvas::width(text) <= width {
        return text.to_owned();
    }
    let mut start = text.len();
    let mut used = canvas::width(ellipsis);
    for (at, char) in text.char_indices().rev() {
        used += canvas::width(char.encode_utf8(&mut [0; 4]));
        if used > width {
            break;
        }
        start = at;
    }
    format!("{ellipsis}{}", text.get(start..).unwrap_or_default())
}

/// A number of bytes as people say it.
fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if number < 1024 {
        return format!("{number} bytes");
    }
    let mut value = number as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in UNITS.iter().skip(1) {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
