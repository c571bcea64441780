//! The parts of a section that describe its parameters: factors, levels and constants.

use super::{Constant, Factor, Levels};
use crate::diagnostic::{Finding, Findings, Span};
use crate::experiment::levels;
use crate::experiment::nearest::did_you_mean;
use crate::experiment::parameter::{Parameter, Side, parameter};
use crate::yaml::Node;
use std::collections::{HashMap, HashSet};

pub(super) fn read_factors(section: &Node, side: Side, findings: &mut Findings) -> Vec<Factor> {
    let Some(node) = section.get("factors").filter(|node| !node.is_null()) else {
        return Vec::new();
    };
    let Some(items) = node.items() else {
        let message = format!("`factors` must be a list of names, and is {}", node.kind_name());
        findings
            .push(Finding::error(node.span, message).with_help("write one factor per line, each after `- `"));
        return Vec::new();
    };
    let mut first: HashMap<&str, Span> = HashMap::new();
    let mut factors = Vec::new();
    for item in items {
        let name = item.raw().filter(|_| !item.is_null()).map_or("", str::trim);
        // A wrong factor keeps its place, so that the values of the others are not counted wrong as well.
        let parameter = if item.raw().is_none() {
            let message = format!("a factor must be a name, and this is {}", item.kind_name());
            findings.push(Finding::error(item.span, message).with_help("write the parameter's name"));
            None
        } else if name.is_empty() {
            let finding = Finding::error(item.span, "a factor without a name");
            findings.push(finding.with_help("write the parameter's name"));
            None
        } else {
            if let Some(span) = first.insert(name, item.span) {
                let message = format!("the factor `{name}` is named twice, first in line {}", span.line);
                findings.push(Finding::error(item.span, message).with_help("name each factor once"));
            }
            parameter(name, item.span, side, side == Side::Run, findings)
        };
        factors.push(Factor {
            name: name.to_owned(),
            span: item.span,
            parameter,
            levels: None,
        });
    }
    factors
}

pub(super) fn read_levels(section: &Node, factors: &mut [Factor], findings: &mut Findings) {
    let Some(node) = section.get("levels").filter(|node| !node.is_null()) else {
        return;
    };
    let Some(pairs) = node.pairs() else {
        let message = format!(
            "`levels` must be a map from factor to levels, and is {}",
            node.kind_name()
        );
        findings.push(Finding::error(node.span, message).with_help("write `factor: \"level,level\"`"));
        return;
    };
    let places: HashMap<String, usize> = factors
        .iter()
        .enumerate()
        .map(|(place, factor)| (factor.name.clone(), place))
        .collect();
    for (key, value) in pairs {
        let name = key.raw().unwrap_or_default().trim();
        let Some(factor) = places.get(name).and_then(|place| factors.get_mut(*place)) else {
            let finding = Finding::warning(
                key.span,
                format!("levels of `{name}`, which is not among the factors"),
            );
            findings.push(
                match did_you_mean(name, factors.iter().map(|factor| factor.name.as_str())) {
                    Some(help) => finding.with_help(help),
                    None => finding.with_help("add it to `factors`, or remove its levels"),
                },
            );
            continue;
        };
        if value.is_null() {
            continue;
        }
        let Some(levels) = levels::of_factor(value) else {
            let message = format!("the levels of `{name}` must be a text with commas or a list of values");
            findings.push(Finding::error(value.span, message).with_help("write \"2,4\" or [2, 4]"));
            continue;
        };
        let mut seen = HashSet::new();
        for level in &levels {
            if level.text.is_empty() {
                let finding = Finding::error(level.span, format!("an empty level of `{name}`"));
                findings.push(finding.with_help("remove the comma too many, or write the level"));
            } else if !seen.insert(level.text.as_str()) {
                findings.push(Finding::warning(
                    level.span,
                    format!("the level `{}` of `{name}` is listed twice", level.text),
                ));
            }
        }
        factor.levels = Some(Levels::new(levels));
    }
}

pub(super) fn read_constants(
    section: &Node,
    side: Side,
    factors: &[Factor],
    findings: &mut Findings,
) -> Vec<Constant> {
    let Some(node) = section.get("constants").filter(|node| !node.is_null()) else {
        return Vec::new();
    };
    let wrong_type = |node: &Node| {
        Finding::error(
            node.span,
            format!(
                "constants are names with a value, and this is {}",
                node.kind_name()
            ),
        )
        .with_help("write `- name: value`")
    };
    let mut pairs: Vec<&(Node, Node)> = Vec::new();
    match (node.items(), node.pairs()) {
        (Some(items), _) => {
            for item in items {
                match item.pairs() {
                    Some(inside) => pairs.extend(inside),
                    None => findings.push(wrong_type(item)),
                }
            }
        }
        (None, Some(inside)) => pairs.extend(inside),
        (None, None) => findings.push(wrong_type(node)),
    }
    let mut constants: Vec<Constant> = Vec::new();
    let mut taken: HashMap<&str, (Span, &str)> = factors
        .iter()
        .map(|factor| (factor.name.as_str(), (factor.span, "a factor")))
        .collect();
    for (key, value) in pairs {
        let name = key.raw().unwrap_or_default().trim();
        if let Some((span, what)) = taken.get(name) {
            let message = format!("the constant `{name}` is {what} already, in line {}", span.line);
            findings.push(Finding::error(key.span, message).with_help("keep one of the two"));
            continue;
        }
        taken.insert(name, (key.span, "a constant"));
        let Some(parameter) = parameter(name, key.span, side, side == Side::Run, findings) else {
            continue;
        };
        let text = value.raw().unwrap_or_default();
        if matches!(parameter, Parameter::Old(_)) && value.raw().is_none() {
            let message = format!("`{name}` takes a single value, and this is {}", value.kind_name());
            findings.push(Finding::error(value.span, message).with_help("write the value as text"));
        } else if text != "NA" {
            constants.push(Constant {
                name: name.to_owned(),
                parameter,
                text: text.replace("REPLACE_COMMA", ","),
                value: value.to_value(),
                span: value.span,
            });
        }
    }
    constants
}
