//! Texts: as the documents they hold, else by lines, else by words.

use super::Changes;
use super::list::{Edit, common, edits};
use super::path::Step;
use crate::yaml;
use serde_json::Value;

/// A text shorter than this is told as a whole: its words are few enough to be compared by eye.
const SHORT: usize = 40;

impl Changes {
    pub(super) fn texts(&mut self, a: &str, b: &str) {
        if let Some((step, a, b)) = documents(a, b) {
            self.within(step, |changes| changes.compare(&a, &b));
            return;
        }
        if a.contains('\n') || b.contains('\n') {
            let (lines, others): (Vec<&str>, Vec<&str>) = (a.split('\n').collect(), b.split('\n').collect());
            if alike(&lines, &others) {
                self.parts(&lines, &others, Step::Line);
                return;
            }
        } else if a.len().min(b.len()) >= SHORT {
            let (words, others) = (words(a), words(b));
            if alike(&words, &others) {
                self.words(&words, &others);
                return;
            }
        }
        self.note(Some(a.into()), Some(b.into()));
    }

    fn parts(&mut self, a: &[&str], b: &[&str], step: impl Fn(usize) -> Step) {
        let value = |part: Option<&&str>| part.map(|part| Value::from(*part));
        for edit in edits(a, b) {
            match edit {
                Edit::Pair(i, j) => {
                    if let (Some(before), Some(after)) = (a.get(i), b.get(j))
                        && before != after
                    {
                        self.within(step(i), |changes| changes.texts(before, after));
                    }
                }
                Edit::Removed(i) => self.within(step(i), |changes| changes.note(value(a.get(i)), None)),
                Edit::Added(j) => self.within(step(j), |changes| changes.note(None, value(b.get(j)))),
            }
        }
    }

    /// A word is told with the flag before it, if that is the same on both sides.
    fn words(&mut self, a: &[&str], b: &[&str]) {
        let same: Vec<usize> = common(a, b).into_iter().map(|(i, _)| i).collect();
        self.parts(a, b, |index| {
            let flag = index
                .checked_sub(1)
                .filter(|before| same.binary_search(before).is_ok())
                .and_then(|before| a.get(before))
                .filter(|word| word.starts_with('-') && !word.contains('='));
            Step::Word(index, flag.map(|word| (*word).to_owned()))
        });
    }
}

/// Whether comparing part by part says more than showing both wholes.
fn alike(a: &[&str], b: &[&str]) -> bool {
    let filled = |(i, _): &(usize, usize)| a.get(*i).is_some_and(|part| !part.trim().is_empty());
    common(a, b).iter().filter(|pair| filled(pair)).count() * 4 >= a.len().min(b.len())
}

/// Words between single spaces; spaces within single quotes are part of a word. Joined by spaces they are the text.
pub(super) fn words(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '\'';
        c == ' ' && !quoted
    })
    .collect()
}

/// The documents that two texts hold, if both hold one and have the same around it.
fn documents(a: &str, b: &str) -> Option<(Step, Value, Value)> {
    let whole = Step::Document { before: 0, behind: 0 };
    if let (Some(a), Some(b)) = (document(a), document(b)) {
        return Some((whole, a, b));
    }
    let ((before, inner_a, behind), (other_before, inner_b, other_behind)) = (around(a)?, around(b)?);
    if before != other_before || behind != other_behind {
        return None;
    }
    let step = Step::Document {
        before: before.len(),
        behind: behind.len(),
    };
    Some((step, json(inner_a)?, json(inner_b)?))
}

/// A list or map that is written down in a text, as JSON or as block YAML.
fn document(text: &str) -> Option<Value> {
    json(text).or_else(|| {
        let block = text.trim_end().contains('\n') && text.contains(':') && !text.starts_with("#!");
        let value = block.then(|| yaml::from_str(text).ok()).flatten()?;
        (value.is_object() || value.is_array()).then_some(value)
    })
}

fn json(text: &str) -> Option<Value> {
    text.trim_start()
        .starts_with(['{', '['])
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// A word like `'{"a": 1}'` or `--config={"a": 1}`: what stands before the braces, they, and what stands behind.
fn around(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('{')?;
    let end = text.rfind('}').filter(|end| *end > start)? + 1;
    let (before, behind) = (text.get(..start)?, text.get(end..)?);
    let clean = !before.contains([' ', '\n']) && !behind.contains([' ', '\n']);
    clean.then_some((before, text.get(start..end)?, behind))
}
