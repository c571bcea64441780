//! Where an experiment file is looked for.

use super::nearest::nearest;
use crate::yaml::Limits;
use rust_embed::RustEmbed;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The experiment files that come with the program.
#[derive(RustEmbed)]
#[folder = "experiments/"]
struct BuiltIn;

/// An experiment file as found, not yet looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file as it is named in messages.
    pub name: String,
    /// The file's name without folder and ending; names the experiment where the file does not.
    pub stem: String,
    /// Where it is; `None` for one that comes with the program.
    pub path: Option<PathBuf>,
    /// Its bytes; of a file beyond the size limit just enough of them to show that it is too large.
    pub text: Vec<u8>,
}

/// Why there is no experiment file to load.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Nothing of that name.
    #[error("no experiment file `{name}`\n  tried: {}\n  there: {}{}", .tried.join(", "), .there.join(", "),
        .suggestion.as_ref().map(|words| format!("\n  {words}")).unwrap_or_default())]
    NotFound {
        /// What was asked for.
        name: String,
        /// Every place that was looked at, in order.
        tried: Vec<String>,
        /// Files that could have been meant.
        there: Vec<String>,
        /// `did you mean …?`
        suggestion: Option<String>,
    },
    /// A folder has that name.
    #[error("{} is a folder, not an experiment file\n  there: {}", .path.display(), .there.join(", "))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The files in it that could have been meant.
        there: Vec<String>,
    },
    /// It is there but cannot be read.
    #[error("cannot read the experiment file {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
}

/// Names of the experiment files that come with the program, with their ending.
pub fn built_in() -> Vec<String> {
    let mut names: Vec<String> = BuiltIn::iter()
        .map(std::borrow::Cow::into_owned)
        .filter(|name| is_yaml(Path::new(name)))
        .collect();
    names.sort();
    names
}

/// Find the experiment file `name`: as a path, with or without `.yaml`; a name without a folder also in `experiments/`
/// below `cwd`, and among those that come with the program.
///
/// # Errors
/// When there is no such file, with all that was tried and all that is there; or when it cannot be read.
pub fn find(name: &str, cwd: &Path) -> Result<Source, FindError> {
    let mut tried = Vec::new();
    for shown in candidates(name) {
        let path = cwd.join(&shown);
        // Also a pipe or another special file, as in `-e <(generate)`; but not a folder.
        if std::fs::metadata(&path).is_ok_and(|meta| !meta.is_dir()) {
            return read(shown, path);
        }
        tried.push(shown);
    }
    if !has_folder(name) {
        for file in [name.to_owned(), format!("{name}.yaml")] {
            if let Some(embedded) = BuiltIn::get(&file) {
                return Ok(Source {
                    stem: stem(&file),
                    name: format!("{file} (built in)"),
                    path: None,
                    text: embedded.data.into_owned(),
                });
            }
        }
        tried.push("the built-in experiments".to_owned());
    }
    if cwd.join(name).is_dir() {
        return Err(FindError::Folder {
            path: PathBuf::from(name),
            there: or_nothing(yaml_files(cwd, name.trim_end_matches('/'))),
        });
    }
    let there = available(name, cwd);
    Err(FindError::NotFound {
        suggestion: suggestion(name, &there),
        name: name.to_owned(),
        tried,
        there: or_nothing(there),
    })
}

/// What was probably meant, written so that it would be found.
fn suggestion(name: &str, there: &[String]) -> Option<String> {
    let stems: Vec<String> = there.iter().map(|file| stem(file)).collect();
    let wanted = stem(name);
    let best = *nearest(&wanted, stems.iter().map(String::as_str)).first()?;
    let file = there.iter().zip(&stems).find(|(_, stem)| *stem == best)?.0;
    let words = if has_folder(name) && has_folder(file) {
        file
    } else {
        best
    };
    Some(format!("did you mean `{words}`?"))
}

fn or_nothing(files: Vec<String>) -> Vec<String> {
    if files.is_empty() {
        vec!["nothing".to_owned()]
    } else {
        files
    }
}

fn is_yaml(name: &Path) -> bool {
    name.extension()
        .is_some_and(|ending| ending == "yaml" || ending == "yml")
}

fn has_folder(name: &str) -> bool {
    name.contains('/')
}

fn candidates(name: &str) -> Vec<String> {
    let endings = |stem: String| [stem.clone(), format!("{stem}.yaml"), format!("{stem}.yml")];
    let mut all = endings(name.to_owned()).to_vec();
    if !has_folder(name) {
        all.extend(endings(format!("experiments/{name}")));
    }
    let complete = is_yaml(Path::new(name));
    all.retain(|candidate| !complete || candidate.ends_with(name));
    all
}

fn read(shown: String, path: PathBuf) -> Result<Source, FindError> {
    let limit = Limits::default().bytes as u64 + 1;
    let mut text = Vec::new();
    match File::open(&path).and_then(|file| file.take(limit).read_to_end(&mut text)) {
        Ok(_) => Ok(Source {
            stem: stem(&shown),
            name: shown,
            path: Some(path),
            text,
        }),
        Err(reason) => Err(FindError::Unreadable { path, reason }),
    }
}

fn stem(name: &str) -> String {
    Path::new(name)
        .file_stem()
        .map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// What could have been meant: files beside the one asked for, files in `experiments/`, and the built-in ones.
fn available(name: &str, cwd: &Path) -> Vec<String> {
    let folder = Path::new(name)
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let mut there = match folder {
        Some(folder) => yaml_files(cwd, &folder.to_string_lossy()),
        None => yaml_files(cwd, "experiments"),
    };
    there.extend(built_in().into_iter().map(|name| format!("{name} (built in)")));
    there
}

/// The first YAML files of a folder, by name.
fn yaml_files(cwd: &Path, folder: &str) -> Vec<String> {
    const MOST: usize = 30;
    let Ok(entries) = std::fs::read_dir(cwd.join(folder)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|entry| PathBuf::from(entry.file_name()))
        .filter(|name| is_yaml(name))
        .map(|name| format!("{folder}/{}", name.display()))
        .collect();
    names.sort();
    names.truncate(MOST);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_beside_in_experiments_and_among_the_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let cwd = folder.path();
        std::fs::create_dir_all(cwd.join("experiments/sub")).unwrap();
        std::fs::create_dir_all(cwd.join("mine")).unwrap();
        std::fs::write(cwd.join("experiments/mine.yaml"), "a").unwrap();
        std::fs::write(cwd.join("experiments/sub/deep.yml"), "b").unwrap();
        std::fs::write(cwd.join("here.yaml"), "c").unwrap();
        let name = |name: &str| find(name, cwd).map(|source| (source.name, source.stem));
        let found = |name: &str, stem: &str| (name.to_owned(), stem.to_owned());
        // The folder `mine` is no file.
        assert_eq!(name("mine").unwrap(), found("experiments/mine.yaml", "mine"));
        assert_eq!(name("mine.yaml").unwrap(), found("experiments/mine.yaml", "mine"));
        assert_eq!(name("here").unwrap(), found("here.yaml", "here"));
        assert_eq!(
            name("experiments/sub/deep").unwrap(),
            found("experiments/sub/deep.yml", "deep")
        );
        let built_in = find("disaggregated_vs_llmd", cwd).unwrap();
        assert_eq!(built_in.path, None);
        assert_eq!(built_in.stem, "disaggregated_vs_llmd");
        let absolute = cwd.join("here.yaml");
        assert_eq!(
            find(absolute.to_str().unwrap(), Path::new("/")).unwrap().text,
            b"c"
        );
    }

    #[test]
    fn a_miss_says_what_was_tried_and_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("experiments")).unwrap();
        std::fs::write(folder.path().join("experiments/cache.yaml"), "a").unwrap();
        let message = find("cahce", folder.path()).unwrap_err().to_string();
        assert!(message.starts_with("no experiment file `cahce`\n  tried: cahce, cahce.yaml, cahce.yml, experiments/cahce, experiments/cahce.yaml, experiments/cahce.yml, the built-in experiments\n  there: experiments/cache.yaml, "), "{message}");
        assert!(message.ends_with("did you mean `cache`?"), "{message}");
        let message = find("no/such", folder.path()).unwrap_err().to_string();
        let first =
            "no experiment file `no/such`\n  tried: no/such, no/such.yaml, no/such.yml\n  there: disagg";
        assert!(message.starts_with(first), "{message}");
        let message = find("experiments/cahce", folder.path()).unwrap_err().to_string();
        assert!(
            message.ends_with("did you mean `experiments/cache.yaml`?"),
            "{message}"
        );
        let message = find("experiments/quickstrt", folder.path())
            .unwrap_err()
            .to_string();
        assert!(message.ends_with("did you mean `quickstart`?"), "{message}");
        assert_eq!(
            find("experiments", folder.path()).unwrap_err().to_string(),
            "experiments is a folder, not an experiment file\n  there: experiments/cache.yaml"
        );
    }

    #[test]
    fn of_a_huge_file_only_the_beginning_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("huge.yaml")).unwrap();
        file.set_len(100 * 1024 * 1024).unwrap();
        let source = find("huge", folder.path()).unwrap();
        assert_eq!(source.text.len(), Limits::default().bytes + 1);
    }
}
