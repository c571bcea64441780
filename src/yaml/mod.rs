//! YAML 1.1 as PyYAML reads it, with the position of every node; and the one YAML writer.
//!
//! llm-d-benchmark reads its files with PyYAML, and users bring those files along. No Rust library reads plain scalars
//! the same way (`yes`, `014`, `1_000`, `12:30:45`, `1e3`), so this module takes parser events with positions from
//! `saphyr-parser` and resolves them itself. Where a YAML 1.2 reader would see another value, it warns.
//!
//! Input is untrusted: its size, depth and number of values (after aliases are expanded) are bounded by [`Limits`], and
//! nothing here panics on any bytes.

mod decode;
mod merge;
mod node;
mod quotes;
mod reader;
mod scalar;
mod tabs;
mod tags;
mod writer;

pub use node::{Node, NodeKind};
pub(crate) use scalar::{Note, read_plain};
pub use writer::to_string;

use crate::diagnostic::{Finding, Findings};
use reader::Documents;
use serde_json::Value;

/// What one document may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes.
    pub bytes: usize,
    /// Deepest nesting of lists and maps, aliases included.
    pub depth: usize,
    /// Most values (scalars, lists and maps), counted after aliases are expanded.
    pub nodes: usize,
}

impl Default for Limits {
    /// Far above any file written by hand or by a script for one sweep, and below a hundred megabytes of memory.
    fn default() -> Self {
        Self {
            bytes: 4 * 1024 * 1024,
            depth: 100,
            nodes: 400_000,
        }
    }
}

/// What came of reading one document.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The document; `None` where it is empty or cannot be read to its end.
    pub root: Option<Node>,
    /// Everything there is to say about it, in the order of the file.
    pub findings: Vec<Finding>,
}

/// What came of reading a file of any number of documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// The documents in their order; none where the file cannot be read to its end. One of comments only is null.
    pub roots: Vec<Node>,
    /// Everything there is to say about the file, in its order.
    pub findings: Vec<Finding>,
}

impl Stream {
    fn unreadable(findings: Findings) -> Self {
        Self {
            roots: Vec::new(),
            findings: findings.into_sorted(),
        }
    }
}

/// Read one document. All findings of the pass come back together; after a syntax error there is no way to go on.
pub fn parse(bytes: &[u8], limits: Limits) -> Parsed {
    let mut stream = reader::read(bytes, limits, Documents::One);
    Parsed {
        root: stream.roots.pop(),
        findings: stream.findings,
    }
}

/// Read a file of any number of documents, as manifests are. The limits are those of the whole file. A key that is
/// given twice is a warning here, because the tools that read such files take the last.
pub fn parse_documents(bytes: &[u8], limits: Limits) -> Stream {
    reader::read(bytes, limits, Documents::Any)
}

/// Read `text` as a value, for files that are not shown finding by finding. An empty document is null.
///
/// # Errors
/// The first error of the document.
pub fn from_str(text: &str) -> Result<Value, Finding> {
    let parsed = parse(text.as_bytes(), Limits::default());
    match parsed.findings.into_iter().find(Finding::is_error) {
        Some(error) => Err(error),
        None => Ok(parsed.root.map_or(Value::Null, |root| root.to_value())),
    }
}

/// Read the documents of `text` as values.
///
/// # Errors
/// The first error of the file.
pub fn documents(text: &str) -> Result<Vec<Value>, Finding> {
    let stream = parse_documents(text.as_bytes(), Limits::default());
    match stream.findings.into_iter().find(Finding::is_error) {
        Some(error) => Err(error),
        None => Ok(stream.roots.iter().map(Node::to_value).collect()),
    }
}

/// What `text` means as one plain scalar, for values that do not stand in a YAML file (flags, entries of a
/// comma-separated list). What no YAML reader would accept is text.
pub fn scalar(text: &str) -> Value {
    read_plain(text).map_or_else(|_| Value::String(text.to_owned()), |reading| reading.value)
}

#[cfg(test)]
mod tests;
