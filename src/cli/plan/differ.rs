//! `plan --diff A B`: how two setup treatments, or two stacks, differ.

use super::super::exit::{self, Exit};
use super::super::output::{colored, say_data};
use super::super::planning;
use super::{Format, in_one_line, print_json};
use crate::experiment::did_you_mean;
use crate::plan::{Change, RenderedStack, SetupPlan, SweepPlan};
use crate::text::sanitize;
use crate::yaml;
use serde::Serialize;
use serde_json::Value;
use std::io;

/// Bytes of a value that is told on one line.
const WIDE: usize = 100;
/// Lines of a value that are told.
const MOST_LINES: usize = 20;

#[derive(Debug, Serialize)]
struct Differences<'a> {
    before: &'a str,
    after: &'a str,
    changes: Vec<Told>,
}

/// A value that differs.
#[derive(Debug, Serialize)]
struct Told {
    stack: String,
    /// `config.yaml`, or a rendered file.
    file: String,
    path: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// Tell how `a` and `b` differ: two setup treatments, or where the plan has none of these names, two stacks.
pub(super) fn run(plan: &SweepPlan, a: &str, b: &str, format: Format) -> Result<(), Exit> {
    let pairs = pairs(plan, a, b)?;
    let mut changes = Vec::new();
    for (before, after) in &pairs {
        changes.extend(of_stacks(before, after));
    }
    let differences = Differences {
        before: a,
        after: b,
        changes,
    };
    match format {
        Format::Json => print_json(&differences),
        Format::Text => {
            let several = pairs.len() > 1;
            say_data(text(&differences, several, colored(&io::stdout())).trim_end())
        }
    }
}

/// The stacks to compare.
fn pairs(plan: &SweepPlan, a: &str, b: &str) -> Result<Vec<(RenderedStack, RenderedStack)>, Exit> {
    let setup = |name: &str| plan.setups.iter().find(|setup| setup.name == name);
    if let (Some(a), Some(b)) = (setup(a), setup(b)) {
        let rendered = planning::rendered(plan, &[a, b])?;
        let mut rendered = rendered.into_iter().map(|setup| setup.stacks);
        let (a, b) = (
            rendered.next().unwrap_or_default(),
            rendered.next().unwrap_or_default(),
        );
        return Ok(a.into_iter().zip(b).collect());
    }
    let setups: Vec<&SetupPlan> = plan.setups.iter().collect();
    let stacks = plan.stacks();
    if let ([only], true, true) = (setups.as_slice(), stacks.contains(&a), stacks.contains(&b)) {
        let rendered = planning::rendered(plan, &[only])?;
        let find = |name: &str| {
            rendered
                .iter()
                .flat_map(|setup| &setup.stacks)
                .find(|stack| stack.name == name)
        };
        return Ok(find(a).cloned().zip(find(b).cloned()).into_iter().collect());
    }
    let names: Vec<&str> = if setups.len() > 1 || stacks.len() == 1 {
        setups.iter().map(|setup| setup.name.as_str()).collect()
    } else {
        stacks
    };
    let missing = if names.contains(&a) { b } else { a };
    let hint = did_you_mean(missing, names.iter().copied()).map(|hint| format!("\n{hint}"));
    let shown: Vec<&str> = names.iter().take(20).copied().collect();
    Err(Exit::new(
        exit::USAGE,
        format!(
            "--diff: there is no setup treatment or stack {missing}{}\nthere are {}",
            hint.unwrap_or_default(),
            shown.join(", ")
        ),
    ))
}

fn of_stacks(before: &RenderedStack, after: &RenderedStack) -> Vec<Told> {
    let told = |(file, changes): (String, Vec<Change>)| {
        let stack = before.name.clone();
        changes.into_iter().map(move |change| Told {
            stack: stack.clone(),
            file: file.clone(),
            path: change.path,
            before: change.before,
            after: change.after,
        })
    };
    before.differences(after).into_iter().flat_map(told).collect()
}

fn text(differences: &Differences, several: bool, color: bool) -> String {
    let Differences {
        before,
        after,
        changes,
    } = differences;
    if changes.is_empty() {
        return format!("no difference: {before} and {after} deploy the same");
    }
    let (minus, plus, bold, off) = if color {
        ("\x1b[31m", "\x1b[32m", "\x1b[1m", "\x1b[0m")
    } else {
        ("", "", "", "")
    };
    let mut lines = vec![
        format!("--- {}", sanitize(before)),
        format!("+++ {}", sanitize(after)),
    ];
    let mut place = String::new();
    for change in changes {
        let now = if several {
            format!("{}/{}", change.stack, change.file)
        } else {
            change.file.clone()
        };
        if now != place {
            lines.push(format!("\n{bold}{}{off}", sanitize(&now)));
            place = now;
        }
        lines.push(format!("  {}", sanitize(&change.path)));
        for (sign, style, value) in [("-", minus, &change.before), ("+", plus, &change.after)] {
            let shown = value.as_ref().map(shown).unwrap_or_default();
            lines.extend(
                shown
                    .iter()
                    .map(|line| format!("    {style}{sign} {}{off}", sanitize(line))),
            );
        }
    }
    lines.join("\n")
}

/// A value on one line where that can be read, else as the YAML it is, up to a bound.
fn shown(value: &Value) -> Vec<String> {
    let line = in_one_line(value);
    if line.len() <= WIDE && !matches!(value, Value::String(text) if text.contains('\n')) {
        return vec![line];
    }
    let text = match value {
        Value::String(text) => text.clone(),
        value => yaml::to_string(value),
    };
    let all: Vec<&str> = text.lines().collect();
    let mut lines: Vec<String> = all
        .iter()
        .take(MOST_LINES)
        .map(|line| (*line).to_owned())
        .collect();
    if all.len() > MOST_LINES {
        lines.push(format!("… {} more lines", all.len() - MOST_LINES));
    }
    lines
}
