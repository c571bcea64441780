//! Finding the instance that is meant by a folder, and the one that was left unfinished.

use super::{Instance, Lock};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Why a folder names no instance.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// Nothing there looks like a sweep.
    #[error(
        "no sweep to be found in {}: it has neither a `journal.jsonl`, as an instance folder has, nor a `latest` link \
         to an instance folder, as a workspace has",
        .0.display()
    )]
    NoSweep(PathBuf),
    /// The folder of a plan.
    #[error(
        "{} holds a plan, and no sweep to go on with: `experiment` with the flags it was made with runs one",
        .0.display()
    )]
    OnlyPlan(PathBuf),
    /// `latest` leads nowhere.
    #[error(
        "the link {} leads to {}, where there is no sweep; name the instance folder itself",
        link.display(), target.display()
    )]
    Dangling {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// The folder cannot be looked at.
    #[error("cannot look into {}: {source}", path.display())]
    Io {
        /// What was looked at.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The instance that `folder` means: itself, or, when it is a workspace, its latest one.
pub fn find_instance(folder: &Path) -> Result<Instance, FindError> {
    let exists = |path: &Path| {
        path.try_exists().map_err(|source| FindError::Io {
            path: path.to_owned(),
            source,
        })
    };
    let itself = Instance::at(folder);
    if exists(&itself.journal())? {
        return Ok(itself);
    }
    if has_plan(folder) {
        return Err(FindError::OnlyPlan(folder.to_owned()));
    }
    let link = folder.join("latest");
    match std::fs::read_link(&link) {
        Ok(target) => {
            let target = folder.join(target);
            let latest = Instance::at(&target);
            if exists(&latest.journal())? {
                Ok(latest)
            } else {
                Err(FindError::Dangling { link, target })
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FindError::NoSweep(folder.to_owned())),
        Err(source) => Err(FindError::Io { path: link, source }),
    }
}

/// Whether plans were written into an instance folder, for itself or for setup treatments.
fn has_plan(instance: &Path) -> bool {
    let treatments = std::fs::read_dir(instance)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    std::iter::once(instance.to_owned())
        .chain(treatments)
        .any(|folder| folder.join("plan/manifest.json").is_file())
}

/// The latest instance under `root`, if its sweep was left before all was done and no engine is at it now: what a bare
/// re-run offers to resume.
pub fn unfinished(root: &Path) -> Option<Instance> {
    let instance = find_instance(root).ok()?;
    let finished = last_line(&instance.journal()).is_ok_and(|line| is_end(&line));
    (!finished && !Lock::is_held(&instance)).then_some(instance)
}

/// Whether a journal's line says that all there was to do is done. Looked at as plain JSON, since the record types
/// belong to the engine, which is built upon this module.
fn is_end(line: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(line).is_ok_and(|record| {
        record.get("event").and_then(|event| event.as_str()) == Some("sweep_ended")
            && record.get("stopped").and_then(serde_json::Value::as_bool) == Some(false)
    })
}

/// The end of a journal is short: a stop or an end, never a list of a million cells.
fn last_line(journal: &Path) -> io::Result<Vec<u8>> {
    const WINDOW: u64 = 4096;
    let mut file = File::open(journal)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(WINDOW)))?;
    let mut bytes = Vec::new();
    file.take(WINDOW).read_to_end(&mut bytes)?;
    let last = bytes.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
    Ok(last.unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use super::super::create;
    use super::*;
    use std::fs;

    #[test]
    fn an_instance_and_a_workspace_lead_to_the_same_sweep() {
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(find_instance(root.path()), Err(FindError::NoSweep(_))));
        let instance = create(root.path()).unwrap();
        instance.make_latest().unwrap();
        let error = find_instance(root.path()).unwrap_err();
        assert!(matches!(error, FindError::Dangling { .. }), "{error}");
        fs::write(instance.journal(), "").unwrap();
        assert_eq!(find_instance(root.path()).unwrap(), instance);
        assert_eq!(find_instance(instance.path()).unwrap(), instance);
    }

    #[test]
    fn only_a_sweep_that_is_neither_done_nor_under_way_is_offered() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(unfinished(root.path()), None);
        let instance = create(root.path()).unwrap();
        instance.make_latest().unwrap();
        for (end, offered) in [
            ("", true),
            ("{\"seq\":2,\"event\":\"sweep_ended\",\"stopped\":true}\n", true),
            ("{\"seq\":2,\"event\":\"sweep_ended\",\"stopped\":false}\n", false),
            (
                "{\"seq\":2,\"event\":\"sweep_ended\",\"stopped\":false}\n{\"se",
                true,
            ),
        ] {
            fs::write(instance.journal(), format!("{{\"seq\":1}}\n{end}")).unwrap();
            assert_eq!(unfinished(root.path()).is_some(), offered, "{end}");
        }
        let lock = Lock::take(&instance).unwrap();
        assert_eq!(unfinished(root.path()), None);
        drop(lock);
        assert_eq!(unfinished(root.path()), Some(instance));
    }
}
