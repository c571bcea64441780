//! Where everything is in the pane: one computation for drawing, for the mouse, and for how far a page goes.

use crate::tui::layout::inside;
use ratatui::layout::Rect;

/// From this width on, list and text stand side by side.
const BESIDE: u16 = 64;
/// From this width of a text on, configuration lines say at their right who set them.
const ORIGINS: u16 = 76;
/// From this width on, a difference is a table.
const TABLE: u16 = 96;

/// Which of the two has the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    List,
    Text,
}

/// The parts of the pane. What is not shown is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Parts {
    /// The line that says whose plan it is.
    pub(super) title: Rect,
    /// The list of files with its frame.
    pub(super) list: Rect,
    /// The text with its frame.
    pub(super) pane: Rect,
    /// The text's rows.
    pub(super) text: Rect,
    /// Who set the line under the cursor.
    pub(super) strip: Rect,
    /// Search and position.
    pub(super) status: Rect,
}

/// What the layout depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    /// Columns that the list's longest entry needs; `None` without a list.
    pub(super) list: Option<u16>,
    /// Which side is shown where there is room for one only.
    pub(super) side: Side,
    /// Whether the line under the cursor is explained.
    pub(super) strip: bool,
    /// The text alone on the whole screen.
    pub(super) full: bool,
}

impl Parts {
    pub(super) fn of(area: Rect, wish: Wish) -> Self {
        let mut parts = Self::default();
        if wish.full {
            parts.pane = area;
            parts.split_text(area, false);
            return parts;
        }
        let title = u16::from(area.height >= 5);
        parts.title = Rect {
            height: title,
            ..area
        };
        let body = Rect::new(area.x, area.y + title, area.width, area.height - title);
        parts.pane = body;
        if let Some(needed) = wish.list {
            if area.width >= BESIDE {
                let width = needed.saturating_add(4).clamp(18, 44).min(area.width * 2 / 5);
                parts.list = Rect { width, ..body };
                parts.pane = Rect::new(body.x + width, body.y, body.width - width, body.height);
            } else if wish.side == Side::List {
                parts.list = body;
                parts.pane = Rect::default();
            }
        }
        parts.split_text(inside(parts.pane), wish.strip);
        parts
    }

    fn split_text(&mut self, inner: Rect, strip: bool) {
        let status = u16::from(inner.height >= 2);
        let strip = match inner.height {
            _ if !strip => 0,
            0..6 => 0,
            6..12 => 2,
            12..20 => 4,
            _ => 6,
        };
        let height = inner.height - status - strip;
        self.text = Rect { height, ..inner };
        self.strip = Rect::new(inner.x, inner.y + height, inner.width, strip);
        self.status = Rect::new(inner.x, inner.y + height + strip, inner.width, status);
    }

    /// Columns in which configuration lines say who set them; 0 where there is no room.
    pub(super) fn origins(&self) -> u16 {
        if self.text.width >= ORIGINS {
            self.text.width * 2 / 5
        } else {
            0
        }
    }
}

/// Columns of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// One below the other.
    Stacked {
        /// Columns for a value.
        value: u16,
    },
    /// Path, before, after.
    Table {
        /// Columns for the path.
        path: u16,
        /// Columns for each value.
        value: u16,
    },
}

impl Columns {
    pub(super) fn of(width: u16) -> Self {
        if width < TABLE {
            return Self::Stacked {
                value: width.saturating_sub(4).max(1),
            };
        }
        let value = width * 3 / 10;
        Self::Table {
            path: width - 2 * value - 4,
            value,
        }
    }
}
