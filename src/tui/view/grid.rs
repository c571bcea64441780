//! The grid: rows are setup treatments, columns run treatments; headers stay, cells scroll.
//!
//! Costs what is on screen: a design of a million cells is drawn as fast as one of a hundred.

use crate::engine::{CellState, CellStatus, Scope, StackState};
use crate::experiment::{CellId, RunId, SetupId};
use crate::tui::canvas::{self, Pen};
use crate::tui::headers;
use crate::tui::heat;
use crate::tui::layout::{Geometry, RowHeader, inside, is_framed, value_width};
use crate::tui::model::{Focus, Model, Vital};
use crate::tui::pace;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

pub(super) fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let theme = &model.theme;
    if is_framed(area) {
        canvas::frame(buf, area, &title(model), model.focus == Focus::Grid, theme);
    }
    let geometry = Geometry::of(model, area);
    if model.rows.len() == 0 || model.columns.len() == 0 {
        let mut pen = Pen::new(buf, inside(area), 0, theme);
        let text = if model.state.opened.is_some() {
            "no cell matches the filter: esc forgets it"
        } else {
            "no design yet"
        };
        pen.write(text, theme.dim);
        return;
    }
    corner(model, &geometry, buf);
    for (on_screen, position) in (model.scroll.1..model.columns.len())
        .take(geometry.columns + 1)
        .enumerate()
    {
        if let Some(run) = model.columns.at(position) {
            column_header(model, &geometry, on_screen, RunId(run), buf);
        }
    }
    for (line, position) in (model.scroll.0..model.rows.len()).take(geometry.rows).enumerate() {
        let y = geometry.first_row() + line as u16;
        if let Some(setup) = model.rows.at(position) {
            row_header(model, &geometry, y, SetupId(setup), buf);
            row(model, &geometry, y, SetupId(setup), buf);
        }
    }
    arrows(model, &geometry, buf);
}

fn title(model: &Model) -> String {
    let theme = &model.theme;
    let mut title = format!(
        "{} {} {}",
        model.state.setups.len(),
        theme.glyphs.times,
        model.state.runs
    );
    if !model.filter.is_empty() {
        title = format!(
            "{} {} {} of {title}",
            model.rows.len(),
            theme.glyphs.times,
            model.columns.len()
        );
    }
    title.push_str(" cells");
    if model.vital != Vital::Status {
        title = format!("{title} {} {}", theme.glyphs.separator, model.vital.title());
    }
    if !model.marks.is_empty() {
        title = format!("{title} {} {} marked", theme.glyphs.separator, model.marks.len());
    }
    if let Some(row) = model.compared {
        title = format!("{title} {} row {} to compare", theme.glyphs.separator, row.0 + 1);
    }
    title
}

/// Names of the run factors at the right, each in the line of its values; names of the setup factors above theirs.
fn corner(model: &Model, geometry: &Geometry, buf: &mut Buffer) {
    let theme = &model.theme;
    let Geometry { inner, .. } = *geometry;
    let here = model.cursor.setup.is_none() && model.cursor.run.is_none();
    let style = if here { theme.cursor } else { theme.dim };
    let room = geometry.header_width.saturating_sub(1);
    let told = model.run_side.factors.iter().filter(|_| !model.run_side.sparse);
    for (factor, line) in told.zip(0..geometry.factor_lines) {
        if inner.height > line {
            // In one line all values stand together, and so do the names.
            let name = if is_joined(model, geometry) {
                let names: Vec<&str> = model
                    .run_side
                    .factors
                    .iter()
                    .map(|factor| factor.short.as_str())
                    .collect();
                names.join("/")
            } else {
                factor.short.clone()
            };
            canvas::put_right(buf, inner.x, inner.y + line, &name, room, style, theme);
        }
    }
    let y = inner.y + geometry.factor_lines;
    if y >= inner.bottom() {
        return;
    }
    let mut x = inner.x + geometry.number + 3;
    let end = inner.x + room;
    if let RowHeader::Table { labels, .. } = geometry.row_header {
        for factor in &model.setup_side.factors {
            let width = value_width(factor, labels);
            let fits = labels || canvas::width(&factor.short) <= width;
            let name = if fits { &factor.short } else { &factor.tiny };
            let short = canvas::truncate(name, width, theme.glyphs.ellipsis);
            canvas::put(buf, x, y, &short, width.min(end.saturating_sub(x)), style);
            x += width + 1;
        }
    }
    if here {
        canvas::tint(buf, Rect::new(inner.x, y, room, 1), theme.cursor);
    }
}

/// Whether there are fewer lines than factors, so that column headers are one text.
fn is_joined(model: &Model, geometry: &Geometry) -> bool {
    usize::from(geometry.factor_lines) < model.run_side.factors.len()
}

fn column_header(model: &Model, geometry: &Geometry, on_screen: usize, run: RunId, buf: &mut Buffer) {
    let theme = &model.theme;
    let Geometry {
        inner, cell_width, ..
    } = *geometry;
    let x = geometry.first_column() + on_screen as u16 * cell_width;
    let width = cell_width.min(inner.right().saturating_sub(x));
    let Some(treatment) = model
        .state
        .opened
        .as_ref()
        .and_then(|opened| opened.runs.get(run.index()))
    else {
        return;
    };
    if width < 3 {
        return;
    }
    let current = model.cursor.run == Some(run);
    let style = if current { theme.crosshair } else { theme.text };
    let dim = if current { theme.crosshair } else { theme.dim };
    let room = width - 1;
    if model.run_side.sparse {
        canvas::put_fit(buf, x + 1, inner.y, &treatment.name, room, style, theme);
    } else if model.run_side.factors.is_empty() || is_joined(model, geometry) {
        let text = headers::joined(treatment, &model.run_side, theme.glyphs.separator);
        canvas::put_fit(buf, x + 1, inner.y, &text, room, style, theme);
    } else {
        for (factor, line) in model
            .run_side
            .factors
            .iter()
            .zip(0..geometry.factor_lines.min(inner.height))
        {
            match headers::value(treatment, factor) {
                Some(value) => canvas::put_fit(buf, x + 1, inner.y + line, value, room, style, theme),
                None => canvas::put(buf, x + 1, inner.y + line, theme.glyphs.separator, 1, dim),
            };
        }
    }
    let y = inner.y + geometry.factor_lines;
    if y < inner.bottom() {
        canvas::put(buf, x + 1, y, &(run.0 + 1).to_string(), room, dim);
        if current && model.cursor.setup.is_none() {
            canvas::tint(
                buf,
                Rect::new(x, inner.y, width, geometry.factor_lines + 1),
                theme.cursor,
            );
        }
    }
}

fn row_header(model: &Model, geometry: &Geometry, y: u16, setup: SetupId, buf: &mut Buffer) {
    let theme = &model.theme;
    let inner = geometry.inner;
    let Some(treatment) = model
        .state
        .opened
        .as_ref()
        .and_then(|opened| opened.setups.get(setup.index()))
    else {
        return;
    };
    let current = model.cursor.setup == Some(setup);
    let style = if current { theme.crosshair } else { theme.text };
    let dim = if current { theme.crosshair } else { theme.dim };
    let number = (setup.0 + 1).to_string();
    canvas::put_right(buf, inner.x, y, &number, geometry.number, dim, theme);
    if model.compared == Some(setup) {
        let x = inner.x + geometry.number;
        canvas::put(buf, x, y, theme.glyphs.compared, 1, theme.mark);
    }
    let (glyph, stack_style) = stack(model, setup);
    canvas::put(buf, inner.x + geometry.number + 1, y, glyph, 1, stack_style);
    let mut x = inner.x + geometry.number + 3;
    let end = inner.x + geometry.header_width.saturating_sub(1);
    match geometry.row_header {
        RowHeader::Table { name, labels } => {
            for factor in &model.setup_side.factors {
                let width = value_width(factor, labels);
                let (text, style) = match headers::value(treatment, factor) {
                    Some(value) => (value, style),
                    None => (theme.glyphs.separator, dim),
                };
                let text = canvas::truncate(text, width, theme.glyphs.ellipsis);
                canvas::put(buf, x, y, &text, width.min(end.saturating_sub(x)), style);
                x += width + 1;
            }
            if name > 0 {
                let style = if model.setup_side.factors.is_empty() {
                    style
                } else {
                    dim
                };
                canvas::put_fit(
                    buf,
                    x,
                    y,
                    &treatment.name,
                    name.min(end.saturating_sub(x)),
                    style,
                    theme,
                );
            }
        }
        RowHeader::Abridged => {
            let text = headers::abridged(treatment, &model.setup_side);
            canvas::put_fit(buf, x, y, &text, end.saturating_sub(x), style, theme);
        }
        RowHeader::Described { name } => {
            let room = end.saturating_sub(x);
            canvas::put_fit(buf, x, y, &treatment.name, name.min(room), style, theme);
            let x = x.saturating_add(name + 1);
            let text = headers::described(treatment, &model.setup_side);
            canvas::put_fit(buf, x, y, &text, end.saturating_sub(x), dim, theme);
        }
    }
    if end < inner.right() {
        let [_, vertical, ..] = theme.glyphs.frame;
        canvas::put(buf, end, y, vertical, 1, theme.border);
    }
    if current && model.cursor.run.is_none() {
        let width = geometry.header_width.saturating_sub(1);
        canvas::tint(buf, Rect::new(inner.x, y, width, 1), theme.cursor);
    }
}

/// The stack of a row in one glyph.
pub(super) fn stack(model: &Model, setup: SetupId) -> (&'static str, Style) {
    let theme = &model.theme;
    let [down, changing, up, broken] = theme.glyphs.stack;
    match model.state.setup(setup).map(|row| &row.stack) {
        Some(StackState::Changing { .. } | StackState::Unverified) => (changing, theme.busy),
        Some(StackState::Up) => (up, theme.ok),
        Some(StackState::Broken) => (broken, theme.error),
        Some(StackState::Down) if model.state.setup(setup).is_some_and(|row| row.failure.is_some()) => {
            (broken, theme.error)
        }
        Some(StackState::Down) | None => (down, theme.dim),
    }
}

fn row(model: &Model, geometry: &Geometry, y: u16, setup: SetupId, buf: &mut Buffer) {
    let positions = (model.scroll.1..model.columns.len()).take(geometry.columns + 1);
    let mut x = geometry.first_column();
    for position in positions {
        let width = geometry.cell_width.min(geometry.inner.right().saturating_sub(x));
        let Some(run) = model.columns.at(position).filter(|_| width >= 3) else {
            break;
        };
        let cell = CellId {
            setup,
            run: RunId(run),
        };
        if let Some(state) = model.state.cell(cell) {
            draw_cell(model, cell, state, Rect::new(x, y, width, 1), buf);
        }
        x += geometry.cell_width;
    }
}

/// A mark, a glyph, and a word or number.
fn draw_cell(model: &Model, cell: CellId, state: &CellState, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let matches = model.filter.matches(cell, state.status);
    let style = if matches {
        theme.status(state.status)
    } else {
        theme.dim
    };
    if model.marks.contains(&cell) {
        canvas::put(buf, area.x, area.y, theme.glyphs.mark, 1, theme.mark);
    }
    canvas::put(buf, area.x + 1, area.y, theme.glyph(state.status), 1, style);
    let number = heat::value(state, model.vital).filter(|_| state.status != CellStatus::Running);
    let (text, shown) = match (state.status, model.vital, number) {
        (CellStatus::Running, ..) => (running_text(model, cell), style),
        (_, Vital::Status, _) => (attempts_text(model, state), style),
        (_, Vital::Duration, Some(seconds)) => (pace::duration(seconds), theme.text),
        (_, _, Some(number)) => (short_number(number), theme.text),
        (_, _, None) => (String::new(), theme.text),
    };
    if let Some(colour) = number.and_then(|number| model.heat.colour(model.vital, number, theme.heat)) {
        let warm = Rect::new(area.x + 2, area.y, area.width - 2, 1);
        canvas::tint(buf, warm, Style::new().bg(colour));
    }
    if !text.is_empty() {
        canvas::put_fit(
            buf,
            area.x + 3,
            area.y,
            &text,
            area.width.saturating_sub(3),
            shown,
            theme,
        );
    }
    if model.cursor.cell() == Some(cell) {
        let marked = u16::from(model.marks.contains(&cell));
        let rest = Rect::new(area.x + marked, area.y, area.width - marked, 1);
        canvas::tint(buf, rest, theme.cursor);
    } else if model.cursor.setup == Some(cell.setup) && model.cursor.run.is_none()
        || model.cursor.run == Some(cell.run) && model.cursor.setup.is_none()
    {
        // A header under the cursor stands for its line.
        canvas::tint(buf, area, theme.strong);
    }
}

/// How far the running cell is: in per cent where it says so, else for how long it has been running.
fn running_text(model: &Model, cell: CellId) -> String {
    let Some(activity) = model.state.activity else {
        return String::new();
    };
    if !matches!(activity.scope, Scope::Attempt { cell: running, .. } if running == cell) {
        return String::new();
    }
    match model.progress_of(activity.scope).and_then(pace::fraction) {
        Some(fraction) => pace::percent(fraction),
        None => pace::clock(pace::seconds_between(activity.since, model.now)),
    }
}

/// Says so where a cell had more attempts than one, or waits for another.
fn attempts_text(model: &Model, state: &CellState) -> String {
    let attempts = state.attempts.len();
    let waits = state.status == CellStatus::Pending && attempts > 0;
    if attempts > 1 || waits {
        format!("{}{attempts}", model.theme.glyphs.times)
    } else {
        String::new()
    }
}

/// A number in at most six characters.
pub(super) fn short_number(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => "?".to_owned(),
        size if size >= 999_500.0 => format!("{:.1}M", value / 1e6),
        size if size >= 9_999.5 => format!("{:.1}k", value / 1e3),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// There is more to the left, right, top, bottom.
fn arrows(model: &Model, geometry: &Geometry, buf: &mut Buffer) {
    let theme = &model.theme;
    let [left, right, above, below] = theme.glyphs.more;
    let inner = geometry.inner;
    let numbers = inner.y + geometry.factor_lines;
    if numbers < inner.bottom() {
        if model.scroll.1 > 0 {
            canvas::put(buf, geometry.first_column(), numbers, left, 1, theme.key);
        }
        if model.scroll.1 + geometry.columns < model.columns.len() {
            canvas::put(buf, inner.right().saturating_sub(1), numbers, right, 1, theme.key);
        }
    }
    let rule = inner.x + geometry.header_width.saturating_sub(1);
    if geometry.rows > 0 && rule < inner.right() {
        if model.scroll.0 > 0 {
            canvas::put(buf, rule, geometry.first_row(), above, 1, theme.key);
        }
        if model.scroll.0 + geometry.rows < model.rows.len() {
            canvas::put(buf, rule, inner.bottom() - 1, below, 1, theme.key);
        }
    }
}
