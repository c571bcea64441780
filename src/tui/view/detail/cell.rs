//! The details of a cell.

use super::{Page, took};
use crate::engine::{AttemptState, CellState, CellStatus, Outcome, Scope, Vitals};
use crate::experiment::{CellId, SetupId};
use crate::text;
use crate::tui::canvas;
use crate::tui::model::{Model, Vital};
use crate::tui::theme::status_word;
use crate::tui::view::{Line, grid};
use crate::workspace::Instance;
use ratatui::style::Style;

impl Page<'_> {
    pub(super) fn cell(&mut self, cell: CellId) {
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

    pub(super) fn queue_place(&mut self, cell: CellId) {
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

    pub(super) fn outcome(&mut self, attempt: &AttemptState) {
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

    /// Two to a line where there is room.
    pub(super) fn vitals(&mut self, vitals: &Vitals) {
        if vitals.0.is_empty() {
            return;
        }
        self.heading("Vitals");
        let theme = &self.model.theme;
        let (dim, strong) = (theme.dim, theme.strong);
        let mut entries: Vec<(&String, &f64)> = vitals.0.iter().collect();
        // What the grid can show comes first, in the same order.
        entries.sort_by_key(|(name, _)| {
            let is_it = |known: &Vital| matches!(known, Vital::Number(known, _) if known == name);
            Vital::ALL.iter().position(is_it).unwrap_or(Vital::ALL.len())
        });
        let entries: Vec<(String, String)> = entries
            .into_iter()
            .map(|(name, value)| vital(name, *value))
            .collect();
        let per_line = if self.width >= 60 { 2 } else { 1 };
        for chunk in entries.chunks(per_line) {
            let pieces = chunk
                .iter()
                .flat_map(|(name, value)| [(format!("  {name:<18}"), dim), (format!("{value:<9}"), strong)]);
            self.line(pieces.collect::<Vec<_>>());
        }
    }

    pub(super) fn attempts(&mut self, state: &CellState, shown: u32) {
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

    pub(super) fn results(&mut self, setup: SetupId, attempt: &AttemptState) {
        let instance = Instance::at("");
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
        let path = text::sanitize(&first.to_string_lossy()).into_owned();
        let more = if processes > 1 {
            format!(" … _{processes}")
        } else {
            String::new()
        };
        for part in canvas::wrap_hard(&format!("{path}{more}"), self.width.saturating_sub(2)) {
            self.line([(format!("  {part}"), style)]);
        }
    }
}

fn outcome_word(model: &Model, attempt: &AttemptState) -> (&'static str, &'static str, Style) {
    let status = match &attempt.outcome {
        None => CellStatus::Running,
        Some(Outcome::Succeeded { .. }) => CellStatus::Succeeded,
        Some(Outcome::Suspect { .. }) => CellStatus::Suspect,
        Some(Outcome::Failed { .. }) => CellStatus::Failed,
        Some(Outcome::Cancelled) => CellStatus::Cancelled,
        Some(Outcome::Interrupted) => CellStatus::Interrupted,
    };
    let theme = &model.theme;
    (theme.glyph(status), status_word(status), theme.status(status))
}

/// A vital as people say it, with its unit.
fn vital(name: &str, value: f64) -> (String, String) {
    let number = grid::short_number(value);
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
