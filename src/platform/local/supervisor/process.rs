//! The engine's side of a supervised program: launch it, wait for it, end it. All verbs may be issued again by another
//! engine, in any order and at any time.

use super::{Cause, Exit, Folder, GRACE, HELD, LOOK, VANISH, end_orphans};
use rustix::process::{Pid, Signal};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// Between two looks at whether a program ended.
const POLL: Duration = Duration::from_millis(25);
/// Between two looks at whether its supervisor still lives.
const SUPERVISOR_POLL: Duration = Duration::from_millis(500);
/// How long a supervisor may take to get to work on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why a supervised program could not be launched, waited for or ended.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The records of the folder cannot be read or written.
    #[error("cannot keep the process records in {}: {source}", folder.display())]
    Records {
        /// The program's folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The supervisor did not come up.
    #[error("cannot start a supervisor for {}: {reason}", folder.display())]
    Supervisor {
        /// The program's folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A program to be supervised.
#[derive(Debug)]
pub struct Launch<'a> {
    /// This binary.
    pub supervisor: &'a Path,
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// Environment on top of the engine's own.
    pub env: &'a BTreeMap<String, String>,
    /// When to end it, from its start.
    pub timeout: Option<Duration>,
}

impl Folder {
    fn records(&self) -> impl FnOnce(io::Error) -> ProcessError + '_ {
        |source| ProcessError::Records {
            folder: self.path().to_path_buf(),
            source,
        }
    }

    fn trouble(&self, reason: impl Into<String>) -> ProcessError {
        ProcessError::Supervisor {
            folder: self.path().to_path_buf(),
            reason: reason.into(),
        }
    }

    /// Whether the program was started or ended here before: a launch would change nothing.
    pub fn is_launched(&self) -> Result<bool, ProcessError> {
        let seen = || Ok(self.exit()?.is_some() || self.started()?.is_some());
        seen().map_err(self.records())
    }

    /// Start the program under a supervisor, unless that happened before. Returns once it is on record.
    pub async fn launch(&self, launch: &Launch<'_>) -> Result<(), ProcessError> {
        self.create().map_err(self.records())?;
        if self.is_launched()? {
            return Ok(());
        }
        let mut supervisor = self
            .spawn(launch)
            .map_err(|error| self.trouble(error.to_string()))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Looked at before the records: what it wrote before it ended is then there.
            let ended = supervisor.try_wait().map_err(self.records())?;
            if self.is_launched()? {
                return Ok(());
            }
            match ended.map(|status| status.code()) {
                // Another launch of the same program got the lock, and is about to write its record.
                Some(Some(code)) if code == i32::from(HELD) => {}
                Some(_) => return Err(self.trouble("it ended before it started the program")),
                None => {}
            }
            if Instant::now() > deadline {
                return Err(self.trouble(format!("it did nothing for {} s", PATIENCE.as_secs())));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn spawn(&self, launch: &Launch<'_>) -> io::Result<Child> {
        let mut command = Command::new(launch.supervisor);
        command.arg("supervise").arg("--folder").arg(self.path());
        if let Some(timeout) = launch.timeout {
            command.arg("--timeout").arg(timeout.as_secs_f64().to_string());
        }
        command
            .arg(OsStr::new("--"))
            .args(&launch.command)
            .envs(launch.env)
            .current_dir(self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in the operator's terminal is for the engine alone.
            .process_group(0)
            .kill_on_drop(false);
        command.spawn()
    }

    /// Wait until nothing of a launched program is left. Where its supervisor was killed, what is left is ended first.
    pub async fn wait(&self) -> Result<Exit, ProcessError> {
        let mut look_at_supervisor = Instant::now() + SUPERVISOR_POLL;
        loop {
            if let Some(exit) = self.exit().map_err(self.records())? {
                return Ok(exit);
            }
            if Instant::now() > look_at_supervisor {
                look_at_supervisor = Instant::now() + SUPERVISOR_POLL;
                if !self.supervised().map_err(self.records())? {
                    return self.end(GRACE).await;
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Whether the program runs, as far as can be told without asking it.
    pub fn is_running(&self) -> Result<bool, ProcessError> {
        let look = || Ok(self.exit()?.is_none() && self.started()?.is_some() && self.supervised()?);
        look().map_err(self.records())
    }

    /// End the program with everything it started, giving it `grace` to do so itself, and make sure that it will never
    /// be started again. Returns how it ended, whenever that was.
    pub async fn end(&self, grace: Duration) -> Result<Exit, ProcessError> {
        if !self.exists() {
            return Ok(super::exit(Cause::NeverStarted, None, None));
        }
        let begun = Instant::now();
        // Asked first, then killed, and given time for either.
        let mut steps = [(Signal::TERM, grace + VANISH), (Signal::KILL, VANISH)].into_iter();
        if grace.is_zero() {
            steps.next();
        }
        let mut deadline = Instant::now();
        loop {
            if let Some(lock) = self.lock_supervisor().map_err(self.records())? {
                let exit = self.close(grace).await.map_err(self.records())?;
                drop(lock);
                return Ok(exit);
            }
            if Instant::now() >= deadline {
                // The held lock has just proved that the supervisor lives, so this number is its own. Where there is
                // none yet, it is about to write it.
                match self.supervisor_pid().map_err(self.records())? {
                    Some(supervisor) => {
                        let (signal, patience) = steps.next().ok_or_else(|| {
                            self.trouble(
                                "its supervisor does not end; look for a process stuck in the kernel",
                            )
                        })?;
                        // Fails only where there is nobody left to signal.
                        let _ = rustix::process::kill_process(supervisor, signal);
                        deadline = Instant::now() + patience;
                    }
                    None if Instant::now() > begun + PATIENCE => {
                        return Err(self.trouble("its supervisor does not begin its work"));
                    }
                    None => {}
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn supervisor_pid(&self) -> io::Result<Option<Pid>> {
        Ok(self
            .started()?
            .and_then(|started| Pid::from_raw(started.supervisor)))
    }

    /// With the supervisor's lock held: end what is left, and write the exit if nobody did.
    async fn close(&self, grace: Duration) -> io::Result<Exit> {
        if let Some(exit) = self.exit()? {
            return Ok(exit);
        }
        let exit = end_orphans(self, grace).await?;
        self.write_exit(&exit)?;
        Ok(exit)
    }
}
