//! Rules that the comparison with the reference does not reach, or where we differ from it.

use crate::experiment::{self, Source};
use crate::plan::testing::BaseDirOnDisk;
use crate::plan::{PlanError, PlatformKind, Request, Resolved, SweepPlan, make};
use serde_json::{Value, json};

const DEFAULTS: &str = "
namespace: {name: auto}
gateway: {namespace: auto, className: istio}
model: {name: org/base}
huggingface: {token: '', tokenBase64: '', enabled: false}
downloadJob: {name: download-model}
accelerator: {resource: auto, profile: ''}
chartVersions: {infra: auto}
images: {benchmark: {repository: r, tag: t}, other: {repository: o, tag: auto}}
modelservice: {enabled: true}
standalone: {enabled: false}
nok8s: {enabled: false}
decode: {replicas: 1, parallelism: {tensor: 1}, acceleratorType: {labelValue: auto}}
prefill: {enabled: false, replicas: 0}
";

const TWO: &str = "
scenario:
  - {name: one, model: {name: org/one}}
  - {name: two b, model: {name: org/two}, decode: {replicas: 2}}
";

fn made(scenario: &str, change: impl FnOnce(&mut Request)) -> Result<SweepPlan, PlanError> {
    let folder = BaseDirOnDisk::new(DEFAULTS, scenario);
    let mut request = Request::without_experiment("mine");
    request.base_dir = Some(folder.path());
    request.platform = PlatformKind::Kubernetes;
    change(&mut request);
    make(&request)
}

fn resolved(scenario: &str, stack: &str, change: impl FnOnce(&mut Request)) -> Resolved {
    let plan = made(scenario, change).unwrap_or_else(|error| panic!("{error}"));
    plan.resolved(&plan.setups[0], stack)
}

fn value<'a>(resolved: &'a Resolved, pointer: &str) -> &'a Value {
    resolved
        .config
        .pointer(pointer)
        .unwrap_or_else(|| panic!("{pointer}: {}", resolved.config))
}

fn refused(scenario: &str, change: impl FnOnce(&mut Request)) -> String {
    made(scenario, change).unwrap_err().to_string()
}

#[test]
fn stacks_know_each_other_and_keep_their_names_apart() {
    let plan = made(TWO, |_| {}).unwrap();
    assert_eq!(plan.stacks(), ["one", "two b"]);
    assert!(
        plan.warnings.is_empty(),
        "nothing is measured: {:?}",
        plan.warnings
    );
    let two = plan.resolved(&plan.setups[0], "two b");
    assert_eq!(
        value(&two, "/siblingStacks"),
        &json!([
            {"name": "one", "modelName": "org/one", "standalone": false},
            {"name": "two b", "modelName": "org/two", "standalone": false},
        ])
    );
    assert_eq!(
        (value(&two, "/stackIndex"), value(&two, "/scenarioName")),
        (&json!(2), &json!("mine"))
    );
    let label = value(&two, "/model_id_label").as_str().unwrap();
    assert_eq!(
        value(&two, "/downloadJob/name"),
        &json!(format!("download-model-{label}"))
    );
    assert!(two.config.get("name").is_none());
    assert_eq!(plan.resolved(&plan.setups[0], "three").errors.len(), 1);
}

#[test]
fn a_model_goes_to_the_stack_that_is_named() {
    let both = made(TWO, |request| request.models = Some("org/x".to_owned())).unwrap();
    assert_eq!(both.warnings.len(), 1, "{:?}", both.warnings);
    let one = |name: &str, stack: &str| {
        let plan = made(TWO, |request| {
            request.models = Some("org/x".to_owned());
            request.stack = Some(name.to_owned());
        })
        .unwrap();
        assert_eq!(plan.stacks(), [name]);
        value(&plan.resolved(&plan.setups[0], stack), "/model/name").clone()
    };
    assert_eq!(one("two b", "two b"), "org/x");
    assert_eq!(one("two b", "one"), "org/one");
    let error = refused(TWO, |request| request.stack = Some("one,three".to_owned()));
    assert!(
        error.contains("--stack: there is no stack three") && error.contains("one, two b"),
        "{error}"
    );
}

#[test]
fn a_token_is_a_sentinel_wherever_it_comes_from() {
    let written = resolved(
        "scenario: [{name: one, huggingface: {token: hf_abcdefghijkl}}]",
        "one",
        |_| {},
    );
    let environment = resolved(TWO, "one", |request| request.hugging_face_token = true);
    for resolved in [written, environment] {
        assert_eq!(
            value(&resolved, "/huggingface"),
            &json!({"token": "REPLACE_TOKEN", "tokenBase64": "UkVQTEFDRV9UT0tFTg==", "enabled": true})
        );
        assert_eq!(value(&resolved, "/router/epp/env/0/name"), "HF_TOKEN");
    }
    let none = resolved(TWO, "one", |_| {});
    assert_eq!(
        value(&none, "/huggingface"),
        &json!({"token": "", "tokenBase64": "", "enabled": false})
    );
}

#[test]
fn what_nobody_has_answered_is_listed() {
    let open = resolved(TWO, "one", |_| {});
    let paths: Vec<&str> = open.unresolved.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "accelerator.resource",
            "decode.acceleratorType.labelValue",
            "images.other.tag",
            "chartVersions.infra"
        ]
    );
    assert_eq!(value(&open, "/accelerator/resource"), "nvidia.com/gpu");
    let answered = resolved(TWO, "one", |request| {
        request.versions = [("chartVersions.infra".to_owned(), "v1.2".to_owned())].into();
    });
    assert_eq!(value(&answered, "/chartVersions/infra"), "v1.2");
    assert_eq!(answered.unresolved.len(), 3);
    let nok8s = resolved(TWO, "one", |request| {
        request.methods = Some("nok8s".to_owned());
        request.stack = Some("one".to_owned());
    });
    assert_eq!(
        value(&nok8s, "/accelerator/resource"),
        "auto",
        "there is no cluster to ask"
    );
}

#[test]
fn the_gateway_follows_a_namespace_that_the_scenario_names() {
    let resolved = resolved("scenario: [{name: one, namespace: {name: mine}}]", "one", |_| {});
    assert_eq!(value(&resolved, "/gateway/namespace"), "mine");
}

#[test]
fn init_containers_have_the_image_of_their_key() {
    let resolved = resolved(
        "scenario: [{name: one, decode: {initContainers: [{name: a, imageKey: other}, {name: b}, {name: c, image: x}, 3]}}]",
        "one",
        |_| {},
    );
    let images: Vec<Option<&str>> = value(&resolved, "/decode/initContainers")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.get("image").and_then(Value::as_str))
        .collect();
    assert_eq!(images, [Some("o:auto"), Some("r:t"), Some("x"), None]);
}

#[test]
fn what_stacks_of_one_host_claim_is_told_with_both() {
    let scenario = "
scenario:
  - {name: a b, nok8s: {enabled: true, vllm: {hostPort: 8000, replicas: 2}}, modelservice: {enabled: false}}
  - {name: a/b, nok8s: {enabled: true, vllm: {hostPort: 8001}, nameSuffix: -a-b}, modelservice: {enabled: false}}
";
    let error = refused(&scenario.replace("a/b", "a?b"), |_| {});
    for part in [
        "stack a?b: the container vllm-0-a-b is stack a b's already",
        "stack a?b: port 8001 (nok8s.vllm.hostPort) is stack a b's (nok8s.vllm.hostPort) already",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(refused(scenario, |_| {}).contains("cannot name a folder"));
}

#[test]
fn a_preset_that_is_not_there_is_refused_at_its_place() {
    let scenario = "scenario:\n  - name: one\n    resourcePreset: hug\n    resourcePresets: {huge: {}}\n";
    let error = refused(scenario, |_| {});
    assert!(
        error.contains("mine.yaml:3:5") && error.contains("did you mean `huge`?"),
        "{error}"
    );
}

#[test]
fn references_are_replaced_once_and_in_order() {
    let resolved = resolved(
        "scenario: [{name: one, a: {x: '${b.y} ${decode.replicas}', y: '${model.name}'}, b: {y: '${a.y}', z: '${a.y} ${no.such} ${HOME}'}}]",
        "one",
        |_| {},
    );
    assert_eq!(
        value(&resolved, "/a/x"),
        "${a.y} 1",
        "what comes later is taken as it is written"
    );
    assert_eq!(value(&resolved, "/b/z"), "org/base ${no.such} ${HOME}");
    assert_eq!(resolved.warnings.len(), 1, "{:?}", resolved.warnings);
}

#[test]
fn numbers_are_printed_as_python_prints_them() {
    for (value, text) in [
        (json!(1), "1"),
        (json!(1.0), "1.0"),
        (json!(0.95), "0.95"),
        (json!(1e-5), "1e-05"),
        (json!(1e16), "1e+16"),
        (json!(-1.5e300), "-1.5e+300"),
        (json!(0.0001), "0.0001"),
        (json!(123_456_789_012_345.0), "123456789012345.0"),
        (json!(true), "True"),
    ] {
        assert_eq!(super::super::references::printed(&value), text);
    }
}

/// With two setup treatments, one of them without decode servers.
fn with_treatments(request: &mut Request) {
    let text =
        "setup:\n  treatments:\n    - {name: a, decode.replicas: 2}\n    - {name: b, decode.replicas: 0}\n";
    let source = Source {
        name: "mine.yaml".to_owned(),
        stem: "mine".to_owned(),
        path: None,
        text: text.as_bytes().to_vec(),
    };
    request.design = experiment::load(&source).design.unwrap();
    request.source = source;
}

/// A scenario that cannot be deployed is told of once, and not once for each treatment.
#[test]
fn what_is_wrong_without_any_treatment_is_said_once() {
    for (scenario, message) in [
        ("scenario: [{name: one, router: 3}]", "router must be a map"),
        (
            "scenario: [{name: one, modelservice: {enabled: false}}]",
            "no deploy method is enabled",
        ),
        (
            "scenario: [{name: one, nok8s: {enabled: true, vllm: {hostPort: 0}}}]",
            "from 1 to 65535",
        ),
    ] {
        let error = refused(scenario, with_treatments);
        assert_eq!(error.matches(message).count(), 1, "{error}");
        assert!(!error.contains("setup treatment"), "{error}");
    }
    let error = refused(
        "scenario: [{name: one, gateway: {className: none}}]",
        with_treatments,
    );
    let told = "setup treatment b: gateway.className: none needs at least one decode";
    assert!(error.contains(told) && error.contains("mine.yaml:4:"), "{error}");
}
