//! Drawing: pure functions from the model into a buffer. Nothing here changes anything, and nothing here looks at more
//! cells than are on screen.

mod detail;
mod dialog;
mod grid;
mod header;
mod help;
mod hints;
mod summary;

use super::canvas;
use super::layout::Areas;
use super::logpane;
use super::model::{Focus, Model};
use super::overlay::Overlay;
use super::planpane::{self, PlanPane};
use super::plans::Question;
use crate::experiment::SetupId;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

pub(crate) use detail::height as detail_height;
pub(crate) use dialog::choice_at;

/// A line of text in pieces.
type Line = Vec<(String, Style)>;

/// Draw the whole screen. The model knows the size; what the buffer does not hold is left out.
pub fn draw(model: &Model, buf: &mut Buffer) {
    let areas = Areas::of(model);
    let theme = &model.theme;
    canvas::clear(buf, buf.area, theme.text);
    if let Some(plan) = &model.plan {
        planpane::draw(plan, &plan_title(model, plan), areas.plan, theme, buf);
    } else {
        header::draw(model, areas.header, buf);
        grid::draw(model, areas.grid, buf);
        detail::draw(model, areas.detail, buf);
    }
    if !areas.logs.is_empty() {
        let focused = model.focus == Focus::Logs;
        logpane::draw(&model.logs, areas.logs, focused, model.full_screen, theme, buf);
    }
    if !areas.app_log.is_empty() {
        model
            .app_log
            .draw(areas.app_log, model.focus == Focus::AppLog, theme, buf);
    }
    hints::draw(model, areas.hints, buf);
    let screen = buf.area;
    match &model.overlay {
        Some(Overlay::Help(scroll)) => help::draw(model, *scroll, screen, buf),
        Some(Overlay::Dialog(question)) => dialog::draw(model, question, screen, buf),
        Some(Overlay::Summary(overview)) => summary::draw(model, overview, screen, buf),
        None => {}
    }
}

/// Whose plan it is, as the grid counts and names rows.
fn plan_title(model: &Model, plan: &PlanPane) -> String {
    let row = |setup: SetupId| format!("row {} {}", setup.0 + 1, model.setup_name(setup));
    match plan.question() {
        Question::Plan(setup) => format!("Plan of {}", row(setup)),
        Question::Difference(before, after) => {
            format!("From {} to {}", row(before), row(after))
        }
    }
}

/// How far the page that lies over the panes can be scrolled.
pub(crate) fn scroll_limit(model: &Model, overlay: &Overlay) -> u16 {
    let (lines, room) = match overlay {
        Overlay::Help(_) => help::measure(model),
        Overlay::Summary(overview) => summary::measure(model, overview),
        Overlay::Dialog(_) => (0, 0),
    };
    lines.saturating_sub(room)
}

/// Draw lines from the `scroll`-th on, and say with arrows that there are more.
fn draw_lines(lines: &[Line], scroll: u16, area: Rect, model: &Model, buf: &mut Buffer) {
    let theme = &model.theme;
    let count = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let scroll = scroll.min(count.saturating_sub(area.height));
    for (line, row) in lines.iter().skip(usize::from(scroll)).zip(0..area.height) {
        let mut pen = canvas::Pen::new(buf, area, row, theme);
        for (text, style) in line {
            pen.write(text, *style);
        }
    }
    let [_, _, above, below] = theme.glyphs.more;
    let edge = area.right().saturating_sub(1);
    if scroll > 0 {
        canvas::put(buf, edge, area.y, above, 1, theme.key);
    }
    if count - scroll > area.height && area.height > 0 {
        canvas::put(buf, edge, area.bottom() - 1, below, 1, theme.key);
    }
}

/// The page in the middle of the screen that overlays share: cleared, framed, as large as its text or the screen.
fn page(model: &Model, title: &str, width: u16, lines: usize, screen: Rect, buf: &mut Buffer) -> Rect {
    let outer = page_area(width, lines, screen);
    canvas::clear(buf, outer, model.theme.text);
    canvas::frame(buf, outer, title, true, &model.theme)
}

fn page_area(width: u16, lines: usize, screen: Rect) -> Rect {
    let height = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2);
    canvas::centered(screen, width, height)
}
