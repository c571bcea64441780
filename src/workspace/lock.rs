//! The lock of an instance: one engine at a time. It belongs to the open file, so it dies with the process, however
//! that ends; programs the engine starts do not inherit it.

use super::Instance;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

/// Who holds a lock, as it told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Host name.
    pub host: String,
}

impl Holder {
    /// This process.
    pub fn here() -> Self {
        Self {
            pid: std::process::id(),
            host: host(),
        }
    }
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .or_else(|| std::env::var("HOSTNAME").ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, crate::text::sanitize(&self.host))
    }
}

/// Why an instance cannot be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another engine is at work there.
    #[error(
        "{} is in use by {}; wait for it to end, or stop it first",
        instance.display(),
        holder.as_ref().map_or_else(|| "another engine".to_owned(), Holder::to_string)
    )]
    Held {
        /// The instance folder.
        instance: PathBuf,
        /// Who holds it, when it has told.
        holder: Option<Holder>,
    },
    /// The lock file cannot be opened, locked or written.
    #[error("cannot lock {}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The right to write to an instance, until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Take the instance's lock, or say who has it.
    pub fn take(instance: &Instance) -> Result<Self, LockError> {
        let path = instance.lock();
        let failed = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    instance: instance.path().to_owned(),
                    holder: read_holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let holder = serde_json::to_vec(&Holder::here()).map_err(|error| failed(error.into()))?;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(&holder))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }

    /// Whether an engine holds the instance's lock now.
    pub fn is_held(instance: &Instance) -> bool {
        File::open(instance.lock())
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_engine_is_told_who_holds_the_lock() {
        let root = tempfile::tempdir().unwrap();
        let instance = super::super::create(root.path()).unwrap();
        let lock = Lock::take(&instance).unwrap();
        assert!(Lock::is_held(&instance));
        let error = Lock::take(&instance).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&format!("process {}", std::process::id())),
            "{text}"
        );
        drop(lock);
        assert!(!Lock::is_held(&instance));
        Lock::take(&instance).unwrap();
    }
}
