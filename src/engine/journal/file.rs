//! The file under a journal, behind a small trait, so that tests can lose unsynced writes and fill the disk.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// What a journal needs of a file.
pub trait JournalFile: fmt::Debug + Send {
    /// Read from the first byte.
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>>;
    /// Write behind the last byte. On an error, any part may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Return once everything appended is on disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Cut the file off behind its first `length` bytes.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

/// A file on disk.
#[derive(Debug)]
pub struct DiskFile {
    file: File,
}

impl DiskFile {
    /// Make a new file, whose name is on disk when this returns; an existing one is an error.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .open(path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { file })
    }

    /// Open an existing file for reading and appending.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).open(path)?;
        Ok(Self { file })
    }
}

impl JournalFile for DiskFile {
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        io::Seek::rewind(&mut self.file)?;
        Ok(Box::new(&self.file))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }
}
