//! The details of what is selected: a cell with its attempts and steps, a row with its stack, a column, everything.

use super::Line;
use crate::engine::{
    AttemptState, CellState, Failure, Outcome, PhaseKind, Scope, StackState, StepOutcome, StepState,
};
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

    fn cell(&mut self, cell: CellId) {
        let model = self.model;
        let Some(state) = model.state.cell(cell) else {
            return;
        };
        let theme = &model.theme;
        let style = theme.status(state.status);
        let mut head: Line = vec![(
            format!("{} {}", theme.glyph(state.status), status_word(state.status)),
            style,
        )];
        let shown = model.shown_attempt(cell);
        if let Some(attempt) = shown {
            if state.attempts.len() > 1 {
                head.push((
                    format!("   attempt {} of {}", attempt.number, state.attempts.len()),
                    theme.text,
                ));
            }
            if attempt.cancelling && attempt.outcome.is_none() {
                head.push(("   cancelling".to_owned(), theme.warn));
            }
            head.push((
                format!("   {}", took(attempt.started_at, attempt.ended_at, model)),
                theme.dim,
            ));
        }
        self.lines.push(head);
        self.queue_place(cell);
        if let Some(failure) = &state.not_run {
            self.failure("Not run", failure);
        }
        if let Some(attempt) = shown {
            self.outcome(attempt);
            self.steps(
                &attempt.steps,
                Scope::Attempt {
                    cell,
                    attempt: attempt.number,
                },
            );
            self.attempts(state, attempt.number);
        }
        self.treatment("Setup", cell.setup, None);
        self.treatment("Run", cell.setup, Some(cell.run));
        if let Some(attempt) = shown {
            self.results(cell.setup, attempt);
        } else if let Some(row) = model.state.setup(cell.setup).filter(|row| !row.steps.is_empty()) {
            self.heading("Stack of the row");
            let steps = row.steps.clone();
            self.step_lines(&steps, None);
        }
    }

    fn queue_place(&mut self, cell: CellId) {
        let place = self
            .model
            .state
            .priority
            .iter()
            .position(|queued| *queued == cell);
        if let Some(place) = place {
            let text = match place {
                0 => "runs next".to_owned(),
                ahead => format!("runs after {ahead} others at the head of the queue"),
            };
            self.paragraph(&text, "", self.model.theme.dim);
        }
    }

    fn outcome(&mut self, attempt: &AttemptState) {
        let theme = &self.model.theme;
        match &attempt.outcome {
            Some(Outcome::Failed { failure }) => self.failure("Error", failure),
            Some(Outcome::Suspect { reasons, vitals }) => {
                self.heading("Not to be trusted, because");
                for reason in reasons {
                    self.paragraph(reason, "  ", theme.warn);
                }
                self.vitals(vitals);
            }
            Some(Outcome::Succeeded { vitals }) => self.vitals(vitals),
            Some(Outcome::Interrupted) => {
                self.paragraph("a stop ended it; a resume runs it again", "", theme.dim);
            }
            Some(Outcome::Cancelled) | None => {}
        }
    }

    fn failure(&mut self, heading: &str, failure: &Failure) {
        self.heading(heading);
        self.paragraph(&failure.reason, "  ", self.model.theme.error);
        if let Some(hint) = &failure.hint {
            self.paragraph(&format!("hint: {hint}"), "  ", self.model.theme.text);
        }
    }

    /// Two to a line where there is room.
    fn vitals(&mut self, vitals: &crate::engine::Vitals) {
        if vitals.0.is_empty() {
            return;
        }
        self.heading("Vitals");
        let theme = &self.model.theme;
        let (dim, strong) = (theme.dim, theme.strong);
        let entries: Vec<(String, String)> =
            vitals.0.iter().map(|(name, value)| vital(name, *value)).collect();
        let per_line = if self.width >= 60 { 2 } else { 1 };
        for chunk in entries.chunks(per_line) {
            let pieces = chunk
                .iter()
                .flat_map(|(name, value)| [(format!("  {name:<18}"), dim), (format!("{value:<9}"), strong)]);
            self.line(pieces.collect::<Vec<_>>());
        }
    }

    fn steps(&mut self, steps: &[StepState], scope: Scope) {
        if steps.is_empty() {
            return;
        }
        self.heading("Steps");
        self.step_lines(steps, Some(scope));
    }

    fn step_lines(&mut self, steps: &[StepState], scope: Option<Scope>) {
        let mut phase: Option<PhaseKind> = None;
        for step in steps {
            if scope.is_none_or(|scope| matches!(scope, Scope::Phase { .. })) && phase != Some(step.phase) {
                phase = Some(step.phase);
                let style = self.model.theme.dim;
                self.line([(format!("  {}", step.phase.name()), style)]);
            }
            self.step(step);
            if step.outcome.is_none() {
                self.progress(step);
            }
        }
    }

    fn step(&mut self, step: &StepState) {
        let theme = &self.model.theme;
        let (glyph, style) = step_glyph(self.model, step);
        let time = took(step.started_at, step.ended_at, self.model);
        let name = format!("{:02} {}", step.number, step.name);
        let room = self.width.saturating_sub(4 + canvas::width(&time) + 1);
        let name = canvas::truncate(&name, room, theme.glyphs.ellipsis).into_owned();
        let fill = usize::from(room.saturating_sub(canvas::width(&name)) + 1);
        let pieces = [
            (format!("  {glyph} "), style),
            (name, theme.text),
            (format!("{:fill$}{time}", ""), theme.dim),
        ];
        let note = match &step.outcome {
            Some(StepOutcome::Done { detail: Some(detail) }) => Some((detail.clone(), theme.dim)),
            Some(StepOutcome::Skipped { why }) => Some((why.clone(), theme.dim)),
            Some(StepOutcome::Failed { failure }) => Some((failure.reason.clone(), theme.error)),
            _ => None,
        };
        self.line(pieces);
        if let Some((note, style)) = note {
            self.paragraph(&note, "       ", style);
        }
    }

    /// What the running step says about itself.
    fn progress(&mut self, step: &StepState) {
        let theme = &self.model.theme;
        let Some(progress) = self.model.progress.as_ref() else {
            return;
        };
        let of_this = match progress.scope {
            Scope::Phase { phase, .. } => phase == step.phase,
            Scope::Attempt { .. } => step.phase == PhaseKind::Run,
        };
        if !of_this {
            return;
        }
        let mut pieces = vec![("       ".to_owned(), theme.text)];
        if let Some(fraction) = pace::fraction(progress) {
            pieces.push((canvas::bar(fraction, 14, theme.glyphs), theme.busy));
            pieces.push((format!(" {}  ", pace::percent(fraction)), theme.text));
        }
        pieces.push((progress.text.clone(), theme.dim));
        self.line(pieces);
    }

    fn attempts(&mut self, state: &CellState, shown: u32) {
        if state.attempts.len() < 2 {
            return;
        }
        self.heading("Attempts   [ ] to choose");
        let theme = &self.model.theme;
        let pointer = theme.glyphs.pointer;
        for attempt in state.attempts.iter().rev() {
            let (glyph, word, style) = outcome_word(self.model, attempt);
            let here = if attempt.number == shown { pointer } else { " " };
            let time = took(attempt.started_at, attempt.ended_at, self.model);
            let text = theme.text;
            let dim = theme.dim;
            self.line([
                (format!("{here} {} ", attempt.number), text),
                (format!("{glyph} {word}"), style),
                (format!("  {time}"), dim),
            ]);
            if let Some(Outcome::Failed { failure }) = &attempt.outcome
                && attempt.number != shown
            {
                self.paragraph(&failure.reason, "      ", dim);
            }
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

    fn results(&mut self, setup: SetupId, attempt: &AttemptState) {
        let instance = crate::workspace::Instance::at("");
        let name = self.model.setup_name(setup);
        let processes = self
            .model
            .state
            .opened
            .as_ref()
            .map_or(1, |opened| opened.parallelism.max(1));
        self.heading("Results");
        let first = instance.results(name, &attempt.experiment_id, 1);
        let style = self.model.theme.text;
        let path = crate::text::sanitize(&first.to_string_lossy()).into_owned();
        let more = if processes > 1 {
            format!(" … _{processes}")
        } else {
            String::new()
        };
        for part in canvas::wrap_hard(&format!("{path}{more}"), self.width.saturating_sub(2)) {
            self.line([(format!("  {part}"), style)]);
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

fn step_glyph(model: &Model, step: &StepState) -> (&'static str, Style) {
    use crate::engine::CellStatus as Status;
    let theme = &model.theme;
    let status = match &step.outcome {
        None => Status::Running,
        Some(StepOutcome::Done { .. }) => Status::Succeeded,
        Some(StepOutcome::Skipped { .. }) => Status::Skipped,
        Some(StepOutcome::Failed { .. }) => Status::Failed,
        Some(StepOutcome::Cancelled) => Status::Cancelled,
    };
    (theme.glyph(status), theme.status(status))
}

fn outcome_word(model: &Model, attempt: &AttemptState) -> (&'static str, &'static str, Style) {
    use crate::engine::CellStatus as Status;
    let status = match &attempt.outcome {
        None => Status::Running,
        Some(Outcome::Succeeded { .. }) => Status::Succeeded,
        Some(Outcome::Suspect { .. }) => Status::Suspect,
        Some(Outcome::Failed { .. }) => Status::Failed,
        Some(Outcome::Cancelled) => Status::Cancelled,
        Some(Outcome::Interrupted) => Status::Interrupted,
    };
    let theme = &model.theme;
    (theme.glyph(status), status_word(status), theme.status(status))
}

/// How long something took, or takes so far.
fn took(from: jiff::Timestamp, to: Option<jiff::Timestamp>, model: &Model) -> String {
    match to {
        Some(to) => pace::duration(pace::seconds_between(from, to)),
        None => pace::clock(pace::seconds_between(from, model.now)),
    }
}

/// A vital as people say it, with its unit.
fn vital(name: &str, value: f64) -> (String, String) {
    let number = super::grid::short_number(value);
    let (title, unit) = match name {
        "ttft_p50_ms" => ("TTFT p50", " ms"),
        "ttft_p99_ms" => ("TTFT p99", " ms"),
        "itl_p50_ms" => ("ITL p50", " ms"),
        "e2e_p50_ms" => ("latency p50", " ms"),
        "output_tokens_per_second" => ("output tokens/s", ""),
        "requests_per_second" => ("requests/s", ""),
        "requests" | "failures" => return (name.to_owned(), format!("{value:.0}")),
        other => (other, ""),
    };
    (title.to_owned(), format!("{number}{unit}"))
}
