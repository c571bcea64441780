//! What the grid's headers show: the factors that tell treatments apart, under names as short as they can be.
//!
//! Worked out once per design, because designs may have a million treatments and a frame has a millisecond.

use super::canvas;
use crate::engine::TreatmentInfo;
use std::collections::HashMap;

/// Widest value that gets a place of its own; longer ones are shortened.
const MAX_VALUE: u16 = 14;
/// Widest treatment name.
const MAX_NAME: u16 = 24;

/// A factor that varies among the treatments of a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Factor {
    /// As the experiment file spells it.
    pub(crate) name: String,
    /// Short and still unlike all others of the side.
    pub(crate) short: String,
    /// A reminder of it, where there is room for nothing more.
    pub(crate) tiny: String,
    /// Columns that its values need, at most [`MAX_VALUE`].
    pub(crate) width: u16,
}

/// One side of the design: its rows or its columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Side {
    /// Those that vary, in the order in which they first appear.
    pub(crate) factors: Vec<Factor>,
    /// Columns that the treatments' names need.
    pub(crate) name_width: u16,
    /// Columns that the longest [`described`] text needs.
    pub(crate) text_width: u16,
    /// Most treatments have few of the factors: they are told apart by name, and not by a table full of holes.
    pub(crate) sparse: bool,
    /// Number of treatments.
    pub(crate) len: usize,
}

#[derive(Default)]
struct Seen<'a> {
    order: usize,
    first: &'a str,
    varies: bool,
    times: usize,
    width: u16,
}

impl Side {
    pub(crate) fn of(treatments: &[TreatmentInfo]) -> Self {
        let mut seen: HashMap<&str, Seen> = HashMap::new();
        for level in treatments.iter().flat_map(|treatment| &treatment.levels) {
            let order = seen.len();
            let entry = seen.entry(level.factor.as_str()).or_insert_with(|| Seen {
                order,
                first: &level.value,
                ..Seen::default()
            });
            entry.varies |= entry.first != level.value;
            entry.times += 1;
            entry.width = entry.width.max(canvas::width(&level.value));
        }
        let mut varying: Vec<(&str, Seen)> = seen
            .into_iter()
            // A factor that some treatments do not have varies, too.
            .filter(|(_, seen)| seen.varies || seen.times < treatments.len())
            .collect();
        varying.sort_by_key(|(_, seen)| seen.order);
        let present: usize = varying.iter().map(|(_, seen)| seen.times).sum();
        let sparse = present * 2 < treatments.len() * varying.len();
        let names: Vec<&str> = varying.iter().map(|(name, _)| *name).collect();
        let factors = varying
            .iter()
            .zip(short_names(&names))
            .map(|((name, seen), short)| Factor {
                name: (*name).to_owned(),
                tiny: tiny(&short),
                short,
                width: seen.width.clamp(1, MAX_VALUE),
            });
        let names = treatments.iter().map(|treatment| canvas::width(&treatment.name));
        let mut side = Self {
            factors: factors.collect(),
            name_width: names.max().unwrap_or(0).min(MAX_NAME),
            text_width: 0,
            sparse,
            len: treatments.len(),
        };
        let texts = treatments
            .iter()
            .map(|treatment| canvas::width(&described(treatment, &side)));
        side.text_width = texts.max().unwrap_or(0);
        side
    }
}

/// A treatment's value of a factor; `None` where the factor does not apply.
pub(crate) fn value<'a>(treatment: &'a TreatmentInfo, factor: &Factor) -> Option<&'a str> {
    treatment
        .levels
        .iter()
        .find(|level| level.factor == factor.name)
        .map(|level| level.value.as_str())
}

/// All values of a treatment in one text, for headers without room for more; its name where nothing varies.
pub(crate) fn joined(treatment: &TreatmentInfo, side: &Side, missing: &str) -> String {
    if side.factors.is_empty() {
        return treatment.name.clone();
    }
    let values: Vec<&str> = side
        .factors
        .iter()
        .map(|factor| value(treatment, factor).unwrap_or(missing))
        .collect();
    values.join("/")
}

/// The values that a treatment has, the beginnings of long ones: `mod 6 2 1 4`, for headers with room for little.
pub(crate) fn abridged(treatment: &TreatmentInfo, side: &Side) -> String {
    let values = side.factors.iter().filter_map(|factor| value(treatment, factor));
    // A number that is cut is another number.
    let short = |value: &str| match value.parse::<f64>() {
        Ok(_) => value.to_owned(),
        Err(_) => value.chars().take(3).collect(),
    };
    values.map(short).collect::<Vec<String>>().join(" ")
}

/// The factors that a treatment has with their values, as text: `replicas=1 tp=8`.
pub(crate) fn described(treatment: &TreatmentInfo, side: &Side) -> String {
    let mut text = String::new();
    for factor in &side.factors {
        if let Some(value) = value(treatment, factor) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&factor.short);
            text.push('=');
            text.push_str(value);
        }
    }
    text
}

/// The shortest endings of the names that are still unlike each other, in lower case.
fn short_names(names: &[&str]) -> Vec<String> {
    let split: Vec<(Vec<String>, char)> = names.iter().map(|name| parts(name)).collect();
    let ending = |parts: &[String], separator: char, count: usize| {
        let from = parts.len().saturating_sub(count);
        parts.get(from..).unwrap_or_default().join(&separator.to_string())
    };
    let short = |(index, (own, separator)): (usize, &(Vec<String>, char))| {
        let unlike_others = |count: &usize| {
            let mine = ending(own, *separator, *count);
            let mut others = split.iter().enumerate().filter(|(other, _)| *other != index);
            others.all(|(_, (parts, separator))| ending(parts, *separator, *count) != mine)
        };
        let count = (1..=own.len()).find(unlike_others).unwrap_or(own.len());
        ending(own, *separator, count)
    };
    split.iter().enumerate().map(short).collect()
}

fn first_letter(text: &str) -> &str {
    text.char_indices()
        .nth(1)
        .map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

/// The first letters of a name's parts; a short last part is kept: `ptp` for
/// `prefill_tp`. Of a name of one part, its beginning.
fn tiny(short: &str) -> String {
    let parts: Vec<&str> = short.split(['_', '.', '-']).collect();
    let Some((last, [_, ..])) = parts.split_last().map(|(last, rest)| (*last, rest)) else {
        return short.chars().take(3).collect();
    };
    let initial = |part: &&str| part.chars().next();
    let first = parts.iter().take(parts.len() - 1).filter_map(initial);
    let last = if last.chars().count() <= 2 {
        last
    } else {
        first_letter(last)
    };
    first.chain(last.chars()).collect()
}

/// The parts of a factor's name, with the words of the field that everybody abbreviates abbreviated.
fn parts(name: &str) -> (Vec<String>, char) {
    let (rest, separator) = match name.strip_prefix("LLMDBENCH_") {
        Some(rest) => (
            rest.replace("TENSOR_PARALLELISM", "TP")
                .replace("DATA_PARALLELISM", "DP"),
            '_',
        ),
        None => (
            name.replace("parallelism.tensor", "tp")
                .replace("parallelism.data", "dp")
                .replace("tensorParallelism", "tp"),
            '.',
        ),
    };
    (rest.split(separator).map(str::to_lowercase).collect(), separator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Level;

    fn treatment(name: &str, levels: &[(&str, &str)]) -> TreatmentInfo {
        TreatmentInfo {
            name: name.to_owned(),
            levels: levels
                .iter()
                .map(|(factor, value)| Level {
                    factor: (*factor).to_owned(),
                    value: (*value).to_owned(),
                })
                .collect(),
            fingerprint: String::new(),
        }
    }

    #[test]
    fn names_are_as_short_as_they_can_be() {
        let names = short_names(&[
            "LLMDBENCH_DEPLOY_METHODS",
            "LLMDBENCH_VLLM_COMMON_REPLICAS",
            "LLMDBENCH_VLLM_COMMON_TENSOR_PARALLELISM",
            "LLMDBENCH_VLLM_MODELSERVICE_PREFILL_REPLICAS",
            "LLMDBENCH_VLLM_MODELSERVICE_PREFILL_TENSOR_PARALLELISM",
        ]);
        assert_eq!(
            names,
            [
                "methods",
                "common_replicas",
                "common_tp",
                "prefill_replicas",
                "prefill_tp"
            ]
        );
        assert_eq!(
            short_names(&[
                "decode.parallelism.tensor",
                "prefill.parallelism.tensor",
                "max-concurrency"
            ]),
            ["decode.tp", "prefill.tp", "max-concurrency"]
        );
        assert_eq!(short_names(&["a", "x.a"]), ["a", "x.a"]);
        assert_eq!(
            ["prefill_tp", "common_replicas", "methods", "", "é.übung"].map(tiny),
            ["ptp", "cr", "met", "", "éü"]
        );
    }

    #[test]
    fn only_factors_that_vary_are_shown() {
        let side = Side::of(&[
            treatment("one", &[("model", "m"), ("rate", "1"), ("extra", "x")]),
            treatment("two", &[("model", "m"), ("rate", "10")]),
        ]);
        let shown: Vec<_> = side
            .factors
            .iter()
            .map(|factor| (factor.short.as_str(), factor.width))
            .collect();
        assert_eq!(shown, [("rate", 2), ("extra", 1)]);
        assert!(!side.sparse);
        assert_eq!(described(&treatment("two", &[("rate", "10")]), &side), "rate=10");
        assert_eq!(
            abridged(
                &treatment("two", &[("rate", "10000"), ("extra", "standalone")]),
                &side
            ),
            "10000 sta"
        );
        assert_eq!(joined(&treatment("two", &[("rate", "10")]), &side, "-"), "10/-");
        assert_eq!(joined(&treatment("two", &[]), &Side::default(), "-"), "two");
    }
}
