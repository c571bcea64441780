//! The loop around the model: turns what happens into messages, carries effects out, and paints when something changed.
//!
//! Input comes first and is painted at once; everything else is collected for a sixtieth of a second. While nothing
//! happens the loop sleeps: the clock ticks only while the sweep is at work.

mod sources;

use super::model::Model;
use super::plans::{Answer, PlanSource, Query};
use super::terminal::Terminal;
use super::theme::ThemeChoice;
use super::update::{Effect, Ended, Msg, update};
use super::view;
use crate::engine::{Command, Selection, Signal, State};
use crate::logs::{self, AppLog};
use crossterm::event::{Event, EventStream};
use futures::StreamExt;
use jiff::Timestamp;
use sources::{Asked, Sources, SystemSignals, Woken, message};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Least time between two frames that no key asked for.
const FRAME: Duration = Duration::from_micros(16_667);
/// How often the clocks on screen go on.
const TICK: Duration = Duration::from_secs(1);
/// Messages of one kind that are taken in before the screen is looked at again.
const BURST: usize = 256;

/// What the screen needs from whoever starts it.
pub struct Session {
    /// The instance folder of the sweep; logs are found relative to it.
    pub instance: PathBuf,
    /// The sweep as it is now. `signals` go on from here.
    pub state: State,
    /// From the engine, see [`Signal`].
    pub signals: mpsc::Receiver<Signal>,
    /// Asks something of the engine. Must not wait long.
    pub commands: Box<dyn Fn(Command) + Send>,
    /// What the operator wants it to look like.
    pub theme: ThemeChoice,
    /// The application's own log.
    pub app_log: AppLog,
    /// Start the sweep at once.
    pub start: bool,
    /// Who is asked for plans; without it there are none to look at.
    pub plans: Option<Arc<dyn PlanSource>>,
}

/// The screen could not be shown, or not any longer. The sweep is not touched by it.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// The terminal cannot be used.
    #[error("cannot {action}: {source}; is this a terminal? `--headless` needs none")]
    Terminal {
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// Something the screen needs from the system is not there.
    #[error("cannot {action}: {source}; `--headless` does without it")]
    System {
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

fn terminal_error(action: &'static str) -> impl FnOnce(io::Error) -> TuiError {
    move |source| TuiError::Terminal { action, source }
}

fn system_error(action: &'static str) -> impl FnOnce(io::Error) -> TuiError {
    move |source| TuiError::System { action, source }
}

/// Show the sweep until the operator leaves and the engine has ended. Owns the terminal from first to last.
///
/// A terminal that hangs up on the way is no error: the sweep is ended cleanly, as by SIGTERM.
///
/// # Errors
///
/// When there is no terminal that can be used. Then nothing was asked of the engine but the start.
pub async fn run(session: Session) -> Result<Ended, TuiError> {
    // Before the terminal is taken, so that no signal can end us without giving it back.
    let system = SystemSignals::listen().map_err(system_error("listen for signals"))?;
    let mut terminal = Terminal::take(true).map_err(terminal_error("take the terminal"))?;
    let size = terminal.size().map_err(terminal_error("measure the terminal"))?;
    let theme = session.theme.resolve(|name| std::env::var(name).ok());
    let mut model = Model::new(session.instance, session.state, theme, size, Timestamp::now());
    if session.plans.is_some() {
        model = model.with_plans();
    }
    // The first frame needs nothing of what follows.
    terminal
        .paint(|buffer| view::draw(&model, buffer))
        .map_err(terminal_error("paint the screen"))?;
    if session.start {
        (session.commands)(Command::Start);
    }
    let (reader, log_updates) = logs::Reader::start().map_err(system_error("start the reader of logs"))?;
    let (answers, plans) = mpsc::unbounded_channel();
    let runtime = Runtime {
        model,
        terminal,
        commands: session.commands,
        reader,
        plans: session.plans,
        answers,
        hung_up: false,
        suspended: false,
        painted: Instant::now(),
        ended: None,
    };
    let sources = Sources {
        input: Some(EventStream::new()),
        signals: Some(session.signals),
        log_updates,
        plans,
        app_log: session.app_log.changed(),
        system,
        tick: Instant::now() + TICK,
    };
    Ok(runtime.run(sources).await)
}

struct Runtime {
    model: Model,
    terminal: Terminal,
    commands: Box<dyn Fn(Command) + Send>,
    reader: logs::Reader,
    plans: Option<Arc<dyn PlanSource>>,
    /// Where answers of `plans` go: into the loop. One per query, and those are made by keys.
    answers: mpsc::UnboundedSender<Answer>,
    /// The terminal is gone, and what is left is to end cleanly.
    hung_up: bool,
    /// The terminal was given back, until SIGCONT.
    suspended: bool,
    painted: Instant,
    ended: Option<Ended>,
}

impl Runtime {
    async fn run(mut self, mut sources: Sources) -> Ended {
        let (width, height) = self.model.size;
        self.take(Msg::Resize(width, height));
        loop {
            if let Some(ended) = self.ended {
                return ended;
            }
            let frame = (self.model.dirty && !self.hung_up && !self.suspended).then(|| self.painted + FRAME);
            match sources.next(self.model.wants_ticks(), frame).await {
                Woken::Input(input) => {
                    self.input(&mut sources, input).await;
                    self.paint();
                }
                Woken::System(asked) => self.asked(&asked),
                Woken::Engine(signal) => self.signals(&mut sources, signal),
                Woken::Logs(update) => self.take(Msg::Logs(update)),
                Woken::Plan(answer) => self.take(Msg::Plan(answer)),
                Woken::AppLog => self.take(Msg::AppLog),
                Woken::Tick => self.take(Msg::Tick(Timestamp::now())),
                Woken::Frame => self.paint(),
            }
        }
    }

    /// An input, and those that came with it: a turn of the wheel is one frame.
    async fn input(&mut self, sources: &mut Sources, first: Option<io::Result<Event>>) {
        let mut next = Some(first);
        for _ in 0..BURST {
            match next {
                Some(Some(Ok(event))) => {
                    if let Some(message) = message(&event) {
                        self.take(message);
                    }
                }
                Some(Some(Err(_)) | None) => {
                    sources.input = None;
                    self.hang_up();
                    return;
                }
                None => return,
            }
            // Polled for this task, and not with a waker that wakes nobody: the stream keeps the last one it saw.
            next = match &mut sources.input {
                Some(input) => match futures::poll!(input.next()) {
                    Poll::Ready(input) => Some(input),
                    Poll::Pending => None,
                },
                None => None,
            };
        }
    }

    /// A signal of the engine, and those that wait behind it.
    fn signals(&mut self, sources: &mut Sources, first: Option<Signal>) {
        let Some(first) = first else {
            sources.signals = None;
            self.take(Msg::EngineGone);
            return;
        };
        self.take(Msg::Engine(first));
        for _ in 0..BURST {
            match sources.signals.as_mut().map(mpsc::Receiver::try_recv) {
                Some(Ok(signal)) => self.take(Msg::Engine(signal)),
                _ => return,
            }
        }
    }

    fn asked(&mut self, asked: &Asked) {
        match asked {
            Asked::End => self.take(Msg::Terminate),
            Asked::Stop => self.act(Effect::Suspend),
            Asked::Resize => self.measure(),
            Asked::Resume => {
                self.suspended = false;
                if self.terminal.take_again().is_err() {
                    self.hang_up();
                } else {
                    self.measure();
                }
            }
        }
    }

    fn take(&mut self, message: Msg) {
        if let Msg::Engine(Signal::Refused(refusal)) = &message {
            tracing::warn!("refused by the engine: {refusal}");
        }
        let dirty = self.model.dirty;
        for effect in update(&mut self.model, message) {
            self.act(effect);
        }
        // What one message left to be painted is not forgotten because the next changed nothing.
        self.model.dirty |= dirty;
    }

    fn act(&mut self, effect: Effect) {
        let done = match effect {
            Effect::Command(command) => {
                tracing::info!("asked of the engine: {}", told(&command));
                (self.commands)(command);
                Ok(())
            }
            Effect::Logs(request) => {
                self.reader.ask(request);
                Ok(())
            }
            Effect::Plan(query) => {
                self.plan(query);
                Ok(())
            }
            Effect::MouseCapture(capture) => self.terminal.capture_mouse(capture),
            Effect::Redraw => {
                self.terminal.forget();
                Ok(())
            }
            Effect::Suspend => {
                self.suspended = true;
                Terminal::suspend()
            }
            Effect::Exit(ended) => {
                self.ended = Some(ended);
                Ok(())
            }
        };
        if done.is_err() {
            self.hang_up();
        }
    }

    /// Have a query answered while the loop goes on.
    fn plan(&self, query: Query) {
        let Some(source) = self.plans.clone() else {
            return;
        };
        let answers = self.answers.clone();
        let work = tokio::task::spawn_blocking(move || query.put_to(source.as_ref()));
        tokio::spawn(async move {
            let answer = work.await.unwrap_or_else(|error| Answer {
                id: query.id,
                result: Err(format!(
                    "planning broke off: {error}; the application's log may say more"
                )),
            });
            // A loop that has ended asks for nothing any more.
            let _ = answers.send(answer);
        });
    }

    /// The size may have changed while nobody told us.
    fn measure(&mut self) {
        if let Ok((width, height)) = self.terminal.size() {
            self.take(Msg::Resize(width, height));
        }
    }

    /// Nobody looks any more: end as SIGTERM would.
    fn hang_up(&mut self) {
        if !std::mem::replace(&mut self.hung_up, true) {
            tracing::warn!("the terminal is gone: the sweep is ended cleanly, and can be resumed");
            self.take(Msg::Terminate);
        }
    }

    fn paint(&mut self) {
        if !self.model.dirty || self.hung_up || self.suspended {
            return;
        }
        self.model.dirty = false;
        self.painted = Instant::now();
        let model = &self.model;
        if self.terminal.paint(|buffer| view::draw(model, buffer)).is_err() {
            self.hang_up();
        }
    }
}

/// A command in a few words, however many cells it is about.
fn told(command: &Command) -> String {
    let (verb, cells) = match command {
        Command::Start => return "start".to_owned(),
        Command::Pause => return "pause".to_owned(),
        Command::Stop { mode } => return format!("stop ({mode:?})").to_lowercase(),
        Command::Skip { cells } => ("skip", cells),
        Command::Unskip { cells } => ("unskip", cells),
        Command::Retry { cells } => ("retry", cells),
        Command::Cancel { cells } => ("cancel", cells),
        Command::RunNext { cells } => ("run next", cells),
    };
    match cells {
        Selection::Cells(cells) => match cells.as_slice() {
            [cell] => format!("{verb} cell {cell}"),
            cells => format!("{verb} {} cells", cells.len()),
        },
        whole => format!("{verb} {whole:?}"),
    }
}
