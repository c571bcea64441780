//! The one table of what an operator can do: keys, help overlay, hint bar and `docs/keys.md` all come from it.

mod bindings;

pub use bindings::bindings;

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
    /// The plan of the row.
    Plan,
    /// Mark the row, or show how it differs from the one that is marked.
    Compare,
    /// The next file of a plan, the next place of a difference.
    NextFile,
    /// The file or place before.
    PreviousFile,
    /// Fold or unfold a part of the configuration.
    Fold,
    /// Fold all of it.
    FoldAll,
    /// Unfold all of it.
    UnfoldAll,
    /// Leave out what the defaults alone say.
    OnlyChosen,
    /// Hide files that say nothing, or show them.
    HideBlank,
    /// Look at the difference from the other side.
    Swap,
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
    /// In the plan of a row.
    Plan,
    /// In the difference of two rows.
    Difference,
}

impl Context {
    /// All, in the order of the help.
    pub const ALL: [Self; 6] = [
        Self::Grid,
        Self::Detail,
        Self::Logs,
        Self::Plan,
        Self::Difference,
        Self::Everywhere,
    ];

    /// Heading in help and docs.
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Grid => "Grid",
            Self::Detail => "Details",
            Self::Logs => "Logs",
            Self::Plan => "Plan of a row",
            Self::Difference => "Difference of two rows",
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

/// What `key` means in `context`, which is never [`Context::Everywhere`] itself.
pub fn action(context: Context, key: Key) -> Option<Action> {
    let find = |context: Context| {
        bindings()
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
        for binding in bindings().filter(|binding| binding.context == context) {
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
        for binding in bindings() {
            assert!(!binding.keys.is_empty(), "{:?} has no key", binding.action);
            assert!(binding.help.len() > 1, "{:?} has no help", binding.action);
            assert!(
                binding.help.len() <= 90,
                "{:?}: too long for the help",
                binding.action
            );
        }
        // A count of the variants that the compiler keeps honest: `Suspend` is the last.
        let bound: HashSet<_> = bindings().map(|binding| binding.action).collect();
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
            for key in bindings().filter(here).flat_map(|binding| binding.keys) {
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
