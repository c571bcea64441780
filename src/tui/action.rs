//! The one table of what an operator can do: keys, help overlay, hint bar and `docs/keys.md` all come from it.

use super::keys::Key;
use std::fmt::Write as _;

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// To the neighbour above.
    Up,
    /// To the neighbour below.
    Down,
    /// To the neighbour on the left.
    Left,
    /// To the neighbour on the right.
    Right,
    /// One screen up.
    PageUp,
    /// One screen down.
    PageDown,
    /// To the start of the row.
    Home,
    /// To the end of the row.
    End,
    /// To the first row or line.
    Top,
    /// To the last row or line.
    Bottom,
    /// Give the keyboard to the next pane.
    NextPane,
    /// Give the keyboard to the previous pane.
    PreviousPane,
    /// Look closer: cell, then logs, then logs on the whole screen.
    Open,
    /// One step back.
    Back,
    /// Mark or unmark.
    Mark,
    /// Mark the whole row.
    MarkRow,
    /// Mark the whole column.
    MarkColumn,
    /// Mark all that ended without a result to trust.
    MarkFailed,
    /// Start, or go on.
    Start,
    /// Pause, or go on.
    Pause,
    /// Take out of the queue, or put back.
    Skip,
    /// Run again.
    Retry,
    /// End now.
    Cancel,
    /// To the head of the queue.
    RunNext,
    /// Type a filter.
    Filter,
    /// Show another number in the cells.
    NextVital,
    /// Go along with the running cell.
    Follow,
    /// The attempt before the one shown.
    OlderAttempt,
    /// The attempt after the one shown.
    NewerAttempt,
    /// Show or hide the logs.
    Logs,
    /// Show or hide the application's own log.
    AppLog,
    /// A log on the whole screen.
    FullScreen,
    /// Wrap long lines.
    Wrap,
    /// Stop or resume following the end of a log.
    FollowTail,
    /// Search a log.
    Search,
    /// The next match.
    NextMatch,
    /// The match before.
    PreviousMatch,
    /// The next error.
    NextError,
    /// The error before.
    PreviousError,
    /// The next log of the same cell or stack.
    NextLog,
    /// The log before.
    PreviousLog,
    /// Counts, failures and where the results are.
    Summary,
    /// All keys.
    Help,
    /// Give the mouse back to the terminal, or take it.
    Mouse,
    /// Paint the whole screen anew.
    Redraw,
    /// Leave.
    Quit,
    /// What Ctrl-C asks for.
    Interrupt,
    /// What Ctrl-Z asks for.
    Suspend,
}

/// Where a key means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// In every pane.
    Everywhere,
    /// In the grid.
    Grid,
    /// In the detail pane.
    Detail,
    /// In the log pane.
    Logs,
}

impl Context {
    /// All, in the order of the help.
    pub const ALL: [Self; 4] = [Self::Grid, Self::Detail, Self::Logs, Self::Everywhere];

    /// Heading in help and docs.
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Grid => "Grid",
            Self::Detail => "Details",
            Self::Logs => "Logs",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What is done.
    pub action: Action,
    /// Where.
    pub context: Context,
    /// By which keys; the first is the one that hints name.
    pub keys: &'static [Key],
    /// One word for the hint bar; empty where the bar does not name it.
    pub hint: &'static str,
    /// One sentence for help and docs.
    pub help: &'static str,
}

const fn bind(
    context: Context,
    action: Action,
    keys: &'static [Key],
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding {
        action,
        context,
        keys,
        hint,
        help,
    }
}

/// Everything an operator can do, in the order of the help. The hint bar goes by this order, too, as far as it is wide.
pub const BINDINGS: &[Binding] = {
    use Action as A;
    use Context::{Detail, Everywhere, Grid, Logs};
    use Key::{BackTab, Char, Ctrl, Enter, Esc, Space, Tab};
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
            "Look closer: details, then logs, then logs on the whole screen",
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
        bind(Grid, A::Home, &[Key::Home, Char('0')], "", "To the first column"),
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
        bind(
            Everywhere,
            A::Logs,
            &[Char('L')],
            "logs",
            "Show or hide the logs of the selected cell or stack",
        ),
        bind(
            Everywhere,
            A::AppLog,
            &[Char('`')],
            "",
            "Show or hide the log of this application",
        ),
        bind(
            Everywhere,
            A::Summary,
            &[Char('o')],
            "",
            "Overview: counts, failures, and where the results are",
        ),
        bind(
            Everywhere,
            A::Back,
            &[Esc],
            "",
            "One step back: close, leave the pane, forget marks and filter",
        ),
        bind(Everywhere, A::Help, &[Char('?')], "help", "Show all keys"),
        bind(
            Everywhere,
            A::Quit,
            &[Char('q')],
            "quit",
            "Leave; with a running sweep, choose how it ends",
        ),
        bind(
            Everywhere,
            A::NextPane,
            &[Tab],
            "",
            "Give the keyboard to the next pane",
        ),
        bind(
            Everywhere,
            A::PreviousPane,
            &[BackTab],
            "",
            "Give the keyboard to the previous pane",
        ),
        bind(
            Everywhere,
            A::Mouse,
            &[Char('m')],
            "",
            "Give the mouse to the terminal, to select and copy text, or take it back",
        ),
        bind(Everywhere, A::Redraw, &[Ctrl('l')], "", "Paint the screen anew"),
        bind(
            Everywhere,
            A::Interrupt,
            &[Ctrl('c')],
            "",
            "Leave; pressed again, stop a running sweep at once (it can be resumed)",
        ),
        bind(
            Everywhere,
            A::Suspend,
            &[Ctrl('z')],
            "",
            "Suspend to the shell; `fg` comes back",
        ),
    ]
};

/// What `key` means in `context`, which is never [`Context::Everywhere`] itself.
pub fn action(context: Context, key: Key) -> Option<Action> {
    let find = |context: Context| {
        BINDINGS
            .iter()
            .find(|binding| binding.context == context && binding.keys.contains(&key))
            .map(|binding| binding.action)
    };
    find(context).or_else(|| find(Context::Everywhere))
}

/// Names of a binding's keys, as help and docs show them.
pub fn key_names(binding: &Binding) -> String {
    let names: Vec<String> = binding.keys.iter().map(Key::to_string).collect();
    names.join(" ")
}

/// The whole table as the page `docs/keys.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Keys\n\nThis page is made from the table of actions in `src/tui/action.rs`; a test keeps it up to date.\n\
         `?` shows the same on screen.\n",
    );
    for context in Context::ALL {
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n## {}\n\n| key | what it does |\n| --- | --- |\n",
            context.title()
        );
        for binding in BINDINGS.iter().filter(|binding| binding.context == context) {
            let keys: Vec<String> = binding.keys.iter().copied().map(markdown_key).collect();
            let _ = writeln!(page, "| {} | {} |", keys.join(", "), binding.help);
        }
    }
    page.push_str("\n## Application log\n\n| key | what it does |\n| --- | --- |\n");
    for (key, _, help) in super::applog::KEYS {
        let _ = writeln!(page, "| {} | {help} |", markdown_key(*key));
    }
    page
}

/// A key as code; a backtick needs a longer fence.
fn markdown_key(key: Key) -> String {
    match key {
        Key::Char('`') => "`` ` ``".to_owned(),
        key => format!("`{key}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_action_has_a_key_and_a_help_line_that_fits() {
        for binding in BINDINGS {
            assert!(!binding.keys.is_empty(), "{:?} has no key", binding.action);
            assert!(binding.help.len() > 1, "{:?} has no help", binding.action);
            assert!(
                binding.help.len() <= 90,
                "{:?}: too long for the help",
                binding.action
            );
        }
        // A count of the variants that the compiler keeps honest: `Suspend` is the last.
        let bound: HashSet<_> = BINDINGS.iter().map(|binding| binding.action).collect();
        assert_eq!(
            bound.len(),
            Action::Suspend as usize + 1,
            "an action has no binding"
        );
    }

    #[test]
    fn no_key_means_two_things_at_one_place() {
        for context in Context::ALL {
            let mut seen = HashSet::new();
            let here =
                |binding: &&Binding| binding.context == context || binding.context == Context::Everywhere;
            for key in BINDINGS.iter().filter(here).flat_map(|binding| binding.keys) {
                assert!(seen.insert(*key), "`{key}` twice in {context:?}");
            }
        }
    }

    #[test]
    fn the_page_of_keys_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/keys.md");
        let wanted = markdown();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &wanted).unwrap();
        }
        let page = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(
            page, wanted,
            "run `UPDATE_DOCS=1 cargo test --lib tui::action` and commit docs/keys.md"
        );
    }
}
