//! The rows of a section: its treatments as listed, or the full factorial of its levels.

use super::Factor;
use crate::diagnostic::{Finding, Findings, Span};
use crate::experiment::levels::{self, Entry};
use crate::experiment::load::MOST_TREATMENTS;
use crate::experiment::parameter::Side;
use crate::yaml::Node;

/// One row of values, one for each factor.
pub(super) struct Row<'n> {
    /// The map's key, where treatments are a map.
    pub(super) name: Option<&'n Node>,
    /// The comma-separated text, of which a name is made where there is none.
    pub(super) text: String,
    pub(super) values: Vec<Entry>,
    pub(super) span: Span,
}

/// The rows of the section: its treatments, else the full factorial of its levels, else one row for its constants.
pub(super) fn rows<'n>(
    section: &'n Node,
    key: &Node,
    side: Side,
    factors: &[Factor],
    findings: &mut Findings,
) -> Option<Vec<Row<'n>>> {
    let treatments = section.get("treatments").filter(|node| !node.is_null());
    let listed: Option<Vec<(Option<&Node>, &Node)>> = match treatments {
        None => Some(Vec::new()),
        Some(node) => match (node.items(), node.pairs()) {
            (Some(items), _) => Some(items.iter().map(|item| (None, item)).collect()),
            (_, Some(pairs)) => Some(pairs.iter().map(|(name, value)| (Some(name), value)).collect()),
            (None, None) => {
                let message = format!(
                    "`treatments` must be a list of texts with commas, and is {}",
                    node.kind_name()
                );
                findings
                    .push(Finding::error(node.span, message).with_help("write each treatment after `- `"));
                None
            }
        },
    };
    let listed = listed?;
    if !listed.is_empty() {
        if factors.is_empty() {
            let finding = Finding::error(
                key.span,
                format!("`{}` has treatments but no factors", side.word()),
            );
            findings.push(finding.with_help("list the factors, in the order of the values"));
            return None;
        }
        if listed.len() > MOST_TREATMENTS {
            let at = treatments.map_or(key.span, |node| node.span);
            findings.push(too_many(at, &listed.len().to_string(), side));
            return None;
        }
        return Some(
            listed
                .into_iter()
                .filter_map(|(name, node)| row(name, node, factors, findings))
                .collect(),
        );
    }
    if factors.iter().any(|factor| factor.levels.is_some()) {
        return full_factorial(section, key, side, factors, findings);
    }
    if factors.is_empty()
        && treatments.is_none()
        && section.get("constants").is_some_and(|node| !node.is_null())
    {
        let span = key.span;
        return Some(vec![Row {
            name: None,
            text: String::new(),
            values: Vec::new(),
            span,
        }]);
    }
    let at = treatments.map_or(key.span, |node| node.span);
    let what = if treatments.is_some() {
        "the treatments are empty"
    } else {
        "there are no treatments"
    };
    findings.push(
        Finding::error(
            at,
            format!("{what}, and no levels to make them of (in `{}`)", side.word()),
        )
        .with_help("list the treatments, or give every factor levels for a full factorial"),
    );
    None
}

fn row<'n>(
    name: Option<&'n Node>,
    node: &Node,
    factors: &[Factor],
    findings: &mut Findings,
) -> Option<Row<'n>> {
    let Some(text) = node.raw() else {
        let message = format!(
            "a treatment must be a text with commas, and this is {}",
            node.kind_name()
        );
        findings.push(
            Finding::error(node.span, message)
                .with_help("write one value per factor, such as \"modelservice,2\""),
        );
        return None;
    };
    let values = levels::split(node);
    if text.trim().is_empty() || values.len() != factors.len() {
        let count = if text.trim().is_empty() { 0 } else { values.len() };
        let plural = |n: usize, word: &str| {
            if n == 1 {
                format!("{n} {word}")
            } else {
                format!("{n} {word}s")
            }
        };
        let message = format!(
            "{} for {}",
            plural(count, "value"),
            plural(factors.len(), "factor")
        );
        let names: Vec<&str> = factors.iter().map(|factor| factor.name.as_str()).collect();
        let help = format!(
            "give one value for each of {}; NA where one does not apply",
            names.join(", ")
        );
        findings.push(Finding::error(node.span, message).with_help(help));
        return None;
    }
    Some(Row {
        name,
        text: text.to_owned(),
        values,
        span: node.span,
    })
}

fn full_factorial<'n>(
    section: &Node,
    key: &Node,
    side: Side,
    factors: &[Factor],
    findings: &mut Findings,
) -> Option<Vec<Row<'n>>> {
    let span = section.get("levels").map_or(key.span, |node| node.span);
    let mut missing = false;
    for factor in factors.iter().filter(|factor| {
        factor
            .levels
            .as_ref()
            .is_none_or(|levels| levels.entries.is_empty())
    }) {
        missing = true;
        let message = format!("`{}` has no levels, and there are no treatments", factor.name);
        findings
            .push(Finding::error(factor.span, message).with_help("give its levels, or list the treatments"));
    }
    if missing {
        return None;
    }
    let lists: Vec<&Vec<Entry>> = factors
        .iter()
        .filter_map(|factor| Some(&factor.levels.as_ref()?.entries))
        .collect();
    let count = lists
        .iter()
        .try_fold(1usize, |product, list| product.checked_mul(list.len()));
    let Some(count) = count.filter(|count| *count <= MOST_TREATMENTS) else {
        let words = count.map_or("more than can be counted".to_owned(), |count| count.to_string());
        findings.push(too_many(span, &words, side));
        return None;
    };
    let rows = (0..count).map(|number| {
        // The last factor changes fastest, as the digits of a number do.
        let mut rest = number;
        let mut values: Vec<Entry> = lists
            .iter()
            .rev()
            .filter_map(|list| {
                let entry = list.get(rest % list.len()).cloned();
                rest /= list.len();
                entry
            })
            .collect();
        values.reverse();
        let texts: Vec<&str> = values.iter().map(|entry| entry.text.as_str()).collect();
        Row {
            name: None,
            text: texts.join(","),
            values,
            span,
        }
    });
    Some(rows.collect())
}

fn too_many(span: Span, count: &str, side: Side) -> Finding {
    Finding::error(
        span,
        format!(
            "{count} treatments in `{}`; at most {MOST_TREATMENTS} are possible",
            side.word()
        ),
    )
    .with_help("list the treatments that matter, or take levels away")
}
