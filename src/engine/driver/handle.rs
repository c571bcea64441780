//! What the rest of the program holds of a running engine.

use super::EngineError;
use super::shared::Shared;
use crate::engine::command::{Command, Refusal, StopMode};
use crate::engine::event::Signal;
use crate::engine::state::State;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A running engine. Dropping it, and all its [`Commands`], leaves the engine alone: it works on, and stops gracefully
/// where it would have to wait for a command.
#[derive(Debug)]
pub struct Handle {
    commands: Commands,
    task: JoinHandle<Result<State, EngineError>>,
}

/// Gives commands to a running engine; any number of these can be about.
#[derive(Debug, Clone)]
pub struct Commands {
    queue: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

impl Commands {
    /// Give a command. Never waits: what comes of it is told by signals, refusals too.
    pub fn send(&self, command: Command) {
        if matches!(&command, Command::Stop { mode } if *mode != StopMode::Finish) {
            self.shared.hurry();
        }
        if let Err(error) = self.queue.try_send(command) {
            let reason = match error {
                mpsc::error::TrySendError::Full(_) => "the engine has more commands waiting than it can take",
                mpsc::error::TrySendError::Closed(_) => "the sweep has ended; resume it to go on",
            };
            self.shared.hint(&Signal::Refused(Refusal {
                reason: reason.to_owned(),
            }));
        }
    }
}

impl Handle {
    pub(super) fn new(
        queue: mpsc::Sender<Command>,
        shared: Arc<Shared>,
        task: JoinHandle<Result<State, EngineError>>,
    ) -> Self {
        Self {
            commands: Commands { queue, shared },
            task,
        }
    }

    /// Give a command; see [`Commands::send`].
    pub fn command(&self, command: Command) {
        self.commands.send(command);
    }

    /// A further way to give commands.
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// The state now, and every signal from here on. Records are never lost: an engine whose subscriber does not keep
    /// up waits for it, until it is told to stop; so drop what is not read. Progress may be lost. The channel closes when
    /// the engine has ended.
    pub fn subscribe(&self) -> (State, mpsc::Receiver<Signal>) {
        self.commands.shared.subscribe()
    }

    /// Wait until the engine has ended. By then the summary is written.
    pub async fn finished(self) -> Result<State, EngineError> {
        match self.task.await {
            Ok(result) => result,
            Err(error) => Err(EngineError::Broken {
                reason: error.to_string(),
            }),
        }
    }
}
