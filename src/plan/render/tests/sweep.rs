//! Plans of whole sweeps.

use super::*;
use crate::experiment::{self, Source};
use crate::plan::{PlanError, Request, SweepPlan, make};
use std::fmt::Write as _;

/// A plan with as many setup treatments, which differ in how many decode servers they have.
fn sweep(spec: &str, setups: usize) -> SweepPlan {
    let mut text =
        String::from("experiment: {harness: builtin, profile: sanity_random}\nsetup:\n  treatments:\n");
    for count in 1..=setups {
        writeln!(text, "    - {{name: d{count}, decode.replicas: {count}}}").unwrap();
    }
    text.push_str("treatments:\n  - {name: few, num-prompts: 4}\n");
    let source = Source {
        name: "many.yaml".to_owned(),
        stem: "many".to_owned(),
        path: None,
        text: text.into_bytes(),
    };
    let loaded = experiment::load(&source);
    let design = loaded.design.unwrap_or_else(|| panic!("{:?}", loaded.findings));
    make(&Request::new(spec, source, design)).unwrap_or_else(|error| panic!("{error}"))
}

fn all(plan: &SweepPlan, templates: &Templates) -> Result<Vec<RenderedSetup>, PlanError> {
    plan.render_with(templates, &plan.setups.iter().collect::<Vec<_>>())
}

#[test]
fn a_sweep_renders_again_only_what_its_factor_touches() {
    let plan = sweep("pd-disaggregation", 20);
    let templates = Templates::load(&plan.spec).unwrap();
    let rendered = all(&plan, &templates).unwrap();
    assert_eq!(rendered.len(), 20);
    let touched = rendered[0].stacks[0]
        .files
        .iter()
        .zip(&rendered[1].stacks[0].files)
        .filter(|(a, b)| a.text != b.text)
        .count();
    assert!(touched > 0);
    assert_eq!(templates.renderings(), templates.all.len() + 19 * touched);
}
