//! The log pane: a window over the logs of one attempt or one phase, one tab per log.
//!
//! Like the rest of the screen it is a model that [`LogPane::act`], [`LogPane::key`] and [`LogPane::update`] change and
//! [`draw`] only reads. The model holds no log: it holds the few rows around what is visible, asks for others with
//! [`Request`](crate::logs::Request)s (which the runtime passes to the [`Reader`](crate::logs::Reader)), and keeps
//! showing what it has until they come.
//!
//! The pane follows the end of a log until the operator scrolls; then only the scrolling stops, and what arrives is
//! counted.

mod layout;
mod navigate;
mod pane;
mod screen;
mod search;
mod view;

pub(in crate::tui) use layout::cut;
pub use pane::{LogPane, Subject};
pub use view::{draw, text_size};

/// What an operator can do in the log pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// One screen line towards the start. Stops following.
    Up,
    /// One screen line towards the end; at the end, follow.
    Down,
    /// One screen towards the start.
    PageUp,
    /// One screen towards the end.
    PageDown,
    /// To the first line.
    Top,
    /// To the end, and follow.
    Tail,
    /// Towards the start of long lines.
    Left,
    /// Towards the end of long lines.
    Right,
    /// Back to the start of long lines.
    LineStart,
    /// Wrap long lines, or cut them.
    Wrap,
    /// Follow the end, or stop following.
    Follow,
    /// Type a search.
    Search,
    /// To the next match.
    NextMatch,
    /// To the previous match.
    PreviousMatch,
    /// To the next line that looks like an error.
    NextError,
    /// To the previous line that looks like an error.
    PreviousError,
    /// The next log.
    NextSource,
    /// The previous log.
    PreviousSource,
    /// Give up the search and its marks.
    ClearSearch,
}

#[cfg(test)]
mod tests;
