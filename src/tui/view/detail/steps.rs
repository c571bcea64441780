//! Steps of a phase or of an attempt: how they ended, how long they took, how far the running one is.

use super::{Page, took};
use crate::engine::{CellStatus, PhaseKind, Scope, StepOutcome, StepState};
use crate::tui::model::Model;
use crate::tui::{canvas, pace};
use ratatui::style::Style;

impl Page<'_> {
    pub(super) fn steps(&mut self, steps: &[StepState], scope: Scope) {
        if steps.is_empty() {
            return;
        }
        self.heading("Steps");
        self.step_lines(steps, Some(scope));
    }

    pub(super) fn step_lines(&mut self, steps: &[StepState], scope: Option<Scope>) {
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

    pub(super) fn step(&mut self, step: &StepState) {
        let theme = &self.model.theme;
        let (glyph, style) = step_glyph(self.model, step);
        let time = took(step.started_at, step.ended_at, self.model);
        let name = format!("{:02} {}", step.number, step.name);
        let room = self.width.saturating_sub(4 + canvas::width(&time) + 1);
        let name = canvas::truncate(&name, room, theme.glyphs.ellipsis).into_owned();
        let left = room.saturating_sub(canvas::width(&name));
        let note = match &step.outcome {
            Some(StepOutcome::Done { detail: Some(detail) }) => Some((detail.as_str(), theme.dim)),
            Some(StepOutcome::Skipped { why }) => Some((why.as_str(), theme.dim)),
            Some(StepOutcome::Failed { failure }) => Some((failure.reason.as_str(), theme.error)),
            _ => None,
        };
        // Beside the name where there is room, because lines are scarce on small screens.
        let beside = note.filter(|(note, _)| canvas::width(note) + 2 <= left);
        let (aside, aside_style) = beside.map_or((String::new(), theme.dim), |(note, style)| {
            (format!("  {note}"), style)
        });
        let fill = usize::from(left.saturating_sub(canvas::width(&aside)) + 1);
        self.line([
            (format!("  {glyph} "), style),
            (name, theme.text),
            (aside, aside_style),
            (format!("{:fill$}{time}", ""), theme.dim),
        ]);
        if let (Some((note, style)), None) = (note, beside) {
            self.paragraph(note, "       ", style);
        }
    }

    /// What the running step says about itself.
    pub(super) fn progress(&mut self, step: &StepState) {
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
}

fn step_glyph(model: &Model, step: &StepState) -> (&'static str, Style) {
    let theme = &model.theme;
    let status = match &step.outcome {
        None => CellStatus::Running,
        Some(StepOutcome::Done { .. }) => CellStatus::Succeeded,
        Some(StepOutcome::Skipped { .. }) => CellStatus::Skipped,
        Some(StepOutcome::Failed { .. }) => CellStatus::Failed,
        Some(StepOutcome::Cancelled) => CellStatus::Cancelled,
    };
    (theme.glyph(status), theme.status(status))
}
