//! What can be done in the panes beside and under the grid.

use super::bind;
use crate::tui::action::{Action, Binding, Context};
use crate::tui::keys::Key;

/// In the order of help and hints.
pub(super) const PANES: &[Binding] = {
    use Action as A;
    use Context::{Detail, Logs};
    use Key::{Char, Ctrl, Enter, Space};
    &[
        bind(Detail, A::Open, &[Enter, Char('l')], "logs", "Open the logs"),
        bind(
            Detail,
            A::OlderAttempt,
            &[Char('['), Key::Left, Char('h')],
            "older attempt",
            "Show the attempt before",
        ),
        bind(
            Detail,
            A::NewerAttempt,
            &[Char(']'), Key::Right],
            "newer",
            "Show the attempt after",
        ),
        bind(Detail, A::Plan, &[Char('y')], "", "Show the plan of the row"),
        bind(Detail, A::Up, &[Key::Up, Char('k')], "", "Scroll up"),
        bind(Detail, A::Down, &[Key::Down, Char('j')], "", "Scroll down"),
        bind(Detail, A::PageUp, &[Key::PageUp, Ctrl('b')], "", "One screen up"),
        bind(
            Detail,
            A::PageDown,
            &[Key::PageDown, Ctrl('f'), Space],
            "",
            "One screen down",
        ),
        bind(Detail, A::Top, &[Char('g'), Key::Home], "", "To the start"),
        bind(Detail, A::Bottom, &[Char('G'), Key::End], "", "To the end"),
        bind(
            Detail,
            A::Retry,
            &[Char('r')],
            "retry",
            "Run the selected cells again",
        ),
        bind(
            Detail,
            A::Skip,
            &[Char('S')],
            "",
            "Skip the selected cells, or put them back",
        ),
        bind(
            Detail,
            A::Cancel,
            &[Char('x')],
            "cancel",
            "Cancel the selected cells",
        ),
        bind(
            Detail,
            A::Start,
            &[Char('s')],
            "",
            "Start, or go on after a pause",
        ),
        bind(Detail, A::Pause, &[Char('p')], "", "Pause, or go on"),
        bind(
            Logs,
            A::FullScreen,
            &[Char('f'), Enter],
            "full screen",
            "The log alone on the whole screen, for reading and copying; again: back",
        ),
        bind(
            Logs,
            A::FollowTail,
            &[Char('s')],
            "follow",
            "Stop or resume following the end",
        ),
        bind(
            Logs,
            A::Search,
            &[Char('/')],
            "search",
            "Search with a regular expression, as you type",
        ),
        bind(Logs, A::NextMatch, &[Char('n')], "", "To the next match"),
        bind(Logs, A::PreviousMatch, &[Char('N')], "", "To the match before"),
        bind(Logs, A::NextError, &[Char('e')], "error", "To the next error"),
        bind(Logs, A::PreviousError, &[Char('E')], "", "To the error before"),
        bind(
            Logs,
            A::Wrap,
            &[Char('w')],
            "wrap",
            "Wrap long lines, or cut them",
        ),
        bind(
            Logs,
            A::NextLog,
            &[Char(']'), Char('>')],
            "next log",
            "The next log of the same cell or stack",
        ),
        bind(
            Logs,
            A::PreviousLog,
            &[Char('['), Char('<')],
            "",
            "The log before",
        ),
        bind(Logs, A::Up, &[Key::Up, Char('k')], "", "Up, and stop following"),
        bind(
            Logs,
            A::Down,
            &[Key::Down, Char('j')],
            "",
            "Down; at the end, follow",
        ),
        bind(Logs, A::PageUp, &[Key::PageUp, Ctrl('b')], "", "One screen up"),
        bind(
            Logs,
            A::PageDown,
            &[Key::PageDown, Ctrl('f'), Space],
            "",
            "One screen down",
        ),
        bind(Logs, A::Top, &[Char('g')], "", "To the first line"),
        bind(
            Logs,
            A::Bottom,
            &[Char('G'), Key::End],
            "end",
            "To the end, and follow",
        ),
        bind(
            Logs,
            A::Left,
            &[Key::Left, Char('h')],
            "",
            "Towards the start of long lines",
        ),
        bind(
            Logs,
            A::Right,
            &[Key::Right, Char('l')],
            "",
            "Towards the end of long lines",
        ),
        bind(
            Logs,
            A::Home,
            &[Key::Home, Char('0')],
            "",
            "Back to the start of lines",
        ),
    ]
};
