//! The log file of the application, which may become known late and must never stop the work when it fails.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Bytes kept before the file is known.
const EARLY_BYTES: usize = 256 * 1024;

#[derive(Debug, Default)]
pub(super) struct FileSink {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    /// Messages from before there was a file.
    early: Vec<u8>,
    /// Messages that could not be kept or written; said in the file as soon as that is possible.
    lost: u64,
}

impl FileSink {
    pub(super) fn attach(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&state.early)?;
        state.early = Vec::new();
        state.file = Some(file);
        Ok(())
    }

    /// Write one message, which ends with a newline. A full disk loses messages, not the sweep.
    pub(super) fn write(&self, message: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { file, early, lost } = &mut *state;
        let written = match file {
            Some(file) => write_after_loss(file, message, *lost).is_ok(),
            None if early.len() + message.len() <= EARLY_BYTES => {
                early.extend_from_slice(message);
                return;
            }
            None => false,
        };
        *lost = if written { 0 } else { *lost + 1 };
    }
}

fn write_after_loss(file: &mut File, message: &[u8], lost: u64) -> io::Result<()> {
    if lost > 0 {
        let note = format!("({lost} earlier messages could not be written)\n");
        file.write_all(note.as_bytes())?;
    }
    // One write per message: processes that share the file do not cut each other's lines.
    file.write_all(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_fit_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let sink = FileSink::default();
        let message = vec![b'x'; EARLY_BYTES];
        sink.write(&message);
        sink.write(b"lost\n");
        sink.attach(&path).unwrap();
        sink.write(b"kept\n");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("x(1 earlier messages could not be written)\nkept\n"));
    }
}
