//! Opening an engine: of a new sweep, or of one that is taken up again, perhaps with an edited experiment.

use super::core::is_live;
use super::event::{Event, SweepOpened};
use super::journal::{DiskFile, Journal, JournalError, JournalFile};
use super::state::{CellStatus, StackState, State};
use crate::experiment::{CellId, SetupId};
use crate::workspace::{self, CreateError, Holder, Input, Instance, Lock, LockError};
use jiff::Timestamp;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Why no engine can be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The instance folder cannot be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// Another engine is at work there.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Results of two platforms must not be mixed in one sweep.
    #[error(
        "{} is a sweep on {was}, and cannot be resumed on {now}: its results could not be compared; start a new sweep",
        instance.display()
    )]
    OtherPlatform {
        /// The instance folder.
        instance: PathBuf,
        /// What it was begun on.
        was: String,
        /// What was asked for now.
        now: String,
    },
    /// Something that still runs would be lost from sight.
    #[error(
        "the stack of setup treatment `{setup}` may still be up, and the edited experiment changes or drops it; \
         resume once with the experiment as it was (it is kept in {}), stop, and resume with the edited one then",
        inputs.display()
    )]
    LiveAndEdited {
        /// The setup treatment's name.
        setup: String,
        /// The folder with the experiment as it was.
        inputs: PathBuf,
    },
}

/// An engine that has its instance to itself, and has not started yet.
#[derive(Debug)]
pub struct Engine {
    pub(super) instance: Instance,
    pub(super) lock: Option<Lock>,
    pub(super) journal: Journal,
    pub(super) state: State,
}

impl Engine {
    /// Open a new sweep in a new instance folder under the workspace `root`. `inputs` are kept in it.
    pub fn create(root: &Path, opened: SweepOpened, inputs: &[Input]) -> Result<Self, OpenError> {
        let instance = workspace::create(root)?;
        let lock = Lock::take(&instance)?;
        instance.store_inputs(inputs)?;
        let path = instance.journal();
        let file = DiskFile::create(&path).map_err(|source| JournalError::Write { path, source })?;
        let engine = Self::open(instance, Some(lock), Box::new(file), opened)?;
        engine.instance.make_latest()?;
        Ok(engine)
    }

    /// Take a sweep up again. `opened` is what the experiment says now: cells whose treatments did not change keep
    /// their fate, new ones are added, and notices say what was kept, added and dropped. The sweep's id stays.
    pub fn resume(instance: Instance, opened: SweepOpened) -> Result<Self, OpenError> {
        let lock = Lock::take(&instance)?;
        let path = instance.journal();
        let file = DiskFile::open(&path).map_err(|source| JournalError::Read { path, source })?;
        Self::open(instance, Some(lock), Box::new(file), opened)
    }

    /// The part that new and resumed sweeps share: replay what is there, record what is new.
    pub(super) fn open(
        instance: Instance,
        lock: Option<Lock>,
        file: Box<dyn JournalFile>,
        mut opened: SweepOpened,
    ) -> Result<Self, OpenError> {
        let mut state = State::default();
        let (mut journal, torn) = Journal::open(&instance.journal(), file, |record| state.apply(&record))?;
        let mut events = Vec::new();
        match state.opened.as_deref() {
            None => events.push(Event::SweepOpened(Box::new(opened))),
            Some(was) => {
                opened.sweep_id.clone_from(&was.sweep_id);
                if *was != opened {
                    check_edit(&instance, &state, was, &opened)?;
                    let notice = Event::Notice {
                        text: describe_edit(&state, was, &opened),
                    };
                    events.extend([Event::SweepOpened(Box::new(opened)), notice]);
                }
            }
        }
        if torn > 0 {
            events.push(Event::Notice {
                text: format!(
                    "the last engine died while recording: {torn} bytes at the journal's end were cut off"
                ),
            });
        }
        let Holder { pid, host } = Holder::here();
        events.push(Event::EngineStarted {
            pid,
            host,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        });
        let at = Timestamp::now();
        for event in events {
            journal.push(at, event)?;
        }
        for record in journal.commit()? {
            state.apply(&record);
        }
        Ok(Self {
            instance,
            lock,
            journal,
            state,
        })
    }

    /// Where the sweep lies.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The state so far.
    pub fn state(&self) -> &State {
        &self.state
    }
}

/// Whether rows or columns of the same name and fingerprint are in both designs.
fn unchanged<'a>(was: &'a SweepOpened, now: &'a SweepOpened) -> impl Fn(CellId) -> (bool, bool) + 'a {
    let keys = |infos: &'a [super::TreatmentInfo]| -> HashSet<(&'a str, &'a str)> {
        infos
            .iter()
            .map(|info| (info.name.as_str(), info.fingerprint.as_str()))
            .collect()
    };
    let (rows, columns) = (keys(&now.setups), keys(&now.runs));
    let has = |set: &HashSet<(&'a str, &'a str)>, info: Option<&'a super::TreatmentInfo>| {
        info.is_some_and(|info| set.contains(&(info.name.as_str(), info.fingerprint.as_str())))
    };
    move |cell| {
        (
            has(&rows, was.setups.get(cell.setup.index())),
            has(&columns, was.runs.get(cell.run.index())),
        )
    }
}

/// An edit must leave alone what may still run: only the old experiment knows how to end it.
fn check_edit(
    instance: &Instance,
    state: &State,
    was: &SweepOpened,
    now: &SweepOpened,
) -> Result<(), OpenError> {
    let kind = |opened: &SweepOpened| {
        let simulated = if opened.simulated { " (simulated)" } else { "" };
        format!("{}{simulated}", opened.platform)
    };
    if kind(was) != kind(now) {
        return Err(OpenError::OtherPlatform {
            instance: instance.path().to_owned(),
            was: kind(was),
            now: kind(now),
        });
    }
    if !is_live(state) {
        return Ok(());
    }
    let unchanged = unchanged(was, now);
    let rows = state.setups.iter().zip(0..);
    let stack = rows
        .filter(|(row, _)| row.stack != StackState::Down)
        .map(|(_, setup)| SetupId(setup))
        .find(|setup| {
            let any = CellId {
                setup: *setup,
                run: crate::experiment::RunId(0),
            };
            !unchanged(any).0
        });
    let attempt = state
        .iter_cells()
        .filter(|(_, cell)| cell.status == CellStatus::Running)
        .find(|(id, _)| unchanged(*id) != (true, true))
        .map(|(id, _)| id.setup);
    match stack.or(attempt) {
        None => Ok(()),
        Some(setup) => Err(OpenError::LiveAndEdited {
            setup: was
                .setups
                .get(setup.index())
                .map_or_else(String::new, |info| info.name.clone()),
            inputs: instance.plan(),
        }),
    }
}

fn describe_edit(state: &State, was: &SweepOpened, now: &SweepOpened) -> String {
    let unchanged = unchanged(was, now);
    let kept = state
        .iter_cells()
        .filter(|(id, _)| unchanged(*id) == (true, true))
        .count();
    let done = state
        .iter_cells()
        .filter(|(id, cell)| unchanged(*id) != (true, true) && cell.status == CellStatus::Succeeded)
        .count();
    let added = (now.setups.len() * now.runs.len()).saturating_sub(kept);
    let dropped = state.cells.len().saturating_sub(kept);
    if added == 0 && dropped == 0 {
        return format!("the experiment's settings were edited; all {kept} cells are kept");
    }
    let mut parts = vec![format!(
        "the experiment was edited: {kept} cells are kept, {added} added or changed, {dropped} dropped or changed"
    )];
    if done > 0 {
        parts.push(format!(
            "{done} of the dropped or changed cells had succeeded, and their results stay on disk"
        ));
    }
    for (what, was, now) in [("setup", &was.setups, &now.setups), ("run", &was.runs, &now.runs)] {
        let names: HashSet<&str> = now.iter().map(|info| info.name.as_str()).collect();
        let gone: Vec<&str> = was
            .iter()
            .map(|info| info.name.as_str())
            .filter(|name| !names.contains(name))
            .collect();
        if !gone.is_empty() {
            parts.push(format!("{what} treatments gone: {}", gone.join(", ")));
        }
    }
    parts.join("; ")
}
