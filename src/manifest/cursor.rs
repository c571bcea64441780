//! A place in a document: the value there, the way to it, and where to report.

use crate::diagnostic::{Finding, Findings, Span};
use crate::yaml::Node;
use std::cell::RefCell;
use std::fmt::{self, Write as _};

/// Collects what is found in one object.
pub(super) struct Report {
    /// `Deployment web`; empty of a document that is no object.
    object: String,
    /// Whether the object holds secrets, so that no finding may point at its values.
    secret: bool,
    /// Whether names may still be empty.
    unnamed: bool,
    findings: RefCell<Findings>,
}

impl Report {
    pub(super) fn new(object: String) -> Self {
        Self {
            object,
            secret: false,
            unnamed: false,
            findings: RefCell::new(Findings::default()),
        }
    }

    /// The same, for an object whose data must not be shown.
    pub(super) fn of_secret(mut self, secret: bool) -> Self {
        self.secret = secret;
        self
    }

    /// The same, for an object that may get its name later.
    pub(super) fn maybe_unnamed(mut self, unnamed: bool) -> Self {
        self.unnamed = unnamed;
        self
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_inner().into_sorted()
    }

    fn push(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a Node),
    Index(usize),
}

/// One value of a document.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) node: &'a Node,
    parent: Option<&'a Cursor<'a>>,
    step: Step<'a>,
    report: &'a Report,
}

impl<'a> Cursor<'a> {
    pub(super) fn root(node: &'a Node, report: &'a Report) -> Self {
        Self {
            node,
            parent: None,
            step: Step::Root,
            report,
        }
    }

    pub(super) fn key<'b>(&'b self, key: &'b Node, value: &'b Node) -> Cursor<'b> {
        Cursor {
            node: value,
            parent: Some(self),
            step: Step::Key(key),
            report: self.report,
        }
    }

    pub(super) fn index<'b>(&'b self, index: usize, value: &'b Node) -> Cursor<'b> {
        Cursor {
            node: value,
            parent: Some(self),
            step: Step::Index(index),
            report: self.report,
        }
    }

    /// The value of `key`, where it is there and not null: a null is no different from nothing to an API server.
    pub(super) fn get<'b>(&'b self, name: &str) -> Option<Cursor<'b>> {
        let pairs = self.node.pairs()?;
        let (key, value) = pairs.iter().rfind(|(key, _)| key.raw() == Some(name))?;
        (!value.is_null()).then(|| self.key(key, value))
    }

    /// The entries of a map; none of other values.
    pub(super) fn fields(&self) -> impl Iterator<Item = Cursor<'_>> {
        let pairs = self.node.pairs().unwrap_or_default();
        pairs.iter().map(|(key, value)| self.key(key, value))
    }

    /// The elements of a list; none of other values.
    pub(super) fn items(&self) -> impl Iterator<Item = Cursor<'_>> {
        let items = self.node.items().unwrap_or_default();
        items
            .iter()
            .enumerate()
            .map(|(index, value)| self.index(index, value))
    }

    /// The key under which this value stands.
    pub(super) fn name(&self) -> &'a str {
        match self.step {
            Step::Key(key) => key.raw().unwrap_or_default(),
            _ => "",
        }
    }

    /// The text of `key`, where it is text.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.node.get(name).and_then(Node::as_str)
    }

    pub(super) fn error(&self, what: impl fmt::Display) {
        self.report.push(self.finding(Finding::error, what));
    }

    pub(super) fn error_with_help(&self, what: impl fmt::Display, help: impl Into<String>) {
        self.report
            .push(self.finding(Finding::error, what).with_help(help));
    }

    pub(super) fn warning(&self, what: impl fmt::Display) {
        self.report.push(self.finding(Finding::warning, what));
    }

    pub(super) fn warning_with_help(&self, what: impl fmt::Display, help: impl Into<String>) {
        self.report
            .push(self.finding(Finding::warning, what).with_help(help));
    }

    /// Whether the object may get its name later.
    pub(super) fn may_be_unnamed(&self) -> bool {
        self.report.unnamed
    }

    /// Say that the map here lacks `field`.
    pub(super) fn lacks(&self, field: &str) {
        let mut path = self.path();
        if !path.is_empty() {
            path.push('.');
        }
        let what = format!("{path}{field} is required");
        let what = if self.report.object.is_empty() {
            what
        } else {
            format!("{}: {what}", self.report.object)
        };
        self.report.push(Finding::error(self.place(), what));
    }

    fn finding(&self, of: fn(Span, String) -> Finding, what: impl fmt::Display) -> Finding {
        let path = self.path();
        let parts = [self.report.object.as_str(), path.as_str()];
        let mut message = String::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            message.push_str(part);
            message.push_str(": ");
        }
        let _ = write!(message, "{what}");
        of(self.place(), message)
    }

    /// The place to point at: the value, or its key where the value begins on a line below.
    fn place(&self) -> Span {
        if self.report.secret && self.in_data() {
            return Span::default();
        }
        match self.step {
            Step::Key(key) if key.span.line != self.node.span.line => key.span,
            _ => self.node.span,
        }
    }

    fn in_data(&self) -> bool {
        match (self.step, self.parent) {
            (Step::Key(key), Some(parent)) if parent.parent.is_none() => {
                matches!(key.raw(), Some("data" | "stringData"))
            }
            (_, Some(parent)) => parent.in_data(),
            _ => false,
        }
    }

    /// The way to here: `spec.template.spec.containers[0].image`.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        self.write_path(&mut path);
        path
    }

    fn write_path(&self, path: &mut String) {
        if let Some(parent) = self.parent {
            parent.write_path(path);
        }
        match self.step {
            Step::Root => {}
            Step::Index(index) => {
                let _ = write!(path, "[{index}]");
            }
            Step::Key(key) => {
                let name = key.raw().unwrap_or_default();
                if name.contains(['.', '/', '[']) {
                    let _ = write!(path, "[{name}]");
                } else if path.is_empty() {
                    path.push_str(name);
                } else {
                    let _ = write!(path, ".{name}");
                }
            }
        }
    }
}
