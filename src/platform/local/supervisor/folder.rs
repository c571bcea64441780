//! The files by which a supervisor and the engines that come and go understand each other.
//!
//! Everything lies in the folder of the supervised program, so that no engine has to remember anything:
//!
//! ```text
//! <folder>/stdout.log  stderr.log     what the program wrote, whole
//! <folder>/process/supervisor.lock    locked while a supervisor lives
//! <folder>/process/alive.lock         locked while the program or one of its children lives: they all inherit it
//! <folder>/process/started.json       written once, before the program is started
//! <folder>/process/group              process group of the program, written by itself before it becomes the program
//! <folder>/process/exit.json          written once, when nothing of the program is left
//! ```
//!
//! Whether something lives is told by the locks alone: the kernel gives them back however a process ends, and a number
//! that was reused cannot fake them. Numbers of processes are used only to signal what a held lock has just proved to
//! live. The order of the files is what makes a launch that is issued twice run once:
//!
//! - no `started.json`: nothing ran yet. Whoever gets `supervisor.lock` may start the program.
//! - `started.json` without `exit.json`: it runs if `supervisor.lock` is held, else its supervisor was killed.
//! - `exit.json`: it ended, and is never started again. An engine that ends a folder in which nothing runs (yet) writes
//!   `exit.json` itself while it holds `supervisor.lock`, so a supervisor that was spawned but came late does nothing.

use crate::disk::replace_file;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of one supervised program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    root: PathBuf,
}

/// That the program was about to be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The supervisor.
    pub supervisor: i32,
    /// When.
    pub at: Timestamp,
}

/// How the program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code; `None` when a signal ended it, or nobody knows.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Who ended it.
    pub cause: Cause,
    /// What went wrong with starting or ending it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// When this was written.
    pub at: Timestamp,
}

/// Who ended a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It came to its end, good or bad.
    Itself,
    /// It was asked to end.
    Request,
    /// It took longer than it was given.
    Timeout,
    /// Its supervisor was killed (or the machine went down), so nobody saw how it ended.
    Lost,
    /// It was ended before it was started.
    NeverStarted,
}

impl Folder {
    /// The folder of a program, at `root`; nothing is created or checked.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// What the program wrote to its stdout.
    pub fn stdout(&self) -> PathBuf {
        self.root.join("stdout.log")
    }

    /// What the program wrote to its stderr.
    pub fn stderr(&self) -> PathBuf {
        self.root.join("stderr.log")
    }

    fn control(&self, name: &str) -> PathBuf {
        self.root.join("process").join(name)
    }

    /// Create what a launch needs.
    pub(super) fn create(&self) -> io::Result<()> {
        fs::create_dir_all(self.root.join("process"))
    }

    /// Whether a launch was ever prepared here.
    pub(super) fn exists(&self) -> bool {
        self.root.join("process").is_dir()
    }

    /// That the program was started, when it was.
    pub fn started(&self) -> io::Result<Option<Started>> {
        read(&self.control("started.json"))
    }

    /// How the program ended, when it did.
    pub fn exit(&self) -> io::Result<Option<Exit>> {
        read(&self.control("exit.json"))
    }

    /// Record that the program is about to be started.
    pub(super) fn write_started(&self, started: &Started) -> io::Result<()> {
        replace_file(&self.control("started.json"), &serde_json::to_vec(started)?)
    }

    /// Record how the program ended. Only the holder of the supervisor's lock may.
    pub(super) fn write_exit(&self, exit: &Exit) -> io::Result<()> {
        replace_file(&self.control("exit.json"), &serde_json::to_vec(exit)?)
    }

    /// The program's process group, once it has one.
    pub(super) fn group(&self) -> Option<i32> {
        fs::read_to_string(self.control("group"))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// Record the program's process group. Needs no sync: a machine that goes down ends the group too.
    pub(super) fn write_group(&self, group: i32) -> io::Result<()> {
        let temporary = self.control("group.new");
        fs::write(&temporary, group.to_string())?;
        fs::rename(temporary, self.control("group"))
    }

    /// Become the folder's supervisor; `None` while there is another one. The lock lives as long as the file.
    pub(super) fn lock_supervisor(&self) -> io::Result<Option<File>> {
        lock(&self.control("supervisor.lock"))
    }

    /// The file the program gets as stdin, locked; `None` while something of an earlier program lives.
    pub(super) fn lock_alive(&self) -> io::Result<Option<File>> {
        lock(&self.control("alive.lock"))
    }

    /// Whether a supervisor lives.
    ///
    /// Looks by trying the lock, so it must not be asked before `started.json` is there: it could take the lock away
    /// from a supervisor that is about to start.
    pub(super) fn supervised(&self) -> io::Result<bool> {
        Ok(self.lock_supervisor()?.is_none())
    }
}

fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| io::Error::other(format!("{}: {error}", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
