//! Findings about input files: what the linter says, where, and what to do about it.
//!
//! Every loader that reads a user's file (experiment, scenario, profile) reports through [`Finding`], so the
//! `validate` command, the refusal before a sweep and the plan's errors look the same and carry the same facts.

mod render;

pub use render::render;

use serde::Serialize;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// How bad a finding is. Ordered: an error is greater than a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; the file is still used.
    Warning,
    /// The file is refused.
    Error,
}

/// A place in a text file. Lines and columns count from 1; columns count characters, not bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Span {
    /// Line, from 1. 0 means "the file as a whole".
    pub line: u32,
    /// Column in characters, from 1. 0 means "the file as a whole".
    pub column: u32,
    /// How many characters the caret underlines (at least 1).
    pub width: u32,
}

/// One thing the linter has to say about one place of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// Where, in the file being checked.
    #[serde(flatten)]
    pub span: Span,
    /// What is wrong, in one sentence without a trailing period.
    pub message: String,
    /// What to do about it, when there is something to say.
    pub help: Option<String>,
}

impl Finding {
    /// An error at `span`.
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            span,
            message: message.into(),
            help: None,
        }
    }

    /// A warning at `span`.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            span,
            message: message.into(),
            help: None,
        }
    }

    /// The same finding with advice attached.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether this finding refuses the file.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Most findings of each severity that one pass lists; a broken file of a million lines must not become a million
/// messages.
pub const MOST_LISTED: usize = 200;

/// The findings of one pass over one file, bounded in number.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    listed: Vec<Finding>,
    /// Hashes of the listed ones, because what several treatments share is looked at once for each of them.
    seen: HashSet<u64>,
    errors: usize,
    warnings: usize,
}

impl Findings {
    /// Add one finding, unless it is there already; beyond a limit it is only counted.
    pub fn push(&mut self, finding: Finding) {
        let mut hasher = DefaultHasher::new();
        (finding.severity, finding.span, &finding.message).hash(&mut hasher);
        let hash = hasher.finish();
        if self.seen.contains(&hash) {
            return;
        }
        let count = if finding.is_error() {
            &mut self.errors
        } else {
            &mut self.warnings
        };
        *count += 1;
        if *count <= MOST_LISTED {
            self.seen.insert(hash);
            self.listed.push(finding);
        }
    }

    /// These and one more.
    #[must_use]
    pub fn with(mut self, finding: Finding) -> Self {
        self.push(finding);
        self
    }

    /// How many errors there were, listed or not.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// All listed findings in the order of the file, and a last one that counts the others.
    pub fn into_sorted(mut self) -> Vec<Finding> {
        self.listed
            .sort_by_key(|finding| (finding.span.line, finding.span.column));
        for (count, severity) in [(self.errors, Severity::Error), (self.warnings, Severity::Warning)] {
            let unlisted = count.saturating_sub(MOST_LISTED);
            if unlisted > 0 {
                let words = if severity == Severity::Error {
                    "errors"
                } else {
                    "warnings"
                };
                let mut finding =
                    Finding::error(Span::default(), format!("{unlisted} more {words} are not listed"));
                finding.severity = severity;
                self.listed.push(finding);
            }
        }
        self.listed
    }
}

impl Extend<Finding> for Findings {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, findings: I) {
        for finding in findings {
            self.push(finding);
        }
    }
}
