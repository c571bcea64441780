//! The load of a rehearsal whose scenario asks for one that cannot be generated on this machine.
//!
//! Scenarios for clusters name harnesses that are containers, and workloads of recorded traces. What is rehearsed is the
//! stack; so where nobody asked for a load in particular, a small one of ours takes the place.

use crate::harness;
use crate::phase;
use crate::plan::{self, Remark, Request};

/// The profile that any stack can take.
const PROFILE: &str = "quickstart";

/// Let the built-in load generator stand in, where the scenario's own load cannot be generated; returns what to say
/// about it. What flags or the experiment ask for stays as it is.
pub(super) fn stand_in(request: &mut Request) -> Option<Remark> {
    let experiment = &request.design.experiment;
    let asked = request.harness.is_some()
        || request.workload.is_some()
        || experiment.harness.is_some()
        || experiment.profile.is_some()
        || request.design.runs.iter().any(|run| run.profile.is_some());
    if asked {
        return None;
    }
    let mut one = request.clone();
    // Rows differ in what is deployed, not in the load.
    one.design.setups.truncate(1);
    let plan = plan::make(&one).ok().filter(|plan| plan.simulated)?;
    let failures = harness::missing_tool(&plan.harness).into_iter();
    let reason = failures.chain(phase::unreadable_profiles(&plan)).next()?.reason;
    one.harness = Some(harness::BUILTIN.to_owned());
    one.workload = Some(PROFILE.to_owned());
    // Treatments that vary the scenario's own workload fit no other.
    plan::make(&one).ok()?;
    request.harness = one.harness;
    request.workload = one.workload;
    Some(
        Remark::warning(format!(
            "rehearsal: {PROFILE} stands in for the scenario's own load, {} of {}: {reason}",
            plan.profile, plan.profile_harness
        ))
        .with_help("-l and -w choose another one"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{self, Source};

    fn request(harness: &str, profile: &str, text: &str) -> Request {
        let source = Source {
            name: "mine.yaml".to_owned(),
            stem: "mine".to_owned(),
            path: None,
            text: text.as_bytes().to_vec(),
        };
        let design = experiment::load(&source).design.unwrap();
        let mut request = Request::new("local", source, design);
        request.set = vec![format!(
            "harness.name={harness},harness.experimentProfile={profile}"
        )];
        request
    }

    const ONE: &str = "treatments: [{name: only}]\n";

    #[test]
    fn a_load_that_cannot_be_generated_gives_way_to_a_small_one() {
        let mut traces = request("inference-perf", "shared_prefix_multi_turn_chat", ONE);
        let told = stand_in(&mut traces).unwrap().render(false);
        assert!(told.contains("quickstart stands in"), "{told}");
        assert!(told.contains("enable_multi_turn_chat"), "{told}");
        assert_eq!(traces.workload.as_deref(), Some("quickstart"));
        assert!(plan::make(&traces).is_ok());
    }

    #[test]
    fn what_can_be_generated_or_was_asked_for_stays() {
        let mut fine = request("inference-perf", "sanity_random", ONE);
        assert!(stand_in(&mut fine).is_none());
        let mut asked = request("inference-perf", "shared_prefix_multi_turn_chat", ONE);
        asked.workload = Some("shared_prefix_multi_turn_chat".to_owned());
        assert!(stand_in(&mut asked).is_none());
        let varied = "treatments: [{name: only, data.shared_prefix.num_groups: 3}]\n";
        let mut varied = request("inference-perf", "shared_prefix_multi_turn_chat", varied);
        assert!(stand_in(&mut varied).is_none());
        assert_eq!(varied.harness, None);
    }
}
