//! Drawing the plan pane: a pure function of the model.

mod config;
mod difference;
mod file;
mod list;

use super::find::Find;
use super::highlight::Kind;
use super::parts::{Parts, Side};
use super::plan::{Entry, Plan};
use super::{Content, PlanPane};
use crate::text::sanitize;
use crate::tui::canvas::{self, Pen};
use crate::tui::layout::{inside, is_framed};
use crate::tui::logpane::cut;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::ops::Range;

/// Draw the pane under a title: whose plan it is.
pub(crate) fn draw(pane: &PlanPane, title: &str, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    match &pane.content {
        Content::Awaited => {
            let mut pen = Pen::new(buf, area, 0, theme);
            pen.write(" ", theme.text).write(title, theme.strong);
            let line = u16::from(area.height > 2) * 2;
            Pen::new(buf, area, line, theme)
                .write(&format!(" planning{}", theme.glyphs.ellipsis), theme.busy);
        }
        Content::Failed(why, scroll) => {
            let mut pen = Pen::new(buf, area, 0, theme);
            pen.write(" ", theme.text)
                .write(title, theme.strong)
                .write("   cannot be shown", theme.error);
            let room = failure_area(area);
            let rows = failure(why, area);
            for (row, line) in rows.iter().skip(scroll.top).zip(0..room.height) {
                Pen::new(buf, room, line, theme).write(row, theme.text);
            }
            let more = rows.len() > scroll.top + usize::from(room.height);
            arrows(scroll.top > 0, more, room, theme, buf);
        }
        Content::Plan(plan) => draw_plan(plan, &pane.find, title, area, theme, buf),
        Content::Difference(difference) => difference::draw(difference, &pane.find, title, area, theme, buf),
    }
}

/// Why there is nothing to show, in rows that fit: indents and pictures of source lines stay as they are.
pub(super) fn failure(why: &str, area: Rect) -> Vec<String> {
    let width = failure_area(area).width;
    let rows = why.lines().map(|line| canvas::wrap_hard(&sanitize(line), width));
    rows.flatten().collect()
}

/// Where it stands: under the title.
pub(super) fn failure_area(area: Rect) -> Rect {
    let above = area.height.min(2);
    Rect::new(
        area.x + u16::from(area.width > 2),
        area.y + above,
        area.width.saturating_sub(2),
        area.height - above,
    )
}

fn draw_plan(plan: &Plan, find: &Find, title: &str, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let parts = plan.parts(area);
    draw_title(plan, title, parts.title, theme, buf);
    list::draw(plan, parts.list, theme, buf);
    if parts.pane.is_empty() {
        return;
    }
    let focused = plan.side == Side::Text;
    if !plan.full && is_framed(parts.pane) {
        canvas::frame(buf, parts.pane, &text_title(plan, theme), focused, theme);
    }
    match plan.config() {
        Some((lines, tree)) => config::draw(plan, lines, tree, find, &parts, theme, buf),
        None => file::draw(plan, find, &parts, theme, buf),
    }
    let height = usize::from(parts.text.height);
    let below = plan.count() > plan.scroll.top + height;
    if !plan.full {
        let edge = Rect {
            width: parts.pane.right() - parts.text.x,
            ..parts.text
        };
        arrows(plan.scroll.top > 0, below, edge, theme, buf);
    }
    let facts = facts(plan, &parts);
    draw_status(find, &facts, parts.status, theme, buf);
}

/// Whose plan it is, and which factors make it so.
fn draw_title(plan: &Plan, title: &str, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area, 0, theme);
    pen.write(" ", theme.text).write(title, theme.strong);
    for level in &plan.view().levels {
        pen.write("   ", theme.text)
            .write(&level.factor, theme.dim)
            .write(&format!("={}", level.value), theme.text);
    }
}

/// What the text is, and what it was made from.
fn text_title(plan: &Plan, theme: &Theme) -> String {
    let separator = theme.glyphs.separator;
    match plan.chosen {
        Entry::Config(_) | Entry::Stack(_) => {
            let only = match plan.config() {
                Some((_, tree)) if tree.is_only_chosen() => {
                    format!(" {separator} without what the defaults say")
                }
                _ => String::new(),
            };
            format!("config.yaml {separator} resolved{only}")
        }
        Entry::Notes(_) => "notes".to_owned(),
        Entry::File(stack, file) => plan.file(stack, file).map_or_else(String::new, |file| {
            if file.origin.is_empty() {
                file.name.clone()
            } else {
                format!("{} {separator} from {}", file.name, file.origin)
            }
        }),
    }
}

/// Which rows are on screen, of how many.
fn facts(plan: &Plan, parts: &Parts) -> Vec<String> {
    let count = plan.count();
    let what = if plan.config().is_some() { "keys" } else { "lines" };
    let first = plan.scroll.top + 1;
    let last = (plan.scroll.top + usize::from(parts.text.height)).min(count);
    let mut facts = vec![match count {
        0 => String::new(),
        1 => format!("1 {}", what.trim_end_matches('s')),
        _ if first == 1 && last == count => format!("{count} {what}"),
        _ => format!("{first}-{last} of {count} {what}"),
    }];
    if plan.scroll.left > 0 {
        facts.push(format!("column {}", plan.scroll.left + 1));
    }
    facts
}

/// Search, notice and position in one line; what is most important comes first, because narrow screens cut the rest.
fn draw_status(find: &Find, facts: &[String], area: Rect, theme: &Theme, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area, 0, theme);
    if let Some(input) = find.typed() {
        pen.write("/", theme.key).write_input(input, theme);
        let state = find.notice().unwrap_or("enter: keep   esc: back");
        pen.skip(2).write(state, theme.dim);
        return;
    }
    let separator = format!(" {} ", theme.glyphs.separator);
    let mut begun = false;
    let mut fact = |text: &str, style: Style| {
        if !text.is_empty() {
            if std::mem::replace(&mut begun, true) {
                pen.write(&separator, theme.dim);
            }
            pen.write(text, style);
        }
    };
    if let Some(pattern) = find.pattern() {
        fact(&format!("/{}", pattern.source()), theme.hit);
    }
    fact(find.notice().unwrap_or_default(), theme.warn);
    for text in facts {
        fact(text, theme.dim);
    }
}

/// There is more above, or below.
fn arrows(up: bool, down: bool, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let [_, _, above, below] = theme.glyphs.more;
    let edge = area.right().saturating_sub(1);
    if up && !area.is_empty() {
        canvas::put(buf, edge, area.y, above, 1, theme.key);
    }
    if down && !area.is_empty() {
        canvas::put(buf, edge, area.bottom() - 1, below, 1, theme.key);
    }
}

/// The style of a piece of YAML.
fn style(kind: Kind, theme: &Theme) -> Style {
    match kind {
        Kind::Key => theme.accent,
        Kind::Text => theme.ok,
        Kind::Comment => theme.dim,
    }
}

/// A line of which a part is on screen.
struct Painted<'a> {
    text: &'a str,
    /// Its styles, in order; what has none is ordinary text.
    pieces: &'a [(Range<usize>, Style)],
    /// What the search found in it, and how that looks.
    hits: &'a [Range<usize>],
    hit: Style,
}

/// Paint the columns from `left` on into one row of the screen.
fn paint(line: &Painted<'_>, left: usize, area: Rect, theme: &Theme, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let (part, indent, more) = cut(line.text, left, usize::from(area.width));
    let start = area.x.saturating_add(indent);
    let x_of = |byte: usize| {
        let before = line.text.get(part.start..byte.clamp(part.start, part.end));
        start.saturating_add(canvas::width(before.unwrap_or_default()))
    };
    let mut put = |range: &Range<usize>, style: Style| {
        let range = range.start.max(part.start)..range.end.min(part.end);
        if let Some(text) = line.text.get(range.clone()).filter(|text| !text.is_empty()) {
            let x = x_of(range.start);
            canvas::put(buf, x, area.y, text, area.right().saturating_sub(x), style);
        }
    };
    put(&part, theme.text);
    for (piece, style) in line.pieces {
        put(piece, *style);
    }
    for hit in line.hits {
        put(hit, line.hit);
    }
    if more {
        let [_, right, ..] = theme.glyphs.more;
        canvas::put(buf, area.right() - 1, area.y, right, 1, theme.key);
    }
}

/// What the search in force finds in a text.
fn hits(find: &Find, text: &str) -> Vec<Range<usize>> {
    find.pattern()
        .map_or_else(Vec::new, |pattern| pattern.matches(text).collect())
}

/// What is inside a frame, and one column from its left.
fn padded(pane: Rect) -> Rect {
    let inner = inside(pane);
    let by = u16::from(inner.width > 20);
    Rect::new(inner.x + by, inner.y, inner.width - by, inner.height)
}
