//! The resolved configuration: each key with its value, and who set it.

use super::{Painted, hits, paint};
use crate::text::sanitize;
use crate::tui::canvas::{self, Pen};
use crate::tui::planpane::find::Find;
use crate::tui::planpane::parts::{Parts, Side};
use crate::tui::planpane::plan::{Entry, Plan};
use crate::tui::planpane::tree::Tree;
use crate::tui::plans::{ConfigLine, Origin, Unresolved};
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Columns per depth.
const INDENT: usize = 2;
/// Characters of a value that a row of the tree looks at.
const VALUE: usize = 2048;

pub(super) fn draw(
    plan: &Plan,
    lines: &[ConfigLine],
    tree: &Tree,
    find: &Find,
    parts: &Parts,
    theme: &Theme,
    buf: &mut Buffer,
) {
    let area = parts.text;
    if lines.is_empty() {
        canvas::put_fit(
            buf,
            area.x,
            area.y,
            "(empty)",
            area.width * area.height.min(1),
            theme.dim,
            theme,
        );
        return;
    }
    let origins = parts.origins();
    let room = Rect {
        width: area.width - origins,
        height: 1,
        ..area
    };
    let rows = tree.shown().iter().enumerate().skip(plan.scroll.top);
    for ((row, index), line_on_screen) in rows.zip(0..area.height) {
        let Some(line) = lines.get(*index) else {
            continue;
        };
        let y = area.y + line_on_screen;
        let fold = if !plan.is_head(*index) {
            ' '
        } else if tree.is_folded(*index) {
            '+'
        } else {
            '-'
        };
        draw_line(
            line,
            fold,
            unresolved(plan, line).is_some(),
            find,
            Rect { y, ..room },
            theme,
            buf,
        );
        if origins > 0
            && let Some(origin) = line.origins.last()
        {
            let column = Rect::new(room.right() + 1, y, origins - 2, 1);
            draw_origin(origin, line.is_default, column, theme, buf);
        }
        if row == plan.scroll.cursor {
            let focused = plan.side == Side::Text;
            let whole = Rect { y, height: 1, ..area };
            canvas::tint(buf, whole, if focused { theme.cursor } else { theme.crosshair });
        }
    }
    if let Some(line) = tree.line(plan.scroll.cursor).and_then(|line| lines.get(line)) {
        draw_strip(line, unresolved(plan, line), parts.strip, theme, buf);
    }
}

/// Why the value of this line is not known yet, if it is not.
fn unresolved<'a>(plan: &'a Plan, line: &ConfigLine) -> Option<&'a Unresolved> {
    let Entry::Config(stack) = plan.chosen else {
        return None;
    };
    let unresolved = &plan.stack(stack)?.unresolved;
    unresolved.iter().find(|unresolved| unresolved.path == line.path)
}

fn draw_line(
    line: &ConfigLine,
    fold: char,
    open: bool,
    find: &Find,
    area: Rect,
    theme: &Theme,
    buf: &mut Buffer,
) {
    let indent = usize::from(line.depth) * INDENT;
    let value: String = line.value.chars().take(VALUE).collect();
    let separator = if value.is_empty() { "" } else { " " };
    let text = format!("{:indent$}{fold} {}:{separator}{value}", "", line.key);
    let text = sanitize(&text);
    let key = indent + 2..indent + 3 + sanitize(&line.key).len();
    let (key_style, value_style) = match (open, line.is_default) {
        (true, _) => (theme.warn, theme.warn),
        (false, true) => (theme.dim, theme.dim),
        (false, false) => (theme.accent, theme.text),
    };
    let pieces = [
        (indent..indent + 1, theme.key),
        (key.clone(), key_style),
        (key.end..text.len(), value_style),
    ];
    let hits = hits(find, &text);
    let painted = Painted {
        text: &text,
        pieces: &pieces,
        hits: &hits,
        hit: theme.hit,
    };
    paint(&painted, 0, area, theme, buf);
}

/// The layer, and the file and line.
fn draw_origin(origin: &Origin, is_default: bool, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let style = if is_default { theme.dim } else { theme.text };
    let mut pen = Pen::new(buf, area, 0, theme);
    // Which file it is says its name; the strip has the whole path.
    let place = origin.place.rsplit('/').next().unwrap_or_default();
    let room = (area.width / 2).max(area.width.saturating_sub(canvas::width(&origin.layer) + 1));
    let place = canvas::truncate_start(place, room, theme.glyphs.ellipsis);
    let for_layer = area.width.saturating_sub(canvas::width(&place) + 1);
    pen.write(
        &canvas::truncate(&origin.layer, for_layer, theme.glyphs.ellipsis),
        style,
    )
    .skip(1)
    .write(&place, theme.dim);
}

/// The line under the cursor: its path and whole value, who set it, and what that replaced.
fn draw_strip(
    line: &ConfigLine,
    unresolved: Option<&Unresolved>,
    area: Rect,
    theme: &Theme,
    buf: &mut Buffer,
) {
    let mut rows: Vec<Vec<(String, Style)>> = Vec::new();
    let spare = area.height.saturating_sub(3);
    let head = if line.value.is_empty() {
        line.path.clone()
    } else {
        format!(
            "{}: {}",
            line.path,
            line.value.chars().take(VALUE).collect::<String>()
        )
    };
    if let Some(unresolved) = unresolved {
        rows.push(vec![
            ("not known yet: ".to_owned(), theme.warn),
            (unresolved.why.clone(), theme.text),
        ]);
    }
    for (number, origin) in line.origins.iter().rev().enumerate() {
        let verb = if number == 0 { "set by   " } else { "replaced " };
        let mut row = vec![(verb.to_owned(), theme.dim)];
        if number > 0 && !origin.value.is_empty() {
            row.push((format!("{} ", origin.value), theme.text));
            row.push(("of ".to_owned(), theme.dim));
        }
        row.push((origin.layer.clone(), theme.accent));
        row.push((format!("  {}", origin.place), theme.text));
        rows.push(row);
    }
    if line.origins.is_empty() && unresolved.is_none() {
        let text = if line.value.is_empty() {
            "its parts say who set them"
        } else {
            "nobody knows who set it"
        };
        rows.push(vec![(text.to_owned(), theme.dim)]);
    }
    let mut y = 0;
    if area.height >= 4 {
        let [horizontal, ..] = theme.glyphs.frame;
        let rule = horizontal.repeat(usize::from(area.width));
        Pen::new(buf, area, 0, theme).write(&rule, theme.border);
        // What is left over by who set it has the value.
        let spare = spare.saturating_sub(rows.len().try_into().unwrap_or(u16::MAX)) + 1;
        let head = canvas::wrap_hard(&sanitize(&head), area.width);
        let cut = head.len() > usize::from(spare);
        for (number, part) in head.iter().take(usize::from(spare)).enumerate() {
            y += 1;
            let mut pen = Pen::new(buf, area, y, theme);
            pen.write(part, theme.strong);
            if cut && number + 1 == usize::from(spare) {
                let x = area.right().saturating_sub(1);
                canvas::put(buf, x, area.y + y, theme.glyphs.ellipsis, 1, theme.key);
            }
        }
        y += 1;
    }
    for (row, y) in rows.iter().zip(y..area.height) {
        let mut pen = Pen::new(buf, area, y, theme);
        for (text, style) in row {
            pen.write(text, *style);
        }
    }
}
