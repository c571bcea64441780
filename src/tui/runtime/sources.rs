//! Where the loop's messages come from, and what the terminal's events mean.

use super::TICK;
use crate::engine::Signal;
use crate::logs;
use crate::tui::keys::Key;
use crate::tui::plans::Answer;
use crate::tui::update::{Mouse, Msg, Wheel};
use crossterm::event::{Event, EventStream, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use futures::StreamExt;
use std::io;
use tokio::signal::unix::{Signal as UnixSignal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Where messages come from.
pub(super) struct Sources {
    /// `None` when the terminal is gone.
    pub(super) input: Option<EventStream>,
    pub(super) signals: Option<mpsc::Receiver<Signal>>,
    pub(super) log_updates: mpsc::Receiver<logs::Update>,
    pub(super) plans: mpsc::UnboundedReceiver<Answer>,
    pub(super) app_log: watch::Receiver<u64>,
    pub(super) system: SystemSignals,
    pub(super) tick: Instant,
}

/// Signals of the operating system.
pub(super) struct SystemSignals {
    terminate: UnixSignal,
    interrupt: UnixSignal,
    hang_up: UnixSignal,
    stop: UnixSignal,
    resume: UnixSignal,
    resize: UnixSignal,
}

/// What a signal of the operating system asks for.
pub(super) enum Asked {
    End,
    Stop,
    Resume,
    Resize,
}

impl SystemSignals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            resume: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            // Input tells of it, too, but only once it is being read.
            resize: signal(SignalKind::window_change())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::End,
            _ = self.interrupt.recv() => Asked::End,
            _ = self.hang_up.recv() => Asked::End,
            _ = self.stop.recv() => Asked::Stop,
            _ = self.resume.recv() => Asked::Resume,
            _ = self.resize.recv() => Asked::Resize,
        }
    }
}

/// One thing that woke the loop up.
pub(super) enum Woken {
    Input(Option<io::Result<Event>>),
    System(Asked),
    Engine(Option<Signal>),
    Logs(logs::Update),
    Plan(Answer),
    AppLog,
    Tick,
    Frame,
}

impl Sources {
    /// Wait for something to happen; input before everything else.
    pub(super) async fn next(&mut self, ticking: bool, frame: Option<Instant>) -> Woken {
        tokio::select! {
            biased;
            input = next_input(&mut self.input) => Woken::Input(input),
            asked = self.system.next() => Woken::System(asked),
            () = at(frame) => Woken::Frame,
            signal = next_signal(&mut self.signals) => Woken::Engine(signal),
            Some(update) = self.log_updates.recv() => Woken::Logs(update),
            Some(answer) = self.plans.recv() => Woken::Plan(answer),
            Ok(()) = self.app_log.changed() => Woken::AppLog,
            () = at(ticking.then_some(self.tick)) => {
                // From now on, so that ticks missed while we were stopped do not come all at once.
                self.tick = Instant::now() + TICK;
                Woken::Tick
            }
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn next_input(input: &mut Option<EventStream>) -> Option<io::Result<Event>> {
    match input {
        Some(input) => input.next().await,
        None => std::future::pending().await,
    }
}

async fn next_signal(signals: &mut Option<mpsc::Receiver<Signal>>) -> Option<Signal> {
    match signals {
        Some(signals) => signals.recv().await,
        None => std::future::pending().await,
    }
}

/// What an event of the terminal means, if anything.
pub(super) fn message(event: &Event) -> Option<Msg> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Key::from_event(key).map(Msg::Key),
        Event::Paste(text) => Some(Msg::Paste(text.clone())),
        Event::Resize(width, height) => Some(Msg::Resize(*width, *height)),
        Event::Mouse(mouse) => mouse_message(*mouse).map(Msg::Mouse),
        _ => None,
    }
}

fn mouse_message(mouse: MouseEvent) -> Option<Mouse> {
    let (x, y) = (mouse.column, mouse.row);
    Some(match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Mouse::Press(x, y),
        MouseEventKind::ScrollUp => Mouse::Wheel(x, y, Wheel::Up),
        MouseEventKind::ScrollDown => Mouse::Wheel(x, y, Wheel::Down),
        MouseEventKind::ScrollLeft => Mouse::Wheel(x, y, Wheel::Left),
        MouseEventKind::ScrollRight => Mouse::Wheel(x, y, Wheel::Right),
        _ => return None,
    })
}
