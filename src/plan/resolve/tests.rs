//! The chain on whole scenarios, and against what the reference makes of its own.

use crate::plan::{BaseDir, Request, make, spec_names};
use serde_json::Value;
use std::path::PathBuf;

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("set {name}"))
        .into()
}

/// The first few places where two values differ, with both sides.
fn differences(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                let path = format!("{path}.{key}");
                match b.get(key) {
                    Some(other) => differences(&path, value, other, found),
                    None => found.push(format!("{path}: ours has {value}, theirs nothing")),
                }
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                found.push(format!("{path}.{key}: theirs has {value}, ours nothing"));
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}.{index}"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{path}: ours {a}, theirs {b}")),
    }
}

/// Every config of a checkout of llm-d-benchmark is as the reference resolves it (`-p ns1 -f -n`).
#[test]
#[ignore = "needs a checkout of llm-d-benchmark and what it rendered"]
fn every_config_of_a_checkout_is_the_references() {
    let checkout = variable("LLMDBENCH_REFERENCE_CHECKOUT");
    let rendered = variable("LLMDBENCH_REFERENCE_RENDERED");
    let mut wrong = Vec::new();
    let mut count = 0;
    for name in spec_names(&BaseDir::external(&checkout).unwrap()) {
        let mut request = Request::without_experiment(&name);
        request.base_dir = Some(checkout.clone());
        request.namespace = Some("ns1".to_owned());
        request.monitoring = Some(true);
        let plan = match make(&request) {
            Ok(plan) => plan,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        for stack in plan.stacks() {
            count += 1;
            let path = rendered.join(&name).join(stack).join("config.yaml");
            let text = std::fs::read_to_string(&path).unwrap();
            let theirs = crate::yaml::from_str(&text).unwrap();
            let ours = plan.resolved(&plan.setups[0], stack).config;
            let mut found = Vec::new();
            differences("", &ours, &theirs, &mut found);
            println!(
                "{:<10} {name}/{stack}",
                if found.is_empty() { "equal" } else { "DIFFERENT" }
            );
            wrong.extend(found.into_iter().map(|one| format!("{name}/{stack}: {one}")));
        }
    }
    println!("{count} configs");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
