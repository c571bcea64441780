//! Base dirs: where specs, scenarios, defaults and profiles come from.
//!
//! The embedded one and a checkout of llm-d-benchmark have the same shape, so everything above reads both through
//! [`BaseDir`]. Paths in here are relative, with forward slashes, and never lead out of the base dir.

use std::fmt;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// No file of a base dir is read beyond this: what is bigger is not a config.
const MAX_FILE: u64 = 16 << 20;
/// No folder below this depth is searched, so that a loop of links ends.
const MAX_DEPTH: usize = 16;

#[derive(rust_embed::Embed)]
#[folder = "assets/"]
struct Assets;

/// A folder with `config/specification`, `config/scenarios`, `config/templates` and `workload/profiles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseDir {
    /// The one inside this binary.
    Embedded,
    /// A folder on disk, absolute and without links in its own path.
    External(PathBuf),
}

/// A text file that was read, with the name by which findings and messages call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// As shown: a path, or `<embedded>/…`.
    pub name: String,
    /// What it says.
    pub text: Arc<str>,
}

/// Why a base dir, or a file in it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaseDirError {
    /// The folder is not there, or is no base dir.
    #[error("{} is no base dir: {reason}", path.display())]
    NotABaseDir {
        /// The folder as it was given.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file cannot be read.
    #[error("cannot read {name}: {reason}")]
    Unreadable {
        /// The file.
        name: String,
        /// Why.
        reason: String,
    },
    /// A path leads out of its base dir.
    #[error("{path} leads out of the base dir {base_dir}")]
    Outside {
        /// The path as written.
        path: String,
        /// The base dir it should stay in.
        base_dir: String,
    },
}

impl BaseDir {
    /// The base dir inside this binary.
    pub fn embedded() -> Self {
        Self::Embedded
    }

    /// The base dir at `path`.
    pub fn external(path: &Path) -> Result<Self, BaseDirError> {
        let refused = |reason: String| BaseDirError::NotABaseDir {
            path: path.to_path_buf(),
            reason,
        };
        let root = path.canonicalize().map_err(|error| refused(error.to_string()))?;
        if !root.join("config/specification").is_dir() {
            return Err(refused("it has no folder config/specification".to_owned()));
        }
        Ok(Self::External(root))
    }

    /// What templates see as `base_dir`: an absolute path, or a mark that only the embedded base dir understands.
    pub fn root(&self) -> String {
        self.to_string()
    }

    /// Whether there is a file (not a folder) at `relative`.
    pub fn has_file(&self, relative: &str) -> bool {
        match self {
            Self::Embedded => Assets::get(relative).is_some(),
            Self::External(root) => root.join(relative).is_file(),
        }
    }

    /// Whether there is a folder at `relative`.
    pub fn has_folder(&self, relative: &str) -> bool {
        match self {
            Self::Embedded => {
                let prefix = format!("{}/", relative.trim_end_matches('/'));
                Assets::iter().any(|path| path.starts_with(&prefix))
            }
            Self::External(root) => root.join(relative).is_dir(),
        }
    }

    /// The file at `relative`, or `None` when there is none.
    pub fn read(&self, relative: &str) -> Result<Option<Document>, BaseDirError> {
        let name = format!("{self}/{relative}");
        if Path::new(relative)
            .components()
            .any(|part| !matches!(part, Component::Normal(_)))
        {
            return Err(self.outside(relative));
        }
        match self {
            Self::Embedded => Assets::get(relative)
                .map(|file| text(name, file.data.into_owned()))
                .transpose(),
            Self::External(root) => {
                let path = root.join(relative);
                if !path.is_file() {
                    return Ok(None);
                }
                let real = path.canonicalize().map_err(|error| BaseDirError::Unreadable {
                    name: name.clone(),
                    reason: error.to_string(),
                })?;
                if !real.starts_with(root) {
                    return Err(self.outside(relative));
                }
                read_file(&real, name).map(Some)
            }
        }
    }

    /// All files below `folder`, as paths relative to it, sorted.
    pub fn list(&self, folder: &str) -> Vec<String> {
        let mut found = match self {
            Self::Embedded => {
                let prefix = format!("{}/", folder.trim_end_matches('/'));
                Assets::iter()
                    .filter_map(|path| path.strip_prefix(&prefix).map(str::to_owned))
                    .collect()
            }
            Self::External(root) => {
                let mut found = Vec::new();
                walk(&root.join(folder), "", 0, &mut found);
                found
            }
        };
        found.sort();
        found
    }

    /// `path`, as a spec writes it (absolute, or relative to the base dir), made relative to this base dir.
    pub fn relative(&self, path: &str) -> Result<String, BaseDirError> {
        let root = self.root();
        normal(&Path::new(&root).join(path.strip_prefix(&format!("{root}/")).unwrap_or(path)))
            .and_then(|path| path.strip_prefix(&root).ok()?.to_str().map(str::to_owned))
            .ok_or_else(|| self.outside(path))
    }

    fn outside(&self, path: &str) -> BaseDirError {
        BaseDirError::Outside {
            path: path.to_owned(),
            base_dir: self.to_string(),
        }
    }
}

impl fmt::Display for BaseDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("<embedded>"),
            Self::External(root) => write!(f, "{}", root.display()),
        }
    }
}

/// A file of the user's own, wherever it lies.
pub(super) fn read_file(path: &Path, name: String) -> Result<Document, BaseDirError> {
    let unreadable = |reason: String| BaseDirError::Unreadable {
        name: name.clone(),
        reason,
    };
    let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(unreadable(format!("it is larger than {} MiB", MAX_FILE >> 20)));
    }
    text(name, bytes)
}

fn text(name: String, bytes: Vec<u8>) -> Result<Document, BaseDirError> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Document {
            name,
            text: text.into(),
        }),
        Err(_) => Err(BaseDirError::Unreadable {
            name,
            reason: "it is not UTF-8 text".to_owned(),
        }),
    }
}

/// The path with `.` and `..` worked out on its text; `None` where `..` climbs above its start.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !clean.pop() {
                    return None;
                }
            }
            part => clean.push(part),
        }
    }
    Some(clean)
}

fn walk(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let relative = format!("{prefix}{name}");
        let path = entry.path();
        if path.is_dir() {
            if depth < MAX_DEPTH {
                walk(&path, &format!("{relative}/"), depth + 1, found);
            }
        } else {
            found.push(relative);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_base_dir_has_the_shape_of_a_checkout() {
        let base = BaseDir::embedded();
        assert!(base.has_folder("config/specification"));
        assert!(base.has_file("config/templates/values/defaults.yaml"));
        assert!(
            base.list("config/specification")
                .contains(&"local.yaml.j2".to_owned())
        );
        let name = format!("{}/config/scenarios/local.yaml", base.root());
        let relative = base.relative(&name).unwrap();
        assert!(base.read(&relative).unwrap().is_some());
    }

    #[test]
    fn no_path_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("base/config/specification")).unwrap();
        std::fs::write(folder.path().join("secret.yaml"), "a: 1").unwrap();
        let base = BaseDir::external(&folder.path().join("base")).unwrap();
        let secret = folder.path().canonicalize().unwrap().join("secret.yaml");
        for path in [
            format!("{}/../secret.yaml", base.root()),
            secret.display().to_string(),
            "/etc/passwd".to_owned(),
            "../secret.yaml".to_owned(),
        ] {
            assert!(
                matches!(base.relative(&path), Err(BaseDirError::Outside { .. })),
                "{path}"
            );
        }
        assert!(base.read("../secret.yaml").is_err());
        std::os::unix::fs::symlink(&secret, folder.path().join("base/link.yaml")).unwrap();
        assert!(matches!(
            base.read("link.yaml"),
            Err(BaseDirError::Outside { .. })
        ));
    }

    #[test]
    fn what_is_no_base_dir_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = BaseDir::external(folder.path()).unwrap_err().to_string();
        assert!(error.contains("config/specification"), "{error}");
        assert!(BaseDir::external(&folder.path().join("missing")).is_err());
    }
}
