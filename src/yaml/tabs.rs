//! Tabs: PyYAML accepts them only inside quoted and block scalars and in comments.

use crate::diagnostic::{Finding, Findings, Span};
use std::ops::Range;

/// Report the first tab of each line that PyYAML would stumble over, up to character `end` of `text`.
///
/// `scalars` are the character ranges of quoted and block scalars in file order.
pub(super) fn report(text: &str, scalars: &[Range<usize>], end: usize, findings: &mut Findings) {
    let mut index = 0;
    for (number, line) in lines(text).enumerate() {
        if index > end {
            return;
        }
        if let Some(column) = stray_tab(line, index, scalars) {
            let span = Span {
                line: number as u32 + 1,
                column: column as u32 + 1,
                width: 1,
            };
            findings.push(
                Finding::error(span, "a tab where YAML allows only spaces").with_help(
                    "replace the tab by spaces; a tab inside a value needs quotes around the value",
                ),
            );
        }
        index += line.chars().count();
    }
}

/// The lines of `text` with their ends, split where the parser splits them.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = match rest.find(['\n', '\r']) {
            Some(at) if rest[at..].starts_with("\r\n") => at + 2,
            Some(at) => at + 1,
            None => rest.len(),
        };
        let (line, after) = rest.split_at(length);
        rest = after;
        Some(line)
    })
}

/// The column (from 0) of the first tab outside scalars and comments; `start` is the line's first character in the text.
fn stray_tab(line: &str, start: usize, scalars: &[Range<usize>]) -> Option<usize> {
    if !line.contains('\t') {
        return None;
    }
    let mut before = ' ';
    for (column, c) in line.chars().enumerate() {
        let index = start + column;
        let inside = scalars
            .get(scalars.partition_point(|scalar| scalar.end <= index))
            .is_some_and(|scalar| scalar.contains(&index));
        if !inside {
            match c {
                '#' if before == ' ' => return None,
                '\t' => return Some(column),
                _ => {}
            }
        }
        before = c;
    }
    None
}
