//! Report files: named after the raw result file they tell of, keys sorted, nothing null.

use super::Report;
use crate::disk::replace_file;
use crate::yaml;
use serde_json::{Map, Value};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What the names of v0.2 report files begin with. The comma is part of it.
pub const PREFIX: &str = "benchmark_report_v0.2,_";

/// A report file that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The disk says no.
    #[error("cannot {doing} the benchmark report {}: {source}", path.display())]
    Io {
        /// `read` or `write`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is there, but is no report.
    #[error("{} is not a benchmark report: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
}

/// The report's file name for a raw result file.
pub fn file_name(raw: &str) -> String {
    format!("{PREFIX}{raw}.yaml")
}

/// Write `report` about the raw file `raw` into `folder`; returns the file. It appears whole or not at all.
pub fn write(folder: &Path, raw: &str, report: &Report) -> Result<PathBuf, ReportError> {
    let path = folder.join(file_name(raw));
    let value = serde_json::to_value(report).map_err(|error| ReportError::Malformed {
        path: path.clone(),
        problem: error.to_string(),
    })?;
    let text = yaml::to_string(&tidy(value));
    replace_file(&path, text.as_bytes()).map_err(|source| ReportError::Io {
        doing: "write",
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

/// Read a report file back.
pub fn read(path: &Path) -> Result<Report, ReportError> {
    let text = fs::read_to_string(path).map_err(|source| ReportError::Io {
        doing: "read",
        path: path.to_owned(),
        source,
    })?;
    let malformed = |problem: String| ReportError::Malformed {
        path: path.to_owned(),
        problem,
    };
    let value = yaml::from_str(&text)
        .map_err(|finding| malformed(format!("line {}: {}", finding.span.line, finding.message)))?;
    serde_json::from_value(value).map_err(|error| malformed(error.to_string()))
}

/// All v0.2 reports of a result folder, by name.
pub fn read_all(folder: &Path) -> Result<Vec<Report>, ReportError> {
    let io = |source| ReportError::Io {
        doing: "read",
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) && name.ends_with(".yaml") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

/// Keys sorted, null and empty maps dropped.
fn tidy(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map
                .into_iter()
                .map(|(key, value)| (key, tidy(value)))
                .filter(|(_, value)| !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty()))
                .collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(entries) => Value::Array(entries.into_iter().map(tidy).collect()),
        other => other,
    }
}
