//! Comma-separated values with their places, and what one value means.

use crate::diagnostic::{Finding, Findings, Span};
use crate::yaml::{self, Node};
use serde_json::Value;

/// A parameter that does not apply in a treatment.
const NOT_APPLICABLE: &str = "NA";
/// Stands for a comma inside a value.
const COMMA: &str = "REPLACE_COMMA";

/// One value of a comma-separated list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The value, without blanks around it, with its commas.
    pub(super) text: String,
    /// Where it stands.
    pub(super) span: Span,
}

impl Entry {
    pub(super) fn is_not_applicable(&self) -> bool {
        self.text == NOT_APPLICABLE
    }
}

/// Split a scalar at its commas. Each entry has its own place where text and file agree, else the scalar's.
pub(super) fn split(node: &Node) -> Vec<Entry> {
    let mut column = node.text_column();
    let pieces = node.raw().unwrap_or_default().split(',');
    let entry = |piece: &str| {
        let blanks = piece.chars().count() - piece.trim_start().chars().count();
        let text = piece.trim();
        let span = column.map_or(node.span, |column| Span {
            line: node.span.line,
            column: column + blanks as u32,
            width: text.chars().count().max(1) as u32,
        });
        column = column.map(|column| column + piece.chars().count() as u32 + 1);
        Entry {
            text: text.replace(COMMA, ","),
            span,
        }
    };
    pieces.map(entry).collect()
}

/// The levels of one factor: a comma-separated text, a single value, or a list. `None` where the type is wrong.
pub(super) fn of_factor(node: &Node) -> Option<Vec<Entry>> {
    if let Some(items) = node.items() {
        return items
            .iter()
            .map(|item| {
                Some(Entry {
                    text: item.raw()?.trim().replace(COMMA, ","),
                    span: item.span,
                })
            })
            .collect();
    }
    node.raw().map(|_| split(node))
}

/// What the text of a value means; a reading that deserves a word gets it.
pub(super) fn value_of(entry: &Entry, findings: &mut Findings) -> Value {
    match yaml::read_plain(&entry.text) {
        Ok(reading) => {
            if let Some(note) = reading.note {
                let (message, help) = note.words(&entry.text, &reading.value);
                findings.push(Finding::warning(entry.span, message).with_help(help));
            }
            reading.value
        }
        Err(_) => Value::String(entry.text.clone()),
    }
}
