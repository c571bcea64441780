//! The configuration as a tree: which of its lines are on show.
//!
//! At first those that the defaults alone say are folded away, because what was chosen for a setup treatment is a
//! handful of a thousand lines.

use crate::tui::plans::ConfigLine;
use std::collections::BTreeSet;

/// What is folded and left out, and what that leaves. Lines are named by their index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tree {
    folded: BTreeSet<usize>,
    only_chosen: bool,
    shown: Vec<usize>,
}

/// Whether parts of this line follow it.
pub(super) fn is_head(lines: &[ConfigLine], line: usize) -> bool {
    match (lines.get(line), lines.get(line + 1)) {
        (Some(this), Some(next)) => next.depth > this.depth,
        _ => false,
    }
}

/// The first line after all parts of this one.
fn end_of(lines: &[ConfigLine], line: usize) -> usize {
    let depth = lines.get(line).map_or(0, |line| line.depth);
    let after = lines.iter().enumerate().skip(line + 1);
    after
        .take_while(|(_, part)| part.depth > depth)
        .last()
        .map_or(line + 1, |(last, _)| last + 1)
}

/// The line that this one is a part of.
fn parent(lines: &[ConfigLine], line: usize) -> Option<usize> {
    let depth = lines.get(line)?.depth;
    let before = lines.get(..line)?;
    before.iter().rposition(|other| other.depth < depth)
}

/// For each line whether it, or a part of it, says something else than the defaults.
fn chosen(lines: &[ConfigLine]) -> Vec<bool> {
    let mut chosen: Vec<bool> = lines.iter().map(|line| !line.is_default).collect();
    let mut path: Vec<usize> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        while path
            .last()
            .is_some_and(|above| lines.get(*above).is_none_or(|above| above.depth >= line.depth))
        {
            path.pop();
        }
        if !line.is_default {
            // Once one is marked, all above it are.
            for above in path.iter().rev() {
                match chosen.get_mut(*above) {
                    Some(mark) if !*mark => *mark = true,
                    _ => break,
                }
            }
        }
        path.push(index);
    }
    chosen
}

impl Tree {
    pub(super) fn new(lines: &[ConfigLine]) -> Self {
        let chosen = chosen(lines);
        let dull = |line: &usize| !chosen.get(*line).copied().unwrap_or_default();
        let mut tree = Self {
            folded: (0..lines.len())
                .filter(|line| dull(line) && is_head(lines, *line))
                .collect(),
            ..Self::default()
        };
        tree.refresh(lines);
        tree
    }

    /// The lines on show, top down.
    pub(super) fn shown(&self) -> &[usize] {
        &self.shown
    }

    /// The line at a row.
    pub(super) fn line(&self, row: usize) -> Option<usize> {
        self.shown.get(row).copied()
    }

    /// The row of a line, or of what it is folded into.
    pub(super) fn row(&self, line: usize) -> usize {
        self.shown
            .partition_point(|shown| *shown <= line)
            .saturating_sub(1)
    }

    pub(super) fn is_folded(&self, line: usize) -> bool {
        self.folded.contains(&line)
    }

    pub(super) fn is_only_chosen(&self) -> bool {
        self.only_chosen
    }

    /// Fold a map or list, or unfold it.
    pub(super) fn toggle(&mut self, lines: &[ConfigLine], line: usize) {
        if is_head(lines, line) && !self.folded.remove(&line) {
            self.folded.insert(line);
        }
        self.refresh(lines);
    }

    /// Fold this line, or if there is nothing to fold what it is a part of; the line that is folded now.
    pub(super) fn fold(&mut self, lines: &[ConfigLine], line: usize) -> Option<usize> {
        let open = is_head(lines, line) && !self.is_folded(line);
        let target = if open { line } else { parent(lines, line)? };
        self.folded.insert(target);
        self.refresh(lines);
        Some(target)
    }

    pub(super) fn unfold(&mut self, lines: &[ConfigLine], line: usize) {
        if self.folded.remove(&line) {
            self.refresh(lines);
        }
    }

    pub(super) fn fold_all(&mut self, lines: &[ConfigLine]) {
        self.folded = (0..lines.len()).filter(|line| is_head(lines, *line)).collect();
        self.refresh(lines);
    }

    pub(super) fn unfold_all(&mut self, lines: &[ConfigLine]) {
        self.folded.clear();
        self.refresh(lines);
    }

    /// Leave out what the defaults alone say, or show it again.
    pub(super) fn toggle_chosen(&mut self, lines: &[ConfigLine]) {
        self.only_chosen = !self.only_chosen;
        self.refresh(lines);
    }

    /// Show this line, whatever it is folded into.
    pub(super) fn reveal(&mut self, lines: &[ConfigLine], line: usize) {
        if self.shown.binary_search(&line).is_ok() {
            return;
        }
        let mut at = line;
        while let Some(above) = parent(lines, at) {
            self.folded.remove(&above);
            at = above;
        }
        self.refresh(lines);
        if self.shown.binary_search(&line).is_err() {
            self.only_chosen = false;
            self.refresh(lines);
        }
    }

    fn refresh(&mut self, lines: &[ConfigLine]) {
        let chosen = if self.only_chosen {
            chosen(lines)
        } else {
            Vec::new()
        };
        self.shown.clear();
        let mut line = 0;
        while line < lines.len() {
            let next = if self.folded.contains(&line) {
                end_of(lines, line)
            } else {
                line + 1
            };
            if !self.only_chosen || chosen.get(line).copied().unwrap_or_default() {
                self.shown.push(line);
            }
            line = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `0a 1b* 1c`: depth, key, and a star where the defaults do not say so.
    fn lines(text: &str) -> Vec<ConfigLine> {
        let line = |word: &str| {
            let (depth, key) = word.split_at(1);
            ConfigLine {
                depth: depth.parse().unwrap(),
                key: key.trim_end_matches('*').to_owned(),
                is_default: !key.ends_with('*'),
                ..ConfigLine::default()
            }
        };
        text.split_whitespace().map(line).collect()
    }

    fn keys(tree: &Tree, lines: &[ConfigLine]) -> String {
        let keys: Vec<&str> = tree
            .shown()
            .iter()
            .map(|line| lines[*line].key.as_str())
            .collect();
        keys.join(" ")
    }

    #[test]
    fn what_the_defaults_say_is_folded_at_first() {
        let lines = lines("0a 1b 2c 1d 2e* 0f 1g 0h");
        let mut tree = Tree::new(&lines);
        assert_eq!(keys(&tree, &lines), "a b d e f h");
        tree.toggle_chosen(&lines);
        assert_eq!(keys(&tree, &lines), "a d e");
        tree.toggle_chosen(&lines);
        tree.unfold_all(&lines);
        assert_eq!(keys(&tree, &lines), "a b c d e f g h");
        tree.fold_all(&lines);
        assert_eq!(keys(&tree, &lines), "a f h");
    }

    #[test]
    fn folding_a_leaf_folds_what_it_is_in() {
        let lines = lines("0a 1b 2c* 2d 0e*");
        let mut tree = Tree::new(&lines);
        assert_eq!(tree.fold(&lines, 3), Some(1));
        assert_eq!(keys(&tree, &lines), "a b e");
        assert_eq!(tree.row(3), 1, "it is in the folded line");
        assert_eq!(tree.fold(&lines, 1), Some(0));
        assert_eq!(tree.fold(&lines, 0), None);
        tree.unfold(&lines, 0);
        tree.toggle(&lines, 1);
        assert_eq!(keys(&tree, &lines), "a b c d e");
        tree.toggle(&lines, 2);
        assert_eq!(keys(&tree, &lines), "a b c d e", "a leaf has nothing to fold");
    }

    #[test]
    fn what_is_found_is_shown() {
        let lines = lines("0a 1b 2c 0e*");
        let mut tree = Tree::new(&lines);
        tree.toggle_chosen(&lines);
        assert_eq!(keys(&tree, &lines), "e");
        tree.reveal(&lines, 2);
        assert_eq!(keys(&tree, &lines), "a b c e");
        assert_eq!(tree.line(tree.row(2)), Some(2));
    }

    proptest! {
        #[test]
        fn any_depths_make_some_tree(depths in prop::collection::vec((0u16..9, any::<bool>()), 0..40), at in 0usize..45) {
            let lines: Vec<ConfigLine> = depths.iter().map(|(depth, is_default)| ConfigLine {
                depth: *depth,
                is_default: *is_default,
                ..ConfigLine::default()
            }).collect();
            let mut tree = Tree::new(&lines);
            tree.fold(&lines, at);
            tree.toggle(&lines, at);
            tree.reveal(&lines, at);
            prop_assert_eq!(at < lines.len(), tree.shown().contains(&at));
            tree.unfold_all(&lines);
            prop_assert_eq!(tree.shown().len(), lines.len());
        }
    }
}
