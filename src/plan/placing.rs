//! Where to point at when a config cannot be deployed: at the treatment that asks for it, at the value, or at the stack.

use super::merge::get;
use super::remark::Remark;
use super::resolve::Problem;
use super::sweep::SweepPlan;
use crate::diagnostic::Span;
use crate::experiment::{SetupTreatment, parse_path};
use serde_json::Value;

/// What a problem is about.
pub(super) struct Subject<'a> {
    pub(super) plan: &'a SweepPlan,
    pub(super) treatment: &'a SetupTreatment,
    pub(super) stack: &'a str,
}

impl Subject<'_> {
    /// The remark about a problem. One that is `general` is there without the treatment as well.
    pub(super) fn of(&self, problem: Problem, general: bool) -> Remark {
        let mut remark = problem.remark;
        if remark.document.is_some() {
            return remark;
        }
        if self.plan.stacks.len() > 1 {
            remark.finding.message = format!("stack {}: {}", self.stack, remark.finding.message);
        }
        let file = &self.plan.experiment_file;
        if general || file.text.is_empty() {
            return self.in_scenario(remark, problem.key.as_deref());
        }
        let message = format!(
            "setup treatment {}: {}",
            self.treatment.name, remark.finding.message
        );
        remark.finding.message = message;
        remark.finding.span = self.treatment.span;
        remark.document = Some(file.clone());
        remark
    }

    /// At the value of `key`, if it stands in a file. What a flag says is told with the flag.
    fn in_scenario(&self, mut remark: Remark, key: Option<&str>) -> Remark {
        let plan = self.plan;
        let Some(key) = key else {
            return remark;
        };
        let history = plan.history(&self.treatment.name, &self.treatment.overrides, self.stack);
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
}

/// The key that a message begins with, if the config has it.
pub(super) fn key_in(config: &Value, message: &str) -> Option<String> {
    let word = message.split_whitespace().next()?.trim_end_matches(':');
    let path: Vec<&str> = word.split('.').collect();
    get(config, &path).map(|_| word.to_owned())
}
