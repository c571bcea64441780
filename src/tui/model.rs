//! Everything the screen knows: the fold of the sweep's events, and what the operator looks at.
//!
//! Owned by the runtime (or by a test), changed by [`update`](super::update::update) alone, read by
//! [`view`](super::view).

mod parts;

pub(crate) use parts::{Cursor, Focus, Lower, Message, Vital};

use super::action::Context;
use super::applog::AppLogPane;
use super::filter::{Filter, Shown};
use super::headers::Side;
use super::heat::Heat;
use super::input::Input;
use super::logpane::LogPane;
use super::overlay::Overlay;
use super::pace::Pace;
use super::planpane::PlanPane;
use super::theme::Theme;
use crate::engine::{CellStatus, Event, Progress, Record, Scope, SetupState, StackState, State, Trouble};
use crate::experiment::{CellId, RunId, SetupId};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The whole screen.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, and none excludes another"
)]
pub struct Model {
    pub(crate) theme: Theme,
    pub(crate) instance: PathBuf,
    pub(crate) size: (u16, u16),
    pub(crate) now: Timestamp,

    pub(crate) state: State,
    /// How far what is under way is.
    pub(crate) progress: Option<Progress>,
    /// Why the engine cannot go on recording, until it can.
    pub(crate) trouble: Option<Trouble>,
    pub(crate) pace: Pace,
    pub(crate) heat: Heat,
    pub(crate) setup_side: Side,
    pub(crate) run_side: Side,

    pub(crate) cursor: Cursor,
    /// Positions of the first row and column on screen.
    pub(crate) scroll: (usize, usize),
    pub(crate) marks: BTreeSet<CellId>,
    pub(crate) filter: Filter,
    pub(crate) rows: Shown,
    pub(crate) columns: Shown,
    pub(crate) vital: Vital,
    /// Whether the cursor goes along with the sweep.
    pub(crate) follow: bool,

    pub(crate) focus: Focus,
    pub(crate) lower: Lower,
    pub(crate) full_screen: bool,
    pub(crate) detail_scroll: u16,
    /// How many attempts before the last one is shown.
    pub(crate) attempts_back: usize,
    pub(crate) logs: LogPane,
    pub(crate) app_log: AppLogPane,

    /// Whether anybody can be asked for plans.
    pub(crate) has_plans: bool,
    /// What was asked for the plan on show, or is shown of it.
    pub(crate) plan: Option<PlanPane>,
    /// How often plans were asked for.
    pub(crate) plans_asked: u64,
    /// The row that another one is to be compared with.
    pub(crate) compared: Option<SetupId>,

    /// The filter being typed, and the one to go back to.
    pub(crate) typing: Option<(Input, String)>,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) message: Option<Message>,
    pub(crate) mouse: bool,
    /// The operator asked to leave; the screen closes when the sweep has ended.
    pub(crate) leaving: bool,
    /// The end of the work was shown.
    pub(crate) end_shown: bool,
    /// Something changed since the last frame.
    pub(crate) dirty: bool,
}

impl Model {
    /// The screen of a sweep in this state, on a terminal of this size.
    pub fn new(instance: PathBuf, state: State, theme: Theme, size: (u16, u16), now: Timestamp) -> Self {
        let mut model = Self {
            theme,
            instance,
            size,
            now,
            state: State::default(),
            progress: None,
            trouble: None,
            pace: Pace::default(),
            heat: Heat::default(),
            setup_side: Side::default(),
            run_side: Side::default(),
            cursor: Cursor {
                setup: Some(SetupId(0)),
                run: Some(RunId(0)),
            },
            scroll: (0, 0),
            marks: BTreeSet::new(),
            filter: Filter::default(),
            rows: Shown::All(0),
            columns: Shown::All(0),
            vital: Vital::Status,
            follow: true,
            focus: Focus::Grid,
            lower: if super::layout::has_room_for_all(size) {
                Lower::Logs
            } else {
                Lower::Detail
            },
            full_screen: false,
            detail_scroll: 0,
            attempts_back: 0,
            logs: LogPane::default(),
            app_log: AppLogPane::default(),
            has_plans: false,
            plan: None,
            plans_asked: 0,
            compared: None,
            typing: None,
            overlay: None,
            message: None,
            mouse: true,
            leaving: false,
            end_shown: false,
            dirty: true,
        };
        model.state = state;
        model.design_changed();
        // Who opens a finished sweep has seen its end.
        model.end_shown = model.is_done();
        model
    }

    /// There is somebody to ask for plans.
    #[must_use]
    pub fn with_plans(self) -> Self {
        Self {
            has_plans: true,
            ..self
        }
    }

    /// What keys mean now.
    pub(crate) fn context(&self) -> Context {
        if let Some(plan) = &self.plan {
            return plan.context();
        }
        match self.focus {
            Focus::Grid => Context::Grid,
            Focus::Detail => Context::Detail,
            Focus::Logs => Context::Logs,
            // The pane has keys of its own; what it has no use for means what it means everywhere.
            Focus::AppLog => Context::Everywhere,
        }
    }

    /// Take a record in. Costs what the record is about, not what the design is large.
    pub(crate) fn apply(&mut self, record: &Record) {
        if record.seq <= self.state.seq {
            return;
        }
        self.now = self.now.max(record.at);
        if matches!(record.event, Event::SweepOpened(_) | Event::EngineStarted { .. }) {
            self.state.apply(record);
            self.design_changed();
            return;
        }
        let cells = touched(&record.event);
        let before: Vec<Option<CellStatus>> = cells.iter().map(|cell| self.status(*cell)).collect();
        let row = phase_row(&record.event);
        let row_before = row.map(|setup| self.row_totals(setup));
        self.state.apply(record);
        for (cell, before) in cells.iter().zip(before) {
            if let (Some(before), Some(after)) = (before, self.status(*cell)) {
                self.pace.moved(*cell, before, after);
            }
        }
        if let (Some(setup), Some((busy, standups))) = (row, row_before) {
            let (busy_now, standups_now) = self.row_totals(setup);
            self.pace
                .phase_ended(busy_now - busy, standups_now.saturating_sub(standups));
        }
        if let Event::AttemptEnded { cell, attempt, .. } = &record.event {
            let ended = self
                .state
                .cell(*cell)
                .and_then(|state| state.attempts.iter().rev().find(|known| known.number == *attempt));
            if let Some(ended) = ended {
                self.pace.learn(*cell, ended);
                self.heat.learn(ended);
            }
        }
        self.pace.clock(&self.state, record.at);
        if self
            .progress
            .as_ref()
            .is_some_and(|progress| Some(progress.scope) != self.scope())
        {
            self.progress = None;
        }
        if !cells.is_empty() && self.filter.asks_for_status() {
            self.refresh_shown();
        }
    }

    fn design_changed(&mut self) {
        if let Some(opened) = &self.state.opened {
            self.setup_side = Side::of(&opened.setups);
            self.run_side = Side::of(&opened.runs);
        }
        self.pace = Pace::of(&self.state);
        self.heat = Heat::of(&self.state);
        self.marks.clear();
        // Rows may be others now.
        self.compared = None;
        self.plan = None;
        self.filter = Filter::new(self.filter.text(), &self.state);
        self.refresh_shown();
        let clamp = |id: u32, count: usize| id.min((count as u32).saturating_sub(1));
        self.cursor.setup = self
            .cursor
            .setup
            .map(|id| SetupId(clamp(id.0, self.state.setups.len())));
        self.cursor.run = self
            .cursor
            .run
            .map(|id| RunId(clamp(id.0, self.state.runs as usize)));
    }

    pub(crate) fn set_filter(&mut self, text: &str) {
        self.filter = Filter::new(text, &self.state);
        self.refresh_shown();
    }

    fn refresh_shown(&mut self) {
        (self.rows, self.columns) = self.filter.shown(&self.state);
    }

    fn row_totals(&self, setup: SetupId) -> (f64, u32) {
        self.state
            .setup(setup)
            .map_or((0.0, 0), |row| (row.busy_seconds, row.generation))
    }

    pub(crate) fn status(&self, cell: CellId) -> Option<CellStatus> {
        self.state.cell(cell).map(|cell| cell.status)
    }

    /// The phase or attempt under way.
    pub(crate) fn scope(&self) -> Option<Scope> {
        self.state.activity.map(|activity| activity.scope)
    }

    /// How far the work of this scope is, if it is under way and says so.
    pub(crate) fn progress_of(&self, scope: Scope) -> Option<&Progress> {
        self.progress.as_ref().filter(|progress| progress.scope == scope)
    }

    /// How many cells the design has.
    pub(crate) fn total(&self) -> usize {
        self.state.cells.len()
    }

    /// Whether a cell is running or waits for its turn.
    pub(crate) fn is_work_left(&self) -> bool {
        self.state.counts.of(CellStatus::Pending) + self.state.counts.of(CellStatus::Running) > 0
    }

    /// Whether nothing is left to do and nothing under way.
    pub(crate) fn is_done(&self) -> bool {
        self.state.opened.is_some() && !self.is_work_left() && self.state.activity.is_none()
    }

    /// Whether the last stack has been cleared away, too. Looks at every row.
    pub(crate) fn is_over(&self) -> bool {
        let stays_up = self
            .state
            .opened
            .as_ref()
            .is_some_and(|opened| opened.skip_teardown);
        let is_down = |row: &SetupState| row.stack == StackState::Down;
        self.is_done() && (stays_up || self.state.setups.iter().all(is_down))
    }

    /// Whether the screen changes with time alone, so that the runtime has to say what time it is.
    pub(crate) fn wants_ticks(&self) -> bool {
        self.pace.is_running()
    }

    /// Whether cells under the cursor or marked match the filter is no question for whole-grid commands.
    pub(crate) fn matches(&self, cell: CellId) -> bool {
        self.status(cell)
            .is_some_and(|status| self.filter.matches(cell, status))
    }

    /// A cell as the headers count it.
    pub(crate) fn cell_name(&self, cell: CellId) -> String {
        format!(
            "{}{}{}",
            cell.setup.0 + 1,
            self.theme.glyphs.times,
            cell.run.0 + 1
        )
    }

    pub(crate) fn setup_name(&self, setup: SetupId) -> &str {
        let info = self
            .state
            .opened
            .as_ref()
            .and_then(|opened| opened.setups.get(setup.index()));
        info.map_or("", |info| info.name.as_str())
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.message = Some(Message {
            text: text.into(),
            bad: false,
        });
    }

    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.message = Some(Message {
            text: text.into(),
            bad: true,
        });
    }
}

/// The cells whose status an event may change.
fn touched(event: &Event) -> &[CellId] {
    match event {
        Event::AttemptStarted { cell, .. } | Event::AttemptEnded { cell, .. } => std::slice::from_ref(cell),
        Event::CellsSkipped { cells }
        | Event::CellsQueued { cells, .. }
        | Event::CellsCancelled { cells }
        | Event::CellsNotRun { cells, .. } => cells,
        _ => &[],
    }
}

/// The row whose totals an event may change.
fn phase_row(event: &Event) -> Option<SetupId> {
    match event {
        Event::PhaseStarted { setup, .. } | Event::PhaseEnded { setup, .. } => Some(*setup),
        _ => None,
    }
}
