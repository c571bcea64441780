//! `manifest.json`: what a harness process left, with sizes and checksums. Written last of all; results count only with a
//! manifest that still fits the files.

use crate::disk::replace_file;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The file's name, in the result folder.
pub const FILE: &str = "manifest.json";

/// What may still change, or says nothing about results: the manifest itself, progress, and the logs and records that
/// the process's supervisor keeps.
const NOT_LISTED: &[&str] = &[FILE, super::progress::FILE, "stdout.log", "stderr.log", "process"];

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Files, by name.
    pub files: Vec<Listed>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Path from the result folder, with `/` between folders.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Why results cannot be relied on.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Nothing says that the results are complete.
    #[error("there is no {FILE}, so the results may be incomplete")]
    Missing,
    /// Something that is no manifest.
    #[error("{FILE} cannot be read: {0}")]
    Malformed(String),
    /// A listed file is gone.
    #[error("the result file {0} is missing")]
    Gone(String),
    /// A listed file is another one than was written.
    #[error("the result file {name} is not as it was written: {problem}")]
    Changed {
        /// The file.
        name: String,
        /// What differs.
        problem: String,
    },
    /// The disk says no.
    #[error("cannot read or write {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ManifestError + '_ {
    |source| ManifestError::Io {
        path: path.to_owned(),
        source,
    }
}

/// List everything in `folder`, and make all of it durable.
pub fn seal(folder: &Path) -> Result<Manifest, ManifestError> {
    let mut files = Vec::new();
    list(folder, "", &mut files)?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let manifest = Manifest { files };
    let path = folder.join(FILE);
    let mut text =
        serde_json::to_vec_pretty(&manifest).map_err(|error| ManifestError::Malformed(error.to_string()))?;
    text.push(b'\n');
    replace_file(&path, &text).map_err(io_error(&path))?;
    Ok(manifest)
}

/// See that `folder` has every file that its manifest lists, unchanged.
pub fn verify(folder: &Path) -> Result<Manifest, ManifestError> {
    let path = folder.join(FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ManifestError::Missing),
        Err(source) => return Err(ManifestError::Io { path, source }),
    };
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| ManifestError::Malformed(error.to_string()))?;
    for listed in &manifest.files {
        check(folder, listed)?;
    }
    Ok(manifest)
}

fn check(folder: &Path, listed: &Listed) -> Result<(), ManifestError> {
    // A manifest may come from elsewhere; it must not lead out of its folder.
    if Path::new(&listed.name)
        .components()
        .any(|part| !matches!(part, std::path::Component::Normal(_)))
    {
        return Err(ManifestError::Malformed(format!(
            "`{}` is not a file name",
            listed.name
        )));
    }
    let path = folder.join(&listed.name);
    if !path.is_file() {
        return Err(ManifestError::Gone(listed.name.clone()));
    }
    let (size, sha256) = digest(&path, false)?;
    let problem = if size != listed.size {
        format!("it has {size} bytes instead of {}", listed.size)
    } else if sha256 != listed.sha256 {
        "its checksum differs".to_owned()
    } else {
        return Ok(());
    };
    Err(ManifestError::Changed {
        name: listed.name.clone(),
        problem,
    })
}

fn list(folder: &Path, prefix: &str, files: &mut Vec<Listed>) -> Result<(), ManifestError> {
    for entry in fs::read_dir(folder).map_err(io_error(folder))? {
        let entry = entry.map_err(io_error(folder))?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(io_error(&path))?;
        if NOT_LISTED.contains(&name.as_str()) {
            continue;
        }
        if kind.is_dir() {
            list(&path, &format!("{name}/"), files)?;
        } else if kind.is_file() && path.extension().is_none_or(|end| end != "tmp") {
            let (size, sha256) = digest(&path, true)?;
            files.push(Listed { name, size, sha256 });
        }
    }
    Ok(())
}

/// Size and checksum of a file; with `sync` it is on disk afterwards.
fn digest(path: &Path, sync: bool) -> Result<(u64, String), ManifestError> {
    let read = || -> io::Result<(u64, String)> {
        let mut file = File::open(path)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut size = 0;
        loop {
            let count = file.read(&mut buffer)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
                break;
            };
            hash.update(read);
            size += count as u64;
        }
        if sync {
            file.sync_all()?;
        }
        let hex = hash.finalize().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Ok((size, hex))
    };
    read().map_err(io_error(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), "{}").unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/b.json"), "[1]").unwrap();
        fs::write(folder.path().join("stdout.log"), "talk").unwrap();
        folder
    }

    #[test]
    fn a_sealed_folder_verifies_and_logs_may_still_grow() {
        let folder = folder();
        let manifest = seal(folder.path()).unwrap();
        let names: Vec<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a.json", "sub/b.json"]);
        fs::write(folder.path().join("stdout.log"), "more talk").unwrap();
        assert_eq!(verify(folder.path()).unwrap(), manifest);
        assert_eq!(seal(folder.path()).unwrap(), manifest);
    }

    #[test]
    fn every_way_results_can_rot_is_told() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        assert!(matches!(verify(folder.path()), Err(ManifestError::Missing)));
        seal(folder.path()).unwrap();
        fs::write(at("a.json"), "{]").unwrap();
        assert!(
            matches!(verify(folder.path()), Err(ManifestError::Changed { name, .. }) if name == "a.json")
        );
        fs::write(at("a.json"), "{").unwrap();
        assert!(
            matches!(verify(folder.path()), Err(ManifestError::Changed { problem, .. }) if problem.contains("1 bytes"))
        );
        fs::remove_file(at("a.json")).unwrap();
        assert!(matches!(verify(folder.path()), Err(ManifestError::Gone(name)) if name == "a.json"));
        fs::write(at(FILE), "{\"files\": [").unwrap();
        assert!(matches!(verify(folder.path()), Err(ManifestError::Malformed(_))));
        fs::write(at(FILE), r#"{"files":[{"name":"../x","size":0,"sha256":""}]}"#).unwrap();
        assert!(matches!(verify(folder.path()), Err(ManifestError::Malformed(_))));
    }
}
