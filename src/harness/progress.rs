//! `progress.json`: how far a harness process is, for whoever watches its result folder.

use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file's name, in the result folder.
pub const FILE: &str = "progress.json";

/// At most four writes a second.
const BETWEEN: Duration = Duration::from_millis(250);

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Requests that ended.
    pub done: u64,
    /// Requests in all; 0 when not known.
    pub total: u64,
    /// In words; may be empty.
    #[serde(default)]
    pub text: String,
}

/// Writes the file, seldom enough.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
    total: u64,
    last: Option<Instant>,
}

impl Progress {
    /// A writer for the result folder `folder`.
    pub fn new(folder: &Path, total: u64) -> Self {
        Self {
            path: folder.join(FILE),
            total,
            last: None,
        }
    }

    /// Write unless the last write is too young.
    pub fn tell(&mut self, done: u64, text: &str) {
        if self.last.is_none_or(|last| last.elapsed() >= BETWEEN) {
            self.end(done, text);
        }
    }

    /// Write in any case.
    pub fn end(&mut self, done: u64, text: &str) {
        self.last = Some(Instant::now());
        let told = Told {
            done,
            total: self.total,
            text: text.to_owned(),
        };
        let temporary = self.path.with_extension("json.tmp");
        // Progress is a courtesy: a disk that fails here fails louder where results are written, and no flush is waited
        // for, which would cost the load generator time.
        let _ = serde_json::to_vec(&told)
            .map_err(std::io::Error::from)
            .and_then(|text| fs::write(&temporary, text))
            .and_then(|()| fs::rename(&temporary, &self.path));
    }
}

/// What a result folder's process last told; `None` when it told nothing.
pub fn read(folder: &Path) -> Option<Told> {
    serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
}
