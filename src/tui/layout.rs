//! Where everything is on the screen: one computation for drawing, for the mouse, and for how far a page goes.

use super::canvas;
use super::headers::Factor;
use super::model::{Focus, Model, Vital};
use ratatui::layout::Rect;

/// From this width on, details stand beside the grid.
const WIDE: u16 = 110;
/// Details that give columns to the grid keep as many as most texts need.
const NARROWEST_DETAIL: u16 = 48;
/// From this height of the body on, there is room for a pane under the grid.
const TALL: u16 = 14;
/// From this height of a wide screen on, logs are shown from the start.
const ROOMY: u16 = 36;
/// From this height on, panes have frames.
const FRAMED: u16 = 8;

/// Whether grid, details and logs fit side by side, so that nothing has to be opened first.
pub(crate) fn has_room_for_all((width, height): (u16, u16)) -> bool {
    width >= WIDE && height >= ROOMY
}

/// The panes. Those that are not shown are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Areas {
    pub(crate) header: Rect,
    pub(crate) grid: Rect,
    pub(crate) detail: Rect,
    pub(crate) logs: Rect,
    pub(crate) app_log: Rect,
    /// The plan of a row, or the difference of two: alone but for the hints.
    pub(crate) plan: Rect,
    pub(crate) hints: Rect,
}

impl Areas {
    pub(crate) fn of(model: &Model) -> Self {
        let screen = Rect::new(0, 0, model.size.0, model.size.1);
        let mut areas = Self::default();
        if model.full_screen && matches!(model.focus, Focus::Logs | Focus::AppLog) {
            *areas.pane_mut(model.focus) = screen;
            return areas;
        }
        let hints = u16::from(screen.height >= 3);
        areas.hints = Rect::new(0, screen.height - hints, screen.width, hints);
        if model.plan.is_some() {
            areas.plan = Rect {
                height: screen.height - hints,
                ..screen
            };
            return areas;
        }
        let header = match screen.height {
            0..4 => 0,
            4..8 => 1,
            8..16 => 2,
            _ => 3,
        };
        areas.header = Rect {
            height: header,
            ..screen
        };
        let body = Rect::new(0, header, screen.width, screen.height - header - hints);
        let beside = body.width >= WIDE;
        let mut left = body;
        if beside {
            let width = detail_width(model, body);
            left.width -= width;
            areas.detail = Rect::new(left.right(), body.y, width, body.height);
        }
        let lower = model.lower.focus();
        if beside && lower == Focus::Detail {
            areas.grid = left;
        } else if body.height >= TALL {
            let (upper, under) = split(model, left, lower);
            areas.grid = upper;
            *areas.pane_mut(lower) = under;
        } else if beside && model.focus == Focus::Detail {
            areas.grid = left;
        } else {
            *areas.pane_mut(model.focus) = left;
        }
        areas
    }

    pub(crate) fn pane(&self, focus: Focus) -> Rect {
        match focus {
            Focus::Grid => self.grid,
            Focus::Detail => self.detail,
            Focus::Logs => self.logs,
            Focus::AppLog => self.app_log,
        }
    }

    fn pane_mut(&mut self, focus: Focus) -> &mut Rect {
        match focus {
            Focus::Grid => &mut self.grid,
            Focus::Detail => &mut self.detail,
            Focus::Logs => &mut self.logs,
            Focus::AppLog => &mut self.app_log,
        }
    }
}

/// Details get two fifths, and leave of them to the grid what its last columns need.
fn detail_width(model: &Model, body: Rect) -> u16 {
    let width = (body.width * 2 / 5).clamp(44, 72);
    let grid = Rect {
        width: body.width - width,
        ..body
    };
    // All columns count, so that a filter does not move the panes.
    let columns = model.state.runs as usize;
    let geometry = Geometry::with_columns(model, grid, columns);
    let missing = columns.saturating_sub(geometry.columns);
    let missing = u16::try_from(missing).unwrap_or(u16::MAX);
    let wanted = missing.saturating_mul(geometry.cell_width);
    width.saturating_sub(wanted).max(width.min(NARROWEST_DETAIL))
}

/// The grid above, as high as it needs to be within bounds, and another pane under it.
fn split(model: &Model, body: Rect, lower: Focus) -> (Rect, Rect) {
    let most = match lower {
        Focus::Detail => body.height * 11 / 20,
        // Logs are read: they get at least half.
        _ => body.height / 2,
    };
    let headers = run_factor_lines(model);
    let rows = u16::try_from(model.rows.len()).unwrap_or(u16::MAX);
    // Headers, the line with numbers, rows, and the frame.
    let needed = headers.saturating_add(rows).saturating_add(3).max(FRAMED);
    let height = needed.min(most);
    let upper = Rect { height, ..body };
    (
        upper,
        Rect::new(body.x, upper.bottom(), body.width, body.height - height),
    )
}

/// What is inside a pane: all of it where it is too small for a frame.
pub(crate) fn inside(pane: Rect) -> Rect {
    if is_framed(pane) {
        Rect::new(pane.x + 1, pane.y + 1, pane.width - 2, pane.height - 2)
    } else {
        pane
    }
}

pub(crate) fn is_framed(pane: Rect) -> bool {
    pane.height >= FRAMED && pane.width >= 30
}

/// How a row's header is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowHeader {
    /// One place per factor, and the name if there is room.
    Table {
        /// Columns for the name, 0 where it is left out.
        name: u16,
        /// Whether places are as wide as the factors' names, and not only as their values.
        labels: bool,
    },
    /// The beginnings of the values.
    Abridged,
    /// The name, and what of factors and values there is room for.
    Described {
        /// Columns for the name.
        name: u16,
    },
}

/// The grid's measures. All cells are of the same size, so that a million of them need no measuring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Headers and cells.
    pub(crate) inner: Rect,
    /// Lines of column headers above the line with numbers.
    pub(crate) factor_lines: u16,
    /// Columns for the number of a row.
    pub(crate) number: u16,
    /// Columns of a row's header, with the rule at its end.
    pub(crate) header_width: u16,
    pub(crate) row_header: RowHeader,
    /// Columns of a cell.
    pub(crate) cell_width: u16,
    /// Rows that fit.
    pub(crate) rows: usize,
    /// Columns that fit whole.
    pub(crate) columns: usize,
}

impl Geometry {
    pub(crate) fn of(model: &Model, grid: Rect) -> Self {
        Self::with_columns(model, grid, model.columns.len())
    }

    /// With so many columns of cells, whatever the filter shows.
    fn with_columns(model: &Model, grid: Rect, columns: usize) -> Self {
        let inner = inside(grid);
        let cell_width = cell_width(model);
        let number = digits(model.setup_side.len);
        // Mark, number, stack, rule.
        let fixed = number + 4;
        let factors = &model.setup_side.factors;
        let shown_columns = u16::try_from(columns.min(1000)).unwrap_or(1000);
        let for_cells = cell_width.saturating_mul(shown_columns);
        let limit = (inner.width * 45 / 100)
            .max(inner.width.saturating_sub(for_cells))
            .saturating_sub(fixed);
        let name = model.setup_side.name_width;
        // The most telling header that fits.
        let tables = [(name, true), (0, true), (0, false)];
        let table = tables.into_iter().find_map(|(name, labels)| {
            let columns = factors.iter().map(|factor| value_width(factor, labels) + 1);
            let values = columns.fold(0, u16::saturating_add);
            let width = values.saturating_add(if name > 0 { name + 1 } else { 0 });
            let tells = (name > 0 || !factors.is_empty()) && !model.setup_side.sparse;
            (tells && width <= limit).then_some((RowHeader::Table { name, labels }, width))
        });
        let described = name.saturating_add(model.setup_side.text_width).saturating_add(2);
        let side = &model.setup_side;
        let (row_header, width) = table.unwrap_or(if side.sparse || side.factors.is_empty() {
            (RowHeader::Described { name }, limit.min(described))
        } else {
            (RowHeader::Abridged, limit)
        });
        let header_width = (fixed + width).min(inner.width);
        let run_factors = run_factor_lines(model);
        let rows = u16::try_from(model.rows.len()).unwrap_or(u16::MAX);
        // A line per factor as long as no row has to give way for it; then a quarter of the lines at most.
        let all_fit = run_factors.saturating_add(rows).saturating_add(1) <= inner.height;
        let most = if all_fit { run_factors } else { inner.height / 4 };
        let factor_lines = run_factors.min(most.max(1)).min(inner.height);
        let for_rows = inner.height.saturating_sub(factor_lines + 1);
        let room = inner.width.saturating_sub(header_width);
        Self {
            inner,
            factor_lines,
            number,
            header_width,
            row_header,
            cell_width,
            rows: usize::from(for_rows),
            columns: usize::from(room / cell_width.max(1)),
        }
    }

    /// The line of the first row of cells.
    pub(crate) fn first_row(&self) -> u16 {
        self.inner.y + (self.factor_lines + 1).min(self.inner.height)
    }

    /// The column of the first cell.
    pub(crate) fn first_column(&self) -> u16 {
        self.inner.x + self.header_width
    }
}

/// Lines that column headers would like to have.
fn run_factor_lines(model: &Model) -> u16 {
    if model.run_side.sparse {
        return 1;
    }
    u16::try_from(model.run_side.factors.len())
        .unwrap_or(u16::MAX)
        .max(1)
}

/// Columns for the values of a setup factor: as many as its name needs, or its initials.
pub(crate) fn value_width(factor: &Factor, labels: bool) -> u16 {
    let label = if labels {
        canvas::width(&factor.short).min(12)
    } else {
        canvas::width(&factor.tiny).min(3)
    };
    label.max(factor.width)
}

fn cell_width(model: &Model) -> u16 {
    let content = match model.vital {
        // Mark, glyph, `100%`.
        Vital::Status => 7,
        // Mark, glyph, gap, a number of six characters: the mark's place parts it from the cell before.
        Vital::Number(..) | Vital::Duration => 9,
    };
    let side = &model.run_side;
    let header = side
        .factors
        .iter()
        .filter(|_| !side.sparse)
        .map(|factor| factor.width)
        .max();
    header
        .unwrap_or(model.run_side.name_width.min(12))
        .saturating_add(2)
        .max(content)
}

fn digits(count: usize) -> u16 {
    count.max(1).ilog10() as u16 + 1
}
