//! The chain on whole scenarios.

use crate::plan::merge::set;
use crate::plan::merge::tests::value;
mod rules;

use crate::plan::testing::BaseDirOnDisk;
use crate::plan::{BaseDir, PlanError, PlatformKind, Request, SweepPlan, make, spec_names};
use crate::yaml;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Every section of every scenario, replaced by what is none: told by its name, or taken, and never a panic.
#[test]
fn a_section_of_another_type_is_told_by_its_name() {
    let embedded = BaseDir::embedded();
    let mut refused = 0;
    for spec in spec_names(&embedded) {
        let plan = make(&Request::without_experiment(&spec)).unwrap();
        let defaults = yaml::from_str(&plan.spec.values.text).unwrap();
        let scenario = yaml::from_str(&plan.spec.scenario.text).unwrap();
        let written = scenario["scenario"][0].as_object().unwrap().clone();
        // All known sections once, for the others only what they write themselves.
        let keys: Vec<&String> = if spec == "local" {
            defaults.as_object().unwrap().keys().collect()
        } else {
            written.keys().collect()
        };
        let folder = BaseDirOnDisk::new(&plan.spec.values.text, "");
        for key in keys {
            for bad in ["null", "3", "x", "[]", "{}"] {
                let mut changed = scenario.clone();
                changed["scenario"][0][key] = yaml::from_str(bad).unwrap();
                folder.write("config/scenarios/mine.yaml", &yaml::to_string(&changed));
                let mut request = Request::without_experiment("mine");
                request.base_dir = Some(folder.path());
                request.platform = PlatformKind::Kubernetes;
                if let Err(error) = make(&request) {
                    refused += 1;
                    let text = error.to_string();
                    let named = text.contains(key.as_str()) || text.contains("deploy method");
                    assert!(named, "{spec}: {key}: {bad}: {text}");
                    let placed = text.contains(".yaml:") || text.contains("deploy method");
                    assert!(placed, "{spec}: {key}: {bad}: {text}");
                }
            }
        }
    }
    assert!(refused > 50, "{refused}");
}

/// Every path of a value, with the keys of its maps.
fn paths(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        path.push(key.clone());
        found.push(path.clone());
        paths(value, path, found);
        path.pop();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever stands wherever: a plan or errors, and the same each time.
    #[test]
    fn any_value_anywhere_is_taken_or_told(
        places in prop::collection::vec((any::<prop::sample::Index>(), value()), 1..4),
        flags in 0_u8..32,
    ) {
        let base = LOCAL.as_ref().unwrap();
        let mut stack = json!({"name": "one"});
        let mut sets = Vec::new();
        for (index, value) in &places {
            let path = index.get(&base.paths);
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            set(&mut stack, &keys, value.clone());
            sets.push(format!("{}={value}", path.join(".")));
        }
        let scenario = json!({"scenario": [stack, {"name": "two", "nok8s": {"enabled": flags & 16 != 0}}]});
        base.folder.write("config/scenarios/mine.yaml", &yaml::to_string(&scenario));
        let mut request = Request::without_experiment("mine");
        request.base_dir = Some(base.folder.path());
        request.platform = if flags & 1 == 0 { PlatformKind::Local } else { PlatformKind::Kubernetes };
        request.monitoring = [None, Some(true), Some(false)][usize::from(flags % 3)];
        request.gateway_class = (flags & 2 != 0).then(|| "istio".to_owned());
        request.hugging_face_token = flags & 4 != 0;
        if flags & 8 != 0 {
            request.set = sets;
        }
        let told = |made: Result<SweepPlan, PlanError>| match made {
            Ok(plan) => {
                let stack = plan.resolved(&plan.setups[0], "one");
                let lines = plan.provenance(&plan.setups[0], "one").lines();
                assert!(lines.iter().all(|line| line.value.is_none() || !line.origins.is_empty()));
                stack.config.to_string()
            }
            Err(error) => error.to_string(),
        };
        let first = told(make(&request));
        prop_assert_eq!(first, told(make(&request)));
    }
}

/// The embedded defaults in a base dir on disk, and every path in them.
struct Base {
    folder: BaseDirOnDisk,
    paths: Vec<Vec<String>>,
}

static LOCAL: LazyLock<Option<Base>> = LazyLock::new(|| {
    let plan = make(&Request::without_experiment("local")).ok()?;
    let defaults = yaml::from_str(&plan.spec.values.text).ok()?;
    let mut found = Vec::new();
    paths(&defaults, &mut Vec::new(), &mut found);
    Some(Base {
        folder: BaseDirOnDisk::new(&plan.spec.values.text, ""),
        paths: found,
    })
});
