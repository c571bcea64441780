//! The details of what is selected: a cell with its attempts and steps, a row with its stack, a column, everything.

mod cell;
mod steps;

use super::Line;
use crate::engine::{Failure, StackState};
use crate::experiment::{CellId, Level, RunId, SetupId};
use crate::tui::canvas;
use crate::tui::layout::{Areas, inside, is_framed};
use crate::tui::model::{Focus, Model};
use crate::tui::pace::{self, PerStatus};
use crate::tui::theme::{STATUSES, status_word};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

pub(super) fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    if is_framed(area) {
        canvas::frame(
            buf,
            area,
            &title(model),
            model.focus == Focus::Detail,
            &model.theme,
        );
    }
    let area = inside(area);
    let text = Rect::new(
        area.x + u16::from(area.width > 2),
        area.y,
        area.width.saturating_sub(2),
        area.height,
    );
    super::draw_lines(&lines(model, text.width), model.detail_scroll, text, model, buf);
}

/// Lines that the details of what is selected take.
pub(crate) fn height(model: &Model) -> u16 {
    let width = inside(Areas::of(model).detail).width.saturating_sub(2);
    u16::try_from(lines(model, width).len()).unwrap_or(u16::MAX)
}

fn title(model: &Model) -> String {
    match (model.cursor.setup, model.cursor.run) {
        (Some(setup), Some(run)) => format!("Cell {}", model.cell_name(CellId { setup, run })),
        (Some(setup), None) => format!("Row {}", setup.0 + 1),
        (None, Some(run)) => format!("Column {}", run.0 + 1),
        (None, None) => "All cells".to_owned(),
    }
}

fn lines(model: &Model, width: u16) -> Vec<Line> {
    let mut page = Page {
        model,
        width,
        lines: Vec::new(),
    };
    match (model.cursor.setup, model.cursor.run) {
        (Some(setup), Some(run)) => page.cell(CellId { setup, run }),
        (Some(setup), None) => page.row(setup),
        (None, Some(run)) => page.column(run),
        (None, None) => page.everything(),
    }
    page.lines
}

/// The page being written.
struct Page<'a> {
    model: &'a Model,
    width: u16,
    lines: Vec<Line>,
}

impl Page<'_> {
    fn line(&mut self, pieces: impl IntoIterator<Item = (String, Style)>) {
        self.lines.push(pieces.into_iter().collect());
    }

    fn gap(&mut self) {
        if !self.lines.is_empty() {
            self.lines.push(Line::new());
        }
    }

    fn heading(&mut self, text: &str) {
        self.gap();
        let style = self.model.theme.accent;
        self.line([(text.to_owned(), style)]);
    }

    /// A paragraph, wrapped, each line indented.
    fn paragraph(&mut self, text: &str, indent: &str, style: Style) {
        let room = self.width.saturating_sub(canvas::width(indent));
        for part in canvas::wrap(text, room) {
            self.line([(format!("{indent}{part}"), style)]);
        }
    }

    fn fact(&mut self, name: &str, value: &str) {
        let theme = &self.model.theme;
        let (dim, text) = (theme.dim, theme.text);
        self.line([(format!("{name:<10} "), dim), (value.to_owned(), text)]);
    }

    fn failure(&mut self, heading: &str, failure: &Failure) {
        self.heading(heading);
        self.paragraph(&failure.reason, "  ", self.model.theme.error);
        if let Some(hint) = &failure.hint {
            self.paragraph(&format!("hint: {hint}"), "  ", self.model.theme.text);
        }
    }

    fn treatment(&mut self, heading: &str, setup: SetupId, run: Option<RunId>) {
        let Some(opened) = &self.model.state.opened else {
            return;
        };
        let treatment = match run {
            Some(run) => opened.runs.get(run.index()),
            None => opened.setups.get(setup.index()),
        };
        let Some(treatment) = treatment else {
            return;
        };
        self.heading(&format!("{heading}   {}", treatment.name));
        self.levels(&treatment.levels);
    }

    fn levels(&mut self, levels: &[Level]) {
        let theme = &self.model.theme;
        for level in levels {
            let value = format!(" = {}", level.value);
            let room = self.width.saturating_sub(2 + canvas::width(&value)).max(8);
            // The end of a name tells more than its beginning.
            let name = canvas::truncate_start(&level.factor, room, theme.glyphs.ellipsis).into_owned();
            self.lines.push(vec![
                ("  ".to_owned(), theme.text),
                (name, theme.dim),
                (value, theme.text),
            ]);
        }
    }

    fn row(&mut self, setup: SetupId) {
        let model = self.model;
        let Some(row) = model.state.setup(setup) else {
            return;
        };
        let (glyph, style) = super::grid::stack(model, setup);
        let word = match &row.stack {
            StackState::Down if row.failure.is_some() => "stack failed, and is down".to_owned(),
            StackState::Down => "stack down".to_owned(),
            StackState::Changing { phase, .. } => format!("{} under way", phase.name()),
            StackState::Unverified => "stack up, not verified yet".to_owned(),
            StackState::Up => "stack up".to_owned(),
            StackState::Broken => "stack broken".to_owned(),
        };
        let dim = model.theme.dim;
        let standups = match row.generation {
            0 => String::new(),
            1 => "   1 standup".to_owned(),
            many => format!("   {many} standups"),
        };
        self.line([(format!("{glyph} {word}"), style), (standups, dim)]);
        if let Some(endpoint) = &row.endpoint {
            self.fact("endpoint", endpoint);
        }
        self.counts(model.pace.row_counts(setup.index()));
        if let Some(failure) = &row.failure {
            self.failure("Error", failure);
        }
        if !row.steps.is_empty() {
            self.heading("Steps");
            self.step_lines(&row.steps, None);
        }
        self.treatment("Setup", setup, None);
    }

    fn column(&mut self, run: RunId) {
        self.counts(self.model.pace.column_counts(run.index()));
        if let Some(mean) = self.model.pace.mean_of_column(run.index()) {
            self.fact("mean time", &pace::duration(mean));
        }
        self.treatment("Run", SetupId(0), Some(run));
    }

    fn everything(&mut self) {
        let mut counts = PerStatus::default();
        for status in STATUSES {
            if let Some(count) = counts.get_mut(status as usize) {
                *count = self.model.state.counts.of(status);
            }
        }
        self.counts(counts);
        self.heading("Notices");
        let theme = &self.model.theme;
        if self.model.state.notices.is_empty() {
            self.paragraph("none", "  ", theme.dim);
        }
        for (_, text) in self.model.state.notices.iter().rev() {
            self.paragraph(text, "  ", theme.text);
        }
        self.heading("Instance folder");
        let path = self.model.instance.to_string_lossy().into_owned();
        for part in canvas::wrap_hard(&path, self.width.saturating_sub(2)) {
            self.line([(format!("  {part}"), theme.text)]);
        }
    }

    fn counts(&mut self, counts: PerStatus) {
        let theme = &self.model.theme;
        let pieces = STATUSES.iter().filter_map(|status| {
            let count = counts.get(*status as usize).copied().filter(|count| *count > 0)?;
            let text = format!("{} {count} {}  ", theme.glyph(*status), status_word(*status));
            Some((text, theme.status(*status)))
        });
        // One to a line where they do not fit into one.
        let pieces: Vec<_> = pieces.collect();
        let whole: u16 = pieces.iter().map(|(text, _)| canvas::width(text)).sum();
        if whole <= self.width {
            self.line(pieces);
        } else {
            for piece in pieces {
                self.line([piece]);
            }
        }
    }
}

/// How long something took, or takes so far.
fn took(from: jiff::Timestamp, to: Option<jiff::Timestamp>, model: &Model) -> String {
    match to {
        Some(to) => pace::duration(pace::seconds_between(from, to)),
        None => pace::clock(pace::seconds_between(from, model.now)),
    }
}
