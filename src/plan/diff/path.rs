//! Where a change is: the steps from the root, and how they read.

use std::fmt::Write as _;

/// One step from a value to something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A key of a map.
    Key(String),
    /// The element of a list that is called so.
    Named(String),
    /// A position in a list.
    Index(usize),
    /// The order of a named list.
    Order,
    /// The document that a text holds, behind so many bytes and before so many.
    Document {
        /// Bytes before it.
        before: usize,
        /// Bytes behind it.
        behind: usize,
    },
    /// A line of a text, from 0.
    Line(usize),
    /// A word of a text, from 0, and the flag it belongs to.
    Word(usize, Option<String>),
}

/// The steps for people.
pub(super) fn text(steps: &[Step]) -> String {
    let mut text = String::new();
    let mut fresh = true;
    for step in steps {
        // Writing to a string cannot fail.
        let _ = match step {
            Step::Key(key) => {
                if !fresh {
                    text.push('.');
                }
                text.push_str(&key_text(key));
                Ok(())
            }
            Step::Named(name) => write!(text, "[{name}]"),
            Step::Index(index) => write!(text, "[{index}]"),
            Step::Order => write!(text, " (order)"),
            Step::Document { .. } => write!(text, " > "),
            Step::Line(line) => write!(text, " line {}", line + 1),
            Step::Word(word, None) => write!(text, " word {}", word + 1),
            Step::Word(word, Some(flag)) => write!(text, " word {} ({flag})", word + 1),
        };
        fresh = matches!(step, Step::Document { .. });
    }
    text.trim().to_owned()
}

/// Quoted where the key alone would read as several, or as something else.
fn key_text(key: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_/$".contains(c);
    if !key.is_empty() && key.chars().all(plain) {
        key.to_owned()
    } else {
        format!("\"{key}\"")
    }
}
