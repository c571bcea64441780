//! Making a new instance folder, and keeping the inputs of a sweep in it.

use super::Instance;
use crate::disk::replace_file;
use jiff::Zoned;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Why an instance folder cannot be made or filled.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {source}", path.display())]
pub struct CreateError {
    /// What was being done.
    pub what: &'static str,
    /// To what.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// A file a sweep was made from: the experiment file, the spec, the scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// File name in the instance's `plan` folder; only its last component counts.
    pub name: String,
    /// The file as it was read.
    pub bytes: Vec<u8>,
}

/// Make a new instance folder `<user>-<YYYYmmdd-HHMMSS-mmm>` under `root` (local time). Two sweeps that start in the same
/// millisecond get different folders. It becomes the latest by [`Instance::make_latest`].
pub fn create(root: &Path) -> Result<Instance, CreateError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| CreateError { what, path, source }
    };
    fs::create_dir_all(root).map_err(failed("make the workspace", root))?;
    let user = user();
    let mut now = Zoned::now();
    let folder = loop {
        let folder = root.join(format!("{user}-{}", now.strftime("%Y%m%d-%H%M%S-%3f")));
        match fs::create_dir(&folder) {
            Ok(()) => break folder,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                now = now.saturating_add(jiff::SignedDuration::from_millis(1));
            }
            Err(error) => return Err(failed("make the folder", &folder)(error)),
        }
    };
    let instance = Instance::at(folder);
    fs::create_dir_all(instance.plan()).map_err(failed("make the folder", &instance.plan()))?;
    Ok(instance)
}

/// Who runs the sweep, as it may stand in a folder name.
fn user() -> String {
    let name = ["USER", "LOGNAME"]
        .iter()
        .find_map(|variable| std::env::var(variable).ok().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| format!("uid{}", rustix::process::getuid().as_raw()));
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(32)
        .collect()
}

/// The link is replaced in one go, so that whoever reads it finds the old instance or the new one. It is relative, so
/// that it holds in a copy of the workspace.
fn point(root: &Path, link: &str, name: &OsStr) -> io::Result<()> {
    let fresh = root.join(format!(".{link}-{}", std::process::id()));
    if let Err(error) = fs::remove_file(&fresh)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    std::os::unix::fs::symlink(name, &fresh)?;
    fs::rename(&fresh, root.join(link))?;
    File::open(root)?.sync_all()
}

impl Instance {
    /// Point the workspace's `latest` link to this instance, once there is something in it to be found.
    pub fn make_latest(&self) -> Result<(), CreateError> {
        self.make_target_of("latest")
    }

    /// Point the workspace's `latest-plan` link to this instance, which has a plan and no sweep: `latest` stays with the
    /// latest sweep, which may have to be resumed.
    pub fn make_latest_plan(&self) -> Result<(), CreateError> {
        self.make_target_of("latest-plan")
    }

    fn make_target_of(&self, link: &str) -> Result<(), CreateError> {
        let (Some(root), Some(name)) = (self.path().parent(), self.path().file_name()) else {
            return Ok(());
        };
        point(root, link, name).map_err(|source| CreateError {
            what: "set the link",
            path: root.join(link),
            source,
        })
    }

    /// Keep the inputs in the `plan` folder. One that is there already with other content, from before an edit, is kept
    /// beside it as `<name>.1`, `<name>.2`, …
    pub fn store_inputs(&self, inputs: &[Input]) -> Result<(), CreateError> {
        let folder = self.plan();
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |source| CreateError { what, path, source }
        };
        fs::create_dir_all(&folder).map_err(failed("make the folder", &folder))?;
        for input in inputs {
            let name = Path::new(&input.name).file_name().unwrap_or(OsStr::new("input"));
            let path = folder.join(name);
            match fs::read(&path) {
                Ok(bytes) if bytes == input.bytes => continue,
                Ok(_) => set_aside(&path).map_err(failed("set aside", &path))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed("read", &path)(error)),
            }
            replace_file(&path, &input.bytes).map_err(failed("write", &path))?;
        }
        Ok(())
    }
}

fn set_aside(path: &Path) -> io::Result<()> {
    let mut number = 1_u32;
    loop {
        let mut older = path.as_os_str().to_owned();
        older.push(format!(".{number}"));
        if !Path::new(&older).try_exists()? {
            return fs::rename(path, older);
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_points_to_the_newest_instance_and_survives_a_copy() {
        let root = tempfile::tempdir().unwrap();
        let first = create(root.path()).unwrap();
        let second = create(root.path()).unwrap();
        first.make_latest().unwrap();
        second.make_latest().unwrap();
        assert_ne!(first, second);
        let link = fs::read_link(root.path().join("latest")).unwrap();
        assert!(link.is_relative());
        assert_eq!(root.path().join(&link), second.path());
        let name = link.to_str().unwrap().rsplit_once('-').unwrap().0.to_owned();
        assert!(name.len() >= "-20260101-120000".len(), "{name}");
        assert_eq!(
            fs::read_dir(root.path()).unwrap().count(),
            3,
            "no temporary file is left"
        );
    }

    #[test]
    fn edited_inputs_keep_what_was_there_before() {
        let root = tempfile::tempdir().unwrap();
        let instance = create(root.path()).unwrap();
        let input = |bytes: &[u8]| Input {
            name: "experiments/a.yaml".into(),
            bytes: bytes.to_vec(),
        };
        for bytes in [b"one", b"one", b"two", b"six"] {
            instance.store_inputs(&[input(bytes)]).unwrap();
        }
        let read = |name: &str| fs::read(instance.plan().join(name)).unwrap();
        assert_eq!(read("a.yaml"), b"six");
        assert_eq!(read("a.yaml.1"), b"one");
        assert_eq!(read("a.yaml.2"), b"two");
        assert_eq!(fs::read_dir(instance.plan()).unwrap().count(), 3);
    }
}
