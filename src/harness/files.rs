//! Reading back what a harness process left.

use super::builtin::collector::RECORDS;
use super::builtin::output::SUMMARY;
use super::manifest::{self, Manifest, ManifestError};
use super::{metadata, tools};
use crate::report::{self, Report, ReportError};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// One line on why a process that failed did so; absent otherwise.
pub const ERROR: &str = "error.txt";

/// Why what a process left is no result.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// Not sealed, or not as it was sealed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file that a complete run leaves is not there.
    #[error("the result file {0} is missing")]
    Missing(String),
    /// Fewer result files than stages.
    #[error("there are {found} raw result files instead of {expected}")]
    Incomplete {
        /// How many there are.
        found: usize,
        /// How many a complete run leaves.
        expected: usize,
    },
    /// A file that cannot be read as what it is.
    #[error("the result file {name} cannot be read: {problem}")]
    Malformed {
        /// The file.
        name: String,
        /// Why not.
        problem: String,
    },
    /// A report that cannot be read.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A report that breaks its format's rules.
    #[error("a benchmark report is not valid: {0}")]
    Invalid(String),
}

/// The reports in `folder`, once every expected file is there, parsed, and as its manifest says.
pub fn reports(folder: &Path, harness: &str, profile: &Value) -> Result<Vec<Report>, ResultsError> {
    let manifest = manifest::verify(folder)?;
    expect(&manifest, metadata::FILE)?;
    let Some(source) = tools::source(harness, profile) else {
        return Ok(Vec::new());
    };
    if harness == tools::BUILTIN {
        expect(&manifest, RECORDS)?;
        expect(&manifest, SUMMARY)?;
        parse(folder, SUMMARY)?;
    }
    let raw: Vec<&str> = manifest
        .files
        .iter()
        .map(|file| file.name.as_str())
        .filter(|name| tools::is_raw(source, base(name)))
        .collect();
    let expected = tools::expected_raw(source, profile);
    if raw.len() < expected {
        return Err(ResultsError::Incomplete {
            found: raw.len(),
            expected,
        });
    }
    for name in &raw {
        parse(folder, name)?;
    }
    let reports = report::read_all(folder)?;
    if reports.len() < expected {
        return Err(ResultsError::Missing(report::file_name("*")));
    }
    match reports.iter().flat_map(Report::check).next() {
        Some(problem) => Err(ResultsError::Invalid(problem)),
        None => Ok(reports),
    }
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn expect(manifest: &Manifest, name: &str) -> Result<(), ResultsError> {
    if manifest.files.iter().any(|file| file.name == name) {
        Ok(())
    } else {
        Err(ResultsError::Missing(name.to_owned()))
    }
}

fn parse(folder: &Path, name: &str) -> Result<Value, ResultsError> {
    let malformed = |problem: String| ResultsError::Malformed {
        name: name.to_owned(),
        problem,
    };
    let text = fs::read(folder.join(name)).map_err(|error| malformed(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))
}

/// A JSON file, if it is there and whole.
pub(super) fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// What a failed process said about itself.
pub(super) fn error(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join(ERROR)).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| crate::text::sanitize(line).chars().take(400).collect())
}

/// `3 http_503, 1 timeout`, from the summary of the built-in load generator.
pub(super) fn failure_kinds(folder: &Path) -> Option<String> {
    let summary = json(&folder.join(SUMMARY))?;
    let kinds = summary.get("failures")?.as_object()?;
    let words: Vec<String> = kinds
        .iter()
        .map(|(kind, told)| format!("{} {kind}", told.get("count").unwrap_or(&Value::Null)))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}
