//! What planning has to say: findings, each with the file it is about where there is one.

use super::base_dir::Document;
use crate::diagnostic::{self, Finding, Span};
use crate::text::{redact, sanitize};
use std::collections::HashMap;
use std::fmt;

/// A finding and the file it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The file, where the finding has a place in one.
    pub document: Option<Document>,
    /// What is to be said.
    pub finding: Finding,
}

impl Remark {
    /// An error that has no place in a file: about a flag, or about a file as a whole.
    pub fn error(message: impl Into<String>) -> Self {
        Self::plain(Finding::error(Span::default(), message))
    }

    /// A warning that has no place in a file.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::plain(Finding::warning(Span::default(), message))
    }

    fn plain(finding: Finding) -> Self {
        Self {
            document: None,
            finding,
        }
    }

    /// A finding in a file.
    pub fn within(document: &Document, finding: Finding) -> Self {
        Self {
            document: Some(document.clone()),
            finding,
        }
    }

    /// The same remark with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.finding.help = Some(help.into());
        self
    }

    /// As shown to the operator: the place with a caret where there is one, else one line and its help.
    pub fn render(&self, color: bool) -> String {
        if let Some(document) = &self.document {
            let findings = std::slice::from_ref(&self.finding);
            return diagnostic::render(&document.name, document.text.as_bytes(), findings, color);
        }
        self.line()
    }

    /// The same remarks, of those that differ only in their place the first with the number of places.
    pub(super) fn without_repeats(remarks: Vec<Self>) -> Vec<Self> {
        let mut first: HashMap<(Option<String>, String), usize> = HashMap::new();
        let mut kept: Vec<(Self, usize)> = Vec::new();
        for remark in remarks {
            let file = remark.document.as_ref().map(|document| document.name.clone());
            let index = *first
                .entry((file, remark.finding.message.clone()))
                .or_insert(kept.len());
            match kept.get_mut(index) {
                Some((_, places)) => *places += 1,
                None => kept.push((remark, 1)),
            }
        }
        let told = |(mut remark, places): (Self, usize)| {
            if places > 1 && remark.document.is_some() {
                remark.finding.message = format!("{} (in {places} places)", remark.finding.message);
            }
            remark
        };
        kept.into_iter().map(told).collect()
    }

    fn line(&self) -> String {
        let severity = if self.finding.is_error() {
            "error"
        } else {
            "warning"
        };
        let mut text = format!("{severity}: {}", sanitize(&redact(&self.finding.message)));
        if let Some(help) = &self.finding.help {
            for line in help.lines() {
                text.push_str("\n  help: ");
                text.push_str(&sanitize(line));
            }
        }
        text.push('\n');
        text
    }
}

/// Why there is no plan: every error that was found, and the warnings beside them.
#[derive(Debug)]
pub struct PlanError {
    /// At least one of them is an error.
    pub remarks: Vec<Remark>,
}

impl PlanError {
    /// All remarks as shown to the operator.
    pub fn render(&self, color: bool) -> String {
        self.remarks.iter().map(|remark| remark.render(color)).collect()
    }
}

impl std::error::Error for PlanError {}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl From<Remark> for PlanError {
    fn from(remark: Remark) -> Self {
        Self {
            remarks: vec![remark],
        }
    }
}
