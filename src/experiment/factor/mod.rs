//! The factor dialect: factors, levels and comma-separated treatments.

mod rows;
mod sections;

use super::conflicts::Conflicts;
use super::design::Level;
use super::levels::{self, Entry};
use super::load::report_unknown_keys;
use super::names::{Names, is_safe_name, plain_name};
use super::parameter::{Assignment, Parameter, Side, Treatment, translate};
use crate::diagnostic::{Finding, Findings, Span};
use crate::yaml::Node;
use rows::{Row, rows};
use sections::{read_constants, read_factors, read_levels};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Keys of a section.
pub(super) const KEYS: [&str; 4] = ["factors", "levels", "treatments", "constants"];

struct Factor {
    name: String,
    span: Span,
    /// `None` where the name is wrong, which is reported already.
    parameter: Option<Parameter>,
    /// `None` where the file gives none.
    levels: Option<Levels>,
}

/// The levels of one factor.
struct Levels {
    entries: Vec<Entry>,
    texts: HashSet<String>,
}

impl Levels {
    fn new(entries: Vec<Entry>) -> Self {
        let texts = entries.iter().map(|entry| entry.text.clone()).collect();
        Self { entries, texts }
    }
}

struct Constant {
    name: String,
    parameter: Parameter,
    text: String,
    value: Value,
    span: Span,
}

/// The treatments of one section; empty where something is wrong with it, which is reported.
pub(super) fn read(section: &Node, key: &Node, side: Side, findings: &mut Findings) -> Vec<Treatment> {
    let Some(pairs) = section.pairs() else {
        let message = format!("`{}` must be a map, and is {}", side.word(), section.kind_name());
        findings.push(
            Finding::error(section.span, message).with_help(format!("its keys are {}", KEYS.join(", "))),
        );
        return Vec::new();
    };
    report_unknown_keys(pairs, &KEYS, side.word(), findings);
    let mut factors = read_factors(section, side, findings);
    read_levels(section, &mut factors, findings);
    let constants = read_constants(section, side, &factors, findings);
    let Some(rows) = rows(section, key, side, &factors, findings) else {
        return Vec::new();
    };
    let mut builder = Builder {
        side,
        factors: &factors,
        constants: &constants,
        conflicts: Conflicts::of_factors(),
        names: Names::default(),
        seen: HashMap::new(),
    };
    rows.iter().map(|row| builder.treatment(row, findings)).collect()
}

/// Makes treatments of rows, one after another.
struct Builder<'a> {
    side: Side,
    factors: &'a [Factor],
    constants: &'a [Constant],
    conflicts: Conflicts,
    names: Names,
    /// Rows without names so far, by their values, with the line of the first.
    seen: HashMap<Vec<String>, u32>,
}

impl Builder<'_> {
    fn treatment(&mut self, row: &Row<'_>, findings: &mut Findings) -> Treatment {
        let name = self.name(row, findings);
        let mut assignments: Vec<Assignment<'_>> = self
            .constants
            .iter()
            .map(|constant| Assignment {
                name: &constant.name,
                parameter: &constant.parameter,
                text: &constant.text,
                value: constant.value.clone(),
                span: constant.span,
            })
            .collect();
        let mut levels = Vec::with_capacity(row.values.len());
        for (factor, entry) in self.factors.iter().zip(&row.values) {
            if !is_usable(factor, entry, findings) {
                continue;
            }
            levels.push(Level {
                factor: factor.name.clone(),
                value: entry.text.clone(),
            });
            if let Some(parameter) = &factor.parameter {
                assignments.push(Assignment {
                    name: &factor.name,
                    parameter,
                    text: &entry.text,
                    value: match parameter {
                        Parameter::Old(_) => Value::Null,
                        Parameter::Place(_) => levels::value_of(entry, findings),
                    },
                    span: entry.span,
                });
            }
        }
        let overrides = translate(&assignments, findings);
        self.conflicts.check(&overrides, findings);
        Treatment {
            name,
            profile: None,
            levels,
            overrides,
            span: row.span,
        }
    }

    fn name(&mut self, row: &Row<'_>, findings: &mut Findings) -> String {
        if let Some(node) = row.name {
            let given = node.raw().unwrap_or_default();
            let name = plain_name(given);
            if is_safe_name(given, node.span, findings) {
                self.names.take(&name, node.span, findings);
            }
            return name;
        }
        if row.values.is_empty() {
            return "default".to_owned();
        }
        let values = row.values.iter().map(|entry| entry.text.clone()).collect();
        let line = self.seen.entry(values).or_insert(0);
        if *line == 0 {
            *line = row.span.line;
        } else {
            let message = format!("equal to the treatment in line {line}; it runs as a replicate");
            findings.push(
                Finding::warning(row.span, message)
                    .with_help("give names to keep replicates apart, or remove one"),
            );
        }
        self.names.take_free(
            &plain_name(&format!("{}_{}", self.side.word(), row.text)),
            row.span,
        )
    }
}

/// Whether the factor has a value in this treatment; what is odd about the value is reported.
fn is_usable(factor: &Factor, entry: &Entry, findings: &mut Findings) -> bool {
    if entry.is_not_applicable() {
        return false;
    }
    if entry.text.is_empty() {
        let finding = Finding::error(entry.span, format!("an empty value for `{}`", factor.name));
        findings.push(finding.with_help("write NA to leave the parameter alone"));
        return false;
    }
    if entry
        .text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n'))
    {
        let finding = Finding::error(
            entry.span,
            format!("the value for `{}` holds a control character", factor.name),
        );
        findings.push(finding.with_help("remove it"));
        return false;
    }
    if let Some(levels) = &factor.levels
        && !levels.texts.contains(&entry.text)
    {
        const MOST: usize = 8;
        let known: Vec<&str> = levels
            .entries
            .iter()
            .filter(|level| !level.text.is_empty())
            .take(MOST)
            .map(|level| level.text.as_str())
            .collect();
        let more = if levels.entries.len() > MOST { ", …" } else { "" };
        let message = format!("`{}` is not among the levels of `{}`", entry.text, factor.name);
        findings.push(
            Finding::warning(entry.span, message)
                .with_help(format!("the levels are {}{more}", known.join(", "))),
        );
    }
    true
}
