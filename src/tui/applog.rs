//! The pane of the application's own log: tui-logger's widget with tui-logger's own keys.
//!
//! What it shows is kept by tui-logger and put there by [`crate::logs::init`]; which targets and levels are visible and
//! where the pane is scrolled to is kept here.

use super::keys::Key;
use super::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use std::fmt;
use std::sync::Arc;
use tui_logger::{LevelFilter, TuiLoggerSmartWidget, TuiWidgetEvent, TuiWidgetState};

/// The pane's keys, as tui-logger documents them: key, event, help.
pub const KEYS: &[(Key, TuiWidgetEvent, &str)] = &[
    (Key::Up, TuiWidgetEvent::UpKey, "Select the previous target"),
    (Key::Down, TuiWidgetEvent::DownKey, "Select the next target"),
    (
        Key::Left,
        TuiWidgetEvent::LeftKey,
        "Show less of the selected target",
    ),
    (
        Key::Right,
        TuiWidgetEvent::RightKey,
        "Show more of the selected target",
    ),
    (
        Key::Char('-'),
        TuiWidgetEvent::MinusKey,
        "Record less of the selected target",
    ),
    (
        Key::Char('+'),
        TuiWidgetEvent::PlusKey,
        "Record more of the selected target",
    ),
    (Key::PageUp, TuiWidgetEvent::PrevPageKey, "Scroll back"),
    (Key::PageDown, TuiWidgetEvent::NextPageKey, "Scroll forward"),
    (Key::Char('G'), TuiWidgetEvent::EscapeKey, "Back to the end"),
    (
        Key::Char('h'),
        TuiWidgetEvent::HideKey,
        "Hide or show the list of targets",
    ),
    (
        Key::Char('f'),
        TuiWidgetEvent::FocusKey,
        "Only the selected target, or all",
    ),
    (
        Key::Space,
        TuiWidgetEvent::SpaceKey,
        "Hide or show targets that are off",
    ),
];

/// The pane's state. Clones show the same.
#[derive(Clone)]
pub struct AppLogPane {
    state: Arc<TuiWidgetState>,
}

impl Default for AppLogPane {
    fn default() -> Self {
        let state = TuiWidgetState::new().set_default_display_level(LevelFilter::Info);
        state.transition(TuiWidgetEvent::HideKey);
        Self {
            state: Arc::new(state),
        }
    }
}

impl fmt::Debug for AppLogPane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppLogPane").finish_non_exhaustive()
    }
}

impl AppLogPane {
    /// Act on a key; false when the pane has no use for it.
    pub fn key(&self, key: Key) -> bool {
        let event = KEYS
            .iter()
            .find(|(known, _, _)| *known == key)
            .map(|(_, event, _)| *event);
        if let Some(event) = event {
            self.state.transition(event);
        }
        event.is_some()
    }

    /// Draw the pane.
    pub fn draw(&self, area: Rect, focused: bool, theme: &Theme, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        // The widget writes beyond its area where target names are long; what it does here stays here.
        let mut own = Buffer::empty(area);
        TuiLoggerSmartWidget::default()
            .title_log(" Application log ")
            .title_target(" Targets ")
            .style(theme.text)
            .border_style(if focused { theme.border_focus } else { theme.border })
            .highlight_style(theme.cursor)
            .style_error(theme.error)
            .style_warn(theme.warn)
            .style_info(theme.text)
            .style_debug(theme.dim)
            .style_trace(theme.dim)
            .style_show(theme.strong)
            .style_hide(theme.dim)
            .output_file(false)
            .output_line(false)
            .output_separator(' ')
            .state(&self.state)
            .render(area, &mut own);
        for position in area.positions() {
            if let (Some(from), Some(to)) = (own.cell(position), buf.cell_mut(position)) {
                *to = from.clone();
                if let Some(drawn) = frame_part(from.symbol(), theme) {
                    to.set_symbol(drawn);
                }
            }
        }
    }
}

/// What this theme draws frames with, for a part of a frame that the widget drew. The widget knows no others than those
/// of Unicode.
fn frame_part(symbol: &str, theme: &Theme) -> Option<&'static str> {
    let [
        horizontal,
        vertical,
        top_left,
        top_right,
        bottom_right,
        bottom_left,
    ] = theme.glyphs.frame;
    Some(match symbol {
        "─" => horizontal,
        "│" => vertical,
        "┌" => top_left,
        "┐" => top_right,
        "┘" => bottom_right,
        "└" => bottom_left,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(buffer: &Buffer) -> String {
        buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    fn draw(pane: &AppLogPane, area: Rect) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 40));
        pane.draw(area, true, &Theme::dark(), &mut buffer);
        buffer
    }

    #[test]
    fn messages_are_shown_at_any_size_and_stay_in_their_area() {
        tui_logger::set_default_level(LevelFilter::Trace);
        let drain = tui_logger::Drain::new();
        for (level, text) in [(log::Level::Info, "ordinary"), (log::Level::Debug, "detailed")] {
            drain.log(
                &log::Record::builder()
                    .args(format_args!("{text}"))
                    .level(level)
                    .target("llmdbenchmark::a_target_with_a_long_name")
                    .build(),
            );
        }
        tui_logger::move_events();
        let pane = AppLogPane::default();
        for _ in 0..2 {
            let shown = text(&draw(&pane, Rect::new(0, 0, 120, 40)));
            assert!(shown.contains("ordinary"), "{shown}");
            assert!(!shown.contains("detailed"), "{shown}");
            // The same with the list of targets beside the messages.
            assert!(pane.key(Key::Char('h')));
        }
        for (width, height) in [(1, 1), (3, 2), (12, 3), (40, 10), (60, 20)] {
            for key in [None, Some(Key::Char('h')), Some(Key::PageUp), Some(Key::Right)] {
                key.map(|key| pane.key(key));
                let area = Rect::new(5, 4, width, height);
                let buffer = draw(&pane, area);
                let outside = buffer
                    .area
                    .positions()
                    .filter(|position| !area.contains(*position));
                for position in outside {
                    assert_eq!(buffer[position].symbol(), " ", "{position} at {width}×{height}");
                }
            }
        }
        assert!(!pane.key(Key::Char('z')));
    }

    #[test]
    fn an_ascii_terminal_gets_an_ascii_frame() {
        let area = Rect::new(0, 0, 30, 6);
        let mut buffer = Buffer::empty(area);
        AppLogPane::default().draw(area, true, &Theme::plain().ascii(), &mut buffer);
        let shown = text(&buffer);
        assert!(shown.starts_with('+') && shown.ends_with('+'), "{shown}");
        let frame = |position: &ratatui::layout::Position| {
            position.x == 0 || position.y == 0 || position.x == 29 || position.y == 5
        };
        let edge = area.positions().filter(frame);
        for position in edge {
            assert!(buffer[position].symbol().is_ascii(), "{position}");
        }
    }
}
