//! `plan --explain KEY`: which layers set a value, where, and what it was before.

use super::super::exit::{self, Exit};
use super::super::output::say_data;
use super::{Format, in_one_line, print_json};
use crate::experiment::{PathSegment, did_you_mean, format_path, parse_path};
use crate::plan::{ConfigLine, Origin, Provenance, SetupPlan, SweepPlan};
use crate::text::sanitize;
use serde::Serialize;
use serde_json::Value;

/// Keys below a map that are explained.
const MOST_KEYS: usize = 200;

/// The history of a value, in the setup treatments where it is the same.
#[derive(Debug, Serialize)]
struct Explanation {
    stack: String,
    setup_treatments: Vec<String>,
    key: String,
    /// In effect; without secrets.
    value: Value,
    /// Oldest first.
    origins: Vec<Told>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Told {
    layer: String,
    /// `scenario.yaml:14:3`, where it stands in a file.
    place: Option<String>,
    value: Value,
}

/// Explain `key` in every setup treatment and stack.
pub(super) fn run(plan: &SweepPlan, key: &str, format: Format) -> Result<(), Exit> {
    let path = parse_path(key);
    let mut found: Vec<Explanation> = Vec::new();
    let mut last = Value::Null;
    for stack in plan.stacks() {
        for setup in &plan.setups {
            let provenance = plan.provenance(setup, stack);
            let config = provenance.config();
            for (path, origins) in keys(&provenance, &config, &path) {
                add(&mut found, stack, setup, &path, &config, &origins);
            }
            last = config;
        }
    }
    if found.is_empty() {
        return Err(unknown(key, &path, &last));
    }
    match format {
        Format::Json => print_json(&found),
        Format::Text => say_data(text(&found, plan).trim_end()),
    }
}

/// The key itself, or all keys below it, each with its history.
fn keys(provenance: &Provenance, config: &Value, path: &[PathSegment]) -> Vec<(String, Vec<Origin>)> {
    let wanted = format_path(path);
    let value = at(config, path);
    let is_leaf = match value {
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        _ => true,
    };
    if is_leaf {
        // Also of a value that a rule took away, which has a history and nothing else.
        let origins = provenance.of(path);
        let known = value.is_some() || !origins.is_empty();
        return if known {
            vec![(wanted, origins)]
        } else {
            Vec::new()
        };
    }
    let below = |line: &ConfigLine| {
        line.path
            .strip_prefix(&wanted)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let lines = provenance.lines();
    let leaves = lines.iter().filter(|line| line.value.is_some() && below(line));
    leaves
        .map(|line| (line.path.clone(), line.origins.clone()))
        .collect()
}

fn add(
    found: &mut Vec<Explanation>,
    stack: &str,
    setup: &SetupPlan,
    key: &str,
    config: &Value,
    origins: &[Origin],
) {
    let origins: Vec<Told> = origins.iter().map(told).collect();
    let value = at(config, &parse_path(key)).cloned().unwrap_or_default();
    // A setup treatment's layer carries its name, so that only those which do not set the key are alike.
    let alike = found
        .iter_mut()
        .find(|one| one.stack == stack && one.key == key && one.value == value && one.origins == origins);
    match alike {
        Some(one) => one.setup_treatments.push(setup.name.clone()),
        None => found.push(Explanation {
            stack: stack.to_owned(),
            setup_treatments: vec![setup.name.clone()],
            key: key.to_owned(),
            value,
            origins,
        }),
    }
}

fn told(origin: &Origin) -> Told {
    let place = origin.place.as_ref();
    Told {
        layer: origin.layer.clone(),
        place: place.map(ToString::to_string),
        value: origin.value.clone(),
    }
}

fn at<'a>(config: &'a Value, path: &[PathSegment]) -> Option<&'a Value> {
    path.iter().try_fold(config, |value, segment| match value {
        Value::Array(list) => list.get(segment.text().parse::<usize>().ok()?),
        value => value.get(segment.text()),
    })
}

fn unknown(key: &str, path: &[PathSegment], config: &Value) -> Exit {
    let mut parent = config;
    let mut hint = None;
    for (depth, segment) in path.iter().enumerate() {
        if let Some(next) = at(parent, std::slice::from_ref(segment)) {
            parent = next;
            continue;
        }
        let names = parent.as_object().into_iter().flat_map(|map| map.keys());
        hint = did_you_mean(segment.text(), names.map(String::as_str)).map(|hint| {
            let above = format_path(path.get(..depth).unwrap_or_default());
            if above.is_empty() {
                hint
            } else {
                format!("{hint} (in {above})")
            }
        });
        break;
    }
    let hint = hint.map(|hint| format!("\n{hint}")).unwrap_or_default();
    Exit::new(exit::USAGE, format!("the config has no key {key}{hint}"))
}

fn text(found: &[Explanation], plan: &SweepPlan) -> String {
    let mut lines: Vec<String> = Vec::new();
    let stacks = plan.stacks().len() > 1;
    for one in found.iter().take(MOST_KEYS) {
        let mut about = Vec::new();
        if stacks {
            about.push(format!("stack {}", one.stack));
        }
        if one.setup_treatments.len() < plan.setups.len() {
            about.push(format!("setup treatment {}", listed(&one.setup_treatments)));
        }
        let about = if about.is_empty() {
            String::new()
        } else {
            format!("   [{}]", about.join(", "))
        };
        lines.push(format!("{}: {}{about}", one.key, in_one_line(&one.value)));
        for (index, origin) in one.origins.iter().enumerate().rev() {
            let place = origin
                .place
                .as_deref()
                .map(|place| format!("  {place}"))
                .unwrap_or_default();
            let mark = if index + 1 == one.origins.len() {
                "set by"
            } else {
                "before"
            };
            lines.push(format!(
                "  {mark}  {:<18} {}{place}",
                origin.layer,
                in_one_line(&origin.value)
            ));
        }
    }
    if found.len() > MOST_KEYS {
        lines.push(format!(
            "… and {} more keys; --format json tells all",
            found.len() - MOST_KEYS
        ));
    }
    lines
        .iter()
        .map(|line| sanitize(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// `a, b, c and 7 more`
fn listed(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
