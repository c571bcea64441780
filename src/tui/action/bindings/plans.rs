//! What can be done in the plan of a row, and in the difference of two.

use super::bind;
use crate::tui::action::{Action, Binding, Context};
use crate::tui::keys::Key;

/// In the order of help and hints.
pub(super) const PLANS: &[Binding] = {
    use Action as A;
    use Context::{Difference, Plan};
    use Key::{Char, Ctrl, Enter, Space};
    &[
        bind(
            Plan,
            A::Open,
            &[Enter],
            "open",
            "To the text; in the configuration: fold or unfold",
        ),
        bind(
            Plan,
            A::NextFile,
            &[Char(']'), Char('>')],
            "next",
            "The next file",
        ),
        bind(
            Plan,
            A::PreviousFile,
            &[Char('['), Char('<')],
            "",
            "The file before",
        ),
        bind(
            Plan,
            A::Search,
            &[Char('/')],
            "search",
            "Search with a regular expression, as you type",
        ),
        bind(Plan, A::NextMatch, &[Char('n')], "", "To the next match"),
        bind(Plan, A::PreviousMatch, &[Char('N')], "", "To the match before"),
        bind(
            Plan,
            A::OnlyChosen,
            &[Char('c')],
            "chosen",
            "Leave out of the configuration what the defaults alone say, or show all of it",
        ),
        bind(
            Plan,
            A::Fold,
            &[Space],
            "fold",
            "Fold a part of the configuration, or unfold it; in a file: one screen down",
        ),
        bind(Plan, A::FoldAll, &[Char('-')], "", "Fold the whole configuration"),
        bind(
            Plan,
            A::UnfoldAll,
            &[Char('+'), Char('=')],
            "unfold",
            "Unfold the whole configuration",
        ),
        bind(
            Plan,
            A::HideBlank,
            &[Char('e')],
            "empty files",
            "List files that say nothing, too, or hide them",
        ),
        bind(
            Plan,
            A::FullScreen,
            &[Char('f')],
            "full screen",
            "The text alone on the whole screen, for reading and copying; again: back",
        ),
        bind(Plan, A::Up, &[Key::Up, Char('k')], "", "Up"),
        bind(Plan, A::Down, &[Key::Down, Char('j')], "", "Down"),
        bind(Plan, A::PageUp, &[Key::PageUp, Ctrl('b')], "", "One screen up"),
        bind(
            Plan,
            A::PageDown,
            &[Key::PageDown, Ctrl('f')],
            "",
            "One screen down",
        ),
        bind(Plan, A::Top, &[Char('g')], "", "To the start"),
        bind(Plan, A::Bottom, &[Char('G'), Key::End], "", "To the end"),
        bind(
            Plan,
            A::Left,
            &[Key::Left, Char('h')],
            "",
            "Fold, or towards the start of long lines; then to the list",
        ),
        bind(
            Plan,
            A::Right,
            &[Key::Right, Char('l')],
            "",
            "To the text; unfold, or towards the end of long lines",
        ),
        bind(
            Plan,
            A::Home,
            &[Key::Home, Char('0')],
            "",
            "Back to the start of lines",
        ),
        bind(
            Difference,
            A::Swap,
            &[Char('x')],
            "swap",
            "Swap the two: look from the other side",
        ),
        bind(
            Difference,
            A::NextFile,
            &[Char(']'), Char('>')],
            "next file",
            "To the next file that differs",
        ),
        bind(
            Difference,
            A::PreviousFile,
            &[Char('['), Char('<')],
            "",
            "To the file before",
        ),
        bind(
            Difference,
            A::Search,
            &[Char('/')],
            "search",
            "Search with a regular expression, as you type",
        ),
        bind(Difference, A::NextMatch, &[Char('n')], "", "To the next match"),
        bind(
            Difference,
            A::PreviousMatch,
            &[Char('N')],
            "",
            "To the match before",
        ),
        bind(Difference, A::Up, &[Key::Up, Char('k')], "", "Up"),
        bind(Difference, A::Down, &[Key::Down, Char('j')], "", "Down"),
        bind(
            Difference,
            A::PageUp,
            &[Key::PageUp, Ctrl('b')],
            "",
            "One screen up",
        ),
        bind(
            Difference,
            A::PageDown,
            &[Key::PageDown, Ctrl('f'), Space],
            "",
            "One screen down",
        ),
        bind(Difference, A::Top, &[Char('g'), Key::Home], "", "To the start"),
        bind(Difference, A::Bottom, &[Char('G'), Key::End], "", "To the end"),
    ]
};
