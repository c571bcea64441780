//! What can be done wherever the keyboard is.

use super::bind;
use crate::tui::action::{Action, Binding, Context};
use crate::tui::keys::Key;

/// In the order of help and hints.
pub(super) const EVERYWHERE: &[Binding] = {
    use Action as A;
    use Context::Everywhere;
    use Key::{BackTab, Char, Ctrl, Esc, Tab};
    &[
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
            "Leave; with a running sweep, choose how it ends. Closes a plan or a difference",
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
