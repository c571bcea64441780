//! What can be done in the grid.

use super::bind;
use crate::tui::action::{Action, Binding, Context};
use crate::tui::keys::Key;

/// In the order of help and hints.
pub(super) const GRID: &[Binding] = {
    use Action as A;
    use Context::Grid;
    use Key::{Char, Ctrl, Enter, Space};
    &[
        // What steers the sweep comes first, because narrow hint bars show only the first few.
        bind(
            Grid,
            A::Start,
            &[Char('s')],
            "start",
            "Start the sweep, or go on after a pause",
        ),
        bind(
            Grid,
            A::Pause,
            &[Char('p')],
            "pause",
            "Let the running cell finish, then wait; again: go on",
        ),
        bind(
            Grid,
            A::Open,
            &[Enter],
            "open",
            "Look closer: details, logs, logs on the whole screen; on the header of a row: its plan",
        ),
        bind(
            Grid,
            A::Retry,
            &[Char('r')],
            "retry",
            "Run the selected cells again; of several, only those without a result to trust",
        ),
        bind(
            Grid,
            A::Skip,
            &[Char('S')],
            "skip",
            "Take the selected pending cells out of the queue, or put skipped ones back",
        ),
        bind(
            Grid,
            A::Cancel,
            &[Char('x')],
            "cancel",
            "End the selected running cell now; selected pending cells are cancelled, too",
        ),
        bind(
            Grid,
            A::RunNext,
            &[Char('n')],
            "",
            "Run the selected pending cells next",
        ),
        bind(
            Grid,
            A::Mark,
            &[Space],
            "mark",
            "Mark a cell (on a header: its row or column); commands act on the marked cells",
        ),
        bind(
            Grid,
            A::MarkRow,
            &[Char('V')],
            "",
            "Mark the whole row, or unmark it",
        ),
        bind(
            Grid,
            A::MarkColumn,
            &[Char('C')],
            "",
            "Mark the whole column, or unmark it",
        ),
        bind(
            Grid,
            A::MarkFailed,
            &[Char('F')],
            "",
            "Mark all cells that ended without a result to trust",
        ),
        bind(
            Grid,
            A::Filter,
            &[Char('/')],
            "filter",
            "Show only what matches: words of headers, statuses; a leading ! shows the rest",
        ),
        bind(
            Grid,
            A::NextVital,
            &[Char('v')],
            "values",
            "Show another number in the cells: progress, latencies, throughput, duration",
        ),
        bind(
            Grid,
            A::Plan,
            &[Char('y')],
            "",
            "Show the plan of the row: its configuration, who set what, and its files",
        ),
        bind(
            Grid,
            A::Compare,
            &[Char('d')],
            "compare",
            "Mark the row; on a second row: show how the two differ; on the same: forget it",
        ),
        bind(
            Grid,
            A::Follow,
            &[Char('.')],
            "",
            "Go to the running cell and along with the sweep",
        ),
        bind(
            Grid,
            A::Up,
            &[Key::Up, Char('k')],
            "",
            "Up; above the first row is the header, which stands for the column",
        ),
        bind(Grid, A::Down, &[Key::Down, Char('j')], "", "Down"),
        bind(
            Grid,
            A::Left,
            &[Key::Left, Char('h')],
            "",
            "Left; left of the first column is the header, which stands for the row",
        ),
        bind(Grid, A::Right, &[Key::Right, Char('l')], "", "Right"),
        bind(
            Grid,
            A::Home,
            &[Key::Home, Char('0')],
            "",
            "To the first column; from there, to the header of the row",
        ),
        bind(Grid, A::End, &[Key::End, Char('$')], "", "To the last column"),
        bind(Grid, A::Top, &[Char('g')], "", "To the first row"),
        bind(Grid, A::Bottom, &[Char('G')], "", "To the last row"),
        bind(
            Grid,
            A::PageUp,
            &[Key::PageUp, Ctrl('b')],
            "",
            "One screen of rows up",
        ),
        bind(
            Grid,
            A::PageDown,
            &[Key::PageDown, Ctrl('f')],
            "",
            "One screen of rows down",
        ),
        bind(
            Grid,
            A::OlderAttempt,
            &[Char('[')],
            "",
            "Show the attempt before, with its logs",
        ),
        bind(
            Grid,
            A::NewerAttempt,
            &[Char(']')],
            "",
            "Show the attempt after, with its logs",
        ),
    ]
};
