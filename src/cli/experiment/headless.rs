//! A sweep without a screen: one line per event on stdout, signals instead of keys.

use super::flags::Format;
use super::lines::line;
use crate::engine::{Command, Event, Handle, Record, Signal, State, StopMode};
use crate::text::{escape_json, sanitize};
use std::io::{self, Write};
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};
use tokio::sync::mpsc;

/// Start the sweep and print what happens until the engine has nothing more to say. `before` reads the records made
/// so far; it is called once somebody listens for those to come, so that none falls in between.
pub(super) async fn watch(
    handle: &Handle,
    before: impl FnOnce() -> io::Result<Vec<Record>>,
    format: Format,
) -> io::Result<()> {
    let mut stops = Stops::listen()?;
    let (_, signals) = handle.subscribe();
    let before = before()?;
    let printer = tokio::task::spawn_blocking(move || Printer::new(format).run(&before, signals));
    tokio::pin!(printer);
    handle.command(Command::Start);
    let mut mode = StopMode::Graceful;
    loop {
        tokio::select! {
            () = stops.next() => {
                handle.command(Command::Stop { mode });
                mode = StopMode::Now;
            }
            ended = &mut printer => return ended.map_err(io::Error::other)?,
        }
    }
}

/// Signals that ask for an end.
struct Stops {
    listeners: [Listener; 3],
}

impl Stops {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            listeners: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ],
        })
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.listeners;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Where the records of the last engine begin. What it found out while it opened the sweep, that the experiment was
/// edited for example, stands before its own start.
fn begin_of_this_engine(records: &[Record]) -> usize {
    let started = |record: &Record| matches!(record.event, Event::EngineStarted { .. });
    let Some(start) = records.iter().rposition(started) else {
        return 0;
    };
    let opening = |record: &&Record| matches!(record.event, Event::SweepOpened(_) | Event::Notice { .. });
    let found_out = records.iter().take(start).rev().take_while(opening).count();
    start - found_out
}

/// Writes to stdout, as long as somebody reads.
struct Printer {
    format: Format,
    /// The fold up to the last printed record.
    state: State,
    out: Option<io::Stdout>,
}

impl Printer {
    fn new(format: Format) -> Self {
        Self {
            format,
            state: State::default(),
            out: Some(io::stdout()),
        }
    }

    /// Records that are in `before` and come as signals too are printed once.
    fn run(mut self, before: &[Record], mut signals: mpsc::Receiver<Signal>) -> io::Result<()> {
        // A program that reads JSON folds it, and needs all; people have seen what an earlier engine did.
        let told = match self.format {
            Format::Json => 0,
            Format::Text => begin_of_this_engine(before),
        };
        for (index, record) in before.iter().enumerate() {
            if index < told {
                self.state.apply(record);
            } else {
                self.record(record)?;
            }
        }
        while let Some(signal) = signals.blocking_recv() {
            match signal {
                Signal::Recorded(record) => self.record(&record)?,
                Signal::Refused(refusal) => {
                    super::say(&format!("refused: {}", sanitize(&refusal.to_string())));
                }
                Signal::Trouble(trouble) => {
                    let text = format!("trouble: {}; {}", trouble.trouble, trouble.hint);
                    super::say(&sanitize(&text));
                }
                Signal::Progress(_) => {}
            }
        }
        Ok(())
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        if record.seq <= self.state.seq {
            return Ok(());
        }
        self.state.apply(record);
        let text = match self.format {
            Format::Text => line(record, &self.state),
            Format::Json => {
                let json = serde_json::to_string(record).map_err(io::Error::other)?;
                escape_json(&json).into_owned()
            }
        };
        self.write(&text)
    }

    /// A reader that went away (`| head`) does not end the sweep.
    fn write(&mut self, text: &str) -> io::Result<()> {
        let Some(out) = &mut self.out else {
            return Ok(());
        };
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                tracing::warn!("nobody reads stdout any more; the sweep goes on without printing");
                self.out = None;
                Ok(())
            }
            other => other,
        }
    }
}
