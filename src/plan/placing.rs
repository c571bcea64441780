//! Where to point at when a config cannot be deployed: at the treatment that asks for it, at the value, or at the stack.

use super::merge::get;
use super::remark::Remark;
use super::resolve::Problem;
use super::sweep::SweepPlan;
use crate::diagnostic::Span;
use crate::experiment::{SetupTreatment, parse_path};
use serde_json::Value;

/// The remark about a problem of a stack: of a treatment in the experiment file, else of the scenario.
pub(super) fn remark(
    plan: &SweepPlan,
    treatment: Option<&SetupTreatment>,
    stack: &str,
    problem: Problem,
) -> Remark {
    let mut remark = problem.remark;
    if remark.document.is_some() {
        return remark;
    }
    if plan.stacks.len() > 1 {
        remark.finding.message = format!("stack {stack}: {}", remark.finding.message);
    }
    let file = &plan.experiment_file;
    match (treatment, problem.key) {
        (Some(treatment), _) if !file.text.is_empty() => {
            let message = format!("setup treatment {}: {}", treatment.name, remark.finding.message);
            remark.finding.message = message;
            remark.finding.span = treatment.span;
            remark.document = Some(file.clone());
            remark
        }
        (_, Some(key)) => at_value(plan, stack, &key, remark),
        (_, None) => remark,
    }
}

/// The remark at the value of `key`, if it stands in a file. What a flag says is told with the flag.
fn at_value(plan: &SweepPlan, stack: &str, key: &str, mut remark: Remark) -> Remark {
    let history = plan.history("", &[], stack);
    let place = history.of(&parse_path(key)).pop().and_then(|origin| origin.place);
    if let Some(place) = place
        && let Some(document) = plan.document(&place.file)
    {
        remark.finding.span = Span {
            line: place.line,
            column: place.column,
            width: 1,
        };
        remark.document = Some(document.clone());
    }
    remark
}

/// The key that a message begins with, if the config has it.
pub(super) fn key_in(config: &Value, message: &str) -> Option<String> {
    let word = message.split_whitespace().next()?.trim_end_matches(':');
    let path: Vec<&str> = word.split('.').collect();
    get(config, &path).map(|_| word.to_owned())
}
