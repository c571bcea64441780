//! What goes into the model and what comes out of it.

use crate::engine::{Command, Signal};
use crate::logs::{Request, Update};
use crate::tui::keys::Key;
use crate::tui::plans::{Answer, Query};
use jiff::Timestamp;

/// What can happen to the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// It is now this time.
    Tick(Timestamp),
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(Mouse),
    /// The terminal has so many columns and lines now.
    Resize(u16, u16),
    /// From the engine.
    Engine(Signal),
    /// The engine is gone: there will be no more signals.
    EngineGone,
    /// From the reader of logs.
    Logs(Update),
    /// From the source of plans.
    Plan(Answer),
    /// The application logged something.
    AppLog,
    /// The process was asked by a signal to end, or its terminal hung up.
    Terminate,
}

/// What the mouse did, at a column and line of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    /// The left button was pressed.
    Press(u16, u16),
    /// The wheel was turned by a notch, towards the start or the end.
    Wheel(u16, u16, Wheel),
}

/// Which way the wheel was turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wheel {
    /// Towards the first line.
    Up,
    /// Towards the last line.
    Down,
    /// Towards the first column.
    Left,
    /// Towards the last column.
    Right,
}

/// What the runtime shall do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask this of the engine.
    Command(Command),
    /// Ask this of the reader of logs.
    Logs(Request),
    /// Ask this of the source of plans, away from the loop.
    Plan(Query),
    /// Take the mouse (true), or leave it to the terminal.
    MouseCapture(bool),
    /// Forget what is on the terminal, and paint everything.
    Redraw,
    /// Give the terminal back and stop, until the shell continues us.
    Suspend,
    /// Leave.
    Exit(Ended),
}

/// How the screen came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The operator left, and the sweep has ended.
    Left,
    /// The engine went away without recording an end: it says why.
    EngineGone,
}
