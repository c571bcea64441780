//! The plan of one setup treatment: a list of what it consists of, and the text of what is chosen from it.

mod navigate;
mod search;

use super::lines::Lines;
use super::parts::{Parts, Side, Wish};
use super::scroll::Scroll;
use super::tree::{self, Tree};
use crate::tui::canvas;
use crate::tui::layout::inside;
use crate::tui::plans::{ConfigLine, PlanFile, PlanView, StackView};
use ratatui::layout::Rect;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// What can be chosen from the list, by the positions of stack and file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entry {
    /// The name of a stack, where there are several. Cannot be chosen.
    Stack(usize),
    /// The resolved configuration.
    Config(usize),
    /// What is not resolved, and warnings.
    Notes(usize),
    /// A rendered file.
    File(usize, usize),
}

/// Where the operator is, to come back to.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Place {
    pub(super) scroll: Scroll,
    tree: Option<Tree>,
}

impl Place {
    pub(super) fn at(scroll: Scroll) -> Self {
        Self { scroll, tree: None }
    }
}

/// The plan on screen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    view: Arc<PlanView>,
    /// Which files say nothing, by stack.
    blank: Vec<Vec<bool>>,
    pub(super) hide_blank: bool,
    /// What the list shows.
    pub(super) entries: Vec<Entry>,
    pub(super) chosen: Entry,
    pub(super) list_top: usize,
    pub(super) side: Side,
    pub(super) full: bool,
    /// One per stack.
    trees: Vec<Tree>,
    pub(super) lines: Lines,
    pub(super) scroll: Scroll,
    /// Where the operator was in entries seen before.
    seen: BTreeMap<Entry, Scroll>,
}

/// Whether a file has nothing but comments: its template decided that it is not needed.
fn is_blank(file: &PlanFile) -> bool {
    let says_nothing = |line: &str| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    };
    file.text.lines().all(says_nothing)
}

impl Plan {
    pub(super) fn new(view: Arc<PlanView>) -> Self {
        let blank = |stack: &StackView| stack.files.iter().map(is_blank).collect();
        let mut plan = Self {
            blank: view.stacks.iter().map(blank).collect(),
            trees: view.stacks.iter().map(|stack| Tree::new(&stack.config)).collect(),
            view,
            hide_blank: true,
            entries: Vec::new(),
            chosen: Entry::Config(0),
            list_top: 0,
            side: Side::List,
            full: false,
            lines: Lines::default(),
            scroll: Scroll::default(),
            seen: BTreeMap::new(),
        };
        plan.list();
        plan.lines = plan.text_of(plan.chosen);
        plan
    }

    pub(super) fn view(&self) -> &PlanView {
        &self.view
    }

    pub(super) fn stack(&self, stack: usize) -> Option<&StackView> {
        self.view.stacks.get(stack)
    }

    pub(super) fn file(&self, stack: usize, file: usize) -> Option<&PlanFile> {
        self.stack(stack)?.files.get(file)
    }

    pub(super) fn is_blank(&self, stack: usize, file: usize) -> bool {
        let blank = self.blank.get(stack).and_then(|files| files.get(file));
        blank.copied().unwrap_or_default()
    }

    /// How many files say nothing.
    pub(super) fn blank_files(&self) -> usize {
        self.blank.iter().flatten().filter(|blank| **blank).count()
    }

    /// The configuration on show, if one is chosen.
    pub(super) fn config(&self) -> Option<(&[ConfigLine], &Tree)> {
        let Entry::Config(stack) = self.chosen else {
            return None;
        };
        Some((&self.stack(stack)?.config, self.trees.get(stack)?))
    }

    /// Make the list anew.
    fn list(&mut self) {
        let mut entries = Vec::new();
        let several = self.view.stacks.len() > 1;
        for (number, stack) in self.view.stacks.iter().enumerate() {
            if several {
                entries.push(Entry::Stack(number));
            }
            entries.push(Entry::Config(number));
            if !stack.unresolved.is_empty() || !stack.warnings.is_empty() {
                entries.push(Entry::Notes(number));
            }
            let files = (0..stack.files.len()).map(|file| (file, Entry::File(number, file)));
            let shown = files.filter(|(file, entry)| {
                *entry == self.chosen || !(self.hide_blank && self.is_blank(number, *file))
            });
            entries.extend(shown.map(|(_, entry)| entry));
        }
        self.entries = entries;
    }

    pub(super) fn parts(&self, area: Rect) -> Parts {
        let name = |entry: &Entry| canvas::width(&self.name(*entry));
        let wish = Wish {
            list: Some(self.entries.iter().map(name).max().unwrap_or(0)),
            side: self.side,
            strip: self.config().is_some(),
            full: self.full,
        };
        Parts::of(area, wish)
    }

    /// What the list calls an entry.
    pub(super) fn name(&self, entry: Entry) -> String {
        match entry {
            Entry::Stack(stack) => self
                .stack(stack)
                .map_or_else(String::new, |stack| stack.name.clone()),
            Entry::Config(_) => "config.yaml".to_owned(),
            Entry::Notes(stack) => {
                let count = self
                    .stack(stack)
                    .map_or(0, |stack| stack.unresolved.len() + stack.warnings.len());
                format!("notes ({count})")
            }
            Entry::File(stack, file) => self
                .file(stack, file)
                .map_or_else(String::new, |file| file.name.clone()),
        }
    }

    /// The text of an entry, as it is searched; that of the configuration has a line per line of it.
    fn text_of(&self, entry: Entry) -> Lines {
        let text: Arc<str> = match entry {
            Entry::Stack(_) => "".into(),
            Entry::Config(stack) => {
                let lines = self.stack(stack).map_or(&[][..], |stack| &stack.config);
                let mut text = String::new();
                for line in lines {
                    // A value of several lines is one line here. Writing to a string cannot fail.
                    let _ = writeln!(text, "{}: {}", line.path, line.value.replace('\n', " "));
                }
                text.into()
            }
            Entry::Notes(stack) => self.notes(stack).into(),
            Entry::File(stack, file) => self
                .file(stack, file)
                .map_or_else(|| "".into(), |file| Arc::clone(&file.text)),
        };
        Lines::new(text)
    }

    fn notes(&self, stack: usize) -> String {
        let mut text = String::new();
        let Some(stack) = self.stack(stack) else {
            return text;
        };
        // Writing to a string cannot fail.
        if !stack.unresolved.is_empty() {
            text.push_str("# Known only once there is a cluster\n");
        }
        for unresolved in &stack.unresolved {
            let _ = writeln!(text, "{}: {}", unresolved.path, unresolved.why);
        }
        if !stack.unresolved.is_empty() && !stack.warnings.is_empty() {
            text.push('\n');
        }
        if !stack.warnings.is_empty() {
            text.push_str("# Warnings\n");
        }
        for warning in &stack.warnings {
            let _ = writeln!(text, "{warning}");
        }
        text
    }

    /// Rows of the text.
    pub(super) fn count(&self) -> usize {
        match self.config() {
            Some((_, tree)) => tree.shown().len(),
            None => self.lines.len(),
        }
    }

    /// Columns for the numbers of a file's lines. Alone on the screen it is for copying, and has none.
    pub(super) fn gutter(&self) -> u16 {
        if self.full || !matches!(self.chosen, Entry::File(..)) {
            return 0;
        }
        self.lines.len().max(1).ilog10() as u16 + 2
    }

    /// Have a position on screen that there is, whatever changed.
    pub(super) fn settle(&mut self, area: Rect) {
        let parts = self.parts(area);
        let (count, height) = (self.count(), usize::from(parts.text.height));
        if self.config().is_some() {
            self.scroll.keep_cursor(count, height);
        } else {
            self.scroll.top = self.scroll.top.min(count.saturating_sub(height));
        }
        let room = usize::from(inside(parts.list).height).max(1);
        let at = self.position();
        let top = self.list_top.clamp((at + 1).saturating_sub(room), at);
        self.list_top = top.min(self.entries.len().saturating_sub(room));
    }

    /// Where in the list the chosen entry is.
    pub(super) fn position(&self) -> usize {
        let at = self.entries.iter().position(|entry| *entry == self.chosen);
        at.unwrap_or_default()
    }

    /// Whether the line at the cursor can be folded or unfolded.
    pub(super) fn is_head(&self, line: usize) -> bool {
        self.config().is_some_and(|(lines, _)| tree::is_head(lines, line))
    }
}
