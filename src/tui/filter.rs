//! The grid's filter: which rows, columns and cells are shown.
//!
//! A filter is words. Statuses among them (`failed`, `not-run`) choose cells by status, any of them; every other word
//! must occur in the header of the cell's row or column, names of factors included (`tp=4`). A leading `!` turns the
//! whole filter round. Rows and columns without a matching cell are hidden, other cells are dimmed.

use super::theme::{STATUSES, status_word};
use crate::engine::{CellStatus, State, TreatmentInfo};
use crate::experiment::CellId;

/// Words a filter may have; more are ignored.
const MAX_WORDS: usize = 32;

/// Which rows or columns are shown, in design order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The first so many, which is all.
    All(u32),
    /// These.
    Some(Vec<u32>),
}

impl Shown {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::All(count) => *count as usize,
            Self::Some(ids) => ids.len(),
        }
    }

    /// The row or column at a position on screen.
    pub(crate) fn at(&self, position: usize) -> Option<u32> {
        match self {
            Self::All(count) => u32::try_from(position).ok().filter(|id| id < count),
            Self::Some(ids) => ids.get(position).copied(),
        }
    }

    /// The position of a row or column, or of the next one that is shown.
    pub(crate) fn nearest(&self, id: u32) -> Option<usize> {
        let last = self.len().checked_sub(1)?;
        let position = match self {
            Self::All(_) => id as usize,
            Self::Some(ids) => ids.partition_point(|shown| *shown < id),
        };
        Some(position.min(last))
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        match self {
            Self::All(count) => id < *count,
            Self::Some(ids) => ids.binary_search(&id).is_ok(),
        }
    }
}

/// A filter, and what of it does not change while the design does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    text: String,
    inverse: bool,
    /// One bit per status that is asked for; 0 asks for none in particular.
    statuses: u16,
    /// One bit per word that has to be found.
    words: u32,
    /// Per row and column, which words its header has.
    rows: Vec<u32>,
    columns: Vec<u32>,
}

impl Filter {
    /// The filter that `text` says, for this design.
    pub(crate) fn new(text: &str, state: &State) -> Self {
        let text = text.trim();
        let (inverse, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let mut filter = Self {
            text: text.to_owned(),
            inverse,
            ..Self::default()
        };
        let mut words = Vec::new();
        for word in rest.split_whitespace().take(MAX_WORDS) {
            let word = word.to_lowercase();
            match status_of(&word) {
                Some(status) => filter.statuses |= 1 << status as u16,
                None => words.push(word),
            }
        }
        if let Some(opened) = &state.opened {
            filter.words = (1_u64 << words.len()).wrapping_sub(1) as u32;
            filter.rows = opened.setups.iter().map(|header| found(header, &words)).collect();
            filter.columns = opened.runs.iter().map(|header| found(header, &words)).collect();
        }
        filter
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether everything is shown.
    pub(crate) fn is_empty(&self) -> bool {
        self.statuses == 0 && self.words == 0
    }

    /// Whether what is shown depends on what happens in the sweep.
    pub(crate) fn asks_for_status(&self) -> bool {
        self.statuses != 0
    }

    pub(crate) fn matches(&self, cell: CellId, status: CellStatus) -> bool {
        if self.is_empty() {
            return true;
        }
        let bits = |of: &[u32], index: usize| of.get(index).copied().unwrap_or(0);
        let words = bits(&self.rows, cell.setup.index()) | bits(&self.columns, cell.run.index());
        let wanted = self.statuses == 0 || self.statuses & (1 << status as u16) != 0;
        (wanted && words & self.words == self.words) != self.inverse
    }

    /// The rows and columns with a matching cell. Looks at every cell: for when the filter or the sweep changed, and
    /// not for each frame.
    pub(crate) fn shown(&self, state: &State) -> (Shown, Shown) {
        let (rows, columns) = (state.setups.len(), state.runs as usize);
        if self.is_empty() {
            return (Shown::All(rows as u32), Shown::All(columns as u32));
        }
        let mut row_seen = vec![false; rows];
        let mut column_seen = vec![false; columns];
        for (id, cell) in state.iter_cells() {
            if self.matches(id, cell.status) {
                if let Some(seen) = row_seen.get_mut(id.setup.index()) {
                    *seen = true;
                }
                if let Some(seen) = column_seen.get_mut(id.run.index()) {
                    *seen = true;
                }
            }
        }
        (
            Shown::Some(positions(&row_seen)),
            Shown::Some(positions(&column_seen)),
        )
    }
}

fn positions(seen: &[bool]) -> Vec<u32> {
    (0..)
        .zip(seen)
        .filter_map(|(id, seen)| seen.then_some(id))
        .collect()
}

/// A word for a status, as the screen writes it, with or without the space of `not run`.
fn status_of(word: &str) -> Option<CellStatus> {
    let plain = word.replace(['-', '_'], " ");
    STATUSES.into_iter().find(|status| {
        let name = status_word(*status);
        name == plain || name.replace(' ', "") == plain
    })
}

fn found(header: &TreatmentInfo, words: &[String]) -> u32 {
    if words.is_empty() {
        return 0;
    }
    let mut text = header.name.to_lowercase();
    for level in &header.levels {
        text.push(' ');
        text.push_str(&level.factor.to_lowercase());
        text.push('=');
        text.push_str(&level.value.to_lowercase());
    }
    text.push(' ');
    let has = |word: &String| {
        // `tp=1` must not find `tp=16`: what has an equals sign ends where the value ends.
        if word.contains('=') {
            text.contains(&format!("{word} "))
        } else {
            text.contains(word.as_str())
        }
    };
    (0..)
        .zip(words)
        .fold(0, |bits, (bit, word)| bits | (u32::from(has(word)) << bit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixtures;

    fn shown(text: &str) -> (usize, usize) {
        let state = fixtures::midway().state().clone();
        let (rows, columns) = Filter::new(text, &state).shown(&state);
        (rows.len(), columns.len())
    }

    #[test]
    fn words_of_headers_and_statuses_choose_cells() {
        assert_eq!(shown(""), (3, 4));
        assert_eq!(shown("concurrency=1"), (3, 1));
        assert_eq!(shown("failed"), (1, 1));
        assert_eq!(shown("notrun failed"), shown("not-run failed"));
        assert_eq!(shown("nothing-like-it"), (0, 0));
        assert_eq!(shown("!nothing-like-it"), (3, 4));
        assert_eq!(shown("replicas=2 concurrency=8"), (1, 1));
    }

    #[test]
    fn what_is_hidden_has_a_nearest_neighbour() {
        let some = Shown::Some(vec![2, 5, 9]);
        assert_eq!(
            (some.nearest(0), some.nearest(5), some.nearest(100)),
            (Some(0), Some(1), Some(2))
        );
        assert_eq!(Shown::Some(vec![]).nearest(3), None);
        assert_eq!(Shown::All(3).nearest(7), Some(2));
        assert!(some.contains(5) && !some.contains(6));
    }
}
